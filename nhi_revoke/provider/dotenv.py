"""Lines of a dotenv file, as shells source them and parsers read them: put in, read, every other byte kept. Pure.

POSIX, Shell Command Language, 2.2 (quoting) and 2.6.1 (a tilde after = or :); python-dotenv, README ("File format");
dotenv for Node, README ("What rules does the parsing engine follow?"). They differ in what they do with backslashes,
`${}`, and a `#` or a quote in the middle: what they would read differently is not written, and lines that nobody can
tell apart for sure are not touched: the text is refused, by the number of the line, and never by what stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.provider.fault import Rejected

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEAD = re.compile(r"(?P<lead>[ \t]*(?P<export>export[ \t]+)?)(?P<name>[A-Za-z0-9_.-]+)[ \t]*=[ \t]*")
_QUOTED = {"'": re.compile(r"'((?:[^'\\]|\\(?!'))*)'"), '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)}
"""In single quotes, a backslash before a quote is read in two ways."""
_BEHIND = re.compile(r"(?:[ \t]+#[^\n]*|[ \t]*)(?:\r?\n|\Z)|[ \t]+#[^\n]*\Z")
_OPERATOR = re.compile(r"[\s;&|<>()]")
_INNER = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)=")
_COMMENT = re.compile(r"[ \t]#")
_OTHER = re.compile(r"[ \t]*(?:#[^\n]*|export(?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+(?:[ \t]+#[^\n]*|[ \t]*))?(?:\r?\n|\Z)")
_PLAIN = re.compile(r"(?!~)(?:[A-Za-z0-9_./:=+@%,-]|(?<!:)~)+")
"""Read as it stands by all of them, and by those that know no quotes (docker's --env-file)."""
_ESCAPED = re.compile(r'\\([\\"$`\n])')


class Line(Struct, frozen=True):
    """An assignment, with as many lines as its value has; or whatever else, whose `name` is empty."""

    text: str
    name: str = ""
    value: str = ""
    before: str = ""
    """The text up to the value, and from behind it on: with the quotes left out."""
    behind: str = ""
    exported: bool = False
    bare: bool = False
    """Without quotes."""

    def __repr__(self) -> str:
        return f"Line({self.name or '…'})"


def unfit(text: str, names: Iterable[str], never: tuple[str, ...] = ()) -> str:
    """Why these variables cannot be put into this text; empty where they can. `never`: names that must not be there."""
    try:
        held = {line.name for line in _lines(text, (*names, *never))}
    except Rejected as why:
        return why.message
    besides = next((name for name in never if name in held), "")
    return f"it sets {besides}, which goes with another credential: take that line out first" if besides else ""


def values(text: str) -> dict[str, str]:
    """What is assigned; of a name that is there twice the last one, as all readers do. Raises Rejected."""
    return {line.name: line.value for line in _lines(text) if line.name}


def merged(text: str, new: Mapping[str, str]) -> str:
    """With these variables. One that is there is replaced where it stands, each time; the others come last. Raises
    Rejected, and where a value is one that readers would not read alike.
    """
    written = {name: _quoted(name, value) for name, value in new.items()}
    lines = _lines(text, written)
    kept = [f"{x.before}{written[x.name]}{x.behind}" if x.name in written else x.text for x in lines]
    there = {x.name for x in lines}
    end = "\r\n" if "\r\n" in text else "\n"
    whole = "".join(kept)
    if whole and not whole.endswith("\n") and not there >= set(written):
        whole += end
    assigned = [x for x in lines if x.name]
    export = "export " if assigned and all(x.exported for x in assigned) else ""
    return whole + "".join(f"{export}{name}={text}{end}" for name, text in written.items() if name not in there)


def _lines(text: str, names: Iterable[str] = ()) -> list[Line]:
    """`names`: of variables that will be written, or must not be there."""
    if "\0" in text or re.search(r"\r(?!\n)", text):
        raise Rejected("it is no dotenv text: it holds a control character")
    found: list[Line] = []
    at = 0
    while at < len(text):
        line = _line(text, at)
        if line is None or (line.bare and _hides(line, names)):
            number = text.count("\n", 0, at) + 1
            raise Rejected(f"line {number} of it is none of a dotenv file: no assignment that all readers read alike")
        found.append(line)
        at += len(line.text)
    return found


def _hides(line: Line, names: Iterable[str]) -> bool:
    """Whether a shell reads more in it than a parser does, and it matters: `export A=1 B=2` is two assignments."""
    if line.name in names:
        return bool(_OPERATOR.search(line.value))
    return any(name in names for name in _INNER.findall(line.value))


def _line(text: str, at: int) -> Line | None:
    if other := _OTHER.match(text, at):
        return Line(other[0])
    head = _HEAD.match(text, at)
    if head is None:
        return None
    if quoted := _QUOTED.get(text[head.end() : head.end() + 1]):
        told = quoted.match(text, head.end())
        if told is None or (behind := _BEHIND.match(text, told.end())) is None:
            return None
        value = _ESCAPED.sub(r"\1", told[1]) if quoted is _QUOTED['"'] else told[1]
        return _assigned(text[at : behind.end()], head, value, behind[0])
    stop = text.find("\n", head.end()) + 1 or len(text)
    start = len(head[0].rstrip(" \t")) + at  # a comment needs a blank before it
    bare = text[start:stop].rstrip("\r\n")
    comment = _COMMENT.search(bare)
    value = bare[: comment.start() if comment else None].strip(" \t")
    if value.startswith("`") or bare.endswith("\\"):
        return None
    after = text[start:stop].removeprefix(bare[: bare.find(value) + len(value)])
    return replace(_assigned(text[at:stop], head, value, after), bare=True)


def _assigned(text: str, head: re.Match[str], value: str, behind: str) -> Line:
    """Blanks around the = are left out of what is written: shells take none."""
    return Line(text, head["name"], value, f"{head['lead']}{head['name']}=", behind, bool(head["export"]))


def _quoted(name: str, value: str) -> str:
    """As all readers read it. Raises Rejected where there is no such way."""
    if _PLAIN.fullmatch(value):
        return value
    odd = any(c != "\n" and not c.isprintable() for c in value) or "${" in value
    if not odd and "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not odd and not set(value) & set('"\\$`'):
        return f'"{value}"'
    raise Rejected(f"the new value of {name} cannot be written so that shells and dotenv parsers read it alike")
