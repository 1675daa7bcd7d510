"""Whole screens, as a person sees them. Trailing blanks of table cells do not count."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import Block
from nhi_revoke.render.inventory import inventory_screen
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.plan import plan_screen
from nhi_revoke.render.report import report_screen
from nhi_revoke.render.screen import draw

LIST_80 = """\
LIVE 3  OPEN 1  REACH 1  UNSEEN 3  PLANTED 1    payments-bot
1 MAY BE LIVE: no list shows them; take them for live.

OPEN
  OPEN  trust/p  a partner

PLANTED
  PLANTED  example:bot/deploy-bot  a token was made on it

REACH
  REACH  example:bot/deploy-bot  it may mint sessions there

UNSEEN
  UNSEEN  other:app/payments  not-installed: no library  pip install 'x'
  UNSEEN  example:bot/payments-bot  example:grant: the listing was denied (needs
    grants.list)
  UNSEEN until 2026-01-31T12:15Z  example:bot/payments-bot  example:session:
    events lag

example:bot/payments-bot  bot payments-bot
  live         ci  created 2026-01-25T06:00Z  last used 2026-01-31T11:57Z
               tok_1
  live         expires 2026-01-31T12:30Z
                 ses/1
  live         a partner
               trust/p
  may be live  every session
               ses/*
  disabled     old
               tok_2
"""

LIST_120 = """\
LIVE 3  OPEN 1  REACH 1  UNSEEN 3  PLANTED 1    payments-bot
1 MAY BE LIVE: no list shows them; take them for live.

OPEN
  OPEN  trust/p  a partner

PLANTED
  PLANTED  example:bot/deploy-bot  a token was made on it

REACH
  REACH  example:bot/deploy-bot  it may mint sessions there

UNSEEN
  UNSEEN  other:app/payments  not-installed: no library  pip install 'x'
  UNSEEN  example:bot/payments-bot  example:grant: the listing was denied (needs grants.list)
  UNSEEN until 2026-01-31T12:15Z  example:bot/payments-bot  example:session: events lag

example:bot/payments-bot  bot payments-bot
  STATE        ACCESS   CREATED            LAST USED          EXPIRES            WHAT
  ────────────────────────────────────────────────────────────────────────────────────────────
  live         tok_1    2026-01-25T06:00Z  2026-01-31T11:57Z                     ci
  live           ses/1                                        2026-01-31T12:30Z
  live         trust/p                                                           a partner
  may be live  ses/*                                                             every session
  disabled     tok_2                                                             old
"""

PLAN_80 = """\
4 changes, 1 IRREVERSIBLE    payments-bot
order: contain first   reason: leaked   scope: all   rotate: wait   brake: auto
  follow: identity   settle: 60 s   case: IR-17

OPEN
  OPEN  trust/p  a partner can begin sessions  close it: --cut-trust trust/p

BREAKS
  example:bot/payments-bot  sessions end

STAYS
  until 2026-01-31T12:30Z  ses/1: no API ends it (Example docs)

BY HAND
  example:bot/payments-bot  example:factor: remove the phone by hand

PLANTED (not touched by this plan)
  PLANTED  example:bot/deploy-bot  a token was made on it

REACH (not touched by this plan)
  REACH  example:bot/deploy-bot  it may mint sessions there

UNSEEN
  UNSEEN  other:app/payments  not-installed: no library  pip install 'x'
  UNSEEN  example:bot/payments-bot  example:grant: the listing was denied (needs
    grants.list)
  UNSEEN until 2026-01-31T12:15Z  example:bot/payments-bot  example:session:
    events lag

NOTES
  WARNING: a quota is nearly full  example:bot/payments-bot

example:bot/payments-bot  bot payments-bot
  #  PHASE    UNDO          AFTER  WHAT
  ────────────────────────────────────────────────────
  1  cut      after 60 min         end every session
  2  end      re-arms              disable token ci
  3  mint     IRREVERSIBLE  1-2    delete token old
  4  deliver  yes           3      deliver the new one
"""

REPORT_80 = """\
NOT PROVEN OUT    payments-bot  revoke 20260131T120000Z-abc123  state: partial
ENFORCED 1  SIMULATED 0  RECORDED 1  REQUESTED 1  UNPROVEN 0
OPEN 3  EXPIRES 1  UNSEEN 3  PLANTED 1
The last residual ends at 2026-01-31T12:30:00Z.
Next: nhi-revoke resume 20260131T120000Z-abc123
      nhi-revoke apply plan-2.json

OPEN
  OPEN  trust/p  a partner can begin sessions  close it: --cut-trust trust/p
  KEPT  trust/q  known
  OPEN  ses/*  every session: accepted, not yet seen
  OPEN  ses/1  it expires by itself, until 2026-01-31T12:30Z

EXPIRES
  until 2026-01-31T12:30Z  ses/1: no API ends it (Example docs)

BY HAND
  example:bot/payments-bot  example:factor: remove the phone by hand

PLANTED
  PLANTED  example:bot/deploy-bot  a token was made on it

REACH
  REACH  example:bot/deploy-bot  it may mint sessions there

UNSEEN
  UNSEEN  other:app/payments  not-installed: no library  pip install 'x'
  UNSEEN  example:bot/payments-bot  example:grant: the listing was denied (needs
    grants.list)
  UNSEEN until 2026-01-31T12:15Z  example:bot/payments-bot  example:session:
    events lag

NOTES
  WARNING: a quota is nearly full  example:bot/payments-bot

example:bot/payments-bot  bot payments-bot
  open                   a partner: nobody cut it
                         trust/p
  not proven  requested  every session: accepted, not yet seen
                         ses/*
  left                   it expires by itself, until 2026-01-31T12:30Z
                         ses/1 (appeared during the run)
  ended       enforced   ci: the vendor refused it
                         tok_1
  already     recorded   old: read twice
                         tok_2

REPLACEMENTS
  RESULT   PROOF  KIND           TO             WHY
  ─────────────────────────────────────────────────────────────
  waiting         example:token  file:/run/bot  the brake is on

STEPS that did not end well
  failed  disable token ci: 403 (needs tokens.update)

RECORD
  started 2026-01-31T12:00:00Z
  acted 2026-01-31T12:00:03Z  3 s after the start
  sealed 2026-01-31T12:02:00Z  2 min after the start
  case IR-17, reason leaked
  operator example:bot/responder
  next plan plan-2.json
  journal 20260131T120000Z-abc123.jsonl
  sha256 abababababababababababababababababababababababababababababababab

NOT PROVEN OUT    payments-bot  revoke 20260131T120000Z-abc123  state: partial
Next: nhi-revoke resume 20260131T120000Z-abc123
      nhi-revoke apply plan-2.json
"""

REPORT_PIPE = """\
NOT PROVEN OUT    payments-bot  revoke 20260131T120000Z-abc123  state: partial
ENFORCED 1  SIMULATED 0  RECORDED 1  REQUESTED 1  UNPROVEN 0
OPEN 3  EXPIRES 1  UNSEEN 3  PLANTED 1
The last residual ends at 2026-01-31T12:30:00Z.
Next: nhi-revoke resume 20260131T120000Z-abc123
      nhi-revoke apply plan-2.json

OPEN
  OPEN  trust/p  a partner can begin sessions  close it: --cut-trust trust/p
  KEPT  trust/q  known
  OPEN  ses/*  every session: accepted, not yet seen
  OPEN  ses/1  it expires by itself, until 2026-01-31T12:30Z

EXPIRES
  until 2026-01-31T12:30Z  ses/1: no API ends it (Example docs)

BY HAND
  example:bot/payments-bot  example:factor: remove the phone by hand

PLANTED
  PLANTED  example:bot/deploy-bot  a token was made on it

REACH
  REACH  example:bot/deploy-bot  it may mint sessions there

UNSEEN
  UNSEEN  other:app/payments  not-installed: no library  pip install 'x'
  UNSEEN  example:bot/payments-bot  example:grant: the listing was denied (needs grants.list)
  UNSEEN until 2026-01-31T12:15Z  example:bot/payments-bot  example:session: events lag

NOTES
  WARNING: a quota is nearly full  example:bot/payments-bot

example:bot/payments-bot  bot payments-bot
  FATE        PROOF      ACCESS                           WHAT
  open                   trust/p                          a partner: nobody cut it
  not proven  requested  ses/*                            every session: accepted, not yet seen
  left                   ses/1 (appeared during the run)  it expires by itself, until 2026-01-31T12:30Z
  ended       enforced   tok_1                            ci: the vendor refused it
  already     recorded   tok_2                            old: read twice

REPLACEMENTS
  RESULT   PROOF  KIND           TO             WHY
  waiting         example:token  file:/run/bot  the brake is on

STEPS that did not end well
  failed  disable token ci: 403 (needs tokens.update)

RECORD
  started 2026-01-31T12:00:00Z
  acted 2026-01-31T12:00:03Z  3 s after the start
  sealed 2026-01-31T12:02:00Z  2 min after the start
  case IR-17, reason leaked
  operator example:bot/responder
  next plan plan-2.json
  journal 20260131T120000Z-abc123.jsonl
  sha256 abababababababababababababababababababababababababababababababab

NOT PROVEN OUT    payments-bot  revoke 20260131T120000Z-abc123  state: partial
Next: nhi-revoke resume 20260131T120000Z-abc123
      nhi-revoke apply plan-2.json
"""


def drawn(blocks: Sequence[Block], width: int, *, color: bool = False) -> str:
    out = io.StringIO()
    draw(blocks, out, width=width, color=color)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_list(inventory: Inventory) -> None:
    assert drawn(inventory_screen(inventory), 80) == LIST_80
    assert drawn(inventory_screen(inventory), 120) == LIST_120


def test_plan(plan: Plan) -> None:
    assert drawn(plan_screen(plan), 80) == PLAN_80


def test_report(report: Report) -> None:
    assert drawn(report_screen(report), 80) == REPORT_80
    assert plain_text(report_screen(report)) == REPORT_PIPE


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_but_a_kept_one_is_wider_than_the_terminal(
    inventory: Inventory, plan: Plan, report: Report, width: int
) -> None:
    for blocks in (inventory_screen(inventory), plan_screen(plan), report_screen(report)):
        assert max(map(len, drawn(blocks, width).splitlines())) <= width


def test_colour_changes_no_word(inventory: Inventory, plan: Plan, report: Report) -> None:
    import re

    for blocks in (inventory_screen(inventory), plan_screen(plan), report_screen(report)):
        coloured = drawn(blocks, 80, color=True)
        assert "\x1b[" in coloured
        bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
        assert [line.rstrip() for line in bare.splitlines()] == drawn(blocks, 80).splitlines()


def test_the_number_after_open_is_the_number_of_lines_under_it(report: Report) -> None:
    text = plain_text(report_screen(report))
    under = text.split("\nOPEN\n")[1].split("\n\n")[0]
    assert f"OPEN {under.count('  OPEN  ')}  EXPIRES" in text
    assert "  KEPT  " in under, "known and kept: shown, not counted"


def test_ways_to_one_principal_and_what_was_not_read_for_several_stand_together(inventory: Inventory) -> None:
    bot, worker, ledger = (PrincipalRef.parse(f"example:bot/{name}") for name in ("bot", "worker", "ledger"))
    leads = (
        Lead(ledger, "bot may become it", "ListRoles", next="look", of=bot),
        Lead(ledger, "worker may become it", "ListRoles", next="look", of=worker),
        Lead(ledger, "session x of it", "ListRoles", next="look", of=bot, session="x"),
    )
    spots = tuple(BlindSpot(on, "example:agent", "one region only", counts=False) for on in (bot, worker))
    counted = tuple(BlindSpot(on, "example:agent", "denied") for on in (bot, worker))
    seen = replace(inventory, leads=leads, blind=(*spots, *counted), unreachable=())
    text = plain_text(inventory_screen(seen))
    assert "  REACH  example:bot/ledger  bot may become it; worker may become it  next: look\n" in text
    assert "  REACH  example:bot/ledger  session x of it  next: look\n" in text
    assert text.count("  REACH  ") == 2
    assert "  not read  example:bot/bot, example:bot/worker  example:agent: one region only\n" in text
    assert text.count("  UNSEEN  ") == 2, "what counts has a line each"
