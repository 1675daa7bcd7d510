"""Client secrets of an API service integration, and the tokens that they minted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Phase, Residual, Step
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_okta.access.api_service_secret import KIND
from nhi_revoke_okta.access.api_service_token import KIND as TOKEN
from nhi_revoke_okta.sandbox import routes_services
from nhi_revoke_okta.sandbox.plant_service import NAME
from nhi_revoke_okta.sandbox.state import ClientSecret, Service

from .conftest import START, Bench, Whole

SERVICE = f"okta:api-service/{NAME}"
HOUR = timedelta(minutes=60)
POST = "POST /integrations/api/v1/api-services/<service>/credentials/secrets"
ONE = f"{POST.removeprefix('POST ')}/<secret>"
OFF, ON, GONE = f"POST {ONE}/lifecycle/deactivate", f"POST {ONE}/lifecycle/activate", f"DELETE {ONE}"


def service(bench: Bench) -> Service:
    [found] = bench.org.services.values()
    return found


def secrets(bench: Bench) -> dict[str, ClientSecret]:
    return {i: s for i, s in service(bench).client.secrets.items() if s.status.shown != "GONE"}


def statuses(bench: Bench) -> list[str]:
    return [str(s.status.shown) for s in secrets(bench).values()]


def only_one(bench: Bench) -> ClientSecret:
    """As an integration is made: with one secret."""
    held = service(bench).client.secrets
    idle = next(i for i, s in held.items() if s.status.shown == "INACTIVE")
    del held[idle]
    return next(iter(held.values()))


def ending(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(SERVICE) if s.phase is Phase.END]
    return step


# -- looking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_both_secrets_and_the_tokens_are_found_and_no_value_is(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    found = bench.accesses(SERVICE)
    assert sorted((a.kind, a.state) for a in found.values()) == [
        (KIND, "disabled"), (KIND, "live"), (TOKEN, "unknown"),
    ]  # fmt: skip
    assert {a.id for a in found.values() if a.kind == KIND} == {
        f"{KIND}/{service(bench).id}/{secret}" for secret in secrets(bench)
    }
    for secret in secrets(bench).values():
        assert secret.value not in repr(found)
        assert secret.value[-4:] not in repr(found), "the masked form is no label either"


def test_it_is_found_by_its_name_and_by_its_id(bench: Bench) -> None:
    assert bench.resolve(SERVICE).ref == bench.resolve(f"okta:api-service/{service(bench).id}").ref


def test_a_denied_listing_raises_with_its_scope(bench: Bench) -> None:
    bench.resolve(SERVICE)
    bench.sandbox.fault("GET " + POST.removeprefix("POST "), "denied", 9)
    with pytest.raises(Denied) as said:
        bench.collect(SERVICE, KIND)
    assert said.value.needs == "okta.oauthIntegrations.read"


def test_exactly_the_declared_scopes(bench: Bench) -> None:
    kinds = [bench.kinds[KIND], bench.kinds[TOKEN]]
    allowed = {p for k in kinds for p in k.reads} | {p for d in bench.kinds[KIND].remedies for p in d.permissions}
    bench.sandbox.allow_only(sorted(allowed))
    assert isinstance(bench.do(ending(bench)), Done)


# -- ending ------------------------------------------------------------------------------------------------------------


def test_the_secret_ends_and_nothing_else_does(bench: Bench) -> None:
    step = ending(bench)
    assert step.does == f"{KIND}/deactivate"
    before = bench.doors()
    assert isinstance(bench.do(step), Done)
    seen = bench.seen(step)
    assert seen["status"] == "INACTIVE"
    assert statuses(bench) == ["INACTIVE", "INACTIVE"]
    assert bench.writes() == [OFF]
    changed = {name for name, was in before.items() if bench.doors()[name] != was}
    assert changed == {"api-service-secret"}
    assert bench.doors()["api-service-token"], "a token outlives the secret that minted it (facts 1.3)"


def test_what_its_tokens_have_left_is_told_by_the_step(bench: Bench) -> None:
    [residual] = [d for d in bench.draft(SERVICE) if isinstance(d, Residual)]
    assert residual.access.startswith(f"{TOKEN}/127.0.0.1:")
    assert residual.access.endswith(f"/{service(bench).id}/*")
    assert residual.until is not None
    assert abs(residual.until - START - HOUR) < timedelta(seconds=5)
    step = ending(bench)
    bench.sandbox.advance(600)
    bench.do(step)
    seen = bench.seen(step)
    assert list(seen["residuals"]) == [residual.access]
    assert "2026-11-28T13:10" in seen["residuals"][residual.access]
    bench.sandbox.advance(3600)
    assert not bench.doors()["api-service-token"]


def test_twice_is_already(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [OFF]


def test_undo_activates_only_what_this_run_left(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.doors()["api-service-secret"]
    assert isinstance(bench.undo(step), Already)
    stolen = service(bench).client.secrets[step.ends[0].rpartition("/")[2]]
    bench.do(step)
    with bench.org.lock:
        stolen.status.set("GONE", bench.sandbox.now(), 0)
    assert isinstance(bench.undo(step), Failed)


@pytest.mark.parametrize("only", [True, False])
@pytest.mark.parametrize("status", ["gone", "INACTIVE"])
def test_what_somebody_else_ended_meanwhile_has_minted_until_then(bench: Bench, status: str, only: bool) -> None:
    """Ten minutes after the list: a token that it minted just before lives longer than the list foretold."""
    if only:
        only_one(bench)
    step = ending(bench)
    bench.sandbox.advance(600)
    mine = step.ends[0].rpartition("/")[2]
    with bench.org.lock:
        if status == "gone":
            del service(bench).client.secrets[mine]
        else:
            service(bench).client.secrets[mine].status.set("INACTIVE", bench.sandbox.now(), 0)
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["status"] == status
    [(access, until)] = change.left["residuals"].items()
    assert access.startswith(f"{TOKEN}/")
    assert "2026-11-28T13:10" in until
    assert bench.seen(step) == change.left
    assert bench.writes() == []


# -- the only secret ---------------------------------------------------------------------------------------------------


def test_an_only_secret_is_not_deactivated_by_itself(bench: Bench) -> None:
    """Facts 1.4, 3. Planned with two, one was deleted since: Okta refuses, and the step says what to do."""
    step = ending(bench)
    only_one(bench)
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "API Service Integrations" in change.manual
    assert statuses(bench) == ["ACTIVE"]


def test_an_only_secret_ends_with_a_second_one_beside_it_for_a_moment(bench: Bench) -> None:
    stolen = only_one(bench)
    step = ending(bench)
    assert step.does == f"{KIND}/replace"
    assert isinstance(bench.do(step), Done)
    assert list(secrets(bench)) == [stolen.id], "what was made for a moment is gone again"
    assert statuses(bench) == ["INACTIVE"]
    assert bench.writes() == [POST, OFF, OFF, GONE]
    assert not bench.doors()["api-service-secret"]
    assert isinstance(bench.do(step), Already)
    made = bench.org.secrets[-1]
    assert made not in repr(bench.run.lefts)
    assert not bench.run.secrets, "nobody receives it"
    assert isinstance(bench.undo(step), Done)
    assert statuses(bench) == ["ACTIVE"]


def test_what_cannot_be_deleted_again_is_said(bench: Bench) -> None:
    only_one(bench)
    step = ending(bench)
    bench.sandbox.fault(GONE, "denied", 9)
    change = bench.do(step)
    assert isinstance(change, Done)
    assert "known to nobody" in str(change.left["leaves"])
    assert not bench.doors()["api-service-secret"]
    assert statuses(bench) == ["INACTIVE", "INACTIVE"]


def test_a_lost_answer_to_the_second_one_is_not_asked_twice(bench: Bench) -> None:
    """The next attempt finds two and makes no third; who appeared is the engine's to end, never to delete."""
    only_one(bench)
    step = ending(bench)
    bench.sandbox.fault(POST, "lost")
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == [POST, OFF]
    assert statuses(bench) == ["INACTIVE", "ACTIVE"]
    assert [s.does for s in bench.steps(SERVICE)] == [f"{KIND}/deactivate"]


