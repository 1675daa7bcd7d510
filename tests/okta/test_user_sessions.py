"""IdP sessions: one request clears them, nothing lists them, and the System Log is evidence that comes late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.sandbox import plant_user
from nhi_revoke_okta.sandbox.state import Session
from nhi_revoke_okta.scopes import LOGS, USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

KIND = "okta:user-session"
CLEAR = "DELETE /api/v1/users/<user>/sessions"


def clears(bench: Bench, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(USER, **intent) if s.does == f"{KIND}/clear"]


def begin(bench: Bench, ago: timedelta = timedelta(0)) -> Session:
    with bench.org.lock:
        return plant_user.begin_session(bench.org, bench.sandbox.scene.user, bench.sandbox.now() - ago)


def lives(bench: Bench, session: Session) -> bool:
    request: dict[str, Any] = plant_user.use_session(bench.sandbox.url, session)
    answer = bench.sandbox.scene.client.request(**request)
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


def hours(found: Access) -> int:
    """How long ago it began."""
    assert found.created is not None
    return round((START - found.created) / timedelta(hours=1))


def test_there_is_one_standing_access_and_no_request(bench: Bench) -> None:
    bench.resolve(USER)
    before = len(bench.sandbox.calls())
    ref = bench.resolve(USER).ref
    asked = len(bench.sandbox.calls()) - before
    found = bench.accesses(USER, KIND)
    assert list(found) == [f"{KIND}/{bench.conn.scope}/payments-bot@example.com/*"]
    assert {a.state for a in found.values()} == {"unknown"}
    assert len(bench.sandbox.calls()) - before == 2 * asked, "only the name was looked up"
    assert ref.kind == "user"


def test_it_clears_sessions_and_tokens_now_and_at_the_seal(bench: Bench) -> None:
    """Facts 1.4, 1: oauthTokens is false unless it is asked for."""
    now, seal = clears(bench)
    assert (now.phase, seal.phase) == (Phase.END, Phase.SEAL)
    assert not now.reversible
    assert isinstance(bench.do(now), Done)
    assert bench.writes() == [CLEAR]
    assert bench.doors()["user-session"] is False
    assert bench.doors()["user-refresh-token"] is False
    assert bench.doors()["api-token"] is True, "no session and no OAuth token"
    assert bench.sandbox.scene.user.status.shown == "ACTIVE"
    bench.sandbox.advance(60)
    later = begin(bench)
    assert lives(bench, later), "what begins after it lives until the seal"
    bench.do(seal)
    assert not lives(bench, later)
    assert bench.run.left(seal.id)["cutoff"] > bench.run.left(now.id)["cutoff"]


def test_the_sandbox_leaves_tokens_alone_where_nobody_asks(bench: Bench) -> None:
    bench.conn.send("DELETE", f"/api/v1/users/{bench.sandbox.scene.user.id}/sessions", USERS.manage)
    assert bench.doors()["user-session"] is False
    assert bench.doors()["user-refresh-token"] is True


def test_without_an_answer_nobody_knows_and_it_is_asked_again(bench: Bench) -> None:
    step = clears(bench)[0]
    assert bench.seen(step) is None
    bench.sandbox.fault(CLEAR, "lost")
    assert isinstance(bench.do(step), Done)
    assert len([c for c in bench.writes() if c == CLEAR]) == 2
    assert bench.seen(step) is not None


def test_a_refresh_token_that_is_left_shows_that_it_did_not_work(bench: Bench) -> None:
    step, scene = clears(bench)[0], bench.sandbox.scene
    bench.do(step)
    client = bench.org.apps[next(iter(bench.org.refresh_tokens.values())).app]
    with bench.org.lock:
        plant_user.add_refresh_token(bench.org, client, scene.user, START + timedelta(minutes=5))
    assert bench.seen(step) is not None, "it was issued later"
    with bench.org.lock:
        plant_user.add_refresh_token(bench.org, client, scene.user, START - timedelta(minutes=5))
    assert bench.seen(step) is None


def test_its_proof_says_what_was_seen(bench: Bench) -> None:
    step = clears(bench)[0]
    assert bench.prove(step).proof is Proof.REQUESTED
    bench.do(step)
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "the System Log holds user.session.clear of 2026-11-28T12:00:0" in proven.how
    bench.sandbox.allow_only([USERS.read])
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "Okta lists no sessions: it answered 204" in proven.how
    assert "could not be read" in proven.how


def test_the_log_is_late_and_the_clearing_covers_it(bench: Bench) -> None:
    bench.sandbox.lag(0, 30)
    begin(bench)
    found = bench.observe(USER, KIND, START - timedelta(hours=36))
    [session] = [f for f in found if isinstance(f, Access)]
    assert hours(session) == 1, "what began a moment ago is not there yet"
    [lag] = [f for f in found if isinstance(f, BlindSpot)]
    assert lag.until is not None
    assert 20 < (lag.until - START).total_seconds() < 60
    assert lag.covered_by == (f"{KIND}/clear",)


@pytest.mark.parametrize("size", [1, 1000])
def test_older_events_are_found_since_the_beginning_is_named(bench: Bench, size: int) -> None:
    """Facts 1.4, 23: without `since`, Okta shows seven days."""
    bench.sandbox.page_size(size)
    begin(bench, timedelta(days=20))
    found = [f for f in bench.observe(USER, KIND, START - timedelta(days=30)) if isinstance(f, Access)]
    assert [hours(f) for f in found] == [480, 1]
    assert not [f for f in bench.observe(USER, KIND, START) if isinstance(f, Access)]


def test_no_id_and_no_cookie_of_a_session_is_taken_over(bench: Bench) -> None:
    told = repr([*bench.observe(USER, KIND, START - timedelta(days=2)), *bench.draft(USER)])
    for session in bench.org.sessions.values():
        assert session.id not in told
        assert session.cookie not in told


def test_logs_that_are_denied_name_the_scope(bench: Bench) -> None:
    bench.sandbox.allow_only([USERS.read, "okta.*.read"])
    bench.sandbox.fault("GET /api/v1/logs", "denied")
    with pytest.raises(Denied) as no:
        bench.observe(USER, KIND, START)
    assert no.value.needs == LOGS


# -- a whole run ---------------------------------------------------------------------------------------------------


def test_a_session_that_begins_between_end_and_seal_dies(whole: Whole) -> None:
    """The user is not suspended (--brake off): whoever has the password signs in at once."""
    done = False

    def meddle(_: int) -> None:
        nonlocal done
        if not done and "DELETE …/sessions" in user_run.writes(whole):
            done = True
            whole.clock.advance(1)
            whole.sandbox.meddle("new-session")
            assert user_run.mine(whole)["new-session"]
            whole.clock.advance(2)

    report = user_run.run(whole, brake="off", before_append=meddle)
    assert done
    assert not user_run.mine(whole)["new-session"]
    assert user_run.wrong(whole, report) == []


def test_a_user_without_sessions(whole: Whole) -> None:
    org = whole.okta.org
    org.sessions.clear()
    org.events.clear()
    org.refresh_tokens.clear()
    report = user_run.run(whole)
    assert user_run.still_open(report) == []
    assert user_run.wrong(whole, report) == []
    standing = whole.outcome(report, plant_user.standing(whole.okta.scene, "user-session"))
    assert (standing.fate, standing.proof) == ("ended", Proof.RECORDED)


def test_done_again_it_only_moves_the_moment(whole: Whole) -> None:
    user_run.run(whole)
    whole.clock.advance(30)
    before = len(user_run.writes(whole))
    report = user_run.run(whole)
    assert user_run.writes(whole)[before:] == ["DELETE …/sessions", "DELETE …/sessions"]
    assert user_run.still_open(report) == []


def test_sessions_alone(whole: Whole) -> None:
    report = user_run.run(whole, scope="sessions")
    assert whole.okta.scene.user.status.shown == "ACTIVE"
    assert whole.outcome(report, f"{user_run.name(whole)}").fate == "left"
    assert user_run.wrong(whole, report) == []


def test_a_run_that_is_resumed_ends_the_same(whole: Whole) -> None:
    whole.sandbox.fault(CLEAR, "500", times=20)
    report = user_run.run(whole)
    assert report.exit_code == 5
    assert whole.okta.scene.user.status.shown == "SUSPENDED"
    whole.okta.gate.faults.clear()
    resumed = whole.resume(report.run)
    assert user_run.still_open(resumed) == []
    assert not any(user_run.mine(whole).values())
