"""Apps whose federated credentials let jobs of a repository in; and many reads in one request (facts entra.md 1, row 3,
and 2, "$batch").
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.sharing import SharedIo
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, NoAnswer
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra import trusting as asking
from nhi_revoke_entra.batch import MOST, Part, read_together
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.words import Graph
from tests.engine.counted import Counted

from .conftest import APP, START, Bench

ISSUER = "token.actions.githubusercontent.com"
SHOP = Principal(
    PrincipalRef("forge", "repo", "acme/shop"), "repo", "acme/shop", "acme", "42",
    aliases=(f"{ISSUER}/repo:acme/shop:*", f"{ISSUER}/repo:acme@7/shop@42:*"),
)  # fmt: skip
KIND = "entra:federated-credential"
TRUSTS = "GET /beta/applications/<one>/federatedIdentityCredentials"
BATCH = "POST /beta/$batch"


def trust(bench: Bench, name: str, **more: str) -> str:
    """An app with one federated credential; its appId."""
    with bench.tenant.lock:
        application, _ = seed.new_app(bench.tenant, name, START)
        plant_keys.add_trust(bench.tenant, application, name, START, **more)
    return application.app_id


def leads(bench: Bench, who: Principal = SHOP) -> dict[str, Lead]:
    found = list(bench.provider.trusting(bench.conn, who))
    assert all(isinstance(f, Lead) for f in found)
    return {f.to.id: f for f in found if isinstance(f, Lead)}


LETS_IN = {
    "one branch": {"subject": "repo:acme/shop:ref:refs/heads/main"},
    "an environment": {"subject": "repo:acme/shop:environment:prod"},
    "case aside": {"subject": "repo:Acme/Shop:pull_request"},
    "with ids": {"subject": "repo:acme@7/shop@42:pull_request"},
    "any branch": {"expression": "claims['sub'] matches 'repo:acme/shop:ref:refs/heads/*'"},
    "any repository": {"expression": "claims['sub'] matches 'repo:acme/*'"},
    "one of two": {"expression": "claims['sub'] eq 'x' or claims['sub'] eq 'repo:acme/shop:pull_request'"},
    "says nothing of the subject": {"expression": "claims['job_workflow_ref'] matches 'acme/shop/*'"},
}
KEEPS_OUT = {
    "another repository": {"subject": "repo:acme/ledger:ref:refs/heads/main"},
    "one that begins alike": {"subject": "repo:acme/shopping:pull_request"},
    "another issuer": {"subject": "repo:acme/shop:pull_request", "issuer": "https://gitlab.example.com"},
    "another owner's": {"expression": "claims['sub'] matches 'repo:others/*'"},
    "another issuer's of any subject": {"expression": "claims['x'] eq 'y'", "issuer": "https://gitlab.example.com"},
}


@pytest.mark.parametrize("more", LETS_IN.values(), ids=LETS_IN)
def test_lets_in(bench: Bench, more: dict[str, str]) -> None:
    app = trust(bench, "deploy", **more)
    [(found, lead)] = leads(bench).items()
    assert found == app
    assert lead.of == SHOP.ref
    assert lead.next == f"nhi-revoke list entra:app/{app}"
    assert (more.get("subject") or more["expression"]) in lead.why
    assert bench.writes() == []


@pytest.mark.parametrize("more", KEEPS_OUT.values(), ids=KEEPS_OUT)
def test_keeps_out(bench: Bench, more: dict[str, str]) -> None:
    trust(bench, "deploy", **more)
    assert leads(bench) == {}


def test_a_flexible_one_that_lets_jobs_in_is_an_edge_of_a_plan(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_trust(
            bench.tenant, bench.scene.application, "any", START, expression="claims['sub'] matches 'repo:acme/*'"
        )
    assert f"{ISSUER}/repo:acme/*" in {each for a in bench.accesses(APP, KIND).values() for each in a.lets_in}


@pytest.mark.parametrize("at_once", [1, 50])
def test_twenty_apps_are_asked_in_one_request(bench: Bench, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """However many of them are kept at a time."""
    monkeypatch.setattr(asking, "AT_ONCE", at_once)
    wanted = {trust(bench, f"deploy-{n}", subject="repo:acme/shop:pull_request") for n in range(MOST * 2)}
    apps = len(bench.tenant.applications)
    bench.sandbox.gate.calls.clear()
    assert set(leads(bench)) == wanted
    names = [call.name for call in bench.sandbox.calls() if call.by == "operator"]
    assert names.count(BATCH) == -(-apps // MOST)
    assert names.count(TRUSTS) == apps
    assert names.count("GET /v1.0/applications") == 1


def test_one_app_that_cannot_be_read_is_a_blind_spot_and_hides_no_other(bench: Bench) -> None:
    wanted = trust(bench, "deploy", subject="repo:acme/shop:pull_request")
    bench.sandbox.fault(TRUSTS, "denied", times=1)
    found = list(bench.provider.trusting(bench.conn, SHOP))
    [spot] = [f for f in found if isinstance(f, BlindSpot)]
    assert spot.counts
    assert "could not be read (403)" in spot.why
    assert {f.to.id for f in found if isinstance(f, Lead)} == {wanted}


def test_no_right_to_list_apps_is_no_empty_answer(bench: Bench) -> None:
    bench.sandbox.fault("GET /v1.0/applications", "denied", times=9)
    with pytest.raises(Denied):
        list(bench.provider.trusting(bench.conn, SHOP))


def test_machines_of_azure_are_unseen_and_never_none(bench: Bench) -> None:
    [spot] = bench.provider.on_machines(bench.conn, SHOP, ["runner-1", "runner-2"])
    assert isinstance(spot, BlindSpot)
    assert (spot.on, spot.counts) == (SHOP.ref, True)
    assert "runner-1, runner-2: not looked at" in spot.why
    assert not bench.sandbox.calls(), "nothing is asked"


@pytest.mark.parametrize("retry_after", [True, False])
def test_a_part_that_is_throttled_is_asked_again_alone(bench: Bench, retry_after: bool) -> None:
    wanted = trust(bench, "deploy", subject="repo:acme/shop:pull_request")
    bench.sandbox.gate.without_retry_after = not retry_after
    apps = len(bench.tenant.applications)
    bench.sandbox.fault(TRUSTS, "429", times=1)
    bench.sandbox.gate.calls.clear()
    assert set(leads(bench)) == {wanted}
    names = [call.name for call in bench.sandbox.calls() if call.by == "operator"]
    assert names.count(BATCH) == 2
    assert names.count(TRUSTS) == apps + 1, "those that were answered are not asked again"


def test_more_than_one_page_of_an_apps_credentials_is_read(bench: Bench) -> None:
    with bench.tenant.lock:
        application, _ = seed.new_app(bench.tenant, "deploy", START)
        for n in range(5):
            plant_keys.add_trust(bench.tenant, application, f"other-{n}", START, subject=f"repo:acme/x{n}:pull_request")
        plant_keys.add_trust(bench.tenant, application, "last", START, subject="repo:acme/shop:pull_request")
    bench.sandbox.gate.largest_page = 2
    assert set(leads(bench)) == {application.app_id}


# -- what a batch may answer -------------------------------------------------------------------------------------------


def asked(bench: Bench, answers: list[Any], paths: tuple[str, ...] = ("/a", "/b")) -> Any:
    """Each of `answers` is one answer's body."""
    api = HttpApi(bench.io, "https://graph.example.com", Graph(), clock=None)
    with respx.mock() as mock:
        route = mock.post("https://graph.example.com/v1.0/$batch")
        route.side_effect = [httpx.Response(200, json=body) for body in answers]
        told = read_together(api, bench.io, "/v1.0", paths, "X")
        return told, [call.request.content for call in route.calls]


