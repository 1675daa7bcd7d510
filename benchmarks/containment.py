"""A user and a role contained by one command, against a script of `aws` commands and against boto3 on threads."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, TOOL, Timing, environment, interleaved, process
from benchmarks.peers import Peers
from benchmarks.wire import waves
from tests.figures.containment_depth import Containment, contained
from tests.figures.delay_proxy import DelayProxy, Passed, depth
from tests.figures.test_depth import WORKER, account

USER, ROLE = "payments-bot", "payments-worker"
DELAY = 0.05
SCRIPT_GOAL, THREADS_GOAL, DEPTH_GOAL = 1 / 20, 1.3, 3
ROUNDS, SCRIPT_ROUNDS = 9, 5
"""The script takes half a minute."""
CONSENTED = ("--settle", "0", "--rotate", "no", "--yes", "--allow-irreversible")
OPEN_OR_UNSEEN = (8, 9)
"""A lead (the chained role) and the log lag stay to be told; anything else is a failure."""
WRITES = ("Put", "Update", "Delete", "Create", "Attach", "Detach")
TOOL_ROW, SCRIPT_ROW = "nhi-revoke revoke", "script of aws commands"
THREADS_ROW, REPLAY_ROW = "boto3 threads, the script's calls", "boto3 threads, the tool's calls"


class Bench:
    """One sandbox process behind one proxy; each trial finds the same world."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._proxy: DelayProxy | None = None
        self.world: dict[str, str] = {}
        self.seen: dict[str, list[Passed]] = {}
        """What each kind of trial asked for, in its last run."""

    @contextmanager
    def started(self) -> Iterator[Bench]:
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.sandbox_process", self.folder]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as self._child:
            self._seed()
            with DelayProxy(self.world["endpoint"], DELAY, keep=True) as self._proxy:
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

    def tool(self, *by: str | Path, name: str = TOOL_ROW) -> float:
        """One `nhi-revoke revoke`, as a whole process. `by`: what runs it, else the console script."""
        self._fresh(name)
        state = Path(tempfile.mkdtemp(dir=self.folder))
        config = state / "nhi.toml"
        config.write_text(
            f'[aws]\nendpoint_url = "{self.url}"\ncredentials_file = "{self.world["credentials"]}"\n'
            f'profile = "{self.world["profile"]}"\nregion = "{self.world["region"]}"\n'
            f'regions = ["{self.world["region"]}"]\n'
        )
        principals = (f"aws:user/{USER}", f"aws:role/{ROLE}")
        command = [*(by or (TOOL,)), "revoke", *principals, *CONSENTED, "--config", config]
        return process(command, {"NHI_REVOKE_STATE": str(state)}, OPEN_OR_UNSEEN)

    def script(self, aws: Path) -> float:
        """The same job, as benchmarks/containment.sh."""
        self._fresh(SCRIPT_ROW)
        environ = {"AWS": str(aws), "URL": self.url, **self._vendors_own()}
        return process(["sh", ROOT / "benchmarks" / "containment.sh", USER, ROLE], environ)

    def threads(self) -> float:
        """That script's calls by boto3, side by side."""
        self._fresh(THREADS_ROW)
        script = ROOT / "benchmarks" / "boto3_threads.py"
        return process([sys.executable, script, USER, ROLE, self.url], self._vendors_own())

    def replay(self) -> float:
        """All calls that the tool made last, in as many waves, by boto3."""
        calls = self.folder / "calls.json"
        if not calls.exists():
            calls.write_text(json.dumps(waves(self.seen[TOOL_ROW])))
        self._fresh(REPLAY_ROW)
        return process([sys.executable, ROOT / "benchmarks" / "boto3_replay.py", calls, self.url], self._vendors_own())

    def _vendors_own(self) -> dict[str, str]:
        return {
            "AWS_SHARED_CREDENTIALS_FILE": self.world["credentials"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_PROFILE": self.world["profile"],
            "AWS_DEFAULT_REGION": self.world["region"],
        }

    def _fresh(self, name: str) -> None:
        assert self._proxy is not None
        self._seed()
        self.seen[name] = self._proxy.passed = []

    @property
    def url(self) -> str:
        assert self._proxy is not None
        return self._proxy.url


def measure(peers: Peers, rounds: int = ROUNDS, script_rounds: int = SCRIPT_ROUNDS) -> dict[str, Any]:
    """Wall times, their ratios, and what each asked of the vendor in its last run."""
    with tempfile.TemporaryDirectory() as name, Bench(Path(name)).started() as bench:
        quick = {TOOL_ROW: bench.tool, THREADS_ROW: bench.threads, REPLAY_ROW: bench.replay}
        took = interleaved(quick, rounds) | interleaved({SCRIPT_ROW: partial(bench.script, peers.aws)}, script_rounds)
        seen = dict(bench.seen)
    for one, other in ((SCRIPT_ROW, THREADS_ROW), (TOOL_ROW, REPLAY_ROW)):
        _same(seen, one, other)
    tool, script = took[TOOL_ROW].median, took[SCRIPT_ROW].median
    acted = shallowest()
    lookups = sum(p.name == "LookupEvents" for p in seen[TOOL_ROW])
    return figures(
        f"a user and a role: cut, ended, sealed and read back, {DELAY * 1000:.0f} ms added to each request",
        [
            Goal("requests one after another until cuts and ends are seen", acted.acted, DEPTH_GOAL),
            Goal("`revoke` as a whole process", tool / script, SCRIPT_GOAL, "x the script of `aws` commands"),
            Goal("`revoke` as a whole process", tool / took[REPLAY_ROW].median, THREADS_GOAL, f"x {REPLAY_ROW}"),
        ],
        [_row(name, took[name], seen[name]) for name in took],
        [
            f"The script of `aws` commands takes {script / tool:.1f} times as long as the tool; boto3 on threads does "
            f"the script's calls in 1/{tool / took[THREADS_ROW].median:.1f} of the tool's time. Both stop after the "
            "seal's read-back. The tool's time includes what they leave out: the operator's own chain, the guard, a "
            "journal that is synced before and after each change, CloudTrail, the proof by simulation, a second look "
            "at everything, and the report. The replay makes these calls, too, in waves as deep as the tool's: it "
            "tells what the process costs, and nothing of whether the calls are needed. It asks as fast as it can: of "
            f"the tool's calls {lookups} are LookupEvents, which CloudTrail answers twice a second (AWS docs), so that "
            f"the tool spreads them over {(lookups - 1) / 2:.1f} s at least."
        ],
        asked=dict(sorted(Counter(p.name for p in seen[TOOL_ROW]).items())),
    )


def _same(seen: Mapping[str, Sequence[Passed]], one: str, other: str) -> None:
    """Raises RuntimeError where two peers did not make the same calls."""
    first, second = (Counter(p.name for p in seen[name]) for name in (one, other))
    if first != second:
        raise RuntimeError(f"{one} alone: {first - second}; {other} alone: {second - first}")


def shallowest() -> Containment:
    """The least depth of a few runs: a busy machine only ever adds to it."""
    runs: list[Containment] = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(3):
            folder = Path(name) / str(number)
            folder.mkdir()
            with account(folder) as sandbox:
                principals = (WORKER.replace(f"role/bots/{ROLE}", f"user/bots/{USER}"), WORKER)
                at = partial(_addressed, sandbox.settings())
                runs.append(contained(sandbox, sandbox.endpoint, at, principals, folder))
    return min(runs, key=lambda run: run.acted)


def _addressed(settings: dict[str, Any], url: str) -> dict[str, Any]:
    return {"aws": {**settings, "endpoint_url": url}}


def _row(name: str, took: Timing, passed: Sequence[Passed]) -> dict[str, Any]:
    first = min(p.began for p in passed)
    writes = [p for p in passed if p.name.startswith(WRITES)]
    return {
        "containment": name,
        **took.figures(),
        "requests": len(passed),
        "one after another": depth(passed),
        "writes": len(writes),
        "last write, ms after the first request": round((max(p.ended for p in writes) - first) * 1000, 1),
        "last answer": round((max(p.ended for p in passed) - first) * 1000, 1),
    }
