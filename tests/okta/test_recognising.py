"""Okta's credentials in a text, by shapes and by words; and whether one works, by one call with it alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from nhi_revoke.model.liveness import Alive, Liveness
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.state import HOST, ORG_SERVER, App
from nhi_revoke_okta.settings import OktaSettings
from tests.triage.asking import ODD, judged, sighted
from tests.triage.sample import Sample
from tests.triage.samples_okta import APP, CLIENT, ORG, SAMPLES, access, api_token, jwk, secret

from .conftest import START, Bench
from .responder import jwk_of

NOBODY = OktaSettings(token_file="/nowhere")
"""The operator's own credentials cannot be read: none are asked for."""
OTHER_ORG = OktaSettings(org_url="https://operator.okta.com", token_file="/nowhere")
ME = f"https://{ORG}/api/v1/users/me"
SSWS = f"curl https://{ORG}/api/v1/apps -H 'Authorization: SSWS {{}}'"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    sandbox, clock = OktaSandbox(entropy=1, old_secret=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path_factory.mktemp("okta")))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


@pytest.fixture(autouse=True)
def no_org_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OKTA_CLIENT_ORGURL", raising=False)


def asked(bench: Bench, text: str) -> Liveness:
    told = okta.alive(sighted(okta, text), bench.settings, bench.io)
    assert not [each.name for each in bench.sandbox.calls() if each.mutates]
    return told


def bot(bench: Bench) -> App:
    return next(a for a in bench.org.apps.values() if a.label == "Payments Bot")


def in_env(client_id: str, value: str) -> str:
    return f"OKTA_ORG={ORG}\nOKTA_CLIENT_ID={client_id}\nOKTA_CLIENT_SECRET={value}\n"


# -- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    ["SSWS {}", "Authorization: SSWS {}\r\n", "'SSWS {}'", "okta.token={}", "okta: {key: 1, api_key: '{}'}"],
)
def test_each_sighting_has_its_place(around: str) -> None:
    value = api_token()
    text = around.replace("{}", value)
    found = sighted(okta, text)
    assert text[found.start : found.end] == value
    assert value not in repr(found)


@pytest.mark.parametrize("word", ["", "OKTA said: ", "the okta id ", "token ", "github_token="])
def test_a_word_of_forty_two_characters_is_none_by_itself(word: str) -> None:
    assert not list(okta.recognise(f"{word}{api_token()}"))


@pytest.mark.parametrize(
    ("named", "org"),
    [
        ("https://acme.okta.com/api", "acme.okta.com"),
        ("https://Acme-Admin.OktaPreview.com", "acme.oktapreview.com"),
        ("acme.okta-emea.com", "acme.okta-emea.com"),
        ("https://developer.okta.com/docs", ""),
        ("https://acme.okta.com.evil.example", ""),
        ("https://evilokta.com", ""),
        ("bot@acme.okta.com", ""),
    ],
)
def test_the_org_that_stands_nearest_is_its_org(named: str, org: str) -> None:
    found = sighted(okta, f"SSWS {api_token()} at {named}")
    assert found.value is not None
    assert found.value.public.get("org", "") == org


# -- whether it works: the sandbox ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_okta_does_not_know_what_was_made_up(world: Bench, sample: Sample) -> None:
    told = asked(world, sample.text)
    assert told.state == sample.state, told.how
    assert sample.value not in repr(told)


def test_an_api_token_tells_its_owner_until_it_is_revoked(bench: Bench) -> None:
    user = next(u for u in bench.org.users.values() if u.login == "payments-bot@example.com")
    token = seed.new_api_token(bench.org, user, "found", START)
    told = asked(bench, SSWS.format(token.value))
    assert (told.state, str(told.owner), told.scope) == ("alive", f"okta:user/{user.id}", ORG)
    assert "thirty days after its last one" in told.how
    alone = asked(bench, f"SSWS {token.value}")
    assert (alone.state, str(alone.owner)) == ("alive", f"okta:user/{user.id}")
    token.status.set("GONE", bench.sandbox.now(), 0.0)
    assert asked(bench, SSWS.format(token.value)).state == "dead"
    assert asked(bench, f"SSWS {token.value}").state == "unknown", "it may be another org's"


