"""Fine-grained personal tokens: only an App may look at them, and what is revoked is the organisation's grant alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_github import provider as github
from nhi_revoke_github.access import pat
from nhi_revoke_github.access.pat import KIND, held
from nhi_revoke_github.permissions import ORG_TOKENS
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.routes_tokens import A_JOB, new_pat
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.state import ORG, Token
from nhi_revoke_local import provider as local
from tests.contract.github_incidents import ByAppSandbox, ByTokenSandbox

from .conftest import START, USER, Bench, seeded

ONE = "POST /orgs/<org>/personal-access-tokens/<int:pat>"
MANY = "POST /orgs/<org>/personal-access-tokens"


@pytest.fixture(params=["app", "both"])
def by_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The operator signs in as a GitHub App, alone or beside a token."""
    with seeded(tmp_path, request.param) as made:
        yield made


def granted(bench: Bench) -> Token:
    return next(t for t in bench.hub.tokens.values() if t.org_access is not None and t.name == "nightly export")


def steps(bench: Bench, **intent: str) -> list[Step]:
    return [s for s in bench.steps(USER, **intent) if s.does.startswith(f"{KIND}/")]


def more(bench: Bench, count: int) -> None:
    with bench.hub.lock:
        for number in range(count):
            new_pat(bench.hub, seed.LOGIN, START, f"bulk {number}", contents="read")


# -- looking -----------------------------------------------------------------------------------------------------------


def test_a_token_of_a_person_may_not_list_them_which_is_no_none(bench: Bench) -> None:
    """Facts 2.4, 6 and 13."""
    [spot] = [f for f in bench.collect(USER, KIND) if not isinstance(f, Access)]
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    assert "a GitHub App with organization_personal_access_tokens" in spot.needs
    assert spot.covered_by == ("github:membership/remove",)
    assert bench.accesses(USER, KIND) == {}
    with pytest.raises(Denied) as said:
        held(bench.conn, seed.LOGIN)
    assert said.value.needs.startswith("organization_personal_access_tokens")


@pytest.mark.parametrize("size", [1, 100])
def test_each_token_by_the_id_of_its_grant(by_app: Bench, size: int) -> None:
    """Facts 2.4, 5: `id` is what is revoked, and `token_id` is another number."""
    more(by_app, 3)
    by_app.sandbox.page_size(size)
    found = by_app.accesses(USER, KIND)
    live = [a for a in found.values() if a.state == "live"]
    token = granted(by_app)
    access = found[f"{KIND}/{ORG}/{token.credential_id}"]
    assert len(live) == 4
    assert token.credential_id != token.id
    assert (access.door, access.before["token_id"]) == (str(token.id), token.id)
    assert access.label == "fine-grained token nightly export"
    assert access.expires is not None
    assert access.note == "all repositories: contents:write, metadata:read"
    assert token.value not in repr(found)


def test_what_waits_for_approval_is_told_and_lets_nobody_in(by_app: Bench) -> None:
    [waiting] = [a for a in by_app.accesses(USER, KIND).values() if "/request/" in a.id]
    assert (waiting.state, waiting.opens) == ("disabled", False)
    assert "administration:write" in waiting.note
    told = [d for d in by_app.draft(USER) if isinstance(d, Notice) and "waits for an owner" in d.says]
    assert len(told) == 1
    assert waiting.id not in {each for step in steps(by_app) for each in step.ends}


def test_waiting_tokens_that_may_not_be_seen_hide_none_of_the_others(by_app: Bench) -> None:
    by_app.resolve(USER)
    by_app.sandbox.fault("GET /orgs/<org>/personal-access-token-requests", "denied", 9)
    found = by_app.collect(USER, KIND)
    [spot] = [f for f in found if isinstance(f, BlindSpot)]
    assert "wait for approval" in spot.why
    assert len([f for f in found if isinstance(f, Access)]) == 1


