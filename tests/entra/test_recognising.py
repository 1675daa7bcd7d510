"""Entra's credentials in a text, and whose they are; and whether one works, by one call with it alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.model.liveness import Alive, Liveness
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra import provider as entra
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.state import GRAPH, TENANT, Password
from nhi_revoke_entra.settings import EntraSettings
from tests.triage.asking import NOW, ODD, judged, sighted
from tests.triage.making import PAST
from tests.triage.sample import Sample
from tests.triage.samples_entra import APP, CLIENT, SAMPLES, USER, access, for_user, secret
from tests.triage.samples_entra import TENANT as SOME_TENANT

from .conftest import START, Bench

LOGIN = f"https://login.microsoftonline.com/{SOME_TENANT}/oauth2/v2.0/token"
GRAPH_URL = "https://graph.microsoft.com"
PAIR = f"tenant={SOME_TENANT} client_id={CLIENT} secret={{}}"
OPERATOR = EntraSettings(tenant_id="operator.example", client_id=CLIENT, client_secret_file="/nowhere")
"""The operator's own credentials cannot be read: none are asked for."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    sandbox, clock = EntraSandbox(entropy=1, deliver=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path_factory.mktemp("entra")))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


def asked(bench: Bench, text: str, **changes: Any) -> Liveness:
    import msgspec

    settings = msgspec.structs.replace(bench.settings, **changes)
    told = entra.alive(sighted(entra, text), settings, bench.io)
    assert not [each.name for each in bench.sandbox.calls() if each.mutates]
    return told


def in_env(bench: Bench, value: str, tenant: str = TENANT) -> str:
    named = f"AZURE_TENANT_ID={tenant}\n" if tenant else ""
    return f"{named}AZURE_CLIENT_ID={bench.principal.app_id}\nAZURE_CLIENT_SECRET={value}\n"


def password(bench: Bench, *, expired: bool = False) -> Password:
    now = bench.sandbox.now()
    return next(p for p in bench.scene.application.passwords.values() if (p.end <= now) is expired)


# -- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}", "a {} b", '"{}"', "x={};", "({})", "it was {}.", "<{}>", "{}\n{}"])
def test_each_sighting_has_its_place(around: str) -> None:
    value = secret()
    text = around.replace("{}", value)
    found = list(entra.recognise(text))
    assert [text[each.start : each.end] for each in found] == [value] * text.count(value)
    assert value not in repr(found)


def test_of_two_apps_each_secret_has_the_ids_that_stand_nearest() -> None:
    one, other, another = secret(), secret(), CLIENT.replace(CLIENT[:4], "abcd")
    text = f"client_id={CLIENT}\nclient_secret={one}\n" + "\n" * 50 + f"client_secret={other}\nclient_id={another}\n"
    owners = [str(each.leak.owner) for each in entra.recognise(text)]
    assert owners == [APP, f"entra:app/{another}"]


@pytest.mark.parametrize(
    ("token", "owner"),
    [
        (access(), APP),
        (access(appid="not-a-guid"), "None"),
        (access(oid=None, idtyp=None, roles=["a"]), APP),
        (for_user(), f"entra:user/{USER}"),
        (for_user(oid="somebody"), "None"),
    ],
)
def test_whose_a_token_is_stands_in_it(token: str, owner: str) -> None:
    assert str(sighted(entra, token).leak.owner) == owner


# -- whether it works: the sandbox ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_entra_does_not_know_what_was_made_up(world: Bench, sample: Sample) -> None:
    told = asked(world, sample.text)
    assert told.state == sample.state, told.how
    assert not sample.value or sample.value not in repr(told)


def test_a_secret_gets_a_token_until_it_is_removed(bench: Bench) -> None:
    held = password(bench)
    told = asked(bench, in_env(bench, held.value))
    assert (told.state, str(told.owner), told.scope) == ("alive", f"entra:app/{bench.principal.app_id}", TENANT)
    assert "User.Read.All" in told.reaches
    assert "the tenant's sign-in log shows it" in told.how
    held.there.set(False, bench.sandbox.now(), 0.0)
    told = asked(bench, in_env(bench, held.value))
    assert (told.state, told.reaches) == ("dead", ())
    assert "AADSTS7000215" in told.how


