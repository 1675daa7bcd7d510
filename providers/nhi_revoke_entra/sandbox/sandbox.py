"""The sandbox as the demo, the tests and the conformance kit see it (nhi_revoke/provider/sandbox/contract.py)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.provider.sandbox.over_http import SandboxOverHttp, private_file
from nhi_revoke.provider.sandbox.workload import Workload
from nhi_revoke_entra.sandbox import plant_abroad, plant_planted, seed
from nhi_revoke_entra.sandbox.gate import VAULTS, EntraGate
from nhi_revoke_entra.sandbox.routes import tables
from nhi_revoke_entra.sandbox.scene import Scene
from nhi_revoke_entra.sandbox.state import TENANT, Tenant
from nhi_revoke_entra.sandbox.workload import workload


class EntraSandbox(SandboxOverHttp[EntraGate, Scene]):
    """`entropy`: a seed for ids and secrets; None: new ones each time. `deliver`: the map says where a new one of
    `kind` goes: `to`, whose `{folder}` is the map's own. `abroad`: the app is a multi-tenant one, which another tenant
    uses, too. `planted`: the intruder made another app with its rights.
    """

    def __init__(
        self,
        *,
        entropy: int | None = None,
        deliver: bool = True,
        to: str = seed.TO_FILE,
        kind: str = seed.SECRET,
        abroad: bool = False,
        planted: bool = False,
    ) -> None:
        self._deliver, self._to, self._kind = deliver, to, kind
        parts = {plant_abroad.plant: abroad, plant_planted.plant: planted}
        self._more = [part for part, wanted in parts.items() if wanted]
        self.tenant = Tenant(random.SystemRandom() if entropy is None else random.Random(entropy))  # noqa: S311 - tests
        self.table: dict[str, Any] = {}
        """The operator's `[entra]` table."""
        super().__init__(lambda now: EntraGate(self.tenant, now, tables()))

    @property
    def lock(self) -> AbstractContextManager[Any]:
        return self.tenant.lock

    def seed(self, folder: str) -> Seeded:
        """The operator's client secret is written to `folder` (0600); then the identity and its intruder."""
        client_id, secret = seed.operator(self.tenant, seed.long_ago(self.now()))
        self.gate.operator.add(client_id)
        file = private_file(folder, "entra-sandbox-secret", secret)
        self.table = {
            "tenant_id": TENANT, "client_id": client_id, "client_secret_file": file, "login_url": self.url,
            "graph_url": self.url, "arm_url": self.url, "vault_url": f"{self.url}{VAULTS}",
            "logs_lag": 30.0,
        }  # fmt: skip
        scene = self._scene = Scene(self.tenant, self.gate, self.client, self.url, self.now)
        principals, map_ = scene.plant()
        for part in self._more:
            part(scene)
        if self._deliver:
            to = self._to.format(folder=folder)
            map_ += seed.DELIVERY.format(kind=self._kind, to=to, app=scene.principal.app_id)
        return Seeded(seed.IDENTITY, principals, map_)

    def workload(self, folder: str) -> Workload:
        """After `seed` into the same folder (nhi_revoke/provider/sandbox/workload.py)."""
        return workload(self.scene, folder)

    def settings(self) -> dict[str, Any]:
        return dict(self.table)

    def canaries(self) -> Sequence[str]:
        with self.lock:
            return tuple(self.tenant.secrets)

    def lag(self, writes: float, logs: float) -> None:
        self.tenant.write_lag, self.tenant.log_lag = writes, logs
