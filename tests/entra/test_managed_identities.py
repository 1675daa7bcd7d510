"""User-assigned managed identities: federated credentials that Azure alone shows (facts entra.md 1, rows 5 and 13)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.step import Step
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.sandbox.azure_state import ManagedResource
from nhi_revoke_entra.sandbox.gate import INTRUDER
from nhi_revoke_entra.sandbox.plant_azure import SUBSCRIPTION
from nhi_revoke_entra.sandbox.plant_keys import FORGE, GRAPH_SCOPE
from nhi_revoke_entra.sandbox.routes_tokens import ASSERTION, EXCHANGE
from nhi_revoke_entra.sandbox.state import TENANT

from .conftest import START, Bench
from .test_trusting import SHOP, leads

KIND = "entra:managed-trust"
NAME = "entra:app/vm-payments"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
LIST = (
    "GET /subscriptions/<subscription>/resourcegroups/<group>/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/<name>/federatedIdentityCredentials"
)


@pytest.fixture
def identity(bench: Bench) -> ManagedResource:
    """One trust of the intruder's, and one of somebody else's beside it."""
    with bench.tenant.lock:
        made = seed.add_identity(bench.tenant, "vm-payments", SUBSCRIPTION, START)
        for name, subject in (("planted", SUBJECT), ("deploy", "repo:acme/ledger:pull_request")):
            made.trusts[name] = plant_keys.new_trust(bench.tenant, name, START, subject=subject)
    return made


def gets_in(bench: Bench, identity: ManagedResource, subject: str = SUBJECT) -> bool:
    import jwt

    private, _ = plant_keys.new_pair("forge")
    now = int(bench.io.now().timestamp())
    claims = {"aud": EXCHANGE, "iss": FORGE, "sub": subject, "exp": now + 500}
    form: dict[str, Any] = {
        "client_id": bench.tenant.principals[identity.principal].app_id, "grant_type": "client_credentials",
        "scope": GRAPH_SCOPE, "client_assertion_type": ASSERTION,
        "client_assertion": jwt.encode(claims, private, "RS256"),
    }  # fmt: skip
    url = f"{bench.sandbox.url}/{TENANT}/oauth2/v2.0/token"
    return httpx.post(url, data=form, headers={"User-Agent": INTRUDER}).status_code == 200


def removal(bench: Bench, name: str = "planted") -> Step:
    [step] = [s for s in bench.steps(NAME) if s.does == f"{KIND}/remove" and s.before["name"] == name]
    return step


def test_what_no_list_of_graph_shows_is_listed(bench: Bench, identity: ManagedResource) -> None:
    found = bench.accesses(NAME, KIND)
    assert len(found) == 2
    planted = found[f"{KIND}/{identity.principal}/planted"]
    assert planted.lets_in == (f"token.actions.githubusercontent.com/{SUBJECT}",)
    assert SUBJECT in planted.label
    assert "no list of the app's own credentials shows it" in planted.note


def test_removed_by_its_name_and_written_again(bench: Bench, identity: ManagedResource) -> None:
    assert gets_in(bench, identity)
    step = removal(bench)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert not gets_in(bench, identity)
    assert gets_in(bench, identity, "repo:acme/ledger:pull_request"), "the other one was not touched"
    assert isinstance(bench.undo(step), Done)
    assert gets_in(bench, identity)
    assert isinstance(bench.undo(step), Already)


def test_the_same_trust_under_another_name_is_ended_too(bench: Bench, identity: ManagedResource) -> None:
    step = removal(bench)
    with bench.tenant.lock:
        identity.trusts["again"] = plant_keys.new_trust(bench.tenant, "again", START, subject=SUBJECT)
    assert isinstance(bench.do(step), Done)
    assert not gets_in(bench, identity)


def test_tokens_of_it_are_said_to_live_for_a_day(bench: Bench, identity: ManagedResource) -> None:
    step = removal(bench)
    [(token, until)] = bench.do(step).left["residuals"].items()
    assert token == f"entra:access-token/{bench.conn.scope}/{step.on.id}/*"
    assert until.startswith("2026-11-29T12:00:0")


def test_what_another_run_removed_is_not_written_again(bench: Bench, identity: ManagedResource) -> None:
    step = removal(bench)
    with bench.tenant.lock:
        identity.trusts.clear()
    assert isinstance(bench.doer(step.does).undo(bench.conn, step, {}, bench.run), Failed)
    assert not gets_in(bench, identity)


def test_a_denied_listing_is_a_blind_spot(bench: Bench, identity: ManagedResource) -> None:
    from nhi_revoke.provider.fault import Denied

    bench.sandbox.fault(LIST, "denied", times=9)
    with pytest.raises(Denied):
        bench.collect(NAME, KIND)


def test_an_app_asks_azure_for_no_identity(bench: Bench, identity: ManagedResource) -> None:
    bench.sandbox.gate.calls.clear()
    assert bench.collect("entra:app/Payments Bot", KIND) == []
    assert not [c for c in bench.sandbox.calls() if "ManagedIdentity" in c.name]


def test_found_from_a_repository_whose_jobs_it_lets_in(bench: Bench, identity: ManagedResource) -> None:
    app = bench.tenant.principals[identity.principal].app_id
    found = leads(bench)
    assert set(found) == {app}
    assert "managed identity vm-payments" in found[app].why
    assert SUBJECT in found[app].why


def test_identities_that_cannot_be_listed_are_unseen_from_a_repository(bench: Bench, identity: ManagedResource) -> None:
    bench.sandbox.fault(LIST, "denied", times=9)
    [spot] = [f for f in bench.provider.trusting(bench.conn, SHOP) if not isinstance(f, Lead)]
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    assert (spot.kind, spot.on) == (KIND, SHOP.ref)


def test_without_a_subscription_they_are_unseen(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.tenant.subscriptions.clear()
    [spot] = list(bench.provider.trusting(bench.conn, SHOP))
    assert isinstance(spot, BlindSpot)
    assert "no Azure subscription" in spot.why
