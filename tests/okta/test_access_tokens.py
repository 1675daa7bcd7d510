"""Access tokens: nothing ends them, so nobody says that they ended; they last until a time that the report tells.

facts okta-github.md 1.3 and 1.4: 6, 7, 8, 21.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Residual
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_okta.access import access_token
from nhi_revoke_okta.sandbox import plant_app, seed
from nhi_revoke_okta.sandbox.state import AccessToken
from nhi_revoke_okta.scopes import APPS, LOGS, SERVERS

from .conftest import APP, START, Bench, Whole

KIND = access_token.KIND
TERMINAL = f"okta:app/{plant_app.TERMINAL}"


def standing(bench: Bench, text: str = APP) -> Access:
    [access] = bench.accesses(text, KIND).values()
    return access


def soon(moment: datetime | None, after: datetime) -> bool:
    """The sandbox's clock goes on while a test runs."""
    return moment is not None and timedelta(0) <= moment - after < timedelta(seconds=20)


def residual(bench: Bench, **intent: Any) -> Residual:
    [found] = [d for d in bench.draft(APP, **intent) if isinstance(d, Residual)]
    return found


def mint(bench: Bench, server: str = "default", ago: float = 0) -> AccessToken:
    """As the token endpoint does, and logs."""
    scene, at = bench.sandbox.scene, bench.sandbox.now() - timedelta(seconds=ago)
    with bench.org.lock:
        token = bench.sandbox.gate.issuer.mint(scene.app, server, ("payments",), at)
        kind = access_token.BY_ORG if server == "org" else access_token.BY_SERVER
        actor = {"id": scene.app.id, "type": "PublicClientApp", "alternateId": scene.app.client_id}
        target = {"id": token.jti, "type": "access_token"}
        bench.org.log(kind, at, actor, target, grantType="client_credentials", grantedScopes="payments")
    return token


# -- how long ----------------------------------------------------------------------------------------------------------


def test_one_standing_access_that_no_deny_ends(bench: Bench) -> None:
    access = standing(bench)
    assert access.id == f"{KIND}/{bench.conn.scope}/{bench.sandbox.scene.app.id}/*"
    assert (access.family, access.state, access.elsewhere) == ("token", "unknown", True)
    assert access.before == {"minutes": 60}
    assert bench.kinds[KIND].remedies == ()
    assert not [s for s in bench.steps(APP) if s.does.startswith(f"{KIND}/")]


def test_the_longest_rule_of_any_custom_server_counts(bench: Bench) -> None:
    """Facts 1.4, 9: not only `default`."""
    with bench.org.lock:
        seed.new_server(bench.org, "ledger", seed.long_ago(START), minutes=480)
    assert standing(bench).before == {"minutes": 480}
    assert "server ledger" in standing(bench).note
    assert soon(residual(bench).until, START + timedelta(hours=8))


@pytest.mark.parametrize("absent", [True, False])
def test_where_servers_are_unseen_a_day_is_assumed(bench: Bench, absent: bool) -> None:
    """Facts 1.4, 21."""
    if absent:
        bench.org.api_access_management = False
    else:
        bench.resolve(APP)
        bench.sandbox.fault("GET /api/v1/authorizationServers", "denied", times=1)
    access, spot = list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert isinstance(access, Access)
    assert isinstance(spot, BlindSpot)
    assert access.before == {"minutes": 1440}
    assert "24 hours are assumed" in spot.why
    assert spot.needs == ("API Access Management" if absent else SERVERS.read)


def test_unread_policies_are_told_too(bench: Bench) -> None:
    bench.sandbox.fault("GET /api/v1/authorizationServers/<server>/policies", "denied")
    access, spot = list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert isinstance(access, Access)
    assert isinstance(spot, BlindSpot)
    assert (access.before, spot.needs) == ({"minutes": 1440}, SERVERS.read)


def test_without_the_app_itself_it_is_denied(bench: Bench) -> None:
    bench.resolve(APP)
    bench.sandbox.allow_only([SERVERS.read])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(APP), bench.io))
    assert said.value.needs == APPS.read


def test_an_app_that_is_no_oauth_client_has_none(bench: Bench) -> None:
    with bench.org.lock:
        bench.sandbox.scene.app.client_id = ""
    assert bench.accesses(APP, KIND) == {}


@pytest.mark.parametrize("intent", [{}, {"scope": "sessions"}, {"scope": "keys"}, {"order": "rollover"}])
def test_what_stays_is_said_of_every_plan(bench: Bench, intent: dict[str, Any]) -> None:
    said = residual(bench, **intent)
    assert said.access == standing(bench).id
    assert soon(said.until, START + timedelta(hours=1))
    for part in ("locally", "client credentials", "/revoke proves nothing"):
        assert part in said.why


