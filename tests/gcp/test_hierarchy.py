"""Answers about levels that are of no known shape: told, and never written back (facts gcp.md 7, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_gcp.access.inherited import CutInherited
from nhi_revoke_gcp.hierarchy import policy_at, read_hierarchy
from nhi_revoke_gcp.policy import without
from nhi_revoke_gcp.sandbox import seed

from .conftest import BOT, Bench

PROJECT = f"projects/{seed.PROJECT}"
NEWER: dict[str, Any] = {
    "version": 3, "etag": "MQ==",
    "bindings": [{"role": "roles/owner", "members": [seed.LEAD], "reviewedBy": "somebody"}],
}  # fmt: skip


@pytest.fixture
def answers(bench: Bench) -> Iterator[respx.MockRouter]:
    """Before the sandbox, which answers the rest."""
    with respx.mock(base_url=bench.sandbox.url, assert_all_called=False) as router:
        yield router


def answered(router: respx.MockRouter, path: str, body: Any) -> respx.Route:
    route = router.post(path).mock(return_value=httpx.Response(200, json=body))
    router.route().pass_through()
    return route


def test_a_policy_that_holds_what_nobody_here_knows_is_read_and_not_written(
    bench: Bench, answers: respx.MockRouter
) -> None:
    """What is not known would be lost to whoever writes the rest back."""
    answered(answers, f"/v3/{PROJECT}:getIamPolicy", NEWER)
    assert [m for b in policy_at(bench.conn, PROJECT).bindings for m in b.members] == [seed.LEAD]
    with pytest.raises(Rejected, match="what this version does not know: nothing was changed"):
        CutInherited().rewrite(bench.conn, PROJECT, lambda policy: without(policy, set()))
    assert not bench.writes()


@pytest.mark.parametrize("body", [{}, {"ancestor": [{"resourceId": {"type": "galaxy", "id": "1"}}]}])
def test_levels_that_are_told_in_other_words_are_unseen(
    bench: Bench, answers: respx.MockRouter, body: dict[str, Any]
) -> None:
    answered(answers, f"/v1/{PROJECT}:getAncestry", body)
    above, _ = read_hierarchy(bench.conn, seed.PROJECT)
    assert isinstance(above.above_unread, Rejected)
    assert [level.resource for level in above.levels] == [PROJECT]
    [spot] = [f for f in bench.collect(BOT, "gcp:inherited-impersonation") if isinstance(f, BlindSpot)]
    assert "folders and of the organisation" in spot.why


def test_a_project_without_an_organisation_has_one_level(bench: Bench) -> None:
    bench.cloud.levels.above[seed.PROJECT] = ()
    above, _ = read_hierarchy(bench.conn, seed.PROJECT)
    assert ([level.resource for level in above.levels], above.above_unread) == ([PROJECT], None)
    assert above.number == "111122223333"
