"""What a pattern of keys may match. Redis docs, KEYS ("Supported glob-style patterns"): `*`, `?`, `[…]`, `\\`."""

from __future__ import annotations

LONGEST = 512


def wrong_with(pattern: str) -> str:
    """Why a pattern is refused; empty where it is not.

    It must hold a letter or a digit that is taken as it stands: one without any (`*`, `?*`, `[^x]*`, `*:*`) matches
    whatever lies beside the bot's own keys.
    """
    if len(pattern) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not pattern.isprintable():
        return "holds characters that do not print"
    literal: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            if at + 1 == len(pattern):
                return "ends with a backslash that escapes nothing"
            literal.append(pattern[at + 1])
            at += 2
        elif char == "[":
            end = _class_end(pattern, at + 1)
            if end < 0:
                return "has a [ without its ]: Redis would not read it as it looks"
            at = end + 1
        else:
            if char not in "*?":
                literal.append(char)
            at += 1
    if not any(char.isalnum() for char in literal):
        return "would match everything, or nearly: it names no letter or digit of the keys"
    return ""


def _class_end(pattern: str, at: int) -> int:
    """Where the class that began before `at` ends; -1 where it does not."""
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "]":
            return at
        at += 1
    return -1
