"""What the intruder holds: each part of the identity plants its own ways in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from nhi_revoke_okta.sandbox import plant_app, plant_credentials, plant_planted, plant_service, plant_user, seed
from nhi_revoke_okta.sandbox.doors import OktaDoor
from nhi_revoke_okta.sandbox.gate import Gate
from nhi_revoke_okta.sandbox.state import Org


class Scene:
    """`plant` fills the org; parts (`plant_*` modules) add doors and meddlings."""

    def __init__(
        self, org: Org, gate: Gate, client: httpx.Client, url: Callable[[], str] | str, now: Callable[[], datetime],
        folder: str = "",
    ) -> None:  # fmt: skip
        self.org, self.gate, self.client, self.now = org, gate, client, now
        self._url, self.folder = url, folder
        self.doors: list[OktaDoor] = []
        self.meddlings: dict[str, Callable[[], None]] = {}
        self.old_secret = False
        """The app has a second client secret, deactivated long ago."""
        self.others: list[str] = []
        """More principals of the identity, canonical."""
        then = seed.long_ago(now())
        self.app = seed.new_app(org, seed.LABEL, then)
        self.user = seed.new_user(org, seed.LOGIN, then)

    @property
    def url(self) -> str:
        return self._url if isinstance(self._url, str) else self._url()

    def steal(self, *values: str) -> None:
        """These are the intruder's from now on."""
        self.gate.stolen.update(values)

    def door(
        self, name: str, kind: str, says: str, access: str, tries: Callable[[], Sequence[Mapping[str, Any]]]
    ) -> None:
        self.doors.append(OktaDoor(f"okta/{name}", kind, says, access, tries, self.client))

    def plant(self) -> tuple[tuple[str, ...], str]:
        """Principals (canonical), and the identity's map in TOML."""
        for part in PARTS:
            part(self)
        principals = (f"okta:app/{self.app.id}", f"okta:user/{self.user.id}", *self.others)
        return principals, seed.MAP.format(
            app=self.app.id, user=self.user.id, principals=json.dumps(principals), folder=self.folder
        )


PARTS: tuple[Callable[[Scene], None], ...] = (
    plant_credentials.plant,
    plant_app.plant,
    plant_service.plant,
    plant_user.plant,
    plant_planted.plant,
)
