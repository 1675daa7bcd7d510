"""What a plan says besides its steps: notices, doors, deliveries, flushes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.deliveries import deliveries_of
from nhi_revoke.engine.edges import minters, names, on_cycle_with, upstream
from nhi_revoke.engine.planner import open_trusts
from nhi_revoke.model.error import Usage
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Denied
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake_store import Shelf
from tests.engine.scene import ROTATE, TO_SHELF, Scene, identity
from tests.engine.story import CI, access, principal, step


def does(plan: Plan) -> list[str]:
    return [s.does for s in plan.steps]


def test_contain_in_order(scene: Scene) -> None:
    plan = scene.plan(identity(deliver=TO_SHELF, flush=True), ROTATE)
    assert does(plan) == [
        "fake:session/deny-all",
        "fake:key/disable",
        "fake:session/deny-older",
        "fake:key/create",
        "shelf/stage",
        "fake:key/prove",
        "shelf/serve",
        "purge",
        "purge",
    ]
    assert [s.id for s in plan.steps] == [f"s{n:02}" for n in range(1, 10)]
    assert plan.notices == ()
    assert set(plan.targets) == {"fake:key/ci/old", "fake:session/ci/*"}
    stage = plan.steps[4]
    assert (stage.to, stage.takes, stage.lock) == ("ci", "s04", "shelf:ci")


def test_rollover_in_order(scene: Scene) -> None:
    plan = scene.plan(identity(deliver=TO_SHELF, flush=True), replace(ROTATE, order="rollover"))
    assert does(plan) == [
        "fake:key/create",
        "shelf/stage",
        "fake:key/prove",
        "shelf/serve",
        "fake:key/disable",
        "fake:session/deny-older",
        "purge",
        "purge",
    ]


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (True, ["deliver the new one to shelf:ci", "make it current in shelf:ci"]),
        (False, ["look, before anything is written, at shelf:ci", "write the new one, current at once, to shelf:ci"]),
    ],
)
def test_a_store_without_a_place_beside_is_not_said_to_deliver_before_the_proof(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, beside: bool, said: list[str]
) -> None:
    monkeypatch.setattr(Shelf, "beside", beside)
    plan = scene.plan(identity(deliver=TO_SHELF), replace(ROTATE, order="rollover"))
    assert [s.says for s in plan.steps if s.does.startswith("shelf/")] == said
    assert does(plan)[:4] == ["fake:key/create", "shelf/stage", "fake:key/prove", "shelf/serve"]


@pytest.mark.parametrize(("scope", "left"), [("sessions", "key old"), ("keys", "fake:session/ci/*")])
def test_a_scope_says_in_red_what_it_leaves(scene: Scene, cloud: Cloud, scope: str, left: str) -> None:
    cloud.bots["ci"].trusts["t"] = ("x",)
    cloud.bots["ci"].keys["idle"] = "disabled"
    plan = scene.plan(intent=Intent(scope=scope))
    (notice,) = plan.notices
    assert (notice.level, notice.says) == ("danger", f"--scope {scope} leaves {left} working")


def test_one_access_alone(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["ci"].keys["other"] = "live"
    plan = scene.plan(intent=Intent(scope="fake:key/ci/old"))
    assert [s.ends for s in plan.steps] == [("fake:key/ci/old",)]
    assert len(plan.notices) == 2


def test_rollover_that_keeps_the_sessions_says_so(scene: Scene) -> None:
    plan = scene.plan(identity(deliver=TO_SHELF), replace(ROTATE, order="rollover", keep_sessions=True))
    assert "fake:session/deny-older" not in does(plan)
    (residual,) = plan.residuals
    assert (residual.access, residual.until, residual.source) == ("fake:session/ci/*", None, "operator")
    assert "--keep-sessions" in residual.why


def test_without_a_delivery_target_it_is_ended_and_not_replaced(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot()
    plan = scene.plan(identity("ci", "app", deliver=TO_SHELF), replace(ROTATE, free_slot=("fake:key/app/old",)))
    assert does(plan).count("fake:key/create") == 1
    assert "fake:key/delete" not in does(plan)  # no slot is freed for nobody
    (notice,) = plan.notices
    assert (notice.on, notice.level) == (bot("app"), "info")
    assert "not replaced (no delivery target)" in notice.says


def test_a_named_slot_is_freed_before_the_mint_and_is_irreversible(scene: Scene) -> None:
    plan = scene.plan(identity(deliver=TO_SHELF), replace(ROTATE, free_slot=("fake:key/ci/old",)))
    free = next(s for s in plan.steps if s.does == "fake:key/delete")
    mint = next(s for s in plan.steps if s.does == "fake:key/create")
    assert free.phase is Phase.MINT
    assert free.id in mint.after
    assert plan.irreversible == (free,)


@pytest.mark.parametrize("to", ["shelf", "shelf:", ":x"])
def test_a_delivery_that_names_no_place(scene: Scene, to: str) -> None:
    with pytest.raises(Usage):
        scene.plan(identity(deliver=(Delivery("fake:key", to, ""),)), ROTATE)


def test_a_delivery_to_an_unknown_store(scene: Scene) -> None:
    with pytest.raises(Usage) as caught:
        scene.plan(identity(deliver=(Delivery("fake:key", "shlef:ci"),)), ROTATE)
    assert "shelf" in caught.value.hint


@pytest.mark.parametrize("name", ["fake:bot/ci", "ci", ""])
def test_a_delivery_names_its_principal_in_any_way(scene: Scene, name: str) -> None:
    found = scene.engine.inventory(identity(deliver=(Delivery("fake:key", "shelf:x", name),)), ROTATE, logs=False)
    mint = step("m", "fake:key/create", Phase.MINT)
    assert [d.to for d in deliveries_of(mint, found)] == ["shelf:x"]
    assert deliveries_of(step("m", "fake:other/create", Phase.MINT), found) == []


def test_two_stores_one_proof(scene: Scene) -> None:
    two = (*TO_SHELF, Delivery("fake:key", "shelf:second"))
    plan = scene.plan(identity(deliver=two), ROTATE)
    serves = [s for s in plan.steps if s.phase is Phase.SERVE]
    (prove,) = [s for s in plan.steps if s.phase is Phase.PROVE]
    assert {s.to for s in serves} == {"ci", "second"}
    assert all(prove.id in s.after for s in serves)
    assert len([s for s in plan.steps if s.phase is Phase.DELIVER and s.id in prove.after]) == 2


def test_flushes_only_where_something_is_done(scene: Scene, cloud: Cloud) -> None:
    assert does(scene.plan(identity(flush=True))).count("purge") == 1
    cloud.bots["ci"].untouchable = "the vendor's own"
    plan = scene.plan(identity(flush=True))
    assert plan.steps == ()
    assert plan.manual[0].what == "the vendor's own"
    assert set(plan.manual[0].ends) == {"fake:key/ci/old", "fake:session/ci/*"}


@pytest.mark.parametrize(("exposure", "doors"), [("anyone", 1), ("foreign", 1), ("local", 0), ("service", 0)])
def test_a_trust_that_lets_anybody_in_is_open_until_cut_or_kept(
    scene: Scene, cloud: Cloud, exposure: str, doors: int
) -> None:
    cloud.bots["ci"].trusts["t"] = ("*",)
    cloud.bots["ci"].exposure = exposure
    trust = "fake:trust/ci/t"
    plan = scene.plan()
    assert [(d.access, d.next, d.kept) for d in plan.open] == [(trust, f"--cut-trust {trust}", False)] * doors
    assert scene.plan(intent=Intent(cut_trust=(trust,))).open == ()
    assert all(d.kept for d in scene.plan(intent=Intent(keep_trust=(trust,))).open)


def test_a_trust_that_is_cut_reports_no_open_door(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["ci"].trusts["t"] = ("*",)
    cloud.bots["ci"].exposure = "anyone"
    assert scene.revoke().exit_code == 8
    report = scene.revoke(intent=Intent(cut_trust=("fake:trust/ci/t",)))
    assert (report.exit_code, report.open) == (0, ())


def test_a_disabled_trust_is_no_door() -> None:
    trust = access("t", family="trust", exposure="anyone", state="disabled")
    assert open_trusts([trust], [], Intent()) == ()


# -- who can mint for whom ---------------------------------------------------------------------------------------------


def test_edges_follow_names_aliases_and_globs() -> None:
    trust = access("t", family="trust", lets_in=("org/*",))
    assert names(trust, principal("any"))
    assert not names(replace(trust, lets_in=("other/*",)), principal("any"))
    assert names(replace(trust, lets_in=("fake:bot/any",)), principal("any"))
    assert names(replace(trust, lets_in=("*",)), principal("any"))


def who(*pairs: tuple[str, str]) -> Any:
    """`(on, lets in)`: the edges of a few bots."""
    everybody = [principal(n) for n in ("a", "b", "c", "d")]
    trusts = [access(f"t/{on}/{other}", family="trust", on=bot(on), lets_in=(f"org/{other}",)) for on, other in pairs]
    return minters(everybody, trusts)


def test_chains_and_circles() -> None:
    mints = who(("b", "a"), ("c", "b"), ("a", "c"), ("d", "c"))
    assert upstream(bot("d"), mints) == {bot("a"), bot("b"), bot("c")}
    assert on_cycle_with(bot("a"), mints) == {bot("a"), bot("b"), bot("c")}
    assert on_cycle_with(bot("d"), mints) == frozenset()
    assert upstream(bot("a"), who(("b", "a"))) == frozenset()
    outside = access("t", family="trust", on=bot("elsewhere"), lets_in=("*",))
    assert minters([principal("a")], [outside]) == {bot("a"): frozenset()}


def test_where_trusts_are_unseen_anybody_may_mint(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot()
    cloud.tell("collect fake:trust", Denied("no"), Denied("no"))
    plan = scene.plan(identity("ci", "app"))
    assert {b.kind for b in plan.blind} == {"fake:trust"}
    assert isinstance(plan.blind[0], BlindSpot)
    ends = {s.id for s in plan.steps if s.phase in (Phase.CUT, Phase.END)}
    for seal in (s for s in plan.steps if s.phase is Phase.SEAL):
        assert ends <= set(seal.after)
    assert {s.on for s in plan.steps} == {CI, bot("app")}


def test_what_a_kind_says_besides_steps_is_kept(scene: Scene, cloud: Cloud) -> None:
    cloud.remark = "somebody else's policy stands here"
    cloud.bots["ci"].untouchable = "the vendor's own"
    plan = scene.plan()
    assert [n.says for n in plan.notices] == [f"fake:{kind}: {cloud.remark}" for kind in ("account", "gate")]
    assert plan.steps == ()
