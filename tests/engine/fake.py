"""The provider of `cloud.py`: keys, sessions, trusts, two sorts of brake, a store and a cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer, Mint, Store
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.secret import Secret
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake_doer import Conn, Played, last
from tests.engine.fake_store import Purge, Shelf

CLOUD_OF: dict[str, Cloud] = {}
"""Drafting is pure and sees no connection: a test's cloud is found by its scope."""


class Disable(Played):
    of = "fake:key"
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    settle: ClassVar[float] = 10.0

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].keys[last(step)] = "disabled"
        return {"state": "disabled"}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        state = cloud.bots[step.on.id].keys.get(last(step), "gone")
        return None if state == "live" else {"state": state}

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        cloud.bots[step.on.id].keys[last(step)] = "live"
        return {}


class Delete(Played):
    of = "fake:key"
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    says: ClassVar[str] = "deletes the key"
    reversible: ClassVar[bool] = False

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].keys.pop(last(step), None)
        return {"state": "gone"}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if last(step) in cloud.bots[step.on.id].keys else {"state": "gone"}


class Create(Mint[Any]):
    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("fake:key/delete",)

    def apply(self, conn: Any, step: Step, run: Run) -> Change:
        cloud: Cloud = conn.cloud
        made: list[str] = []

        def work() -> None:
            cloud.minted += 1
            key = f"new{cloud.minted}"
            cloud.bots[step.on.id].keys[key] = "live"
            cloud.secrets[f"secret-of-{key}-{step.on.id}"] = key
            made.append(key)

        answer = cloud.asked("apply", "fake:key/create", step.on, work)
        if answer is not None:
            return answer
        work()
        secret = Secret(f"secret-of-{made[0]}-{step.on.id}", field="value", public={"id": made[0]})
        run.give(step.id, secret)
        return cloud.done({"id": f"fake:key/{step.on.id}/{made[0]}", "field": "value", "public": {"id": made[0]}})

    def seen(self, conn: Any, step: Step, run: Run) -> Json | None:
        conn.cloud.asked("seen", "fake:key/create", step.on, lambda: None)
        left = run.left(step.id)
        return left if str(left.get("id", "")).rpartition("/")[2] in conn.cloud.bots[step.on.id].keys else None

    def orphans(self, conn: Any, step: Step) -> Sequence[str]:
        conn.cloud.asked("orphans", "fake:key/create", step.on, lambda: None)
        ids = (f"fake:key/{step.on.id}/{key}" for key in conn.cloud.bots[step.on.id].keys)
        return tuple(i for i in ids if i not in step.before["ids"])

    def destroy(self, conn: Any, step: Step, access: str) -> Change:
        answer: Change | None = conn.cloud.asked("destroy", "fake:key/create", access, lambda: None)
        if answer is not None:
            return answer
        gone = conn.cloud.bots[step.on.id].keys.pop(access.rpartition("/")[2], None)
        return Already({}) if gone is None else conn.cloud.done({})

    def opens(self, conn: Any, step: Step, secret: Secret) -> Proven:
        cloud: Cloud = conn.cloud
        answer = cloud.asked("opens", "fake:key/create", step.on, lambda: None)
        who = cloud.bots[step.on.id]
        works = who.keys.get(cloud.secrets.get(secret.reveal(), "")) == "live" and not who.stopped and not who.denied
        if isinstance(answer, Failed) or not works:
            return Proven(Proof.UNPROVEN, "the new key is refused")
        return Proven(Proof.SIMULATED if answer else Proof.ENFORCED, "the new key signed in", cloud.clock.now())


