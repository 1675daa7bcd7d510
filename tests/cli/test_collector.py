"""Garbage is collected less while a command starts, and as usual afterwards."""

from __future__ import annotations

import subprocess
import sys

from nhi_revoke.cli.collector import MOST_PAUSES

PROGRAM = """
import gc, sys, threading, types
from nhi_revoke.cli.collector import NEW_ALONE, collect_little_while_starting
usual, looks, waits, kept = gc.get_threshold(), [], [], []
gc.callbacks.append(lambda phase, info: looks.append(info["generation"]))
def wait(seconds):
    waits.append((seconds, gc.get_threshold() == NEW_ALONE, gc.get_freeze_count()))
    kept.extend([] for _ in range(NEW_ALONE[0]))
    if len(waits) <= {loads}:
        sys.modules["loaded_" + str(len(waits))] = types.ModuleType("loaded")
collect_little_while_starting(wait)
for thread in threading.enumerate():
    if thread.name == "collector":
        thread.join()
print(len(waits), set(waits) == {{(0.25, True, 0)}}, set(looks))
print(gc.get_threshold() == usual, gc.get_freeze_count() > len(kept))
class Circle: pass
for _ in range(2_000):
    circle = Circle()
    circle.itself = circle
print(sum(type(each) is Circle for each in gc.get_objects()) < 1_000)
"""


def told(loads: int) -> list[str]:
    program = [sys.executable, "-c", PROGRAM.format(loads=loads)]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()


def test_only_what_is_new_is_looked_through_while_a_command_starts() -> None:
    assert told(0) == ["1 True {0}", "True True", "True"]


def test_it_starts_as_long_as_it_loads() -> None:
    assert told(3) == ["4 True {0}", "True True", "True"]


def test_in_the_end_it_is_as_usual_whatever_is_still_loaded() -> None:
    assert told(1000) == [f"{MOST_PAUSES} True {{0}}", "True True", "True"]
