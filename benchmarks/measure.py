"""Whole processes, timed side by side: medians of interleaved runs, and what they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOOL = Path(sys.executable).parent / "nhi-revoke"
AWSCLI = "awscli==1.46.3"
"""The one that the goals were set against; a new one may start slower or faster."""


@dataclass(frozen=True)
class Timing:
    """Wall times in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def figures(self) -> dict[str, Any]:
        """As JSON has it: milliseconds."""
        return {
            "median_ms": round(self.median * 1000, 1),
            "least_ms": round(min(self.seconds) * 1000, 1),
            "runs": len(self.seconds),
        }


def interleaved(trials: Mapping[str, Callable[[], float]], rounds: int, *, warm: bool = False) -> dict[str, Timing]:
    """Each trial once per round, so that what else the machine does meets all of them alike; after an unmeasured one,
    where they are not `warm` already.
    """
    for trial in () if warm else trials.values():
        trial()
    seconds: dict[str, list[float]] = {name: [] for name in trials}
    for _ in range(rounds):
        for name, trial in trials.items():
            seconds[name].append(trial())
    return {name: Timing(tuple(each)) for name, each in seconds.items()}


def process(
    command: Sequence[str | Path], environ: Mapping[str, str] | None = None, allowed: Sequence[int] = (0,)
) -> float:
    """Wall seconds of one process. Raises RuntimeError with its words where it ends with another code."""
    began = time.perf_counter()
    done = subprocess.run(command, env=environment(environ), capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode not in allowed:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}")
    return took


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a user's shell: nothing of the machine's AWS configuration, and bytecode is written as everywhere. PYTHONPATH
    stays: it says which checkout is measured.
    """
    dropped = ("AWS_", "NHI_REVOKE_", "PYTHON", "COVERAGE")
    kept = {k: v for k, v in os.environ.items() if k == "PYTHONPATH" or not k.startswith(dropped)}
    return {**kept, **(more or {})}


def awscli(folder: Path) -> Path:
    """The `aws` command in an environment of its own. Raises CalledProcessError where it cannot be installed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", AWSCLI]
    subprocess.run(command, check=True, env=alone)
    subprocess.run([python, "-m", "compileall", "-q", folder / "lib"], check=False, capture_output=True, env=alone)
    return folder / "bin" / "aws"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    cpu = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "")
    return {
        "cpu": cpu or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