class Keys(AccessKind[Any]):
    name: ClassVar[str] = "fake:key"
    title: ClassVar[str] = "key"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("keys.list",)
    remedies = (Disable(), Delete())
    mint = Create()
    tells_use: ClassVar[bool] = True

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        conn.cloud.asked("collect", self.name, ref, lambda: None)
        yield from (conn.cloud.key(ref.id, key) for key in sorted(listed(conn, ref).keys))

    def enrich(self, conn: Any, found: Sequence[Access], io: Io) -> Iterable[Access]:
        from msgspec.structs import replace

        conn.cloud.asked("enrich", self.name, found[0].on, lambda: None)
        used = conn.cloud.used
        return [replace(a, last_used=used.get(last_of(a.id), io.now()), note="used") for a in found]

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        yield from super().draft(view, intent)
        if intent.rotate != "no" and self.name in intent.replace and view.of(self.name):
            ids = {"ids": [a.id for a in view.of(self.name)]}
            free = [a for a in view.of(self.name) if a.id in intent.free_slot]
            if free:
                yield draft_step(self, Delete(), view, free[0], says="free a slot", phase=Phase.MINT)
            yield draft_step(self, Create(), view, says="mint a key", before=ids, lock=f"mint {view.who.ref}")


class DenyAll(Played):
    of = "fake:session"
    name: ClassVar[str] = "deny-all"
    phase: ClassVar[Phase] = Phase.CUT
    settle: ClassVar[float] = 5.0

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].denied = True
        return {"denies": "everything"}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return {"denies": "everything"} if cloud.bots[step.on.id].denied else None

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        cloud.bots[step.on.id].denied = False
        return {}


class DenyOlder(Played):
    of = "fake:session"
    name: ClassVar[str] = "deny-older"
    phase: ClassVar[Phase] = Phase.SEAL
    settle: ClassVar[float] = 5.0
    again: ClassVar[bool] = True

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        who = cloud.bots[step.on.id]
        who.denied, who.cutoff = False, (cloud.clock.now() + timedelta(seconds=2)).isoformat()
        return self._left(cloud, who)

    def _left(self, cloud: Cloud, who: Bot) -> Json:
        return {"cutoff": who.cutoff} | ({"residual_until": cloud.until} if cloud.until else {})

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        who = cloud.bots[step.on.id]
        return self._left(cloud, who) if who.cutoff else None

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        cloud.bots[step.on.id].cutoff = ""
        return {}


class Stop(Played):
    """A brake without a release of its own: taking it back is the release, and re-arms."""

    of = "fake:account"
    name: ClassVar[str] = "stop"
    phase: ClassVar[Phase] = Phase.CUT
    brake: ClassVar[bool] = True
    settle: ClassVar[float] = 5.0

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].stopped = True
        return {"denies": "everything", "stopped": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return {"denies": "everything", "stopped": True} if cloud.bots[step.on.id].stopped else None

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        cloud.bots[step.on.id].stopped = False
        return {}


class Gate(Stop):
    """A brake with a release of its own."""

    of = "fake:gate"
    name: ClassVar[str] = "shut"
    released_by: ClassVar[str] = "fake:gate/ajar"


class Ajar(Played):
    of = "fake:gate"
    name: ClassVar[str] = "ajar"
    phase: ClassVar[Phase] = Phase.RELEASE
    settle: ClassVar[float] = 5.0

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].stopped = False
        return {"cutoff": cloud.clock.now().isoformat()}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if cloud.bots[step.on.id].stopped else {"ajar": True}


