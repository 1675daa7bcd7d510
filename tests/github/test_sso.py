"""Credentials that single sign-on lets in: one by one, and a whole user's at once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access.sso_authorization import KIND
from nhi_revoke_github.sandbox import plant_tokens, seed
from nhi_revoke_github.sandbox.routes_tokens import A_JOB
from nhi_revoke_github.sandbox.state import ORG, Authorization

from .conftest import USER, Bench, Whole

ONE = "DELETE /orgs/<org>/credential-authorizations/<int:number>"
ALL_OF_ONE = "POST /orgs/<org>/credential-authorizations/<login>/revoke"


def steps(bench: Bench, **intent: str) -> list[Step]:
    return [s for s in bench.steps(USER, **intent) if s.does.startswith(f"{KIND}/")]


def of(bench: Bench, kind: str) -> Authorization:
    return next(a for a in bench.hub.authorizations.values() if a.type == kind)


def scoped(bench: Bench, kind: str = "personal access token") -> Step:
    [step] = steps(bench, scope=f"{KIND}/{ORG}/{of(bench, kind).id}")
    return step


# -- looking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100])
def test_each_credential_and_nobody_elses(bench: Bench, size: int) -> None:
    with bench.hub.lock:
        theirs = bench.hub.new_token("ghp", seed.OPERATOR, seed.long_ago(bench.sandbox.now()), name="theirs")
        plant_tokens.authorize(bench.sandbox.scene, theirs)
    bench.sandbox.page_size(size)
    found = bench.accesses(USER, KIND)
    assert {a.label for a in found.values()} == {"personal access token deploy script", "SSH key build host"}
    token, key = of(bench, "personal access token"), of(bench, "SSH key")
    assert found[f"{KIND}/{ORG}/{token.id}"].door == str(token.token)
    assert found[f"{KIND}/{ORG}/{token.id}"].note == "scopes: repo"
    assert found[f"{KIND}/{ORG}/{key.id}"].before["fingerprint"] == "SHA256:jXzBuildHost"


def test_the_end_of_a_token_is_not_told(bench: Bench) -> None:
    """`token_last_eight` is a part of the secret: it is not taken over."""
    value = bench.hub.tokens[of(bench, "personal access token").token].value
    assert value[-8:] not in repr(bench.accesses(USER, KIND))


def test_without_the_enterprise_plan_it_is_unseen_and_never_none(bench: Bench) -> None:
    """Facts 2.4, 13."""
    bench.resolve(USER)
    bench.hub.enterprise_plan = False
    with pytest.raises(Denied) as said:
        bench.accesses(USER, KIND)
    assert "GitHub Enterprise Cloud with SAML single sign-on" in said.value.needs
    bench.hub.enterprise_plan = True
    bench.sandbox.fault("GET /orgs/<org>/credential-authorizations", "denied", 9)
    with pytest.raises(Denied, match="GitHub answers alike"):
        bench.accesses(USER, KIND)


# -- one ---------------------------------------------------------------------------------------------------------------


def test_one_credential_is_shut_out_and_no_other(bench: Bench) -> None:
    step = scoped(bench)
    assert not step.reversible
    assert bench.doors()["sso-token"]
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"authorized": False}
    assert not bench.doors()["sso-token"]
    assert bench.writes() == [ONE]
    assert [a.label for a in bench.accesses(USER, KIND).values()] == ["SSH key build host"]
    assert isinstance(bench.undo(step), Impossible)
    assert "authorise it again" in bench.doer(step.does).survives


def test_twice_is_already(bench: Bench) -> None:
    step = scoped(bench)
    bench.do(step)
    assert isinstance(bench.do(step), Already)


@pytest.mark.parametrize("number", [0, 2])
def test_an_answer_that_was_lost_is_asked_for_again(bench: Bench, number: int) -> None:
    step = steps(bench)[number]
    bench.sandbox.fault((ONE, ONE, ALL_OF_ONE)[number], "lost", 1)
    assert isinstance(bench.do(step), Already | Done)
    bench.sandbox.advance(60)
    assert bench.seen(step) == {"authorized": False}


def test_a_refusal_of_what_is_listed_is_no_already(bench: Bench) -> None:
    step = scoped(bench)
    bench.sandbox.fault(ONE, "denied", 1)
    with pytest.raises(Denied) as said:
        bench.do(step)
    assert "organization_administration" in said.value.needs
    assert bench.doors()["sso-token"]


# -- all of one user ---------------------------------------------------------------------------------------------------


def test_what_is_listed_goes_first_and_then_whatever_is_not(bench: Bench) -> None:
    planned = steps(bench)
    assert [s.does for s in planned] == [f"{KIND}/revoke", f"{KIND}/revoke", f"{KIND}/revoke-user"]
    assert set(planned[2].ends) == {e for s in planned[:2] for e in s.ends}
    assert bench.doer(planned[2].does).needs == (f"{KIND}/revoke",)
    assert len({s.lock for s in planned}) == 3


def test_a_single_one_needs_no_bulk(bench: Bench) -> None:
    with bench.hub.lock:
        del bench.hub.authorizations[of(bench, "SSH key").id]
    assert [s.does for s in steps(bench)] == [f"{KIND}/revoke"]


def test_accepted_is_a_request_until_the_list_shows_it(bench: Bench) -> None:
    """Facts 2.1 (contradictions) and 2.4, 3; what no list shows goes, too."""
    with bench.hub.lock:
        hidden = bench.hub.new_token("gho", seed.LOGIN, bench.sandbox.now(), name="an OAuth app")
        unlisted = plant_tokens.authorize(bench.sandbox.scene, hidden, "OAuth app token")
        unlisted.listed = False
    bulk = steps(bench)[2]
    assert isinstance(bench.do(bulk), Done)
    assert bench.seen(bulk) is None
    asked = bench.prove(bulk)
    assert (asked.proof, asked.how) == (
        Proof.REQUESTED, "it answered 202, which promises nothing: 2 are still listed",
    )  # fmt: skip
    assert bench.doors()["sso-token"]
    bench.sandbox.advance(A_JOB.total_seconds() + 1)
    assert bench.seen(bulk) == {"authorized": False}
    proven = bench.prove(bulk)
    assert proven.proof is Proof.RECORDED
    assert "do not agree" in proven.how
    assert not bench.doors()["sso-token"]
    assert not unlisted.status.obeyed(bench.sandbox.now())
    assert bench.writes() == [ALL_OF_ONE]


def test_another_users_credentials_stay(bench: Bench) -> None:
    with bench.hub.lock:
        theirs = bench.hub.new_token("ghp", seed.OPERATOR, bench.sandbox.now(), name="theirs")
        kept = plant_tokens.authorize(bench.sandbox.scene, theirs)
    for step in steps(bench):
        bench.do(step)
    bench.sandbox.advance(60)
    assert kept.status.obeyed(bench.sandbox.now())
    assert not any("revoke-all" in call or "credential-type" in call for call in bench.writes())


def test_the_operators_own_token_is_never_asked_for(bench: Bench) -> None:
    """Facts 2.4, 18: by login, whatever its case; in the preflight and again before anything is sent."""
    own = PrincipalRef("github", "user", seed.OPERATOR.upper())
    for step in steps(bench):
        mine = replace(step, on=own)
        for said in (bench.doer(step.does).check(bench.conn, mine), bench.do(mine)):
            assert isinstance(said, Impossible)
            assert "who the operator signs in as" in said.why
    assert bench.writes() == []


def test_what_is_declared_is_enough(bench: Bench) -> None:
    planned = steps(bench)
    [kind] = [k for k in bench.kinds.values() if k.name == KIND]
    bench.sandbox.allow_only([*kind.reads, *(p for s in planned for p in bench.doer(s.does).permissions)])
    assert all(isinstance(bench.do(step), Done) for step in planned)


# -- under the engine --------------------------------------------------------------------------------------------------


def test_a_whole_run_ends_them_and_says_what_is_proven(whole: Whole) -> None:
    report = whole.run(whole.plan(Intent(rotate="no"), name=USER))
    ours = [o for o in report.outcomes if o.access.kind == KIND]
    assert {(o.fate, o.proof) for o in ours} == {("ended", Proof.RECORDED)}
    assert not {"sso-token", "pat"} & whole.open_doors()
    unseen = [b for b in report.blind if b.kind == "github:pat" and b.counts]
    assert unseen == [], "the end of the membership covers what could not be listed"
