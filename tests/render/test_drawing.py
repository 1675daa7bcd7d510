"""Drawing: long tables are fast, lineage never loops, nothing is called ended without proof."""

from __future__ import annotations

import io
import time

from msgspec.structs import replace

from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import table
from nhi_revoke.render.document import markdown_report
from nhi_revoke.render.inventory import counts, inventory_screen, lineage
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.report import nothing_screen, proof_counts, report_screen
from nhi_revoke.render.screen import draw, natural_width


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


def test_a_pipe_keeps_each_row_on_one_line() -> None:
    assert plain_text([table(("A", "B"), [["x" * 300, "y"], ["", ""]])]) == f"A{' ' * 299}  B\n{'x' * 300}  y\n\n"


def test_a_wide_table_shows_ids_whole() -> None:
    ident = "example:token/" + "x" * 100
    wide = table(("STATE", "ACCESS", "EXPIRES"), [["live", ident, "soon"]], own_line="ACCESS", named=("EXPIRES",))
    assert natural_width(wide) > 80
    out = io.StringIO()
    draw([wide], out, width=80, color=False)
    assert out.getvalue().splitlines() == ["live  expires soon", f"      {ident}"]


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
