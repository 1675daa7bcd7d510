"""Garbage is collected less while a command starts, and as usual afterwards."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, threading, time
from nhi_revoke.cli.collector import NEW_ALONE, collect_little_while_starting
usual, looks = gc.get_threshold(), []
collect_little_while_starting(3.0)
gc.callbacks.append(lambda phase, info: looks.append((phase, info["generation"])))
kept = [[] for _ in range(3 * NEW_ALONE[0])]
print(set(looks) == {("start", 0), ("stop", 0)}, gc.get_threshold() == NEW_ALONE)
(timer,) = (each for each in threading.enumerate() if isinstance(each, threading.Timer))
timer.join()
print(gc.get_threshold() == usual, timer.daemon)
class Circle: pass
for _ in range(2_000):
    circle = Circle()
    circle.itself = circle
print(sum(type(each) is Circle for each in gc.get_objects()) < 1_000)
"""


def test_only_what_is_new_is_looked_through_while_a_command_starts() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\nTrue True\nTrue\n"
