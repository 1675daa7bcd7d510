"""The AWS sandbox for many short lives: its server and its clients stay, everything in it is as new.

A life costs 20 ms instead of 200, and each one has the same ids and secrets, so that two runs can be compared.
"""

from __future__ import annotations

import random

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import FaultName, Seeded
from nhi_revoke_aws.naming import SERVICE_LINKED
from nhi_revoke_aws.sandbox import seed as seeding
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

ENTROPY = 11
LINKED = "AWSServiceRoleForPayments"
LINKED_PATH = f"{SERVICE_LINKED}payments.amazonaws.com/"


class KeptSandbox(AwsSandbox):
    """`start` begins a life, `close` ends it and raises the sandbox's own defects; `shut` stops the server."""

    def __init__(self, *, everything: bool = False) -> None:
        """`everything`: with what the sandbox seeds of every kind; else with the user, the role and their sessions."""
        super().__init__(entropy=ENTROPY, planted=None if everything else ())
        self._running = False
        self.faults_ordered = 0

    def start(self, clock: MovableClock) -> None:
        assert isinstance(self._random, random.Random)
        self._random.seed(ENTROPY)
        if self._running:
            self.world.clock = clock
            self.reset()
        else:
            super().start(clock)
            self._running = True

    def seed(self, folder: str) -> Seeded:
        """Besides: a role that belongs to AWS itself."""
        seeded = super().seed(folder)
        trust = seeding.trust_of({"Service": "payments.amazonaws.com"})
        seeding.role(self.world.moto.iam(self.world.account), LINKED, LINKED_PATH, trust, seeding.allow("s3:*"))
        self.world.settle()
        return seeded

    def fault(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        self.faults_ordered += 1
        super().fault(call, fault, times, after)

    def close(self) -> None:
        errors = self._server.errors if self._server else ()
        if errors:
            self.shut()

    def shut(self) -> None:
        self._running = False
        super().close()
