"""Kinds that take long to list, what lets nobody in by itself, and what a principal may become elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.engine.verdict import MOST_IN_REACH, next_leads
from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Noted
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.registry import Registry
from nhi_revoke.render.inventory import counts
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake import Fake
from tests.engine.fake_doer import Played, last
from tests.engine.scene import YES, Entry, Scene, fate, identity
from tests.engine.story import CI, KEY, Story, access, cut, standing, step
from tests.engine.tick import Tick, after

GRANT = "fake:grant/ci/far"
GROUP = "fake:group/ci/staff"


class End(Played):
    of = "fake:grant"
    name: ClassVar[str] = "end"
    phase: ClassVar[Phase] = Phase.END
    settle: ClassVar[float] = 10.0

    def do(self, cloud: Cloud, step: Step, run: Run) -> Json:
        FAR[id(cloud)].discard(last(step))
        return {"state": "gone"}

    def there(self, cloud: Cloud, step: Step, run: Run) -> Json | None:
        return None if last(step) in FAR[id(cloud)] else {"state": "gone"}

    def back(self, cloud: Cloud, step: Step, left: Json) -> Json:
        FAR[id(cloud)].add(last(step))
        return {}


FAR: dict[int, set[str]] = {}
"""Grants of a test's cloud."""


class Grants(AccessKind[Any]):
    """Takes long to list."""

    name: ClassVar[str] = "fake:grant"
    title: ClassVar[str] = "grant"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ("grants.list",)
    late: ClassVar[bool] = True
    remedies = (End(),)

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        conn.cloud.asked("collect", self.name, ref, lambda: None)
        yield from (Access(f"fake:grant/ci/{g}", ref, self.name, "grant", "live") for g in sorted(FAR[id(conn.cloud)]))
        yield from REACH


REACH: list[Found] = []
"""What the late listing finds besides."""


