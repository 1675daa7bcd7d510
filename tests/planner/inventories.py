"""Random identities at the example vendor: bots, their tokens, and who may mint sessions on whom (cycles, too)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from hypothesis import strategies as st

from nhi_revoke.engine.planner import make_plan
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef, StepId
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import provider

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("ant", "bee", "cat", "dog")
TOKEN, SESSION, TRUST = "example:token", "example:session", "example:trust"


def bot(name: str, *, managed: bool = False) -> Principal:
    ref = PrincipalRef("example", "bot", name)
    why = "the vendor's own" if managed else None
    return Principal(ref, "bot", name, "org-1", f"id-{name}", str(ref), (f"org-1/{name}",), untouchable=why)


def token(name: str, number: int, state: str) -> Access:
    ref, word = PrincipalRef("example", "bot", name), "active" if state == "live" else "disabled"
    return Access(f"{TOKEN}/{name}-{number}", ref, TOKEN, "key", state, before={"state": word})  # type: ignore[arg-type]  # drawn from States


def standing(name: str) -> Access:
    ref, before = PrincipalRef("example", "bot", name), {"cutoff": "", "by": ""}
    return Access(f"{SESSION}/org-1/{name}/*", ref, SESSION, "session", "unknown", before=before)


def trust(name: str, other: str) -> Access:
    ref, access = PrincipalRef("example", "bot", name), f"{TRUST}/org-1/{name}/{other}"
    return Access(access, ref, TRUST, "trust", "live", before={"bot": other}, lets_in=(f"*/{other}",), exposure="local")


def inventory(
    tokens: dict[str, list[str]],
    trusts: Collection[tuple[str, str]] = (),
    deliveries: Collection[tuple[str, str]] = (),
    *,
    managed: Collection[str] = (),
    flush: bool = False,
) -> Inventory:
    """`tokens`: states of each bot's tokens. `trusts`: (on, lets in). `deliveries`: (bot, vault entry)."""
    identity = Identity(
        "it",
        tuple(PrincipalRef("example", "bot", name) for name in tokens),
        deliver=tuple(Delivery(TOKEN, f"example-vault:{entry}", f"example:bot/{name}") for name, entry in deliveries),
        flush=(FlushTarget("example-cache", {"match": "*"}),) if flush else (),
    )
    accesses = [token(n, i, state) for n, states in tokens.items() for i, state in enumerate(states)]
    accesses += [standing(n) for n in tokens]
    accesses += [trust(on, other) for on, other in sorted(trusts)]
    principals = tuple(bot(n, managed=n in managed) for n in tokens)
    return Inventory(identity, NOON, principals, tuple(accesses))


STATES = st.lists(st.sampled_from(["live", "disabled"]), max_size=2)
EDGE = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
INVENTORIES = st.builds(
    inventory,
    st.dictionaries(st.sampled_from(NAMES), STATES, min_size=1),
    st.sets(EDGE),
    st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(["one", "two"]))),
    managed=st.sets(st.sampled_from(NAMES), max_size=1),
    flush=st.booleans(),
).filter(lambda found: all(t.on in {p.ref for p in found.principals} for t in found.accesses))
INTENTS = st.builds(
    Intent,
    order=st.sampled_from(["contain", "rollover"]),
    scope=st.sampled_from(["all", "sessions", "keys"]),
    rotate=st.sampled_from(["wait", "now", "no"]),
    replace=st.sampled_from([(), (TOKEN,)]),
    keep_sessions=st.booleans(),
)


def planned(found: Inventory, intent: Intent) -> Plan:
    return make_plan(found, intent, Registry([Loaded("example", provider)]), lambda _key, _address: "")


def waits_for(plan: Plan) -> dict[StepId, set[StepId]]:
    """Everything that each step waits for, directly or not. Raises RecursionError for a circle."""
    direct = {step.id: set(step.after) for step in plan.steps}
    known: dict[StepId, set[StepId]] = {}

    def of(step: StepId) -> set[StepId]:
        if step not in known:
            known[step] = direct[step].union(*(of(before) for before in direct[step]))
        return known[step]

    return {step: of(step) for step in direct}
