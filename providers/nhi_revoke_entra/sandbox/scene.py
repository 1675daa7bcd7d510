"""What the intruder holds: each part of the identity plants its own ways in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from nhi_revoke_entra.sandbox import plant_azure, plant_keys, plant_managing, plant_secrets, plant_user, seed
from nhi_revoke_entra.sandbox.doors import EntraDoor
from nhi_revoke_entra.sandbox.gate import INTRUDER, EntraGate
from nhi_revoke_entra.sandbox.state import GRAPH, TENANT, Password, Tenant, Token, User


class Scene:
    """`plant` fills the tenant; parts (`plant_*` modules) add doors and meddlings."""

    tenant_name = TENANT

    def __init__(
        self, tenant: Tenant, gate: EntraGate, client: httpx.Client, url: str, now: Callable[[], datetime]
    ) -> None:
        self.tenant, self.gate, self.client, self.url, self.now = tenant, gate, client, url, now
        self.doors: list[EntraDoor] = []
        self.users: list[User] = []
        """More principals of the identity."""
        self.meddlings: dict[str, Callable[[], None]] = {}
        self.then = seed.long_ago(now())
        self.application, self.principal = seed.new_app(tenant, seed.NAME, self.then)
        self.ledger = seed.new_app(tenant, seed.LEDGER, self.then)[1]
        self.ledger.roles = {tenant.new_id(): "Ledger.Post"}

    def steal(self, *values: str) -> None:
        """These are the intruder's from now on."""
        self.gate.stolen.update(values)

    def keep_secret(self, private: Any) -> None:
        """A private key must be told nowhere, either."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.tenant.secrets.append(pem.splitlines()[5])

    def door(
        self, name: str, kind: str, says: str, access: str, tries: Callable[[], Sequence[Mapping[str, Any]]]
    ) -> None:
        self.doors.append(EntraDoor(f"entra/{name}", kind, says, access, tries, self.client))

    def signing_in(self, **form: str) -> dict[str, Any]:
        """A request for a token of the app."""
        asked = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default", **form}
        return self.asking({"client_id": self.principal.app_id, **asked})

    def asking(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A request to the token service."""
        return {
            "method": "POST",
            "url": f"{self.url}/{TENANT}/oauth2/v2.0/token",
            "data": dict(form),
            "headers": {"User-Agent": INTRUDER},
        }

    def with_secret(self, password: Password) -> Callable[[], Sequence[Mapping[str, Any]]]:
        return lambda: [self.signing_in(client_secret=password.value)]

    def bearing(self, token: Token, path: str) -> Callable[[], Sequence[Mapping[str, Any]]]:
        """A request with a stolen token."""
        headers = {"Authorization": f"Bearer {token.value}"}
        return lambda: [{"method": "GET", "url": f"{self.url}{path}", "headers": headers}]

    def plant(self) -> tuple[tuple[str, ...], str]:
        """Principals (canonical), and the identity's map in TOML."""
        graph = self.tenant.principal_of(GRAPH)
        assert graph is not None
        for value in ("Application.ReadWrite.OwnedBy", "User.Read.All"):
            seed.add_role(self.tenant, self.principal, graph, value, self.then)
        for name in ("Cloud Application Administrator", "Directory Readers"):
            seed.add_directory_role(self.tenant, self.principal, name, self.then)
        for part in PARTS:
            part(self)
        principals = (f"entra:app/{self.principal.app_id}", *(f"entra:user/{each.id}" for each in self.users))
        return principals, seed.MAP.format(principals=json.dumps(principals))


PARTS: tuple[Callable[[Scene], None], ...] = (
    plant_secrets.plant,
    plant_keys.plant,
    plant_azure.plant,
    plant_user.plant,
    plant_managing.plant,
)
