"""The report of a run with 5,000 actions as a page: how long it takes, and how large it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, Timing, environment, interleaved

ACTIONS = 5000
SECONDS_GOAL, MB_GOAL = 1.0, 3.0
ROUNDS = 7


def write() -> dict[str, float]:
    """In a process of its own: seconds and megabytes of the page, and of the same report as JSON. Loading counts."""
    from tests.render.big import big_report
    from tests.render.conftest import at

    report = big_report(ACTIONS)
    began = time.perf_counter()
    from nhi_revoke.render.page.write import html_report

    page = html_report(report, at(10))
    ended = time.perf_counter()
    import msgspec

    text = msgspec.json.encode(report, enc_hook=str)
    encoded = time.perf_counter()
    return {
        "html_s": ended - began,
        "html_mb": len(page.encode()) / 1e6,
        "json_s": encoded - ended,
        "json_mb": len(text) / 1e6,
    }


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians."""
    seen: list[dict[str, float]] = []

    def trial() -> float:
        command = [sys.executable, "-m", "benchmarks.html_report"]
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
        seen.append(json.loads(done.stdout))
        return seen[-1]["html_s"]

    took = interleaved({"HTML": trial}, rounds) | {"JSON (msgspec)": Timing(tuple(s["json_s"] for s in seen[1:]))}
    size = seen[-1]
    return figures(
        f"the report of a run with {ACTIONS:,} actions",
        [
            Goal("HTML", took["HTML"].median, SECONDS_GOAL, "s"),
            Goal("HTML", size["html_mb"], MB_GOAL, "MB"),
        ],
        [
            {"format": name, **took[name].figures(), "MB": round(size[key], 2)}
            for name, key in (("HTML", "html_mb"), ("JSON (msgspec)", "json_mb"))
        ],
        ["From the report to its text, with all that is loaded for it."],
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(write()))
