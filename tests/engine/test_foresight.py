"""What a flush would meet stands in the plan; whatever goes wrong with that look, the plan is made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.foresight import flush_looks
from nhi_revoke.model.plan import Plan, plan_digest
from nhi_revoke.model.ref import Json
from nhi_revoke.provider.fault import Denied, NotInstalled
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.plan import plan_screen
from nhi_revoke.render.rows import plan_rows
from tests.engine.fake_store import Purge
from tests.engine.scene import ROTATE, TO_SHELF, Scene, identity


def planned(scene: Scene) -> Plan:
    return scene.plan(identity(deliver=TO_SHELF, flush=True), ROTATE)


def looking(monkeypatch: pytest.MonkeyPatch, look: Callable[[], str]) -> list[Json]:
    """What the fake vendor's flush says; returns what it was asked with."""
    asked: list[Json] = []

    def looks(self: Any, conn: Any, settings: Json) -> str:
        asked.append(settings)
        return look()

    monkeypatch.setattr(Purge, "looks", looks)
    return asked


def test_it_stands_beside_each_of_its_steps_and_is_asked_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = looking(monkeypatch, lambda: "12 keys match now")
    plan = planned(scene)
    flushes = [s for s in plan.steps if s.does == "purge"]
    assert len(flushes) == 2
    assert asked == [{"url": "cache"}]
    assert plan.looks == {s.id: "12 keys match now" for s in flushes}
    shown = " ".join(plain_text(plan_screen(plan)).split())
    assert shown.count("(12 keys match now)") == 2
    rows = [r["says"] for r in plan_rows(plan) if r["does"] == "purge"]
    assert rows == [f"{s.says} (12 keys match now)" for s in flushes]


def test_it_is_no_part_of_what_is_consented_to(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    looking(monkeypatch, lambda: "12 keys match now")
    plan = planned(scene)
    assert plan_digest(plan) == plan_digest(replace(plan, looks={}))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Denied("the ACL says no"), "could not be asked: the ACL says no"),
        (NotInstalled("not installed: x"), "could not be asked: not installed: x"),
        (RuntimeError("canary"), "could not be asked: RuntimeError in the provider (a bug: report it)"),
    ],
)
def test_a_fault_is_told_and_fails_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str
) -> None:
    def look() -> str:
        raise fault

    looking(monkeypatch, look)
    plan = planned(scene)
    assert set(plan.looks.values()) == {said}
    assert len(plan.steps) > 2


def test_nothing_to_tell_is_nothing_told(scene: Scene) -> None:
    assert planned(scene).looks == {}


def test_one_that_does_not_answer_holds_up_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(scene)
    free = threading.Event()

    def look() -> str:
        assert free.wait(60)
        return "late"

    looking(monkeypatch, look)
    try:
        told = flush_looks(plan, scene.engine.connections, scene.engine._pool, within=0.01)
    finally:
        free.set()
    assert set(told.values()) == {"could not be asked: no answer within 0.01 s"}
