"""`python boto3_replay.py CALLS URL`: calls that were seen on the wire, made again by boto3 on threads.

CALLS: JSON, [[[service, operation, parameters], …], …]: a wave after the other, the calls of each side by side. Stands
alone, and so times what a script of these very calls takes.
"""

from __future__ import annotations

import contextlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

THREADS = 32


def replay(calls: Path, url: str) -> None:
    """What is refused now was refused then."""
    waves = json.loads(calls.read_text())
    session = boto3.session.Session()
    config = Config(max_pool_connections=THREADS)
    names = {service for wave in waves for service, _, _ in wave}
    make: Any = session.client
    clients: dict[str, Any] = {name: make(name, endpoint_url=url, config=config) for name in names}

    def ask(call: tuple[str, str, dict[str, Any]]) -> None:
        service, operation, parameters = call
        with contextlib.suppress(ClientError):
            clients[service]._make_api_call(operation, parameters)

    with ThreadPoolExecutor(THREADS) as pool:
        for wave in waves:
            list(pool.map(ask, wave))


if __name__ == "__main__":
    replay(Path(sys.argv[1]), sys.argv[2])
