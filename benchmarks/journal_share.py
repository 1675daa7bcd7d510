"""How much of a run goes into its journal: appended and synced, against the whole run at 50 ms per request."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.containment import DELAY, Bench
from benchmarks.figures import Goal, figures
from benchmarks.measure import Timing

GOAL = 0.01
RUNS = 9
NAME = "timed inside"


def measure(runs: int = RUNS) -> dict[str, Any]:
    """Medians of the shares, of the containment that `containment` measures."""
    told: list[dict[str, float]] = []
    wall: list[float] = []
    with tempfile.TemporaryDirectory() as name, Bench(Path(name)).started() as bench:
        out = Path(name) / "inside.json"
        for _ in range(runs + 1):
            wall.append(bench.tool(sys.executable, "-m", "benchmarks.inside", out, name=NAME))
            told.append(json.loads(out.read_text()))
        disk = _filesystem(Path(name))
    told, wall = told[1:], wall[1:]
    appended = Timing(tuple(t["append_s"] for t in told))
    whole = Timing(tuple(t["journal_s"] for t in told))
    share = statistics.median(t["append_s"] / seconds for t, seconds in zip(told, wall, strict=True))
    of_whole = statistics.median(t["journal_s"] / seconds for t, seconds in zip(told, wall, strict=True))
    lines = int(told[-1]["lines"])
    return figures(
        f"the journal's part of a run, {DELAY * 1000:.0f} ms added to each request",
        [
            Goal("appending and syncing the journal", share, GOAL, "of the run"),
            Goal(
                "with encoding, hashing, reading back and waiting for one another",
                of_whole,
                GOAL,
                "of the run",
            ),
        ],
        [
            {"what": f"append and fdatasync, {lines} lines", **appended.figures(), "of the run": round(share, 4)},
            {"what": "Journal.write, summed over threads", **whole.figures(), "of the run": round(of_whole, 4)},
            {"what": "the run", **Timing(tuple(wall)).figures(), "of the run": 1},
        ],
        [f"On {disk}. Threads that wait for each other's line are counted each, in the second row: more than passes."],
    )


def _filesystem(folder: Path) -> str:
    done = subprocess.run(
        ["df", "--output=fstype,source", folder], capture_output=True, text=True, check=False
    )  # GNU alone
    return " of ".join(done.stdout.splitlines()[-1].split()) if done.returncode == 0 else "an unknown file system"
