"""The work of a report grows with the run, not with its square: counted in lines that are carried out, by no clock."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from nhi_revoke.model.step import Phase
from tests.engine.cloud import bot
from tests.engine.story import Story, access, cut, step


def busy(many: int, *, fails: bool) -> Story:
    """A run on so many principals, each with a cut, a key that ends or not, a mint and where it goes."""
    steps, accesses = [], []
    for n in range(many):
        on = bot(f"b{n}")
        key = f"fake:key/b{n}/old"
        accesses += [access(key, on=on), access(f"fake:session/b{n}/1", family="session", on=on, expires=None)]
        steps += [
            cut(f"cut{n}", on=on, ends=(f"fake:session/b{n}/*",)),
            step(f"end{n}", on=on, ends=(key,)),
            step(f"mint{n}", "fake:key/create", Phase.MINT, on=on),
            step(f"serve{n}", "shelf/serve", Phase.SERVE, on=on, takes=f"mint{n}", to=f"b{n}"),
        ]
    story = Story(*steps, accesses=tuple(accesses))
    story.did(*(f"cut{n}" for n in range(many)))
    return story if fails else story.did(*(f"{what}{n}" for what in ("end", "mint", "serve") for n in range(many)))


@pytest.mark.parametrize("fails", [False, True], ids=["all done", "nothing ended"])
def test_twice_the_actions_are_twice_the_work(*, fails: bool) -> None:
    few, many = lines(busy(40, fails=fails)), lines(busy(80, fails=fails))
    assert few > 1000
    assert many < 2.3 * few


def lines(story: Story) -> int:
    """How many lines, each turn of a comprehension counted, a report carries out."""
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        story.report()
    finally:
        sys.settrace(before)
    return counted
