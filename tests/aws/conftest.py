"""The provider against the sandbox, without the engine: each test asks and looks by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import Json, PrincipalRef, StepId
from nhi_revoke.model.step import Draft, Step
from nhi_revoke.provider.fault import Missing, NoAnswer, Throttled, Unavailable
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.provider import AwsProvider
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.settings import AwsSettings

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
T = TypeVar("T")
R = TypeVar("R")


class PlainIo:
    """The engine's side in its simplest form: asks again at once, a few times, and counts."""

    def __init__(self, now: Callable[[], datetime], tries: int = 3) -> None:
        self._now = now
        self._tries = tries
        self.repeats = 0
        self.paced: list[tuple[str, float]] = []
        self.told: list[tuple[str, int, int]] = []

    def now(self) -> datetime:
        return self._now()

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(do, items))

    def ask(self, call: Callable[[], T], *, repeatable: bool) -> T:
        for left in range(self._tries, 0, -1):
            try:
                return call()
            except (Throttled, Unavailable):
                if left == 1:
                    raise
            except NoAnswer:
                if left == 1 or not repeatable:
                    raise
            self.repeats += 1
        raise AssertionError("unreachable")

    def pace(self, key: str, per_second: float, at_once: int = 1, count: int = 1) -> None:
        self.paced.append((key, per_second))

    def leaked(self, kind: str) -> Sequence[Secret]:
        return ()

    def progress(self, what: str, done: int, of: int) -> None:
        self.told.append((what, done, of))

    def show(self, says: str) -> bool:
        return False

    def http(self, base_url: str, tls: object = None) -> httpx.Client:
        raise AssertionError("AWS is asked by boto3 alone")


class Notes:
    """A run that remembers what steps left."""

    def __init__(self, run_id: str = "20261123T120000Z-7f3a") -> None:
        self.id = run_id
        self.lefts: dict[StepId, Json] = {}
        self.secrets: dict[StepId, Secret] = {}

    def left(self, step: StepId) -> Json:
        return self.lefts.get(step, {})

    def give(self, step: StepId, secret: Secret) -> None:
        self.secrets[step] = secret

    def take(self, step: StepId) -> Secret:
        return self.secrets[step]

    def holds(self, step: StepId) -> bool:
        return step in self.secrets


