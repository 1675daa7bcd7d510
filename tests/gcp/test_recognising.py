"""Google's credentials in a text; and whether one works, by one call with it alone, at Google's own endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.model.liveness import Alive, Liveness
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.scene import first_key
from nhi_revoke_gcp.settings import GcpSettings
from tests.triage.asking import ODD, judged, sighted
from tests.triage.sample import Sample
from tests.triage.samples_gcp import SAMPLES, access_id, api_key, bearer, key_file

from .conftest import BOT, START, Bench

TOKEN = "https://oauth2.googleapis.com/token"
INFO = "https://oauth2.googleapis.com/tokeninfo"
MODEL = "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash"
KEY = json.dumps(key_file("0123456789" * 4, token_uri="https://evil.example/token"))
SIGNED_BADLY = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
NOWHERE = GcpSettings(credentials_file="/nowhere")
"""The operator's own credentials cannot be read: none are asked for."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    sandbox, clock = GcpSandbox(entropy=1, deliver=False), MovableClock(START, running=False)
    sandbox.start(clock)
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path_factory.mktemp("gcp")))
    made = Bench(sandbox, clock)
    yield made
    made.io.close()
    sandbox.close()


def asked(bench: Bench, text: str) -> Liveness:
    told = gcp.alive(sighted(gcp, text), bench.settings, bench.io)
    assert not [each.name for each in bench.sandbox.calls() if each.mutates]
    return told


def held_file(bench: Bench) -> str:
    account = bench.account
    return json.dumps(bench.cloud.key_file(account, first_key(account), "https://evil.example/token"))


# -- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("around", ["{}", "log: {} and more", '{"deep": {}}'])
def test_the_private_half_of_a_key_file_is_what_is_masked(around: str, indent: int | None) -> None:
    file = key_file("a1b2c3d4e5" * 4)
    text = around.replace("{}", json.dumps(file, indent=indent), 1)
    found = sighted(gcp, text)
    assert json.loads(f'"{text[found.start : found.end]}"') == file["private_key"]
    assert "PRIVATE KEY" not in text[: found.start] + text[found.end :]
    assert "PRIVATE KEY" not in repr(found)


def test_a_second_key_file_has_its_own_place() -> None:
    one, other = key_file("a1b2c3d4e5" * 4), key_file("f" * 40, private_key="another PRIVATE KEY")
    text = json.dumps(one) + "\n" + json.dumps(other)
    places = [text[each.start : each.end] for each in gcp.recognise(text)]
    assert places[1] == "another PRIVATE KEY"
    assert len(places) == 2


def test_a_key_file_that_stands_twice_is_masked_twice() -> None:
    text = f"{KEY}\n{json.dumps(json.loads(KEY), indent=2)}"
    found = list(gcp.recognise(text))
    assert len({each.leak for each in found}) == 1
    assert [json.loads(f'"{text[each.start : each.end]}"') for each in found] == [key_file("x")["private_key"]] * 2
    assert "PRIVATE KEY" not in text[: found[0].start] + text[found[0].end : found[1].start] + text[found[1].end :]


def test_of_an_hmac_key_the_secret_is_masked_where_it_stands_and_else_its_id() -> None:
    key, secret = access_id(), "bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ"
    alone = sighted(gcp, f"access key {key}")
    assert (alone.value, alone.leak.public_id) == (None, key)
    text = f"id={key}\nsecret={secret}\n"
    beside = sighted(gcp, text)
    assert beside.value is not None
    assert beside.value.fields() == {"accessId": key, "secret": secret}
    assert text[beside.start : beside.end] == secret


# -- whether it works: the sandbox ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_google_does_not_know_what_was_made_up(world: Bench, sample: Sample) -> None:
    told = asked(world, sample.text)
    assert told.state == sample.state, told.how
    assert not sample.value or sample.value not in repr(told)


def test_a_key_gets_a_token_until_it_is_disabled(bench: Bench) -> None:
    """At the settings' endpoint, whatever the file says."""
    text = held_file(bench)
    told = asked(bench, text)
    assert (told.state, str(told.owner), told.scope) == ("alive", BOT, "shop-prod")
    assert "thrown away" in told.how
    first_key(bench.account).disabled.set(True, bench.sandbox.now(), 0.0)
    told = asked(bench, text)
    assert (told.state, str(told.owner)) == ("dead", BOT)


def test_of_a_disabled_account_nobody_can_tell_what_comes_back(bench: Bench) -> None:
    text = held_file(bench)
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    told = asked(bench, text)
    assert told.state == "unknown"
    assert "until somebody enables the account" in told.how


