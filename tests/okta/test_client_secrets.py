"""Client secrets of an app: listed without their values, ended, taken back, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Notice, Phase, Step
from nhi_revoke.provider.fault import Denied, Missing, NoAnswer, Rejected
from nhi_revoke_okta.access.client_secret import ClientSecrets
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import App, ClientSecret

from .conftest import APP, START, Bench

KIND = "okta:client-secret"
CREATE = "POST /api/v1/apps/<app>/credentials/secrets"
DEACTIVATE = f"{CREATE}/<secret>/lifecycle/deactivate"
DELETE = "DELETE /api/v1/apps/<app>/credentials/secrets/<secret>"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """These tests are about one kind."""
    bench.kinds = {KIND: ClientSecrets()}
    return bench


def app_of(bench: Bench) -> App:
    return bench.sandbox.scene.app


def secrets_of(bench: Bench) -> list[ClientSecret]:
    return list(app_of(bench).secrets.values())


def states(bench: Bench) -> dict[str, str]:
    """By id: what Okta shows."""
    return {s.id: s.status.shown for s in secrets_of(bench) if s.status.shown != "GONE"}


def second(bench: Bench, status: str = "ACTIVE") -> ClientSecret:
    with bench.org.lock:
        return seed.add_secret(bench.org, app_of(bench), START, status)


def only_step(bench: Bench, **intent: Any) -> Step:
    [step] = bench.steps(APP, **intent)
    return step


# -- listing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_both_are_listed_and_no_value_is_kept(bench: Bench, size: int) -> None:
    """Facts 1.4, 5 and 13: the list shows the values in clear."""
    other = second(bench, "INACTIVE")
    bench.sandbox.page_size(size)
    found = bench.accesses(APP)
    app = app_of(bench)
    first = secrets_of(bench)[0]
    assert {i: a.state for i, a in found.items()} == {
        f"{KIND}/{app.id}/{first.id}": "live",
        f"{KIND}/{app.id}/{other.id}": "disabled",
    }
    text = msgspec.json.encode(list(found.values())).decode()
    assert not any(s.value in text for s in secrets_of(bench))
    assert bench.writes() == []


def test_a_denied_listing_is_never_none(bench: Bench) -> None:
    bench.sandbox.allow_only(["okta.apps.read"])
    assert len(bench.accesses(APP)) == 1
    ref = PrincipalRef.parse(APP)
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, ref, bench.io))
    assert said.value.needs == "okta.apps.read"


def test_the_path_has_the_app_id_and_proofs_the_client_id(bench: Bench) -> None:
    """Facts 1.4, 15: an app with a client id of its own."""
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger", START, client_id="ledger-client")
        seed.add_secret(bench.org, app, START)
    [access] = bench.accesses("okta:app/ledger-client").values()
    assert access.id.startswith(f"{KIND}/{app.id}/")
    [step] = bench.steps("okta:app/ledger-client")
    assert isinstance(bench.do(step), Done)
    assert bench.prove(step).proof is Proof.ENFORCED


# -- one of two --------------------------------------------------------------------------------------------------------


def test_one_of_two_is_deactivated_and_nothing_else_changes(bench: Bench) -> None:
    other = second(bench)
    first = secrets_of(bench)[0]
    step = only_step(bench, scope=f"{KIND}/{app_of(bench).id}/{first.id}")
    assert step.does == f"{KIND}/deactivate"
    assert step.rearms == "always"
    assert bench.seen(step) is None
    change = bench.do(step)
    assert isinstance(change, Done)
    assert bench.seen(step) == change.left
    assert states(bench) == {first.id: "INACTIVE", other.id: "ACTIVE"}
    assert bench.writes() == [DEACTIVATE]
    assert not bench.doors()["client-secret"]
    assert isinstance(bench.do(step), Done), "safe to repeat"
    assert states(bench) == {first.id: "INACTIVE", other.id: "ACTIVE"}


def test_ending_asks_nothing_first_and_looks_only_where_it_is_refused(bench: Bench) -> None:
    second(bench)
    step = only_step(bench, scope=f"{KIND}/{app_of(bench).id}/{secrets_of(bench)[0].id}")
    before = len(bench.sandbox.calls())
    bench.do(step)
    assert [c.name for c in bench.sandbox.calls()[before:]] == [DEACTIVATE]
    with bench.org.lock:
        secrets_of(bench)[1].status.set("GONE", START, 0)
    assert isinstance(bench.do(step), Already), "Okta refuses it for the only one, which is inactive by now"


def test_both_of_two_are_deactivated(bench: Bench) -> None:
    second(bench)
    for step in bench.steps(APP):
        assert isinstance(bench.do(step), Done)
    assert set(states(bench).values()) == {"INACTIVE"}
    assert bench.writes() == [DEACTIVATE, DEACTIVATE]


def test_one_of_two_that_became_the_only_one_is_said_and_left(bench: Bench) -> None:
    """Facts 1.4, 3."""
    other = second(bench, "INACTIVE")
    step = only_step(bench)
    with bench.org.lock:
        other.status.set("GONE", START, 0)
    was = states(bench)
    with pytest.raises(Rejected, match="make a new plan"):
        bench.do(step)
    assert states(bench) == was


def test_undo_activates_it_again_only_as_this_run_left_it(bench: Bench) -> None:
    second(bench, "INACTIVE")
    before = states(bench)
    step = only_step(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert states(bench) == before
    assert bench.doors()["client-secret"]
    assert isinstance(bench.undo(step), Already)
    bench.do(step)
    with bench.org.lock:
        secrets_of(bench)[0].status.set("GONE", START, 0)
    assert isinstance(bench.undo(step), Failed)


def test_what_was_inactive_before_stays_so_and_nothing_is_drafted_for_it(bench: Bench) -> None:
    second(bench, "INACTIVE")
    [step] = bench.steps(APP)
    assert step.ends[0].endswith(secrets_of(bench)[0].id)


# -- the only one ------------------------------------------------------------------------------------------------------


def test_the_only_one_is_ended_behind_a_throw_away(bench: Bench) -> None:
    """Facts 1.4, 3: Okta deactivates no only secret."""
    first = secrets_of(bench)[0]
    step = only_step(bench)
    assert step.does == f"{KIND}/replace"
    assert "the only secret cannot be deactivated: a throw-away one, never active, is put beside it first" in step.says
    change = bench.do(step)
    assert isinstance(change, Done)
    aside = next(s for s in secrets_of(bench) if s.id != first.id)
    assert states(bench) == {first.id: "INACTIVE", aside.id: "INACTIVE"}
    assert aside.status.obeyed(START) == "INACTIVE", "it was never active"
    assert bench.writes() == [CREATE, DEACTIVATE]
    assert bench.seen(step) == change.left
    assert aside.value not in msgspec.json.encode(change).decode()
    assert change.left["throwaway"] == aside.id
    assert change.left["made"] == [f"{KIND}/{app_of(bench).id}/{aside.id}"]
    assert isinstance(bench.do(step), Already)
    assert len(states(bench)) == 2


def test_undo_of_the_only_one_leaves_what_was_there(bench: Bench) -> None:
    before = states(bench)
    step = only_step(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert states(bench) == before
    assert bench.doors()["client-secret"]
    assert isinstance(bench.undo(step), Already)


def test_a_crash_between_the_throw_away_and_the_end_makes_no_third(bench: Bench) -> None:
    """Facts 1.4, 2: with two there, only the rest is done."""
    step = only_step(bench)
    bench.sandbox.fault(DEACTIVATE, "denied")
    with pytest.raises(Denied):
        bench.do(step)
    assert sorted(states(bench).values()) == ["ACTIVE", "INACTIVE"]
    assert bench.seen(step) is None
    change = bench.do(step)
    assert isinstance(change, Done)
    assert bench.writes() == [CREATE, DEACTIVATE, DEACTIVATE]
    assert change.left["throwaway"], "it is still known as ours"
    bench.undo(step)
    assert list(states(bench).values()) == ["ACTIVE"]


@pytest.mark.parametrize("call", [CREATE, DEACTIVATE])
def test_a_lost_answer_is_looked_for_and_not_repeated(bench: Bench, call: str) -> None:
    step = only_step(bench)
    bench.sandbox.fault(call, "lost")
    if call == CREATE:
        with pytest.raises(NoAnswer):
            bench.do(step)
        assert bench.seen(step) is None
    bench.do(step)
    assert bench.writes().count(CREATE) == 1
    seen = bench.seen(step)
    assert seen["status"] == "INACTIVE"
    assert seen["throwaway"]


def test_after_a_crash_the_look_tells_all_that_undo_needs(bench: Bench) -> None:
    step = only_step(bench)
    bench.do(step)
    kept = bench.run.lefts.pop(step.id)
    seen = bench.seen(step)
    assert {k: v for k, v in seen.items() if k != "residuals"} == {k: v for k, v in kept.items() if k != "residuals"}
    assert seen["residuals"]
    bench.run.lefts[step.id] = seen
    bench.undo(step)
    assert list(states(bench).values()) == ["ACTIVE"]


def test_a_second_one_that_came_meanwhile_is_not_taken_for_the_throw_away(bench: Bench) -> None:
    step = only_step(bench)
    planted = second(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    assert "throwaway" not in change.left
    assert bench.writes() == [DEACTIVATE]
    bench.undo(step)
    assert states(bench)[planted.id] == "ACTIVE"


# -- proof -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_the_old_value_is_tried_and_refused(bench: Bench, method: str) -> None:
    app_of(bench).auth_method = method
    step = only_step(bench)
    assert bench.prove(step).proof is Proof.UNPROVEN, "while it works, nothing is proven"
    bench.do(step)
    proven = bench.prove(step)
    assert proven.proof is Proof.ENFORCED
    assert not any(s.value in proven.how for s in secrets_of(bench))


def test_until_the_data_plane_obeys_it_is_not_proven(bench: Bench) -> None:
    """Facts 1.4, 6: an accepted request is no proof."""
    bench.sandbox.lag(30, 0)
    step = only_step(bench)
    bench.do(step)
    assert bench.seen(step) is not None
    assert bench.prove(step).proof is Proof.UNPROVEN
    bench.sandbox.advance(31)
    assert bench.prove(step).proof is Proof.ENFORCED


def test_a_value_that_okta_does_not_show_proves_no_more_than_the_record(bench: Bench) -> None:
    step = only_step(bench)
    bench.do(step)
    secrets_of(bench)[0].value = "***DhOW"
    assert bench.prove(step).proof is Proof.RECORDED


def test_a_client_id_that_may_be_written_in_two_ways_proves_no_more_than_the_record(bench: Bench) -> None:
    app_of(bench).client_id = "payments bot: the client"
    step = only_step(bench)
    bench.do(step)
    assert bench.prove(step).proof is Proof.RECORDED


def test_what_it_minted_is_said_to_live_on(bench: Bench) -> None:
    """Facts 1.4, 8: tokens of client credentials do not die with the secret."""
    step = only_step(bench)
    change = bench.do(step)
    assert change.left["residuals"] == {
        f"okta:access-token/{bench.conn.scope}/{app_of(bench).id}/*": "2026-11-28T13:00:01Z"
    }
    assert bench.doors()["access-token-local"]
    assert bench.doors()["access-token-introspecting"]


# -- what is not touched, what is deleted ------------------------------------------------------------------------------


def test_an_app_without_secrets_is_left_alone(bench: Bench) -> None:
    app = app_of(bench)
    app.auth_method = "private_key_jwt"
    [said] = bench.draft(APP)
    assert isinstance(said, Manual)
    app.secrets.clear()
    assert bench.draft(APP) == []
    assert bench.accesses(APP) == {}


def test_the_only_one_comes_with_the_other_way_out(bench: Bench) -> None:
    [notice] = [d for d in bench.draft(APP) if isinstance(d, Notice)]
    assert "private_key_jwt" in notice.says
    assert "deleted" in notice.says


def test_delete_takes_an_inactive_one_alone(bench: Bench) -> None:
    """Facts 1.4, 4."""
    second(bench, "INACTIVE")
    step = only_step(bench)
    finish = msgspec.structs.replace(step, id="finish", does=f"{KIND}/delete", phase=Phase.FINISH)
    assert isinstance(bench.do(finish), Failed)
    assert bench.writes() == []
    bench.do(step)
    assert isinstance(bench.do(finish), Done)
    assert bench.seen(finish) is not None
    assert isinstance(bench.do(finish), Already)
    assert isinstance(bench.seen(step), dict), "what is gone has ended, too"
    assert list(states(bench).values()) == ["INACTIVE"]


def test_the_scopes_that_are_declared_are_enough(bench: Bench) -> None:
    bench.sandbox.allow_only(["okta.apps.read", "okta.apps.manage"])
    step = only_step(bench)
    bench.do(step)
    assert bench.prove(step).proof is Proof.ENFORCED
    assert isinstance(bench.undo(step), Done)


def test_the_sandbox_keeps_oktas_rules(bench: Bench) -> None:
    """Facts 1.2: two at most, the only one stays, an active one is not deleted; an own value of the right length."""
    app, first = app_of(bench), secrets_of(bench)[0]
    path = f"/api/v1/apps/{app.id}/credentials/secrets"

    def refused(method: str, where: str, body: Any = None) -> bool:
        with pytest.raises(Rejected) as said:
            bench.conn.send(method, where, "okta.apps.manage", body)
        return said.value.code == "E0000001"

    assert refused("POST", f"{path}/{first.id}/lifecycle/deactivate")
    assert refused("DELETE", f"{path}/{first.id}")
    assert refused("POST", path, {"client_secret": "short"})
    own = "own-value-of-somebody"
    made = bench.conn.send("POST", path, "okta.apps.manage", {"client_secret": own})
    assert bench.conn.get(f"{path}/{made['id']}", "okta.apps.read")["client_secret"] == own
    assert refused("POST", path, {})
    app.auth_method = "private_key_jwt"
    assert refused("POST", path, {})
    with pytest.raises(Missing):
        bench.conn.get(f"{path}/ocsnone", "okta.apps.read")


def test_rights_go_first() -> None:
    """Facts 1.4, 12: an app with rights over apps makes itself a new secret."""
    kind = ClientSecrets()
    for doer in kind.remedies[:2]:
        assert set(doer.needs) == {"okta:app-role/unassign", "okta:app-grant/revoke"}
