"""Sessions that apps keep by themselves: asked for by Universal Logout, and never called ended for that."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.sandbox import plant_user, seed
from nhi_revoke_okta.sandbox.state import AppSession, Org, User
from nhi_revoke_okta.scopes import APPS, LOGOUT, USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

KIND = "okta:app-session"
LOGOUT_CALL = "POST /oauth2/v1/global-token-revocation"


def assign(org: Org, user: User, label: str, status: str = "", support: str = "", **more: Any) -> AppSession:
    """An app that the user is assigned to, and a session in it."""
    app = seed.new_app(org, label, START, application_type="web", **more)
    if status:
        app.universal_logout = {"status": status, "supportType": support, "protocol": "GLOBAL_TOKEN_REVOCATION"}
    return plant_user.begin_app_session(org, app, user, START)


def lives(bench: Bench, session: AppSession) -> bool:
    request: dict[str, Any] = plant_user.use_app_session(bench.sandbox.url, session)
    return bench.sandbox.scene.client.request(**request).status_code == 200


@pytest.fixture
def three(bench: Bench) -> dict[str, AppSession]:
    user = bench.sandbox.scene.user
    with bench.org.lock:
        assign(bench.org, seed.new_user(bench.org, "somebody@example.com", START), "Not its own", "ENABLED", "FULL")
        return {
            "full": assign(bench.org, user, "Mail", "ENABLED", "FULL"),
            "partial": assign(bench.org, user, "Files", "ENABLED", "PARTIAL"),
            "none": assign(bench.org, user, "Ledger", "DISABLED", "FULL"),
        }


def logout(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(USER) if s.does == f"{KIND}/universal-logout"]
    return step


@pytest.mark.parametrize("size", [1, 1000])
def test_every_app_that_the_user_is_assigned_to(bench: Bench, three: dict[str, AppSession], size: int) -> None:
    bench.sandbox.page_size(size)
    user = bench.sandbox.scene.user
    with bench.org.lock:
        assign(bench.org, user, "Okta Dashboard", name="okta_enduser")
    found = bench.accesses(USER, KIND)
    assert set(found) == {f"{KIND}/{user.id}/{s.app}" for s in three.values()}
    assert {a.state for a in found.values()} == {"unknown"}
    notes = {a.before["label"]: a.note for a in found.values()}
    assert notes["Mail"] == "Universal Logout ENABLED, FULL"
    assert "its own session lives on" in notes["Ledger"]


def test_one_request_for_all_that_support_it(bench: Bench, three: dict[str, AppSession]) -> None:
    step = logout(bench)
    assert len(step.ends) == 2
    assert not step.reversible
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == [LOGOUT_CALL]
    assert {name: lives(bench, s) for name, s in three.items()} == {"full": False, "partial": True, "none": True}


def test_it_is_requested_and_no_more(bench: Bench, three: dict[str, AppSession]) -> None:
    step = logout(bench)
    assert bench.seen(step) is None
    bench.do(step)
    assert bench.seen(step) is not None
    assert bench.prove(step).proof is Proof.REQUESTED


def test_what_okta_cannot_end_is_by_hand(bench: Bench, three: dict[str, AppSession]) -> None:
    drafts = bench.draft(USER)
    [manual] = [d for d in drafts if isinstance(d, Manual)]
    assert manual.ends == (f"{KIND}/{bench.sandbox.scene.user.id}/{three['none'].app}",)
    assert "Ledger: its own session lives on until the app itself ends it" in manual.what
    [partial] = [d.says for d in drafts if isinstance(d, Notice) and "partial" in d.says]
    assert "Files" in partial


def test_where_no_app_supports_it_nothing_is_asked(bench: Bench) -> None:
    assert not bench.accesses(USER, KIND)
    with bench.org.lock:
        assign(bench.org, bench.sandbox.scene.user, "Ledger")
    assert len(bench.accesses(USER, KIND)) == 1
    assert not [s for s in bench.steps(USER) if s.does.startswith(KIND)]


def test_an_org_without_it_is_told(bench: Bench, three: dict[str, AppSession]) -> None:
    step = logout(bench)

    def missing(*_: Any, **__: Any) -> Any:
        from nhi_revoke.provider.fault import Missing

        raise Missing("none")

    bench.conn.send = missing  # type: ignore[method-assign]
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "payments-bot@example.com" in change.manual


def test_a_lost_answer_is_asked_again(bench: Bench, three: dict[str, AppSession]) -> None:
    bench.sandbox.fault(LOGOUT_CALL, "lost")
    assert isinstance(bench.do(logout(bench)), Done)
    assert bench.writes() == [LOGOUT_CALL, LOGOUT_CALL]


def test_scopes_are_named(bench: Bench, three: dict[str, AppSession]) -> None:
    step = logout(bench)
    bench.sandbox.allow_only([USERS.read])
    with pytest.raises(Denied) as no:
        bench.collect(USER, KIND)
    assert no.value.needs == APPS.read
    with pytest.raises(Denied) as no:
        bench.do(step)
    assert no.value.needs == LOGOUT


def test_a_whole_run_calls_it_requested_and_open(whole: Whole) -> None:
    """The app's session lives on, and the report says so; where it was ended, the report does not know."""
    scene = whole.okta.scene
    user, doors = scene.user, {}
    for label, status, support in (("Files", "ENABLED", "PARTIAL"), ("Ledger", "DISABLED", "FULL")):
        session = assign(scene.org, user, label, status, support)
        scene.steal(session.cookie)
        doors[label] = f"{KIND}/{user.id}/{session.app}"
        scene.door(
            f"app-session-{label}", "app-session", f"a session in {label}", doors[label],
            lambda session=session: [plant_user.use_app_session(scene.url, session)],  # type: ignore[misc]
        )  # fmt: skip
    report = user_run.run(whole)
    asked, left = whole.outcome(report, doors["Files"]), whole.outcome(report, doors["Ledger"])
    assert (asked.fate, asked.proof) == ("ended", Proof.REQUESTED)
    assert left.fate == "left"
    assert user_run.wrong(whole, report) == []
    assert user_run.still_open(report) == [doors["Files"], doors["Ledger"]]
    assert report.exit_code == 8
    assert [m.kind for m in report.manual] == [KIND]
    order = user_run.writes(whole)
    assert order.index(LOGOUT_CALL) > order.index("DELETE …/sessions")
