"""Tokens as sessions, as audit logs show them (facts gcp.md 1, row 3, and 7: 19, 22, 25)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nhi_revoke.model.found import Access
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_gcp.access.key_use import LATE
from nhi_revoke_gcp.naming import canonical
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.audit import gave_token
from nhi_revoke_gcp.sandbox.audit_configs import turn_on
from nhi_revoke_gcp.sandbox.scene_above import LEDGER
from nhi_revoke_gcp.stopping import TOKEN, standing

from .conftest import BOT, START, Bench, world
from .trail import acted, blind, gave, leads, other, seen, sessions, token_of

AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def data_access(bench: Bench) -> None:
    """Somebody turned the logs on."""
    turn_on(bench.cloud, f"projects/{seed.PROJECT}", bench.scene.then)


def mine(bench: Bench) -> list[Access]:
    return [a for a in sessions(seen(bench)) if a.on == canonical(seed.EMAIL)]


# -- given -------------------------------------------------------------------------------------------------------------


def test_whoever_became_the_account_is_named_with_the_trust_and_the_address(bench: Bench) -> None:
    gave(bench, bench.account, token_of(bench, bench.scene.runner))
    [session] = mine(bench)
    assert session.id.startswith(standing(seed.PROJECT, bench.account.unique_id).removesuffix("*"))
    assert (session.state, session.family) == ("live", "token")
    assert (session.created, session.expires) == (START - timedelta(minutes=30), START + timedelta(minutes=30))
    assert session.label == (
        f"access token given to {bench.scene.runner.email}, from 203.0.113.7 (google-cloud-sdk gcloud/555.0.0)"
    )
    trusts = bench.accesses(BOT, "gcp:impersonation")
    assert session.parent is not None
    assert trusts[session.parent].before["member"] == f"serviceAccount:{bench.scene.runner.email}"


def test_a_federated_subject_has_no_address_and_is_named_as_it_is(bench: Bench) -> None:
    gave(bench, bench.account, bench.cloud.new_token(seed.JOB, START))
    [session] = mine(bench)
    assert f"given to {seed.JOB}" in session.label
    trusts = bench.accesses(BOT, "gcp:impersonation")
    assert session.parent is not None
    assert trusts[session.parent].before["member"] == seed.JOB


def test_real_tokens_of_the_sandbox_are_logged_with_their_chain(bench: Bench) -> None:
    """Through an account in between: each link is named."""
    hop = other(bench, "hop")
    seed.bind(bench.cloud, hop, seed.CREATOR, f"serviceAccount:{bench.scene.runner.email}", START)
    seed.bind(bench.cloud, bench.account, seed.CREATOR, f"serviceAccount:{hop.email}", START)
    first = token_of(bench, bench.scene.runner)
    url = f"{bench.sandbox.url}/v1/projects/-/serviceAccounts/{{}}:generateAccessToken"
    answer = bench.sandbox.client.post(
        url.format(hop.email), json={}, headers={"Authorization": f"Bearer {first.value}"}
    )
    bearer = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    assert bench.sandbox.client.post(url.format(seed.EMAIL), json={}, headers=bearer).status_code == 200
    [session] = mine(bench)
    assert f"given to {hop.email} through {bench.scene.runner.email}, from" in session.label


def test_one_caller_is_one_session_for_as_long_as_the_newest_token_lives(bench: Bench) -> None:
    """Whoever renews a token every few minutes must not fill the list."""
    caller = token_of(bench, bench.scene.runner)
    for minutes in (70, 40, 20, 5):
        gave(bench, bench.account, caller, minutes=minutes)
    [session] = mine(bench)
    assert session.created == START - timedelta(minutes=40), "the first one is over"
    assert session.expires == START + timedelta(minutes=55)
    assert session.note.startswith("3 of them live")
    first = session.id
    bench.sandbox.advance(60)
    gave(bench, bench.account, caller, minutes=0)
    assert [a.id for a in mine(bench)] == [first]


def test_a_token_lives_as_long_as_was_asked_for(bench: Bench) -> None:
    gave(bench, bench.account, token_of(bench, bench.scene.runner), lifetime="2400s")
    [session] = mine(bench)
    assert session.expires == START + timedelta(minutes=10)


def test_where_a_policy_lets_the_account_a_token_is_taken_to_live_for_twelve_hours(bench: Bench) -> None:
    """Facts gcp.md 7, 25."""
    rule = {"values": {"allowedValues": [seed.EMAIL]}}
    bench.cloud.constraints["iam.allowServiceAccountCredentialLifetimeExtension"] = [rule]
    gave(bench, bench.account, token_of(bench, bench.scene.runner), minutes=11 * 60)
    [session] = mine(bench)
    assert session.expires == START + AN_HOUR


def test_what_is_over_is_no_session(bench: Bench) -> None:
    gave(bench, bench.account, token_of(bench, bench.scene.runner), minutes=61)
    assert mine(bench) == []


# -- signed ------------------------------------------------------------------------------------------------------------


def test_an_id_token_is_no_session_that_a_brake_ends_and_is_told_until_when(bench: Bench) -> None:
    """Facts gcp.md 1 (row 4)."""
    for minutes in (30, 90):
        gave(bench, bench.account, token_of(bench, bench.scene.runner), method="GenerateIdToken", minutes=minutes)
    found = seen(bench)
    assert sessions(found) == []
    [spot] = [b for b in blind(found, TOKEN) if "ID tokens" in b.why]
    assert spot.until == START + timedelta(minutes=30)
    assert (spot.counts, spot.covered_by) == (False, ())
    assert "(at 2026-11-28T11:30:00Z)" in spot.why, "the older one has expired"


@pytest.mark.parametrize("method", ["SignBlob", "SignJwt"])
def test_what_was_signed_is_told_and_nobody_knows_until_when(bench: Bench, method: str) -> None:
    """Facts gcp.md 1 (row 5)."""
    for minutes in (5, 10):
        gave(bench, bench.account, token_of(bench, bench.scene.runner), method=method, minutes=minutes)
    [spot] = [b for b in blind(seen(bench), TOKEN) if "signed" in b.why]
    assert "2 times" in spot.why
    assert bench.scene.runner.email in spot.why
    assert spot.until is None


# -- of others ---------------------------------------------------------------------------------------------------------


def test_a_token_that_it_got_of_another_account_is_that_ones_session(bench: Bench) -> None:
    """Facts gcp.md 7, 19."""
    victim = other(bench, "victim")
    gave(bench, victim, token_of(bench, bench.account))
    [session] = sessions(seen(bench))
    assert str(session.on) == f"gcp:sa/{victim.email}"
    assert session.id.startswith(standing(seed.PROJECT, victim.unique_id).removesuffix("*"))
    assert session.parent == standing(seed.PROJECT, bench.account.unique_id)
    assert session.expires == START + timedelta(minutes=30)


def test_whom_it_became_through_another_one_is_found_too(bench: Bench) -> None:
    hop, last = other(bench, "hop"), other(bench, "last")
    gave(bench, last, token_of(bench, hop, chain=(bench.scene.member,)))
    [session] = sessions(seen(bench))
    assert str(session.on) == f"gcp:sa/{last.email}"
    assert f"given to {hop.email} through {seed.EMAIL}" in session.label


def test_an_id_token_that_it_got_of_another_account_is_a_lead(bench: Bench) -> None:
    victim = other(bench, "victim")
    gave(bench, victim, token_of(bench, bench.account), method="GenerateIdToken")
    [lead] = leads(seen(bench))
    assert (str(lead.to), lead.how, lead.session) == (f"gcp:sa/{victim.email}", "reach", None)
    assert lead.next == f"nhi-revoke list gcp:sa/{victim.email}"


def test_of_another_account_whose_policy_is_not_known_the_longest_is_taken(bench: Bench) -> None:
    gave(bench, bench.scene.runner, token_of(bench, bench.account))
    assert sessions(seen(bench)) == [], "its project's log is not read"
    turn_on(bench.cloud, f"projects/{seed.PARTNER}", bench.scene.then)
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    gave(bench, bench.scene.runner, token_of(bench, bench.account), minutes=11 * 60)
    assert sessions(seen(bench)) == [], "an hour, as its organisation says"
    bench.cloud.off.add("orgpolicy")
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    [session] = sessions(seen(bench))
    assert session.expires == START + AN_HOUR


def test_how_long_the_others_tokens_live_is_asked_once_for_each_account(bench: Bench) -> None:
    by, victim = token_of(bench, bench.account), other(bench, "victim")
    del bench.cloud.accounts[victim.email]
    for minutes in range(20):
        gave(bench, victim, by, minutes=minutes)
    before = len(bench.sandbox.calls())
    [session] = sessions(seen(bench))
    assert session.note.startswith("20 of them live")
    asked = [c for c in bench.sandbox.calls()[before:] if c.name == "iam.GetServiceAccount" and "victim" in c.target]
    assert len(asked) == 1


def test_where_the_plan_has_both_accounts_the_session_is_the_others_child(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False, planted=True) as whole:
        ledger = whole.gcp.cloud.accounts[f"{LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"]
        with whole.engine() as engine:
            both = engine.resolve([BOT, f"gcp:sa/{ledger.email}"])
            inventory = engine.inventory(both, whole.intent, logs=True)
        children = [a.id for a in inventory.accesses if "/given-" in a.id]
        assert len(children) == 1
        assert children[0].startswith(standing(seed.PROJECT, ledger.unique_id).removesuffix("*"))
        assert not [lead for lead in inventory.leads if lead.session]


# -- at work -----------------------------------------------------------------------------------------------------------


def test_a_token_that_was_had_with_a_key_is_seen_by_its_work_alone(bench: Bench) -> None:
    """No log that Google's documents name tells of an exchange of a key for a token."""
    acted(bench, "CreateServiceAccountKey", other(bench), minutes=500)
    acted(bench, "CreateServiceAccountKey", other(bench), minutes=50)
    acted(bench, "DeleteServiceAccountKey", other(bench), minutes=20)
    [session] = mine(bench)
    assert session.parent == f"gcp:key/{seed.EMAIL}/{bench.scene.first.id}"
    assert (session.created, session.last_used) == (START - timedelta(minutes=50), START - timedelta(minutes=20))
    assert session.expires == START + timedelta(minutes=40)
    assert f"by key {bench.scene.first.id}, from 203.0.113.7" in session.label
    assert "by google.iam.admin.v1.DeleteServiceAccountKey" in session.note


