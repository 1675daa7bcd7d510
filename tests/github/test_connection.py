"""One login at one organisation: which GitHub, who the operator is, what errors mean, and how fast it may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.model.error import NothingCanStart, Refused
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.pace import SPARE
from nhi_revoke_github.connection import VERSION, GithubConnection, org_path
from nhi_revoke_github.host import api_url, site_url
from nhi_revoke_github.permissions import METADATA
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.state import ORG
from nhi_revoke_github.settings import GithubSettings
from tests.http_kit.conftest import everything_said

from .conftest import START, USER, Bench, Whole
from .responder import DOTCOM, RESIDENT, SERVER, token_of

# -- which GitHub --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "url", "site"),
    [
        ("", DOTCOM, "https://github.com"),
        ("https://API.github.com/", DOTCOM, "https://github.com"),
        (SERVER, SERVER, "https://git.acme.example"),
        (f" {SERVER}/ \n", SERVER, "https://git.acme.example"),
        ("https://git.acme.example:8443/api/v3", "https://git.acme.example:8443/api/v3", "https://git.acme.example:8443"),
        (RESIDENT, RESIDENT, "https://acme.ghe.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)  # fmt: skip
def test_an_apis_address_and_where_a_person_clicks(typed: str, url: str, site: str) -> None:
    assert api_url(GithubSettings(api_url=typed), {}) == url
    assert api_url(GithubSettings(), {"GITHUB_API_URL": typed}) == url
    assert site_url(url) == site


@pytest.mark.parametrize(
    "typed",
    [
        "api.github.com", "http://api.github.com", "https://github.com", "https://www.github.com/", "https://",
        "https://acme.ghe.com", "https://api.github.com?x=1", "https://api.github.com#x", "https://[::1",
        "https://api.github.com:https", "https://api.github.com:99999", "https://user:hunter2@api.github.com",
        "https://@api.github.com", "https://api.github.com@evil.example", "https://api.github.com\\@evil.example",
        "https://api .github.com", "ftp://localhost", "http://127.0.0.1.evil.example",
    ],
)  # fmt: skip
def test_what_is_no_apis_address(bench: Bench, typed: str) -> None:
    for conn in (bench.connect(api_url=typed), bench.connect({"GITHUB_API_URL": typed}, api_url="")):
        with pytest.raises(Unauthenticated, match="Nothing was looked at") as said:
            conn.whoami()
        assert "hunter2" not in everything_said(said.value)
        assert "api_url" in said.value.hint
    assert bench.sandbox.calls() == ()


@pytest.mark.parametrize("base", [DOTCOM, SERVER, RESIDENT])
@respx.mock
def test_paging_stays_on_the_host_and_under_its_base_path(bench: Bench, base: str) -> None:
    """Every request with the version that this was written against (facts 2.3)."""
    path = org_path("acme", "/installations")
    link = {"link": f'<{base}/organizations/7/installations?page=2>; rel="next", <{base}/x>; rel="last"'}
    first = respx.get(f"{base}{path}").respond(json={"total_count": 2, "installations": [{"id": 1}]}, headers=link)
    second = respx.get(f"{base}/organizations/7/installations?page=2").respond(json={"installations": [{"id": 2}]})
    conn = bench.connect(api_url=base)
    assert [row["id"] for row in conn.rows(path, METADATA, under="installations")] == [1, 2]
    for route in (first, second):
        assert route.calls.last.request.headers["x-github-api-version"] == VERSION
        assert route.calls.last.request.headers["accept"] == "application/vnd.github+json"
    assert first.calls.last.request.url.params["per_page"] == "100"


@respx.mock
def test_no_redirect_and_no_link_takes_the_token_elsewhere(bench: Bench) -> None:
    there = respx.get(f"{SERVER}/orgs/acme/repos")
    elsewhere = respx.route(host="evil.example").respond(json=[])
    conn = bench.connect(api_url=SERVER)
    link = {"link": '<https://evil.example/api/v3/orgs/acme/repos?page=2>; rel="next"'}
    for answer in (
        httpx.Response(301, headers={"location": "https://evil.example/"}),
        httpx.Response(200, json=[], headers=link),
    ):
        there.mock(return_value=answer)
        with pytest.raises(Rejected):
            list(conn.rows("/orgs/acme/repos", METADATA))
    assert not elsewhere.called


def test_a_host_that_cannot_be_reached(bench: Bench) -> None:
    with pytest.raises(Unavailable, match="nothing was asked") as said:
        bench.connect(api_url="http://127.0.0.1:1").whoami()
    assert token_of(bench) not in everything_said(said.value)


def test_nothing_can_start_there(whole: Whole) -> None:
    whole.hub.table["api_url"] = "http://127.0.0.1:1"
    with pytest.raises(NothingCanStart) as said:
        whole.look(name=USER)
    assert said.value.code == "unavailable"


# -- who -----------------------------------------------------------------------------------------------------------


def test_the_operator_by_a_token_is_its_owner(bench: Bench) -> None:
    assert bench.conn.whoami() == (PrincipalRef("github", "user", seed.OPERATOR),)
    assert bench.conn.scope == ORG


def test_in_actions_the_repository_is_in_the_chain(bench: Bench) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": seed.SHOP}
    chain = [str(r) for r in bench.connect(environ).whoami()]
    assert chain == [f"github:user/{seed.OPERATOR}", f"github:repo/{seed.SHOP}"]
    assert [str(r) for r in bench.connect({"GITHUB_REPOSITORY": seed.SHOP}).whoami()] == chain[:1], "not in Actions"
    workflow = bench.hub.new_token("ghs", "github-actions", bench.sandbox.now(), permissions={"metadata": "read"})
    file = Path(bench.sandbox.scene.folder) / "workflow-token"
    file.write_text(workflow.value)
    assert [str(r) for r in bench.connect(environ, token_file=str(file)).whoami()] == chain[1:]


def test_whose_token_cannot_be_told_is_not_used(bench: Bench, tmp_path: Path) -> None:
    """An installation's token says of no user or app that it is theirs: the guard would protect nobody."""
    token = bench.hub.new_token("ghs", "some-app", bench.sandbox.now(), permissions={"*": "write"})
    file = tmp_path / "token"
    file.write_text(token.value)
    with pytest.raises(Denied, match="cannot be told") as said:
        bench.connect(token_file=str(file)).whoami()
    assert "app_id" in said.value.hint
    assert token.value not in everything_said(said.value)


