"""What the tests of one session share."""

from __future__ import annotations

from typing import Any

import msgspec

from nhi_revoke.model.step import Step

from .conftest import WORKER, Bench

ACCOUNT = "111122223333"


ROLE = f"aws:role-session/{ACCOUNT}/payments-worker"


NIGHTLY = f"{ROLE}/nightly"


FEDERATED = f"aws:user-session/{ACCOUNT}/payments-bot/federated:payments-bot"


def step(bench: Bench, scope: str, who: str = WORKER, **more: Any) -> Step:
    """The one step that the scope drafts."""
    [found] = [d for d in bench.draft(who, scope=scope) if isinstance(d, Step)]
    return msgspec.structs.replace(found, id=more.pop("id", "one"), **more)


def role_policies(bench: Bench) -> dict[str, Any]:
    iam = bench.sandbox.admin("iam")
    names = iam.list_role_policies(RoleName="payments-worker")["PolicyNames"]
    get = iam.get_role_policy
    return {n: get(RoleName="payments-worker", PolicyName=n)["PolicyDocument"] for n in names}