def test_an_access_token_of_the_org_until_it_is_revoked_or_ends(bench: Bench) -> None:
    made = bench.sandbox.gate.issuer.mint(bot(bench), ORG_SERVER, ("okta.apps.read",), START)
    told = asked(bench, made.value)
    assert (told.state, str(told.owner), told.scope) == ("alive", f"okta:app/{bot(bench).client_id}", HOST)
    assert (told.reaches, told.expires) == (("okta.apps.read",), made.expires)
    assert made.revoked is not None
    made.revoked.set(True, bench.sandbox.now(), 0.0)
    assert asked(bench, made.value).state == "dead"
    bench.sandbox.advance(timedelta(hours=2).total_seconds())
    before = len(bench.sandbox.calls())
    assert "says itself" in asked(bench, made.value).how
    assert len(bench.sandbox.calls()) == before


@pytest.mark.parametrize("scopes", [("openid", "email"), ("openid",)])
@pytest.mark.parametrize("server", [ORG_SERVER, "default"])
def test_userinfo_tells_of_a_user_s_token(bench: Bench, server: str, scopes: tuple[str, ...]) -> None:
    if server != ORG_SERVER:
        server = next(iter(bench.org.servers))
    user = next(iter(bench.org.users))
    made = bench.sandbox.gate.issuer.mint(bot(bench), server, scopes, START, user=user)
    told = asked(bench, made.value)
    assert (told.state, str(told.owner)) == ("alive", f"okta:user/{user}")
    assert made.revoked is not None
    made.revoked.set(True, bench.sandbox.now(), 0.0)
    assert asked(bench, made.value).state == "dead"


def test_the_issuer_tells_of_a_public_client_s_token_and_of_no_other(bench: Bench) -> None:
    server = next(iter(bench.org.servers))
    made = bench.sandbox.gate.issuer.mint(bot(bench), server, ("payments.write",), START)
    told = asked(bench, made.value)
    assert (told.state, "only its client may ask" in told.how) == ("unknown", True)
    bot(bench).auth_method = "none"
    assert asked(bench, made.value).state == "alive"
    assert made.revoked is not None
    made.revoked.set(True, bench.sandbox.now(), 0.0)
    assert asked(bench, made.value).state == "dead"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_a_client_s_secret_lets_it_in_until_it_is_deactivated(bench: Bench, method: str) -> None:
    app = bot(bench)
    app.auth_method = method
    held = seed.add_secret(bench.org, app, START)
    told = asked(bench, in_env(app.client_id, held.value))
    assert (told.state, str(told.owner), told.scope) == ("alive", f"okta:app/{app.client_id}", ORG)
    held.status.set("INACTIVE", bench.sandbox.now(), 0.0)
    assert asked(bench, in_env(app.client_id, held.value)).state == "dead"
    assert not [e for e in bench.org.events if e.at >= START and "grant" in e.type], "nothing was minted"


def test_a_client_s_private_key_lets_it_in_until_it_is_deactivated(bench: Bench) -> None:
    app = bot(bench)
    held, key = seed.add_key(bench.org, app, START, "found")
    private = json.dumps(jwk_of(key, kid="found"))
    text = f'{{"orgUrl": "https://{ORG}", "clientId": "{app.client_id}", "privateKey": {private}}}'
    told = asked(bench, text)
    assert (told.state, str(told.owner)) == ("alive", f"okta:app/{app.client_id}")
    held.status.set("INACTIVE", bench.sandbox.now(), 0.0)
    assert asked(bench, text).state == "dead"


@pytest.mark.parametrize("hours", [-26, -2, 2, 26])
def test_this_machine_s_clock_is_no_reason_to_call_a_credential_dead(bench: Bench, hours: int) -> None:
    """What a client signs is good for minutes by the org's clock; its answer tells that, and it is signed again."""
    app = bot(bench)
    held, key = seed.add_key(bench.org, app, START - timedelta(days=3), "found")
    text = f"{json.dumps(jwk_of(key, kid='found'))} {app.client_id} {ORG}"
    bench.sandbox.skew(hours * 3600)
    assert asked(bench, text).state == "alive"
    held.status.set("INACTIVE", START - timedelta(days=2), 0.0)
    before = len(bench.sandbox.calls())
    assert asked(bench, text).state == "dead"
    assert len(bench.sandbox.calls()) == before + 2, "signed again once, and no more"
    app.auth_method = "client_secret_jwt"
    assert asked(bench, in_env(app.client_id, seed.add_secret(bench.org, app, START).value)).state == "alive"
    assert not [e for e in bench.org.events if e.at >= START and "grant" in e.type], "nothing was minted"


# -- whether it works: other answers -------------------------------------------------------------------------------

TEXTS = {
    "api-token": SSWS.format(api_token()),
    "access-token": access(),
    "userinfo": access(scp=["openid"]),
    "introspect": access(scp=["x"], iss=f"https://{ORG}/oauth2/default"),
    "secret": in_env(CLIENT, secret()),
    "key": f"{jwk()} {CLIENT} {ORG}",
}


