"""All routes of the sandbox: each `routes_*` module has a table of its own."""

from __future__ import annotations

from importlib import import_module

from nhi_revoke.provider.sandbox.rest import Table

MODULES = (
    "names",
    "apps",
    "oauth",
    "keys",
    "members",
    "tokens",
    "sso",
    "audit",
    "actions",
    "runners",
    "secrets",
    "variables",
    "leaked",
)


def tables() -> tuple[Table, ...]:
    """One for each module."""
    return tuple(import_module(f"nhi_revoke_github.sandbox.routes_{name}").TABLE for name in MODULES)
