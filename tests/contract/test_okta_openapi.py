"""The Okta provider and its sandbox against Okta's own OpenAPI descriptions (management and OAuth)."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from nhi_revoke.testing.conformance.declared import doers, permissions
from nhi_revoke_okta import provider, scopes
from nhi_revoke_okta.sandbox.request import ROUTES
from nhi_revoke_okta.sandbox.routes import loaded
from nhi_revoke_okta.words import AN_ID
from tests.contract.okta_wire import Traffic
from tests.contract.openapi import Description, spec

pytestmark = pytest.mark.contract

SIGNS_IN = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
"""RFC 6749, 2.3.1; RFC 7521, 4.2. Described as security schemes, in words."""
ERRORS = (400, 401, 403, 404, 405, 429)
"""Statuses that Okta docs, error-codes, know for any call; most operations are described with some of them alone."""
EXPERIMENT = "Okta for AI Agents is in no OpenAPI file here: Beta reference pages and third-party notes (facts 1.1)"
AGENTS = "/workload-principals/api/v1/ai-agents"
NOT_IN_THE_COPY = {
    **dict.fromkeys(
        (
            f"GET {AGENTS}/*",
            f"GET {AGENTS}/*/connections",
            "GET /workload-principals/api/v1/delegation-links",
            f"POST {AGENTS}/*/lifecycle/activate",
            f"POST {AGENTS}/*/lifecycle/deactivate",
            *(f"GET {AGENTS}/*/credentials/{shelf}" for shelf in ("jwks", "secrets")),
            *(
                f"POST {AGENTS}/*/credentials/{shelf}/*/lifecycle/{verb}"
                for shelf in ("jwks", "secrets")
                for verb in ("activate", "deactivate")
            ),
        ),
        EXPERIMENT,
    ),
    "DELETE /api/v1/users/*/roles/*": "unassignRoleFromUser: this copy of the description has 65 paths, and not this "
    "one (Okta docs: role-assignments)",
}
"""Requests to paths that are in neither file, with ids left out: each with the reason."""
UNPUBLISHED = frozenset(scopes.AGENTS)
"""Scopes of the same: on Okta's Beta reference pages alone."""
BEYOND = {
    "POST /api/v1/apps/{appId}/credentials/jwks: crv is unknown": "the description's EC key leaves the curve out, "
    "without which it is no key (RFC 7518, 6.2.1.1)",
}
"""What requests hold besides, each with the reason."""
NO_CURVE = "the description's EC signing key leaves out curve, use and algorithm; a JWK has them (RFC 7517, RFC 7518)"
EMPTY = "described without content: an empty object says no more"
BESIDE = {
    r"GET .*/credentials/jwks 200: type .*": 'the description\'s own example shows {"jwks": {"keys": […]}} (facts 1.1)',
    r"POST .*/credentials/jwks.* 20[01]: (crv|alg|use) is unknown": NO_CURVE,
    r"GET /api/v1/api-tokens 200\[\]\.tokenWindow: pattern .*": "nothing fits the description's pattern: `^P(?:$)…` "
    "wants the end right after the P; P30D is Okta's example",
    r"GET /api/v1/logs 200\[\]\.target\[\]\.alternateId: type .*": "null in Okta's own examples of events",
    r"GET /api/v1/sessions/\{sessionId\} 404: a body, and none is described": "an error like any other",
    r"POST .*/lifecycle/((de)?activate|(un)?suspend) 200: a body, and none is described": EMPTY,
    r"POST /oauth2/v1/token 200\.token_type: enum .*": "DPoP is not among the types (Okta docs: guides/dpop)",
}
"""Where the sandbox answers otherwise than described: patterns of what is wrong, each with the reason."""
OF_THE_SANDBOX = re.compile(r"/_(resource|app)/|/api/v1/sessions/me$")
"""Services of the sandbox's own that take tokens; and the one call that a session's cookie alone may make."""


@pytest.fixture(scope="module")
def management() -> Description:
    return Description(spec("okta", "openapi-subset.json"))


@pytest.fixture(scope="module")
def oauth() -> Description:
    return Description(spec("okta", "oauth-openapi.json"), SIGNS_IN)


@pytest.fixture(scope="module")
def describes(management: Description, oauth: Description) -> Descriptions:
    return Descriptions(management, oauth)


class Descriptions(NamedTuple):
    """Roles of clients are in the one, though their path begins as the other's do."""

    management: Description
    oauth: Description

    def of(self, method: str, path: str) -> Description | None:
        """Which one has the operation."""
        return next((d for d in self if d.operation(method, path)), None)


def test_the_incidents_take_every_way(traffic: Traffic) -> None:
    """Else the other tests prove little: every doer did something, and something was refused."""
    assert {key for key, _ in doers(provider)} - traffic.done == set()
    assert {e.status // 100 for e in traffic.exchanges} == {2, 4}
    assert {r.exit_code for r in traffic.reports if r.verb != "revoke"} == {0, 8}


def test_every_request_is_as_described(traffic: Traffic, describes: Descriptions) -> None:
    wrong: set[str] = set()
    unknown: set[str] = set()
    for asked in traffic.exchanges:
        known = describes.of(asked.method, asked.path)
        if known is not None:
            wrong |= set(known.wrong_request(asked))
        elif not (asked.by == "intruder" and OF_THE_SANDBOX.search(asked.path)):
            unknown.add(f"{asked.method} {AN_ID.sub('*', asked.path)}")
    assert unknown == set(NOT_IN_THE_COPY)
    assert wrong == set(BEYOND), "\n".join(sorted(wrong))


def test_every_answer_is_as_described(traffic: Traffic, describes: Descriptions) -> None:
    wrong: set[str] = set()
    for asked in traffic.exchanges:
        known = describes.of(asked.method, asked.path)
        if known is not None:
            wrong |= set(known.wrong_answer(asked, ERRORS))
    unexplained = sorted(line for line in wrong if not any(re.fullmatch(known, line) for known in BESIDE))
    assert not unexplained, "\n".join(unexplained)
    stale = [known for known in BESIDE if not any(re.fullmatch(known, line) for line in wrong)]
    assert not stale, f"no longer so: {stale}"


def test_what_the_sandbox_demands_is_what_okta_demands(describes: Descriptions) -> None:
    """The scope of each route is one that the description names for it."""
    loaded()
    wrong = []
    for route in ROUTES:
        path = re.sub(r"<\w+>", "0oaXXXXXXXXXXXXXXXXX", route.path)
        known = describes.of(route.method, path)
        operation = known.operation(route.method, path) if known else None
        if known is None or operation is None or route.scope in ("", "-"):
            continue
        if route.scope not in known.scopes(operation):
            wrong.append(f"{route.name}: {route.scope}, described: {sorted(known.scopes(operation))}")
    assert not wrong, "\n".join(wrong)


def test_what_is_in_no_description_is_an_experiment_and_nothing_else_is() -> None:
    """Of its kinds and scopes none is used for another principal, so that `--experimental` keeps them all away."""
    on = {kind.name: set(kind.on) for kind in provider.kinds() if UNPUBLISHED & set(kind.reads)}
    assert set().union(*on.values()) == set(provider.experimental)
    assert {k.name for k in provider.kinds() if set(k.on) <= set(provider.experimental)} == set(on)


@pytest.mark.parametrize("permission", sorted(permissions(provider) - UNPUBLISHED))
def test_every_declared_permission_is_a_scope_of_okta(permission: str, describes: Descriptions) -> None:
    assert permission in {scope for d in describes for scope in d.every_scope}
