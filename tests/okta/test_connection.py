"""One login at one org: its address, who the operator is, what Okta's errors mean, and how fast it may be asked."""

from __future__ import annotations

from collections.abc import Iterator
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
from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke_local import provider as local
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.org import host_of, org_url
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.scopes import APPS, USERS, WANTED
from nhi_revoke_okta.settings import OktaSettings
from nhi_revoke_okta.words import Okta
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, USER, Bench, Whole
from .responder import KID, Responder, pem_of, signed_in

# -- the org's address ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "no Okta org is named"),
        ("  ", "no Okta org is named"),
        ("acme.okta.com", "does not begin with https://"),
        ("http://acme.okta.com", "does not begin with https://"),
        ("ftp://localhost", "does not begin with https://"),
        ("http://127.0.0.1.evil.example", "does not begin with https://"),
        ("https://acme-admin.okta.com", "the org's own is acme.okta.com"),
        ("https://ACME-Admin.oktapreview.com/", "the org's own is acme.oktapreview.com"),
        ("https://acme.okta.com/oauth2/default", "more than https:// and a host"),
        ("https://acme.okta.com//", "more than https:// and a host"),
        ("https://acme.okta.com?x=1", "more than https:// and a host"),
        ("https://acme.okta.com#x", "more than https:// and a host"),
        ("https://", "more than https:// and a host"),
        ("https:///", "more than https:// and a host"),
        ("https://acme .okta.com", "more than https:// and a host"),
        ("https://acme..okta.com", "more than https:// and a host"),
        ("https://acmé.okta.com", "more than https:// and a host"),
        ("https://{yourOktaDomain}", "more than https:// and a host"),
        ("https://[::1", "cannot be read"),
        ("https://acme.okta.com:https", "cannot be read"),
        ("https://acme.okta.com:99999", "cannot be read"),
        ("https://user:hunter2@acme.okta.com", "holds a user name or password"),
        ("https://@acme.okta.com", "holds a user name or password"),
        ("https://acme.okta.com@evil.example", "holds a user name or password"),
        ("https://acme.okta.com\\@evil.example", "holds a user name or password"),
    ],
)
def test_what_is_no_orgs_address(bench: Bench, typed: str, why: str) -> None:
    for conn in (bench.connect(org_url=typed), bench.connect({"OKTA_CLIENT_ORGURL": typed}, org_url="")):
        with pytest.raises(Unauthenticated) as said:
            conn.whoami()
        assert why in said.value.message
        assert "othing" in said.value.message, "it says that nothing was looked at"
        assert "OKTA_CLIENT_ORGURL" in said.value.hint
        assert "hunter2" not in everything_said(said.value)
        assert conn.scope == ""
    assert bench.sandbox.calls() == ()


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://acme.okta.com", "https://acme.okta.com"),
        (" https://ACME.okta.com/ \n", "https://acme.okta.com"),
        ("HTTPS://acme.okta.com:443", "https://acme.okta.com"),
        ("https://id.acme.example:8443/", "https://id.acme.example:8443"),
        ("https://admin.okta-emea.com", "https://admin.okta-emea.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_orgs_address_in_one_form(typed: str, url: str) -> None:
    settings = OktaSettings(org_url=typed)
    assert org_url(settings, {}) == url
    assert host_of(settings, {}) == url.partition("://")[2]
    assert org_url(OktaSettings(), {"OKTA_CLIENT_ORGURL": typed}) == url


def test_an_org_that_cannot_be_reached(bench: Bench) -> None:
    conn = bench.connect(org_url="http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="nothing was asked") as said:
        conn.whoami()
    assert Path(bench.settings.token_file).read_text() not in everything_said(said.value)


def test_an_org_that_cannot_be_reached_at_its_login(bench: Bench, tmp_path: Path) -> None:
    who = Responder(bench.sandbox)
    with pytest.raises(Unavailable) as said:
        signed_in(bench, who, tmp_path, org_url="http://127.0.0.1:1").whoami()
    assert not any(secret in everything_said(said.value) for secret in who.secrets())


@respx.mock
def test_no_redirect_and_no_link_takes_the_token_elsewhere(bench: Bench) -> None:
    """As an org does whose custom domain is set up, or somebody in between."""
    conn = bench.connect(org_url="https://acme.okta.com")
    there = respx.route(host="acme.okta.com", path="/api/v1/apps")
    elsewhere = respx.route(host="evil.example").respond(json=[])
    link = {"link": '<https://evil.example/api/v1/apps?after=x>; rel="next"'}
    for answer in (
        httpx.Response(302, headers={"location": "https://evil.example/api/v1/apps"}),
        httpx.Response(200, json=[], headers=link),
    ):
        there.mock(return_value=answer)
        with pytest.raises(Rejected):
            list(conn.rows("/api/v1/apps", APPS.read))
    assert not elsewhere.called


# -- who -----------------------------------------------------------------------------------------------------------


def test_the_operator_by_an_api_token_is_its_owner(bench: Bench) -> None:
    me = bench.org.user(seed.OPERATOR_LOGIN)
    assert bench.conn.whoami() == (PrincipalRef("okta", "user", me.id),)
    assert bench.conn.scope == bench.sandbox.url.removeprefix("http://")


@pytest.mark.parametrize("client_id", ["", "incident-response"])
def test_the_operator_by_a_service_app_is_the_app(bench: Bench, tmp_path: Path, client_id: str) -> None:
    """By its id and by its client id, which need not be equal (facts 1.4, 15)."""
    who = Responder(bench.sandbox, client_id=client_id)
    chain = [str(r) for r in signed_in(bench, who, tmp_path).whoami()]
    assert f"okta:app/{who.app.client_id}" in chain
    if not client_id:
        assert chain == [f"okta:app/{who.app.id}"]


@pytest.fixture
def by_app(tmp_path: Path) -> Iterator[tuple[Whole, Responder]]:
    """A world whose operator is a service app with a client id of its own."""
    made: list[Responder] = []

    class ByApp(OktaSandbox):
        def seed(self, folder: str) -> Seeded:
            seeded = super().seed(folder)
            made.append(Responder(self, scopes=WANTED, client_id="incident-response"))
            key = Path(folder) / "responder-key"
            key.write_text(pem_of(made[-1].key))
            self.table = {
                "org_url": self.url,
                "client_id": "incident-response",
                "private_key_file": str(key),
                "key_id": KID,
            }
            return seeded

    with Whole(okta, tmp_path, beside=(local,), make_sandbox=lambda: ByApp(entropy=1)) as world:
        assert isinstance(world, Whole)
        yield world, made[-1]


def refused_as_own(world: Whole, name: str) -> None:
    before = world.mutations()
    plan = world.plan(name=name)
    with pytest.raises(Refused) as said:
        world.run(plan)
    assert said.value.code == "own-principal"
    assert "is you" in said.value.message
    assert world.mutations() == before


@pytest.mark.parametrize("form", ["login", "id", "short"])
def test_the_operators_own_user_is_never_ended(whole: Whole, form: str) -> None:
    """Facts 1.4, 18. It may be typed as one likes."""
    me = whole.okta.org.user(seed.OPERATOR_LOGIN)
    refused_as_own(whole, f"okta:user/{ {'login': me.login, 'id': me.id, 'short': 'responder'}[form] }")
    assert me.status.shown == "ACTIVE"


@pytest.mark.parametrize("form", ["id", "client id", "label"])
def test_the_operators_own_app_is_never_ended(by_app: tuple[Whole, Responder], form: str) -> None:
    world, who = by_app
    name = {"id": who.app.id, "client id": who.app.client_id, "label": who.app.label}[form]
    refused_as_own(world, f"okta:app/{name}")
    assert who.app.status.shown == "ACTIVE"


def test_another_app_is_ended_by_the_operators_app(by_app: tuple[Whole, Responder]) -> None:
    world, who = by_app
    assert world.doors()
    report = world.run(world.plan(name=APP))
    assert not [o for o in report.outcomes if o.fate == "failed"]
    assert [c for c in world.okta.calls() if c.mutates and c.by == "operator"]
    assert who.app.status.shown == "ACTIVE"
    assert [r.status.shown for r in who.app.roles.values()] == ["ACTIVE"]


def test_nothing_can_start_at_an_org_that_cannot_be_reached(whole: Whole) -> None:
    whole.okta.table["org_url"] = "http://127.0.0.1:1"
    with pytest.raises(NothingCanStart) as said:
        whole.look(name=USER)
    assert said.value.code == "unavailable"
    assert "127.0.0.1" in said.value.message


# -- what Okta says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "E0000001", Rejected),
        (401, "E0000004", Unauthenticated),
        (401, "E0000011", Unauthenticated),
        (401, "E0000015", Denied),
        (403, "E0000005", Denied),
        (403, "E0000006", Denied),
        (403, "", Denied),
        (403, "E0000016", Rejected),
        (403, "E0000038", Rejected),
        (403, "E0000056", Rejected),
        (403, "E0000107", Rejected),
        (404, "E0000007", Missing),
        (404, "E0000008", Rejected),
        (404, "", Missing),
        (409, "E0000195", Conflict),
        (429, "E0000047", Throttled),
        (500, "E0000009", Unavailable),
        (400, "invalid_scope", Denied),
        (401, "invalid_client", Unauthenticated),
    ],
)
@respx.mock
def test_errors_in_the_contracts_words(bench: Bench, status: int, code: str, kind: type[Fault]) -> None:
    """A 403 is not always about permission, and an unknown path is not "there is none"."""
    oauth = not code.startswith("E")
    body = {"error" if oauth else "errorCode": code, "errorSummary": "hunter2", "errorCauses": [{"errorSummary": "x"}]}
    respx.get("https://acme.okta.com/api/v1/apps").respond(status, json=body)
    with pytest.raises(kind) as said:
        bench.connect(org_url="https://acme.okta.com").get("/api/v1/apps", APPS.read)
    assert type(said.value) is kind
    assert said.value.code in (code, "429")
    assert "hunter2" not in everything_said(said.value)
    if isinstance(said.value, Denied):
        assert said.value.needs == APPS.read


