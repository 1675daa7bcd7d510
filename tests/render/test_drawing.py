"""Drawing: long tables are fast, lineage never loops, nothing is called ended without proof."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from itertools import permutations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Notice
from nhi_revoke.render.block import line, table
from nhi_revoke.render.document import markdown_report
from nhi_revoke.render.inventory import counts, inventory_screen, lineage, ranked
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.plan import plan_screen, spans_of
from nhi_revoke.render.report import nothing_screen, proof_counts, report_screen
from nhi_revoke.render.screen import MOST_PAD, MOST_ROWS, draw, drawn, natural_width
from nhi_revoke.render.wrap import wrapped
from tests.render.conftest import NOON


def test_ten_thousand_rows_are_padded_lines() -> None:
    rows = [[f"live-{number}", "x" * (number % 40)] for number in range(10_000)]
    big = table(("STATE", "ACCESS"), rows)
    out = io.StringIO()
    before = time.process_time()
    draw([big], out, width=80, color=True)
    took = time.process_time() - before
    assert out.getvalue() == plain_text([big])
    assert len(out.getvalue().splitlines()) == 10_001
    assert took < 4, "seconds of CPU, lines counted, on a slow machine; rich would take eleven without that"


def many(number: int, principals: int) -> Inventory:
    """As many accesses, of as many principals, each with a lead and a blind spot."""
    refs = [PrincipalRef("example", "bot", f"b{n}") for n in range(principals)]
    token = Access("", refs[0], "example:token", "key", "live", "a token", created=NOON)
    accesses = tuple(
        replace(token, id=f"example:token/{n:06}", on=refs[n % principals], label=f"token {n}") for n in range(number)
    )
    leads = tuple(Lead(PrincipalRef("example", "bot", f"other-{n}"), "it may", "API") for n in range(principals))
    spots = tuple(BlindSpot(ref, "example:grant", "denied") for ref in refs)
    known = tuple(Principal(ref, "bot", ref.id, "org", ref.id) for ref in refs)
    return Inventory(Identity("shop", tuple(refs)), NOON, known, accesses, leads, spots)


def calls(do: Callable[[], object]) -> int:
    """Calls of functions, those of C and each step of a generator among them: work that no busy machine blurs."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("principals", [1, 40])