class Groups(AccessKind[Any]):
    """Gives rights, and lets nobody in by itself."""

    name: ClassVar[str] = "fake:group"
    title: ClassVar[str] = "group"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("bot",)
    reads: ClassVar[tuple[str, ...]] = ()

    def collect(self, conn: Any, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield Access(GROUP, ref, self.name, "grant", "live", opens=False, note="member of staff")


class Wide(Fake):
    def kinds(self) -> Sequence[AccessKind[Any]]:
        return (*super().kinds(), Grants(), Groups())


@pytest.fixture
def wide(cloud: Cloud, tmp_path: Path) -> Iterator[Scene]:
    FAR[id(cloud)] = {"far"}
    REACH.clear()
    with Scene(cloud, tmp_path) as made:
        made.registry = Registry([Entry("fake", Wide(cloud))])
        made.new()
        yield made
    del FAR[id(cloud)]
    REACH.clear()


def hasty(scene: Scene, intent: Intent | None = None) -> Report:
    """As `revoke --yes` does it."""
    intent = intent or Intent()
    plan = scene.engine.plan(scene.engine.inventory(identity(), intent, logs=False, late=False), intent)
    return scene.engine.run(plan, "revoke", YES)


# -- a plan of whom leads point at -------------------------------------------------------------------------------------


def test_whom_leads_point_at_is_looked_at_once_and_for_the_plan_what_was_left_out(wide: Scene, cloud: Cloud) -> None:
    cloud.bots["other"] = Bot()
    cloud.logs.append(cloud.session("other", "1", after(-60)))
    who = Identity("reach", (bot("other"),))
    inventory = wide.engine.inventory(identity(), Intent(), logs=False)
    wide.engine.surveyor.observe(inventory, Intent())
    kinds = {call for call in cloud.calls if call.startswith("collect") and call.endswith("other")}
    before = len(cloud.calls)
    once = wide.engine.surveyor.look_on(who, experimental=False)
    assert kinds
    assert [call for call in cloud.calls[before:] if call in kinds] == []
    assert once == replace(wide.engine.surveyor.look(who, enrich=False, experimental=False), at=once.at)
    assert {a.kind for a in once.accesses} >= {"fake:key", "fake:grant"}


@pytest.mark.parametrize(("seconds", "asked"), [(15, 0), (16, 1)])
def test_a_plan_is_made_of_no_older_look(wide: Scene, cloud: Cloud, seconds: int, asked: int) -> None:
    cloud.bots["other"] = Bot()
    cloud.logs.append(cloud.session("other", "1", after(-60)))
    inventory = wide.engine.inventory(identity(), Intent(), logs=False)
    wide.engine.surveyor.observe(inventory, Intent())
    before = len(cloud.called("collect fake:session fake:bot/other"))
    cloud.clock.wait(seconds, threading.Event())
    wide.engine.surveyor.look_on(Identity("reach", (bot("other"),)), experimental=False)
    assert len(cloud.called("collect fake:session fake:bot/other")) - before == asked


# -- late ----------------------------------------------------------------------------------------------------------


def test_containment_does_not_wait_for_a_late_kind_and_ends_it_in_a_round(wide: Scene, cloud: Cloud) -> None:
    report = hasty(wide)
    order = [c for c in cloud.calls if "fake:key/disable" in c or "collect fake:grant" in c]
    assert order[0].startswith("apply fake:key/disable"), "the key was disabled before the grants were listed"
    assert FAR[id(cloud)] == set()
    ended = fate(report, GRANT)
    assert (ended.fate, ended.appeared) == ("ended", False), "it was there before: it did not appear during the run"
    assert "found besides" in wide.says()
    assert "appeared" not in wide.says()
    assert next(n.source for n in wide.lines() if isinstance(n, Noted)) == "late"
    assert report.exit_code == 0


def test_a_plan_that_is_shown_waits_for_it(wide: Scene) -> None:
    assert GRANT in {a.id for a in wide.plan().accesses}
    assert any(GRANT in s.ends for s in wide.plan().steps)


def test_an_intent_that_names_it_is_planned_with_it(wide: Scene) -> None:
    intent = Intent(scope=GRANT)
    found = wide.engine.inventory(identity(), intent, logs=False, late=False)
    assert GRANT in {a.id for a in found.accesses}
    other = wide.engine.inventory(identity(), Intent(scope=KEY), logs=False, late=False)
    assert GRANT not in {a.id for a in other.accesses}


def test_a_saved_plan_without_it_is_refreshed_without_it(wide: Scene, cloud: Cloud) -> None:
    plan = wide.engine.plan(wide.engine.inventory(identity(), Intent(), logs=False, late=False), Intent())
    fresh = wide.engine.refresh(plan, stale="drop")
    assert not [n for n in fresh.notices if "appeared" in n.says]
    assert not cloud.called("collect fake:grant")


def test_a_late_listing_that_is_denied_is_unseen(wide: Scene, cloud: Cloud) -> None:
    cloud.tell("collect fake:grant", *(Denied("no", needs="grants.list") for _ in range(6)))
    report = hasty(wide)
    assert [b.needs for b in report.blind] == ["grants.list"]
    assert report.exit_code == 9


def test_a_trust_that_is_listed_late_is_an_open_door_with_the_way_to_close_it(wide: Scene) -> None:
    trust = Access("fake:grant/ci/anyone", CI, "fake:grant", "trust", "live", label="anyone", exposure="anyone")
    REACH.append(trust)
    report = hasty(wide)
    assert [(d.access, d.next) for d in report.open] == [(trust.id, f"--cut-trust {trust.id}")]
    assert f"nhi-revoke revoke {report.identity} --cut-trust {trust.id}" in report.next
    assert report.exit_code == 8


# -- what opens nothing --------------------------------------------------------------------------------------------


def test_what_lets_nobody_in_is_kept_and_not_counted(wide: Scene) -> None:
    found = wide.engine.inventory(identity(), Intent(), logs=False)
    assert counts(found).live == 2, "the key and the grant; the group is noted"
    outcome = fate(wide.revoke(), GROUP)
    assert (outcome.fate, outcome.how) == ("kept", "member of staff")
    assert not [n for n in wide.plan(intent=Intent(scope="sessions")).notices if GROUP in n.says]


# -- reach ---------------------------------------------------------------------------------------------------------

MAY = Lead(bot("other"), "its trust lets it in", "trusts", of=CI)
AWAY = replace(MAY, to=bot("away"), beyond=True, next="ask the other team")
LAG = BlindSpot(CI, "fake:session", "logs lag", until=after(500), covered_by=("fake:session/deny-all",))


def test_a_principal_where_nobody_can_look_is_open(wide: Scene) -> None:
    REACH.append(AWAY)
    (door,) = wide.plan().open
    assert (door.access, door.next) == (str(bot("away")), "ask the other team")
    report = hasty(wide)
    assert [d.access for d in report.open] == [str(bot("away"))], "found late, and said all the same"
    assert report.exit_code == 8
    assert predicted_open(report, str(bot("away")))


def test_two_leads_to_one_principal_are_one_door(wide: Scene) -> None:
    REACH.extend([AWAY, replace(AWAY, why="a session of it", session="fake:session/away/1")])
    assert [d.access for d in wide.plan().open] == [str(bot("away"))]
    assert [d.access for d in hasty(wide).open] == [str(bot("away"))]


def test_reach_alone_says_nothing_of_an_intruder(wide: Scene) -> None:
    REACH.append(MAY)
    report = hasty(wide)
    assert report.leads == (MAY,)
    assert report.exit_code == 0
    assert not predicted_open(report, str(bot("other")))


def lagging(*reach: Lead) -> Story:
    """Sealed, and the logs cover it in 500 seconds."""
    return Story(cut(), accesses=(standing(),), leads=reach).did("cut", denies="everything").found(LAG, source="logs")


def test_a_seal_does_not_cover_what_was_begun_on_others() -> None:
    assert lagging().report().blind == ()
    (spot,) = lagging(MAY).report().blind
    assert "so what it began on fake:bot/other in those minutes" in spot.why
    assert lagging(MAY).report().exit_code == 9
    assert lagging(MAY).report(at=501).blind == ()
    assert lagging(replace(MAY, session="fake:session/other/1", until=after(9))).report().blind == (), "that is open"


def test_many_within_reach_are_counted() -> None:
    (spot,) = lagging(*(replace(MAY, to=bot(f"r{n}")) for n in range(3))).report().blind
    assert "fake:bot/r0 and 2 more that it may become" in spot.why


def test_while_logs_lag_the_next_plan_names_what_may_be_become() -> None:
    report = lagging(MAY).report()
    assert next_leads(report, after(100)) == (MAY,)
    assert next_leads(lagging(MAY).report(at=501), after(501)) == ()
    many = lagging(*(replace(MAY, to=bot(f"r{n}")) for n in range(MOST_IN_REACH + 1))).report()
    assert next_leads(many, after(100)) == (), "hundreds of roles are no plan"


def test_where_logs_are_unread_reach_is_predicted_open() -> None:
    unread = BlindSpot(CI, "fake:session", "not allowed", "logs.read")
    report = Story(cut(), accesses=(standing(),), leads=(MAY,)).did("cut").found(unread, source="logs").report()
    assert predicted_open(report, str(bot("other")))


def test_what_is_said_and_hides_nothing_is_no_blind_spot() -> None:
    off = BlindSpot(CI, "fake:session", "not read in a region that is off", counts=False)
    report = Story(step("a"), accesses=(access(),), blind=(off,)).did("a").closed().report()
    assert report.blind == (off,)
    assert report.exit_code == 0
    assert report.headline == "OUT"


def test_a_deny_on_the_principal_ends_nothing_that_does_not_hang_on_it() -> None:
    def fate_of(**more: Any) -> str:
        shell = access("fake:shell/1", family="session", **more)
        return Story(cut(), accesses=(standing(), shell)).did("cut", denies="everything").outcome(shell.id).fate

    assert fate_of() == "ended"
    assert fate_of(elsewhere=True) == "left"


# -- pace ----------------------------------------------------------------------------------------------------------


def test_a_pace_hands_out_slots_in_order() -> None:
    clock = Tick()
    io = EngineIo(clock)
    for _ in range(5):
        io.pace("a", 2.0)
    io.pace("b", 2.0)
    assert clock.waits == [0.5] * 4, "the first goes at once, and another key has its own slots"
    assert clock.now() == after(2)
    clock.wait(10, io.stop)
    io.pace("a", 2.0)
    assert clock.waits[-1] == 10, "after a pause nobody waits"


def test_progress_is_told() -> None:
    heard: list[Any] = []
    io = EngineIo(Tick(), tell=heard.append)
    io.progress("logs", 1, 4)
    assert [(e.what, e.done, e.of) for e in heard] == [("logs", 1, 4)]
    EngineIo(Tick()).progress("logs", 1, 4)  # nobody listens


# -- consent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [False, True])
def test_what_cannot_be_taken_back_is_ended_later_only_where_such_was_consented_to(
    wide: Scene, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(End, "reversible", False)
    if shown:
        wide.revoke()
        assert FAR[id(cloud)] == set()
        return
    report = hasty(wide)
    assert FAR[id(cloud)] == {"far"}, "nobody was shown an irreversible change"
    assert "it cannot be taken back" in wide.says()
    assert fate(report, GRANT).fate == "left"
    assert report.exit_code == 8
