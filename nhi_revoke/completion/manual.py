"""The manual page, in roff, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from nhi_revoke import __version__
from nhi_revoke.completion.grammar import Command, Option
from nhi_revoke.completion.table import COMMANDS, SECTIONS

_ABOUT = (
    "End every live session and key of a compromised bot, service account, workload, app or agent, in the right order, "
    "with proof. Everything is listed, ended, replaced where a delivery target is known, and looked at again; what "
    "could not be seen, and what stays usable until when, is said."
)


def manual(found: Sequence[Command]) -> str:
    """`nhi-revoke.1`: read it with `man -l`."""
    common = _common(found)
    exit_code: Any = import_module("nhi_revoke.cli.exit_code")
    topics: Any = import_module("nhi_revoke.cli.topics")
    lines = [
        '.\\" Made by python -m nhi_revoke.completion.generate; do not edit.',
        f'.TH NHI\\-REVOKE 1 "" "nhi\\-revoke {__version__}" "User Commands"',
        *_section("NAME"),
        "nhi\\-revoke \\- end every live session and key of a compromised non\\-human identity",
        *_section("SYNOPSIS"),
        ".B nhi\\-revoke",
        ".I COMMAND",
        "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        *_section("DESCRIPTION"),
        roff(_ABOUT),
    ]
    for title in SECTIONS:
        lines += _section(f"COMMANDS: {title.upper()}")
        names = [row.name for row in COMMANDS if row.section == title]
        lines += [line for each in found if each.name in names for line in _command(each, common)]
    lines += [*_section("OPTIONS OF EVERY COMMAND"), *_options(common)]
    lines += [*_section("EXIT STATUS"), *_pairs((str(int(row.code)), row.meaning) for row in exit_code.TABLE)]
    lines += [".PP", "When several hold: 5, then 8, 9, 6."]
    lines += [*_section("ENVIRONMENT"), *_pairs(topics.ENVIRONMENT)]
    lines += [".PP", "The operator's credentials come from where each vendor's own tools keep them. Flags win."]
    lines += [*_section("FILES"), *_pairs(_FILES)]
    lines += [*_section("SEE ALSO"), *_see_also(topics.TOPICS)]
    return "\n".join(lines) + "\n"


_FILES = (
    ("./nhi.toml", "the identity map; else $XDG_CONFIG_HOME/nhi-revoke/nhi.toml"),
    ("$XDG_STATE_HOME/nhi-revoke/runs", "a journal for each run: every change, before it is made and after it"),
    ("$XDG_STATE_HOME/nhi-revoke/plans", "what a run found elsewhere and had no consent to touch, as plans"),
)


def roff(text: str) -> str:
    """Text that roff shows as it is: no request, no escape, no hyphen that becomes another character."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    plain = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{plain}" if plain.startswith(".") else plain


def _section(title: str) -> list[str]:
    return [f'.SH "{title}"']


def _command(each: Command, common: Sequence[Option]) -> list[str]:
    own = [option for option in each.options if option not in common and not each.parts]
    usage = " ".join(roff(argument) for argument in each.arguments)
    lines = [".TP", f"\\fBnhi\\-revoke {each.name}\\fR {usage}".rstrip(), roff(each.help)]
    for example in (" ".join(part.split()) for part in each.text.split("\n\n")):
        if example.startswith("nhi-revoke "):
            lines += [".IP", f"Example: \\fB{roff(example)}\\fR"]
    lines += [".RS", *_options(own), ".RE"] if own else []
    return lines + [line for part in each.parts for line in _command(part, common)]


def _options(options: Iterable[Option]) -> list[str]:
    return [line for option in options for line in (".TP", _spelled(option), roff(_said(option)))]


def _spelled(option: Option) -> str:
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in option.names)
    return f"{names} \\fI{roff(option.metavar)}\\fR" if option.takes_value else names


def _said(option: Option) -> str:
    return f"{option.help} Default: {option.default}." if option.default else option.help


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, says in pairs for line in (".TP", f"\\fB{roff(name)}\\fR", roff(says))]


def _see_also(topics: Any) -> list[str]:
    lines = [roff(f"nhi-revoke help TOPIC: {', '.join(topics)}.")]
    return [*lines, roff("nhi-revoke COMMAND --help says the same of one command.")]


def _common(found: Sequence[Command]) -> list[Option]:
    """Those that every command has."""
    return [option for option in found[0].options if all(option in each.options for each in found)]
