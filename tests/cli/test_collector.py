"""Garbage is collected once a command has started, and not before."""

from __future__ import annotations

import subprocess
import sys

from nhi_revoke.cli.collector import MOST_PAUSES

PROGRAM = """
import gc, sys, threading, types
from nhi_revoke.cli.collector import collect_nothing_while_starting
looks, waits, kept = [], [], []
def wait(seconds):
    waits.append((seconds, gc.isenabled(), gc.get_freeze_count()))
    kept.extend([] for _ in range(20_000))
    if len(waits) <= {loads}:
        sys.modules["loaded_" + str(len(waits))] = types.ModuleType("loaded")
gc.collect()
gc.callbacks.append(lambda phase, info: looks.append(info["generation"]))
usual = gc.get_threshold()
collect_nothing_while_starting(wait)
for thread in threading.enumerate():
    if thread.name == "collector":
        thread.join()
print(len(waits), set(waits) == {{(0.25, False, 0)}}, looks)
print(gc.isenabled(), gc.get_threshold() == usual, gc.get_freeze_count() > len(kept))
class Circle: pass
for _ in range(2_000):
    circle = Circle()
    circle.itself = circle
print(sum(type(each) is Circle for each in gc.get_objects()) < 1_000)
"""


def told(loads: int) -> list[str]:
    program = [sys.executable, "-c", PROGRAM.format(loads=loads)]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()


def test_nothing_is_collected_while_a_command_starts() -> None:
    assert told(0) == ["1 True []", "True True True", "True"]


def test_it_starts_as_long_as_it_loads() -> None:
    assert told(3) == ["4 True []", "True True True", "True"]


def test_in_the_end_it_is_as_usual_whatever_is_still_loaded() -> None:
    assert told(1000) == [f"{MOST_PAUSES} True []", "True True True", "True"]
