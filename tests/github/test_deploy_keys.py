"""Deploy keys of a repository, and those that a user or an App added anywhere (facts okta-github.md 2.1, 2.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Conflict, Denied, Missing, Rejected
from nhi_revoke_github.access import deploy_key
from nhi_revoke_github.access.deploy_key import ADDED, KIND, AddedDeployKeys, fingerprint
from nhi_revoke_github.access.deploy_key_mint import DeployKeys
from nhi_revoke_github.repositories import repositories, walk
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_keys import new_pair
from nhi_revoke_github.sandbox.routes_keys import gone_with, new_deploy_key
from nhi_revoke_github.sandbox.state import ORG, DeployKey, Repository

from .conftest import APP, START, USER, Bench
from .responder import Responder

SHOP = f"github:repo/{seed.SHOP}"
LIST = "GET /repos/<owner>/<repo>/keys"
DELETE = "DELETE /repos/<owner>/<repo>/keys/<int:key>"


def plant(bench: Bench, where: Repository, by: str, **more: Any) -> DeployKey:
    _, public = new_pair(bench.hub)
    return new_deploy_key(bench.hub, where, "more", public, START, added_by=by, **more)


def state(bench: Bench) -> dict[str, list[str]]:
    """Titles of what is there, by repository."""
    return {
        r.full_name: sorted(k.title for k in r.keys.values() if k.status.shown != "gone")
        for r in bench.hub.repositories.values()
    }


def one(bench: Bench, text: str, kind: str) -> Step:
    [step] = [s for s in bench.steps(text) if s.does == f"{kind}/delete"]
    return step


def test_a_repository_lists_its_own_whoever_added_them(bench: Bench) -> None:
    [found] = bench.accesses("github:repo/Example-Payments/SHOP", KIND).values()
    [key] = bench.sandbox.scene.shop.keys.values()
    assert found.id == f"{KIND}/{seed.SHOP}/{key.id}"
    assert (found.state, found.family, found.opens) == ("live", "key", True)
    assert found.before["key"] == key.key
    assert found.door == f"{seed.SHOP} {fingerprint(key.key)}"
    assert found.created is not None
    assert "reads and writes" in found.note


def test_every_repository_is_asked_for_what_a_user_added(bench: Bench) -> None:
    """Facts 2.4, 10."""
    assert [a.id.rpartition("/")[0] for a in bench.accesses(USER, ADDED).values()] == [f"{ADDED}/{seed.LEDGER}"]
    plant(bench, bench.sandbox.scene.shop, seed.LOGIN.upper())
    for number in range(7):
        where = seed.new_repository(bench.hub, f"{ORG}/more-{number}", START)
        plant(bench, where, seed.LOGIN if number == 6 else seed.OPERATOR)
    bench.sandbox.page_size(1)
    places = {a.id.split("/", 1)[1].rpartition("/")[0] for a in bench.accesses(USER, ADDED).values()}
    assert places == {seed.LEDGER, seed.SHOP, f"{ORG}/more-6"}


def test_what_an_app_added_carries_its_name_as_a_user(bench: Bench) -> None:
    assert bench.accesses(APP, ADDED) == {}
    plant(bench, bench.sandbox.scene.ledger, f"{seed.SLUG}[bot]")
    plant(bench, bench.sandbox.scene.shop, f"{seed.SLUG}-other")
    [found] = bench.accesses(APP, ADDED).values()
    assert found.id.startswith(f"{ADDED}/{seed.LEDGER}/")


def test_two_repositories_with_keys_of_the_same_title_are_told_apart(bench: Bench) -> None:
    plant(bench, bench.sandbox.scene.shop, seed.LOGIN)
    plant(bench, bench.sandbox.scene.ledger, seed.LOGIN)
    assert len(bench.accesses(USER, ADDED)) == 3


def test_only_the_walk_over_all_repositories_is_late() -> None:
    assert (DeployKeys.late, AddedDeployKeys.late) == (False, True)


def test_a_denied_list_is_never_none(bench: Bench) -> None:
    """Facts 2.4, 13: GitHub answers 404 to who may not see them."""
    bench.sandbox.allow_only(["metadata:read"])
    for text, kind in ((SHOP, KIND), (USER, ADDED)):
        with pytest.raises(Denied) as caught:
            bench.collect(text, kind)
        assert "administration" in caught.value.needs


def test_one_hidden_repository_is_a_blind_spot_and_hides_no_other(bench: Bench) -> None:
    plant(bench, bench.sandbox.scene.shop, seed.LOGIN)
    bench.sandbox.fault(LIST, "denied")
    found = bench.collect(USER, ADDED)
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert "1 of 2 repositories" in blind.why
    assert "administration" in blind.needs
    assert len([f for f in found if isinstance(f, Access)]) == 1


@pytest.mark.parametrize("fault", [Rejected("sent elsewhere (301)"), Missing("none"), Conflict("locked")])
def test_one_that_is_renamed_while_all_are_asked_hides_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """Whoever administers one repository can rename it, and must not hide the keys of all by that."""
    plant(bench, bench.sandbox.scene.shop, seed.LOGIN)
    real, moved = deploy_key.listed, {seed.SHOP}

    def listed(conn: Any, repo: str) -> Any:
        if repo in moved:
            raise fault
        return real(conn, repo)

    monkeypatch.setattr(deploy_key, "listed", listed)
    found = bench.collect(USER, ADDED)
    [blind] = [f for f in found if isinstance(f, BlindSpot)]
    assert blind.why == f"deploy keys of 1 of 2 repositories could not be listed: {seed.SHOP}"
    assert blind.needs == "another look"
    assert [f.id.rpartition("/")[0] for f in found if isinstance(f, Access)] == [f"{ADDED}/{seed.LEDGER}"]
    moved.add(seed.LEDGER)
    with pytest.raises(type(fault)):
        list(bench.kinds[ADDED].collect(bench.connect(), PrincipalRef.parse(USER), bench.io))


def test_keys_that_do_not_say_who_added_them_are_no_silence(bench: Bench) -> None:
    plant(bench, bench.sandbox.scene.shop, "")
    [blind] = [f for f in bench.collect(USER, ADDED) if isinstance(f, BlindSpot)]
    assert blind.why.startswith("1 deploy keys")


def unseen(bench: Bench, **settings: Any) -> list[str]:
    found = bench.kinds[ADDED].collect(bench.connect(**settings), PrincipalRef.parse(USER), bench.io)
    return [f.why for f in found if isinstance(f, BlindSpot)]


@pytest.mark.parametrize("more", [{}, {"organization_administration": "read"}])
@pytest.mark.parametrize("selected", [(), (seed.SHOP,)])
def test_an_operator_who_is_shown_some_repositories_alone_is_told_so(
    bench: Bench, tmp_path: Path, more: dict[str, str], selected: tuple[str, ...]
) -> None:
    """An App that is installed on some repositories, or a token for chosen ones, sees no error."""
    responder = Responder(bench, tmp_path)
    responder.installation.permissions |= {"administration": "read", **more}
    responder.installation.selected = frozenset(selected)
    why = unseen(bench, token_file="", app_id=str(responder.app.id), private_key_file=str(responder.file))
    if not selected:
        assert why == []
    elif more:
        assert len(why) == 1
        assert "of at least 1 repositories were not looked at" in why[0]
    else:
        assert len(why) == 1
        assert why[0].startswith("deploy keys of repositories that this operator is not shown, if there are any: of 1 ")


def test_a_token_that_is_not_told_how_many_there_are(bench: Bench) -> None:
    assert unseen(bench) == []
    bench.sandbox.allow_only(["metadata:read", "administration:read"])
    [why] = unseen(bench)
    assert "of 2 it was shown all" in why
    assert "does not tell it how many" in why


def test_the_walk_keeps_githubs_pace_and_tells_how_far_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    paced: list[tuple[float, int, int]] = []
    monkeypatch.setattr(bench.io, "progress", lambda *args: told.append(args))
    monkeypatch.setattr(bench.io, "pace", lambda _, *asked: paced.append(asked))
    walked = walk(bench.conn, bench.io, "deploy keys", "", str.upper)
    assert [n for n, _ in walked.found] == repositories(bench.conn) == [seed.LEDGER, seed.SHOP]
    assert sorted(told) == [(f"deploy keys of {ORG}", 1, 2), (f"deploy keys of {ORG}", 2, 2)]
    assert paced == [(12.5, 750, 2)], "750 in any minute, of GitHub's 900"


def test_a_disabled_one_is_told_and_not_deleted(bench: Bench) -> None:
    [key] = bench.sandbox.scene.shop.keys.values()
    key.status.set("suspended", START, 0)
    [found] = bench.accesses(SHOP, KIND).values()
    assert found.state == "disabled"
    assert "policy" in found.note
    assert not [s for s in bench.steps(SHOP) if s.does.startswith(KIND)]


@pytest.mark.parametrize(("text", "kind", "door"), [(SHOP, KIND, "deploy-key"), (USER, ADDED, "added-deploy-key")])
def test_it_is_deleted_and_nothing_else_is(bench: Bench, text: str, kind: str, door: str) -> None:
    before, doors = state(bench), bench.doors()
    step = one(bench, text, kind)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"status": "gone"}
    after = state(bench)
    where = seed.SHOP if kind == KIND else seed.LEDGER
    assert after == {**before, where: []}
    assert bench.doors() == {**doors, door: False}
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [DELETE, DELETE]


def test_a_404_while_the_list_is_hidden_is_no_success(bench: Bench) -> None:
    """Facts 2.4, 13."""
    step = one(bench, SHOP, KIND)
    bench.do(step)
    bench.sandbox.fault(LIST, "denied")
    with pytest.raises(Denied):
        bench.do(step)
    bench.sandbox.fault(DELETE, "denied")
    with pytest.raises(Denied):
        bench.do(step)


def test_it_waits_for_the_edges(bench: Bench) -> None:
    """What is shown as gone may still be obeyed; GitHub documents no time."""
    bench.sandbox.lag(5, 0)
    step = one(bench, SHOP, KIND)
    bench.do(step)
    assert bench.seen(step) == {"status": "gone"}
    assert bench.doors()["deploy-key"]
    bench.sandbox.advance(5)
    assert not bench.doors()["deploy-key"]


def test_taken_back_it_is_the_same_key_under_another_id(bench: Bench) -> None:
    step = one(bench, SHOP, KIND)
    assert (step.reversible, step.rearms) == (True, "always")
    [before] = bench.accesses(SHOP, KIND).values()
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    [after] = bench.accesses(SHOP, KIND).values()
    assert after.id != before.id
    assert after.door == before.door
    assert {m: after.before[m] for m in ("title", "key", "read_only")} == {
        m: before.before[m] for m in ("title", "key", "read_only")
    }
    assert bench.doors()["deploy-key"]
    assert isinstance(bench.undo(step), Already), "never a second one"


def test_undo_adds_nothing_where_the_run_deleted_nothing(bench: Bench) -> None:
    assert isinstance(bench.undo(one(bench, SHOP, KIND)), Failed)
    assert bench.writes() == []


def test_undo_says_where_the_key_is_in_use_elsewhere(bench: Bench) -> None:
    step = one(bench, SHOP, KIND)
    bench.do(step)
    new_deploy_key(bench.hub, bench.sandbox.scene.ledger, "moved", str(step.before["key"]), START, added_by="")
    with pytest.raises(Rejected):
        bench.undo(step)


def test_a_lost_answer_to_undo_is_asked_for_by_the_public_key(bench: Bench) -> None:
    step = one(bench, SHOP, KIND)
    bench.do(step)
    bench.sandbox.fault("POST /repos/<owner>/<repo>/keys", "lost")
    with pytest.raises(Exception, match="may have happened"):
        bench.undo(step)
    assert isinstance(bench.undo(step), Already)
    assert len(state(bench)[seed.SHOP]) == 1


def test_the_collateral_of_a_tokens_end_is_said(bench: Bench) -> None:
    """Facts 2.4, 20: a key dies with the personal token that created it, and outlives the App."""
    said = [d.says for d in bench.draft(USER) if isinstance(d, Notice)]
    assert any("with the personal or OAuth token that created it" in s for s in said)
    token = bench.hub.new_token("ghp", seed.LOGIN, START)
    made = plant(bench, bench.sandbox.scene.shop, seed.LOGIN, made_with=token.id)
    apps = plant(bench, bench.sandbox.scene.shop, f"{seed.SLUG}[bot]")
    step = next(s for s in bench.steps(USER) if s.ends[0].endswith(f"/{made.id}"))
    gone_with(bench.hub, token.id, START)
    assert apps.status.shown == "active"
    assert isinstance(bench.do(step), Already)


def test_scopes(bench: Bench) -> None:
    [access] = bench.accesses(SHOP, KIND)
    for scope, ended in (("keys", 1), ("sessions", 0), (access, 1), ("all", 1)):
        assert len([s for s in bench.steps(SHOP, scope=scope) if s.does == f"{KIND}/delete"]) == ended


def test_a_key_that_is_none_has_no_fingerprint() -> None:
    assert fingerprint("") == fingerprint("ssh-ed25519") == fingerprint("ssh-ed25519 !!") == ""
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabcd"
    assert fingerprint(public + "==") == fingerprint(public + "== somebody@somewhere")


def test_with_exactly_the_declared_permissions_it_works(bench: Bench) -> None:
    kind = bench.kinds[KIND]
    step = one(bench, SHOP, KIND)
    bench.sandbox.allow_only(sorted({*kind.reads, *kind.remedies[0].permissions, "metadata:read"}))
    bench.accesses(SHOP, KIND)
    bench.do(step)
    bench.undo(step)
    assert bench.doors()["deploy-key"]


def test_the_drafts_survive_the_journal(bench: Bench) -> None:
    for step in (*bench.steps(SHOP), *bench.steps(USER)):
        assert msgspec.json.decode(msgspec.json.encode(step), type=Step) == step
