"""Two real processes, one real database, one server that counts."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.limits import Limits
from tests.campaign.postgresql import Server
from tests.campaign.test_rates_slots import fullest

LIMIT, SECONDS, EACH = 100, 1.0, 125


class Counting(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counted)
        self.arrived: list[float] = []


class Counted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def do_GET(self) -> None:
        self.server.arrived.append(time.monotonic())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def counting() -> Iterator[Counting]:
    with Counting() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_two_processes_together_keep_the_limit_and_use_it(
    postgresql: Server, counting: Counting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgresql.database()
    database = Database.open(tmp_path / "mine", url)
    address = f"http://127.0.0.1:{counting.server_address[1]}"
    command = [sys.executable, "-m", "tests.campaign.rates_worker"]
    more = [url, address, str(EACH), f"{LIMIT}/{SECONDS:g}"]
    workers = [
        subprocess.Popen(
            [*command, str(tmp_path / name), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "other")
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    (row,) = Limits(database, 1.0).rows()
    database.close()

    slots = sorted(moment for each in told for moment in each["given"])
    lost = sum(each["expired"] for each in told)
    assert len(counting.arrived) == 2 * EACH == len(slots) - lost
    assert row.sent == len(slots)
    assert fullest([(moment, 1) for moment in slots], SECONDS) <= LIMIT
    assert min(len(each["given"]) for each in told) >= EACH

    arrived = sorted(counting.arrived)
    took, floor = arrived[-1] - arrived[0], (len(arrived) - 1) / LIMIT * SECONDS
    most = fullest([(moment, 1) for moment in arrived], SECONDS)
    leases = [seconds for each in told for seconds in each["leases"]]
    words = (
        f"{len(arrived)} requests in {took:.2f} s: {floor / took:.1%} of the limit; at most {most} of {LIMIT} arrived "
        f"in a span; {lost} slots lost; {len(leases)} leases, {1000 * sum(leases) / len(leases):.1f} ms each"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{words}\n")