@respx.mock
@pytest.mark.parametrize("body", [{"errorCode": ["x"]}, [], "text", None, {"errorCode": {"a": 1}}, {"error": 7}])
def test_an_error_of_another_form(bench: Bench, body: Any) -> None:
    respx.get("https://acme.okta.com/api/v1/apps").respond(403, json=body)
    with pytest.raises(Denied):
        bench.connect(org_url="https://acme.okta.com").get("/api/v1/apps", APPS.read)


def test_a_missing_permission_is_named(bench: Bench) -> None:
    bench.sandbox.allow_only([USERS.read])
    with pytest.raises(Denied) as said:
        bench.resolve(APP)
    assert said.value.needs == APPS.read
    assert bench.resolve(USER).name == "payments-bot@example.com"


def test_what_is_no_list_is_not_an_empty_one(bench: Bench) -> None:
    with pytest.raises(Rejected, match="it was not read"):
        list(bench.conn.rows("/api/v1/users/me", USERS.read))


def test_paths_that_are_counted_together() -> None:
    bucket = Okta().bucket
    assert bucket("/api/v1/apps/0oa1234567890abcdefg/grants") == bucket("/api/v1/apps/0oabcdefghijklmnop12/grants")
    assert bucket("/api/v1/apps") != bucket("/api/v1/apps/0oa1234567890abcdefg")
    assert bucket("/api/v1/authorizationServers") == "/api/v1/authorizationServers"
    assert bucket("/oauth2/v1/global-token-revocation") == "/oauth2/v1/global-token-revocation"


