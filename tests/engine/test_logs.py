"""When each principal's logs are read: not before what can mint for it was seen ended, and not after."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from nhi_revoke.engine.inventory import Surveyor
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.logs import LogReader
from nhi_revoke.model.found import BlindSpot, Found
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import PrincipalRef
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.scene import Scene, identity
from tests.engine.tick import Tick, after

QUICK, SLOW, NONE = bot("quick"), bot("slow"), bot("none")
THERE = (QUICK, SLOW, NONE)
LAG = timedelta(seconds=900)


class Readings(Surveyor):
    """Remembers whose logs were begun; they say that they were."""

    def __init__(self, clock: Tick) -> None:
        self.clock = clock
        self.begun: list[PrincipalRef] = []

    def read_logs(
        self, principal: Principal, inventory: Inventory, intent: Intent, pool: ThreadPoolExecutor
    ) -> Sequence[Future[list[Found]]]:
        self.begun.append(principal.ref)
        read: Future[list[Found]] = Future()
        lag = BlindSpot(principal.ref, "fake:session", "the lag", until=self.clock.now() + LAG)
        expiry = BlindSpot(principal.ref, "fake:session", "its last token", until=after(500), counts=False)
        read.set_result([lag, expiry])
        return [read]

    def judge_logs(
        self, readings: Iterable[Future[list[Found]]], inventory: Inventory, intent: Intent
    ) -> tuple[Found, ...]:
        return tuple(f for reading in readings for f in reading.result())


class Reader(LogReader):
    """Of three principals; `mints`: who can mint for whom."""

    def __init__(self, mints: dict[PrincipalRef, frozenset[PrincipalRef]]) -> None:
        self.clock = Tick()
        self.readings = Readings(self.clock)
        who = tuple(Principal(ref, "bot", ref.id, "org", "1") for ref in THERE)
        found = Inventory(Identity("it", THERE), after(0), who, ())
        super().__init__(self.readings, found, Intent(), mints, EngineIo(self.clock))

    def told(self) -> list[tuple[PrincipalRef, datetime | None]]:
        """Of whom, and until when that is unseen, in the order in which they are told."""
        found = self.found()
        assert [f.until for f in found if isinstance(f, BlindSpot) and not f.counts] == [after(500)] * 3
        return [(f.on, f.until) for f in found if isinstance(f, BlindSpot) and f.counts]


@pytest.fixture
def reader() -> Iterable[Reader]:
    made = Reader({})
    yield made
    made.close(wait=True)


def test_the_quick_ones_logs_do_not_wait_for_the_slow_ones_cuts(reader: Reader) -> None:
    reader.acted({QUICK: False, SLOW: False})
    assert reader.readings.begun == []
    reader.acted({QUICK: True, SLOW: False})
    assert reader.readings.begun == [QUICK]
    reader.clock.wait(6, threading.Event())
    reader.acted({QUICK: True, SLOW: True})
    reader.acted({QUICK: True, SLOW: True})
    assert reader.readings.begun == [QUICK, SLOW, NONE], "each once; what is not cut at all with the last"
    assert reader.told() == [(ref, after(6) + LAG) for ref in THERE], "as if all had been read with the last"


@pytest.mark.parametrize("through", [(), (NONE,)], ids=["itself", "through another"])
def test_logs_wait_for_what_can_mint_for_their_principal(through: tuple[PrincipalRef, ...]) -> None:
    chain = (QUICK, *through, SLOW)
    reader = Reader({one: frozenset({by}) for one, by in pairwise(chain)})
    reader.acted({QUICK: True, SLOW: False})
    assert reader.readings.begun == []
    reader.acted({QUICK: True, SLOW: True})
    assert reader.readings.begun == list(THERE)
    reader.close(wait=True)


def test_a_second_reading_is_one_of_its_own_and_reads_all(reader: Reader) -> None:
    reader.acted({QUICK: True, SLOW: False})
    assert reader.told() == [(ref, after(0) + LAG) for ref in THERE], "whoever asks gets all, seen or not"
    reader.acted({QUICK: True, SLOW: True})
    assert len(reader.readings.begun) == 3, "an answer that was taken is not followed by another reading"
    reader.clock.wait(60, threading.Event())
    assert reader.told() == [(ref, after(60) + LAG) for ref in THERE]
    assert reader.readings.begun == [QUICK, SLOW, NONE] * 2


def test_in_a_run_logs_are_asked_while_a_cut_elsewhere_is_not_seen(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["slow"] = Bot(trusts={"t": ("org/else",)})
    asked = threading.Event()
    came: list[bool] = []
    cloud.tell("observe fake:session", asked.set)
    cloud.tell("seen fake:trust/cut", lambda: came.append(asked.wait(10)))
    scene.revoke(identity("ci", "slow"), intent=Intent(cut_trust=("fake:trust/slow/t",)))
    assert came == [True]
    assert cloud.called("observe") == ["observe fake:session fake:bot/ci", "observe fake:session fake:bot/slow"]
    seen = next(n for n, call in enumerate(cloud.calls) if call.startswith("seen fake:trust/cut"))
    assert seen < cloud.calls.index("observe fake:session fake:bot/slow")


def test_proofs_do_not_wait_for_the_logs(scene: Scene, cloud: Cloud) -> None:
    proved = threading.Event()
    came: list[bool] = []
    cloud.tell("prove fake:key/disable", proved.set)
    cloud.tell("observe fake:session", lambda: came.append(proved.wait(10)))
    report = scene.revoke()
    assert came == [True]
    assert report.exit_code == 0