# -- what does not end them --------------------------------------------------------------------------------------------


def test_a_200_of_revoke_proves_nothing(bench: Bench) -> None:
    """Facts 1.4, 6 and 7: it is 200 at the wrong server, too, and the token lives on."""
    token = mint(bench)
    [secret] = [s for s in bench.sandbox.scene.app.secrets.values() if s.status.shown == "ACTIVE"]
    client = (bench.sandbox.scene.app.client_id, secret.value)
    bearer = {"Authorization": f"Bearer {token.value}"}
    for path, alive in (("/oauth2/v1/revoke", 200), ("/oauth2/default/v1/revoke", 401)):
        answer = httpx.post(bench.sandbox.url + path, data={"token": token.value}, auth=client)
        assert answer.status_code == 200
        asked = httpx.get(f"{bench.sandbox.url}/_resource/introspecting", headers=bearer)
        assert asked.status_code == alive
        assert httpx.get(f"{bench.sandbox.url}/_resource/local", headers=bearer).status_code == 200


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_shows_those_that_may_live(bench: Bench) -> None:
    by_server, by_org = mint(bench, ago=60), mint(bench, "org", ago=120)
    mint(bench, ago=3 * 3600)
    *found, lag = bench.observe(APP, KIND, START - timedelta(hours=36))
    shown = {f.id.rpartition("/")[2]: f for f in found if isinstance(f, Access)}
    assert set(shown) == {by_server.jti, by_org.jti}, "whatever is older has expired"
    child = shown[by_server.jti]
    assert child.id.startswith(standing(bench).id.removesuffix("*"))
    assert (child.state, child.family, child.elsewhere) == ("live", "token", True)
    assert child.expires is not None
    assert child.created is not None
    assert child.expires - child.created == timedelta(hours=1)
    assert child.parent is None, "a secret or a key: the log does not tell"
    assert isinstance(lag, BlindSpot)
    assert soon(lag.until, START + timedelta(seconds=bench.settings.logs_lag))
    assert "okta:client-secret/deactivate" in lag.covered_by


def test_one_of_a_custom_server_ends_at_the_latest_by_the_longest_rule(bench: Bench) -> None:
    with bench.org.lock:
        bench.org.servers["default"].minutes = 480
    mint(bench, ago=2 * 3600)
    mint(bench, "org", ago=2 * 3600)
    shown = {f.note: f.state for f in bench.observe(APP, KIND, START - timedelta(hours=36)) if isinstance(f, Access)}
    assert shown == {"of a custom server: it ends then at the latest": "live", "of the org server": "expired"}


def test_the_only_thing_that_it_can_have_been_minted_with_is_its_parent(bench: Bench) -> None:
    with bench.org.lock:
        bench.sandbox.scene.app.keys.clear()
    mint(bench, ago=1)
    child, _ = bench.observe(APP, KIND, START - timedelta(hours=36))
    assert isinstance(child, Access)
    assert child.parent == next(iter(bench.accesses(APP, "okta:client-secret")))


def test_a_token_by_refresh_has_the_refresh_token_as_parent(bench: Bench) -> None:
    assert bench.doors()["refresh-token"], "the door gets one"
    bench.sandbox.advance(1)
    child, _ = bench.observe(TERMINAL, KIND, START - timedelta(hours=36))
    assert isinstance(child, Access)
    assert child.parent == next(iter(bench.accesses(TERMINAL, "okta:refresh-token")))


def test_grants_that_failed_and_other_clients_are_not_told(bench: Bench) -> None:
    mint(bench, ago=1)
    with bench.org.lock:
        bench.org.events[-1].outcome = "FAILURE"
        other = {"id": "0oaother", "type": "PublicClientApp"}
        bench.org.log(access_token.BY_ORG, START, other, {"id": "AT.other", "type": "access_token"})
    bench.sandbox.advance(1)
    assert [f for f in bench.observe(APP, KIND, START - timedelta(hours=36)) if isinstance(f, Access)] == []


@pytest.mark.parametrize("size", [1, 1000])
def test_every_page_of_the_log_is_read(bench: Bench, size: int) -> None:
    """Facts 1.4, 5: a hundred events a page where nobody says more."""
    for second in range(120 if size > 1 else 5):
        mint(bench, ago=second + 1)
    bench.sandbox.page_size(size)
    found = bench.observe(APP, KIND, START - timedelta(hours=36))
    assert len(found) == (121 if size > 1 else 6)


def test_the_log_is_not_read_without_its_scope(bench: Bench) -> None:
    view = bench.view(APP)
    bench.sandbox.allow_only([APPS.read, SERVERS.read])
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].observe(bench.conn, view.who, view.accesses, START, bench.io))
    assert said.value.needs == LOGS


