"""How fast the command line starts, against the vendor's own and against Python itself."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import TOOL, interleaved, process

GOALS = {"nhi-revoke --version": 0.10, "nhi-revoke --help": 0.45}
"""At most this part of `aws --version`."""
ROUNDS = 11


def measure(aws: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians, ratios to `aws --version`, and whether the goals are met."""
    commands: dict[str, list[str | Path]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "nhi-revoke --version": [TOOL, "--version"],
        "nhi-revoke --help": [TOOL, "--help"],
        "aws --version": [aws, "--version"],
    }
    timings = interleaved({name: partial(process, command) for name, command in commands.items()}, rounds)
    whole = timings["aws --version"].median
    return {
        name: {**timing.figures(), "of_aws": round(timing.median / whole, 3), **_goal(name, timing.median / whole)}
        for name, timing in timings.items()
    }


def _goal(name: str, ratio: float) -> dict[str, Any]:
    return {"goal": GOALS[name], "met": ratio <= GOALS[name]} if name in GOALS else {}
