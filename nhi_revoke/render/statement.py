"""An audit as a Markdown statement that somebody signs: what was looked at, what was seen, and what was not.

It says what was seen and when, and never that an identity is secure. Names from a vendor are code spans; prose is
escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from nhi_revoke import __version__
from nhi_revoke.model.audit import Examined, Judged
from nhi_revoke.render.audit import USUAL, because
from nhi_revoke.render.clean import markdown, markdown_code
from nhi_revoke.render.document import markdown_table
from nhi_revoke.render.moment import moment

_WORDS = {
    "live": "Live",
    "open": "Open: others can begin sessions",
    "planted": "Planted elsewhere by this identity",
    "stale": "Live and stale",
    "unknown-use": "Live, and its last use is unknown",
    "unseen": "Could not be looked at, or no list shows it",
}


class Kept(NamedTuple):
    """The data that was judged."""

    sha256: str
    file: str
    """Its name; empty: not kept."""


def markdown_statement(each: Sequence[Examined], at: datetime, fail_on: Sequence[str], kept: Kept | None) -> str:
    """`at`: when the look began, UTC; `fail_on`: its words."""
    parts = [
        f"# Statement of accesses, {moment(at)}",
        _facts(each, at, fail_on),
        _seen(each, fail_on),
        *(_identity(one) for one in each),
        _not_looked_at(each),
        _record(kept),
        _signature(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(each: Sequence[Examined], at: datetime, fail_on: Sequence[str]) -> str:
    operators = dict.fromkeys(str(ref) for one in each if one.inventory for ref in one.inventory.operator)
    ended = max((one.inventory.at for one in each if one.inventory), default=at)
    rows = [
        ("identities", ", ".join(markdown_code(one.name) for one in each)),
        ("looked at (UTC)", " to ".join(dict.fromkeys((moment(at), moment(ended))))),
        ("looked at as", ", ".join(map(markdown_code, operators)) or "unknown: no provider told who was logged in"),
        ("judged by", markdown_code(f"--fail-on {','.join(fail_on)}")),
        ("verdict", "passed" if all(one.passed for one in each) else "NOT PASSED"),
        ("tool", f"nhi-revoke {markdown(__version__)}"),
    ]
    return markdown_table(("", ""), rows)


def _seen(each: Sequence[Examined], fail_on: Sequence[str]) -> str:
    found = Counter(j.verdict for one in each for j in one.findings)
    live = sum(many for word, many in found.items() if word not in ("accepted", "unseen"))
    unlooked = sum(one.inventory is None for one in each)
    unseen = found["unseen"] + sum(j.would == "unseen" for one in each for j in one.findings)
    if live:
        seen = f"{live} seen live, open or planted, and not accepted."
    elif any(j.would not in ("", "unseen") for one in each for j in one.findings):
        seen = "Nothing was seen live but what is listed as accepted."
    else:
        seen = "Nothing was seen live."
    said = [seen]
    if found["accepted"]:
        said.append(f"{found['accepted']} accepted, with the reasons below.")
    if unseen:
        said.append(f"{unseen} could not be seen: what is there, nobody knows.")
    elif not unlooked:
        said.append("No look was denied, and none failed.")
    if unread := sum(j.verdict == "not-read" for one in each for j in one.judged):
        said.append(f"{unread} more were not read, as is listed below; nothing is known to be there.")
    if unlooked:
        said.append(f"{unlooked} of {len(each)} identities could not be looked at at all.")
    if set(fail_on) != USUAL:
        said.append("The verdict covers only what it was judged by; the rest is listed and was not judged.")
    said.append("This is what was seen at that time with those rights; it does not say what came after, or elsewhere.")
    return "## In short\n\n" + "\n".join(f"- {line}" for line in said)


def _identity(one: Examined) -> str:
    if one.inventory is None:
        return ""
    principals = [
        f"- {markdown_code(str(p.ref))} {markdown(p.kind)} {markdown(p.name)}" for p in one.inventory.principals
    ]
    parts = [f"## {markdown(one.name)}: {'passed' if one.passed else 'NOT PASSED'}", "\n".join(principals)]
    parts += [_group(title, (j for j in one.findings if j.verdict == verdict)) for verdict, title in _WORDS.items()]
    accepted = [j for j in one.findings if j.verdict == "accepted"]
    if accepted:
        rows = [(markdown_code(j.id), markdown(j.what), markdown(because(j))) for j in accepted]
        parts.append(f"### Accepted\n\n{markdown_table(('id', 'what', 'because'), rows)}")
    parts.append(_group("Not read; nothing is known to be there", _of(one, ("not-read",))))
    parts.append(_group("Within its reach, not looked at here", _of(one, ("reach",))))
    return "\n\n".join(part for part in parts if part)


def _of(one: Examined, verdicts: tuple[str, ...]) -> Iterable[Judged]:
    return (j for j in one.judged if j.verdict in verdicts)


def _group(title: str, found: Iterable[Judged]) -> str:
    lines = []
    for j in found:
        on = f" on {markdown_code(j.on)}" if j.on and j.on != j.id else ""
        note = f" ({markdown(j.note)})" if j.note else ""
        lines.append(f"- {markdown_code(j.id)}{on}: {markdown(j.what)}{note}")
    return "\n".join([f"### {title}", "", *lines]) if lines else ""


def _not_looked_at(each: Sequence[Examined]) -> str:
    lines = [
        f"- {markdown_code(one.name)} {markdown(one.code)}: {markdown(one.why)}"
        for one in each
        if one.inventory is None
    ]
    return "\n".join(["## Not looked at", "", *lines]) if lines else ""


def _record(kept: Kept | None) -> str:
    if kept is None:
        return ""
    where = f"in the file {markdown_code(kept.file)}" if kept.file else "not kept; with `--data FILE` it is"
    return f"## Record\n\nThe data that was judged ({where}), sha256 `{kept.sha256}`."


def _signature() -> str:
    text = "\n\n".join(f"{word}: {'.' * 60}" for word in ("Name", "Date", "Signature"))
    return f"## Signed\n\nI have read this statement and what it says was not seen.\n\n{text}"
