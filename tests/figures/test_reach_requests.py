"""How many requests the reach of one identity takes in a large account: pages of roles, and none for each user."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.aws_reach import CHAIN, account, reach

A_PAGE = 25
OWN_POLICIES = {
    "ListUserPolicies": 1,
    "ListAttachedUserPolicies": 1,
    "ListGroupsForUser": 1,
}
WHO = {"GetCallerIdentity": 1, "GetUser": 1}
AS_THE_DEMO_HAS = ("GetUserPolicy", "ListGroupPolicies", "ListAttachedGroupPolicies", "GetGroupPolicy")
"""As many as its user has inline policies and groups."""
ON_THE_WAY = 2
"""payments-worker, which leads to payments-ledger, which leads to the chain."""


def asked(folder: Path, users: int, roles: int) -> tuple[Counter[str], int]:
    with account(folder, users, roles) as sandbox:
        sandbox.page_size(A_PAGE)
        seen = reach(sandbox, folder, 0.0)
        policies = sandbox.world.moto.iam(sandbox.world.account).users["payments-bot"].policies
    assert seen.unseen == 0
    assert seen.requests["GetUserPolicy"] == len(policies)
    return Counter({n: c for n, c in seen.requests.items() if n not in AS_THE_DEMO_HAS}), seen.leads


@pytest.mark.parametrize(("users", "roles"), [(0, 50), (200, 50), (200, 100)])
def test_requests_grow_with_pages_of_roles_alone(tmp_path: Path, users: int, roles: int) -> None:
    found, leads = asked(tmp_path, users, roles)
    pages, steps = roles // A_PAGE, 1 + ON_THE_WAY + CHAIN - 1
    assert found == Counter(
        {**WHO, **OWN_POLICIES, "GetAccountAuthorizationDetails": pages, "SimulatePrincipalPolicy": steps}
    )
    assert leads > ON_THE_WAY + CHAIN