def test_somebody_elses_are_not_taken_for_the_users(by_app: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not know the filter answers with everybody's."""
    with by_app.hub.lock:
        new_pat(by_app.hub, seed.OPERATOR, START, "the owner's own", contents="write")
    assert len(held(by_app.conn, seed.LOGIN)) == 1
    monkeypatch.setattr(pat, "_of", lambda login: {"owner": login})
    assert len(held(by_app.conn, seed.LOGIN.upper())) == 1


def test_an_expired_one_is_not_ended_again(by_app: Bench) -> None:
    with by_app.hub.lock:
        granted(by_app).expires = START - timedelta(days=1)
    assert [a.state for a in by_app.accesses(USER, KIND).values()] == ["expired", "disabled"]
    assert steps(by_app) == []


# -- ending ------------------------------------------------------------------------------------------------------------


def test_one_token_is_revoked_and_no_other(by_app: Bench) -> None:
    with by_app.hub.lock:
        other = new_pat(by_app.hub, seed.OPERATOR, START, "the owner's own", contents="write")
    token = granted(by_app)
    [step] = steps(by_app)
    assert not step.reversible
    assert by_app.doors()["pat"]
    assert by_app.doer(step.does).check(by_app.conn, step) is None
    assert by_app.seen(step) is None
    assert isinstance(by_app.do(step), Done)
    assert by_app.seen(step) == {"granted": False}
    assert by_app.prove(step).proof is Proof.RECORDED
    assert not by_app.doors()["pat"]
    assert by_app.writes() == [ONE]
    assert other.org_access is not None
    assert other.org_access.shown
    assert token.status.shown == "active", "the token itself lives on: it survives, and that is said"
    assert "public data" in by_app.doer(step.does).survives
    assert "may ask for access again" in by_app.doer(step.does).survives
    assert isinstance(by_app.undo(step), Impossible)


def test_twice_is_already(by_app: Bench) -> None:
    [step] = steps(by_app)
    by_app.do(step)
    assert isinstance(by_app.do(step), Already)


def test_an_answer_that_was_lost_is_asked_for_again_and_found_done(by_app: Bench) -> None:
    [step] = steps(by_app)
    by_app.sandbox.fault(ONE, "lost", 1)
    assert isinstance(by_app.do(step), Already)
    assert by_app.seen(step) == {"granted": False}
    assert by_app.writes() == [ONE, ONE]


def test_a_404_of_what_is_listed_is_no_already(by_app: Bench) -> None:
    """Facts 2.4, 13."""
    [step] = steps(by_app)
    by_app.sandbox.fault(ONE, "denied", 1)
    with pytest.raises(Denied) as said:
        by_app.do(step)
    assert said.value.needs.startswith("organization_personal_access_tokens")
    assert by_app.doors()["pat"]


@pytest.mark.parametrize(
    "changes", [{"app_id": ""}, {"private_key_file": "/nowhere"}], ids=["no App", "an App without its key"]
)
def test_an_operator_who_may_not_is_told_the_way_by_hand(tmp_path: Path, changes: dict[str, Any]) -> None:
    with seeded(tmp_path, "both") as bench:
        [step] = steps(bench)
        no = bench.doer(step.does).check(bench.connect(**changes), step)
    assert isinstance(no, Impossible)
    assert "Active tokens" in no.manual


def test_many_are_asked_for_at_once_and_that_is_a_request(by_app: Bench) -> None:
    """Facts 2.4, 3 and 4: 202 is no proof, and more than a hundred ids are refused."""
    more(by_app, 110)
    planned = steps(by_app)
    assert [(s.does, len(s.ends)) for s in planned] == [(f"{KIND}/revoke-many", 100), (f"{KIND}/revoke-many", 11)]
    for step in planned:
        assert isinstance(by_app.do(step), Done)
        assert by_app.seen(step) is None
        proven = by_app.prove(step)
        assert proven.proof is Proof.REQUESTED
        assert "still listed" in proven.how
    assert by_app.doors()["pat"], "accepted, and not yet done"
    by_app.sandbox.advance(A_JOB.total_seconds() + 1)
    for step in planned:
        assert by_app.seen(step) == {"granted": False}
        assert by_app.prove(step).proof is Proof.RECORDED
        assert isinstance(by_app.do(step), Already)
    assert not by_app.doors()["pat"]
    assert by_app.writes() == [MANY, MANY]


def test_only_the_wanted_one(by_app: Bench) -> None:
    more(by_app, 2)
    wanted = f"{KIND}/{ORG}/{granted(by_app).credential_id}"
    assert [s.ends for s in steps(by_app, scope=wanted)] == [(wanted,)]


def test_what_is_declared_is_enough(by_app: Bench) -> None:
    [step] = steps(by_app)
    [kind] = [k for k in by_app.kinds.values() if k.name == KIND]
    by_app.sandbox.allow_only([*kind.reads, *by_app.doer(step.does).permissions, "metadata:read"])
    assert len(by_app.accesses(USER, KIND)) == 2
    assert isinstance(by_app.do(step), Done)
    assert ORG_TOKENS.write in by_app.doer(step.does).permissions


# -- under the engine --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "ended"),
    [(Intent(rotate="no"), True), (Intent(rotate="no", scope="sessions"), True), (Intent(scope="keys"), False)],
)
@pytest.mark.parametrize("sandbox", [GithubSandbox, ByAppSandbox])
def test_a_whole_run_by_an_app_tells_of_each_token_what_came_of_it(
    tmp_path: Path, intent: Intent, ended: bool, sandbox: type[GithubSandbox]
) -> None:
    with World(github, tmp_path, beside=(local,), make_sandbox=sandbox) as world:
        report = world.run(world.plan(intent))
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND and o.access.state != "disabled"]
        assert (outcome.fate == "ended", outcome.proof is Proof.RECORDED) == (ended, ended)
        assert world.doors()["github/pat"] is not ended
        assert mispredicted(world, report) == []
        again = world.run(world.plan(intent))
        assert not [s for s in again.steps if s.does.startswith(f"{KIND}/")] or not ended


def test_a_run_by_a_token_of_a_person_ends_them_by_the_membership_or_says_unseen(tmp_path: Path) -> None:
    with World(github, tmp_path, beside=(local,), make_sandbox=ByTokenSandbox) as world:
        report = world.run(world.plan(Intent(rotate="no", scope="sessions")))
        assert [b.needs for b in report.blind if b.kind == KIND and b.counts] == [pat.AN_APP]
        assert world.doors()["github/pat"]
        assert mispredicted(world, report) == []
        report = world.run(world.plan(Intent(rotate="no")))
        assert not [b for b in report.blind if b.kind == KIND and b.counts]
        assert not world.doors()["github/pat"]
        assert mispredicted(world, report) == []
