"""How fast the command line starts, against the vendor's own and against Python itself."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Goal, figures
from benchmarks.measure import AWSCLI, TOOL, interleaved, process
from benchmarks.peers import Peers

PYTHON, AWS = "python -c pass", "aws --version"
GOALS = {
    "nhi-revoke --version": (PYTHON, 1.5),
    "nhi-revoke __complete re": (PYTHON, 1.5),
    "nhi-revoke --help": (AWS, 0.40),
}
"""At most so many times the peer."""
ROUNDS = 15


def measure(peers: Peers, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians, and their ratios to a peer."""
    commands: dict[str, list[str | Path]] = {
        PYTHON: [sys.executable, "-c", "pass"],
        "nhi-revoke --version": [TOOL, "--version"],
        "nhi-revoke __complete re": [TOOL, "__complete", "re"],
        "nhi-revoke --help": [TOOL, "--help"],
        AWS: [peers.aws, "--version"],
    }
    took = interleaved({name: partial(process, command) for name, command in commands.items()}, rounds)
    return figures(
        "starting",
        [Goal(f"`{n}`", took[n].median / took[peer].median, most, f"x `{peer}`") for n, (peer, most) in GOALS.items()],
        [
            {"command": f"`{n}`", **t.figures(), "of `aws --version`": round(t.median / took[AWS].median, 3)}
            for n, t in took.items()
        ],
        [f"`aws` is {AWSCLI} in an environment of its own."],
    )
