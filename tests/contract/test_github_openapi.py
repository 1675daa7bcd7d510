"""The GitHub provider and its sandbox against GitHub's own OpenAPI description (Enterprise Cloud, 2026-03-10)."""

from __future__ import annotations

import re

import pytest

from nhi_revoke.provider.sandbox.rest import Route
from nhi_revoke.testing.conformance.declared import doers
from nhi_revoke_github import provider
from nhi_revoke_github.connection import VERSION
from nhi_revoke_github.sandbox.routes import tables
from tests.contract.github_wire import GithubTraffic, described, for_apps
from tests.contract.openapi import Description, Exchange

pytestmark = pytest.mark.contract

ERRORS = (401, 403, 404, 405, 409, 422, 429)
"""Statuses that any call may have (GitHub docs: troubleshooting-the-rest-api); described for some alone."""
COPY = "this copy of the description has 77 paths, and not this one"
NAMES = f"{COPY} (GitHub docs: rest/{{}})"
OF_FIND = {"GET /orgs/*/members": "GitHub docs: rest/orgs/members, list organization members: simple users"}
"""Asked by `find NAME` alone, of which the traffic here has nothing; the copy of the description lacks it."""
NOT_IN_THE_COPY = {
    "GET /apps/*": NAMES.format("apps/apps: get an app"),
    "GET /orgs/*": NAMES.format("orgs/orgs: get an organization"),
    "GET /users/*": NAMES.format("users/users: get a user"),
    "GET /repos/*/*": NAMES.format("repos/repos: get a repository"),
    "GET /users/*/ssh_signing_keys": NAMES.format("users/ssh-signing-keys: list SSH signing keys for a user"),
    "GET /orgs/*/outside_collaborators": NAMES.format("orgs/outside-collaborators: list outside collaborators"),
    "GET /repos/*/*/collaborators": NAMES.format("collaborators/collaborators: list repository collaborators"),
    "PUT /repos/*/*/collaborators/*": NAMES.format("collaborators/collaborators: add a repository collaborator"),
    "GET /repos/*/*/actions/permissions": NAMES.format("actions/permissions: get permissions for a repository"),
    "PUT /repos/*/*/actions/permissions": NAMES.format("actions/permissions: set permissions for a repository"),
    "GET /repos/*/*/actions/permissions/selected-actions": NAMES.format("actions/permissions: get allowed actions"),
    "PUT /repos/*/*/actions/permissions/selected-actions": NAMES.format("actions/permissions: set allowed actions"),
    "GET /repos/*/*/actions/organization-secrets": NAMES.format(
        "actions/secrets: list repository organization secrets"
    ),
}
"""Requests of the provider to paths that the file does not hold, with names left out: each with the reason."""
OF_CONSUMERS = {
    f"GET {path}": NAMES.format("actions/variables")
    for path in (
        "/repos/*/*/environments/*/variables",
        "/orgs/*/actions/variables",
        "/orgs/*/actions/variables/*/repositories",
    )
}
"""The same, of what `find --consumers` alone asks for."""
BEYOND = dict.fromkeys(
    (
        "GET /orgs/{org}/personal-access-tokens: ?owner[]= is unknown",
        "GET /orgs/{org}/personal-access-token-requests: ?owner[]= is unknown",
    ),
    "described as a list named `owner`; on the wire it is `owner[]` (facts 2.1)",
)
"""What requests hold besides, each with the reason."""
MORE_ROWS = "events hold more than the description says (GitHub docs: audit-log-events-for-your-organization)"
BESIDE = {
    r"GET /app/installations 200\[\]\.permissions: dependabot_secrets is unknown": "the list has an older copy of the "
    "permissions than a single installation (GitHub docs: permissions-required-for-github-apps)",
    r".*\.?permissions: (organization_)?actions_variables is unknown": "the description's list lacks permissions of "
    "variables (GitHub docs: permissions-required-for-github-apps)",
    r"GET /app/installations 200\[\]: client_id is unknown": "the same: described for a single installation",
    r"GET /orgs/\{org\}/audit-log 200\[\]: \w+ is unknown": MORE_ROWS,
    r"GET /app/installations 200\[\]\.account: required .*": "described as a user and an enterprise at once; the "
    "client that is made from GitHub's whole description reads either",
}
"""Where the sandbox answers otherwise than described: patterns of what is wrong, each with the reason."""
OF_THE_SANDBOX = re.compile(r"/_(git|hooks)/")
"""Places of the sandbox's own: Git over SSH, and where a webhook leads."""
AT_THE_DOOR = re.compile(r"/repos/[^/]+/[^/]+(/(branches|readme|contents.*))?|/user|/installation/repositories")
"""What an intruder tries a token at."""


@pytest.fixture(scope="module")
def traffic(github_traffic: GithubTraffic) -> GithubTraffic:
    """Everything that the provider asks its sandbox, and the answers."""
    return github_traffic


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Description:
    return described(tmp_path_factory.mktemp("described"))


def routes() -> list[Route]:
    return [route for table in tables() for route in table.routes]


