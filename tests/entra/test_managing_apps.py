"""Apps that may manage the application: each can do what an owner can (facts entra.md 1, row 8, and 8, 26)."""

from __future__ import annotations

import httpx
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Conflict
from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_entra.access import managing_app
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.plant_managing import INTRUDERS, RIGHTFUL

from .conftest import APP, START, Bench

KIND = "entra:managing-app"
DOOR = "managing-app"


def steps_of(bench: Bench) -> list[Step]:
    return [s for s in bench.steps(APP) if s.does == f"{KIND}/remove"]


def intruders(bench: Bench) -> Step:
    return next(s for s in steps_of(bench) if INTRUDERS in s.says)


def listed(bench: Bench) -> list[str]:
    return [app for app, there in bench.scene.application.managers.items() if there.shown]


def app_of(bench: Bench, name: str) -> str:
    return next(p.app_id for p in bench.tenant.principals.values() if p.name == name)


def test_each_is_listed_by_its_name(bench: Bench) -> None:
    found = bench.accesses(APP, KIND)
    assert {a.label for a in found.values()} == {
        f"app {name}, which may manage the application" for name in (RIGHTFUL, INTRUDERS)
    }
    for access in found.values():
        assert (access.state, access.opens, access.elsewhere) == ("live", True, True)
        assert "can add credentials" in access.note


def test_a_read_that_lags_brings_back_none_that_was_taken_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts entra.md 2 ("Consistency")."""
    first, second = steps_of(bench)
    good, lagging = managing_app.managing, [managing_app.managing(bench.conn, bench.scene.application.id)]
    assert isinstance(bench.do(first), Done)

    def read(conn: EntraConnection, application: str) -> list[str]:
        return lagging.pop() if lagging else good(conn, application)

    monkeypatch.setattr(managing_app, "managing", read)
    assert isinstance(bench.do(second), Done)
    assert listed(bench) == []
    assert isinstance(bench.undo(first), Done)
    assert listed(bench) == [first.before["app"]], "given back, it is no more remembered as taken off"


def test_while_it_is_listed_it_can_add_a_secret(bench: Bench) -> None:
    """What the door stands for: the brake keeps the secret out, and a release would let it in."""
    door = next(d for d in bench.scene.doors if d.id == f"entra/{DOOR}")
    path = f"{bench.sandbox.url}/v1.0/applications/{bench.scene.application.id}/addPassword"
    request = {**next(iter(door.tries())), "method": "POST", "url": path, "json": {"passwordCredential": {}}}
    assert httpx.request(**request).status_code == 200
    assert isinstance(bench.do(intruders(bench)), Done)
    assert httpx.request(**request).status_code == 403
    other = f"{bench.sandbox.url}/v1.0/servicePrincipals/{bench.principal.id}/addPassword"
    assert httpx.request(**{**request, "url": other}).status_code == 403


def test_removed_alone_and_put_back(bench: Bench) -> None:
    """Facts entra.md 8, 5: of a list that is replaced whole, the others stay."""
    step, before = intruders(bench), listed(bench)
    assert bench.doors()[DOOR]
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is not None
    assert listed(bench) == [app_of(bench, RIGHTFUL)]
    assert not bench.doors()[DOOR]
    assert bench.doors()["owner"], "nothing else was ended"
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Done)
    assert sorted(listed(bench)) == sorted(before)
    assert isinstance(bench.undo(step), Already)
    assert bench.doors()[DOOR]
    bench.do(step)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(step), Failed), "another run's doing is not taken back"


def test_one_at_a_time(bench: Bench) -> None:
    steps = steps_of(bench)
    assert len({s.lock for s in steps}) == 1
    assert len({s.id for s in steps}) == 2
    for step in steps:
        assert isinstance(bench.do(step), Done)
    assert listed(bench) == []
    for step in reversed(steps):
        assert isinstance(bench.undo(step), Done)
    assert len(listed(bench)) == 2


def test_one_that_appears_in_between_survives_the_write(bench: Bench) -> None:
    """The list is read again right before it is written."""
    step = intruders(bench)
    with bench.tenant.lock:
        bench.scene.application.managers["4f1c0000-0000-4000-8000-00000000aaaa"] = Lagged(True, START)
    assert isinstance(bench.do(step), Done)
    assert set(listed(bench)) == {app_of(bench, RIGHTFUL), "4f1c0000-0000-4000-8000-00000000aaaa"}


def test_a_survivor_that_is_lost_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    step, read = intruders(bench), managing_app.managing
    looks: list[int] = []

    def lossy(conn: EntraConnection, application: str) -> list[str]:
        looks.append(1)
        return read(conn, application) if len(looks) == 1 else []

    monkeypatch.setattr(managing_app, "managing", lossy)
    with pytest.raises(Conflict) as told:
        bench.do(step)
    assert app_of(bench, RIGHTFUL) in told.value.message


def test_a_lost_answer_is_not_asked_again(bench: Bench) -> None:
    """A second write of the same list would overwrite what somebody did in between; the engine looks."""
    step = intruders(bench)
    bench.sandbox.fault("PATCH /v1.0/applications/<one>", "lost")
    with pytest.raises(Exception, match="no answer"):
        bench.do(step)
    assert bench.writes() == ["PATCH /v1.0/applications/<one>"]
    assert bench.seen(step)


def test_the_operators_own_app_stays_under_each_of_its_ids(bench: Bench) -> None:
    """What sort of GUID it is, the schema does not say."""
    mine = bench.tenant.principal_of(bench.settings.client_id)
    assert mine is not None
    application = bench.tenant.application_of(mine.app_id)
    assert application is not None
    own = (mine.app_id.upper(), mine.id, application.id)
    with bench.tenant.lock:
        for each in own:
            bench.scene.application.managers[each] = Lagged(True, START)
    view = bench.view(APP, operator=tuple(bench.conn.whoami()))
    drafts = list(bench.kinds[KIND].draft(view, Intent()))
    assert [d.before["name"] for d in drafts if isinstance(d, Step)] == [RIGHTFUL, INTRUDERS]
    assert len([d for d in drafts if isinstance(d, Notice) and "it is you" in d.says]) == 3
    for step in drafts:
        if isinstance(step, Step):
            assert isinstance(bench.do(step), Done)
    assert set(listed(bench)) == set(own), "as they were written"


def test_one_of_another_tenant_is_told_as_such_and_removed(bench: Bench) -> None:
    stranger = "4f1c0000-0000-4000-8000-00000000bbbb"
    with bench.tenant.lock:
        bench.scene.application.managers[stranger] = Lagged(True, START)
    [access] = [a for a in bench.accesses(APP, KIND).values() if stranger in a.id]
    assert "not in this tenant" in access.label
    [step] = [s for s in steps_of(bench) if stranger in s.says]
    assert isinstance(bench.do(step), Done)
    assert stranger not in listed(bench)


def test_a_rotation_and_a_narrow_scope_leave_them(bench: Bench) -> None:
    for intent in ({"order": "rollover"}, {"scope": "sessions"}):
        assert not [s for s in bench.steps(APP, **intent) if s.does.startswith(KIND)]


def test_an_app_of_another_tenant_lists_none(bench: Bench) -> None:
    with bench.tenant.lock:
        made = seed.new_principal(bench.tenant, "Vendor", START, bench.tenant.new_id())
    found: list[Access] = list(bench.accesses(f"entra:app/{made.id}", KIND).values())
    assert found == []
