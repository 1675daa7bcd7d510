"""Commands that a person is shown to type, or to paste: each word as a shell takes it. Pure."""

from __future__ import annotations

import shlex


def command(*words: object) -> str:
    """`command("plan", "example:bot/my bot")` is `nhi-revoke plan 'example:bot/my bot'`."""
    return shlex.join(["nhi-revoke", *(str(word) for word in words)])