def test_no_token_and_no_secret_is_told(bench: Bench) -> None:
    mint(bench, ago=1)
    told = repr([bench.collect(APP, KIND), bench.observe(APP, KIND, START - timedelta(hours=36)), bench.draft(APP)])
    assert not [c for c in bench.sandbox.canaries() if c in told]


# -- whole runs --------------------------------------------------------------------------------------------------------


def alone(whole: Whole, name: str = APP, **intent: Any) -> Any:
    return whole.plan(replace(whole.intent, replace=(), **intent), name=name)


def test_they_last_and_the_report_says_until_when(whole: Whole) -> None:
    """Facts 1.4, 8: exit 6 once everything else is proven, and never "revoked"."""
    report = whole.run(alone(whole))
    outcome = whole.outcome(report, f"{KIND}/")
    assert (outcome.fate, outcome.proof) == ("lasts", None)
    ends = [s for s in report.steps if s.does.startswith(("okta:client-", "okta:refresh-", "okta:app/"))]
    last = max(s.at for s in ends if s.at)
    assert outcome.until is not None
    assert timedelta(0) <= outcome.until - (last + timedelta(hours=1)) <= timedelta(seconds=2)
    assert report.residual_until == outcome.until
    assert (report.exit_code, report.headline) == (6, "OUT")
    assert {"access-token-local", "access-token-introspecting"} <= whole.open_doors()
    whole.clock.advance(3601)
    assert not {"access-token-local", "access-token-introspecting"} & whole.open_doors()


def test_those_that_the_log_shows_last_too(whole: Whole) -> None:
    assert whole.doors()["okta/client-secret"], "the door gets one"
    whole.clock.advance(120)
    report = whole.run(alone(whole))
    children = [o for o in report.outcomes if o.access.kind == KIND and not o.access.id.endswith("/*")]
    assert children
    assert {o.fate for o in children} == {"lasts"}
    assert report.exit_code == 6


def test_while_a_secret_works_no_time_is_promised(whole: Whole) -> None:
    report = whole.run(alone(whole, scope="sessions"))
    outcome = whole.outcome(report, f"{KIND}/")
    assert outcome.fate == "left"
    assert report.exit_code == 8


def test_while_a_refresh_token_works_no_time_is_promised(whole: Whole) -> None:
    report = whole.run(alone(whole, TERMINAL, brake="on", scope="keys"))
    assert whole.outcome(report, f"{KIND}/").fate == "left"
    assert "refreshed-token" in whole.open_doors()


@pytest.mark.parametrize(
    ("scope", "brake"), [("all", "auto"), ("all", "on"), ("sessions", "auto"), ("sessions", "on"), ("keys", "auto")]
)
def test_the_report_is_what_the_intruder_sees(whole: Whole, scope: str, brake: Any) -> None:
    report = whole.run(whole.plan(replace(whole.intent, replace=(), scope=scope, brake=brake)))
    assert not mispredicted(whole, report)


def test_a_refresh_token_of_a_stopped_app_is_called_open_since_what_it_minted_lives(whole: Whole) -> None:
    report = whole.run(whole.plan(replace(whole.intent, replace=(), scope="keys", brake="on")))
    assert not mispredicted(whole, report, only_claims=True)
    assert [w.split()[1] for w in mispredicted(whole, report)] == ["okta/refresh-token"]


# -- two of one label --------------------------------------------------------------------------------------------------


def test_two_apps_of_one_label_have_their_tokens_each(whole: Whole) -> None:
    """Labels are not unique in Okta: neither app's tokens stand for the other's, and each lasts for its own time."""
    org, app = whole.okta.org, whole.okta.scene.app
    with org.lock:
        seed.new_server(org, "ledger", seed.long_ago(START), minutes=480)
        twin = seed.new_app(org, app.label, seed.long_ago(START), auth_method="client_secret_basic")
        seed.add_secret(org, twin, seed.long_ago(START))
    config = f'[identity.twins]\nprincipals = ["okta:app/{app.id}", "okta:app/{twin.id}"]\n'
    whole._seeded = replace(whole.seeded, map=whole.seeded.map + config)
    plan = whole.plan(Intent(rotate="no"), name="twins")
    standing = {a.id: a.on.id for a in plan.accesses if a.kind == KIND}
    host = whole.okta.url.removeprefix("http://")
    assert standing == {f"{KIND}/{host}/{each.id}/*": each.id for each in (app, twin)}
    assert {r.access: r.on.id for r in plan.residuals} == standing
    report = whole.run(plan)
    for access in standing:
        found = whole.outcome(report, access)
        assert found.fate == "lasts"
        assert found.until is not None
        assert found.until > whole.okta.now() + timedelta(hours=7, minutes=50), "by the longest rule, and not an hour"
