"""Refresh tokens that clients hold for a user, as Okta lists them: client by client."""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_okta.connection import PAGE, OktaConnection
from nhi_revoke_okta.scopes import USERS


def clients_of(conn: OktaConnection, user: str) -> list[dict[str, Any]]:
    """Clients with tokens or consents of the user."""
    return list(conn.rows(f"/api/v1/users/{segment(user)}/clients", USERS.read))


def client_tokens(conn: OktaConnection, user: str, client: str) -> list[dict[str, Any]]:
    """Those that still work, of one client; none where Okta knows no such client."""
    path = f"/api/v1/users/{segment(user)}/clients/{segment(client)}/tokens"
    try:
        return [row for row in conn.rows(path, USERS.read, limit=PAGE) if row.get("status", "ACTIVE") == "ACTIVE"]
    except Missing:
        return []


def tokens_of(conn: OktaConnection, user: str) -> list[dict[str, Any]]:
    """Of every client, side by side."""
    clients = [str(c["client_id"]) for c in clients_of(conn, user)]
    return [row for rows in conn.io.map(lambda c: client_tokens(conn, user, c), clients) for row in rows]
