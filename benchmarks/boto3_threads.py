"""`python boto3_threads.py USER ROLE URL`: what containment.sh does, by boto3 on threads, as one writes it by hand.

Reads at once, writes at once, read-backs at once; then the seal and its read-back. Stands alone: it imports nothing of
this project.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

MINE, CONSOLE = "NHIRevoke", "AWSRevokeOlderSessions"
Calls = list[Callable[[], Any]]


def deny(**condition: Any) -> str:
    """A policy that denies everything, under this condition."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", **condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def older() -> str:
    """Denies every session that began before now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return deny(Condition={"DateLessThan": {"aws:TokenIssueTime": now}})


def contain(user: str, role: str, url: str) -> None:
    """24 calls in five waves."""
    session = boto3.session.Session()
    config = Config(max_pool_connections=16)
    iam: Any = session.client("iam", endpoint_url=url, config=config)
    sts: Any = session.client("sts", endpoint_url=url, config=config)
    of_user, of_role = {"UserName": user}, {"RoleName": role}

    def may_miss(call: Callable[..., Any], **what: str) -> Callable[[], Any]:
        def ask() -> Any:
            try:
                return call(**what)
            except iam.exceptions.NoSuchEntityException:
                return None

        return ask

    with ThreadPoolExecutor(16) as pool:

        def at_once(calls: Calls) -> list[Any]:
            return [each.result() for each in [pool.submit(call) for call in calls]]

        keys = partial(iam.list_access_keys, **of_user)
        mine_of_user = may_miss(iam.get_user_policy, **of_user, PolicyName=MINE)
        mine_of_role = may_miss(iam.get_role_policy, **of_role, PolicyName=MINE)
        login = may_miss(iam.get_login_profile, **of_user)
        found = at_once([
            keys, sts.get_caller_identity, partial(iam.get_user, **of_user), login, mine_of_user,
            may_miss(iam.get_user_policy, **of_user, PolicyName=CONSOLE),
            partial(iam.list_attached_user_policies, **of_user), partial(iam.get_role, **of_role), mine_of_role,
            may_miss(iam.get_role_policy, **of_role, PolicyName=CONSOLE),
            partial(iam.list_attached_role_policies, **of_role),
        ])  # fmt: skip
        ids = [key["AccessKeyId"] for key in found[0]["AccessKeyMetadata"]]
        cut = partial(iam.put_role_policy, **of_role, PolicyName=MINE, PolicyDocument=older())
        at_once([
            partial(iam.put_user_policy, **of_user, PolicyName=MINE, PolicyDocument=deny()), cut,
            *(partial(iam.update_access_key, **of_user, AccessKeyId=key, Status="Inactive") for key in ids),
            partial(iam.delete_login_profile, **of_user),
        ])  # fmt: skip
        at_once([mine_of_user, mine_of_role, keys, login])
        at_once([
            partial(iam.put_user_policy, **of_user, PolicyName=MINE, PolicyDocument=older()),
            partial(iam.put_role_policy, **of_role, PolicyName=MINE, PolicyDocument=older()),
        ])  # fmt: skip
        at_once([mine_of_user, mine_of_role])


if __name__ == "__main__":
    contain(*sys.argv[1:])
