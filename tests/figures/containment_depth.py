"""How many requests, one after the other, until one app's ways in are listed, and until each was seen to end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.event import CountEvent, Event
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from tests.figures.delay_proxy import DelayProxy, Passed, depth

DELAY = 0.25
"""Seconds: long against what two busy cores need for a wave, so that waves do not run into each other."""
TRIES = 3
"""A busy machine only ever adds to the depth: the least of a few looks is what the tool needs."""


class Controlled(Protocol):
    """A sandbox whose clock the engine moves."""

    @property
    def control(self) -> Any: ...


class Containment(NamedTuple):
    """What one run needed."""

    listed: int
    """Depth of the list."""
    acted: int
    """Depth until every end was seen."""
    requests: Mapping[str, int]
    """In all until then, by name."""
    whole: Mapping[str, int]
    """In all until the report was there, by name."""
    whole_depth: int
    does: tuple[str, ...]
    """What was done in the phases cut and end."""
    waves: str


def contained(
    sandbox: Controlled, url: str, settings: Callable[[str], Mapping[str, Any]], who: Sequence[str], folder: Path,
    *, beside: Callable[[DelayProxy], None] = lambda _: None,
) -> Containment:  # fmt: skip
    """`url`: the sandbox's. `settings`: the provider's tables of nhi.toml, from the address that it is reached by.
    `beside`: slows down a door that is not HTTP, and notes what passes there.
    """
    with DelayProxy(url, DELAY) as proxy:
        beside(proxy)
        path = folder / "nhi.toml"
        path.write_text(tomli_w.dumps({**settings(proxy.url), "sandbox": {"control": sandbox.control}}))
        config = load_config(str(path), {"NHI_REVOKE_STATE": str(folder / "state")}, folder)
        acted: list[float] = []

        def tell(event: Event) -> None:
            if isinstance(event, CountEvent) and event.acted == event.to_act and not acted:
                acted.append(time.monotonic())

        intent = Intent(rotate="no", settle=0.0)
        with Engine(Registry.installed({}), config, tell) as engine:
            identity = engine.resolve(who)
            plan = engine.plan(engine.inventory(identity, intent, logs=False, late=False), intent)
            listed = time.monotonic()
            report = engine.run(plan, "revoke", Consent("--yes", allow_irreversible=True))
    assert report.times.acted is not None
    until = [p for p in proxy.passed if p.ended <= acted[0]]
    does = tuple(sorted(s.does for s in plan.steps if s.phase in ("cut", "end")))
    requests, whole = (Counter(p.name for p in some) for some in (until, proxy.passed))
    return Containment(
        depth(p for p in until if p.ended <= listed), depth(until), requests, whole, depth(proxy.passed), does,
        _waves(until),
    )  # fmt: skip


def least(look: Callable[[Path], Containment], folder: Path, listed: int, more: int) -> Containment:
    """The least of a few looks, each in a folder of its own. Fails, with all requests, where none is as shallow."""
    seen: list[Containment] = []
    for number in range(TRIES):
        own = folder / str(number)
        own.mkdir()
        seen.append(look(own))
        best = min(seen, key=lambda each: each[:2])
        if best.listed <= listed and best.acted - best.listed <= more:
            return best
    pytest.fail("\n\n".join(each.waves for each in seen))


def _waves(passed: list[Passed]) -> str:
    start = min(p.began for p in passed)
    return "\n".join(
        f"{p.began - start:.3f} {p.ended - start:.3f} {p.name}" for p in sorted(passed, key=lambda p: p.began)
    )
