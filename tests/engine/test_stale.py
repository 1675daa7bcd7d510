"""A saved plan held against the world as it is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.stale import refreshed
from nhi_revoke.model.error import Refused
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.plan import Plan, access_digest
from nhi_revoke.model.step import Phase
from tests.engine.cloud import ME, bot
from tests.engine.story import CI, KEY, STANDING, access, cut, plan_of, principal, seal, standing, step
from tests.engine.tick import after

OTHER = "fake:key/ci/b"
ACCESSES = (access(), access(OTHER), standing(before={"cutoff": ""}))


def saved(*steps: Any, accesses: tuple[Access, ...] = ACCESSES) -> Plan:
    steps = steps or (cut(), step("a"), step("b", ends=(OTHER,)), seal(after=("a", "b", "cut")))
    ended = {e for s in steps for e in s.ends}
    return plan_of(*steps, accesses=accesses, targets={a.id: access_digest(a) for a in accesses if a.id in ended})


def now(*accesses: Access, **more: Any) -> Inventory:
    more.setdefault("principals", (principal(),))
    return Inventory(saved().identity, after(500), accesses=accesses, operator=(ME,), **more)


def ids(plan: Plan) -> list[str]:
    return [s.id for s in plan.steps]


def test_nothing_changed_nothing_dropped() -> None:
    plan = saved()
    used = replace(ACCESSES[0], last_used=after(3), note="used")  # never part of the digest
    fresh = refreshed(plan, now(used, *ACCESSES[1:]), stale="refuse")
    assert fresh.steps == tuple(replace(s, before={"cutoff": ""}) if s.id in ("cut", "seal") else s for s in plan.steps)
    assert fresh.notices == ()
    assert fresh.at == after(500)


@pytest.mark.parametrize("change", ["gone", "state", "before"])
def test_a_changed_target_drops_its_step_and_says_so(change: str) -> None:
    now_ = {
        "gone": (),
        "state": (replace(ACCESSES[0], state="disabled"),),
        "before": (replace(ACCESSES[0], before={"x": 1}),),
    }[change]
    fresh = refreshed(saved(), now(*now_, *ACCESSES[1:]), stale="drop")
    assert ids(fresh) == ["cut", "b", "seal"]
    assert fresh.step("seal").after == ("b", "cut")
    (notice,) = fresh.notices
    assert "dropped" in notice.says
    assert "does a" in notice.says
    with pytest.raises(Refused) as caught:
        refreshed(saved(), now(*now_, *ACCESSES[1:]), stale="refuse")
    assert (caught.value.code, KEY in caught.value.message) == ("stale-plan", True)


def test_a_step_with_several_targets_goes_only_with_all_of_them() -> None:
    plan = saved(step("both", ends=(KEY, OTHER)), cut())
    assert ids(refreshed(plan, now(*ACCESSES[1:]), stale="refuse")) == ["both", "cut"]
    assert ids(refreshed(plan, now(ACCESSES[2]), stale="drop")) == ["cut"]


def test_a_cut_is_never_stale_and_reads_what_it_needs_anew() -> None:
    fresh = refreshed(saved(), now(*ACCESSES[:2], standing(before={"cutoff": "later"})), stale="refuse")
    assert ids(fresh) == ids(saved())
    assert fresh.step("cut").before == fresh.step("seal").before == {"cutoff": "later"}
    assert fresh.step("a").before == saved().step("a").before


def test_a_cut_keeps_the_facts_that_are_of_no_access() -> None:
    """Where a policy stands, for example: the access that it ends knows nothing of that."""
    facts = {"set": "deploy", "cutoff": ""}
    plan = saved(cut(before=facts), step("a"))
    fresh = refreshed(plan, now(access(), access(OTHER), standing(before={"cutoff": "later"})), stale="drop")
    assert fresh.step("cut").before == facts


def test_a_slot_is_not_freed_of_what_is_in_use_again() -> None:
    """An inactive key was named to be deleted; it has been enabled since."""
    idle = access(OTHER, state="disabled")
    plan = saved(
        step("a"),
        step("free", "fake:key/delete", Phase.MINT, ends=(OTHER,), reversible=False),
        accesses=(access(), idle),
    )
    fresh = refreshed(plan, now(access(), replace(idle, state="live")), stale="drop")
    assert ids(fresh) == ["a"]
    with pytest.raises(Refused):
        refreshed(plan, now(access(), replace(idle, state="live")), stale="refuse")


def test_extra_accesses_never_block_and_are_said() -> None:
    planted = access("fake:key/ci/planted", label="planted key")
    idle = access("fake:key/ci/idle", state="disabled")
    fresh = refreshed(saved(), now(*ACCESSES, planted, idle), stale="refuse")
    assert ids(fresh) == ids(saved())
    (notice,) = fresh.notices
    assert "planted key" in notice.says
    assert notice.level == "danger"
    assert planted not in fresh.accesses  # so that the run meets it as new, and ends it, too
    assert idle in fresh.accesses


def test_every_target_stale_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        refreshed(saved(step("a")), now(ACCESSES[1]), stale="drop")
    assert caught.value.exit_code == 7
    assert f"{KEY} (gone)" in caught.value.message
    with pytest.raises(Refused) as caught:
        refreshed(saved(step("a")), now(replace(ACCESSES[0], state="disabled")), stale="drop")
    assert f"{KEY} (disabled)" in caught.value.message


def test_a_plan_without_targets_is_not_stale() -> None:
    plan = saved(step("f", "purge", Phase.FLUSH, ends=()))
    assert ids(refreshed(plan, now(*ACCESSES), stale="refuse")) == ["f"]


def test_a_plan_of_another_account() -> None:
    fresh = now(principals=(), unreachable=(Unreachable(CI, "denied", "no such account here"),))
    with pytest.raises(Refused) as caught:
        refreshed(saved(), fresh, stale="drop")
    assert (caught.value.code, "no such account here" in caught.value.message) == ("other-account", True)
    with pytest.raises(Refused, match="it was not found there"):
        refreshed(saved(), now(principals=(principal("other"),)), stale="drop")


def test_a_principal_that_was_created_anew() -> None:
    with pytest.raises(Refused) as caught:
        refreshed(saved(), now(*ACCESSES, principals=(replace(principal(), unique_id="2"),)), stale="drop")
    assert caught.value.code == "other-principal"


def test_what_was_seen_now_is_what_the_guard_sees() -> None:
    spot = BlindSpot(CI, "fake:trust", "not allowed")
    fresh = refreshed(saved(), replace(now(*ACCESSES), operator=(bot("me2"),), blind=(spot,)), stale="drop")
    assert fresh.operator == (bot("me2"),)
    assert fresh.blind == (spot,)
    assert STANDING in fresh.targets
