"""What the tests of the runner share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nhi_revoke.model.line import Intended, Looked
from nhi_revoke.model.step import Step
from tests.engine.bench import Bench
from tests.engine.cloud import Cloud, bot
from tests.engine.story import step

Make = Callable[..., Bench]
DISABLE = "fake:key/disable"


def key(id_: str, name: str, **more: Any) -> Step:
    """Disables the old key of another bot."""
    return step(id_, on=bot(name), ends=(f"fake:key/{name}/old",), **more)


def order(bench: Bench) -> list[tuple[str, str]]:
    """The journal: `intent` or `settled`, and the step."""
    out = []
    for line in bench.lines():
        if isinstance(line, Intended):
            out.append(("intent", line.step))
        elif isinstance(line, Looked) and line.settled:
            out.append(("settled", line.step))
    return out


def undone(cloud: Cloud) -> Callable[[], None]:
    def back() -> None:
        cloud.bots["ci"].keys["old"] = "live"

    return back
