"""Agent identities are named, told as unseen and left alone, with the documented ways (facts gcp.md 1, row 13)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Missing
from nhi_revoke_gcp import provider as gcp

from .conftest import Bench
from .desk import Desk, opened

NAME = (
    "principal://agents.global.org-123456789012.system.id.goog/resources/aiplatform/projects/987654321098"
    "/locations/europe-west1/reasoningEngines/4242"
)


@pytest.mark.parametrize("typed", [NAME, f"agent/{NAME}"])
def test_it_is_named_by_its_principal(typed: str) -> None:
    assert gcp.parse(typed) == PrincipalRef("gcp", "agent", NAME)
    assert gcp.native(NAME)


@pytest.mark.parametrize(
    "typed",
    [
        NAME.replace("principal://", "principalSet://"),
        NAME.replace("agents.global", "evil.global"),
        f"{NAME}/more",
    ],
)
def test_what_is_no_agent_is_not_taken(typed: str) -> None:
    assert gcp.parse(typed) is None
    assert not gcp.native(typed)


def test_a_workload_of_a_pool_is_another_kind_of_principal() -> None:
    subject = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s"
    assert gcp.parse(subject) == PrincipalRef("gcp", "workload", subject)


def test_of_it_nothing_is_asked_and_nothing_is_called_none(bench: Bench) -> None:
    who = bench.resolve(f"gcp:agent/{NAME}")
    assert (who.kind, who.scope) == ("agent", "987654321098")
    assert who.untouchable is not None
    [spot] = bench.collect(f"gcp:agent/{NAME}")
    assert "does not ask agentidentity.googleapis.com" in getattr(spot, "why", "")
    assert not bench.sandbox.calls()
    with pytest.raises(Missing):
        bench.resolve("gcp:agent/my-agent")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    sandbox, made = opened(tmp_path)
    yield made
    made.check()
    sandbox.close()


@pytest.mark.parametrize("typed", [NAME, f"gcp:agent/{NAME}"])
def test_the_command_line_refuses_with_the_documented_ways(desk: Desk, typed: str) -> None:
    listed = desk("list", typed)
    assert "UNSEEN 1" in listed.words, listed
    ran = desk("revoke", typed, "--yes")
    assert ran.code == 7, ran
    for way in ("authProviders.disable", ":revokeAuthorization", "deny policy", "delete the agent"):
        assert way in ran.words
    assert desk.writes() == []
