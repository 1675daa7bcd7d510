"""Every entry is planned or told; the worst first; no more plans in memory than threads need."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.campaign.blast import Counted, blast_of, campaign_digest, counted, least_requests, tenants_of
from nhi_revoke.campaign.item import Blast, Course, Entry, Rate, Tenant
from nhi_revoke.campaign.overview import item_rows, overview
from nhi_revoke.campaign.overview_screen import MOST_TENANTS, overview_screen
from nhi_revoke.campaign.planning import AHEAD, Row, planned, worst_first
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.model.error import NotFound
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Notice, OpenDoor, Phase, Step
from nhi_revoke.render.plain import plain_text

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def plan_of(name: str, scope: str = "org", final: int = 0) -> Plan:
    """One principal, one key, and so many steps that cannot be taken back."""
    ref = PrincipalRef("x", "bot", name)
    steps = tuple(Step(f"s{n}", "x:key/end", ref, Phase.END, "end", reversible=False) for n in range(final))
    who = Principal(ref, "bot", name, scope, f"id-{name}")
    return Plan(Identity(name, (ref,)), Intent(), NOON, (who,), (), steps)


def silent(done: int, of: int) -> None:
    """Nobody listens."""


def test_an_entry_that_cannot_be_planned_blocks_no_other() -> None:
    entries = [Entry(name, line=n) for n, name in enumerate(("a", "gone", "b", "broken", "c"), 2)]

    def draft(entry: Entry) -> Plan:
        if entry.name == "gone":
            raise NotFound("not-found", "x:bot/gone is not there. Nothing was looked at.")
        if entry.name == "broken":
            raise ZeroDivisionError("a secret")
        return plan_of(entry.name, final="abc".index(entry.name))

    heard: list[tuple[int, int]] = []
    with planned(entries, draft, at_once=2, heard=lambda *each: heard.append(each)) as found:
        items = list(found.items())
    assert [(each.number, each.entry.name, each.why) for each in items] == [
        (0, "c", ""),
        (1, "b", ""),
        (2, "a", ""),
        (3, "gone", "x:bot/gone is not there."),
        (4, "broken", "this is a bug: ZeroDivisionError"),
    ]
    assert [each.plan for each in items[:3]] == [plan_of("c", final=2), plan_of("b", final=1), plan_of("a")]
    assert items[0].tenants == (Tenant("x", "org"),)
    assert items[0].blast == Blast(irreversible=2)
    assert heard == [(n, 5) for n in range(1, 6)]
    digest = campaign_digest(row.digest for row in found.rows)
    assert digest == campaign_digest([*(plan_digest(each.plan) for each in items if each.plan), "", ""])


def test_one_principal_under_two_names_ends_once() -> None:
    """Known only after the vendor was asked: the entry that stands first keeps it."""
    entries = [Entry(name, line=n) for n, name in enumerate(("first", "alias", "other"), 2)]
    named = {"first": plan_of("bot"), "alias": plan_of("bot", final=3), "other": plan_of("bot", scope="elsewhere")}
    with planned(entries, lambda entry: named[entry.name], at_once=3, heard=silent) as found:
        items = list(found.items())
    assert [(each.entry.name, each.why) for each in items] == [
        ("first", ""),
        ("other", ""),
        ("alias", "x:bot/bot is ended with first of line 2: one identity ends once."),
    ]
    assert items[2].plan is None
    assert items[2].tenants == ()


def test_no_more_plans_are_made_than_are_written() -> None:
    """The main thread writes them down; whoever waits for it is not let run ahead."""
    ready: list[int] = []
    most = 0
    lock = threading.Lock()

    def draft(entry: Entry) -> Plan:
        with lock:
            ready.append(1)
        return plan_of(entry.name)

    def heard(done: int, _of: int) -> None:
        nonlocal most
        with lock:
            most = max(most, len(ready) - done)

    with planned([Entry(str(n)) for n in range(200)], draft, at_once=3, heard=heard) as found:
        assert len(found.rows) == 200
    assert most <= 3 * AHEAD


def test_settings_files_are_planned_one_after_the_other() -> None:
    seen: list[str] = []
    lock = threading.Lock()

    def draft(entry: Entry) -> Plan:
        with lock:
            seen.append(entry.config)
        return plan_of(entry.name)

    entries = [Entry(str(n), config=f"{n % 2}.toml") for n in range(8)]
    with planned(entries, draft, at_once=1, heard=silent) as found:
        assert [row.entry.name for row in found.rows] == [str(n) for n in range(8)], "their own order is kept"
    assert seen == ["0.toml"] * 4 + ["1.toml"] * 4


def test_ctrl_c_ends_it() -> None:
    def draft(entry: Entry) -> Plan:
        raise Interrupted

    with pytest.raises(Interrupted), planned([Entry("a")], draft, at_once=1, heard=silent):
        pass


BLASTS = st.builds(Blast, *(st.integers(0, 2),) * 4)
ROWS = st.lists(st.tuples(BLASTS, st.booleans()), max_size=12)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_worst_first_is_total_and_stable(drawn: list[tuple[Blast, bool]]) -> None:
    rows = [
        Row(Entry(str(n)), blast, Counted(1), (), "no plan" if without else "")
        for n, (blast, without) in enumerate(drawn)
    ]
    ordered = worst_first(rows)
    assert sorted(int(row.entry.name) for row in ordered) == list(range(len(rows)))
    for before, after in pairwise(ordered):
        assert (not before.why, before.blast) >= (not after.why, after.blast)
        if (bool(before.why), before.blast) == (bool(after.why), after.blast):
            assert int(before.entry.name) < int(after.entry.name)
    assert worst_first(ordered) == ordered


def test_what_a_plan_amounts_to() -> None:
    ref = PrincipalRef("x", "bot", "a")
    keys = tuple(Access(f"k{n}", ref, kind, "key", "live") for n, kind in enumerate(("x:key", "x:cert", "x:key")))
    steps = (
        Step("s1", "x:key/end", ref, Phase.END, "end", ends=("k0", "k1"), breaks="what uses it", reversible=False),
        Step("s2", "x:key/cut", ref, Phase.CUT, "cut", breaks="what uses it"),
    )
    plan = replace(
        plan_of("a"),
        intent=Intent(replace=("x:cert",)),
        accesses=(*keys, Access("k9", ref, "x:key", "key", "disabled")),
        steps=steps,
        notices=(Notice(ref, "careful", "danger"), Notice(ref, "note")),
        leads=(Lead(PrincipalRef("x", "bot", "b"), "it may", "log"),) * 2,
        open=(OpenDoor(ref, "t", "why"), OpenDoor(ref, "u", "why", kept=True)),
        manual=(Manual(ref, "x:app", "by hand"),),
        blind=(BlindSpot(ref, "x:log", "denied"),),
    )
    assert blast_of(plan) == Blast(irreversible=1, breaks=1 + 1 + 1, reach=1, live=3)
    assert counted(plan) == Counted(1, 3, 2, 1, 3, 2, 1)
    assert least_requests(plan, "") == {Tenant("x", "org"): 6}
    assert tenants_of(plan_of("a", scope=""), "eu.toml") == (Tenant("x", "eu.toml"),)


def rows_of(many: int) -> list[Row]:
    return [
        Row(
            Entry(f"bot-{n}", line=n + 2),
            Blast(),
            Counted(1, 2, 3, 0, 1, 0, 1),
            (Tenant("x", f"org-{n}"),),
            requests={Tenant("x", f"org-{n}"): 100},
        )
        for n in range(many)
    ]


def test_many_tenants_are_summed_and_the_slowest_tells_the_time() -> None:
    rows = [*rows_of(MOST_TENANTS + 4), Row(Entry("gone", line=99), Blast(), Counted(1), (), "not there")]

    def rate(tenant: Tenant) -> Rate | None:
        return Rate(10, 1.0) if tenant.scope != "org-3" else Rate(1, 6.0)

    made = overview(
        rows, Course(canary=2, wave=20), rate, source="bots.csv", saved="", digest="", next_commands=["type this"]
    )
    assert made.seconds == 600.0
    assert made.total.identities == MOST_TENANTS + 4
    assert made.waves == (2, 20, 12)
    shown = plain_text(overview_screen(made)).splitlines()
    assert shown[0] == "34 of 35 identities planned, 1 cannot be planned    bots.csv"
    assert any(each.split()[:2] == ["4", "8"] and each.endswith("and 4 more") for each in shown)
    assert "  line 99  gone  not there" in shown
    assert (
        "  3 waves: 2 go first and must end well; then up to 20 at a time. It pauses at 3 failed or refused." in shown
    )
    assert "  At least 10 min by the tenants' rates; waiting for the vendors is not in it." in shown
    assert shown[-1] == "Next: type this"
    last = item_rows(rows, Course())[-1]
    assert (last["wave"], last["why"]) == ("", "not there")
