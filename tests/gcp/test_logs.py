"""How audit logs are read: what is asked, how many pages, what a denial means (facts gcp.md 7: 20, 21)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from nhi_revoke.provider.fault import Denied, NoAnswer, Unavailable
from nhi_revoke_gcp import audit_log
from nhi_revoke_gcp.audit_entry import SHORT, entry_of
from nhi_revoke_gcp.audit_log import EVIDENCE, Question, Read, read
from nhi_revoke_gcp.observing import LINEAGE, PLANTED
from nhi_revoke_gcp.permissions import LIST_LOGS
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.stopping import TOKEN
from nhi_revoke_gcp.universe import LOGGING

from .conftest import BOT, START, Bench
from .trail import A_DAY, acted, blind, other, planted, seen, sessions, token_of

AN_HOUR = timedelta(hours=1)
STOPS = ("gcp:service-account/disable",)


def question(bench: Bench, **more: Any) -> Question:
    return Question(START - AN_HOUR, bench.conn.now(), by=seed.EMAIL, **more)


def looked(bench: Bench, **more: Any) -> Read:
    return read(bench.conn, seed.PROJECT, "activity", question(bench), **more)


def asked(bench: Bench) -> int:
    return sum(f"POST {audit_log.PATH}" == call.name for call in bench.sandbox.calls())


# -- what is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_every_entry_comes_newest_first_whatever_the_size_of_the_pages(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    for minutes in (5, 20, 10):
        acted(bench, "CreateServiceAccountKey", other(bench), minutes=minutes)
    found = looked(bench)
    assert [e.at for e in found.entries] == [START - timedelta(minutes=m) for m in (5, 10, 20)]
    assert (found.more, found.fault) == (False, None)
    assert found.entries[0].key == bench.scene.first.id


def test_a_page_may_be_empty_and_the_search_goes_on(bench: Bench) -> None:
    """Discovery document logging.v2: a token without entries says that there was no time to search all of them."""
    acted(bench, "CreateServiceAccountKey", other(bench))
    bench.cloud.trail.slow = 3
    assert len(looked(bench).entries) == 1
    assert asked(bench) == 4


def test_a_search_that_never_ends_is_cut_short_and_that_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "MOST_PAGES", 5)
    bench.cloud.trail.slow = 50
    found = looked(bench)
    assert (found.entries, found.more) == ((), True)
    assert asked(bench) == 5


def test_the_newest_entries_are_read_and_the_others_told_as_unread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nhi_revoke_gcp.audit_log.PAGE", 2)
    monkeypatch.setattr(read, "__defaults__", (2,))
    for minutes in (5, 10, 15):
        acted(bench, "CreateServiceAccountKey", other(bench), minutes=minutes)
    found = seen(bench)
    [spot] = [b for b in blind(found, PLANTED) if b.until is None]
    oldest = START - timedelta(minutes=10)
    assert f"those before {oldest:%Y-%m-%dT%H:%M:%SZ} were not read" in spot.why
    assert (spot.counts, spot.covered_by) == (True, ())
    assert len(planted(bench)) == 1


def test_requests_keep_to_the_rate_that_google_publishes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google Cloud docs, logging/quotas: 60 entries.list requests a minute."""
    paced: list[tuple[Any, ...]] = []
    monkeypatch.setattr(type(bench.io), "pace", lambda _, *how: paced.append(how))
    bench.sandbox.page_size(1)
    for minutes in (5, 10, 15):
        acted(bench, "CreateServiceAccountKey", other(bench), minutes=minutes)
    looked(bench)
    assert paced == [("gcp/entries.list", audit_log.PER_SECOND, audit_log.AT_ONCE)] * asked(bench)
    assert audit_log.AT_ONCE < 60
    assert audit_log.AT_ONCE / audit_log.PER_SECOND >= 60


