"""From what was typed to principals; the inventory's reads, and what becomes of those that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.config import Config
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import KEPT, Connections
from nhi_revoke.engine.inventory import LOG_WINDOW
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.resolve import one_ref, resolve
from nhi_revoke.engine.service import Engine, clock_for
from nhi_revoke.model.error import Ambiguous, NotFound, NothingCanStart, Refused, Usage
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import FlushTarget, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing, NotInstalled, Unauthenticated, Unavailable
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import ME, Bot, Cloud, bot
from tests.engine.fake import Fake
from tests.engine.scene import Entry, Scene, identity
from tests.engine.story import CI
from tests.engine.tick import NOON, Tick, after


class Twin(Fake):
    """Another provider that knows the same bare names."""

    def native(self, text: str) -> bool:
        return text.startswith("bot/")


class Second(Twin):
    name = "second"

    def parse(self, text: str) -> PrincipalRef | None:
        found = super().parse(text)
        return found and PrincipalRef("second", found.kind, found.id)

    def kinds(self) -> Any:
        return ()

    def targets(self) -> Any:
        return ()

    def on_loopback(self, settings: Any) -> bool:
        return False


class Broken:
    name = "broken"

    def load(self) -> Any:
        raise ImportError("no module named vendor")


def registry(cloud: Cloud, *more: Any) -> Registry:
    return Registry([Entry("fake", Twin(cloud)), *more])


# -- names -------------------------------------------------------------------------------------------------------------

MAP = Config(
    state=Path("unused"),
    identities={
        "payments": Identity(
            "payments", (PrincipalRef("fake", "bot", "ci"), PrincipalRef("", "", "bot/b")), "pay team"
        ),
    },
)


def test_an_identity_of_the_map(cloud: Cloud) -> None:
    found = resolve(["payments"], MAP, registry(cloud))
    assert found == replace(MAP.identities["payments"], principals=(bot("ci"), bot("b")))


def test_bare_principals(cloud: Cloud) -> None:
    found = resolve(["fake:bot/ci", "bot/b"], MAP, registry(cloud))
    assert found == Identity("fake:bot/ci", (bot("ci"), bot("b")))


def test_names_that_mean_nothing_or_too_much(cloud: Cloud) -> None:
    with pytest.raises(Usage) as caught:
        resolve([], MAP, registry(cloud))
    assert caught.value.code == "no-identity"
    with pytest.raises(Usage) as caught:
        resolve(["payments", "bot/b"], MAP, registry(cloud))
    assert caught.value.code == "mixed-names"
    with pytest.raises(NotFound) as missing:
        resolve(["paymets"], MAP, registry(cloud))
    assert missing.value.hint.startswith("Did you mean payments?")
    with pytest.raises(NotFound) as missing:
        resolve(["zzz"], MAP, registry(cloud))
    assert "a provider of: fake" in missing.value.hint
    with pytest.raises(Ambiguous) as many:
        one_ref("bot/ci", registry(cloud, Entry("second", Second(cloud))))
    assert "fake:bot/ci, second:bot/ci" in many.value.message
    assert many.value.exit_code == 3


# -- connections -------------------------------------------------------------------------------------------------------


def connections(cloud: Cloud, **config: Any) -> Connections:
    return Connections(
        registry(cloud, Entry("second", Second(cloud))), Config(state=Path("unused"), **config), EngineIo(Tick())
    )


def test_one_connection_for_each_scope(cloud: Cloud) -> None:
    made = connections(cloud)
    assert made.of_ref(bot("a")) is made.of_ref(bot("b"))
    assert made.at("fake", "one") is not made.at("fake", "two")

    seen: list[tuple[str, str]] = []
    made.each(lambda key, _conn: seen.append(key))
    assert seen == [("fake", made.scope_of(bot("a"))), ("fake", "one"), ("fake", "two")]
    assert made.scopes("fake") == ("",)
    assert made.scope_of_target("shelf/stage", "x") == ""
    with pytest.raises(Usage):
        made.at("nobody", "")


def test_of_very_many_connections_the_last_used_are_kept(cloud: Cloud) -> None:
    made = connections(cloud)
    first, second = made.at("fake", "first"), made.at("fake", "second")
    for number in range(KEPT - 2):
        made.at("fake", str(number))
    assert made.at("fake", "first") is first
    made.at("fake", "one more")
    assert made.at("fake", "first") is first
    assert made.at("fake", "second") is not second


def test_a_movable_clock_never_meets_a_live_vendor(cloud: Cloud) -> None:
    made = connections(cloud, sandbox="http://127.0.0.1:9/")
    made.at("fake", "")
    with pytest.raises(Refused) as caught:
        made.at("second", "")
    assert (caught.value.code, caught.value.exit_code) == ("sandbox-clock", 7)


def test_the_clock_is_real_unless_a_sandbox_is_named(tmp_path: Path, cloud: Cloud) -> None:
    assert type(clock_for(Config(state=tmp_path))).__name__ == "LiveClock"
    assert type(clock_for(Config(state=tmp_path, sandbox="http://127.0.0.1:9"))).__name__ == "SandboxClock"
    with Engine(registry(cloud), Config(state=tmp_path), print) as engine:
        assert engine.resolve(["fake:bot/ci"]).principals == (CI,)
        names = {engine._run_id() for _ in range(20)}
        assert len(names) == 20
        assert all("T" in name and name.endswith(name[-6:]) for name in names)


# -- find --------------------------------------------------------------------------------------------------------------


def test_find_looks_everywhere_and_says_where_it_could_not(scene: Scene, cloud: Cloud) -> None:
    scene.registry = Registry([Entry("fake", scene.fake), Broken()])
    scene.new()
    found = scene.engine.find("ci")
    assert found.refs == (CI,)
    assert [(u.ref.provider, u.code) for u in found.unreachable] == [("broken", "broken-provider")]
    cloud.tell("find fake", Denied("no"))
    found = scene.engine.find("ci")
    assert found.refs == ()
    assert [u.code for u in found.unreachable] == ["broken-provider", "denied"]
    assert scene.engine.find("nobody").refs == ()
    cloud.tell("find more fake", Denied("no"))
    found = scene.engine.find("ci")
    assert found.refs == (CI,), "what was found stands"
    assert [u.code for u in found.unreachable] == ["broken-provider", "denied"]


# -- inventory ---------------------------------------------------------------------------------------------------------


def look(scene: Scene, *names: str, **more: Any) -> Any:
    return scene.engine.inventory(identity(*names), Intent(), logs=more.pop("logs", False), **more)


def test_one_look_at_everything(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot(trusts={"t": ("org/ci",)})
    found = look(scene, "ci", "app", "ci")
    assert [p.ref for p in found.principals] == [CI, bot("app")]
    assert found.principals[0].typed == "fake:bot/ci"
    assert {a.id for a in found.accesses} == {
        "fake:key/ci/old",
        "fake:session/ci/*",
        "fake:key/app/old",
        "fake:session/app/*",
        "fake:trust/app/t",
    }
    assert found.operator == (ME,)
    assert (found.blind, found.unreachable) == ((), ())
    assert found.at == NOON
    assert len(cloud.called("whoami")) == 1
    assert all(a.last_used is None for a in found.accesses)


@pytest.mark.parametrize(
    ("fault", "says", "needs"),
    [
        (Denied("no", needs="its own"), "not allowed (no)", "its own"),
        (Denied("no"), "not allowed (no)", "keys.list"),
        (Unavailable("503"), "could not be read (503)", ""),
        (KeyError("a secret perhaps"), "KeyError in the provider (a bug: report it)", ""),
    ],
)
def test_a_denied_listing_is_unseen_and_never_none(
    scene: Scene, cloud: Cloud, fault: Exception, says: str, needs: str
) -> None:
    cloud.tell("collect fake:key", fault)
    found = look(scene)
    assert found.blind == (BlindSpot(CI, "fake:key", f"key: {says}", needs),)
    assert [a.kind for a in found.accesses] == ["fake:session"]


def test_missing_means_none(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("collect fake:key", Missing("no keys"))
    found = look(scene)
    assert found.blind == ()
    assert [a.kind for a in found.accesses] == ["fake:session"]


@pytest.mark.parametrize(
    ("fault", "code", "error"),
    [
        (Missing("none"), "not-found", NotFound),
        (AmbiguousName("two", candidates=("a", "b")), "ambiguous", Ambiguous),
        (Unauthenticated("expired", hint="log in"), "no-credentials", NothingCanStart),
        (Denied("no"), "denied", NothingCanStart),
        (NotInstalled("no library"), "not-installed", NothingCanStart),
        (Unavailable("503"), "unavailable", NothingCanStart),
        (KeyError("x"), "bug", NothingCanStart),
    ],
)
def test_a_principal_that_cannot_be_looked_at(
    scene: Scene, cloud: Cloud, fault: Exception, code: str, error: type[Exception]
) -> None:
    cloud.tell("resolve fake", fault)
    with pytest.raises(error) as caught:
        look(scene)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert caught.value.exit_code == (3 if error in (NotFound, Ambiguous) else 4)  # type: ignore[attr-defined]
    assert "fake:bot/ci" in str(caught.value)


def test_one_that_cannot_be_looked_at_never_blocks_the_others(scene: Scene, cloud: Cloud) -> None:
    scene.registry = Registry([Entry("fake", scene.fake), Broken()])
    scene.new()
    who = Identity("it", (CI, bot("gone"), PrincipalRef("broken", "x", "y")))
    found = scene.engine.inventory(who, Intent(), logs=False)
    assert [p.ref for p in found.principals] == [CI]
    assert {u.code for u in found.unreachable} == {"not-found", "broken-provider"}


@pytest.mark.parametrize("fault", [Unauthenticated("expired", hint="log in"), KeyError("a bug")])
def test_without_knowing_the_operator_a_connection_is_not_used(scene: Scene, cloud: Cloud, fault: Exception) -> None:
    """The guard could not protect it."""
    cloud.tell("whoami fake", fault)
    with pytest.raises(NothingCanStart) as caught:
        look(scene)
    assert caught.value.code in ("no-credentials", "bug")


def test_an_identity_without_principals(scene: Scene) -> None:
    with pytest.raises(NothingCanStart) as caught:
        scene.engine.inventory(Identity("empty", ()), Intent(), logs=False)
    assert caught.value.code == "no-principals"


def test_last_use_comes_with_a_second_wave_and_changes_nothing_else(scene: Scene, cloud: Cloud) -> None:
    plain, rich = look(scene), look(scene, enrich=True)
    key = next(a for a in rich.accesses if a.kind == "fake:key")
    assert (key.last_used, key.note) == (NOON, "used")
    assert [replace(a, last_used=None, note="") for a in rich.accesses] == list(plain.accesses)
    by_rotation = scene.engine.inventory(identity(), Intent(replace=("fake:key",)), logs=False)
    assert by_rotation.accesses == rich.accesses


@pytest.mark.parametrize(("fault", "says"), [(Denied("no"), "no"), (KeyError("x"), "KeyError")])
def test_last_use_that_cannot_be_read_is_said(scene: Scene, cloud: Cloud, fault: Exception, says: str) -> None:
    cloud.tell("enrich fake:key", fault)
    key = next(a for a in look(scene, enrich=True).accesses if a.kind == "fake:key")
    assert key.note == f"last use unseen: {says}"


@pytest.mark.parametrize(("fault", "says"), [(Denied("no"), "not allowed"), (KeyError("x"), "KeyError")])
def test_unread_logs_are_a_blind_spot(scene: Scene, cloud: Cloud, fault: Exception, says: str) -> None:
    cloud.tell("observe fake:session", fault)
    (spot,) = look(scene, logs=True).blind
    assert says in spot.why
    assert spot.why.startswith("logs of session")
    assert spot.needs == ("logs.read" if isinstance(fault, Denied) else "")
    assert spot.until is None


def test_logs_add_children_leads_and_lag(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["stranger"] = Bot()
    lag = BlindSpot(CI, "fake:session", "lag", until=after(600))
    cloud.logs = [
        cloud.session("ci", "1", after(-5), parent="fake:key/ci/old"),
        cloud.session("stranger", "2", after(-4), parent="fake:key/ci/old", expires=after(900)),
        lag,
    ]
    found = look(scene, logs=True)
    assert [a.id for a in found.accesses if a.id.endswith("/1")] == ["fake:session/ci/1"]
    (lead,) = found.leads
    assert (lead.to, lead.session, lead.until, lead.at) == (
        bot("stranger"),
        "fake:session/stranger/2",
        after(900),
        after(-4),
    )
    assert "begun with fake:key/ci/old" in lead.why
    assert found.blind == (lag,)
    assert not cloud.called("apply")


def test_half_a_look_is_no_look(scene: Scene, cloud: Cloud) -> None:
    """Interrupted reads brought nothing: that must not read like "nothing there"."""
    cloud.tell("collect fake:key", Interrupted())
    scene.engine.interrupt()
    with pytest.raises(Interrupted):
        look(scene)
    scene.new()
    inventory = look(scene)
    cloud.tell("observe fake:session", Interrupted())
    scene.engine.interrupt()
    with pytest.raises(Interrupted):
        scene.engine.surveyor.observe(inventory, Intent())


def test_an_interrupted_resolve_is_raised(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("resolve fake", Interrupted())
    with pytest.raises(Interrupted):
        look(scene)


def test_the_log_window_reaches_back_as_far_as_a_session_lives(scene: Scene, cloud: Cloud) -> None:
    since: list[Any] = []
    original = type(scene.fake.kinds()[1]).observe

    def observe(self: Any, conn: Any, who: Any, accesses: Any, begin: Any, io: Any) -> Any:
        since.append(begin)
        return original(self, conn, who, accesses, begin, io)

    inventory = look(scene)
    kind = type(scene.registry.kind("fake:session"))
    kind.observe = observe  # type: ignore[method-assign,assignment]
    try:
        scene.engine.surveyor.observe(inventory, Intent())
        scene.engine.surveyor.observe(inventory, Intent(since=after(-60)))
    finally:
        kind.observe = original  # type: ignore[method-assign]
    assert since == [NOON - LOG_WINDOW, after(-60)]


# -- pure parts --------------------------------------------------------------------------------------------------------


def test_a_flush_that_is_none_is_a_usage_error(scene: Scene) -> None:
    who = replace(identity(), flush=(FlushTarget("shelf/serve", {}),))
    with pytest.raises(Usage) as caught:
        scene.plan(who)
    assert caught.value.code == "not-a-flush"
