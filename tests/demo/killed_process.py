"""`python -m nhi_revoke` as a process of its own that dies by signal 9 at a chosen moment, as the journal tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from msgspec import Struct

from tests.demo.rolling import Rolling

TIMEOUT = 120.0
"""Seconds of real time, for the case that it hangs: nothing in it waits for the sandbox's clock."""
DYING = """
import os, signal, sys
from nhi_revoke.engine.journal import Journal

when, kind, phase = sys.argv.pop(1).split()
good, phases = Journal.write, {}

def dying(self, line):
    if type(line).__name__ == "Opened":
        phases.update((step.id, step.phase.value) for step in line.plan.steps)
    here = (type(line).__name__, phases.get(getattr(line, "step", ""), "")) == (kind, phase)
    if when == "after":
        good(self, line)
    if here:
        os.kill(os.getpid(), signal.SIGKILL)
    if when == "before":
        good(self, line)

Journal.write = dying
from nhi_revoke.__main__ import main
sys.exit(main())
"""


class Ended(Struct, frozen=True):
    code: int
    """Of a process that was shot: -9."""
    told: dict[str, Any]
    """Its JSON; nothing of one that was shot."""
    words: str
    """All that it printed."""


def process(rolling: Rolling, *words: str, dies: str = "") -> Ended:
    """`dies`: `after Intended mint`: once that line is on the disk; `before Resulted mint`: and it never is."""
    start = ["-c", DYING, dies] if dies else ["-m", "nhi_revoke"]
    done = subprocess.run(
        [sys.executable, *start, *words, "-o", "json"],
        env={**os.environ, **rolling.settings},
        cwd=rolling.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    told = json.loads(done.stdout) if done.stdout else {}
    return Ended(done.returncode, told, done.stdout + done.stderr)
