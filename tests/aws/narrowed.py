"""A bench with the kinds alone that a test is about: what the others find is a matter of their own tests."""

from __future__ import annotations

from .conftest import Bench

SESSIONS = ("aws:access-key", "aws:login-profile", "aws:user-session", "aws:role-session", "aws:role-trust")


def narrowed(bench: Bench, *kinds: str) -> Bench:
    """The same bench."""
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in (kinds or SESSIONS)}
    return bench
