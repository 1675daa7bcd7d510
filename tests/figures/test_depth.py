"""How many requests, one after the other, until every cut and end was seen: the network's part of "minutes"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from tests.figures.containment_depth import Containment, contained, least

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORKER = f"aws:arn:aws:iam::{ACCOUNT}:role/bots/payments-worker"
KEYS, PASSWORD, CUTS = 2, 1, 2
SHARED = {
    "GetUser": 2, "GetRole": 3, "ListAccessKeys": 3, "ListDelegationRequests": 4,
    "GetOutboundWebIdentityFederationInfo": 2,
}  # fmt: skip
"""At the most: who asks while another does hears the same answer."""
LOOKUPS = 6
"""One for the role's sessions, one for what the user did, one for its names, and one for each of the three sessions
that act under another name: a federated user's and two of roles.
"""
WHOLE, WHOLE_DEPTH = 140, 26
"""At the most, until the report is there: 127 and 19 where nothing else runs. A second look at everything, what the
sessions lead to, and the plan for that are among it.
"""
READS = {
    "GetCallerIdentity": 1,
    "GetLoginProfile": 1,
    "GetUserPolicy": 2,
    "ListAttachedUserPolicies": 1,
    "ListServiceSpecificCredentials": 1,
    "ListSSHPublicKeys": 1,
    "ListSigningCertificates": 1,
    "ListMFADevices": 1,
    "ListGroupsForUser": 1,
    "GetRolePolicy": 2,
    "ListAttachedRolePolicies": 1,
    "ListInstanceProfilesForRole": 1,
    "SimulatePrincipalPolicy": 6,
}
WRITES = {"PutUserPolicy": 1, "PutRolePolicy": 1, "UpdateAccessKey": 2, "DeleteLoginProfile": 1}
READ_BACK = {"GetUserPolicy": 1, "GetRolePolicy": 1, "GetLoginProfile": 1}


@contextmanager
def account(folder: Path) -> Iterator[AwsSandbox]:
    """payments-bot with two live keys, a password and two inline policies; the role payments-worker."""
    aws = AwsSandbox(entropy=7, planted=())
    aws.start(MovableClock(START))
    try:
        aws.seed(str(folder))
        keys = aws.admin("iam").list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]
        for key in keys:
            aws.admin("iam").update_access_key(UserName="payments-bot", AccessKeyId=key["AccessKeyId"], Status="Active")
        aws.advance(60)
        yield aws
    finally:
        aws.close()


@pytest.mark.alone
def test_cuts_and_ends_are_seen_after_three_sequential_requests(tmp_path: Path) -> None:
    def look(folder: Path) -> Containment:
        with account(folder) as sandbox:

            def settings(url: str) -> dict[str, Any]:
                return {"aws": {**sandbox.settings(), "endpoint_url": url}}

            who = (f"aws:arn:aws:iam::{ACCOUNT}:user/bots/payments-bot", WORKER)
            return contained(sandbox, sandbox.endpoint, settings, who, folder)

    seen = least(look, tmp_path, 1, 2)
    assert len(seen.does) == KEYS + PASSWORD + CUTS
    others = Counter({name: count for name, count in seen.requests.items() if name not in SHARED})
    assert others == Counter(READS) + Counter(WRITES) + Counter(READ_BACK), seen.waves
    assert all(1 <= seen.requests[name] <= most for name, most in SHARED.items()), seen.waves
    assert seen.whole["LookupEvents"] == LOOKUPS, "two a second are answered: one too many is half a second"
    assert sum(seen.whole.values()) <= WHOLE, seen.whole
    assert seen.whole_depth <= WHOLE_DEPTH, seen.whole
