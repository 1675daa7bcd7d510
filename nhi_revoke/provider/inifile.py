"""One section of an INI file, as Python's configparser reads it: put in, read, every other line kept. Pure.

Python docs: configparser ("Supported INI File Structure"): `=` or `:`, whole-line comments by `#` or `;`, a value goes
on in lines that are indented deeper. What was written is read again by that parser: where it would read anything else
otherwise than before, nothing is written. No refusal says what stands in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from nhi_revoke.provider.fault import Rejected

SECTION = re.compile(r"[A-Za-z0-9_./%@:+-]+")
"""A name that needs no quotes anywhere."""
_HEADER = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(\s*([^=:]*)[=:][ \t]*).*", re.DOTALL)
_ODD = re.compile(r"\A\s|\s\Z|[^\x20-\x7e]|\s[#;]|\A\Z|\A[\"']")


def unfit(text: str, section: str, names: Sequence[str], never: tuple[str, ...] = ()) -> str:
    """Why these keys cannot be put into that section; empty where they can. `never`: keys that must not be there."""
    try:
        held = values(text, section)
        merged(text, section, dict.fromkeys(names, "x"))
    except Rejected as why:
        return why.message
    besides = next((name for name in never if name in held), "")
    if besides:
        return f"section {section} of it has {besides}, which goes with another credential: take that line out first"
    return ""


def values(text: str, section: str) -> dict[str, str]:
    """What the section holds; nothing where there is none. Raises Rejected."""
    return _read(text).get(section, {})


def merged(text: str, section: str, new: Mapping[str, str]) -> str:
    """With these keys in that section. One that is there is replaced where it stands. Raises Rejected."""
    if odd := next((name for name, value in new.items() if _ODD.search(value)), ""):
        raise Rejected(f"the new value of {odd} cannot be written into an INI file so that all readers read it alike")
    before = _read(text)
    whole = _put(text, section, new)
    after = _read(whole)
    wanted = {**before, section: {**before.get(section, {}), **new}}
    if after != wanted:
        raise Rejected("it is an INI text in which these keys cannot be put so that the rest is read as before")
    return whole


def _put(text: str, section: str, new: Mapping[str, str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    if section not in (name for _, kind, name in _walk(lines) if kind == "section"):
        gap = "" if not lines else end if lines[-1].endswith("\n") else 2 * end
        return text + gap + f"[{section}]{end}" + "".join(f"{name} = {value}{end}" for name, value in new.items())
    out: list[str] = []
    missing, inside, dropped, last = dict(new), False, False, 0
    for line, kind, name in _walk(lines):
        if kind == "section":
            inside = name == section
        put = inside and kind == "option" and name in new
        dropped = put or (dropped and kind == "more")
        if put and (option := _OPTION.fullmatch(line)):
            out.append(f"{option[1]}{new[name]}{end}")
            missing.pop(name, None)
        elif not dropped:
            out.append(line)
        if inside and kind:
            last = len(out)
    if not out[last - 1].endswith("\n"):
        out[last - 1] += end
    out[last:last] = [f"{name} = {value}{end}" for name, value in missing.items()]
    return "".join(out)


def _walk(lines: Iterable[str]) -> Iterable[tuple[str, Literal["section", "option", "more", ""], str]]:
    """Each line, what it is, and the name of the section or the key; `more` goes on with the value above."""
    level: int | None = None
    for line in lines:
        said = line.strip()
        indent = len(line) - len(line.lstrip())
        if not said or said[0] in "#;":
            yield line, "", ""
        elif level is not None and indent > level:
            yield line, "more", ""
        elif header := _HEADER.match(said):
            level = None
            yield line, "section", header[1]
        else:
            level = indent
            option = _OPTION.fullmatch(line)
            yield line, "option", option[2].strip().lower() if option else ""


def _read(text: str) -> dict[str, dict[str, str]]:
    """Every section, in the order of the text. Raises Rejected."""
    from configparser import DuplicateOptionError, DuplicateSectionError, Error, RawConfigParser

    parser = RawConfigParser()
    why = ""
    try:
        parser.read_string(text)
    except (DuplicateSectionError, DuplicateOptionError) as twice:
        why = f"it has a section or a key twice (line {twice.lineno})"
    except Error:
        why = "it is no INI text"
    if (
        why or "\0" in text or re.search(r"\r(?!\n)", text)
    ):  # outside the handler: its message may quote the text, which holds a secret
        raise Rejected(why or "it is no INI text")
    return {name: {k: v or "" for k, v in parser.items(name)} for name in parser.sections()}
