"""What holds of every plan, whatever was found and whatever the operator wants."""

from __future__ import annotations

from graphlib import TopologicalSorter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.engine.edges import minters, upstream
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.step import Phase
from tests.planner.inventories import INTENTS, INVENTORIES, planned, waits_for

CONTAINING = (Phase.CUT, Phase.END, Phase.SEAL)
CONTAIN = INTENTS.map(lambda intent: replace(intent, order="contain"))
ROLLOVER = INTENTS.map(lambda intent: replace(intent, order="rollover"))


@given(INVENTORIES, INTENTS)
def test_steps_have_one_id_each_and_never_wait_in_a_circle(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    ids = [step.id for step in plan.steps]
    assert len(set(ids)) == len(ids)
    for step in plan.steps:
        named = {*step.after, *((step.takes,) if step.takes else ()), *((step.replaces,) if step.replaces else ())}
        assert named <= set(ids) - {step.id}
    TopologicalSorter({step.id: step.after for step in plan.steps}).prepare()


@given(INVENTORIES, INTENTS)
def test_no_step_touches_what_the_plan_does_not_name(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    free = {p.ref for p in plan.principals if p.untouchable is None}
    on = {access.id: access.on for access in plan.accesses}
    for step in plan.steps:
        assert step.on in free or step.phase is Phase.FLUSH
        assert all(on[access] == step.on for access in step.ends)
    assert set(plan.targets) == {access for step in plan.steps for access in step.ends}


@given(INVENTORIES, CONTAIN)
def test_a_seal_waits_for_all_that_could_still_mint(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    mints, waits = minters(plan.principals, plan.accesses), waits_for(plan)
    for seal in (s for s in plan.steps if s.phase is Phase.SEAL):
        sources = upstream(seal.on, mints) | {seal.on}
        first = {s.id for s in plan.steps if s.on in sources and s.phase in (Phase.CUT, Phase.END)}
        assert first <= waits[seal.id]
        above = {ref for ref in sources - {seal.on} if seal.on not in upstream(ref, mints)}
        assert {s.id for s in plan.steps if s.on in above and s.phase is Phase.SEAL} <= waits[seal.id]


@given(INVENTORIES, CONTAIN)
def test_containing_begins_at_once_everywhere(found: Inventory, intent: Intent) -> None:
    assert all(not s.after for s in planned(found, intent).steps if s.phase in (Phase.CUT, Phase.END))


@given(INVENTORIES, CONTAIN)
def test_nothing_is_minted_before_everything_is_contained(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    waits = waits_for(plan)
    contained = {s.id for s in plan.steps if s.phase in CONTAINING}
    assert all(contained <= waits[s.id] for s in plan.steps if s.phase is Phase.MINT)


@given(INVENTORIES, ROLLOVER)
def test_rollover_ends_the_old_only_after_the_new_was_proven_and_served(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    waits = waits_for(plan)
    for step in (s for s in plan.steps if s.phase in CONTAINING):
        # A seal also ends what was born of a replaced credential elsewhere; an end is only for what was replaced.
        born = step.phase is Phase.SEAL
        mine = {s.id for s in plan.steps if (born or s.on == step.on) and s.phase in (Phase.PROVE, Phase.SERVE)}
        assert mine, f"{step.says}: nothing replaces it, and rollover ends it"
        assert mine <= waits[step.id]


@given(INVENTORIES, INTENTS)
def test_what_is_served_was_staged_and_proven(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    waits = waits_for(plan)
    for serve in (s for s in plan.steps if s.phase is Phase.SERVE):
        assert serve.takes
        mint = plan.step(serve.takes)
        chain = {s.id for s in plan.steps if s.takes == mint.id and s.phase is Phase.PROVE}
        chain |= {s.id for s in plan.steps if s.takes == mint.id and s.phase is Phase.DELIVER and s.to == serve.to}
        assert len(chain) == 2
        assert chain | {mint.id} <= waits[serve.id]


@given(INVENTORIES, INTENTS)
def test_every_delivery_of_the_map_is_served_or_said_to_be_missing(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    for mint in (s for s in plan.steps if s.phase is Phase.MINT and s.does.endswith("/create")):
        wanted = {d.to.partition(":")[2] for d in found.identity.deliver if d.principal == str(mint.on)}
        assert wanted == {s.to for s in plan.steps if s.phase is Phase.SERVE and s.takes == mint.id}


@given(INVENTORIES, INTENTS)
def test_the_same_input_gives_the_same_plan(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    assert planned(found, intent) == plan
    saved = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    assert saved == plan
    assert plan_digest(saved) == plan_digest(plan)


@settings(max_examples=50)
@given(INVENTORIES, INTENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_changes_nothing_that_is_done(
    found: Inventory, intent: Intent, chance: object
) -> None:
    shuffled = list(found.accesses)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    one, other = planned(found, intent), planned(replace(found, accesses=tuple(shuffled)), intent)
    assert {(s.does, s.on, s.phase) for s in one.steps} == {(s.does, s.on, s.phase) for s in other.steps}
    assert one.targets == other.targets


@given(INVENTORIES, INTENTS)
def test_the_digest_covers_what_is_done_and_not_when_it_was_read(found: Inventory, intent: Intent) -> None:
    plan = planned(found, intent)
    later = replace(plan, at=plan.at.replace(hour=13), blind=(), leads=())
    assert plan_digest(later) == plan_digest(plan)
    if plan.steps:
        assert plan_digest(replace(plan, steps=plan.steps[1:])) != plan_digest(plan)
    for target in plan.targets:
        assert plan_digest(replace(plan, targets={**plan.targets, target: "changed"})) != plan_digest(plan)
