"""A worker on a fleet's sandbox: in this process, or as one of its own that kills itself at a line of a journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import CAMPAIGNS
from nhi_revoke.campaign.worker import Worker
from nhi_revoke.config import load_config
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.journal import BeforeAppend
from nhi_revoke.engine.lock import Locking, Locks
from nhi_revoke.engine.service import Engine
from nhi_revoke.engine.store import Journals
from nhi_revoke.model.error import NotFound
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import provider

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 90.0
"""Seconds of real time, for the case that it hangs."""
LOOK = 0.05
ALIVE_WITHIN = 600.0
"""No busy machine takes a worker for dead: a test ages the beat of one that is."""


class Order(Struct, frozen=True):
    """What a worker is to do."""

    url: str
    """Of PostgreSQL; empty: SQLite in the state folder."""
    state: str
    settings: dict[str, str]
    """Names of settings, and the text of each."""
    dies_at: int = 0
    """Line of a journal, counted over all its items, before which it kills itself; 0: none."""
    at_once: int = 4
    alive_within: float = ALIVE_WITHIN


def worker_of(database: Database, order: Order, tell: Tell, line: BeforeAppend) -> Worker:
    """`line`: called before each line of any journal."""
    state = Path(order.state)

    def engine(config: str, *, journals: Journals, locks: Locking) -> Engine:
        if config not in order.settings:
            raise NotFound("no-such-settings", f"there are no settings {config!r}. Nothing was changed.")
        registry = Registry([Loaded(provider.name, provider)])
        path = state / f"{config or 'nhi'}.toml"
        path.write_text(order.settings[config])
        environ = {"NHI_REVOKE_STATE": str(state)}
        read = load_config(str(path), environ, state, providers=registry.known())
        return Engine(registry, read, lambda _: None, journals=journals, locks=locks, before_append=line)

    return Worker(
        database,
        engine,
        tell,
        local=Locks(state / "locks"),
        at_once=order.at_once,
        look=LOOK,
        poll=LOOK,
        take_over=LOOK,
        alive_within=order.alive_within,
    )


def nothing_goes_on(database: Database) -> Callable[[], bool]:
    """Whether every campaign is over or paused."""
    going = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.state.in_(("running", "undoing")))

    def ask() -> bool:
        with database.read() as conn:
            return conn.execute(going).first() is None

    return ask


@contextmanager
def started(order: Order) -> Iterator[subprocess.Popen[str]]:
    """It runs until no campaign is left that goes on; killed where the test ends before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.campaign.process", msgspec.json.encode(order).decode()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and all it printed."""
    out, err = process.communicate(timeout=TIMEOUT)
    return process.returncode, out + err


def main(order: Order) -> None:
    lines, lock = 0, threading.Lock()

    def line(_number: int) -> None:
        nonlocal lines
        with lock:
            lines += 1
        if order.dies_at and lines >= order.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database.open(Path(order.state), order.url)
    worker_of(database, order, lambda _: None, line).run(threading.Event(), nothing_goes_on(database))
    database.close()


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Order))
