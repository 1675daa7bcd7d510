"""Sign-ins of service users as sessions (facts entra.md 8: 15, 16, and 1b)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_entra.access.user_sign_in import EVALUATES
from nhi_revoke_entra.sandbox.plant_user import CLIENT, LOGIN
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import GRAPH

from .conftest import START, Bench, Whole

NAME = f"entra:user/{LOGIN}"
TOKEN, CAE_TOKEN, SESSION = "entra:access-token", "entra:cae-token", "entra:user-session"
LOG = "GET /beta/auditLogs/signIns"


def signed_in(
    sandbox: EntraSandbox, minutes: float, *, resource: str = "", event: str = "nonInteractiveUser", error: int = 0,
    of: str = "",
) -> SignIn:  # fmt: skip
    """So long ago; at the ledger's API unless another is named."""
    tenant = sandbox.tenant
    with sandbox.lock:
        client = next(p for p in tenant.principals.values() if p.name == CLIENT)
        made = SignIn(
            tenant.new_id(), sandbox.now() - timedelta(minutes=minutes), client.id,
            resource or sandbox.scene.ledger.app_id, "none", "", error, of or sandbox.scene.users[0].id, event,
            "refreshToken" if event == "nonInteractiveUser" else "none",
        )  # fmt: skip
        tenant.sign_ins.append(made)
    return made


def observed(bench: Bench, name: str = NAME) -> tuple[dict[str, Access], list[BlindSpot]]:
    """By the end of their ids."""
    found: list[Found] = bench.observe(name, TOKEN, START - timedelta(hours=36))
    accesses = {f.id.rpartition("/")[2]: f for f in found if isinstance(f, Access)}
    return accesses, [f for f in found if isinstance(f, BlindSpot)]


def mark(row: SignIn) -> str:
    return row.id.replace("-", "")


@pytest.mark.parametrize("size", [1, 1000])
def test_each_sign_in_is_a_token_interactive_or_not(bench: Bench, size: int) -> None:
    """Pitfall 15: v1.0, or no sort, shows interactive ones alone."""
    bench.sandbox.page_size(size)
    renewed, typed = signed_in(bench.sandbox, 20), signed_in(bench.sandbox, 30, event="interactiveUser")
    old, failed = signed_in(bench.sandbox, 91), signed_in(bench.sandbox, 5, error=50126)
    graph, other = signed_in(bench.sandbox, 600, resource=GRAPH), signed_in(bench.sandbox, 20, of=bench.tenant.new_id())
    tokens, blind = observed(bench)
    assert set(tokens) == {mark(row) for row in (renewed, typed, old, graph)}
    assert mark(failed) not in tokens
    assert mark(other) not in tokens
    live = tokens[mark(renewed)]
    assert (live.kind, live.state, live.family) == (TOKEN, "live", "token")
    assert live.expires == renewed.at + timedelta(minutes=90)
    assert live.label == f"token for Ledger API through {CLIENT}, renewed by its client from 203.0.113.7"
    assert live.parent == f"{SESSION}/{bench.conn.scope}/{LOGIN}/*", "of the refresh token that nothing lists"
    assert "signed in from" in tokens[mark(typed)].label
    assert tokens[mark(typed)].parent is None
    assert tokens[mark(old)].state == "expired"
    assert (tokens[mark(graph)].kind, tokens[mark(graph)].state) == (CAE_TOKEN, "live")
    assert tokens[mark(graph)].expires == graph.at + timedelta(hours=28)
    who = bench.resolve(NAME).ref.id
    assert all(a.id.startswith(f"{a.kind}/{bench.conn.scope}/{who}/") for a in tokens.values())
    [lag] = blind
    assert lag.until is not None
    assert lag.covered_by == ("entra:user/disable",)


def test_both_sorts_are_one_request_of_the_few_that_the_log_allows(bench: Bench) -> None:
    signed_in(bench.sandbox, 20)
    signed_in(bench.sandbox, 30, event="interactiveUser")
    assert len(observed(bench)[0]) == 2
    assert [call.name for call in bench.sandbox.calls()].count(LOG) == 1


def test_no_older_ones_are_asked_for_than_a_token_lives(bench: Bench) -> None:
    kept = signed_in(bench.sandbox, 28 * 60 - 1, resource=GRAPH)
    signed_in(bench.sandbox, 28 * 60 + 5, resource=GRAPH)
    assert set(observed(bench)[0]) == {mark(kept)}