# -- how fast ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-600, 0, 600])
def test_reading_leaves_a_share_of_the_orgs_limit_and_is_never_refused(bench: Bench, skew: int) -> None:
    bench.sandbox.skew(skew)
    bench.sandbox.gate.limit = 20
    bench.sandbox.page_size(1)
    with bench.org.lock:
        for number in range(40):
            seed.new_app(bench.org, f"App {number}", START)
    rows = list(bench.conn.rows("/api/v1/apps", APPS.read))
    assert len(rows) == len(bench.org.apps)
    counted = {w: n for (name, w), n in bench.sandbox.gate._counted.items() if name == "GET /api/v1/apps"}
    assert max(counted.values()) <= 20 * (1 - SPARE)
    assert sum(counted.values()) == len(rows), "no request was refused"


def test_side_by_side_connections_do_not_mix(bench: Bench, tmp_path: Path) -> None:
    """A credential that is tried (a proof) is not the operator's, and signs in nobody else."""
    who = Responder(bench.sandbox)
    conn = signed_in(bench, who, tmp_path)
    conn.whoami()
    with pytest.raises(Unauthenticated, match="the credential that was tried"):
        conn.ask_as("GET", "/api/v1/users/me", {"Authorization": "SSWS stolen"})
    with pytest.raises(Unauthenticated):
        conn.ask_as("GET", "/api/v1/users/me", {})
    good = {"Authorization": f"SSWS {Path(bench.settings.token_file).read_text()}"}
    assert conn.ask_as("GET", "/api/v1/users/me", good)["id"] == bench.org.user(seed.OPERATOR_LOGIN).id
    assert [r.kind for r in conn.whoami()] == ["app"]