def refused_as_own(world: Whole, name: str) -> None:
    before = world.mutations()
    plan = world.plan(name=name)
    with pytest.raises(Refused) as said:
        world.run(plan)
    assert said.value.code == "own-principal"
    assert world.mutations() == before


@pytest.mark.parametrize("typed", [seed.OPERATOR, seed.OPERATOR.upper()])
def test_the_operators_own_user_is_never_ended(whole: Whole, typed: str) -> None:
    """Facts 2.4, 18."""
    refused_as_own(whole, f"github:user/{typed}")


@pytest.mark.parametrize("typed", ["app/payments-bot", "user/payments-bot[bot]"])
def test_the_operators_own_app_is_never_ended(whole: Whole, typed: str) -> None:
    held = whole.hub.table["apps"][0]
    whole.hub.table |= {"app_id": held["app_id"], "private_key_file": held["private_key_file"], "token_file": ""}
    with whole.hub.hub.lock:
        seed.new_account(whole.hub.hub, "payments-bot[bot]", START, "Bot")
    refused_as_own(whole, f"github:{typed}")


def test_the_repository_that_it_runs_in_is_never_ended(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REPOSITORY", seed.SHOP)
    refused_as_own(whole, f"github:repo/{seed.SHOP}")


# -- what GitHub says ----------------------------------------------------------------------------------------------


@pytest.fixture
def dotcom(bench: Bench) -> Iterator[tuple[GithubConnection, respx.Route]]:
    with respx.mock:
        yield bench.connect(api_url=DOTCOM), respx.get(f"{DOTCOM}/x")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (401, Unauthenticated), (403, Denied), (404, Denied), (409, Conflict), (410, Rejected),
     (422, Rejected), (429, Throttled), (500, Unavailable), (503, Unavailable)],
)  # fmt: skip
def test_errors_in_the_contracts_words(
    dotcom: tuple[GithubConnection, respx.Route], status: int, kind: type[Fault]
) -> None:
    """A 404 is "no permission" as well as "there is none" (facts 2.4, 13)."""
    conn, there = dotcom
    body = {"message": "hunter2", "errors": [{"code": "custom", "message": "hunter2"}]}
    there.respond(status, json=body, headers={"x-accepted-github-permissions": "administration=write"})
    with pytest.raises(kind) as said:
        conn.get("/x", "administration:write")
    assert type(said.value) is kind
    assert "hunter2" not in everything_said(said.value)
    if isinstance(said.value, Denied):
        assert said.value.needs == "administration=write"


def test_a_part_of_the_api_that_is_closed_down_is_never_none(bench: Bench) -> None:
    """Facts 2.3: 410 for a version that is not served; what raises Missing means "none" to whoever lists."""
    with respx.mock:
        conn = bench.connect(api_url=DOTCOM)
        for path in ("/orgs/example-payments/outside_collaborators", "/users/payments-machine/keys"):
            respx.get(f"{DOTCOM}{path}").respond(410, json={"message": "Gone"})
            with pytest.raises(Rejected) as said:
                list(conn.rows(path, "members:read", known=True))
            assert said.value.code == "not-served"
            assert "version" in said.value.hint


def test_a_404_is_there_is_none_where_the_place_was_seen(dotcom: tuple[GithubConnection, respx.Route]) -> None:
    conn, there = dotcom
    there.respond(404, json={"message": "Not Found"})
    with pytest.raises(Missing):
        conn.get("/x", METADATA, known=True)
    with pytest.raises(Denied, match="answers alike"):
        list(conn.rows("/x", METADATA))