def test_an_expired_one_and_a_revoked_one_are_dead(bench: Bench) -> None:
    assert "it has expired" in asked(bench, in_env(bench, password(bench, expired=True).value)).how
    held = password(bench)
    bench.tenant.revoked.add(held.key_id)
    told = asked(bench, in_env(bench, held.value))
    assert (told.state, "AADSTS7005003" in told.how) == ("dead", True)


def test_of_a_disabled_app_nobody_can_tell_what_comes_back(bench: Bench) -> None:
    bench.principal.enabled.set(False, bench.sandbox.now(), 0.0)
    told = asked(bench, in_env(bench, password(bench).value))
    assert (told.state, "until somebody enables it" in told.how) == ("unknown", True)


def test_without_its_app_or_tenant_a_secret_is_not_tried(world: Bench) -> None:
    before = len(world.sandbox.calls())
    assert "no app's id" in asked(world, f"secret={password(world).value}").how
    assert "names a tenant" in asked(world, in_env(world, password(world).value, ""), tenant_id="").how
    assert len(world.sandbox.calls()) == before
    assert asked(world, in_env(world, password(world).value, "")).state == "alive", "the settings' tenant"


def test_a_graph_token_works_until_graph_hears_otherwise_or_it_ends(bench: Bench) -> None:
    made = bench.tenant.new_token(bench.principal, GRAPH, START, roles=frozenset({"Application.Read.All"}), cae=True)
    told = asked(bench, made.value)
    assert (told.state, str(told.owner), told.scope) == ("alive", f"entra:app/{bench.principal.app_id}", TENANT)
    assert told.reaches == ("Application.Read.All", f"API {GRAPH}")
    assert told.expires == made.expires
    bench.principal.enable(False, bench.sandbox.now(), 0.0)
    bench.sandbox.advance(15 * 60 + 1)
    assert asked(bench, made.value).state == "dead"


def test_one_without_rights_is_alive_and_an_ended_one_is_not_asked_about(bench: Bench) -> None:
    made = bench.tenant.new_token(bench.principal, GRAPH, START)
    told = asked(bench, made.value)
    assert (told.state, "Authorization_RequestDenied" in told.how) == ("alive", True)
    bench.sandbox.advance((made.expires - START + timedelta(seconds=1)).total_seconds())
    before = len(bench.sandbox.calls())
    told = asked(bench, made.value)
    assert (told.state, len(bench.sandbox.calls())) == ("dead", before)
    assert "says itself" in told.how


# -- whether it works: other answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "outcome"), ODD)
@pytest.mark.parametrize("text", [PAIR.format(secret()), access()], ids=["secret", "token"])
def test_an_odd_answer_tells_nothing(
    answer: httpx.Response | Exception, outcome: Alive | type[Fault], text: str
) -> None:
    with respx.mock(assert_all_called=False) as web:
        web.route(host__regex=r"(login\.microsoftonline|graph\.microsoft)\.com").mock(
            side_effect=answer if isinstance(answer, Exception) else None,
            return_value=answer if isinstance(answer, httpx.Response) else None,
        )
        judged(entra, sighted(entra, text), OPERATOR, outcome)
        hosts = {call.request.url.host for call in web.calls}
    assert hosts in ({"login.microsoftonline.com"}, {"graph.microsoft.com"})


def refusal(code: str, error: str = "invalid_client") -> Any:
    return {"error": error, "error_description": f"{code}: as it is worded today."}