def test_drawing_takes_twice_as_long_for_twice_as_much(principals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no part of it is rich's, whose tables take a millisecond a row: without it all is there."""
    for name in ("rich", "rich.table", "rich.text", "rich.console"):
        monkeypatch.setitem(sys.modules, name, None)

    def shown(factor: int) -> str:
        out = io.StringIO()
        inventory = many(400 * factor, principals * factor)
        draw(inventory_screen(inventory), out, width=100, color=True)
        return out.getvalue()

    assert shown(2).count("example:token/") == 800
    assert calls(lambda: shown(4)) < 2.3 * calls(lambda: shown(2))


def test_a_long_table_is_not_padded_to_its_longest_cell() -> None:
    rows = [["live", f"id-{number}", "what"] for number in range(MOST_ROWS + 1)]
    rows[7][1] = "x" * 300
    lines = list(drawn([table(("STATE", "ACCESS", "WHAT"), rows)], width=80, color=False))
    assert len(lines) == len(rows) + 1
    assert lines[8] == f"live   {'x' * 300}  what"
    assert len(lines[1]) == len("live   ") + MOST_PAD + len("  what")


def test_no_word_is_cut_in_two() -> None:
    ident = "/".join(["a-long-part"] * 12)
    words = ["OPEN", ident, *(["words"] * 30), f"--cut-trust={ident}", "end"]
    for width in (40, 80, 120):
        for indent in (0, 2):
            lines = list(drawn([line("  ".join(words), indent=indent)], width=width, color=False))
            assert "  ".join(words).split() == " ".join(lines).split()
            assert [each for each in lines if len(each) > width and len(each.split()) > 1] == []
            assert all(each.startswith(" " * (indent + 2)) for each in lines[1:]), "under the first"
    assert wrapped("", 80, 2) == [(0, 0)]
    assert wrapped("x" * 100, 80, 2) == [(0, 100)]
    assert wrapped("   " + "x" * 100 + " y", 80, 2) == [(0, 103), (104, 105)]


def test_columns_stand_where_they_stood_in_the_table_before(report: Report) -> None:
    """One table has no proof and short words, the next has both: what follows stands in one column."""
    ended, *_, kept = report.outcomes
    other = PrincipalRef("example", "bot", "other")
    alone = replace(kept, fate="kept", access=replace(kept.access, on=other))
    shown = replace(report, outcomes=(ended, alone), steps=(), open=(), residuals=(), notices=(), next=())
    lines = list(drawn(report_screen(shown), width=50, color=False))
    (one,) = [each.index("ci: the vendor") for each in lines if "ci: the vendor" in each]
    (two,) = [each.index("a partner: nobody") for each in lines if "a partner: nobody" in each]
    assert one == two


def test_what_needs_a_look_comes_first_whatever_order_the_vendors_answered_in(inventory: Inventory) -> None:
    """A dead key with a live session stands where the session would."""
    tok, old, standing, session, trust = inventory.accesses
    dead = replace(tok, state="disabled")
    noted = replace(old, id="tok_0", opens=False)
    for accesses in permutations((dead, old, standing, session, trust, noted), 6):
        ids = [access.id for access in ranked(accesses)]
        assert ids == ["ses/1", "tok_1", "trust/p", "ses/*", "tok_2", "tok_0"]


def test_steps_that_have_one_reason_stand_below_it(report: Report) -> None:
    failed = next(step for step in report.steps if step.result == "failed")
    skipped = replace(failed, result="skipped", detail="nothing was minted", says="prove the new one")
    steps = (skipped, failed, replace(skipped, says="deliver it"), skipped, replace(skipped, detail="another"))
    text = plain_text(report_screen(replace(report, steps=steps)))
    assert text.split("well\n")[1].split("\n\n")[0].splitlines() == [
        "  skipped  nothing was minted",
        "    prove the new one (2 times)",
        "    deliver it",
        "  failed  disable token ci: 403 (needs tokens.update)",
        "  skipped  prove the new one: another",
    ]


def test_numbers_of_steps_that_follow_each_other_are_a_span() -> None:
    assert [spans_of(each) for each in ((), (3,), (1, 2), (9, 1, 3, 4, 5, 1))] == ["", "3", "1-2", "1 3-5 9"]


def test_what_is_said_of_several_stands_once_and_the_gravest_first(plan: Plan) -> None:
    on = PrincipalRef("example", "bot", "other")
    (notice,) = plan.notices
    said = (Notice(on, "by the way", "info"), notice, replace(notice, on=on), Notice(on, "it burns", "danger"))
    text = plain_text(plan_screen(replace(plan, notices=said)))
    assert text.split("\nNOTES\n")[1].split("\n\n")[0].splitlines() == [
        "  DANGER: it burns  example:bot/other",
        "  WARNING: a quota is nearly full  example:bot/payments-bot, example:bot/other",
        "  note: by the way  example:bot/other",
    ]


def test_the_parts_of_list_plan_and_report_have_one_order(inventory: Inventory, plan: Plan, report: Report) -> None:
    order = ["OPEN", "BREAKS", "STAYS", "EXPIRES", "BY HAND", "PLANTED", "REACH", "UNSEEN", "NOTES"]
    order += [str(inventory.principals[0].ref), "REPLACEMENTS", "STEPS", "RECORD"]
    for blocks in (inventory_screen(inventory), plan_screen(plan), report_screen(report)):
        lines = plain_text(blocks).splitlines()[3:]
        titles = [next(t for t in order if each.startswith(t)) for each in lines if each.startswith(tuple(order))]
        assert len(titles) >= 5
        assert titles == sorted(titles, key=order.index)


def test_a_pipe_keeps_each_row_on_one_line() -> None:
    assert plain_text([table(("A", "B"), [["x" * 300, "y"], ["", ""]])]) == f"A{' ' * 299}  B\n{'x' * 300}  y\n\n"


def test_a_wide_table_shows_ids_whole() -> None:
    ident = "example:token/" + "x" * 100
    wide = table(("STATE", "ACCESS", "EXPIRES"), [["live", ident, "soon"]], own_line="ACCESS", named=("EXPIRES",))
    assert natural_width(wide) > 80
    out = io.StringIO()
    draw([wide], out, width=80, color=False)
    assert out.getvalue().splitlines() == ["live  expires soon", f"      {ident}"]


def test_prose_stands_beside_its_row_where_there_is_room_and_under_it_where_not() -> None:
    made = table(
        ("KEY", "VALUE", "SOURCE"), [["a-key", "what it is set to here", "a file"]], keep="KEY", named=("SOURCE",)
    )
    assert list(drawn([made], width=34, color=False)) == [
        "KEY    VALUE",
        "─" * 34,
        "a-key  what it is set to here",
        "       source a file",
    ]
    assert list(drawn([made], width=28, color=False)) == [
        "KEY  VALUE",
        "─" * 28,
        "a-key",
        "    what it is set to here",
        "    source a file",
    ]


def test_lineage_puts_children_under_parents_and_never_loops(inventory: Inventory) -> None:
    assert [(d, a.id) for d, a in lineage(inventory.accesses)][:2] == [(0, "tok_1"), (1, "ses/1")]
    tok, old, *rest = inventory.accesses
    circle = (replace(tok, parent="tok_2"), replace(old, parent="tok_1"), *rest)
    assert sorted(a.id for _, a in lineage(circle)) == sorted(a.id for a in circle)
    itself = (replace(tok, parent="tok_1"),)
    assert lineage(itself) == [(0, itself[0])]


def test_counts_claim_no_more_than_was_seen(inventory: Inventory) -> None:
    assert counts(inventory)._asdict() == {"live": 3, "maybe": 1, "open": 1, "reach": 1, "planted": 1, "unseen": 3}
    nothing = replace(inventory, accesses=(), leads=(), unreachable=())
    text = plain_text(inventory_screen(nothing))
    assert text.startswith("LIVE 0  OPEN 0  REACH 0  UNSEEN 2")
    assert "none" not in text
    assert "no access was found; see UNSEEN" in text


def test_what_is_shut_is_listed_and_counted_neither_live_nor_open(inventory: Inventory) -> None:
    shut = tuple(replace(a, shut="not while it is disabled") for a in inventory.accesses)
    found = counts(replace(inventory, accesses=shut))
    assert (found.live, found.maybe, found.open) == (0, 0, 0)
    text = plain_text(inventory_screen(replace(inventory, accesses=shut)))
    assert text.startswith("LIVE 0  OPEN 0")
    assert text.count("not while it is disabled") == len(shut)
    assert "\n  shut " in text
    assert "MAY BE LIVE" not in text


def test_nothing_is_called_ended_on_less_than_a_recorded_proof(report: Report) -> None:
    first, *_ = report.outcomes
    for proof in (None, *Proof):
        for fate in ("ended", "already"):
            shown = replace(report, outcomes=(replace(first, proof=proof, fate=fate),), steps=(), replacements=())
            proven = proof is not None and proof.proves
            for text in (plain_text(report_screen(shown)), markdown_report(shown)):
                assert ("not proven" in text) is not proven
                assert (f"| {fate} |" in text or f"\n  {fate} " in text) is proven
    assert proof_counts(report)[Proof.UNPROVEN] == 0
    assert proof_counts(replace(report, outcomes=(replace(first, proof=None),)))[Proof.UNPROVEN] == 1


def test_nothing_to_do_says_whether_that_is_good(plan: Plan) -> None:
    assert "nothing is live, open or unseen" in plain_text(nothing_screen(plan, 0))
    assert "see above" in plain_text(nothing_screen(plan, 8))


def test_an_untouchable_principal_says_why(inventory: Inventory) -> None:
    bot = replace(inventory.principals[0], untouchable="the vendor runs it itself")
    assert "cannot be changed: the vendor runs it itself" in plain_text(
        inventory_screen(replace(inventory, principals=(bot,)))
    )
