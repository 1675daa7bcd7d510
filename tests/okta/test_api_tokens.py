"""API tokens (SSWS) that the user made: deleted one by one, whatever its status is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.scopes import TOKENS, USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

KIND = "okta:api-token"
DELETE = "DELETE /api/v1/api-tokens/<token>"


def deletions(bench: Bench, **intent: Any) -> list[Step]:
    return [s for s in bench.steps(USER, **intent) if s.does == f"{KIND}/delete"]


def more(bench: Bench, count: int = 1) -> None:
    with bench.org.lock:
        for number in range(count):
            seed.new_api_token(bench.org, bench.sandbox.scene.user, f"job {number}", START)


@pytest.mark.parametrize("size", [1, 1000])
def test_its_own_are_listed_and_nobody_elses(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    more(bench, 30)
    found = bench.accesses(USER, KIND)
    mine = {f"{KIND}/{t.id}" for t in bench.org.api_tokens.values() if t.user == bench.sandbox.scene.user.id}
    assert set(found) == mine
    assert len(mine) == 31
    assert all("unless it is used until then" in a.note for a in found.values())
    assert all(a.expires is None for a in found.values()), "each use renews it"


def test_it_is_deleted_and_the_operators_own_is_not(bench: Bench) -> None:
    """Facts 1.4, 11 and 18."""
    more(bench)
    first, second = deletions(bench)
    assert not first.reversible
    assert isinstance(bench.do(first), Done)
    assert bench.seen(first) == {"status": "gone"}
    assert bench.seen(second) is None
    assert bench.conn.get("/api/v1/users/me", "")["profile"]["login"] == seed.OPERATOR_LOGIN
    assert bench.writes() == [DELETE]


def test_twice_is_already(bench: Bench) -> None:
    [step] = deletions(bench)
    bench.do(step)
    assert bench.do(step) == Already({"status": "gone"})


@pytest.mark.parametrize("fault", ["lost", "500", "timeout", "429"])
def test_an_answer_that_was_lost_does_no_harm(bench: Bench, fault: Any) -> None:
    [step] = deletions(bench)
    bench.sandbox.fault(DELETE, fault)
    bench.do(step)
    assert bench.seen(step) == {"status": "gone"}


def test_suspending_its_owner_does_not_end_it(bench: Bench) -> None:
    """Okta documents nothing of it; the sandbox takes the worse case."""
    [suspend] = [s for s in bench.steps(USER) if s.does == "okta:user/suspend"]
    bench.do(suspend)
    assert bench.doors()["api-token"]
    bench.do(deletions(bench)[0])
    assert not bench.doors()["api-token"]


def test_an_agents_token_says_what_stops(bench: Bench) -> None:
    [access] = bench.accesses(USER, KIND).values()
    assert "agent" not in access.note
    with bench.org.lock:
        for token in bench.org.api_tokens.values():
            token.client = "Okta AD Agent"
    [access] = bench.accesses(USER, KIND).values()
    assert "of Okta AD Agent: an agent's own token, perhaps" in access.note
    [step] = deletions(bench)
    assert "Okta AD Agent" in step.breaks


def test_no_value_is_shown_anywhere(bench: Bench) -> None:
    told = repr([*bench.collect(USER), *bench.draft(USER)])
    assert not [secret for secret in bench.sandbox.canaries() if secret in told]


def test_a_listing_that_is_denied_names_the_scope(bench: Bench) -> None:
    bench.sandbox.allow_only([USERS.read])
    with pytest.raises(Denied) as no:
        bench.collect(USER, KIND)
    assert no.value.needs == TOKENS.read


# -- a whole run ---------------------------------------------------------------------------------------------------


def test_one_that_appears_meanwhile_is_deleted_and_sealed_again(whole: Whole) -> None:
    done = False

    def meddle(_: int) -> None:
        nonlocal done
        if not done and user_run.writes(whole).count("DELETE …/sessions") == 2:
            done = True
            whole.sandbox.meddle("new-api-token")

    report = user_run.run(whole, before_append=meddle)
    assert done
    assert user_run.writes(whole).count(DELETE) == 2
    assert user_run.writes(whole)[-1] == "DELETE …/sessions"
    assert user_run.wrong(whole, report) == []
    assert not user_run.mine(whole)["new-api-token"]
    assert [o.access.label for o in report.outcomes if o.appeared and o.access.kind == KIND] == ["API token backup"]


def test_the_whole_journal_holds_no_secret(whole: Whole) -> None:
    report = user_run.run(whole)
    journal = repr(whole.lines(report.run))
    assert not [secret for secret in whole.sandbox.canaries() if secret in journal]


def test_a_plan_that_was_read_for_a_while_ends_the_same(whole: Whole) -> None:
    made = user_run.plan(whole)
    whole.clock.advance(timedelta(hours=2).total_seconds())
    report = user_run.run(whole, made)
    assert user_run.wrong(whole, report) == []
    assert not any(user_run.mine(whole).values())
