"""The screens of `audit`: of one identity, the verdict, the list and what keeps it from passing; of many, a line each
first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nhi_revoke.model.audit import Examined, Judged
from nhi_revoke.model.command import command
from nhi_revoke.render.block import BLANK, Block, Line, Span, Style, line, next_line, section, table
from nhi_revoke.render.inventory import Counts, counts, inventory_screen, spaced
from nhi_revoke.render.moment import minute

_STYLE: dict[str, Style] = {"accepted": "dim", "unseen": "warning", "unknown-use": "warning"}
USUAL = {"live", "unseen"}


def audit_screen(one: Examined, fail_on: Sequence[str]) -> list[Block]:
    """`fail_on`: its words."""
    verdict = verdict_line([one], fail_on)
    blocks: list[Block] = [verdict, *([] if one.inventory is None else inventory_screen(one.inventory))]
    # The last line is the first that a terminal shows.
    return [*blocks, *section(Span("AUDIT", "strong"), _findings(one)), BLANK, verdict]


def many_screen(each: Sequence[Examined], fail_on: Sequence[str]) -> list[Block]:
    """The verdict over all, a row each, then what fails; the whole list of one is `audit NAME`."""
    found = total(each)
    passed = sum(one.passed for one in each)
    numbers = [
        Span(f"LIVE {found.live}", "danger" if found.live else "good"),
        Span(f"OPEN {found.open}", "danger" if found.open else ""),
        Span(f"REACH {found.reach}", "warning" if found.reach else ""),
        Span(f"UNSEEN {found.unseen}", "warning" if found.unseen else ""),
        *([Span(f"PLANTED {found.planted}", "danger")] if found.planted else []),
    ]
    blank = sum(one.inventory is None for one in each)
    unlooked = [Span(f"NOT LOOKED AT {blank}", "danger")] if blank else []
    heads = ("RESULT", "IDENTITY", "LIVE", "MAY BE", "OPEN", "UNSEEN", "ACCEPTED", "EXIT")
    maybe = f"{found.maybe} MAY BE LIVE: no list shows them; take them for live."
    blocks: list[Block] = [
        line(*verdict_line(each, fail_on).spans, f"    {passed} of {len(each)} identities pass"),
        line(*spaced([*numbers, *unlooked])),
        *([line(Span(maybe, "warning"))] if found.maybe else []),
        BLANK,
        table(heads, [_row(one) for one in each], keep="RESULT", indent=2),
    ]
    failing = [one for one in each if not one.passed]
    for one in failing:
        blocks += section(Span(one.name, "strong"), _findings(one) if one.inventory else [unlooked_line(one)])
    first = next((one for one in failing if one.inventory is not None), None)
    return [*blocks, *([BLANK, next_line(command("audit", first.name))] if first else [])]


def verdict_line(each: Sequence[Examined], fail_on: Sequence[str]) -> Line:
    """Nothing passes for more than was judged: what was accepted, and what was not to fail, is said."""
    usual = set(fail_on) == USUAL
    by = "" if usual else f" by --fail-on {','.join(fail_on)}"
    if not all(one.passed for one in each):
        return line(Span(f"NOT PASSED{by}", "danger"))
    spared = Counter(judged.verdict for one in each for judged in one.findings)
    accepted = spared.pop("accepted", 0)
    words = "nothing live, nothing unseen" if usual else "none of that"
    if accepted:
        words += f", but for {accepted} accepted"
    if spared:
        words += f"; not judged: {', '.join(f'{word} {many}' for word, many in sorted(spared.items()))}"
    return line(Span(f"PASSED{by}: {words}", "warning" if spared else "good"))


def total(each: Sequence[Examined]) -> Counts:
    """Of all that could be looked at."""
    found = [counts(one.inventory) for one in each if one.inventory is not None]
    return Counts(*(sum(numbers) for numbers in zip(*found, strict=True))) if found else Counts(0, 0, 0, 0, 0, 0)


def audit_rows(each: Sequence[Examined]) -> Iterator[dict[str, str]]:
    """For csv and ndjson: a finding each, and an identity that could not be looked at."""
    for one in each:
        if one.inventory is None:
            yield _flat(one, Judged(one.code, one.why, "not-looked-at", fails=True, note=one.hint))
        for judged in one.findings:
            yield _flat(one, judged)


def because(judged: Judged) -> str:
    """Why it was accepted and until when, or what became of its acceptance."""
    until = f" (until {minute(judged.until)})" if judged.until else ""
    return f"{judged.reason}{until}" if judged.reason else judged.note


def unlooked_line(one: Examined) -> Line:
    """An identity of which nothing is known."""
    hint = f"  {one.hint}" if one.hint else ""
    return line(Span("NOT LOOKED AT", "danger"), f"  {one.code}: {one.why}{hint}", indent=2)


def _findings(one: Examined) -> list[Line | Block]:
    """A row each; columns that hold nothing are left out, and whether it fails where not everything does."""
    spared = any(j.verdict != "accepted" and not j.fails for j in one.findings)
    rows = [
        (
            Span(j.verdict.upper(), _style(j)),
            j.id,
            j.what,
            because(j),
            ("yes" if j.fails else "no") if spared else "",
        )
        for j in one.findings
    ]
    heads = ("VERDICT", "ID", "WHAT", "ACCEPTED BECAUSE", "FAILS")
    filled = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    cells = [[row[i] for i in filled] for row in rows]
    shown = table([heads[i] for i in filled], cells, keep="VERDICT", own_line="ID", named=heads[3:], indent=2)
    return [shown] if rows else []


def _style(judged: Judged) -> Style:
    if judged.verdict != "accepted" and not judged.fails:
        return "dim"
    return _STYLE.get(judged.verdict, "danger")


def _row(one: Examined) -> tuple[Span | str, ...]:
    if one.inventory is None:
        return Span("NOT LOOKED AT", "danger"), one.name, "", "", "", "", "", str(one.exit_code)
    found = counts(one.inventory)
    accepted = sum(j.verdict == "accepted" for j in one.findings)
    word = Span("passed", "good") if one.passed else Span("NOT PASSED", "danger")
    numbers = (found.live, found.maybe, found.open, found.unseen, accepted, one.exit_code)
    return word, one.name, *map(str, numbers)


def _flat(one: Examined, judged: Judged) -> dict[str, str]:
    return {
        "verdict": judged.verdict,
        "id": judged.id,
        "what": judged.what,
        "reason": judged.reason,
        "identity": one.name,
        "on": judged.on,
        "fails": "yes" if judged.fails else "no",
        "note": judged.note,
    }