class Bench:
    """One sandbox, one connection to it, and the provider between."""

    def __init__(self, sandbox: AwsSandbox, settings: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.provider = AwsProvider()
        self.settings = msgspec.convert(settings, AwsSettings)
        self.io = PlainIo(sandbox.now)
        self.conn = self.connect()
        self.run = Notes()
        self.kinds = {k.name: k for k in self.provider.kinds()}

    def connect(self, scope: str = "", **changes: Any) -> AwsConnection:
        settings = msgspec.structs.replace(self.settings, **changes)
        return self.provider.connect(scope, settings, self.io)

    def ref(self, text: str) -> PrincipalRef:
        ref = self.provider.parse(text)
        assert ref, text
        return ref

    def resolve(self, text: str) -> Principal:
        return self.provider.resolve(self.conn, self.ref(text))

    def collect(self, text: str) -> list[Found]:
        """By every kind that the reference may have, as the engine fills it in."""
        ref = self.ref(text)
        who = self.resolve(text)
        found: list[Found] = []
        for kind in self.kinds.values():
            if who.kind in kind.on:
                with contextlib.suppress(Missing):  # means "none"
                    found += kind.collect(self.conn, ref, self.io)
        return [filled(f, who) for f in found]

    def view(self, text: str, **more: Any) -> View:
        who = self.resolve(text)
        found = self.collect(text)
        inventory = Inventory(
            identity=more.pop("identity", Identity(who.name, (who.ref,))),
            at=self.conn.now(),
            principals=(who,),
            accesses=tuple(f for f in found if isinstance(f, Access)),
            blind=tuple(f for f in found if isinstance(f, BlindSpot)),
            **more,
        )
        return View(who, inventory)

    def draft(self, text: str, **intent: Any) -> list[Draft]:
        view = self.view(text)
        return [d for k in self.kinds.values() if view.who.kind in k.on for d in k.draft(view, Intent(**intent))]

    def steps(self, text: str, **intent: Any) -> dict[str, Step]:
        """By doer, with ids; a seal is linked to its cut as the planner does."""
        steps = [d for d in self.draft(text, **intent) if isinstance(d, Step)]
        out: dict[str, Step] = {}
        for number, step in enumerate(steps):
            key = step.does if step.does not in out else f"{step.does}@{step.phase}"
            cut = next((s.id for s in out.values() if s.phase == "cut" and step.phase == "seal"), None)
            out[key] = msgspec.structs.replace(step, id=f"s{number}", replaces=cut)
        return out

    def doer(self, key: str) -> Any:
        kind = self.kinds[key.rpartition("/")[0]]
        name = key.rpartition("/")[2].partition("@")[0]
        return next(d for d in (*kind.remedies, *([kind.mint] if kind.mint else [])) if d.name == name)

    def do(self, step: Step) -> Any:
        """Apply, and remember what it left."""
        change = self.doer(step.does).apply(self.conn, step, self.run)
        if hasattr(change, "left"):
            self.run.lefts[step.id] = change.left
        return change

    def seen(self, step: Step) -> Any:
        return self.doer(step.does).seen(self.conn, step, self.run)

    def prove(self, step: Step) -> Any:
        return self.doer(step.does).prove(self.conn, step, self.run)

    def undo(self, step: Step) -> Any:
        return self.doer(step.does).undo(self.conn, step, self.run.left(step.id), self.run)

    def writes(self) -> list[str]:
        """What the operator changed, in order."""
        return [c.name for c in self.sandbox.calls() if c.by == "operator" and c.mutates]

    def reads(self) -> list[str]:
        return sorted(c.name for c in self.sandbox.calls() if c.by == "operator" and not c.mutates)

    def settle(self) -> None:
        self.sandbox.advance(61)

    def doors(self) -> dict[str, bool]:
        return {d.kind: d.open() for d in self.sandbox.doors()}

    def state(self, user: str) -> dict[str, Any]:
        """All that a test may hold against the state of before."""
        iam = self.sandbox.admin("iam")
        names = iam.list_user_policies(UserName=user)["PolicyNames"]
        return {
            "keys": {k["AccessKeyId"]: k["Status"] for k in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]},
            "inline": {n: iam.get_user_policy(UserName=user, PolicyName=n)["PolicyDocument"] for n in names},
            "attached": [p["PolicyName"] for p in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]],
            "managed": [p["PolicyName"] for p in iam.list_policies(Scope="Local")["Policies"]],
        }


def filled(found: Found, who: Principal) -> Found:
    """As the engine puts the canonical reference and the resolved names in."""
    if isinstance(found, Lead):
        return found
    changes: dict[str, Any] = {"on": who.ref}
    if isinstance(found, Access):
        for field in ("id", "label", "door"):
            text = str(getattr(found, field))
            changes[field] = text.replace("{scope}", who.scope).replace("{name}", who.name)
    return msgspec.structs.replace(found, **changes)


@pytest.fixture
def aws() -> Iterator[AwsSandbox]:
    """Empty but for the operator, without lag."""
    sandbox = AwsSandbox(entropy=1)
    sandbox.start(MovableClock(START, running=False))
    sandbox.lag(0, 0)
    yield sandbox
    sandbox.close()


@pytest.fixture
def bench(aws: AwsSandbox, tmp_path: Path) -> Bench:
    """payments-bot, its roles, and its intruder."""
    aws.seed(str(tmp_path))
    return Bench(aws, aws.settings())


USER = "user/bots/payments-bot"
WORKER = "role/bots/payments-worker"
