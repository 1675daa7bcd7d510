"""`find --repo` in the engine: who is asked, what became of each answer, and what is never called none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from nhi_revoke.config import Config
from nhi_revoke.engine.held import HeldByJobs
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.error import Ambiguous, NotFound, Trouble, Usage
from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer, Store
from nhi_revoke.provider.fault import Denied, Missing, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, ForJobs
from nhi_revoke.provider.registry import Registry
from tests.engine.fake_store import Shelf
from tests.engine.scene import Entry
from tests.engine.tick import NOON, Tick

SHOP = PrincipalRef("forge", "repo", "acme/shop")
DEPLOY, NODE = PrincipalRef("cloud", "role", "deploy"), PrincipalRef("cloud", "role", "node")


class Line(Struct, frozen=True):
    """A connection that only knows where it leads."""

    scope: str

    def now(self) -> datetime:
        return NOON

    def whoami(self) -> Sequence[PrincipalRef]:
        return ()


class Listing(AccessKind[Any]):
    """One access, or a fault."""

    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("repo",)
    reads: ClassVar[tuple[str, ...]] = ("repos.read",)
    door = ""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.asked = 0

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        self.asked += 1
        if self.fault:
            raise self.fault
        yield Access(f"{self.name}/{{name}}", ref, self.name, "grant", "live", door=self.door)


class Secrets(Listing):
    name: ClassVar[str] = "forge:secret"
    title: ClassVar[str] = "secrets"
    for_jobs: ClassVar[ForJobs] = "secret"


class Subjects(Listing):
    name: ClassVar[str] = "forge:subject"
    title: ClassVar[str] = "subjects"
    for_jobs: ClassVar[ForJobs] = "subject"
    door = "issuer/custom:*"


class Runners(Listing):
    name: ClassVar[str] = "forge:runner"
    title: ClassVar[str] = "runners"
    for_jobs: ClassVar[ForJobs] = "machine"
    door = "runner-1"


class Keys(Listing):
    name: ClassVar[str] = "forge:key"
    title: ClassVar[str] = "keys"


class Forge(Provider[Any]):
    """Keeps repositories; the store `shelf` lies in them."""

    name: ClassVar[str] = "forge"
    title: ClassVar[str] = "Forge"
    principal_kinds: ClassVar[tuple[str, ...]] = ("repo", "user")

    def __init__(self) -> None:
        self.listings = {"secret": Secrets(), "subject": Subjects(), "machine": Runners(), "": Keys()}
        self.fault: Exception | None = None
        self.kept: dict[str, bool | None] = {}

    def kinds(self) -> Sequence[AccessKind[Any]]:
        return tuple(self.listings.values())

    def targets(self) -> Sequence[Store[Any] | Doer[Any]]:
        return (Shelf(),)

    def parse(self, text: str) -> PrincipalRef | None:
        kind, _, rest = text.partition("/")
        return PrincipalRef(self.name, kind, rest) if kind in self.principal_kinds and rest else None

    def repository(self, text: str) -> PrincipalRef | None:
        return PrincipalRef(self.name, "repo", text) if text.count("/") == 1 else None

    def kept_in(self, address: str, repository: PrincipalRef, found: Sequence[Found]) -> bool | None:
        return self.kept.get(address, False)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ref.kind,)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Io) -> Any:
        return Line(scope)

    def resolve(self, conn: Any, ref: PrincipalRef) -> Principal:
        if self.fault:
            raise self.fault
        return Principal(ref, ref.kind, ref.id, "", "1", aliases=("issuer/repo:acme/shop:*",))


class Second(Forge):
    name: ClassVar[str] = "second"

    def kinds(self) -> Sequence[AccessKind[Any]]:
        return ()

    def targets(self) -> Sequence[Store[Any] | Doer[Any]]:
        return ()


class Cloud(Second):
    """Trusts jobs, in two accounts."""

    name: ClassVar[str] = "cloud"
    accounts: tuple[str, ...] = ("one",)

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, tuple[str, ...]]] = []
        self.faults: dict[str, Exception] = {}

    def repository(self, text: str) -> PrincipalRef | None:
        return None

    def scopes(self, settings: Any) -> Sequence[str]:
        return self.accounts

    def trusting(self, conn: Any, who: Principal) -> Iterable[Lead | BlindSpot]:
        self.heard.append(("trusting", who.aliases))
        if "trusting" in self.faults:
            raise self.faults["trusting"]
        yield Lead(DEPLOY, "its trust", "List", of=who.ref)

    def on_machines(self, conn: Any, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
        self.heard.append(("machines", tuple(names)))
        if "machines" in self.faults:
            raise self.faults["machines"]
        yield Lead(NODE, "its name", "Describe", of=who.ref)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.forge, self.cloud = Forge(), Cloud()
        self.entries: list[Any] = [Entry("forge", self.forge), Entry("cloud", self.cloud)]
        self.identities: dict[str, Identity] = {}

    def find(self, text: str = "acme/shop") -> HeldByJobs:
        config = Config(state=self.folder, identities=self.identities)
        with Engine(Registry(self.entries), config, print, clock=Tick()) as engine:
            return engine.held_by_jobs(text)


class Broken:
    name = "broken"

    def load(self) -> Any:
        raise ImportError("no module named vendor")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_everything_that_jobs_could_hold(bench: Bench) -> None:
    held = bench.find()
    assert held.repository is not None
    assert held.repository.ref == SHOP
    assert [a.id for a in (*held.secrets, *held.subjects, *held.runners)] == [
        "forge:secret/acme/shop", "forge:subject/acme/shop", "forge:runner/acme/shop",
    ]  # fmt: skip
    assert bench.forge.listings[""].asked == 0, "keys of the repository are no job's"
    assert ([lead.to for lead in held.trusts], [lead.to for lead in held.machines]) == ([DEPLOY], [NODE])
    assert sorted(bench.cloud.heard) == [
        ("machines", ("runner-1",)),
        ("trusting", ("issuer/repo:acme/shop:*", "issuer/custom:*")),
    ]
    assert held.asked == ("cloud one",)
    assert held.next == (
        "nhi-revoke revoke forge:repo/acme/shop cloud:role/deploy cloud:role/node --reason runner-compromise",
    )
    assert bench.find("forge:repo/acme/shop").repository == held.repository


def test_what_else_is_on_a_machine_is_unseen(bench: Bench) -> None:
    [spot] = bench.find().blind
    assert (spot.on, spot.kind, spot.counts) == (SHOP, "forge:runner", True)
    assert "runner-1" in spot.why
    bench.forge.listings["machine"].fault = Missing("none")
    bench.cloud.heard.clear()
    held = bench.find()
    assert held.blind == ()
    assert held.whole
    assert [what for what, _ in bench.cloud.heard] == ["trusting"]


def test_many_machines_are_told_by_some_names(bench: Bench) -> None:
    class Many(Runners):
        def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
            for n in range(10):
                yield Access(f"{self.name}/{n}", ref, self.name, "grant", "live", door=f"runner-{n}")

    bench.forge.listings["machine"] = Many()
    held = bench.find()
    assert len(held.runners) == 10
    assert ("machines", tuple(f"runner-{n}" for n in range(10))) in bench.cloud.heard
    [spot] = held.blind
    assert "runner-7 and 2 more" in spot.why


def test_each_account_is_told_once(bench: Bench) -> None:
    bench.cloud.accounts = ("one", "two")
    held = bench.find()
    assert held.trusts == bench.find().trusts
    assert len(held.trusts) == 1
    assert held.asked == ("cloud one", "cloud two")


@pytest.mark.parametrize("what", ["secret", "subject", "machine"])
def test_a_denied_list_of_the_repository_is_a_blind_spot(bench: Bench, what: str) -> None:
    bench.forge.listings[what].fault = Denied("no", needs="repos.read")
    held = bench.find()
    assert [(spot.on, spot.needs) for spot in held.blind if "not allowed" in spot.why] == [(SHOP, "repos.read")]
    assert not held.whole
    assert held.trusts


@pytest.mark.parametrize("what", ["trusting", "machines"])
def test_a_denied_list_elsewhere_is_a_blind_spot(bench: Bench, what: str) -> None:
    bench.cloud.faults[what] = Denied("no", needs="ListRoles")
    held = bench.find()
    assert [spot.needs for spot in held.blind if str(spot.on) == "cloud:one"] == ["ListRoles"]
    assert (bool(held.trusts), bool(held.machines)) == (what != "trusting", what != "machines")
    assert held.asked == (() if what == "trusting" else ("cloud one",))


@pytest.mark.parametrize(("fault", "code"), [(Unauthenticated("no login"), "no-credentials"), (KeyError("x"), "bug")])
def test_who_cannot_be_asked_is_unreachable(bench: Bench, fault: Exception, code: str) -> None:
    bench.cloud.faults = {"trusting": fault, "machines": fault}
    held = bench.find()
    assert [(str(u.ref), u.code) for u in held.unreachable] == [("cloud:one", code)]
    assert not held.whole


def test_a_provider_that_does_not_load_is_unreachable(bench: Bench) -> None:
    bench.entries.append(Broken())
    assert [(str(u.ref), u.code) for u in bench.find().unreachable] == [("broken:*", "broken-provider")]


def test_nobody_to_ask_is_no_none(bench: Bench) -> None:
    bench.entries.pop()
    held = bench.find()
    assert (held.trusts, held.asked, held.whole) == ((), (), False)
    assert any("can tell" in spot.why for spot in held.blind)


def test_a_repository_that_nobody_knows(bench: Bench) -> None:
    bench.forge.fault = Missing("there is none", hint="Check the name.")
    with pytest.raises(NotFound, match="there is none") as caught:
        bench.find()
    assert caught.value.hint == "Check the name."
    with pytest.raises(NotFound, match="knows a repository"):
        bench.find("shop")


def test_one_that_could_not_be_looked_at_is_not_called_absent(bench: Bench) -> None:
    bench.forge.fault = Unauthenticated("no login")
    bench.forge.kept = {"a": True}
    bench.identities = {"bot": Identity("bot", (NODE,), "team", (Delivery("cloud:key", "shelf:a"),))}
    held = bench.find()
    assert held.repository is None
    assert [u.code for u in held.unreachable] == ["no-credentials"]
    assert [one.identity for one in held.identities] == ["bot"]
    assert held.next == ("nhi-revoke revoke bot --reason runner-compromise",)
    assert bench.cloud.heard == []


@pytest.mark.parametrize(
    ("text", "error"), [("forge:user/acme", Usage), ("forge:acme/shop", NotFound), ("nobody:repo/acme/shop", NotFound)]
)
def test_what_names_no_repository(bench: Bench, text: str, error: type[Trouble]) -> None:
    with pytest.raises(error):
        bench.find(text)
    assert bench.cloud.heard == []


def test_two_of_one_name(bench: Bench) -> None:
    bench.entries.append(Entry("second", Second()))
    with pytest.raises(Ambiguous, match="forge:repo/acme/shop, second:repo/acme/shop"):
        bench.find()
    assert bench.find("forge:repo/acme/shop").repository
    bench.forge.fault = Missing("none here")
    held = bench.find()
    assert held.repository is not None
    assert held.repository.ref.provider == "second"


def test_identities_whose_secret_lies_there(bench: Bench) -> None:
    bench.forge.kept = {"a": True, "b": None, "c": False}
    made = tuple(Delivery("cloud:key", f"shelf:{address}") for address in "abc")
    bench.identities = {"bot": Identity("bot", (NODE,), "team", made)}
    held = bench.find()
    assert [(one.to, one.sure) for one in held.identities] == [("shelf:a", True), ("shelf:b", False)]
    assert held.identities[0].evidence == "identity.bot.deliver of nhi.toml"
    assert held.next[1:] == ("nhi-revoke revoke bot --reason runner-compromise",)


def test_a_store_that_nobody_knows_is_said(bench: Bench) -> None:
    bench.identities = {"bot": Identity("bot", (NODE,), "", (Delivery("cloud:key", "vault:a"),))}
    held = bench.find()
    assert [spot.kind for spot in held.blind if "vault:a of identity bot" in spot.why] == ["deliver"]
    assert held.identities == ()
