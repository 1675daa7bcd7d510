"""What no step ends and what ends by itself: told with its time, and open only while something may still make more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.change import Failed
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Residual
from tests.engine.cloud import bot
from tests.engine.story import CI, KEY, Story, access, step
from tests.engine.tick import after

TOKENS = "fake:token/ci/*"


def lasting(**more: object) -> Story:
    """A key that mints tokens which live for 60 seconds and which nothing ends."""
    tokens = access(TOKENS, family="token", state="unknown")
    drafted = Residual(CI, TOKENS, after(60), "tokens live for a minute", "docs")
    return Story(step("a"), accesses=(access(), tokens), residuals=(drafted,), **more)


def done(at: float = 30) -> Story:
    """The key ended at `at`: what it minted until then lives a minute longer."""
    return lasting().did("a", at=at, residuals={TOKENS: after(at + 60).isoformat()})


def test_it_lasts_until_the_last_of_it_expires() -> None:
    story = done()
    outcome = story.outcome(TOKENS, at=40)
    assert (outcome.fate, outcome.until, outcome.proof) == ("lasts", after(90), None)
    report = story.report(40)
    assert [(r.access, r.until) for r in report.residuals] == [(TOKENS, after(90))]
    assert (report.residual_until, report.exit_code, report.headline) == (after(90), 6, "OUT")
    assert predicted_open(report, TOKENS)


def test_afterwards_it_has_expired() -> None:
    report = done().report(91)
    outcome = next(o for o in report.outcomes if o.access.id == TOKENS)
    assert (outcome.fate, outcome.proof) == ("expired", Proof.RECORDED)
    assert (report.residuals, report.exit_code) == ((), 0)
    assert not predicted_open(report, TOKENS)


def test_of_several_times_the_last_one_counts() -> None:
    story = Story(
        step("a"),
        step("b", ends=("fake:key/ci/new",)),
        accesses=(access(), access("fake:key/ci/new"), access(TOKENS, family="token", state="unknown")),
        residuals=(Residual(CI, TOKENS, after(60), "why", "docs"),),
    )
    story.did("a", at=10, residuals={TOKENS: after(70).isoformat()})
    story.did("b", at=5, residuals={TOKENS: after(65).isoformat()})
    assert story.outcome(TOKENS, at=40).until == after(70)


@pytest.mark.parametrize("at", [40, 400])
def test_while_the_key_may_work_it_is_open_however_old(at: float) -> None:
    story = lasting().ended("a", Failed("no"))
    assert story.outcome(TOKENS, at=at).fate == "left"
    report = story.report(at)
    assert TOKENS not in {r.access for r in report.residuals}, "no time is promised"
    assert predicted_open(report, TOKENS)


def test_a_key_that_is_not_seen_to_be_ended_makes_more() -> None:
    assert lasting().seen("a", at=30).outcome(TOKENS, at=40).fate == "left"
    weak = done().proved("a", Proof.REQUESTED)
    assert weak.outcome(KEY, at=40).fate == "ended"
    assert weak.outcome(TOKENS, at=40).fate == "left"


def test_another_key_that_nobody_ends_makes_more() -> None:
    story = done().found(access("fake:key/ci/other"), at=35)
    assert story.outcome(TOKENS, at=40).fate == "left"


def test_what_was_the_operators_choice_promises_no_time() -> None:
    tokens = access(TOKENS, family="token", state="unknown")
    chosen = Residual(CI, TOKENS, None, "kept", "operator")
    story = Story(step("a"), accesses=(access(), tokens), residuals=(chosen,)).did("a")
    assert story.outcome(TOKENS).fate == "left"


@pytest.mark.parametrize("left", [{"residual_until": 75}, {"residuals": 75}])
def test_what_a_step_ends_and_says_to_live_on_has_not_ended(left: dict[str, int]) -> None:
    """A suspension stops new tokens: those minted before still open their doors."""
    [(word, seconds)] = left.items()
    text = after(seconds).isoformat()
    told: Any = {word: text if word == "residual_until" else {KEY: text}}
    story = Story(step("a"), accesses=(access(),), residuals=(Residual(CI, KEY, after(60), "echo", "docs"),))
    story.did("a", **told)
    outcome = story.outcome(at=10)
    assert (outcome.fate, outcome.until, outcome.proof) == ("lasts", after(75), None)
    report = story.report(10)
    assert [r.until for r in report.residuals] == [after(75)]
    assert (report.residual_until, report.exit_code) == (after(75), 6)
    assert predicted_open(report, KEY)
    over = story.report(76)
    assert (over.outcomes[0].fate, over.residuals, over.exit_code) == ("ended", (), 0)
    assert not predicted_open(over, KEY)


def test_what_another_step_ends_for_good_has_ended() -> None:
    story = Story(step("a"), step("b"), accesses=(access(),)).did("b")
    story.did("a", residuals={KEY: after(75).isoformat()})
    assert story.outcome(at=10).fate == "ended"


def test_one_of_them_that_the_logs_show_lasts_until_its_own_end() -> None:
    seen = access("fake:token/ci/one", family="token", created=after(20), expires=after(80))
    story = done().found(seen, at=35, source="logs")
    outcome = story.outcome(seen.id, at=40)
    assert (outcome.fate, outcome.until) == ("lasts", after(80))
    report = story.report(40)
    assert (report.residual_until, report.exit_code) == (after(90), 6)
    assert story.outcome(seen.id, at=85).fate == "expired"


def test_one_that_the_logs_show_promises_nothing_while_the_key_may_work() -> None:
    seen = access("fake:token/ci/one", family="token", created=after(20), expires=after(80))
    story = lasting().ended("a", Failed("no")).found(seen, at=35, source="logs")
    assert story.outcome(seen.id, at=40).fate == "left"


def test_a_token_that_nobody_ends_and_that_does_not_end_by_itself_makes_more() -> None:
    """A refresh token gets new access tokens without any key."""
    story = done().found(access("fake:refresh/ci/one", family="token"), at=35)
    assert story.outcome(TOKENS, at=40).fate == "left"
    assert story.report(40).exit_code == 8


@pytest.mark.parametrize(("exposure", "fate"), [("anyone", "left"), ("local", "lasts")])
def test_a_trust_that_is_open_makes_more(exposure: str, fate: str) -> None:
    trust = access("fake:trust/ci/1", family="trust", exposure=exposure)
    assert done().found(trust, at=35).outcome(TOKENS, at=40).fate == fate


UNLISTED = BlindSpot(CI, "fake:key", "listing keys was denied", "keys:list", covered_by=("fake:session/deny-all",))


@pytest.mark.parametrize("at", [40, 400])
def test_what_could_not_be_listed_may_make_more_of_it_however_long(at: float) -> None:
    """A key that nobody saw mints on: no time is promised, and none is said to have passed."""
    story = done().found(UNLISTED, at=20)
    outcome = story.outcome(TOKENS, at=at)
    assert (outcome.fate, outcome.until, outcome.proof) == ("unseen", None, None)
    assert f"{after(90):%H:%MZ}; what could not be listed there may make more" in outcome.how
    report = story.report(at)
    assert (report.exit_code, report.headline) == (9, "NOT PROVEN OUT")
    assert TOKENS not in {r.access for r in report.residuals}
    assert predicted_open(report, TOKENS)


@pytest.mark.parametrize(
    "spot",
    [
        replace(UNLISTED, on=bot("other")),
        replace(UNLISTED, counts=False),
        replace(UNLISTED, until=after(60)),
        replace(UNLISTED, covered_by=("fake:key/disable",)),
    ],
    ids=["elsewhere", "does not count", "late logs", "covered"],
)
def test_a_blind_spot_that_can_hide_no_key_of_it_changes_no_time(spot: BlindSpot) -> None:
    assert done().found(spot, at=20).outcome(TOKENS, at=40).fate == "lasts"