def test_where_no_second_one_can_be_made_it_is_by_hand(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one(bench)
    step = ending(bench)
    monkeypatch.setattr(routes_services, "SLOTS", 1)
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "API Service Integrations" in change.manual
    bench.sandbox.fault(POST, "denied", 9)
    with pytest.raises(Denied) as said:
        bench.do(step)
    assert said.value.needs == "okta.oauthIntegrations.manage"
    assert statuses(bench) == ["ACTIVE"]


def test_an_end_that_is_refused_leaves_no_second_one(bench: Bench) -> None:
    stolen = only_one(bench)
    step = ending(bench)
    bench.sandbox.fault(OFF, "denied", 1)
    with pytest.raises(Denied):
        bench.do(step)
    assert list(secrets(bench)) == [stolen.id]
    assert statuses(bench) == ["ACTIVE"]


def test_the_integration_itself_is_never_deleted(bench: Bench) -> None:
    """It would take its scopes with it, for good."""
    only_one(bench)
    for brake in ("auto", "on"):
        steps = bench.steps(SERVICE, brake=brake, reason=Reason.OFFBOARDING)
        assert {s.does for s in steps} == {f"{KIND}/replace"}
    bench.do(steps[0])
    assert "DELETE /integrations/api/v1/api-services/<service>" not in bench.writes()


# -- finishing ---------------------------------------------------------------------------------------------------------


def test_finish_deletes_only_what_is_still_inactive(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    finish = replace(step, id="finish-s0", does=f"{KIND}/delete", phase=Phase.FINISH)
    with bench.org.lock:
        stolen = service(bench).client.secrets[step.ends[0].rpartition("/")[2]]
        stolen.status.set("ACTIVE", bench.sandbox.now(), 0)
    assert isinstance(bench.do(finish), Failed)
    bench.do(step)
    assert isinstance(bench.do(finish), Done)
    assert bench.do(finish) == Already({"status": "gone"})


def test_finish_deletes_the_only_one_too(bench: Bench) -> None:
    only_one(bench)
    step = ending(bench)
    bench.do(step)
    finish = replace(step, id="finish-s0", does=f"{KIND}/delete", phase=Phase.FINISH)
    assert isinstance(bench.do(finish), Done)
    assert not secrets(bench)


# -- the sandbox's own rules -------------------------------------------------------------------------------------------


def test_the_sandbox_keeps_to_oktas_rules(bench: Bench) -> None:
    path = f"/integrations/api/v1/api-services/{service(bench).id}"
    shown = bench.conn.get(f"{path}/credentials/secrets", "")
    assert all(row["client_secret"].startswith("***") for row in shown), "facts 1.1: masked, unlike an app's"
    active = next(i for i, s in secrets(bench).items() if s.status.shown == "ACTIVE")
    for refused in (("POST", f"{path}/credentials/secrets"), ("DELETE", f"{path}/credentials/secrets/{active}")):
        with pytest.raises(Exception, match="E0000001"):
            bench.conn.send(*refused, "")
    bench.conn.send("DELETE", path, "")
    assert not bench.doors()["api-service-secret"]


# -- under the engine --------------------------------------------------------------------------------------------------


def only_the_service(whole: Whole) -> str:
    return next(p for p in whole.seeded.principals if p.startswith("okta:api-service/"))


def wrongly_told(whole: Whole, report: Report) -> list[str]:
    """Of this principal's doors: the run was of it alone."""
    return [line for line in mispredicted(whole, report) if "okta/api-service" in line]


def test_a_whole_run_says_what_lasts(whole: Whole) -> None:
    report = whole.run(whole.plan(Intent(rotate="no"), name=only_the_service(whole)))
    assert (report.exit_code, report.blind) == (6, ())
    fates = {o.access.kind: o.fate for o in report.outcomes if o.access.state != "disabled"}
    assert fates == {KIND: "ended", TOKEN: "lasts"}
    assert report.residual_until is not None
    assert not wrongly_told(whole, report)
    assert "api-service-token" in whole.open_doors()
    assert "api-service-secret" not in whole.open_doors()


def test_an_only_secret_whose_second_one_was_lost_ends_with_nothing_live(whole: Whole) -> None:
    with whole.okta.org.lock:
        [found] = whole.okta.org.services.values()
        idle = next(i for i, s in found.client.secrets.items() if s.status.shown == "INACTIVE")
        del found.client.secrets[idle]
    whole.okta.fault(POST, "lost")
    report = whole.run(whole.plan(Intent(rotate="no"), name=only_the_service(whole)))
    assert report.exit_code == 6, "only the token is left"
    assert {s.status.shown for s in found.client.secrets.values()} == {"INACTIVE"}
    assert not wrongly_told(whole, report)


def test_a_whole_run_without_the_manage_scope_changes_nothing_and_says_so(whole: Whole) -> None:
    whole.okta.allow_only(["okta.oauthIntegrations.read", "okta.users.read", "okta.logs.read"])
    report = whole.run(whole.plan(Intent(rotate="no"), name=only_the_service(whole)))
    assert report.exit_code == 1
    assert [s.result for s in report.steps] == ["failed"]
    assert whole.mutations() == 1, "asked once, and refused"
    assert not wrongly_told(whole, report)
