"""AWS on loopback: the Sandbox of the contract.

`meddle` knows: `new-key` (another key on the user; the inactive one makes room), `detach-cut` (takes our deny policies
off user and roles), `reenable-key` (the leaked key is active again), `foreign-policy` (a policy named NHIRevoke that is
not ours), `trust-anyone` (`*` in the worker role's trust), `mint-session` (a session with whatever still works).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Call, Door, FaultName, Seeded
from nhi_revoke.provider.sandbox.control import PREFIX, ControlDoor
from nhi_revoke.provider.sandbox.server import LoopbackServer
from nhi_revoke_aws.sandbox import seed as seeding
from nhi_revoke_aws.sandbox.clients import Clients, Held
from nhi_revoke_aws.sandbox.doors import Burglar
from nhi_revoke_aws.sandbox.intruder import Intruder
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.seed import Loot
from nhi_revoke_aws.sandbox.workload import Service
from nhi_revoke_aws.sandbox.world import World

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
WRITES = 4.0
LOGS = 300.0


class NotReady(RuntimeError):
    """Asked for something before `start` or `seed`."""


class AwsSandbox:
    """One at a time in a process. `entropy` makes ids and secrets repeatable; None takes the machine's.

    `planted`: names of the own services whose part of the demo `seed` plants; None: all of them.
    """

    def __init__(
        self, *, partition: str = "aws", entropy: int | None = None, planted: Collection[str] | None = None
    ) -> None:
        self._partition = partition
        self._planted = planted
        self._random = random.SystemRandom() if entropy is None else random.Random(entropy)  # noqa: S311 - for tests
        self._world: World | None = None
        self._server: LoopbackServer | None = None
        self._clients: Clients | None = None
        self._intruder: Intruder | None = None
        self._operator: Held | None = None
        self._file = ""

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self, clock: MovableClock) -> None:
        """Raises OSError when no port can be had, RuntimeError when another one is open in this process."""
        world = World(clock, self._random, ACCOUNT, OTHER_ACCOUNT, self._partition)
        world.open()
        try:
            server = LoopbackServer(ControlDoor(self, world.gate), world.vendor_now)
            server.start()
        except BaseException:
            world.moto.close()
            raise
        self._world, self._server = world, server
        self._clients = Clients(server.url)
        self.reset()

    def reset(self) -> None:
        """Empty accounts but for the operator; faults, calls, lag and skew as new. The server keeps running."""
        world = self.world
        world.clear()
        world.skew = timedelta(0)
        self.lag(WRITES, LOGS)
        self.allow_only(None)
        self.page_size(1000)
        world.gate.lookup.throttled = False
        self._intruder = None
        self._operator = seeding.people(world)
        world.gate.parties.operator.add(self._operator.key_id)
        for account in (world.account, world.other):
            world.gate.authority.root[f"AKIAROOT{account}"] = (account, world.remember(world.sessions.secret()))
        world.settle()

    def seed(self, folder: str) -> Seeded:
        """payments-bot and its intruder. The operator's credentials file is written to `folder` (0600)."""
        world = self.world
        loot = seeding.identity(world)
        assert self._clients is not None
        burglar = Burglar(self._clients, self.endpoint, world.region, self._keep)
        scene = Scene(world, burglar, loot, seeding.USER, seeding.WORKER)
        chosen = [s for s in world.own.services if self._planted is None or s.name in self._planted]
        planted = [door for service in chosen for door in service.seed(scene)]
        self._intruder = Intruder(world, burglar, loot, planted)
        for service in chosen:
            self._intruder.learn(service.meddlings(scene))
        world.settle()
        self._file = seeding.credentials_file(folder, self.operator())
        return seeding.seeded(world, [ref for service in chosen for ref in service.principals()])

    def close(self) -> None:
        """Safe to repeat. Raises what the sandbox itself did wrong while it was open, so that no test overlooks it."""
        server, world = self._server, self._world
        self._server = self._world = None
        if server is None or world is None:
            return
        if self._clients is not None:
            self._clients.close()
        errors = server.errors
        server.close()
        world.moto.close()
        if errors:
            raise RuntimeError(f"the AWS sandbox failed {len(errors)} time(s)") from errors[0]

    # -- reaching it -----------------------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        """The inside, for this sandbox's own tests. Raises NotReady before `start`."""
        if self._world is None:
            raise NotReady("the AWS sandbox is not started")
        return self._world

    @property
    def endpoint(self) -> str:
        if self._server is None:
            raise NotReady("the AWS sandbox is not started")
        return self._server.url

    @property
    def control(self) -> str:
        return self.endpoint + PREFIX

    def settings(self) -> dict[str, Any]:
        if not self._file:
            raise NotReady("the AWS sandbox has no credentials file before seed")
        return {
            "endpoint_url": self.endpoint,
            "credentials_file": self._file,
            "profile": seeding.PROFILE,
            "region": self.world.region,
            "regions": [self.world.region],
        }

    def operator(self) -> Held:
        """The incident responder's own key."""
        if self._operator is None:
            raise NotReady("the AWS sandbox is not started")
        return self._operator

    def client(self, service: str, held: Held | None = None, region: str | None = None) -> Any:
        """boto3's client over the socket: with these credentials, or as the operator."""
        if self._clients is None:
            raise NotReady("the AWS sandbox is not started")
        return self._clients.client(service, held or self.operator(), region or self.world.region)

    def admin(self, service: str, account: str = ACCOUNT) -> Any:
        """For setting up: a client that may do everything, is in no log, meets no fault, and is obeyed at once."""
        key_id = f"AKIAROOT{account}"
        return self.client(service, Held(key_id, self.world.gate.authority.root[key_id][1]))

    # -- what the contract asks ------------------------------------------------------------------------------------

    def doors(self) -> Sequence[Door]:
        return self._thief().doors()

    def workload(self, folder: str) -> Service:
        """Its store is Secrets Manager, and holds the key since `seed`."""
        return Service(self.client, self.admin("secretsmanager"))

    def calls(self) -> Sequence[Call]:
        return self.world.gate.calls.all()

    def forget_calls(self) -> None:
        self.world.gate.calls.clear()

    def canaries(self) -> Sequence[str]:
        return self.world.secrets()

    def fault(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        """The intruder's own calls are spared: faults test the tool."""
        self.world.gate.faults.add(call, fault, times, after)

    def allow_only(self, permissions: Sequence[str] | None) -> None:
        self.world.gate.permissions.allow_only(permissions)

    def page_size(self, size: int) -> None:
        """The most that a page of any list holds. Raises ValueError below 1."""
        if size < 1:
            raise ValueError("a page holds at least one item")
        self.world.gate.page_size = size
        self.world.gate.lookup.page_size = min(size, 50)

    def lag(self, writes: float, logs: float) -> None:
        self.world.history.lag = writes
        self.world.gate.lookup.lag = logs

    def throttle_lookups(self, on: bool = True) -> None:
        """CloudTrail's two LookupEvents a second per account and Region; off at the start."""
        self.world.gate.lookup.throttled = on

    def skew(self, seconds: float) -> None:
        self.world.skew = timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    def now(self) -> datetime:
        return self.world.clock.now()

    def meddle(self, what: str) -> None:
        """Raises ValueError for what this sandbox does not know."""
        self._thief().meddle(what)

    def loot(self) -> Loot:
        """What the intruder holds, for tests of leaked credentials. Raises NotReady before `seed`."""
        return self._thief().loot

    def _thief(self) -> Intruder:
        if self._intruder is None:
            raise NotReady("the AWS sandbox has no intruder before seed")
        return self._intruder

    def _keep(self, held: Held) -> None:
        self.world.gate.parties.stolen.add(held.key_id)
