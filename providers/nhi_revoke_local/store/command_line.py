"""The address of the store `exec`: an argv list as JSON, and what a form of it may add.

    exec:["/usr/local/bin/put", "--to", "payments"]
    exec:{"argv": ["put"], "timeout": 10, "cwd": "/srv"}
    exec:/usr/local/bin/put --to payments           only plain words, which no shell would read in another way

Each may end in `#json-key` as with other stores. In the map `argv`, `timeout` and `cwd` may stand beside `to = "exec"`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON
from nhi_revoke_local.program import ProgramSettings, settings_of

FORM = 'exec:["/path/to/program", "argument"]'
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-]+(?: [A-Za-z0-9_@%+=:,./-]+)*")
"""No quote, no `~`, `$`, `*` or `|`, one space between two words, and no assignment first."""


class CommandLine(Struct, frozen=True):
    """What is started, and which key takes the secret part."""

    settings: ProgramSettings
    key: str = ""
    """Empty: public parts and secret by their own names."""


def parse(address: str) -> CommandLine:
    """Raises Rejected."""
    given, end = _list_of(address) if address[:1] in ("[", "{") else _words_of(address)
    rest = address[end:]
    if rest and (rest[0] != "#" or rest == "#"):
        raise _unfit(f"{address!r} goes on after its argv list")
    key = "" if rest[1:] == JSON.spelled else rest[1:]  # as without a format: one line
    return CommandLine(settings_of({"argv": given} if isinstance(given, list) else given), key)


def _list_of(address: str) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(address)
    except ValueError:
        raise _unfit(f"{address!r} is no JSON") from None


def _words_of(address: str) -> tuple[Any, int]:
    words = address.partition("#")[0]
    if not _PLAIN.fullmatch(words):
        raise _unfit(f"{words!r} could be read in more than one way: no shell reads it here")
    return words.split(" "), len(words)


def _unfit(why: str) -> Rejected:
    return Rejected(f"exec: {why}", hint=f"Write the argv list: {FORM}, with #json-key after it where one is wanted.")