def test_an_access_token_tells_whose_it_is_and_when_it_ends(bench: Bench) -> None:
    made = bench.cloud.new_token(f"serviceAccount:{bench.account.email}", START)
    told = asked(bench, f"Bearer {made.value}")
    assert (told.state, str(told.owner)) == ("alive", f"gcp:sa/{bench.account.unique_id}")
    assert told.reaches == ("https://www.googleapis.com/auth/cloud-platform",)
    assert told.expires == START + timedelta(hours=1)
    bench.sandbox.advance(3601)
    assert asked(bench, f"Bearer {made.value}").state == "dead"


def test_an_api_key_works_until_it_is_deleted(bench: Bench) -> None:
    now = bench.sandbox.now()
    key = next(k for k in bench.cloud.api_keys.keys.values() if k.email == bench.account.email and k.works.obeyed(now))
    assert asked(bench, f"key={key.string}").state == "alive"
    key.works.set(False, now, 0.0)
    told = asked(bench, f"key={key.string}")
    assert (told.state, "API_KEY_INVALID" in told.how) == ("dead", True)


# -- whether it works: other answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "outcome"), ODD)
@pytest.mark.parametrize("text", [KEY, f"x={bearer()}", f"x={api_key()}"], ids=["key", "bearer", "api-key"])
def test_an_odd_answer_tells_nothing(
    answer: httpx.Response | Exception, outcome: Alive | type[Fault], text: str
) -> None:
    """And nobody but Google is asked, whatever the file names."""
    with respx.mock(assert_all_called=False) as web:
        web.route(host__regex=r"(oauth2|aiplatform)\.googleapis\.com").mock(
            side_effect=answer if isinstance(answer, Exception) else None,
            return_value=answer if isinstance(answer, httpx.Response) else None,
        )
        judged(gcp, sighted(gcp, text), NOWHERE, outcome)
        assert {call.request.url.host for call in web.calls} <= {"oauth2.googleapis.com", "aiplatform.googleapis.com"}
        assert web.calls


@pytest.mark.parametrize(
    ("status", "body", "state", "says"),
    [
        (400, SIGNED_BADLY, "dead", "it is no enabled key"),
        (400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}, "dead", "no such"),
        (
            400, {"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token"},
            "unknown", "not because it is no key",
        ),
        (401, {"error": "unauthorized_client", "error_description": "Unauthorized"}, "unknown", "not because"),
        (400, "no JSON", "unknown", ""),
        (200, {"access_token": "one", "expires_in": 3599}, "alive", "thrown away"),
    ],
)  # fmt: skip
def test_what_the_token_endpoint_says_of_a_key(status: int, body: Any, state: Alive, says: str) -> None:
    with respx.mock as web:
        web.post(TOKEN).respond(status, json=body)
        assert says in judged(gcp, sighted(gcp, KEY), NOWHERE, state)


def test_a_key_of_another_universe_is_not_tried() -> None:
    text = json.dumps(key_file("0123456789" * 4, universe_domain="evil.example"))
    with respx.mock(assert_all_called=False) as web:
        judged(gcp, sighted(gcp, text), NOWHERE, "unknown")
        assert not web.calls


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (400, {"error": "invalid_token", "error_description": "Invalid Value"}, "dead"),
        (400, {"error": "invalid_request"}, "unknown"),
        (403, {"error": "forbidden"}, "unknown"),
        (200, {"azp": "32555940559.apps.googleusercontent.com", "email": "a@example.com", "exp": "soon"}, "alive"),
    ],
)
def test_what_tokeninfo_says(status: int, body: Any, state: Alive) -> None:
    """Of a person's token no account is named: none of ours is a person."""
    value = bearer()
    with respx.mock as web:
        route = web.post(INFO).respond(status, json=body)
        assert "owner=None" in judged(gcp, sighted(gcp, value), NOWHERE, state)
    [call] = route.calls
    assert call.request.headers["authorization"] == f"Bearer {value}"
    assert value not in str(call.request.url)


def details(reason: str) -> Any:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key", "details": [info]}}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (400, details("API_KEY_INVALID"), "dead"),
        (403, details("API_KEY_SERVICE_BLOCKED"), "alive"),
        (403, details("SERVICE_DISABLED"), "unknown"),
        (401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}, "unknown"),
        (200, {}, "alive"),
    ],
)
def test_what_an_api_says_of_a_key(status: int, body: Any, state: Alive) -> None:
    with respx.mock as web:
        web.get(MODEL).respond(status, json=body)
        judged(gcp, sighted(gcp, api_key()), NOWHERE, state)
