"""The pool of a workload and its providers: what each switch ends, and what lives on (facts gcp.md 2; 7: 2, 17)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.error import Refused
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Notice, Phase, Residual, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.pools import Pool, PoolProvider
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox

from .conftest import START, Bench, world

JOBS = f"gcp:workload/{seed.JOBS}"
POOL, PROVIDER, TOKEN = "gcp:workload-identity-pool", "gcp:workload-identity-provider", "gcp:federated-token"
PATCH = "PATCH /v1/projects/<project>/locations/global/workloadIdentityPools/<pool>"
BY_POOL = {"federation", "exchange", "federated-token"}
OF_SHOP = f"attribute.repository/{seed.REPOSITORY}"
GITHUB = f"{PROVIDER}/{seed.POOL}/providers/{seed.FORGE}/{OF_SHOP}"
THE_POOL = f"{POOL}/{seed.POOL}/{OF_SHOP}"


class Clocked(Bench):
    clock: MovableClock


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Clocked]:
    """With the workload; no lag."""
    sandbox, clock = GcpSandbox(entropy=1, deliver=False, workload=True), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    made = Clocked(sandbox, clock)
    made.clock = clock
    yield made
    made.io.close()
    sandbox.close()


def pool(bench: Bench) -> Pool:
    return bench.cloud.pools.by_name[seed.POOL]


def github(bench: Bench) -> PoolProvider:
    return pool(bench).providers[seed.FORGE]


def off(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(JOBS, brake="on") if s.does == f"{POOL}/disable"]
    return step


def cut(bench: Bench, **intent: Any) -> Step:
    [step] = [s for s in bench.steps(JOBS, cut_trust=(GITHUB,), **intent) if s.does == f"{PROVIDER}/disable"]
    return step


def later(bench: Clocked, seconds: float) -> None:
    bench.clock.advance(seconds)


# -- the pool --------------------------------------------------------------------------------------------------------


def test_the_pool_is_stopped_only_where_the_operator_names_it(bench: Bench) -> None:
    """Facts gcp.md 7, 17: it hits every workload of the pool."""
    assert not bench.steps(JOBS)
    said = [d.says for d in bench.draft(JOBS) if isinstance(d, Notice)]
    assert any("stops every workload of it: --brake on" in each for each in said)
    for intent in ({"brake": "on"}, {"cut_trust": (THE_POOL,)}, {"scope": THE_POOL}):
        [step] = bench.steps(JOBS, **intent)
        assert (step.does, step.phase, step.brake, step.rearms) == (f"{POOL}/disable", Phase.CUT, True, 3600.0)
    assert not bench.steps(JOBS, brake="on", order="rollover")


def test_what_breaks_is_how_many_others_are_trusted(bench: Bench) -> None:
    assert off(bench).breaks.endswith(f"accounts trust 1 other members of it ({seed.JOB})")
    bench.sandbox.allow_only(["iam.workloadIdentityPools.get", "iam.workloadIdentityPoolProviders.list"])
    assert off(bench).breaks.endswith("how many others accounts trust was not looked at")
    bench.sandbox.allow_only(
        [
            "iam.workloadIdentityPools.get", "iam.workloadIdentityPoolProviders.list", "resourcemanager.projects.get",
            "iam.serviceAccounts.list",
        ]
    )  # fmt: skip
    assert off(bench).breaks.endswith("accounts trust at least 0 other members of it")


def test_its_tokens_are_refused_while_it_is_disabled_and_taken_again_after(bench: Bench) -> None:
    """Facts gcp.md 7, 2 and 17."""
    before = bench.open_doors()
    step = off(bench)
    assert bench.seen(step) is None
    change = bench.do(step)
    assert isinstance(change, Done)
    assert change.left == {"enabled": False, "denies": "everything"} == bench.seen(step)
    assert bench.writes() == [PATCH]
    assert before - bench.open_doors() == BY_POOL
    assert "by Google's documents" in bench.prove(step).how
    assert isinstance(bench.undo(step), Done)
    assert bench.open_doors() == before, "a token that was out is taken again"
    assert not pool(bench).disabled.shown


def test_a_token_that_has_expired_meanwhile_is_not_taken_again(bench: Clocked) -> None:
    step = off(bench)
    bench.do(step)
    later(bench, float(step.rearms) + 1)
    bench.undo(step)
    assert "federated-token" not in bench.open_doors()


def test_one_that_was_disabled_before_stays_so_and_is_no_brake(bench: Clocked) -> None:
    pool(bench).disabled.set(True, bench.sandbox.now(), 0)
    step = off(bench)
    assert (step.brake, step.rearms, step.breaks) == (False, "no", "")
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Already)
    assert not bench.writes()
    [access] = bench.accesses(JOBS, POOL).values()
    assert access.state == "disabled"
    assert "work again once somebody enables it" in access.note


def test_what_this_run_did_not_disable_is_not_enabled(bench: Bench) -> None:
    step = off(bench)
    pool(bench).disabled.set(True, bench.sandbox.now(), 0)
    assert isinstance(bench.undo(step), Failed)
    assert not bench.writes()


def test_a_deleted_pool_is_shown_as_such(bench: Bench) -> None:
    """Facts gcp.md 2: 30 days; whoever undeletes it gives its tokens back."""
    step = off(bench)
    bench.do(step)
    bench.sandbox.meddle("delete-pool")
    change = bench.undo(step)
    assert isinstance(change, Impossible)
    assert "undelete ci" in change.manual
    bench.conn = bench.connect()
    [access] = bench.accesses(JOBS, POOL).values()
    assert access.state == "disabled"
    assert "is deleted" in access.note
    assert "until 2026-12-28" in access.note
    assert not bench.open_doors() & BY_POOL


def test_what_is_read_again_later_is_read_anew(bench: Clocked) -> None:
    """Several kinds share a read; a look after a change does not hear what was there before."""
    [before] = bench.accesses(JOBS, POOL).values()
    pool(bench).disabled.set(True, bench.sandbox.now(), 0)
    assert [a.state for a in bench.accesses(JOBS, POOL).values()] == ["live"] == [before.state]
    later(bench, 10)
    assert [a.state for a in bench.accesses(JOBS, POOL).values()] == ["disabled"]


def test_an_operation_that_still_runs_is_waited_for(bench: Clocked) -> None:
    """The answer to PATCH is an operation: until it is over the pool shows what it was."""
    bench.sandbox.lag(60, 0)
    step = off(bench)
    bench.do(step)
    assert bench.seen(step) is None
    later(bench, 3)
    assert bench.seen(step)
    assert "federated-token" in bench.open_doors(), "seen is not settled"
    later(bench, 60)
    assert not bench.open_doors() & BY_POOL


def test_an_answer_that_was_lost_is_looked_for(bench: Bench) -> None:
    bench.sandbox.fault(PATCH, "lost", times=1)
    step = off(bench)
    bench.do(step)
    assert bench.seen(step)


def test_without_the_right_nothing_is_changed(bench: Bench) -> None:
    step = off(bench)
    bench.sandbox.allow_only(["iam.workloadIdentityPools.get"])
    with pytest.raises(Denied) as denied:
        bench.do(step)
    assert denied.value.needs == "iam.workloadIdentityPools.update"
    assert bench.seen(step) is None


# -- the provider ----------------------------------------------------------------------------------------------------


def test_a_provider_ends_where_it_is_named_and_tokens_that_are_out_live_on(bench: Bench) -> None:
    """Facts gcp.md 7, 17: it is not a session kill."""
    before = bench.open_doors()
    step = cut(bench)
    assert (step.phase, step.rearms) == (Phase.END, "always")
    change = bench.do(step)
    assert isinstance(change, Done)
    assert before - bench.open_doors() == {"exchange", "federation"}
    assert "federated-token" in bench.open_doors()
    [until] = change.left["residuals"].values()
    assert until.startswith("2026-11-28T13:00:")
    [residual] = [d for d in bench.draft(JOBS, cut_trust=(GITHUB,)) if isinstance(d, Residual)]
    assert residual.access in change.left["residuals"]
    assert bench.writes() == [f"{PATCH}/providers/<provider>"]
    assert not pool(bench).disabled.shown
    assert bench.seen(step) == change.left
    assert isinstance(bench.undo(step), Done)
    assert bench.open_doors() == before


def test_with_its_pool_disabled_nothing_of_it_lives_on(bench: Bench) -> None:
    assert bench.do(cut(bench, brake="on")).left == {"enabled": False}
    assert not [d for d in bench.draft(JOBS, brake="on") if isinstance(d, Residual)]


def test_a_provider_that_is_off_is_no_open_door(bench: Bench) -> None:
    [live] = bench.accesses(JOBS, PROVIDER).values()
    assert (live.state, live.exposure, live.opens) == ("live", "foreign", True)
    github(bench).disabled.set(True, bench.sandbox.now(), 0)
    bench.conn = bench.connect()
    [one] = bench.accesses(JOBS, PROVIDER).values()
    assert (one.id, one.state, one.exposure, one.opens) == (GITHUB, "disabled", "", False)
    github(bench).disabled.set(False, bench.sandbox.now(), 0)
    github(bench).deleted = bench.sandbox.now()
    bench.conn = bench.connect()
    [one] = bench.accesses(JOBS, PROVIDER).values()
    assert one.state == "disabled"
    assert "deleted now" in one.note


def test_somebody_who_deleted_the_provider_is_told(bench: Bench) -> None:
    step = cut(bench)
    bench.do(step)
    github(bench).deleted = bench.sandbox.now()
    assert isinstance(bench.undo(step), Impossible)


def test_providers_that_cannot_make_this_workload_are_not_told(bench: Bench) -> None:
    other = {"oidc": {"issuerUri": "https://gitlab.example.com"}}
    mapping = {"google.subject": "assertion.sub"}
    bench.cloud.pools.add_provider(pool(bench), "gitlab", bench.sandbox.now(), other, mapping, "")
    assert set(bench.accesses(JOBS, PROVIDER)) == {GITHUB}
    assert len(bench.accesses(f"gcp:workload/{seed.JOB}", PROVIDER)) == 2


# -- tokens of the sandbox -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"repository_owner": "others"}, {"issuer": "https://gitlab.example.com"}, {"old": True}],
    ids=["condition", "issuer", "expired"],
)
def test_the_token_service_takes_what_the_provider_asks_for_alone(bench: Clocked, change: dict[str, Any]) -> None:
    claims = {"sub": seed.BRANCH, "repository": seed.REPOSITORY, "repository_owner": seed.OWNER, "ref": "x"}
    issuer, old = change.pop("issuer", seed.ISSUER), change.pop("old", False)
    value = bench.cloud.pools.issue(issuer, bench.sandbox.now(), **{**claims, **change})
    if old:
        later(bench, 301)
    audience = f"//iam.googleapis.com/{seed.POOL}/providers/{seed.FORGE}"
    with pytest.raises(ValueError, match=r"valid|condition"):
        bench.cloud.pools.exchanged(audience, value, bench.sandbox.now())


# -- a whole run -----------------------------------------------------------------------------------------------------


def test_a_provider_that_appears_during_the_run_is_not_missed(tmp_path: Path) -> None:
    with world(tmp_path, workload=True, deliver=False) as whole:
        plan = whole.plan()
        pool_ = whole.gcp.cloud.pools.by_name[seed.POOL]
        late = {"oidc": {"issuerUri": "https://gitlab.example.com"}}
        mapping = {"google.subject": "assertion.sub", "attribute.repository": "assertion.project_path"}
        whole.gcp.cloud.pools.add_provider(pool_, "late", whole.gcp.now(), late, mapping, "")
        report = whole.run(plan)
    assert f"{PROVIDER}/{seed.POOL}/providers/late/{OF_SHOP}" in {o.access.id for o in report.outcomes} | {
        door.access for door in report.open
    }


def test_named_the_pool_is_the_brake_and_release_waits_for_stolen_tokens_to_die(tmp_path: Path) -> None:
    """Facts gcp.md 7, 2."""
    with world(tmp_path, workload=True, deliver=False, intent=Intent(rotate="no", brake="on")) as whole:
        report = whole.run()
        doors = whole.doors()
        fates = {o.access.id: o.fate for o in report.outcomes}
        with whole.engine() as engine, pytest.raises(Refused) as refused:
            engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
        with whole.engine() as engine:
            engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
        after = whole.doors()
    assert report.state == "held"
    assert fates[THE_POOL] == fates[GITHUB] == "ended"
    assert {fate for each, fate in fates.items() if each.startswith(TOKEN)} == {"ended"}
    left = {name for name, is_open in doors.items() if is_open}
    assert left == {"gcp/reach"}, "a key of another account, which waits for the next plan"
    assert refused.value.code == "re-arms"
    opened = {name for name, is_open in after.items() if is_open}
    assert "gcp/exchange" in opened, "whoever rightly works through the pool does so again"
    assert "gcp/federated-token" not in opened


def test_two_workloads_of_one_pool_share_its_switch(tmp_path: Path) -> None:
    """Whichever is first stops it; undo enables it once, and nothing is left behind."""
    with world(tmp_path, workload=True, deliver=False, intent=Intent(rotate="no", brake="on")) as whole:
        identity = Identity("two", (PrincipalRef.parse(JOBS), PrincipalRef.parse(f"gcp:workload/{seed.JOB}")))
        with whole.engine() as engine:
            intent = Intent(rotate="no", brake="on")
            plan = engine.plan(engine.inventory(identity, intent, logs=False), intent)
            report = engine.run(plan, "revoke", YES)
        fates = {(str(o.access.on), o.access.kind): o.fate for o in report.outcomes}
        shut = whole.doors()
        whole.clock.advance(3601)
        whole.undo(report.run)
        opened = whole.doors()
        disabled = whole.gcp.cloud.pools.by_name[seed.POOL].disabled.shown
    for who in (JOBS, f"gcp:workload/{seed.JOB}"):
        assert {fates[who, kind] for kind in (POOL, PROVIDER, TOKEN)} == {"ended"}
    assert not {"gcp/exchange", "gcp/federated-token", "gcp/federation"} & {n for n, is_open in shut.items() if is_open}
    assert opened["gcp/exchange"]
    assert not disabled