def nameless(asked: Exchange) -> str:
    """`GET /users/*`: by the sandbox's own routes, the most literal first."""
    for route in sorted(routes(), key=lambda r: r.path.count("<")):
        pattern = "".join(
            part if not part.startswith("<") else ".+" if part.startswith("<path:") else "[^/]+"
            for part in re.split(r"(<[^>]+>)", route.path)
        )
        if route.method == asked.method and re.fullmatch(pattern, asked.path):
            return f"{route.method} {re.sub(r'<[^>]+>', '*', route.path)}"
    return f"{asked.method} {asked.path}"


def test_the_incidents_take_every_way(traffic: GithubTraffic) -> None:
    """Else the other tests prove little: every doer did something, and something was refused."""
    assert {key for key, _ in doers(provider)} - traffic.done == set()
    assert {e.status // 100 for e in traffic.exchanges} == {2, 4}
    assert {r.exit_code for r in traffic.reports} <= {0, 5, 6, 8, 9}


def test_every_request_is_as_described(traffic: GithubTraffic, description: Description) -> None:
    wrong: set[str] = set()
    unknown: set[str] = set()
    for asked in traffic.exchanges:
        if description.operation(asked.method, asked.path):
            wrong |= set(description.wrong_request(asked))
        elif asked.by == "provider":
            unknown.add(nameless(asked))
        else:
            assert OF_THE_SANDBOX.match(asked.path) or AT_THE_DOOR.fullmatch(asked.path), asked.told
    assert unknown == set(NOT_IN_THE_COPY)
    assert wrong == set(BEYOND), "\n".join(sorted(wrong))


def test_every_answer_is_as_described(traffic: GithubTraffic, description: Description) -> None:
    wrong: set[str] = set()
    for asked in traffic.exchanges:
        wrong |= set(description.wrong_answer(asked, ERRORS))
    unexplained = sorted(line for line in wrong if not any(re.fullmatch(known, line) for known in BESIDE))
    assert not unexplained, "\n".join(unexplained)
    stale = [known for known in BESIDE if not any(re.fullmatch(known, line) for line in wrong)]
    assert not stale, f"no longer so: {stale}"


def test_every_request_names_the_version_that_is_described(traffic: GithubTraffic) -> None:
    """Without the header GitHub takes the oldest that it still supports (facts 2.3)."""
    ours = [e for e in traffic.exchanges if e.by == "provider"]
    assert {e.headers.get("x-github-api-version") for e in ours} == {VERSION}
    assert {e.headers.get("accept") for e in ours} == {"application/vnd.github+json"}


def test_an_app_asks_only_what_apps_may(traffic: GithubTraffic, description: Description) -> None:
    """Where it is otherwise, the sandbox may be kinder than GitHub: what comes of it there is a refusal."""
    may, wrong = for_apps(), set()
    for asked in traffic.exchanges:
        operation = description.operation(asked.method, asked.path)
        installed = asked.headers.get("authorization", "").startswith("Bearer ghs_")
        if operation and asked.by == "provider" and installed and asked.status < 400 and not may[operation.name]:
            wrong.add(operation.name)
    assert wrong == set()


def test_leaked_tokens_are_reported_by_nobody_in_particular(traffic: GithubTraffic) -> None:
    """Facts 2.4, 1: "Any authenticated requests will return a 403"."""
    asked = [e for e in traffic.exchanges if e.path == "/credentials/revoke"]
    assert asked
    assert {e.status for e in asked} == {202}
    assert [e.told for e in asked if "authorization" in e.headers] == []


def test_whole_pages_are_asked_for(traffic: GithubTraffic, description: Description) -> None:
    """A list without a size has 30 rows: no mistake while links are followed, and three times the requests."""
    short = set()
    for asked in traffic.exchanges:
        operation = description.operation(asked.method, asked.path) if asked.by == "provider" else None
        if operation is None or asked.method != "GET" or not asked.answer.startswith(b"["):
            continue
        if "per_page" not in asked.query:
            short.add(operation.name)
    assert short == set()


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_never_read_as_none(traffic: GithubTraffic, status: int) -> None:
    """Facts 2.4, 13: such answers came, and the reports of their runs say what was not seen or not done."""
    refused = [e for e in traffic.exchanges if e.by == "provider" and e.status == status]
    assert refused
    assert any(b.counts for r in traffic.reports for b in r.blind)


def test_routes_are_described_or_the_sandboxs_own(description: Description) -> None:
    """What the sandbox takes, GitHub takes: paths in the file, or named above, or places that a door tries."""
    listed = {*NOT_IN_THE_COPY, *OF_CONSUMERS, *OF_FIND}
    stray = []
    for route in routes():
        path = re.sub(r"<int:\w+>", "1", re.sub(r"<(?!int:)[^>]+>", "x", route.path))
        known = description.operation(route.method, path) is not None
        named = f"{route.method} {re.sub(r'<[^>]+>', '*', route.path)}" in listed
        if not (known or named or OF_THE_SANDBOX.match(path) or AT_THE_DOOR.fullmatch(path)):
            stray.append(route.name)
    assert stray == []
