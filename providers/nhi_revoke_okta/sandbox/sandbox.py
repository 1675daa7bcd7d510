"""The sandbox as the demo, the tests and the conformance kit see it (nhi_revoke/provider/sandbox/contract.py)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.provider.sandbox.over_http import SandboxOverHttp, private_file
from nhi_revoke.provider.sandbox.workload import Workload
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.gate import Gate
from nhi_revoke_okta.sandbox.routes import loaded
from nhi_revoke_okta.sandbox.scene import Scene
from nhi_revoke_okta.sandbox.state import Org
from nhi_revoke_okta.sandbox.workload import workload


class OktaSandbox(SandboxOverHttp[Gate, Scene]):
    """`entropy`: a seed for ids and secrets; None: new ones each time. `old_secret`: the app has a second secret, which
    was deactivated before and copied all the same; else it has one, the only one.
    """

    def __init__(self, *, entropy: int | None = None, old_secret: bool = True) -> None:
        self._old_secret = old_secret
        loaded()
        self.org = Org(random.SystemRandom() if entropy is None else random.Random(entropy))  # noqa: S311 - for tests
        self.table: dict[str, Any] = {}
        """The operator's `[okta]` table."""
        super().__init__(lambda now: Gate(self.org, now))

    @property
    def lock(self) -> AbstractContextManager[Any]:
        return self.org.lock

    def seed(self, folder: str) -> Seeded:
        """The operator's API token is written to `folder` (0600); then the identity and its intruder."""
        then = seed.long_ago(self.now())
        token = seed.operator(self.org, then)
        self.gate.operator.add(token.value)
        file = private_file(folder, "okta-sandbox-token", token.value)
        self.table = {"org_url": self.url, "token_file": file, "logs_lag": 30.0}
        self._scene = Scene(self.org, self.gate, self.client, self.url, self.now, folder)
        self._scene.old_secret = self._old_secret
        principals, map_ = self._scene.plant()
        return Seeded(seed.IDENTITY, principals, map_)

    def workload(self, folder: str) -> Workload:
        """After `seed` into the same folder (nhi_revoke/provider/sandbox/workload.py)."""
        return workload(self.scene, folder)

    def settings(self) -> dict[str, Any]:
        return dict(self.table)

    def canaries(self) -> Sequence[str]:
        with self.lock:
            return tuple(self.org.secrets)

    def lag(self, writes: float, logs: float) -> None:
        self.org.write_lag, self.org.log_lag = writes, logs
