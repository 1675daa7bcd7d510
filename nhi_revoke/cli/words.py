"""What the words of a command line say before anything parses them: errors must already speak JSON then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from nhi_revoke.completion.table import row

Output = Literal["table", "json", "ndjson", "csv", "md", "html", "ocsf", "caep", "junit", "sarif"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
_WITH_VALUE = ("-o", "--output", "--out", "--config")


def command_word(arguments: Sequence[str]) -> str:
    """The command, or an empty string where there is none."""
    rest = _split(arguments)[1]
    return rest[0] if rest and row(rest[0]) else ""


def output_word(arguments: Sequence[str], environ: Mapping[str, str]) -> Output:
    """The last `-o`; else `NHI_REVOKE_OUTPUT`; else a table. A wrong word is left for the parser to refuse."""
    asked = environ.get("NHI_REVOKE_OUTPUT", "")
    for index, word in enumerate(arguments):
        if word == "--":
            break
        if word in ("-o", "--output"):
            asked = "".join(arguments[index + 1 : index + 2])
        elif word.startswith("--output="):
            asked = word.removeprefix("--output=")
        elif word.startswith("-o") and not word.startswith("--"):
            asked = word[2:].removeprefix("=")
    return next((each for each in OUTPUTS if each == asked), "table")


def moved_behind(arguments: Sequence[str]) -> list[str]:
    """Options before the command belong to it: `nhi-revoke -o json list x` is `nhi-revoke list -o json x`."""
    leading, rest = _split(arguments)
    if not rest:
        return list(arguments)
    return [rest[0], *leading, *rest[1:]]


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    index = 0
    while index < len(arguments) and arguments[index].startswith("-") and arguments[index] != "--":
        index += 2 if arguments[index] in _WITH_VALUE else 1
    return list(arguments[:index]), list(arguments[index:])