def test_each_address_and_program_is_a_session_of_its_own(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", other(bench))
    acted(bench, "CreateServiceAccountKey", other(bench), ip="198.51.100.9", agent="python-requests/2.32")
    assert sorted("198.51.100.9 (python-requests/2.32)" in a.label for a in mine(bench)) == [False, True]


def test_another_account_at_work_through_it_is_that_ones_session(bench: Bench) -> None:
    victim = other(bench, "victim")
    acted(bench, "CreateServiceAccount", victim, by=token_of(bench, victim, chain=(bench.scene.member,)))
    [session] = sessions(seen(bench))
    assert str(session.on) == f"gcp:sa/{victim.email}"
    assert session.parent == standing(seed.PROJECT, bench.account.unique_id)
    assert f"through {seed.EMAIL}" in session.label


def test_what_somebody_else_did_to_the_account_is_nobodys_session(bench: Bench) -> None:
    acted(bench, "CreateServiceAccountKey", bench.account, by=token_of(bench, bench.scene.runner))
    assert sessions(seen(bench)) == []


# -- in a run ----------------------------------------------------------------------------------------------------------


def test_contained_its_sessions_end_and_the_account_that_it_became_waits_for_the_next_plan(tmp_path: Path) -> None:
    """Facts gcp.md 7, 19: the brake does not reach a token of another account."""
    with world(tmp_path, deliver=False, planted=True) as whole:
        scene = whole.gcp.scene
        with whole.gcp.cloud.lock:
            by = whole.gcp.cloud.new_token(f"serviceAccount:{scene.runner.email}", whole.clock.now())
            gave_token(whole.gcp.cloud, whole.clock.now() - timedelta(minutes=5), scene.account, by)
        report = whole.run()
        given = [o for o in report.outcomes if "/given-" in o.access.id]
        assert [o.fate for o in given] == ["ended"]
        [lead] = [x for x in report.leads if x.session]
        assert lead.to.id.startswith(f"{LEDGER}@")
        assert report.next_plan
        assert report.exit_code == 8
        assert whole.open_doors() == {"chained-token", "planted-telemetry-relay", "reach"}
        assert mispredicted(whole, report) == []


def test_the_next_plan_shuts_the_account_that_it_became(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False, planted=True) as whole:
        whole.run()
        ledger = f"gcp:sa/{LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"
        whole.run(whole.plan(name=ledger))
        assert whole.open_doors() == {"planted-telemetry-relay"}


# -- last use ----------------------------------------------------------------------------------------------------------


def account_note(bench: Bench) -> tuple[str, Access]:
    found = list(bench.accesses(BOT, "gcp:service-account").values())
    [access] = bench.kinds["gcp:service-account"].enrich(bench.conn, found, bench.io)
    return access.note, access


def test_the_day_of_the_accounts_last_use_is_told_and_what_it_leaves_out(bench: Bench) -> None:
    """Facts gcp.md 7, 22: by days, late, and without bound API keys."""
    note, access = account_note(bench)
    day = bench.cloud.used[seed.EMAIL]
    assert note.endswith(f"last used on {day:%Y-%m-%d}: {LATE}")
    assert access.last_used is not None
    assert (access.last_used.hour, access.last_used.minute) == (7, 0)
    assert "bound API keys" in note


def test_no_last_use_of_the_account_proves_nothing(bench: Bench) -> None:
    del bench.cloud.used[seed.EMAIL]
    note, access = account_note(bench)
    assert "which proves nothing" in note
    assert access.last_used is None


@pytest.mark.parametrize("why", ["off", "denied"])
def test_an_unread_last_use_of_the_account_is_unseen(bench: Bench, why: str) -> None:
    """Facts gcp.md 7, 20 and 21."""
    found = list(bench.accesses(BOT, "gcp:service-account").values())
    if why == "off":
        bench.cloud.off.add("policyanalyzer")
    else:
        bench.sandbox.allow_only(["iam.*"])
    [access] = bench.kinds["gcp:service-account"].enrich(bench.conn, found, bench.io)
    assert "its last use is unseen" in access.note