@pytest.mark.parametrize(
    ("status", "body", "state", "says"),
    [
        (401, refusal("AADSTS7000215"), "dead", "it is no secret of that app"),
        (401, refusal("AADSTS7000222"), "dead", "it has expired"),
        (401, refusal("AADSTS7005006"), "dead", "blocks"),
        (400, refusal("AADSTS700016", "unauthorized_client"), "unknown", "another one"),
        (400, refusal("AADSTS90002", "invalid_request"), "unknown", "no such tenant"),
        (400, refusal("AADSTS53003", "access_denied"), "unknown", "not because"),
        (400, {"error": "invalid_client"}, "unknown", "not because"),
    ],
)
def test_what_the_token_service_says_of_a_secret(status: int, body: Any, state: Alive, says: str) -> None:
    value = secret()
    with respx.mock as web:
        route = web.post(LOGIN).respond(status, json=body)
        assert says in judged(entra, sighted(entra, PAIR.format(value)), OPERATOR, state)
    assert len(route.calls) == 1, "and never from a memory"


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (401, "InvalidAuthenticationToken", "dead"),
        (401, "Other", "unknown"),
        (403, "Authorization_RequestDenied", "alive"),
        (404, "Request_ResourceNotFound", "alive"),
        (400, "Request_BadRequest", "unknown"),
    ],
)
def test_what_graph_says_of_a_token(status: int, code: str, state: Alive) -> None:
    with respx.mock as web:
        route = web.get(f"{GRAPH_URL}/v1.0/users/{USER}").respond(status, json={"error": {"code": code}})
        value = for_user(roles=None)
        judged(entra, sighted(entra, value), OPERATOR, state)
    assert [call.request.headers["authorization"] for call in route.calls] == [f"Bearer {value}"]


@pytest.mark.parametrize(
    ("audience", "asked_at"),
    [
        (GRAPH, "graph.microsoft.com"),
        ("https://graph.microsoft.com", "graph.microsoft.com"),
        ("https://graph.microsoft.com/", "graph.microsoft.com"),
        ("https://graph.microsoft.us", "graph.microsoft.us"),
        ("https://graph.microsoft.com.evil.example", ""),
        ("https://management.azure.com", ""),
    ],
)
def test_only_microsoft_s_own_hosts_are_asked(audience: str, asked_at: str) -> None:
    with respx.mock(assert_all_called=False) as web:
        web.route().respond(200, json={"id": "x"})
        judged(entra, sighted(entra, access(aud=audience)), OPERATOR, "alive" if asked_at else "unknown")
        assert {call.request.url.host for call in web.calls} == ({asked_at} if asked_at else set())


def test_a_time_that_has_passed_needs_nobody() -> None:
    assert NOW.timestamp() > PAST
    with respx.mock(assert_all_called=False) as web:
        judged(entra, sighted(entra, access(exp=PAST, aud="https://vault.azure.net")), OPERATOR, "dead")
        judged(entra, sighted(entra, access(exp="soon", aud="https://vault.azure.net")), OPERATOR, "unknown")
        assert not web.calls


US, CHINA = "login.microsoftonline.us", "login.partner.microsoftonline.cn"


@pytest.mark.parametrize(
    ("issuer", "cloud", "asked_at", "state"),
    [
        ("https://sts.windows.net/{}/", "", "graph.microsoft.com", "unknown"),
        ("https://sts.windows.net/{}/", "public", "graph.microsoft.com", "dead"),
        ("https://sts.windows.net/{}/", "usgov", "graph.microsoft.us", "dead"),
        ("https://login.microsoftonline.com/{}/v2.0", "", "graph.microsoft.com", "dead"),
        (f"https://{US}/{{}}/v2.0", "", "graph.microsoft.us", "unknown"),
        (f"https://{CHINA}/{{}}/v2.0", "", "microsoftgraph.chinacloudapi.cn", "dead"),
    ],
)
def test_an_audience_that_is_an_id_may_be_any_clouds(issuer: str, cloud: str, asked_at: str, state: Alive) -> None:
    """A refusal by the wrong cloud's Graph says nothing."""
    token = access(aud=GRAPH, iss=issuer.format(SOME_TENANT))
    with respx.mock as web:
        route = web.route(host=asked_at).respond(401, json={"error": {"code": "InvalidAuthenticationToken"}})
        judged(entra, sighted(entra, token), EntraSettings(cloud=cloud), state)
        assert route.called


@pytest.mark.parametrize(
    ("named", "host"),
    [("", "login.microsoftonline.com"), (US, US), (CHINA, CHINA), ("login.chinacloudapi.cn", CHINA)],
)
def test_a_secret_is_tried_in_the_cloud_that_the_text_names(named: str, host: str) -> None:
    text = f"AUTHORITY=https://{named}/\n{PAIR.format(secret())}" if named else PAIR.format(secret())
    with respx.mock as web:
        route = web.route(host=host).respond(401, json=refusal("AADSTS7000215"))
        judged(entra, sighted(entra, text), EntraSettings(), "dead")
        assert route.called