def test_each_part_of_a_batch_is_counted_and_the_batch_itself_is_none() -> None:
    share, engine = Counted(), EngineIo(SandboxClock(MovableClock(START)))
    io = SharedIo(engine, share, "entra", "t", "", None)
    api = HttpApi(io, "https://graph.example.com", Graph(), clock=None)
    with respx.mock() as mock:
        route = mock.post("https://graph.example.com/v1.0/$batch")
        first = [row(0, body="first"), row(1, 429, **{"Retry-After": "2"}), row(2, 429, **{"Retry-After": "3"})]
        second = [row(1, body="second"), row(2, body="third")]
        route.side_effect = [httpx.Response(200, json={"responses": rows}) for rows in (first, second)]
        read_together(api, io, "/v1.0", ("/a", "/b", "/c"), "X")
    engine.close()
    assert [wish.count for wish in share.wishes] == [3, 2]
    assert share.answers == 5
    assert share.refusals == [3.0]


def row(number: int, status: int = 200, body: Any = None, **headers: str) -> dict[str, Any]:
    return {"id": str(number), "status": status, "headers": headers, "body": body}


def test_answers_come_in_any_order(bench: Bench) -> None:
    told, _ = asked(bench, [{"responses": [row(1, 404, "second"), row(0, 200, "first")]}])
    assert told == [Part(200, "first"), Part(404, "second")]


def test_one_that_was_left_out_is_asked_again(bench: Bench) -> None:
    told, sent = asked(bench, [{"responses": [row(0, body="first")]}, {"responses": [row(1, body="second")]}])
    assert [part.body for part in told] == ["first", "second"]
    assert b'"/a"' in sent[0]
    assert b'"/a"' not in sent[1]


def test_one_that_nobody_asked_for_is_no_answer(bench: Bench) -> None:
    strange = {
        "responses": [row(7, body="x"), {"id": None, "status": 200}, row(0, body="first"), row(1, body="second")]
    }
    told, _ = asked(bench, [strange])
    assert [part.body for part in told] == ["first", "second"]


def test_an_answer_that_holds_none_is_not_taken_for_empty(bench: Bench) -> None:
    with pytest.raises(NoAnswer):
        asked(bench, [{"value": []}] * 9)


def test_the_longest_wait_of_its_parts_is_kept(bench: Bench) -> None:
    began = bench.io.now()
    both = [row(0, 429, **{"Retry-After": "3"}), row(1, 429, **{"Retry-After": "9"})]
    asked(bench, [{"responses": both}, {"responses": [row(0), row(1)]}])
    assert (bench.io.now() - began).total_seconds() >= 9