def test_entries_are_not_seen_before_they_are_in_the_log(bench: Bench) -> None:
    bench.sandbox.lag(0, 120)
    acted(bench, "CreateServiceAccountKey", other(bench), minutes=0)
    assert looked(bench).entries == ()
    bench.sandbox.advance(121)
    assert len(looked(bench).entries) == 1


def test_what_the_filter_lets_through_is_not_taken_for_what_was_asked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Google ignored a part of it, everything that the project did would be this account's doing."""
    acted(bench, "CreateServiceAccountKey", bench.account, by=token_of(bench, bench.scene.runner))
    words = Question.words
    monkeypatch.setattr(
        Question, "words", lambda self, *what: words(self, *what).partition(" AND (protoPayload.auth")[0]
    )
    found = seen(bench)
    assert asked(bench) >= 2
    assert (sessions(found), planted(bench)) == ([], [])


def test_an_address_cannot_leave_its_place_in_the_filter(bench: Bench) -> None:
    told = Question(START, START, by='a" OR logName:"x\\').words(seed.PROJECT, "activity")
    assert told.count('principalEmail="a\\" OR logName:\\"x\\\\"') == 2


@pytest.mark.parametrize(
    "body",
    [
        {"filter": 'severity="ERROR"'},
        {"filter": 'logName="projects/shop-prod/logs/cloudaudit.googleapis.com%2Factivity" AND textPayload="x"'},
        {"filter": ""},
        {},
    ],
)
def test_the_sandbox_refuses_every_other_filter(bench: Bench, body: dict[str, Any]) -> None:
    [member] = bench.sandbox.gate.operators
    bearer = {"Authorization": f"Bearer {bench.cloud.new_token(member, START).value}"}
    asking = {"resourceNames": ["projects/shop-prod"], **body}
    answer = httpx.post(f"{bench.sandbox.url}{audit_log.PATH}", json=asking, headers=bearer)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


# -- what is not seen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["denied", "off", "gone"])
def test_a_log_that_nobody_may_read_is_unseen_and_never_none(bench: Bench, why: str) -> None:
    """Facts gcp.md 7, 20 and 21: what it planted stays unseen whatever is done; of its tokens the brake is the end."""
    acted(bench, "CreateServiceAccountKey", other(bench))
    view = bench.view(BOT)
    if why == "denied":
        bench.sandbox.allow_only(["iam.*", "orgpolicy.*"])
    elif why == "off":
        bench.cloud.off.add("logging")
    else:
        bench.sandbox.fault(EVIDENCE, "down", 99)
    found = list(bench.kinds[TOKEN].observe(bench.conn, view.who, view.accesses, START - A_DAY, bench.io))
    assert sessions(found) == []
    acts = [b for b in blind(found, PLANTED) if b.until is None]
    tokens = [b for b in blind(found, TOKEN) if b.until is None and b.counts]
    assert [(b.counts, b.covered_by) for b in acts] == [(True, ())]
    [became] = [b for b in blind(found, LINEAGE) if b.counts]
    assert became.covered_by == (), "the brake does not reach another account's token"
    assert {b.covered_by for b in tokens} == {STOPS}
    if why == "denied":
        assert acts[0].needs == LIST_LOGS
    if why == "off":
        assert "logging.googleapis.com" in acts[0].needs


def test_late_entries_are_unseen_until_they_are_there(bench: Bench) -> None:
    """Facts gcp.md 7, 11."""
    late = [b for b in blind(seen(bench), TOKEN) + blind(seen(bench), PLANTED) if b.until]
    assert {b.covered_by for b in late} == {STOPS}
    assert {b.until for b in late} == {bench.conn.now() + timedelta(seconds=bench.conn.settings.logs_lag)}


def test_what_is_older_than_the_log_is_told(bench: Bench) -> None:
    assert not [b for b in blind(seen(bench), PLANTED) if "400 days" in b.why]
    [spot] = [b for b in blind(seen(bench, 500 * A_DAY), PLANTED) if "400 days" in b.why]
    assert spot.counts


