"""The one call that tells whether a leaked credential works, against the descriptions of GitHub and Okta themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke_github import provider as github
from nhi_revoke_github.sandbox import seed as github_seed
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.sandbox import seed as okta_seed
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.state import ORG_SERVER
from tests.contract import github_wire, okta_wire
from tests.contract.openapi import Description, Exchange, spec
from tests.triage import samples_github, samples_okta
from tests.triage.asking import NOW, an_io, sighted

pytestmark = pytest.mark.contract

CLIENT = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
"""RFC 6749, 2.3.1; RFC 7521, 4.2. Described as security schemes, in words."""


def asked(provider: Provider[Any], sandbox: Sandbox, folder: Path, texts: Sequence[str]) -> list[str]:
    """States, in the order of the texts."""
    sandbox.seed(str(folder))
    settings = msgspec.convert(sandbox.settings(), provider.settings)
    return [provider.alive(sighted(provider, text), settings, an_io()).state for text in texts]


def test_github(tmp_path: Path) -> None:
    description = github_wire.described(tmp_path)
    sandbox = GithubSandbox(entropy=1, deliver=False)
    sandbox.start(MovableClock(NOW, running=False))
    try:
        made = [f"{samples_github.token('ghp')}", f"{samples_github.token('ghs')}"]
        with github_wire.recorded() as seen:
            assert asked(github, sandbox, tmp_path, made) == ["dead", "dead"]
            installed = next(t for t in sandbox.hub.tokens.values() if t.installation and t.kind == "ghs")
            user = sandbox.hub.new_token("ghp", github_seed.LOGIN, NOW, permissions={"*": "write"})
            settings = msgspec.convert(sandbox.settings(), github.settings)
            for token in (installed, user):
                assert github.alive(sighted(github, token.value), settings, an_io()).state == "alive"
    finally:
        sandbox.close()
    assert sorted({(e.path, e.status) for e in seen}) == [
        ("/installation/repositories", 200), ("/installation/repositories", 401), ("/user", 200), ("/user", 401),
    ]  # fmt: skip
    assert not _wrong(seen, description, description)


def test_okta(tmp_path: Path) -> None:
    management = Description(spec("okta", "openapi-subset.json"))
    oauth = Description(spec("okta", "oauth-openapi.json"), CLIENT)
    sandbox = OktaSandbox(entropy=1, old_secret=False)
    sandbox.start(MovableClock(NOW, running=False))
    try:
        made = [each.text for each in samples_okta.SAMPLES]
        with okta_wire.recorded() as seen:
            assert set(asked(okta, sandbox, tmp_path, made)) == {"dead", "unknown"}
            app = next(a for a in sandbox.org.apps.values() if a.label == "Payments Bot")
            user = next(u for u in sandbox.org.users.values() if u.login.startswith("payments-bot"))
            mint = sandbox.gate.issuer.mint
            alive = [
                f"SSWS {okta_seed.new_api_token(sandbox.org, user, 'found', NOW).value} of {samples_okta.ORG}",
                mint(app, ORG_SERVER, ("openid", "email"), NOW, user=user.id).value,
                f"{app.client_id} client_secret={okta_seed.add_secret(sandbox.org, app, NOW).value}",
            ]
            settings = msgspec.convert(sandbox.settings(), okta.settings)
            assert {okta.alive(sighted(okta, text), settings, an_io()).state for text in alive} == {"alive"}
    finally:
        sandbox.close()
    assert {e.path for e in seen} == {
        "/api/v1/users/me", "/oauth2/v1/userinfo", "/oauth2/v1/introspect", "/oauth2/default/v1/introspect",
    }  # fmt: skip
    assert not _wrong(seen, management, oauth)


def _wrong(seen: Sequence[Exchange], *descriptions: Description) -> set[str]:
    wrong: set[str] = set()
    for asked in seen:
        known = next((d for d in descriptions if d.operation(asked.method, asked.path)), None)
        assert known is not None, asked.told
        wrong |= {*known.wrong_request(asked), *known.wrong_answer(asked, (400, 401, 403, 404))}
    return wrong
