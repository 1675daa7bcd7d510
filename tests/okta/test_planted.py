"""What the identity made for others, as the System Log tells it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_okta import planted
from nhi_revoke_okta.planted import KIND, LATE, PLANTS, act_of
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.plant_planted import LOGIN, as_actor, plant_app
from nhi_revoke_okta.sandbox.plant_service import NAME

from .conftest import APP, START, USER, Bench, Whole

A_DAY = timedelta(days=1)


def found(bench: Bench, on: str = USER, since: datetime = START - A_DAY) -> tuple[list[Lead], list[BlindSpot]]:
    seen = bench.observe(on, KIND, since)
    return [f for f in seen if isinstance(f, Lead)], [f for f in seen if isinstance(f, BlindSpot)]


def log(bench: Bench, type_: str, target: dict[str, Any], *more: dict[str, Any], at: datetime = START) -> None:
    """By the identity's user, an hour ago."""
    with bench.org.lock:
        bench.org.log(type_, at - timedelta(hours=1), as_actor(bench.sandbox.scene.user), target, *more)


def backdoor(bench: Bench) -> str:
    return next(u.id for u in bench.org.users.values() if u.login == LOGIN)


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_a_planted_user_is_one_lead_with_all_that_was_done_to_it(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    [lead], _ = found(bench)
    assert str(lead.to) == f"okta:user/{backdoor(bench)}"
    assert (lead.how, lead.evidence) == ("planted", "GET /api/v1/logs")
    assert lead.of == bench.resolve(USER).ref
    assert lead.at is not None
    assert timedelta(0) <= lead.at - START + timedelta(hours=1) < timedelta(seconds=2)
    assert re.fullmatch(
        r"payments-bot@example.com created this user; gave this user an admin role \(Super Admin\) at "
        r"2026-11-28T11:00:0\dZ, the last at 2026-11-28T11:01:0\dZ",
        lead.why,
    )
    assert lead.next == f"nhi-revoke revoke {lead.to} --since {lead.at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_planted_app_and_its_credential_without_any_secret(bench: Bench) -> None:
    with bench.org.lock:
        plant_app(bench.sandbox.scene, START - timedelta(minutes=5))
    leads, blind = found(bench)
    [lead] = [lead for lead in leads if lead.to.kind == "app"]
    assert "created this app; made client credentials of it (ocs" in lead.why
    assert lead.next.startswith(f"nhi-revoke revoke {lead.to} --since 2026-11-28T11:55:00Z")
    for secret in bench.org.secrets:
        assert secret not in repr((leads, blind)), "the log's detailEntry holds it"


def test_each_type_of_event(bench: Bench) -> None:
    """Every type that is asked for is told, on its own principal or where no lead can name one, by hand."""
    with bench.org.lock:
        app = seed.new_app(bench.org, "Theirs", START)
        user = seed.new_user(bench.org, "theirs@example.com", START)
        token = seed.new_api_token(bench.org, user, "theirs", START)
    targets = {
        "app": {"id": app.id, "type": "AppInstance", "displayName": "Theirs"},
        "user": {"id": user.id, "type": "User", "displayName": "Theirs"},
        "token": {"id": token.id, "type": "Token", "displayName": "unknown"},
        "": {"id": "thing-1", "type": "Thing", "displayName": "Theirs"},
    }
    for number, (type_, plant) in enumerate(PLANTS.items()):
        log(bench, type_, targets[plant.on], at=START + timedelta(seconds=number))
    leads = {lead.to: lead for lead in found(bench)[0] if lead.to.id != backdoor(bench)}
    assert {str(to) for to in leads} == {f"okta:app/{app.id}", f"okta:user/{user.id}", "okta:thing/thing-1"}
    told = " ".join(lead.why for lead in found(bench)[0])
    for plant in PLANTS.values():
        assert plant.says in told
        assert plant.hand in told
    for to, lead in leads.items():
        assert bool(lead.next) == (to.kind in ("app", "user"))


def test_what_was_done_to_itself_is_on_its_own_lists(bench: Bench) -> None:
    scene = bench.sandbox.scene
    own = {"id": scene.app.id, "type": "AppInstance", "displayName": "Payments Bot"}
    with bench.org.lock:
        bench.org.log(
            "app.oauth2.credentials.lifecycle.create", START - timedelta(hours=1),
            {"id": scene.app.client_id, "type": "PublicClientApp"}, own,
        )  # fmt: skip
    log(bench, "user.mfa.factor.activate", as_actor(scene.user))
    [token] = [t for t in bench.org.api_tokens.values() if t.user == scene.user.id]
    log(bench, "system.api_token.create", {"id": token.id, "type": "Token"})
    assert found(bench, APP)[0] == []
    assert [lead.to.id for lead in found(bench)[0]] == [backdoor(bench)]


def test_an_app_under_either_of_its_ids(bench: Bench) -> None:
    """Facts 1.4, 15."""
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger", START, client_id="ledger-client")
        for actor in (app.id, "ledger-client", "someone-else"):
            bench.org.log(
                "user.lifecycle.create", START - timedelta(hours=1), {"id": actor, "type": "PublicClientApp"},
                {"id": f"00u{actor:x<17.17}".replace("-", "0"), "type": "User"},
            )  # fmt: skip
    leads, _ = found(bench, "okta:app/Ledger")
    assert len(leads) == 2


def test_an_api_service_integration_is_named_as_one(bench: Bench) -> None:
    [service] = bench.org.services
    log(bench, "app.oauth2.credentials.lifecycle.create", {"id": service, "type": "PublicClientApp"})
    assert f"okta:api-service/{service}" in {str(lead.to) for lead in found(bench)[0]}
    assert found(bench, f"okta:api-service/{NAME}")[0] == []


def test_what_is_gone_is_said_to_be(bench: Bench) -> None:
    log(bench, "user.lifecycle.create", {"id": "00u" + "z" * 17, "type": "User"})
    log(bench, "system.api_token.create", {"id": "00Tgone", "type": "Token"})
    gone = [lead for lead in found(bench)[0] if lead.to.id.endswith("zzz")]
    assert ["it is gone by now" in lead.why for lead in gone] == [True]
    assert [lead.next for lead in gone] == [f"nhi-revoke list okta:user/00u{'z' * 17}"]
    assert len(found(bench)[0]) == 2, "a token that is gone opens nothing"


def test_failed_tries_and_what_cannot_be_read_are_no_plants() -> None:
    good = {
        "eventType": "user.lifecycle.create", "published": "2026-11-28T11:00:00.000Z",
        "outcome": {"result": "SUCCESS"}, "target": [{"id": "00u" + "a" * 17, "type": "User"}],
    }  # fmt: skip
    assert act_of(good) is not None
    for change in (
        {"outcome": {"result": "FAILURE"}}, {"outcome": None}, {"published": "soon"}, {"target": None},
        {"target": [{"id": "x", "type": "Group"}]}, {"eventType": "user.session.start"}, {"target": ["no table"]},
    ):  # fmt: skip
        assert act_of({**good, **change}) is None


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_since_is_told_to_okta_and_so_is_until(bench: Bench) -> None:
    """Facts 1.4, 23: without it Okta shows 7 days; without the other the last page never comes."""
    log(bench, "user.lifecycle.create", {"id": "00u" + "o" * 17, "type": "User"}, at=START - timedelta(days=20))
    assert "00u" + "o" * 17 not in {lead.to.id for lead in found(bench)[0]}
    assert "00u" + "o" * 17 in {lead.to.id for lead in found(bench, since=START - timedelta(days=30))[0]}


def test_a_denied_log_raises_with_its_scope(bench: Bench) -> None:
    bench.resolve(USER)
    bench.sandbox.fault("GET /api/v1/logs", "denied", 9)
    with pytest.raises(Denied) as said:
        bench.observe(USER, KIND, START - A_DAY)
    assert said.value.needs == "okta.logs.read"


def test_leads_are_told_where_nothing_else_may_be_read(bench: Bench) -> None:
    log(bench, "system.api_token.create", {"id": "00Tsomebodys", "type": "Token"})
    view = bench.view(USER)
    bench.sandbox.allow_only(["okta.logs.read"])
    seen = bench.kinds[KIND].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io)
    assert {str(f.to) for f in seen if isinstance(f, Lead)} == {
        f"okta:user/{backdoor(bench)}", "okta:api-token/00Tsomebodys",
    }  # fmt: skip


