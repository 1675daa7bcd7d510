"""All routes of the sandbox: importing a `routes_*` module registers its own."""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "ai_agents",
    "api_tokens",
    "app_lifecycle",
    "app_rights",
    "app_tokens",
    "jwks",
    "logout",
    "logs",
    "names",
    "oauth",
    "secrets",
    "servers",
    "services",
    "sessions",
    "users",
)  # fmt: skip


def loaded() -> None:
    """Safe to repeat."""
    for name in MODULES:
        import_module(f"nhi_revoke_okta.sandbox.routes_{name}")
