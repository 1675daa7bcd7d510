"""The sandbox as the demo, the tests and the conformance kit see it (nhi_revoke/provider/sandbox/contract.py)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.provider.sandbox.over_http import SandboxOverHttp, private_file
from nhi_revoke.provider.sandbox.workload import Workload
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.gate import GithubGate
from nhi_revoke_github.sandbox.plant_tokens import sign_in_by_app
from nhi_revoke_github.sandbox.routes import tables
from nhi_revoke_github.sandbox.scene import Scene
from nhi_revoke_github.sandbox.state import ORG, Hub
from nhi_revoke_github.sandbox.workload import workload


class GithubSandbox(SandboxOverHttp[GithubGate, Scene]):
    """`entropy`: a seed for ids and tokens; None: new ones each time. `sign_in`: how the operator signs in: by a token,
    as a GitHub App, which alone may see fine-grained tokens, or by both. `deliver`: the map says where a new deploy key
    goes. `handed_over`: the operator holds the intruder's tokens, too.
    """

    def __init__(
        self,
        *,
        entropy: int | None = None,
        sign_in: Literal["token", "app", "both"] = "both",
        deliver: bool = True,
        handed_over: bool = False,
    ) -> None:
        self._sign_in, self._deliver, self._handed_over = sign_in, deliver, handed_over
        self.hub = Hub(random.SystemRandom() if entropy is None else random.Random(entropy))  # noqa: S311 - for tests
        self.table: dict[str, Any] = {}
        """The operator's `[github]` table."""
        super().__init__(lambda now: GithubGate(self.hub, now, tables()))

    @property
    def lock(self) -> AbstractContextManager[Any]:
        return self.hub.lock

    def seed(self, folder: str) -> Seeded:
        """The operator's token and key are written to `folder` (0600); then the identity and its intruder."""
        token = seed.operator(self.hub, seed.long_ago(self.now()))
        self.gate.operator.add(token.value)
        file = private_file(folder, "github-sandbox-token", token.value)
        scene = self._scene = Scene(self.hub, self.gate, self.client, self.url, self.now, folder)
        scene.pats_are_seen, scene.handed_over = self._sign_in != "token", self._handed_over
        principals, map_ = scene.plant()
        self.table = {"api_url": self.url, "org": ORG, "logs_lag": 30.0, **scene.settings}
        if self._sign_in != "app":
            self.table["token_file"] = file
        if self._sign_in != "token":
            self.table |= sign_in_by_app(scene)
        if self._deliver:
            map_ += seed.DELIVERY.format(folder=folder, shop=seed.SHOP)
        return Seeded(seed.IDENTITY, principals, map_)

    def workload(self, folder: str) -> Workload:
        """After `seed` into the same folder (nhi_revoke/provider/sandbox/workload.py)."""
        return workload(self.scene, folder)

    def settings(self) -> dict[str, Any]:
        return dict(self.table)

    def canaries(self) -> Sequence[str]:
        with self.lock:
            return tuple(self.hub.secrets)

    def lag(self, writes: float, logs: float) -> None:
        self.hub.write_lag, self.hub.log_lag = writes, logs