def test_the_lag_is_one_blind_spot(bench: Bench) -> None:
    for on in (USER, APP, f"okta:api-service/{NAME}"):
        _, [spot] = found(bench, on)
        assert (spot.why, spot.kind) == (LATE, KIND)
        assert spot.until is not None
        assert spot.until - START < timedelta(seconds=60)
        keys = {f"{k.name}/{d.name}" for k in bench.kinds.values() for d in k.remedies}
        assert spot.covered_by
        assert set(spot.covered_by) <= keys


def test_what_the_log_no_longer_has_and_what_was_too_much_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, blind = found(bench, since=START - timedelta(days=200))
    assert [re.search(r"keeps 90 days", spot.why) is not None for spot in blind] == [False, True]
    monkeypatch.setattr(planted, "MOST", 1)
    leads, blind = found(bench)
    assert len(leads) == 1
    assert "more than 1 events" in blind[1].why


def test_many_names_are_counted(bench: Bench) -> None:
    target = {"id": backdoor(bench), "type": "User"}
    for number in range(7):
        role = {"id": f"r{number}", "type": "ROLE", "displayName": f"Role {number}"}
        log(bench, "user.account.privilege.grant", target, role, at=START + timedelta(seconds=number))
    [lead] = found(bench)[0]
    assert "and 3 more)" in lead.why


# -- under the engine --------------------------------------------------------------------------------------------------


def test_the_report_names_what_was_planted_and_it_stays_open(whole: Whole) -> None:
    user = next(p for p in whole.seeded.principals if p.startswith("okta:user/"))
    report = whole.run(whole.plan(Intent(rotate="no"), name=user))
    [lead] = report.planted
    assert lead.next.startswith("nhi-revoke revoke okta:user/")
    assert "planted-user" in whole.open_doors()
    assert report.exit_code == 8
    assert not [line for line in mispredicted(whole, report) if "planted" in line]
    assert not [b for b in report.blind if b.kind == KIND], "what ends the user covers the log's lag"


def test_what_is_planted_later_is_found_by_verify(whole: Whole) -> None:
    user = next(p for p in whole.seeded.principals if p.startswith("okta:user/"))
    report = whole.run(whole.plan(Intent(rotate="no"), name=user))
    whole.okta.meddle("plant-app")
    whole.clock.advance(120)
    assert {lead.to.kind for lead in whole.verify(report.run).planted} == {"user", "app"}
