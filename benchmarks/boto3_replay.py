"""`python boto3_replay.py CALLS URL`: calls that were seen on the wire, made again by boto3 on threads.

CALLS: JSON, [[[service, operation, parameters], …], …]: a wave after the other, the calls of each side by side. What
CloudTrail answers twice a second is asked so, one after another beside the waves; a wave that comes after the last of
them waits for it. Stands alone, and so times what a script of these very calls takes.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

THREADS = 32
PACED, SECONDS = "LookupEvents", 0.51
"""A little less than two a second, for each account and Region (AWS docs: LookupEvents). What comes too soon all the
same is repeated.
"""


def replay(calls: Path, url: str) -> None:
    """What is refused now was refused then."""
    waves = json.loads(calls.read_text())
    session = boto3.session.Session()
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 10})
    names = {service for wave in waves for service, _, _ in wave}
    make: Any = session.client
    clients: dict[str, Any] = {name: make(name, endpoint_url=url, config=config) for name in names}

    def ask(call: tuple[str, str, dict[str, Any]]) -> None:
        service, operation, parameters = call
        with contextlib.suppress(ClientError):
            clients[service]._make_api_call(operation, parameters)

    next_turn = time.monotonic()

    def ask_in_turn(call: tuple[str, str, dict[str, Any]]) -> None:
        nonlocal next_turn
        time.sleep(max(0.0, next_turn - time.monotonic()))
        next_turn = time.monotonic() + SECONDS
        ask(call)

    last = max((number for number, wave in enumerate(waves) if _paced(wave)), default=-1)
    with ThreadPoolExecutor(THREADS) as pool, ThreadPoolExecutor(1) as in_turn:
        turns: list[Future[None]] = []
        for number, wave in enumerate(waves):
            turns += [in_turn.submit(ask_in_turn, call) for call in _paced(wave)]
            list(pool.map(ask, [call for call in wave if call[1] != PACED]))
            if number >= last:
                wait(turns)


def _paced(wave: list[Any]) -> list[Any]:
    return [call for call in wave if call[1] == PACED]


if __name__ == "__main__":
    replay(Path(sys.argv[1]), sys.argv[2])
