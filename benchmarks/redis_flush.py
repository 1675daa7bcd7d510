"""`python -m benchmarks.redis_flush`: 5,000 keys out of 1,000,000, in a real Valkey on loopback.

Prints how long a look for the plan, the flush and the second look take, the most memory that the process ever had, and
how long another client waited for each GET, while nothing else went on and during the flush; and for how long the
server's one thread was busy with each SCAN and UNLINK, which a busy machine blurs least.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.local.redis_bench import MATCH, REDIS
from tests.local.trial import Trial
from tests.local.valkey import Valkey, serving

KEYS, MATCHING = 1_000_000, 5_000
IDLE = 3.0
"""Seconds of the other client alone."""
PAUSE = 0.0005
"""Seconds between two GETs of the other client."""


def measure() -> dict[str, Any]:
    """Figures, as JSON has them."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--enable-debug-command", "yes") as server:
        server.client.execute_command("DEBUG", "POPULATE", KEYS - MATCHING, "session", 32)
        server.fill(MATCHING, others=0)
        with _started("other", server) as other:
            time.sleep(IDLE)
            began = time.monotonic()
            with _started("flush", server) as flush:
                flushed = json.loads(_end(flush))
            ended = time.monotonic()
            waits = json.loads(_end(other))
        calls = server.calls()
        busy = server.client.info("latencystats")
        left = int(server.client.dbsize())
    if left != KEYS - MATCHING or flushed["removed"] != MATCHING:
        raise RuntimeError(f"{left} keys are left, {flushed['removed']} were removed")
    begins, until = flushed.pop("from"), flushed.pop("until")
    if not began <= begins <= until <= ended:
        raise RuntimeError("the clocks of the processes differ")
    return {
        **flushed,
        "idle": _spread([wait for at, wait in waits if at < began]),
        "during": _spread([wait for at, wait in waits if begins <= at <= until]),
        "calls": {name: calls[name] for name in ("SCAN", "UNLINK")},
        "server_us": {name: busy[f"latency_percentiles_usec_{name.lower()}"] for name in ("SCAN", "UNLINK")},
    }


def flush(url: str) -> dict[str, Any]:
    """Look, remove, look again, in this process."""
    run = Trial()
    step = run.step("redis", "after the seal", before={"url": url, "match": MATCH})
    before = _peak()
    began = time.monotonic()
    said = REDIS.looks(run.conn, step.before)
    looked = time.monotonic()
    run.do(REDIS, step)
    removed = time.monotonic()
    left = run.seen(REDIS, step)
    ended = time.monotonic()
    run.io.close()
    if left is None or left["there"]:
        raise RuntimeError(f"there are keys left: {left}")
    return {
        "said": said,
        "removed": left["removed"],
        "look_s": round(looked - began, 3),
        "flush_s": round(removed - looked, 3),
        "second_look_s": round(ended - removed, 3),
        "peak_mb": round(_peak(), 1),
        "peak_before_mb": round(before, 1),
        "from": began,
        "until": ended,
    }


def other(url: str) -> list[tuple[float, float]]:
    """When each GET began, and how long it took, in seconds; until the input ends."""
    import select

    import redis

    client: Any = redis.Redis.from_url(url, protocol=2)
    client.set("neighbour", "x")
    out: list[tuple[float, float]] = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        began = time.monotonic()
        client.get("neighbour")
        out.append((began, time.monotonic() - began))
        time.sleep(PAUSE)
    client.delete("neighbour")
    return out


def _started(what: str, server: Valkey) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.redis_flush", what, server.url]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _end(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a process ended with {process.returncode}")
    return out


def _spread(waits: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    row = sorted(waits)
    at = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}
    return {"n": len(row), **{k: round(row[int(len(row) * share)] * 1000, 2) for k, share in at.items()}}


def _peak() -> float:
    """The most that this process ever had, in megabytes (Linux tells kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asked = sys.argv[1:]
    found = measure() if not asked else flush(asked[1]) if asked[0] == "flush" else other(asked[1])
    sys.stdout.write(json.dumps(found, indent=None if asked else 2) + "\n")
