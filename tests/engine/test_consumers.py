"""`find --consumers` in the engine: who is asked for what, what is proposed, and what is never called none."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.config import Config, load_config
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.consumers import FoundConsumers
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.error import NotFound, NothingCanStart
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import TargetProvider
from nhi_revoke.provider.fault import Denied, Missing, Unauthenticated, Unavailable
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake import Fake
from tests.engine.scene import Entry
from tests.engine.tick import NOON

CI, WEB = bot("ci"), bot("web")
KEPT = Delivery("fake:key", "shelf:ci")
ANEW = FlushTarget("purge", {"service": "api", "region": "one"})
APP = Consumer("app", "one", "id", "its environment holds it (KEY)", "List", (CI,), (KEPT,), (ANEW,))


class Line(Struct, frozen=True):
    """A connection that only knows where it leads."""

    scope: str

    def now(self) -> datetime:
        return NOON

    def whoami(self) -> Sequence[PrincipalRef]:
        return ()


class Marking(Fake):
    """Whoever holds `old` of a bot holds its key of that name."""

    marking: Exception | None = None

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        if self.marking:
            raise self.marking
        return [Mark(f"{a.label} of {who.name}", who.ref, a.id, a.kind) for a in accesses if a.kind == "fake:key"]


class Yard(TargetProvider[Any]):
    """Has no principals, and sees what runs in its accounts."""

    name: ClassVar[str] = "yard"
    title: ClassVar[str] = "Yard"

    def __init__(self) -> None:
        self.accounts: tuple[str, ...] = ("one",)
        self.told: dict[str, Sequence[Consumer | BlindSpot] | Exception] = {"one": (APP,)}
        self.heard: list[tuple[str, Sought]] = []

    def scopes(self, settings: Any) -> Sequence[str]:
        return self.accounts

    def connect(self, scope: str, settings: Any, io: Io) -> Any:
        return Line(scope)

    def consumers(self, conn: Any, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        self.heard.append((conn.scope, sought))
        told = self.told.get(conn.scope, ())
        if isinstance(told, Exception):
            raise told
        return told


class Broken:
    name = "broken"

    def load(self) -> Any:
        raise ImportError("no module named vendor")


class Bench:
    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.fake, self.yard = Marking(cloud), Yard()
        self.entries: list[Any] = [Entry("fake", self.fake), Entry("yard", self.yard)]
        self.identities: dict[str, Identity] = {}

    def find(self, name: str = "fake:bot/ci") -> FoundConsumers:
        config = Config(state=self.folder, identities=self.identities)
        with Engine(Registry(self.entries), config, print, clock=self.cloud.clock) as engine:
            return engine.consumers(name)

    def map(
        self, *principals: PrincipalRef, deliver: Sequence[Delivery] = (), flush: Sequence[FlushTarget] = ()
    ) -> None:
        self.identities = {"robot": Identity("robot", principals or (CI,), "team", tuple(deliver), tuple(flush))}

    def say(self, *told: Consumer | BlindSpot) -> None:
        self.yard.told["one"] = told


@pytest.fixture
def bench(cloud: Cloud, tmp_path: Path) -> Bench:
    return Bench(cloud, tmp_path)


def pasted(found: FoundConsumers, folder: Path) -> Identity:
    """By TOML's own parser, and by the product's."""
    document = tomllib.loads(found.proposal)
    (folder / "nhi.toml").write_text(found.proposal)
    config = load_config(None, {"NHI_REVOKE_STATE": str(folder)}, folder)
    [name] = document["identity"]
    return config.identities[name]


# -- who is asked for what ---------------------------------------------------------------------------------------------


def test_what_is_looked_for_is_what_tells_the_credentials(bench: Bench) -> None:
    bench.map(deliver=[KEPT])
    found = bench.find("robot")
    [(scope, sought)] = bench.yard.heard
    assert (scope, sought.name, sought.delivered) == ("one", "robot", (KEPT,))
    assert [p.ref for p in sought.principals] == [CI]
    assert sought.marks == found.marks == (Mark("key old of ci", CI, "fake:key/ci/old", "fake:key"),)
    assert bench.cloud.called("apply") == bench.cloud.called("observe") == bench.cloud.called("enrich") == []
    assert found.asked == ("yard one",)
    assert found.whole


def test_a_bare_principal_is_looked_for_by_its_own_name(bench: Bench) -> None:
    assert bench.find().name == "ci"
    assert bench.yard.heard[0][1].delivered == ()


def test_a_bare_principal_of_the_map_is_that_identity(bench: Bench) -> None:
    bench.map(CI, WEB, deliver=[replace(KEPT, principal="fake:bot/ci")])
    bench.cloud.bots["web"] = Bot()
    bench.say(APP, replace(APP, what="two", deliver=(Delivery("fake:key", "shelf:two"),), flush=()))
    found = bench.find()
    assert bench.yard.heard[0][1].name == "robot"
    assert found.next == ("nhi-revoke identities check robot",)
    [more] = tomllib.loads(found.proposal)["identity"]["robot"]["deliver"]
    assert more == {"from": "fake:key", "to": "shelf:two", "principal": "fake:bot/ci"}, "the map has two of its kind"


def test_every_connected_account_is_asked_once(bench: Bench) -> None:
    bench.yard.accounts = ("one", "two", "one")
    bench.yard.told["two"] = (replace(APP, scope="two"),)
    found = bench.find()
    assert sorted(scope for scope, _ in bench.yard.heard) == ["one", "two"]
    assert [(c.what, c.scope) for c in found.consumers] == [("app", "one"), ("app", "two")]
    assert found.asked == ("yard one", "yard two")


# -- what is never called none -----------------------------------------------------------------------------------------


def test_a_denied_listing_is_a_blind_spot(bench: Bench) -> None:
    bench.yard.accounts = ("one", "two")
    bench.yard.told["two"] = Denied("not allowed to list", needs="yard.list")
    found = bench.find()
    assert [(str(s.on), s.needs) for s in found.blind] == [("yard:two", "yard.list")]
    assert [c.what for c in found.consumers] == ["app"]
    assert found.asked == ("yard one",)
    assert not found.whole


def test_what_a_provider_could_not_see_is_told(bench: Bench) -> None:
    spot = BlindSpot(CI, "consumers", "one place", "yard.more")
    bench.say(APP, spot, replace(spot, why="a region that is off", counts=False))
    found = bench.find()
    assert found.blind[0] == spot
    assert not found.whole
    bench.say(APP, replace(spot, counts=False))
    assert bench.find().whole


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Unauthenticated("no login"), "no-credentials"), (KeyError("x"), "bug"), (Missing("gone"), "")],
)
def test_who_cannot_be_asked_is_unreachable(bench: Bench, fault: Exception, code: str) -> None:
    bench.yard.told["one"] = fault
    found = bench.find()
    assert [(str(u.ref), u.code) for u in found.unreachable] == ([("yard:one", code)] if code else [])
    assert [s.on for s in found.blind] == ([] if code else [PrincipalRef("yard", "", "one")])
    assert (found.whole, found.asked, found.consumers, found.proposal) == (False, (), (), "")


def test_a_provider_that_does_not_load_is_unreachable(bench: Bench) -> None:
    bench.entries.append(Broken())
    found = bench.find()
    assert [(str(u.ref), u.code) for u in found.unreachable] == [("broken:*", "broken-provider")]
    assert found.consumers


def test_nobody_to_ask_is_no_none(bench: Bench) -> None:
    bench.entries.pop()
    found = bench.find()
    assert (found.consumers, found.asked, found.whole) == ((), (), False)
    assert "no provider" in found.blind[0].why


@pytest.mark.parametrize(("call", "hides"), [("collect fake:key", True), ("collect fake:trust", False)])
def test_what_hides_a_mark_hides_its_consumers(bench: Bench, call: str, hides: bool) -> None:
    """A trust holds no id that a configuration would have."""
    bench.cloud.tell(call, Denied("not allowed", needs="keys.list"))
    found = bench.find()
    assert [s.needs for s in found.blind] == (["keys.list"] if hides else [])
    assert bool(found.marks) == (not hides)
    assert found.consumers


def test_a_bug_in_marks_is_told(bench: Bench) -> None:
    bench.fake.marking = KeyError("x")
    found = bench.find()
    assert [(s.on, s.counts) for s in found.blind] == [(CI, True)]
    assert "KeyError in the provider" in found.blind[0].why


def test_a_principal_that_could_not_be_looked_at_is_still_looked_for_by_name(bench: Bench) -> None:
    bench.map()
    bench.cloud.tell("resolve fake", Unavailable("down"))
    found = bench.find("robot")
    assert [u.code for u in found.unreachable] == ["unavailable"]
    assert (bench.yard.heard[0][1].name, bench.yard.heard[0][1].principals) == ("robot", ())
    assert not found.whole


def test_nothing_that_could_be_asked_is_no_result(bench: Bench) -> None:
    bench.cloud.tell("resolve fake", Unauthenticated("no login", hint="Log in."))
    bench.yard.told["one"] = Unauthenticated("no login there")
    with pytest.raises(NothingCanStart, match="no login") as caught:
        bench.find()
    assert caught.value.hint == "Log in."


@pytest.mark.parametrize("name", ["fake:bot/nobody", "nobody"])
def test_what_is_not_there(bench: Bench, name: str) -> None:
    with pytest.raises(NotFound):
        bench.find(name)
    assert bench.yard.heard == []


def test_an_interrupted_look_is_no_result(bench: Bench) -> None:
    class Stopping(Yard):
        stop: Callable[[], None]

        def consumers(self, conn: Any, sought: Sought) -> Iterable[Consumer | BlindSpot]:
            self.stop()
            return ()

    yard = Stopping()
    entries = [Entry("fake", bench.fake), Entry("yard", yard)]
    with Engine(Registry(entries), Config(state=bench.folder), print, clock=bench.cloud.clock) as engine:
        yard.stop = engine.interrupt
        with pytest.raises(Interrupted):
            engine.consumers("fake:bot/ci")


# -- what is told ------------------------------------------------------------------------------------------------------


def test_the_strongest_evidence_comes_first_and_each_thing_once(bench: Bench) -> None:
    named = replace(APP, basis="name", why="it is called like ci", evidence="Names", of=(), deliver=(), by_hand="look")
    bench.say(replace(named, what="other"), named, APP, APP, replace(APP, what="seen", basis="use"))
    found = bench.find()
    assert [(c.what, c.basis) for c in found.consumers] == [("app", "id"), ("seen", "use"), ("other", "name")]
    first = found.consumers[0]
    assert first.why == "its environment holds it (KEY); it is called like ci"
    assert (first.evidence, first.of, first.flush, first.by_hand) == ("List, Names", (CI,), (ANEW,), "look")


def test_of_what_two_logins_tell_what_more_can_be_done_about_is_kept(bench: Bench) -> None:
    bench.yard.accounts = ("one", "two")
    bench.yard.told["two"] = (replace(APP, deliver=(), flush=(), by_hand="restart it"),)
    found = bench.find()
    assert [(c.flush, c.by_hand) for c in found.consumers] == [((ANEW,), "")]
    assert "restart it" not in found.proposal


# -- what is proposed --------------------------------------------------------------------------------------------------


def test_a_proposal_is_a_map(bench: Bench) -> None:
    found = bench.find()
    who = pasted(found, bench.folder)
    assert (who.name, who.principals, who.deliver, who.flush) == ("ci", (CI,), (KEPT,), (ANEW,))
    assert "# app (one): its environment holds it (KEY) (List)." in found.proposal
    assert found.next == ("nhi-revoke identities check ci",)


def test_a_proposal_says_the_format(bench: Bench) -> None:
    bench.say(replace(APP, deliver=(replace(KEPT, format="env"),), flush=()))
    found = bench.find()
    assert tomllib.loads(found.proposal)["identity"]["ci"]["deliver"] == [
        {"from": "fake:key", "to": "shelf:ci", "format": "env"}
    ]


def test_what_the_map_has_is_not_proposed_again(bench: Bench) -> None:
    bench.map(deliver=[KEPT])
    found = bench.find("robot")
    assert [c.in_map for c in found.consumers] == [False], "its flush is missing"
    assert tomllib.loads(found.proposal)["identity"]["robot"] == {
        "flush": [{"use": "purge", "service": "api", "region": "one"}]
    }
    bench.map(deliver=[KEPT], flush=[FlushTarget("purge", {"services": ["web", "api"], "region": "one"})])
    found = bench.find("robot")
    assert [c.in_map for c in found.consumers] == [True]
    assert (found.proposal, found.next) == ("", ())


@pytest.mark.parametrize(
    "settings", [{"services": ["web"], "region": "one"}, {"service": "api", "region": "two"}, {"service": "api"}, {}]
)
def test_another_flush_of_the_map_is_another(bench: Bench, settings: dict[str, Any]) -> None:
    bench.map(deliver=[KEPT], flush=[FlushTarget("purge", settings)])
    assert "flush" in tomllib.loads(bench.find("robot").proposal)["identity"]["robot"]


def test_a_name_alone_is_commented_out(bench: Bench) -> None:
    bench.say(replace(APP, basis="name"))
    found = bench.find()
    assert tomllib.loads(found.proposal) == {"identity": {"ci": {"principals": ["fake:bot/ci"]}}}
    assert '# to = "shelf:ci"' in found.proposal
    assert "By name alone, which proves nothing" in found.proposal
    free = "\n".join(
        line.removeprefix("# ") if "=" in line or "[[" in line else line for line in found.proposal.split("\n")
    )
    assert tomllib.loads(free)["identity"]["ci"]["deliver"] == [{"from": "fake:key", "to": "shelf:ci"}]
    bench.say(replace(APP, basis="name"), replace(APP, what="surer"))
    assert tomllib.loads(bench.find().proposal)["identity"]["ci"]["deliver"], "something surer says the same"


def test_what_no_step_could_do_is_not_proposed(bench: Bench) -> None:
    deliver = (
        Delivery("fake:session", "shelf:a"), Delivery("fake:none", "shelf:a"), Delivery("fake:key", "nowhere:a"),
        Delivery("yard:key", "shelf:a"),
    )  # fmt: skip
    bench.say(replace(APP, deliver=deliver, flush=(FlushTarget("shelf/stage"), FlushTarget("nothing"))))
    found = bench.find()
    assert found.proposal == ""
    assert [(c.deliver, c.flush, c.in_map) for c in found.consumers] == [((), (), False)]


def test_by_hand_is_a_comment(bench: Bench) -> None:
    bench.say(replace(APP, deliver=(), flush=(), by_hand="change it there"))
    found = bench.find()
    assert tomllib.loads(found.proposal) == {}
    assert "# - app (one): change it there." in found.proposal
    assert found.next == ()


def test_whose_it_is_is_said_where_several_could_be_meant(bench: Bench) -> None:
    bench.cloud.bots["web"] = Bot()
    bench.map(CI, PrincipalRef("fake", "bot", "web"))
    bench.say(replace(APP, of=(WEB,)))
    deliver = tomllib.loads(bench.find("robot").proposal)["identity"]["robot"]["deliver"]
    assert deliver == [{"from": "fake:key", "to": "shelf:ci", "principal": "fake:bot/web"}]
    bench.say(replace(APP, of=(), basis="name"))
    proposal = bench.find("robot").proposal
    assert '# principal = "fake:bot/ci"' in proposal
    assert '# principal = "fake:bot/web"' in proposal
    bench.say(replace(APP, of=()))
    assert "deliver" not in tomllib.loads(bench.find("robot").proposal)["identity"]["robot"], "nobody can tell whose"


def test_a_new_name_is_none_that_the_map_has(bench: Bench) -> None:
    bench.identities = {"ci": Identity("ci", (WEB,))}
    assert pasted(bench.find(), bench.folder).name == "ci-2"


EVIL = 'app\n[identity.evil]\nprincipals = ["x"] \x1b]0;\u202e"\\ \x7f'


def test_what_an_intruder_named_stays_a_comment_or_a_text(bench: Bench) -> None:
    flush = FlushTarget("purge", {EVIL: EVIL, "n": 3, "on": True, "in": [EVIL], "of": {"a b": [1, 2.5]}})
    bench.say(replace(APP, what=EVIL, why=EVIL, evidence=EVIL, by_hand=EVIL, flush=(flush,), deliver=()))
    found = bench.find()
    who = pasted(found, bench.folder)
    assert (who.name, who.flush) == ("ci", (flush,))
    assert all(line.isprintable() for line in found.proposal.split("\n"))
