"""What the intruder holds: each part of the identity plants its own ways in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access.leaked_value import mark
from nhi_revoke_github.sandbox import plant_actions, plant_app, plant_keys, plant_planted, plant_tokens, seed
from nhi_revoke_github.sandbox.doors import GithubDoor
from nhi_revoke_github.sandbox.gate import INTRUDER, GithubGate
from nhi_revoke_github.sandbox.state import Hub


class Scene:
    """`plant` fills the organisation; parts (`plant_*` modules) add doors and meddlings."""

    def __init__(
        self, hub: Hub, gate: GithubGate, client: httpx.Client, url: str, now: Callable[[], datetime], folder: str
    ) -> None:
        self.hub, self.gate, self.client, self.url, self.now, self.folder = hub, gate, client, url, now, folder
        self.doors: list[GithubDoor] = []
        self.meddlings: dict[str, Callable[[], None]] = {}
        self.settings: dict[str, Any] = {}
        """More of the `[github]` table: apps whose keys the operator holds."""
        self.pats_are_seen = True
        """The operator has an App, which is told of fine-grained tokens: each is known by itself."""
        self.handed_over = False
        """The operator holds the intruder's tokens, too (`--leaked-from`): each is known by its value."""
        self.deploy_key = ""
        """Private half of the one that the build uses."""
        then = seed.long_ago(now())
        self.shop = seed.new_repository(hub, seed.SHOP, then)
        self.ledger = seed.new_repository(hub, seed.LEDGER, then)
        self.app, self.private_key = seed.new_app(hub, seed.SLUG, then, contents="write", metadata="read")
        self.installation = seed.install(hub, self.app, then)
        self.machine = seed.new_account(hub, seed.LOGIN, then)
        self.principals = [f"github:app/{self.app.slug}", f"github:user/{self.machine.login}"]

    def steal(self, *values: str) -> None:
        """These are the intruder's from now on."""
        self.gate.stolen.update(values)

    def door(
        self,
        name: str,
        kind: str,
        says: str,
        access: str,
        tries: Callable[[], Sequence[Mapping[str, Any]]],
        *,
        value: str = "",
    ) -> None:
        """`value`: of the token that opens it, by which an operator knows it who was handed what leaked."""
        if value and self.handed_over:
            access = f"github:leaked-token/{mark(Secret(value, field='token'))}"
        self.doors.append(GithubDoor(f"github/{name}", kind, says, access, tries, self.client))

    def bearing(self, token: str, path: str = "/user") -> dict[str, Any]:
        """A request with a stolen token."""
        headers = {"Authorization": f"Bearer {token}", "User-Agent": INTRUDER}
        return {"method": "GET", "url": f"{self.url}{path}", "headers": headers}

    def plant(self) -> tuple[tuple[str, ...], str]:
        """Principals (canonical), and the identity's map in TOML."""
        for part in PARTS:
            part(self)
        quoted = ", ".join(f'"{p}"' for p in self.principals)
        return tuple(self.principals), seed.MAP.format(principals=f"[{quoted}]", folder=self.folder)


PARTS: tuple[Callable[[Scene], None], ...] = (
    plant_actions.plant,
    plant_app.plant,
    plant_keys.plant,
    plant_tokens.plant,
    plant_planted.plant,
)
