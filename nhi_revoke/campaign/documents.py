"""The merged report as documents, part by part: a page, OCSF events, every run's report; and the manifest of hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from nhi_revoke import __version__
from nhi_revoke.campaign.item import State
from nhi_revoke.campaign.merged import WORST_STATES, ItemRow, Merged
from nhi_revoke.campaign.merged_screen import GROUPS, left_spans, proof_spans
from nhi_revoke.model.report import Report
from nhi_revoke.render.clean import json_text
from nhi_revoke.render.moment import moment

Reported = Iterable[tuple[ItemRow, Report | None]]


class Shown(NamedTuple):
    """A row of the page: short words only."""

    number: int
    wave: int
    name: str
    owner: str
    tenants: str
    headline: str
    left: str
    style: str
    residual_until: str
    why: str
    run: str
    sha256: str


class Group(NamedTuple):
    """Identities of one state."""

    id: str
    title: str
    style: str
    many: int
    open: bool
    """Whether the page shows them at once."""
    rows: Iterator[Shown]


def page(found: Merged, rows: Callable[[], Iterable[ItemRow]], now: datetime) -> Iterator[str]:
    """One HTML file; nothing in it asks for another. `rows` is gone through once for each state."""
    from nhi_revoke.render.page.write import page_parts

    groups = (
        Group(state, GROUPS[state].title, GROUPS[state].style, many, state != "done", _of(rows, state))
        for state, many in _many(found)
    )
    yield from page_parts(
        "campaign.html",
        m=found,
        good=found.items.done == found.items.all and not found.tampered,
        made=moment(now),
        counts=[(state.upper(), many, GROUPS[state].style) for state, many in _many(found)],
        proofs=[_counted(span.text, span.style) for span in proof_spans(found.left)],
        left=[_counted(span.text, span.style) for span in left_spans(found.left)],
        residual_until=moment(found.residual_until),
        groups=groups,
    )


def ocsf(reported: Reported, now: datetime) -> Iterator[str]:
    """The events of every run, one a line."""
    from nhi_revoke.render.ocsf import ocsf_events

    return (ocsf_events(report, now) for _, report in reported if report is not None)


def report_lines(reported: Reported) -> Iterator[str]:
    """Every run's report, one a line; an item without one tells what became of it."""
    for row, report in reported:
        line = {"type": "item", "item": row} if report is None else {"type": "report", "item": row, "report": report}
        yield json_text(msgspec.json.encode(line, enc_hook=str).decode()) + "\n"


def manifest(found: Merged, rows: Iterable[ItemRow], files: Sequence[tuple[str, str]], now: datetime) -> Iterator[str]:
    """JSON: the digest of the plan, the sha256 of every journal, and of each file (its name, its sha256)."""
    head = {
        "manifest": 1,
        "campaign": found.campaign,
        "plan_digest": found.digest,
        "state": found.state,
        "made": moment(now),
        "version": __version__,
        "files": [{"name": name, "sha256": sha256} for name, sha256 in files],
    }
    yield json_text(msgspec.json.encode(head).decode()).removesuffix("}") + ',"journals":['
    before = "\n"
    for row in rows:
        if row.run:
            yield before + json_text(msgspec.json.encode({"run": row.run, "sha256": row.journal_sha256}).decode())
            before = ",\n"
    yield "\n]}\n"


def _of(rows: Callable[[], Iterable[ItemRow]], state: str) -> Iterator[Shown]:
    for row in rows():
        if row.state == state:
            counts = [span for span in left_spans(row.left) if not span.text.endswith(" 0")]
            yield Shown(
                row.number,
                row.wave,
                row.name,
                row.owner,
                ", ".join(row.tenants),
                row.headline,
                "  ".join(span.text for span in counts),
                next((span.style for span in counts), ""),
                moment(row.left.residual_until),
                row.why,
                row.run,
                row.journal_sha256,
            )


def _many(found: Merged) -> list[tuple[State, int]]:
    """Of each state that any identity has."""
    counts = ((state, getattr(found.items, state)) for state in WORST_STATES)
    return [(state, many) for state, many in counts if many]


def _counted(text: str, style: str) -> tuple[str, str, str]:
    word, _, many = text.rpartition(" ")
    return word, many, style