@pytest.mark.parametrize(("answer", "outcome"), ODD)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_odd_answer_tells_nothing(
    answer: httpx.Response | Exception, outcome: Alive | type[Fault], text: str
) -> None:
    with respx.mock(assert_all_called=False) as web:
        web.route(host=ORG).mock(
            side_effect=answer if isinstance(answer, Exception) else None,
            return_value=answer if isinstance(answer, httpx.Response) else None,
        )
        judged(okta, sighted(okta, text), OTHER_ORG, outcome)
        assert {call.request.url.host for call in web.calls} == {ORG}


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (401, "E0000011", "dead"),
        (401, "E0000004", "unknown"),
        (401, "E0000015", "alive"),
        (403, "E0000006", "alive"),
        (403, "E0000022", "unknown"),
        (404, "E0000007", "alive"),
        (404, "E0000008", "unknown"),
        (200, "", "alive"),
    ],
)
@pytest.mark.parametrize("text", [TEXTS["api-token"], TEXTS["access-token"]], ids=["api-token", "access-token"])
def test_what_users_me_says(status: int, code: str, state: Alive, text: str) -> None:
    found = sighted(okta, text)
    assert found.value is not None
    with respx.mock as web:
        route = web.get(ME).respond(status, json={"errorCode": code} if code else {"id": "</b>"})
        judged(okta, found, OTHER_ORG, state)
    [call] = route.calls
    assert call.request.headers["authorization"].rpartition(" ")[2] == found.value.reveal()


@pytest.mark.parametrize(
    ("status", "error", "state"),
    [(401, "invalid_token", "dead"), (403, "insufficient_scope", "alive"), (401, "", "unknown"), (400, "x", "unknown")],
)
def test_what_userinfo_says(status: int, error: str, state: Alive) -> None:
    """The error stands in a header, and there is no body."""
    headers = {"WWW-Authenticate": f'Bearer error="{error}", error_description="as it is worded"'} if error else {}
    with respx.mock as web:
        web.get(f"https://{ORG}/oauth2/v1/userinfo").respond(status, headers=headers)
        judged(okta, sighted(okta, TEXTS["userinfo"]), OTHER_ORG, state)


def test_a_secret_is_tried_by_each_method_and_asks_about_nobody_s_token() -> None:
    value = secret()
    with respx.mock as web:
        route = web.post(f"https://{ORG}/oauth2/v1/introspect").respond(401, json={"error": "invalid_client"})
        judged(okta, sighted(okta, in_env(CLIENT, value)), OTHER_ORG, "dead")
    forms = [parse_qs(call.request.content.decode()) for call in route.calls]
    assert [form["token"] for form in forms] == [["nobody-has-this-token"]] * 3
    assert [min(form) for form in forms] == ["token", "client_id", "client_assertion"]
    assert route.calls[0].request.headers["authorization"].startswith("Basic ")
    assert value not in "".join(str(call.request.url) for call in route.calls)


@pytest.mark.parametrize(
    ("issuer", "settings", "host"),
    [
        (f"https://{ORG}", NOBODY, ORG),
        (f"https://{ORG}", OTHER_ORG, ORG),
        ("https://login.example.com", OTHER_ORG, ""),
        ("https://login.example.com", OktaSettings(org_url="https://login.example.com"), "login.example.com"),
    ],
)
def test_only_okta_s_own_hosts_are_asked_or_the_settings(issuer: str, settings: OktaSettings, host: str) -> None:
    with respx.mock(assert_all_called=False) as web:
        web.route().respond(200, json={"id": "x"})
        judged(okta, sighted(okta, access(iss=issuer)), settings, "alive" if host else "unknown")
        assert {call.request.url.host for call in web.calls} == ({host} if host else set())


def test_without_any_org_nobody_is_asked() -> None:
    with respx.mock(assert_all_called=False) as web:
        for text in (f"SSWS {api_token()}", f"client_id={CLIENT} client_secret={secret()}", f"{jwk()} {CLIENT}"):
            said = judged(okta, sighted(okta, text), NOBODY, "unknown")
            assert "cannot be tried" in said
        assert not web.calls
    assert APP.endswith(CLIENT)


def test_a_refusal_of_an_org_that_the_text_does_not_name_says_little() -> None:
    with respx.mock as web:
        web.get("https://operator.okta.com/api/v1/users/me").respond(401, json={"errorCode": "E0000011"})
        said = judged(okta, sighted(okta, f"SSWS {api_token()}"), OTHER_ORG, "unknown")
    assert "of which org it is, nothing tells" in said
