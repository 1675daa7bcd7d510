"""One kind alone against the sandbox: what it lists of a principal, and what it drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.provider import AwsProvider
from nhi_revoke_aws.sandbox.own.service import OwnService
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import START, Bench, filled


@contextmanager
def sandbox_of(*planted: str) -> Iterator[AwsSandbox]:
    """Without lag; of the own services, only these plant something."""
    sandbox = AwsSandbox(entropy=1, planted=planted)
    sandbox.start(MovableClock(START, running=False))
    sandbox.lag(0, 0)
    try:
        yield sandbox
    finally:
        sandbox.close()


@contextmanager
def bench_of(folder: Path, *planted: str) -> Iterator[Bench]:
    """payments-bot, its roles and its intruder, and no more than that."""
    with sandbox_of(*planted) as sandbox:
        sandbox.seed(str(folder))
        yield Bench(sandbox, sandbox.settings())


def world_of(folder: Path, *planted: str, **more: Any) -> World:
    """The same through the engine."""
    return World(
        AwsProvider(), folder / "world", make_sandbox=lambda: AwsSandbox(entropy=1, planted=planted),
        intent=Intent(rotate="no", **more),
    )  # fmt: skip


def own(sandbox: Any, name: str) -> Any:
    """The service of the sandbox with this name."""
    found: Sequence[OwnService] = sandbox.world.own.services
    return next(s for s in found if s.name == name)


def listed(bench: Bench, kind: str, text: str, conn: AwsConnection | None = None) -> list[Found]:
    who = bench.resolve(text)
    found = bench.kinds[kind].collect(conn or bench.conn, bench.ref(text), bench.io)
    return [filled(f, who) for f in found]


def accesses(bench: Bench, kind: str, text: str) -> list[Access]:
    """Raises AssertionError for anything else that is found."""
    found = listed(bench, kind, text)
    assert all(isinstance(f, Access) for f in found), found
    return [f for f in found if isinstance(f, Access)]


def drafts(bench: Bench, kind: str, text: str, **intent: Any) -> list[Draft]:
    who, found = bench.resolve(text), listed(bench, kind, text)
    inventory = Inventory(
        Identity(who.name, (who.ref,)), bench.conn.now(), (who,),
        accesses=tuple(f for f in found if isinstance(f, Access)),
        blind=tuple(f for f in found if isinstance(f, BlindSpot)),
    )  # fmt: skip
    return list(bench.kinds[kind].draft(View(who, inventory), Intent(**intent)))


def steps(bench: Bench, kind: str, text: str, **intent: Any) -> list[Step]:
    found = [d for d in drafts(bench, kind, text, **intent) if isinstance(d, Step)]
    return [msgspec.structs.replace(s, id=f"s{n}") for n, s in enumerate(found)]


def asked(bench: Bench, do: Callable[[], Any]) -> list[str]:
    """What the operator asked of AWS meanwhile, sorted: requests side by side have no order."""
    bench.sandbox.forget_calls()
    do()
    return sorted(c.name for c in bench.sandbox.calls() if c.by == "operator")
