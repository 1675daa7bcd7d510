"""All routes of the sandbox: each `routes_*` module has a table of its own."""

from __future__ import annotations

from importlib import import_module

from nhi_revoke.provider.sandbox.rest import Table

MODULES = (
    "objects",
    "credentials",
    "rights",
    "groups",
    "tokens",
    "logs",
    "audits",
    "made",
    "users",
    "arm",
    "vault",
    "sites",
    "policies",
    "batch",
    "deleted",
    "agents",
    "identities",
    "identity",
)


def tables() -> tuple[Table, ...]:
    """One for each module."""
    return tuple(import_module(f"nhi_revoke_entra.sandbox.routes_{name}").TABLE for name in MODULES)
