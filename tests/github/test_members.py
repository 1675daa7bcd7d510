"""Membership and outside collaboration: what goes, what is lost, what stays (facts okta-github.md 2.4, 13, 23, 24)."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_github.access import collaboration
from nhi_revoke_github.access.collaboration import KIND as COLLABORATION
from nhi_revoke_github.access.membership import KIND as MEMBERSHIP
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.state import ORG

from .conftest import APP, START, USER, Bench

ID = f"{MEMBERSHIP}/{ORG}/{seed.LOGIN}"
ASK = "GET /orgs/<org>/memberships/<login>"
OUTSIDERS = "GET /orgs/<org>/outside_collaborators"
REMOVE = "DELETE /orgs/<org>/memberships/<login>"
REMOVE_OUTSIDER = "DELETE /orgs/<org>/outside_collaborators/<login>"


def step_of(bench: Bench, kind: str) -> Step:
    [step] = [s for s in bench.steps(USER) if s.does == f"{kind}/remove"]
    return step


def make_outsider(bench: Bench) -> None:
    scene = bench.sandbox.scene
    bench.hub.members.pop(seed.LOGIN)
    scene.shop.collaborators[seed.LOGIN] = "push"
    scene.ledger.collaborators[seed.LOGIN] = "maintain"
    scene.ledger.collaborators["somebody"] = "push"
    seed.new_account(bench.hub, "somebody", START)


# -- membership ------------------------------------------------------------------------------------------------------


def test_a_member_is_one(bench: Bench) -> None:
    [found] = bench.accesses("github:user/PAYMENTS-machine", MEMBERSHIP).values()
    assert (found.id, found.family, found.state) == (ID, "grant", "live")
    assert found.before["role"] == "member"


def test_no_member_is_none(bench: Bench) -> None:
    bench.hub.members.pop(seed.LOGIN)
    assert bench.collect(USER, MEMBERSHIP) == []


def test_a_404_without_the_permission_is_no_answer(bench: Bench) -> None:
    """Facts 2.4, 13."""
    bench.hub.members.pop(seed.LOGIN)
    bench.sandbox.allow_only(["metadata:read"])
    with pytest.raises(Denied) as caught:
        bench.collect(USER, MEMBERSHIP)
    assert "members" in caught.value.needs


def test_removal_shuts_what_no_list_shows_and_nothing_else(bench: Bench) -> None:
    """A classic token of unknown value, where single sign-on is not required."""
    doors, members = bench.doors(), {k: v.shown for k, v in bench.hub.members.items()}
    step = step_of(bench, MEMBERSHIP)
    assert not step.reversible
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"member": False}
    changed = {name for name, is_open in bench.doors().items() if is_open != doors[name]}
    assert "classic-token" in changed
    assert not changed & {"deploy-key", "added-deploy-key", "user-ssh-key"}, "tied to no membership"
    assert {k: v.shown for k, v in bench.hub.members.items()} == {**members, seed.LOGIN: ""}
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [REMOVE, REMOVE]
    assert "cannot be taken back" in bench.undo(step).why


def test_a_denied_removal_is_no_success(bench: Bench) -> None:
    step = step_of(bench, MEMBERSHIP)
    bench.sandbox.fault(REMOVE, "denied")
    with pytest.raises(Denied):
        bench.do(step)
    bench.do(step)
    bench.sandbox.fault(ASK, "denied")
    bench.sandbox.fault(OUTSIDERS, "denied")
    with pytest.raises(Denied):
        bench.seen(step)


def test_what_is_lost_is_said_before_consent(bench: Bench) -> None:
    """Facts 2.4, 23."""
    step = step_of(bench, MEMBERSHIP)
    assert "private forks" in step.breaks
    [said] = [d for d in bench.draft(USER) if isinstance(d, Notice) and "private forks" in d.says]
    assert said.level == "warning"
    assert "three months" in said.says
    bench.hub.members[seed.LOGIN] = Lagged("admin", START)
    [said] = [d for d in bench.draft(USER) if isinstance(d, Notice) and "private forks" in d.says]
    assert said.level == "danger"


@pytest.mark.parametrize(
    ("intent", "removes"),
    [
        ({}, True),
        ({"scope": ID}, True),
        ({"scope": "keys"}, False),
        ({"scope": "sessions"}, False),
        ({"order": "rollover"}, False),
    ],
)
def test_it_is_drafted_for_a_whole_containment_or_by_its_name(
    bench: Bench, intent: dict[str, str], removes: bool
) -> None:
    steps = [s for s in bench.steps(USER, **intent) if s.does == f"{MEMBERSHIP}/remove"]
    assert bool(steps) is removes


def test_an_app_is_no_member(bench: Bench) -> None:
    assert bench.collect(APP, MEMBERSHIP) == []


def test_an_enterprise_teams_membership_stays_and_is_told_apart(bench: Bench) -> None:
    """Facts 2.4, 24."""
    bench.hub.enterprise_teams[seed.LOGIN] = ["build-bots"]
    found = bench.accesses(USER, MEMBERSHIP)
    assert set(found) == {ID, f"{ID}/build-bots"}
    step = step_of(bench, MEMBERSHIP)
    assert step.ends == (ID,)
    [by_hand] = [d for d in bench.draft(USER) if isinstance(d, Manual) and d.kind == MEMBERSHIP]
    assert by_hand.ends == (f"{ID}/build-bots",)
    assert "enterprise team build-bots" in by_hand.what
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"member": False}
    assert set(bench.accesses(USER, MEMBERSHIP)) == {f"{ID}/build-bots"}, "it looks again"
    assert bench.doors()["classic-token"]


# -- outside collaboration -------------------------------------------------------------------------------------------


def test_a_member_is_no_outsider(bench: Bench) -> None:
    bench.sandbox.scene.shop.collaborators[seed.LOGIN] = "push"
    assert bench.collect(USER, COLLABORATION) == []


def test_an_outsider_is_removed_from_all_repositories_at_once(bench: Bench) -> None:
    make_outsider(bench)
    scene = bench.sandbox.scene
    [found] = bench.accesses(USER, COLLABORATION).values()
    assert found.id == f"{COLLABORATION}/{ORG}/{seed.LOGIN}"
    assert found.before["grants"] == {seed.SHOP: "push", seed.LEDGER: "maintain"}
    assert bench.doors()["classic-token"]
    step = step_of(bench, COLLABORATION)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"collaborator": False}
    assert (scene.shop.collaborators, scene.ledger.collaborators) == ({}, {"somebody": "push"})
    assert not bench.doors()["classic-token"]
    assert bench.writes() == [REMOVE_OUTSIDER]


def test_taken_back_it_is_invited_again_in_the_same_roles(bench: Bench) -> None:
    make_outsider(bench)
    step = step_of(bench, COLLABORATION)
    assert step.reversible
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    asked = [e.more for e in bench.hub.events if e.action == "repo.add_member"]
    assert {(e["repo"], e["role"]) for e in asked} == {(seed.SHOP, "push"), (seed.LEDGER, "maintain")}
    assert not bench.doors()["classic-token"], "an invitation is no access"
    bench.sandbox.scene.shop.collaborators[seed.LOGIN] = "push"
    assert isinstance(bench.undo(step), Already)


def test_where_all_repositories_cannot_be_asked_it_is_irreversible(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_outsider(bench)
    monkeypatch.setattr(collaboration, "WALKED", 1)
    step = step_of(bench, COLLABORATION)
    assert not step.reversible
    monkeypatch.undo()
    bench.sandbox.fault("GET /repos/<owner>/<repo>/collaborators", "denied")
    assert not step_of(bench, COLLABORATION).reversible


def test_denied_outsiders_are_never_none(bench: Bench) -> None:
    make_outsider(bench)
    bench.sandbox.fault(OUTSIDERS, "denied")
    with pytest.raises(Denied):
        bench.collect(USER, COLLABORATION)


def test_page_size_one(bench: Bench) -> None:
    make_outsider(bench)
    everything = [f for f in bench.collect(USER) if isinstance(f, Access)]
    bench.sandbox.page_size(1)
    assert [f for f in bench.collect(USER) if isinstance(f, Access)] == everything


@pytest.mark.parametrize("kind", [MEMBERSHIP, COLLABORATION])
def test_with_exactly_the_declared_permissions_it_works(bench: Bench, kind: str) -> None:
    if kind == COLLABORATION:
        make_outsider(bench)
    step = step_of(bench, kind)
    declared = {*bench.kinds[kind].reads, *bench.kinds[kind].remedies[0].permissions}
    bench.sandbox.allow_only(sorted({*declared, "metadata:read"}))
    assert bench.accesses(USER, kind)
    bench.do(step)
    assert bench.seen(step)
    bench.undo(step)
