"""`python -m benchmarks.inside FILE WORD…`: the command line, and into FILE what only its own process can see.

JSON: the most memory that it ever had (Linux: VmHWM; None elsewhere), the seconds that went into the journal (of which:
append and sync), its lines, the seconds from the first module of ours to the end, and those of the processor.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


class Stopwatch:
    """Sums up how long a method takes."""

    def __init__(self, owner: type, name: str) -> None:
        self.seconds: list[float] = []
        does: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return does(*args, **more)
            finally:
                self.seconds.append(time.perf_counter() - began)

        setattr(owner, name, timed)


def peak() -> float | None:
    """Megabytes. What getrusage tells would begin with the memory of the process that started this one."""
    if not STATUS.exists():
        return None
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def run(out: Path, words: list[str]) -> int:
    """The exit code of the command line."""
    began = time.perf_counter()
    from nhi_revoke.engine.journal import Journal
    from nhi_revoke.engine.store import RunFolder

    writes, appends = Stopwatch(Journal, "write"), Stopwatch(RunFolder, "append")
    sys.argv = ["nhi-revoke", *words]
    from nhi_revoke.__main__ import main

    try:
        return main()
    finally:
        told = {
            "peak_mb": peak(),
            "seconds": time.perf_counter() - began,
            "cpu_s": time.process_time(),
            "journal_s": sum(writes.seconds),
            "append_s": sum(appends.seconds),
            "lines": len(appends.seconds),
        }
        out.write_text(json.dumps(told))


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
