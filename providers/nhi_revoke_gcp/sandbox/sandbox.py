"""The sandbox as the demo, the tests and the conformance kit see it (nhi_revoke/provider/sandbox/contract.py)."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.provider.sandbox.over_http import SandboxOverHttp, private_file
from nhi_revoke.provider.sandbox.workload import Workload
from nhi_revoke_gcp.sandbox import (
    plant_planted,
    routes,
    routes_apikeys,
    routes_compute,
    routes_crm,
    routes_deny,
    routes_logging,
    routes_pools,
    routes_secretmanager,
    routes_storage,
    routes_uploads,
    seed,
)
from nhi_revoke_gcp.sandbox.gate import GcpGate
from nhi_revoke_gcp.sandbox.grpc_door import GrpcDoor
from nhi_revoke_gcp.sandbox.scene import Scene
from nhi_revoke_gcp.sandbox.state import Cloud
from nhi_revoke_gcp.sandbox.workload import workload
from nhi_revoke_gcp.stopping import KEY

TABLES = tuple(
    module.TABLE
    for module in (
        routes, routes_storage, routes_crm, routes_logging, routes_pools, routes_compute, routes_apikeys,
        routes_secretmanager, routes_uploads, routes_deny,
    )
)  # fmt: skip


class GcpSandbox(SandboxOverHttp[GcpGate, Scene]):
    """One state behind two doors. `entropy`: a seed for ids and tokens; None: new ones each time. `deliver`: the map
    says where a new key goes: `to`, whose `{folder}` is the map's own; `kind`: which sort of key is made. `also`: kinds
    of credentials whose new ones go to files beside it. `bound`: the intruder has bound an API key of its own to the
    account. `planted`: it made another account and became a third one, and Data Access logs are on.
    `workload`: the identity is jobs of a repository, too, which come in by a pool and become the account.
    """

    def __init__(
        self,
        *,
        entropy: int | None = None,
        deliver: bool = True,
        to: str = seed.TO_FILE,
        kind: str = KEY,
        also: Sequence[str] = (),
        bound: bool = True,
        planted: bool = False,
        workload: bool = False,
    ) -> None:
        self._to = {**({kind: to} if deliver else {}), **dict.fromkeys(also, seed.BESIDE)}
        self._bound, self._planted, self._workload = bound, planted, workload
        self.cloud = Cloud(random.SystemRandom() if entropy is None else random.Random(entropy))  # noqa: S311 - tests
        self.table: dict[str, Any] = {}
        """The operator's `[gcp]` table."""
        super().__init__(lambda now: GcpGate(self.cloud, now, TABLES))
        self.grpc = GrpcDoor(self.cloud, self.gate, self.now)

    @property
    def lock(self) -> AbstractContextManager[Any]:
        return self.cloud.lock

    def start(self, clock: MovableClock) -> None:
        """Both doors. Raises OSError when no port can be had."""
        super().start(clock)
        self.grpc.start()

    def seed(self, folder: str) -> Seeded:
        """The operator's key file is written to `folder` (0600); then the identity and its intruder."""
        self.grpc.token_uri = f"{self.url}/token"
        member, file = seed.operator(self.cloud, seed.long_ago(self.now()), self.grpc.token_uri)
        self.gate.operators.add(member)
        path = private_file(folder, "gcp-sandbox-key.json", json.dumps(file))
        self.table = {
            "credentials_file": path, "token_url": self.grpc.token_uri, "iam_grpc": self.grpc.target,
            "iam_url": self.url, "iamcredentials_url": self.url, "orgpolicy_url": self.url,
            "policyanalyzer_url": self.url, "storage_url": self.url, "secretmanager_url": self.url,
            "apikeys_url": self.url, "cloudresourcemanager_url": self.url, "aiplatform_url": self.url,
            "compute_url": self.url, "run_url": self.url, "logging_url": self.url, "logs_lag": 30.0,
        }  # fmt: skip
        scene = self._scene = Scene(self.cloud, self.gate, self.client, self.url, self.now)
        scene.has_bound = self._bound
        principals = scene.plant()
        if self._planted:
            plant_planted.plant(scene)
        if self._workload:
            principals += scene.plant_workload()
        map_ = seed.MAP.format(principals=", ".join(json.dumps(each) for each in principals))
        for kind, to in self._to.items():
            address = to.format(folder=folder, kind=kind.partition(":")[2])
            map_ += seed.DELIVERY.format(kind=kind, to=address, email=scene.account.email)
        return Seeded(seed.IDENTITY, principals, map_)

    def workload(self, folder: str) -> Workload:
        """After `seed` into the same folder (nhi_revoke/provider/sandbox/workload.py)."""
        return workload(self.scene, folder)

    def settings(self) -> dict[str, Any]:
        return dict(self.table)

    def canaries(self) -> Sequence[str]:
        with self.lock:
            return tuple(self.cloud.secrets)

    def lag(self, writes: float, logs: float) -> None:
        self.cloud.write_lag, self.cloud.trail.lag = writes, logs
        self.cloud.pools.takes = min(writes, 2.0)

    def close(self) -> None:
        """Raises what the vendor's side kept as its own defect."""
        self.grpc.close()
        super().close()
        if self.grpc.errors:
            raise self.grpc.errors[0]