@pytest.mark.parametrize(
    "body", ["{", "[]", '"text"', "null", '{"message": ["x"]}', '{"errors": "x"}', '{"errors": [7]}']
)
def test_an_error_of_another_form(dotcom: tuple[GithubConnection, respx.Route], body: str) -> None:
    conn, there = dotcom
    for status, kind in ((403, Denied), (422, Rejected)):
        there.respond(status, content=body)
        with pytest.raises(kind):
            conn.get("/x", METADATA)


@pytest.mark.parametrize(
    ("body", "under"), [({}, ""), ({"installations": None}, "installations"), ("x", ""), (None, "")]
)
def test_what_is_no_list_is_not_an_empty_one(
    dotcom: tuple[GithubConnection, respx.Route], body: Any, under: str
) -> None:
    conn, there = dotcom
    there.respond(json=body)
    with pytest.raises(Rejected, match="it was not read"):
        list(conn.rows("/x", METADATA, under=under))


# -- how fast (facts 2.3; 2.4, 19) ---------------------------------------------------------------------------------


SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("skew", [-600, 0, 600])
def test_the_primary_limit_is_waited_for_by_githubs_clock(
    bench: Bench, dotcom: tuple[GithubConnection, respx.Route], status: int, skew: int
) -> None:
    conn, there = dotcom
    began = bench.io.now()
    now = began + timedelta(seconds=skew)
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}
    headers |= {"x-ratelimit-reset": str(int(now.timestamp()) + 40), "date": format_datetime(now, usegmt=True)}
    limited = httpx.Response(status, json={"message": "API rate limit exceeded"}, headers=headers)
    there.mock(side_effect=[limited, httpx.Response(200, json={"ok": True})])
    assert conn.get("/x", METADATA) == {"ok": True}
    assert (bench.io.now() - began).total_seconds() == pytest.approx(41, abs=2)


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [
        (403, {"retry-after": "7"}, 7),
        (429, {"retry-after": "7"}, 7),
        (403, {}, 60),
        (429, {}, 60),
        (403, {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1795868400"}, 60),
        (429, {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1795868400"}, 60),
    ],
)
def test_the_secondary_limit_is_no_denial(
    bench: Bench, dotcom: tuple[GithubConnection, respx.Route], status: int, headers: dict[str, str], waits: int
) -> None:
    """Retry-After; without it at least a minute. Whoever goes on may be banned."""
    conn, there = dotcom
    began = bench.io.now()
    limited = httpx.Response(status, json={"message": SECONDARY}, headers=headers)
    there.mock(side_effect=[limited, httpx.Response(200, json={})])
    conn.get("/x", METADATA)
    assert (bench.io.now() - began).total_seconds() == pytest.approx(waits, abs=0.5)


def test_a_limit_that_lasts_is_told_as_one(dotcom: tuple[GithubConnection, respx.Route]) -> None:
    conn, there = dotcom
    there.respond(403, json={"message": SECONDARY}, headers={"retry-after": "3600"})
    with pytest.raises(Throttled) as said:
        conn.get("/x", METADATA)
    assert said.value.retry_after == 3600
    assert there.call_count == 1


def test_a_403_about_permission_is_not_waited_for(bench: Bench, dotcom: tuple[GithubConnection, respx.Route]) -> None:
    conn, there = dotcom
    began = bench.io.now()
    rates = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1795868400"}
    there.respond(403, json={"message": "Resource not accessible by integration"}, headers=rates)
    with pytest.raises(Denied):
        conn.get("/x", METADATA)
    assert (bench.io.now() - began).total_seconds() < 1, "a wait would have moved the clock"
    assert there.call_count == 1


@pytest.mark.parametrize("skew", [-600, 0, 600])
def test_reading_leaves_a_share_of_the_limit_and_is_never_refused(bench: Bench, skew: int) -> None:
    bench.sandbox.skew(skew)
    bench.sandbox.gate.limit = 20
    bench.sandbox.page_size(1)
    with bench.hub.lock:
        for number in range(14):
            seed.new_repository(bench.hub, f"{ORG}/repo-{number}", START)
    conn = bench.connect()
    rows = list(conn.rows(org_path(ORG, "/repos"), METADATA))
    assert len(rows) >= 14
    assert max(bench.sandbox.gate._counted.values()) <= 20 * (1 - SPARE)


def test_a_credential_that_is_tried_signs_in_nobody_else(bench: Bench) -> None:
    with pytest.raises(Unauthenticated):
        bench.conn.api_as(None).call("GET", "/user")
    [app] = bench.settings.apps
    held = bench.conn.as_held_app(app)
    assert held is not None
    assert held.call("GET", "/app").body["slug"] == "payments-bot"
    assert held is bench.conn.as_held_app(app)
    assert bench.conn.whoami() == (PrincipalRef("github", "user", seed.OPERATOR),)