@pytest.mark.parametrize("resource", sorted(EVALUATES))
def test_what_evaluates_counts_as_having_given_a_long_one(bench: Bench, resource: str) -> None:
    row = signed_in(bench.sandbox, 120, resource=resource)
    assert observed(bench)[0][mark(row)].kind == CAE_TOKEN


def test_what_was_revoked_ends_where_it_is_heard_of(bench: Bench) -> None:
    before = signed_in(bench.sandbox, 95, resource=GRAPH)
    younger = signed_in(bench.sandbox, 30, resource=GRAPH)
    elsewhere = signed_in(bench.sandbox, 30)
    with bench.tenant.lock:
        bench.scene.users[0].revoke(START - timedelta(minutes=5), 0)
    after = signed_in(bench.sandbox, 2, resource=GRAPH)
    tokens, _ = observed(bench)
    assert tokens[mark(before)].expires == START + timedelta(minutes=10)
    assert tokens[mark(younger)].expires == younger.at + timedelta(minutes=90), "it may be one without CAE"
    assert tokens[mark(elsewhere)].expires == elsewhere.at + timedelta(minutes=90), "nobody tells it"
    assert tokens[mark(after)].expires == after.at + timedelta(hours=28)


def test_once_disabled_no_resource_that_evaluates_takes_one_for_longer_than_it_needs_to_hear(bench: Bench) -> None:
    row, younger = (signed_in(bench.sandbox, minutes, resource=GRAPH) for minutes in (95, 30))
    with bench.tenant.lock:
        bench.scene.users[0].enable(False, START, 0)
    tokens, _ = observed(bench)
    expires = tokens[mark(row)].expires
    assert expires is not None
    assert expires <= bench.conn.now() + timedelta(minutes=15)
    assert tokens[mark(younger)].expires == younger.at + timedelta(minutes=90), "it may be one without CAE"


@pytest.mark.parametrize("why", ["licence", "permission"])
def test_without_a_licence_or_the_right_it_is_unseen_and_never_none(bench: Bench, why: str) -> None:
    """Pitfall 16."""
    signed_in(bench.sandbox, 20)
    view = bench.view(NAME)
    if why == "licence":
        bench.tenant.premium = False
    else:
        bench.sandbox.allow_only(["User.Read.All"])
    found = list(bench.kinds[TOKEN].observe(bench.conn, view.who, view.accesses, START - timedelta(hours=1), bench.io))
    [spot] = found
    assert isinstance(spot, BlindSpot)
    assert "sign-ins of the user" in spot.why
    assert spot.counts
    assert spot.until is None
    assert "AuditLog.Read.All" in spot.needs
    assert "P1 or P2" in spot.needs


def test_a_denial_of_the_second_page_alone_is_unseen_too(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    signed_in(bench.sandbox, 20, event="interactiveUser")
    signed_in(bench.sandbox, 30)
    view = bench.view(NAME)
    bench.sandbox.fault(LOG, "denied", after=1)
    [spot] = bench.kinds[TOKEN].observe(bench.conn, view.who, view.accesses, START - timedelta(hours=1), bench.io)
    assert isinstance(spot, BlindSpot)


@pytest.mark.parametrize(("scope", "fate"), [("all", "lasts"), ("sessions", "left")])
def test_a_run_says_of_each_until_when_it_lasts_and_the_intruder_finds_it_so(
    whole: Whole, scope: str, fate: str
) -> None:
    """With the password left to whoever knows it, more tokens are made: nothing of them is over by itself."""
    ledger, graph = signed_in(whole.entra, 20), signed_in(whole.entra, 20, resource=GRAPH)
    report = whole.run(whole.plan(Intent(rotate="now", scope=scope)))
    assert mispredicted(whole, report) == []
    who = f"{whole.entra.scene.tenant_name}/{whole.entra.scene.users[0].id}"
    at_ledger = whole.outcome(report, f"{TOKEN}/{who}/{mark(ledger)}")
    assert at_ledger.fate == fate
    assert at_ledger.access.expires is not None
    assert at_ledger.access.expires - ledger.at == timedelta(minutes=90)
    at_graph = whole.outcome(report, f"{CAE_TOKEN}/{who}/{mark(graph)}")
    assert at_graph.access.expires is not None
    assert at_graph.access.expires - graph.at == timedelta(minutes=90)
    assert at_graph.fate == fate
