"""A user and a role contained by one command, against boto3 on threads and against scripts of `aws` commands."""

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

from benchmarks import aws_script
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
ROUNDS, SCRIPT_ROUNDS, WHOLE_ROUNDS = 9, 5, 5
"""The short script takes half a minute, the one of all calls a minute and a half."""
CONSENTED = ("--settle", "0", "--rotate", "no", "--yes", "--allow-irreversible")
OPEN_OR_UNSEEN = (8, 9)
"""A lead (the chained role) and the log lag stay to be told; anything else is a failure."""
WRITES = ("Put", "Update", "Delete", "Create", "Attach", "Detach")
TOOL_ROW = "nhi-revoke revoke"
SCRIPT_ROW, WHOLE_ROW = "script of aws commands, without what it leaves out", "script of aws commands, the tool's calls"
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
        """The containment alone, as benchmarks/containment.sh."""
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
        calls.write_text(json.dumps(waves(self.seen[TOOL_ROW])))
        self._fresh(REPLAY_ROW)
        return process([sys.executable, ROOT / "benchmarks" / "boto3_replay.py", calls, self.url], self._vendors_own())

    def commands(self, aws: Path) -> float:
        """All calls that the tool made last, by `aws` commands, one after the other."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        calls = aws_script.script(waves(self.seen[TOOL_ROW]), folder)
        self._fresh(WHOLE_ROW)
        return process(["sh", calls], {"AWS": str(aws), "URL": self.url, **self._vendors_own()})

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
    return figures(
        f"a user and a role: cut, ended, sealed and read back, {DELAY * 1000:.0f} ms added to each request",
        [
            Goal("requests one after another until cuts and ends are seen", acted.acted, DEPTH_GOAL),
            Goal("`revoke` as a whole process", tool / took[REPLAY_ROW].median, THREADS_GOAL, f"x {REPLAY_ROW}"),
        ],
        [_row(name, took[name], seen[name]) for name in took],
        [
            f"The replay makes the tool's calls, in waves as deep as the tool's: it tells what the process costs, and "
            f"nothing of whether the calls are needed. {_paced(seen[TOOL_ROW])}",
            f"Two rows do less. A script of `aws` commands that cuts, ends, seals and reads back takes "
            f"{script / tool:.1f} times as long as the tool; boto3 on threads does that script's calls in "
            f"1/{tool / took[THREADS_ROW].median:.1f} of the tool's time, which includes what both leave out: "
            "the operator's own chain, the guard, a journal that is synced before and after each change, CloudTrail, "
            "the proof by simulation, a second look at everything, the plan for whatever the sessions lead to, and the "
            "report. The row `containment_script` has the script that makes the tool's calls.",
        ],
        asked=_asked(seen[TOOL_ROW]),
    )


def measure_script(peers: Peers, rounds: int = WHOLE_ROUNDS) -> dict[str, Any]:
    """The tool against its own calls as `aws` commands, one after the other."""
    with tempfile.TemporaryDirectory() as name, Bench(Path(name)).started() as bench:
        bench.tool()
        whole = interleaved({TOOL_ROW: bench.tool, WHOLE_ROW: partial(bench.commands, peers.aws)}, rounds, warm=True)
        seen = dict(bench.seen)
    _same(seen, TOOL_ROW, WHOLE_ROW)
    ratio = whole[TOOL_ROW].median / whole[WHOLE_ROW].median
    return figures(
        f"the same containment against its own calls as `aws` commands, {DELAY * 1000:.0f} ms added to each request",
        [Goal("`revoke` as a whole process", ratio, SCRIPT_GOAL, "x its calls as `aws` commands")],
        [_row(name, whole[name], seen[name]) for name in whole],
        [
            "The script is written from what the tool asked in the run before it, and the two were seen to ask the "
            f"same, call by call. It never asks too fast. {_paced(seen[TOOL_ROW])}"
        ],
        by_itself=True,
        asked=_asked(seen[TOOL_ROW]),
    )


def _paced(passed: Sequence[Passed]) -> str:
    lookups = sum(p.name == "LookupEvents" and not p.throttled for p in passed)
    return (
        f"CloudTrail answers two LookupEvents a second (AWS docs), and the sandbox refuses more: the {lookups} of this "
        f"run take {(lookups - 1) / 2:.1f} s, whoever asks."
    )


def _asked(passed: Sequence[Passed]) -> dict[str, int]:
    return dict(sorted(Counter(p.name for p in passed).items()))


def _same(seen: Mapping[str, Sequence[Passed]], one: str, other: str) -> None:
    """Raises RuntimeError where two peers did not make the same calls, but for what was throttled and asked again."""
    first, second = (Counter(p.name for p in seen[name] if not p.throttled) for name in (one, other))
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
        "of these throttled": sum(p.throttled for p in passed),
        "one after another": depth(passed),
        "writes": len(writes),
        "last write, ms after the first request": round((max(p.ended for p in writes) - first) * 1000, 1),
        "last answer": round((max(p.ended for p in passed) - first) * 1000, 1),
    }
