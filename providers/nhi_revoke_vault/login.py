"""The operator's token: from a file, a variable, or where `vault login` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_vault.server import told
from nhi_revoke_vault.settings import VaultSettings

HELD = ".vault-token"
"""In the home folder: what `vault login` and `bao login` write."""
HINT = "Log in (vault login), or name the token: VAULT_TOKEN, or token_file in [vault] of nhi.toml."


class ByToken:
    """`X-Vault-Token: …`. The token is in no `repr`."""

    def __init__(self, value: str) -> None:
        self._value = value

    def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
        return {"X-Vault-Token": self._value}

    def refused(self, status: int, headers: Mapping[str, str]) -> bool:
        return False


def sign_in(settings: VaultSettings, environ: Mapping[str, str]) -> ByToken:
    """Raises Unauthenticated where there is no token, or none that can stand in a header."""
    if settings.token_file:
        token = _read(settings.token_file, "token_file in [vault] of nhi.toml")
    else:
        token = told(environ, "TOKEN") or _held(environ)
    if not token:
        raise Unauthenticated("the operator has no token of Vault: nothing of Vault was looked at", hint=HINT)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unauthenticated(
            "the token of Vault holds characters that no token has: nothing of Vault was looked at", hint=HINT
        )
    return ByToken(token)


def _held(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    path = Path(home) / HELD
    return _read(str(path), f"~/{HELD}") if home and path.exists() else ""


def _read(path: str, named_by: str) -> str:
    """What should be a path is never shown: it may be the token itself."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError, RuntimeError) as error:
        why = type(error).__name__
    raise Unauthenticated(f"the token of Vault cannot be read from {named_by} ({why})", hint=HINT)
