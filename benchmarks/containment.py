"""A user and a role contained by one command, against a script of `aws` commands: 50 ms per request on both."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, TOOL, Timing, environment, process
from tests.figures.delay_proxy import DelayProxy, Passed, depth

USER, ROLE = "payments-bot", "payments-worker"
DELAY = 0.05
GOAL = 1 / 18
ROUNDS, RUNS_A_ROUND = 3, 3
"""The script takes half a minute: it runs once a round."""
CONSENTED = ("--settle", "0", "--rotate", "no", "--yes", "--allow-irreversible")
OPEN_OR_UNSEEN = (8, 9)
"""A lead (the chained role) and the log lag stay to be told; anything else is a failure."""
WRITES = ("Put", "Update", "Delete", "Create", "Attach", "Detach")


class Bench:
    """One sandbox process behind one proxy; each trial finds the same world."""

    def __init__(self, folder: Path, aws: Path) -> None:
        self._folder = folder
        self._aws = aws
        self._child: subprocess.Popen[str] | None = None
        self.world: dict[str, str] = {}
        self.proxy: DelayProxy | None = None
        self.seen: dict[str, list[Passed]] = {}

    @contextmanager
    def started(self) -> Iterator[Bench]:
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.sandbox_process", self._folder]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as self._child:
            self._seed()
            with DelayProxy(self.world["endpoint"], DELAY) as self.proxy:
                yield self
            assert self._child.stdin is not None
            self._child.stdin.close()

    def _seed(self) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("again\n")
        self._child.stdin.flush()
        self.world = json.loads(self._child.stdout.readline())

    def tool(self) -> float:
        """One `nhi-revoke revoke`, as a whole process."""
        self._fresh("tool")
        state = Path(tempfile.mkdtemp(dir=self._folder))
        config = state / "nhi.toml"
        config.write_text(
            f'[aws]\nendpoint_url = "{self._url}"\ncredentials_file = "{self.world["credentials"]}"\n'
            f'profile = "{self.world["profile"]}"\nregion = "{self.world["region"]}"\n'
            f'regions = ["{self.world["region"]}"]\n'
        )
        principals = (f"aws:user/{USER}", f"aws:role/{ROLE}")
        command: list[str | Path] = [TOOL, "revoke", *principals, *CONSENTED, "--config", config]
        return process(command, {"NHI_REVOKE_STATE": str(state)}, OPEN_OR_UNSEEN)

    def script(self) -> float:
        """The same job, as benchmarks/containment.sh."""
        self._fresh("script")
        environ = {
            "AWS": str(self._aws),
            "URL": self._url,
            "AWS_SHARED_CREDENTIALS_FILE": self.world["credentials"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_PROFILE": self.world["profile"],
            "AWS_DEFAULT_REGION": self.world["region"],
        }
        return process(["sh", ROOT / "benchmarks" / "containment.sh", USER, ROLE], environ)

    def _fresh(self, name: str) -> None:
        assert self.proxy is not None
        self._seed()
        self.seen[name] = self.proxy.passed = []

    @property
    def _url(self) -> str:
        assert self.proxy is not None
        return self.proxy.url


def measure(aws: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """Wall times, their ratio, and what each asked of the vendor in its last run."""
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), aws).started() as bench:
        bench.tool()
        bench.script()
        tools, scripts = [], []
        for _ in range(rounds):
            scripts.append(bench.script())
            tools += [bench.tool() for _ in range(RUNS_A_ROUND)]
        tool, script = Timing(tuple(tools)), Timing(tuple(scripts))
        asked = {name: _asked(passed) for name, passed in bench.seen.items()}
    return {
        "delay_ms": DELAY * 1000,
        "nhi-revoke revoke": {**tool.figures(), **asked["tool"]},
        "script of aws commands": {**script.figures(), **asked["script"]},
        "ratio": round(tool.median / script.median, 4),
        "times_faster": round(script.median / tool.median, 1),
        "goal": round(GOAL, 4),
        "met": tool.median / script.median <= GOAL,
    }


def _asked(passed: list[Passed]) -> dict[str, Any]:
    first = min(p.began for p in passed)
    ends = [p.ended for p in passed if p.name.startswith(WRITES)]
    return {
        "requests": len(passed),
        "sequential": depth(passed),
        "first_to_last_request_ms": round((max(p.ended for p in passed) - first) * 1000, 1),
        "writes": dict(sorted(Counter(p.name for p in passed if p.name.startswith(WRITES)).items())),
        "last_write_ms": round((max(ends) - first) * 1000, 1),
    }
