"""10,000 rows on a terminal: when the first screen stands there, and when all of it, counted from the data."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, Timing, environment, interleaved

ROWS = 10_000
HEIGHT, WIDTH = 50, 160
FIRST_GOAL, ALL_GOAL = 0.3, 0.5
"""Seconds."""
ROUNDS = 7
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHAPES = {"of one principal": 1, "of 100 principals": 100}
FLOOR = "the same bytes, written at once"


class Shown(NamedTuple):
    """Seconds after the data was there, and how many bytes."""

    first: float
    all: float
    text: bytes


def draw(principals: int) -> None:
    """In a process of its own, on its terminal: what `list` does once it has the data. Tells the moment on stderr."""
    from nhi_revoke.cli.streams import Streams
    from nhi_revoke.model.found import Access
    from nhi_revoke.model.identity import Identity, Principal
    from nhi_revoke.model.inventory import Inventory
    from nhi_revoke.model.ref import PrincipalRef

    refs = [PrincipalRef("example", "bot", f"team-{n}/payments-worker-{n:05}") for n in range(principals)]
    accesses = tuple(
        Access(
            f"example:token/org-1/tok_{n:016}", refs[n % principals], "example:token", "key", "live",
            f"deploy token {n}", created=NOON - timedelta(minutes=n), last_used=NOON,
        )
        for n in range(ROWS)
    )  # fmt: skip
    who = tuple(Principal(ref, "bot", ref.id, "org-1", f"b-{ref.id}") for ref in refs)
    inventory = Inventory(Identity("payments", tuple(refs)), NOON, who, accesses)
    _now()
    from nhi_revoke.render.inventory import counts, inventory_screen

    counts(inventory)
    Streams(sys.stdin, sys.stdout, sys.stderr, os.environ).show(inventory_screen(inventory), sys.stdout)


def write(path: str) -> None:
    """The floor: these lines, as they are."""
    with open(path) as file:
        lines = file.readlines()
    _now()
    sys.stdout.writelines(lines)
    sys.stdout.flush()


def _now() -> None:
    sys.stderr.write(f"{time.monotonic()}\n")
    sys.stderr.flush()


def shown(*words: str) -> Shown:
    """This module with these words, on a terminal that takes what comes. Raises RuntimeError where it fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    command = [sys.executable, "-m", "benchmarks.terminal_rows", *words]
    environ = environment({"TERM": "xterm-256color"})
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=theirs, stderr=subprocess.PIPE, text=True) as child:
        os.close(theirs)
        first = last = 0.0
        text, lines = bytearray(), 0
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            last = time.monotonic()
            lines += part.count(b"\n")
            text += part
            if not first and lines >= HEIGHT - 1:
                first = last
        assert child.stderr is not None
        told = child.stderr.read()
    os.close(ours)
    if child.returncode or lines < ROWS:
        raise RuntimeError(f"{lines} lines, exit {child.returncode}: {told[-800:]}")
    began = float(told.split()[0])
    return Shown(first - began, last - began, bytes(text))


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians of both moments, for one long table and for many short ones."""
    goals: list[Goal] = []
    rows: list[dict[str, Any]] = []
    for says, principals in SHAPES.items():
        firsts: dict[str, list[float]] = {"drawn": [], FLOOR: []}
        kept = ROOT / "benchmarks" / f".rows-{principals}.txt"
        try:
            kept.write_bytes(shown("draw", str(principals)).text.replace(b"\r\n", b"\n"))

            def trial(name: str, words: tuple[str, ...]) -> float:
                seen = shown(*words)
                firsts[name].append(seen.first)  # noqa: B023 - called within this round of the loop
                return seen.all

            wanted = {"drawn": ("draw", str(principals)), FLOOR: ("write", str(kept))}
            took = interleaved({name: partial(trial, name, words) for name, words in wanted.items()}, rounds)
        finally:
            kept.unlink(missing_ok=True)
        first = Timing(tuple(firsts["drawn"][1:]))
        goals += [
            Goal(f"{ROWS:,} rows {says}: the first screen", first.median, FIRST_GOAL, "s after the data"),
            Goal(f"{ROWS:,} rows {says}: all", took["drawn"].median, ALL_GOAL, "s after the data"),
        ]
        rows += [
            {
                "rows": says,
                "how": name,
                "first screen ms": round(Timing(tuple(firsts[name][1:])).median * 1000, 1),
                **timing.figures(),
            }
            for name, timing in took.items()
        ]
    return figures(
        f"a `list` of {ROWS:,} rows on a terminal of {WIDTH} by {HEIGHT}, no pager",
        goals,
        rows,
        ["From the moment that the inventory is there; what draws is loaded only then, and counts."],
    )


if __name__ == "__main__":
    if sys.argv[1] == "draw":
        draw(int(sys.argv[2]))
    else:
        write(sys.argv[2])