class Sessions(AccessKind[Any]):
    name: ClassVar[str] = "fake:session"
    title: ClassVar[str] = "session"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("sessions.list",)
    reads_logs: ClassVar[tuple[str, ...]] = ("logs.read",)
    remedies = (DenyAll(), DenyOlder())

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        conn.cloud.asked("collect", self.name, ref, lambda: None)
        before = {"cutoff": listed(conn, ref).cutoff, "denied": listed(conn, ref).denied}
        yield Access(f"fake:session/{ref.id}/*", ref, self.name, "session", "unknown", before=before)

    def observe(
        self, conn: Any, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        conn.cloud.asked("observe", self.name, who.ref, lambda: None)
        yield from tuple(conn.cloud.logs)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        cloud: Cloud = CLOUD_OF[view.who.scope]
        standing = view.of(self.name)[:1]
        if not any(intent.covers(a) for a in standing):
            return
        for doer in self.remedies:
            says = f"{doer.name} on {view.who.name}"
            yield draft_step(self, doer, view, *standing, says=says, lock=f"policy {view.who.ref}", rearms=cloud.rearms)


class Accounts(AccessKind[Any]):
    """Drafts a brake where the cloud is told to have one."""

    name: ClassVar[str] = "fake:account"
    title: ClassVar[str] = "account"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ()
    remedies: Sequence[Doer[Any]] = (Stop(),)
    word: ClassVar[str] = "stop"

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        return ()

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        cloud: Cloud = CLOUD_OF[view.who.scope]
        if cloud.remark:
            yield Notice(view.who.ref, f"{self.name}: {cloud.remark}", "danger")
        if cloud.braked in (self.word, "both") and intent.brake != "off":
            yield draft_step(
                self, self.remedies[0], view, says=f"stop {view.who.name}", lock="brake", rearms=cloud.rearms
            )


class Gates(Accounts):
    name: ClassVar[str] = "fake:gate"
    remedies: Sequence[Doer[Any]] = (Gate(), Ajar())
    word: ClassVar[str] = "gate"


class CutTrust(Played):
    of = "fake:trust"
    name: ClassVar[str] = "cut"
    phase: ClassVar[Phase] = Phase.END

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        cloud.bots[step.on.id].trusts.pop(last(step), None)
        return {"cut": True}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if last(step) in cloud.bots[step.on.id].trusts else {"cut": True}


class Trusts(AccessKind[Any]):
    name: ClassVar[str] = "fake:trust"
    title: ClassVar[str] = "trust"
    family: ClassVar[Family] = "trust"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("trusts.list",)
    remedies = (CutTrust(),)

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        conn.cloud.asked("collect", self.name, ref, lambda: None)
        who = listed(conn, ref)
        for name, lets_in in who.trusts.items():
            yield Access(
                f"fake:trust/{ref.id}/{name}",
                ref,
                self.name,
                "trust",
                "live",
                lets_in=lets_in,
                exposure=who.exposure,  # type: ignore[arg-type]  # a word of the contract
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(self.name):
            if access.id in intent.cut_trust:
                yield draft_step(self, self.remedies[0], view, access, says=f"cut {access.id}")


def last_of(access: str) -> str:
    return access.rpartition("/")[2]


def listed(conn: Any, ref: PrincipalRef) -> Bot:
    """Raises Missing."""
    cloud: Cloud = conn.cloud
    if ref.id not in cloud.bots:
        raise Missing(f"there is no bot {ref.id}")
    return cloud.bots[ref.id]


class Fake(Provider[Any]):
    """Each has one cloud; its only scope is named after it."""

    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "Fake"
    principal_kinds: ClassVar[tuple[str, ...]] = ("bot",)

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.home = f"org-{id(cloud)}"
        CLOUD_OF[self.home] = cloud

    def kinds(self) -> Sequence[AccessKind[Any]]:
        return (Keys(), Sessions(), Trusts(), Accounts(), Gates())

    def targets(self) -> Sequence[Store[Any] | Doer[Any]]:
        return (Shelf(), Purge())

    def parse(self, text: str) -> PrincipalRef | None:
        kind, slash, name = text.partition("/")
        return bot(name) if slash and kind == "bot" and name else None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ("bot",)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return self.home

    def connect(self, scope: str, settings: Any, io: Io) -> Any:
        return Conn(self.cloud, scope)

    def resolve(self, conn: Any, ref: PrincipalRef) -> Principal:
        self.cloud.asked("resolve", "fake", ref, lambda: None)
        who = listed(conn, ref)
        return Principal(
            ref,
            "bot",
            ref.id,
            self.home,
            who.unique,
            aliases=(f"org/{ref.id}",),
            untouchable=who.untouchable,
            delicate=who.delicate,
        )

    def find(self, conn: Any, name: str) -> Iterable[PrincipalRef]:
        self.cloud.asked("find", "fake", name, lambda: None)
        if name in self.cloud.bots:
            yield bot(name)
        self.cloud.asked("find more", "fake", name, lambda: None)

    def on_loopback(self, settings: Any) -> bool:
        return True
