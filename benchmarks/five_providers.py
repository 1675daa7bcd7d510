"""One identity on five providers against each of them alone; each behind a delay, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import tomli_w

from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, TOOL, environment, interleaved, process
from nhi_revoke.demo.world import merge
from tests.figures.delay_proxy import Passed, depth

PROVIDERS = ("aws", "entra", "gcp", "github", "okta")
ALL = "all five"
DELAY = 0.05
GOAL = 1.3
ROUNDS = 5
LIST = ("list", "--no-logs", "--no-input")
REVOKE = (
    "revoke", "--settle", "0", "--rotate", "no", "--yes", "--allow-irreversible", "--force", "--max-accesses", "500",
)  # fmt: skip
LOOKED, ACTED = (0,), (0, 5, 6, 8, 9)
"""Exit codes: what the intruder planted stays open, and logs lag."""


class World:
    """One provider's sandbox in a process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.told: dict[str, Any] = {}

    def again(self) -> None:
        """A new one."""
        self.told = self._ask("again")

    def passed(self) -> list[Passed]:
        """What it was asked since then."""
        return [Passed(*each) for each in self._ask("told")]

    def cpu(self) -> float:
        """Seconds of the processor that it has taken in all."""
        return float(self._ask("cpu"))

    def _ask(self, word: str) -> Any:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{word}\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())


@contextmanager
def worlds(folder: Path) -> Iterator[dict[str, World]]:
    """All providers' sandboxes."""
    with ExitStack() as stack:
        found: dict[str, World] = {}
        for name in PROVIDERS:
            own = folder / name
            own.mkdir()
            command: list[str | Path] = [sys.executable, "-m", "benchmarks.delayed_sandbox", name, own, str(DELAY)]
            started = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            child = stack.enter_context(started)
            assert child.stdin is not None
            stack.callback(child.stdin.close)
            found[name] = World(child)
        yield found


class Trials:
    """One command on the identity, as these providers have it."""

    def __init__(self, there: Mapping[str, World], folder: Path) -> None:
        self._there = there
        self._folder = folder
        self.seen: dict[str, list[Passed]] = {}
        self.cpu: dict[str, list[tuple[float, float]]] = {}
        """Seconds of the processor in each run: the tool's, the sandboxes'."""

    def run(self, command: Sequence[str], providers: Sequence[str], codes: Sequence[int], *, anew: bool) -> float:
        """Seconds of the whole process. `anew`: in new worlds, not those of the last run."""
        state = Path(tempfile.mkdtemp(dir=self._folder))
        document: dict[str, Any] = {}
        before = {}
        for name in providers:
            world = self._there[name]
            if anew or not world.told:
                world.again()
            before[name] = len(world.passed())
            merge(document, tomllib.loads(world.told["map"]))
            document[name] = world.told["table"]
        identity = world.told["name"]
        (state / "nhi.toml").write_text(tomli_w.dumps(document))
        words = [command[0], identity, *command[1:], "--config", state / "nhi.toml"]
        ours, theirs = _ours(), sum(self._there[name].cpu() for name in providers)
        seconds = process([TOOL, *words], {"NHI_REVOKE_STATE": str(state)}, codes)
        ours, theirs = _ours() - ours, sum(self._there[name].cpu() for name in providers) - theirs
        asked = [p for name in providers for p in self._there[name].passed()[before[name] :]]
        on = ALL if len(providers) > 1 else providers[0]
        self.seen[on] = asked
        self.cpu.setdefault(on, []).append((ours, theirs))
        return seconds


def _ours() -> float:
    """Seconds of the processor that children took which have ended: the tool's, never a sandbox's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _where_it_goes(command: str, took: float, ours: float, theirs: float) -> str:
    """What binds the five together: Python runs one thread at a time, so the tool's processor time is a floor."""
    return (
        f"`{command}` on all five: {ours:.1f} of its {took:.1f} s are the tool's own processor time, of which one "
        f"thread has its turn at a time (imports, signing, parsing); the five sandboxes take {theirs:.1f} s beside it."
    )


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians of `list` and of `revoke`, of the five together and of each alone."""
    goals: list[Goal] = []
    rows: list[dict[str, Any]] = []
    words: list[str] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        there = stack.enter_context(worlds(Path(name)))
        trials = Trials(there, Path(name))
        for command, codes, anew in ((LIST, LOOKED, False), (REVOKE, ACTED, True)):
            run = partial(trials.run, command, codes=codes, anew=anew)
            each = {ALL: partial(run, PROVIDERS), **{one: partial(run, (one,)) for one in PROVIDERS}}
            trials.cpu.clear()
            took = interleaved(each, rounds, warm=anew)
            cpu = {one: [median(part) for part in zip(*runs, strict=True)] for one, runs in trials.cpu.items()}
            words.append(_where_it_goes(command[0], took[ALL].median, *cpu[ALL]))
            slowest = max(PROVIDERS, key=lambda one: took[one].median)
            ratio = took[ALL].median / took[slowest].median
            goals.append(Goal(f"`{command[0]}` of one identity on five providers", ratio, GOAL, f"x {slowest} alone"))
            rows += [
                {
                    "command": f"`{command[0]}`",
                    "on": one,
                    **timing.figures(),
                    "CPU s of the tool": round(cpu[one][0], 2),
                    "of the sandboxes": round(cpu[one][1], 2),
                    "requests": len(trials.seen[one]),
                    "one after another": depth(trials.seen[one]),
                }
                for one, timing in took.items()
            ]
    return figures(
        f"one identity on five providers and on each alone, {DELAY * 1000:.0f} ms added to each request",
        goals,
        rows,
        [
            "The vendors' side takes part in it: five sandboxes in five processes share this machine's cores with the "
            "tool, where five vendors do not. `list` reads no logs; `revoke` neither settles nor rotates.",
            *words,
            "Each principal's logs are read once its own cuts and ends, and those of what can mint for it, were seen. "
            "What holds `revoke` up besides is what vendors take or allow: a cancelled job and a permission set, which "
            "show some seconds later in these sandboxes; and CloudTrail's two LookupEvents a second.",
        ],
    )