def test_other_projects_are_read_where_they_are_named_and_that_is_told(bench: Bench) -> None:
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    acted(bench, "CreateServiceAccountKey", bench.scene.runner)
    assert [lead.to.id for lead in planted(bench)] == [bench.scene.runner.email]
    [spot] = [b for b in blind(seen(bench), LINEAGE) if "other projects" in b.why]
    assert f"read in {seed.PROJECT}, {seed.PARTNER} only" in spot.why
    assert not spot.counts


def test_of_a_project_that_nobody_may_look_at_the_others_are_read_all_the_same(bench: Bench) -> None:
    bench.conn = bench.connect(projects=("nobody-knows",))
    acted(bench, "CreateRole", response={"name": f"projects/{seed.PROJECT}/roles/helper"})
    found = seen(bench)
    assert [lead.to.kind for lead in planted(bench)] == ["role"]
    assert any("log of nobody-knows was not read" in b.why for b in blind(found, PLANTED))


def test_a_lost_answer_is_asked_for_again_since_it_is_a_read(bench: Bench) -> None:
    bench.sandbox.fault(EVIDENCE, "lost", 1)
    acted(bench, "CreateServiceAccountKey", other(bench))
    assert len(looked(bench).entries) == 1


def test_a_read_that_fails_for_good_did_not_happen(bench: Bench) -> None:
    bench.sandbox.fault(EVIDENCE, "500", 99)
    with pytest.raises(Unavailable) as caught:
        bench.conn.ask(LOGGING, audit_log.PATH, LIST_LOGS, {})
    assert not isinstance(caught.value, NoAnswer)
    assert "may have happened" not in caught.value.message
    fault = looked(bench).fault
    assert not isinstance(fault, Denied)
    assert fault is not None


# -- one entry ---------------------------------------------------------------------------------------------------------


def row(**more: Any) -> dict[str, Any]:
    payload = {"methodName": "google.iam.admin.v1.CreateServiceAccount", "serviceName": "iam.googleapis.com", **more}
    return {"insertId": "a", "timestamp": "2026-11-28T11:00:00.123456789Z", "protoPayload": payload}


def test_what_failed_is_no_act() -> None:
    assert entry_of(row()) is not None
    assert entry_of(row(status={})) is not None
    assert entry_of(row(status={"code": 7, "message": "denied"})) is None


@pytest.mark.parametrize("odd", [None, 5, "text", [], {"timestamp": "soon", "protoPayload": {"methodName": "x"}}])
def test_what_is_no_entry_is_none(odd: Any) -> None:
    assert entry_of(odd) is None


@pytest.mark.parametrize("odd", [None, "x", 5, [None, "x", {}, {"firstPartyPrincipal": "x"}]])
def test_an_odd_chain_hides_no_entry(odd: Any) -> None:
    links = odd if isinstance(odd, list) else []
    made = entry_of(row(authenticationInfo={"principalEmail": "A@b.c", "serviceAccountDelegationInfo": links}))
    assert made is not None
    assert (made.actor, made.chain) == ("a@b.c", ())


def test_a_text_that_somebody_chose_is_one_line_and_short() -> None:
    made = entry_of(row(requestMetadata={"callerSuppliedUserAgent": "a\nb\x1b[31m" + "c" * 500}))
    assert made is not None
    assert "\n" not in made.agent
    assert "\x1b" not in made.agent
    assert len(made.agent) == SHORT + 1


def test_every_change_of_an_account_and_its_keys_stands_in_the_log_here(bench: Bench) -> None:
    """As a project's log would show what this tool did. Of HMAC keys no log is documented."""
    for step in bench.steps(BOT):
        bench.do(step)
    done = [(r.method.rpartition(".")[2], r.who["principalEmail"].partition("@")[0]) for r in bench.cloud.trail.rows]
    assert sorted(done) == [
        ("DisableServiceAccount", seed.RESPONDER),
        ("DisableServiceAccountKey", seed.RESPONDER),
        ("DisableServiceAccountKey", seed.RESPONDER),
    ]
