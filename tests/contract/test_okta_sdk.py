"""Okta's own Python SDK as a client of the sandbox, and as the judge of every request that we send.

The SDK is generated from Okta's OpenAPI description; its models read the sandbox's answers. Its configuration accepts
http only by a variable that is meant for tests.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import re
import typing
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.contract.okta_wire import Traffic
from tests.contract.openapi import Description, Exchange, Operation, spec

pytestmark = pytest.mark.contract

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OF_A_TEST = "OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"
NOT_READ = {
    "listJwk": 'reads a bare list, as the schema says; the description\'s example wraps it: {"jwks": {"keys": […]}}',
    "listRolesForClient": "tries both kinds of role, and refuses a row that fits both",
}
"""Lists that its models cannot read, each with the reason."""
NOT_MADE = {"addJwk": "its model of a new key fits a signing and an encryption key, and it refuses what fits both"}
"""Requests that it cannot make, each with the reason."""
Do = Callable[[Any], Awaitable[Any]]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[OktaSandbox]:
    sandbox = OktaSandbox(entropy=1, old_secret=False)
    sandbox.start(MovableClock(NOW))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


@pytest.fixture
def ask(sandbox: OktaSandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[Do], Any]:
    """Does something with a client of the sandbox; raises what the SDK says went wrong."""
    bare(monkeypatch)
    token = Path(sandbox.settings()["token_file"]).read_text()
    return lambda do: asyncio.run(_asked(client(sandbox.url, token), do))


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's own environment."""
    for name in [n for n in os.environ if n.startswith("OKTA_CLIENT_") or n.upper() in ("HTTP_PROXY", "HTTPS_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(OF_A_TEST, "true")


def client(url: str, token: str) -> Any:
    """Untyped on purpose: types of thousands of generated models are none of ours."""
    made = importlib.import_module("okta.client").Client(
        {"orgUrl": url, "token": token, "rateLimit": {"maxRetries": 0}, "cache": {"enabled": False}}
    )
    # 3.4.6 sends "SSWS" and the token without the space between them that Okta's documents show.
    made.configuration.authorization_mode = "SSWS "
    return made


async def _asked(made: Any, do: Do) -> Any:
    async with made:
        answer = await do(made)
    *found, error = answer
    if error is not None:
        raise AssertionError(str(error))
    return found[0]


def doors(sandbox: OktaSandbox) -> set[str]:
    return {d.id.removeprefix("okta/") for d in sandbox.doors() if d.open()}


# -- its models read what the sandbox answers --------------------------------------------------------------------------


def test_its_models_read_every_list(sandbox: OktaSandbox, ask: Callable[[Do], Any]) -> None:
    app, user = sandbox.scene.app, sandbox.scene.user
    [service] = sandbox.org.services
    assert {a.label for a in ask(lambda c: c.list_applications())} >= {"Payments Bot"}
    assert {u.profile.login for u in ask(lambda c: c.list_users())} >= {user.login}
    assert {t.user_id for t in ask(lambda c: c.list_api_tokens())} >= {user.id}
    assert {s.id for s in ask(lambda c: c.list_o_auth2_client_secrets(app.id))} == set(app.secrets)
    assert {g.scope_id for g in ask(lambda c: c.list_scope_consent_grants(app.id))} == {
        g.scope for g in app.grants.values()
    }
    assert len(ask(lambda c: c.list_assigned_roles_for_user(user.id))) == len(user.roles)
    assert [f.id for f in ask(lambda c: c.list_factors(user.id))] == [f["id"] for f in user.factors]
    assert ask(lambda c: c.list_user_clients(user.id))
    assert ask(lambda c: c.list_user_grants(user.id))
    assert [s.id for s in ask(lambda c: c.list_api_service_integration_instances())] == [service]
    masked = ask(lambda c: c.list_api_service_integration_instance_secrets(service))
    assert all(s.client_secret.startswith("***") for s in masked)
    assert {s.id for s in ask(lambda c: c.list_authorization_servers())} == set(sandbox.org.servers)
    events = ask(lambda c: c.list_log_events(since="2026-11-01T00:00:00Z", until="2026-11-28T12:00:00Z", limit=1000))
    assert {e.event_type for e in events} >= {"user.lifecycle.create", "user.account.privilege.grant"}


# -- what it does has the effect that it says --------------------------------------------------------------------------


def test_a_secret_is_deactivated_and_deleted(sandbox: OktaSandbox, ask: Callable[[Do], Any]) -> None:
    app = sandbox.scene.app
    [secret] = app.secrets
    with pytest.raises(AssertionError, match="E0000001"):
        ask(lambda c: c.deactivate_o_auth2_client_secret(app.id, secret))
    made = ask(lambda c: c.create_o_auth2_client_secret(app.id))
    assert ask(lambda c: c.deactivate_o_auth2_client_secret(app.id, secret)).status == "INACTIVE"
    assert "client-secret" not in doors(sandbox)
    ask(lambda c: _without_model(c.delete_o_auth2_client_secret(app.id, secret)))
    assert [s.id for s in ask(lambda c: c.list_o_auth2_client_secrets(app.id))] == [made.id]


async def _without_model(call: Awaitable[Any]) -> Any:
    """Where Okta answers without a body: the error, or None."""
    return None, (await call)[-1]


def test_a_user_is_contained(sandbox: OktaSandbox, ask: Callable[[Do], Any]) -> None:
    user = sandbox.scene.user
    before = doors(sandbox)
    [token] = [t.id for t in sandbox.org.api_tokens.values() if t.user == user.id]
    ask(lambda c: _without_model(c.revoke_api_token(token)))
    assert before - doors(sandbox) == {"api-token"}
    ask(lambda c: _without_model(c.revoke_user_sessions(user.id)))
    assert before - doors(sandbox) == {"api-token", "user-session"}, "facts 1.4, 1: tokens live on by default"
    ask(lambda c: _without_model(c.revoke_user_sessions(user.id, oauth_tokens=True)))
    assert before - doors(sandbox) == {"api-token", "user-session", "user-refresh-token"}
    ask(lambda c: _without_model(c.suspend_user(user.id)))
    assert ask(lambda c: c.get_user(user.id)).status == "SUSPENDED"


def test_an_integrations_secret_is_deactivated(sandbox: OktaSandbox, ask: Callable[[Do], Any]) -> None:
    [service] = sandbox.org.services
    live = next(i for i, s in sandbox.org.services[service].client.secrets.items() if s.status.shown == "ACTIVE")
    shown = ask(lambda c: c.deactivate_api_service_integration_instance_secret(service, live))
    assert shown.status == "INACTIVE"
    assert "api-service-secret" not in doors(sandbox)


# -- the judge of our own requests -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def management() -> Description:
    return Description(spec("okta", "openapi-subset.json"))


def test_it_would_send_what_we_send(traffic: Traffic, management: Description, monkeypatch: pytest.MonkeyPatch) -> None:
    """Method, path, query and body of each kind of request, made by the SDK from the same ids."""
    bare(monkeypatch)
    made = client("http://127.0.0.1:1", "00" + "a" * 40)
    judged, wrong = set(), []
    for asked in traffic.exchanges:
        operation = management.operation(asked.method, asked.path)
        if asked.by != "provider" or operation is None or "after=" in asked.query or operation.id in NOT_MADE:
            continue
        shape = (operation.id, tuple(sorted(dict(parse_qsl(asked.query)))), bool(asked.body))
        if shape in judged:
            continue
        judged.add(shape)
        theirs, ours = _theirs(made, operation, asked), _ours(asked)
        if theirs != ours:
            wrong.append(f"{operation.id}: the SDK sends {theirs}, we send {ours}")
    assert not wrong, "\n".join(wrong)
    changing = {name for name, _, _ in judged if not name.startswith(("list", "get"))}
    assert len(changing) > 15, sorted(changing)


def test_it_unassigns_a_users_role_as_we_do(traffic: Traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one call that is not in this copy of the description."""
    bare(monkeypatch)
    made = client("http://127.0.0.1:1", "00" + "a" * 40)
    asked = next(e for e in traffic.exchanges if e.method == "DELETE" and re.search(r"/users/\w+/roles/\w+$", e.path))
    *_, user, _, role = asked.path.split("/")
    operation = Operation("", "unassignRoleFromUser", "", {"userId": user, "roleAssignmentId": role})
    assert _theirs(made, operation, asked) == _ours(asked)


def _ours(asked: Exchange) -> tuple[str, str, dict[str, str], Any]:
    """An empty object is what the SDK leaves out."""
    body = json.loads(asked.body) if asked.body else None
    return asked.method, asked.path, dict(parse_qsl(asked.query)), body or None


def _theirs(made: Any, operation: Operation, asked: Exchange) -> tuple[str, str, dict[str, str], Any]:
    """What the SDK hands to its transport, caught there."""
    caught: list[tuple[str, str, Any]] = []

    class Caught(Exception):
        pass

    async def create_request(method: str, url: str, body: Any = None, *more: Any, **named: Any) -> Any:
        caught.append((method, url, body))
        raise Caught

    made.get_request_executor().create_request = create_request
    call = getattr(made, _snake(operation.id))
    named: dict[str, Any] = {_snake(k): v for k, v in operation.segments.items()}
    named |= {_snake(k): _typed(v) for k, v in parse_qsl(asked.query)}
    if asked.body:
        name, model = _body_of(call, named)
        named[name] = model.from_json(asked.body.decode())

    async def go() -> None:
        async with made:
            await call(**named)

    with pytest.raises(Caught):
        asyncio.run(go())
    [(method, url, body)] = caught
    parts = urlsplit(url)
    return method, parts.path, dict(parse_qsl(parts.query)), body or None


def _body_of(call: Any, named: dict[str, Any]) -> tuple[str, Any]:
    """The parameter whose type is a model, and that model."""
    hints = typing.get_type_hints(inspect.unwrap(call))
    for name, hint in hints.items():
        types = (hint, *typing.get_args(hint))
        model = next((t for t in types if hasattr(t, "from_json")), None)
        if model is not None and name not in named and name != "return":
            return name, model
    raise AssertionError(f"{call.__name__} takes no body")


def _snake(name: str) -> str:
    """As the generator writes names: `revokeOAuth2Token…` -> `revoke_o_auth2_token…`."""
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z\d])([A-Z])", r"\1_\2", apart).lower()


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


def test_every_operation_that_we_use_is_one_of_the_sdk(traffic: Traffic, management: Description) -> None:
    operations = [management.operation(e.method, e.path) for e in traffic.exchanges if e.by == "provider"]
    used = {o.id for o in operations if o is not None}
    sdk = importlib.import_module("okta.client").Client
    assert {name for name in used if not hasattr(sdk, _snake(name))} == set()
    assert set(NOT_READ) <= used
