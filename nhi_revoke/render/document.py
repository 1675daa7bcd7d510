"""A report as Markdown, for a ticket or an incident file. Names from a vendor are code spans; prose is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from nhi_revoke.engine.verdict import open_count
from nhi_revoke.model.report import Report
from nhi_revoke.render.clean import markdown, markdown_code
from nhi_revoke.render.inventory import unseen_count
from nhi_revoke.render.moment import moment
from nhi_revoke.render.report import fate_word, proof_counts, said_of


def markdown_report(report: Report) -> str:
    """The whole report; the sha256 of the journal stands at its end."""
    parts = [
        f"# {report.headline}: {markdown(report.identity)}",
        _facts(report),
        _list("Next", (markdown_code(command) for command in report.next)),
        _list("Notices", (f"**{n.level}** {markdown_code(str(n.on))} {markdown(n.says)}" for n in report.notices)),
        _list("Open", (_open(report, index) for index in range(len(report.open)))),
        _list("By hand", (f"{markdown_code(str(m.on))} {markdown(m.what)}" for m in report.manual)),
        _list("Expires", (_residual(report, index) for index in range(len(report.residuals)))),
        _list("Planted", (f"{markdown_code(str(x.to))} {markdown(x.why)} {moment(x.at)}" for x in report.planted)),
        _list("Reach", (f"{markdown_code(str(x.to))} {markdown(x.why)}" for x in report.leads)),
        _list("Unseen", [*_blind(report), *_unreachable(report)]),
        _outcomes(report),
        _replacements(report),
        _steps(report),
        _record(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are already escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _facts(report: Report) -> str:
    counted = ", ".join(f"{proof.value} {many}" for proof, many in proof_counts(report).items())
    rows = [
        ("run", markdown_code(report.run)),
        ("names", "pseudonyms (redacted)" if report.redacted else ""),
        ("command", markdown(report.verb)),
        ("state", markdown(report.state)),
        ("exit code", str(report.exit_code)),
        ("reason", markdown(report.intent.reason.value)),
        ("case", markdown(report.intent.case)),
        ("owner", markdown(report.owner)),
        ("operator", ", ".join(markdown_code(each) for each in report.operator)),
        ("approved by", _approved(report)),
        ("BREAK GLASS", markdown(report.approval.break_glass) if report.approval else ""),
        ("principals", ", ".join(markdown_code(str(p.ref)) for p in report.principals)),
        ("proof", counted),
        ("open / expires / unseen / planted", _left(report)),
        ("last residual ends", moment(report.residual_until)),
        *((word, moment(at)) for word, at in _times(report)),
    ]
    return markdown_table(("", ""), [row for row in rows if row[1]])


def _approved(report: Report) -> str:
    """Empty where nothing demanded it."""
    approval = report.approval
    if approval is None:
        return ""
    names = ", ".join(f"{markdown(each.name)} {markdown_code(each.key)}" for each in approval.signers)
    return names or f"nobody, though {approval.required} had to"


def _times(report: Report) -> list[tuple[str, datetime | None]]:
    times = report.times
    return [(name, getattr(times, name)) for name in times.__struct_fields__]


def _left(report: Report) -> str:
    unseen = unseen_count(report.blind, report.unreachable)
    still_open = open_count(report)
    return f"{still_open} / {len(report.residuals)} / {unseen} / {len(report.planted)}"


def _list(title: str, items: Iterable[str]) -> str:
    lines = [f"- {item.strip()}" for item in items]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _open(report: Report, index: int) -> str:
    door = report.open[index]
    word = "kept knowingly: " if door.kept else ""
    way = f" Close it: {markdown_code(door.next)}" if door.next and not door.kept else ""
    return f"{word}{markdown_code(door.access)} {markdown(door.why)}{way}"


def _residual(report: Report, index: int) -> str:
    each = report.residuals[index]
    until = f"until {moment(each.until)}" if each.until else "for good, unless you end it"
    source = f" ({markdown(each.source)})" if each.source else ""
    label = next((o.access.label for o in report.outcomes if o.access.id == each.access), "")
    what = " ".join(part for part in (markdown_code(each.access), markdown(label), until) if part)
    return f"{what}: {markdown(each.why)}{source}"


def _blind(report: Report) -> list[str]:
    return [
        f"{'' if b.counts else 'not read: '}{markdown_code(str(b.on))} {markdown(b.kind)}: {markdown(b.why)}"
        + (f" (needs {markdown_code(b.needs)})" if b.needs else "")
        + (f" until {moment(b.until)}" if b.until else "")
        for b in report.blind
    ]


def _unreachable(report: Report) -> list[str]:
    return [
        f"{markdown_code(str(u.ref))} {markdown(u.code)}: {markdown(u.why)} {markdown(u.hint)}"
        for u in report.unreachable
    ]


def _outcomes(report: Report) -> str:
    rows = [
        (
            fate_word(o) + (" (appeared)" if o.appeared else ""),
            markdown_code(o.access.id),
            o.proof.value if o.proof else "",
            markdown(said_of(o)) + (f" until {moment(o.until)}" if o.until else ""),
        )
        for o in report.outcomes
    ]
    return f"## Accesses\n\n{markdown_table(('fate', 'access', 'proof', 'what'), rows)}" if rows else ""


def _replacements(report: Report) -> str:
    rows = [
        (r.result, markdown_code(r.kind), markdown_code(r.to), r.proof.value if r.proof else "", markdown(r.why))
        for r in report.replacements
    ]
    return f"## Replacements\n\n{markdown_table(('result', 'kind', 'to', 'proof', 'why'), rows)}" if rows else ""


def _steps(report: Report) -> str:
    rows = [
        (s.phase.value, markdown(s.says), s.result, "yes" if s.reversible else "no", moment(s.at), markdown(s.detail))
        for s in report.steps
    ]
    heads = ("phase", "step", "result", "reversible", "at", "detail")
    return f"## Steps\n\n{markdown_table(heads, rows)}" if rows else ""


def _record(report: Report) -> str:
    if not report.journal_sha256:
        return ""
    return f"## Record\n\nJournal {markdown_code(report.journal)}, sha256 `{report.journal_sha256}`."
