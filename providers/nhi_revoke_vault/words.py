"""Vault's refusals in the contract's words. Vault has no codes but statuses: what its texts say is told by ours.

Vault docs: api-docs (403 for a missing permission and for a token that is not valid alike, 404 also for a version that
is deleted, 503 while sealed), api-docs/secret/kv/kv-v2. The texts are those of OpenBao 2.7, which contract tests hold;
that HashiCorp's own Vault adds "invalid token" is as recorded answers of others show it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, Unauthenticated
from nhi_revoke.provider.http import Refusal, Vendor

CHANGED, NO_MOUNT, NO_NAMESPACE, SEALED = "cas-mismatch", "no-mount", "no-namespace", "sealed"
BAD_TOKEN = "invalid-token"  # noqa: S105 - a code
GONE = re.compile(r"(deleted|destroyed):([0-9]+)")
"""Code of a version that is there and cannot be read: its state, and its number."""
SAID: tuple[tuple[str, str, type[Fault] | None], ...] = (
    ("check-and-set parameter did not match", CHANGED, Conflict),
    ("check-and-set parameter required", "cas-required", None),
    ("invalid token", BAD_TOKEN, Unauthenticated),
    ("missing client token", BAD_TOKEN, Unauthenticated),
    ("preflight capability check", NO_MOUNT, Denied),
    ("no handler for route", NO_MOUNT, Missing),
    ("namespace not found", NO_NAMESPACE, Missing),
    ("is sealed", SEALED, None),
)
ONE_DENIAL = "permission denied"
"""All that OpenBao says of a token that is not valid; a policy's denial begins with "1 error occurred"."""


class Vault(Vendor):
    title: ClassVar[str] = "Vault"
    operator: ClassVar[str] = "the operator's token"
    login: ClassVar[str] = (
        "The token is expired, revoked or of another Vault: log in again (vault login), or VAULT_TOKEN."
    )

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        """`errors` of the body, or the state of a version where it tells one."""
        told = body if isinstance(body, dict) else {}
        if status == 404 and (gone := _gone(told)):
            return Refusal(gone)
        errors = told.get("errors")
        texts = [str(each) for each in errors] if isinstance(errors, list) else []
        if status == 403 and texts == [ONE_DENIAL]:
            return Refusal(BAD_TOKEN, fault=Unauthenticated)
        text = " ".join(texts).lower()
        return next((Refusal(code, fault=fault) for says, code, fault in SAID if says in text), Refusal())


def _gone(body: Mapping[str, Any]) -> str:
    data = body.get("data")
    about = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(about, dict) or not isinstance(about.get("version"), int):
        return ""
    return f"{'destroyed' if about.get('destroyed') else 'deleted'}:{about['version']}"
