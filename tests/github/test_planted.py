"""What the identity put elsewhere, as the audit log tells it; and the audit log itself."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied, Throttled
from nhi_revoke.provider.sandbox.rest import Turned
from nhi_revoke.provider.times import moment
from nhi_revoke_github import planted
from nhi_revoke_github.audit import by_token, events, happened, hashed
from nhi_revoke_github.planted import KIND, LATE, PLANTS, act_of
from nhi_revoke_github.sandbox import routes_audit, seed
from nhi_revoke_github.sandbox.plant_planted import WHERE
from nhi_revoke_github.sandbox.state import ORG

from .conftest import APP, START, USER, Bench, Whole

A_DAY = timedelta(days=1)
LOG = "GET /orgs/<org>/audit-log"
LEDGER = f"github:repo/{seed.LEDGER}"


def found(bench: Bench, on: str = USER, since: datetime = START - A_DAY) -> tuple[list[Lead], list[BlindSpot]]:
    who = bench.resolve(on)
    seen = list(bench.kinds[KIND].observe(bench.conn, who, (), since, bench.io))
    return [f for f in seen if isinstance(f, Lead)], [f for f in seen if isinstance(f, BlindSpot)]


def log(bench: Bench, action: str, *, by: str = seed.LOGIN, at: datetime = START, **more: Any) -> None:
    """An hour before."""
    with bench.hub.lock:
        bench.hub.log(action, at - timedelta(hours=1), by, **more)


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_a_planted_hook_and_key_are_one_lead_to_the_repository(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    log(bench, "public_key.create", at=START + timedelta(minutes=3), repo=seed.LEDGER, title="ci", key="AAAA",
        fingerprint="SHA256:aB+/9", read_only=False)  # fmt: skip
    [lead] = found(bench)[0]
    assert str(lead.to) == LEDGER
    assert (lead.how, lead.evidence) == ("planted", "GET /orgs/{org}/audit-log")
    assert lead.of == bench.resolve(USER).ref
    assert lead.at is not None
    assert re.fullmatch(
        r"payments-machine added a webhook \(\d+\); added this deploy key \(ci, SHA256:aB\+/9\) at "
        r"2026-11-28T11:00:0\dZ, the last at 2026-11-28T11:03:0\dZ\. By hand: http://.*/ledger/settings/hooks",
        lead.why,
    )
    assert lead.next == f"nhi-revoke list {LEDGER} --since {lead.at:%Y-%m-%dT%H:%M:%SZ}"


def test_where_a_hook_leads_and_what_a_secret_holds_is_not_taken_over(bench: Bench) -> None:
    log(bench, "repo.create_actions_secret", repo=seed.SHOP, key="DEPLOY_KEY", data={"value": "hunter2"})
    log(bench, "hook.config_changed", repo=seed.LEDGER, hook_id=7, config=[{"url": WHERE}])
    told = repr(found(bench))
    assert "put a secret there (DEPLOY_KEY)" in told
    assert WHERE not in told
    assert "hunter2" not in told


def test_each_action_that_is_known_is_told(bench: Bench) -> None:
    """On its own principal, each with a command; where no list shows it, with the place."""
    made = seed.SLUG
    for number, (action, plant) in enumerate(PLANTS.items()):
        target = {"user": "someone", "name": made} if plant.on != "place" else {"repo": seed.SHOP, "name": made}
        log(bench, action, at=START + timedelta(seconds=number), **target)
    leads = {str(lead.to): lead for lead in found(bench)[0]}
    assert set(leads) == {LEDGER, f"github:repo/{seed.SHOP}", "github:user/someone", APP}
    told = " ".join(lead.why for lead in leads.values())
    for plant in PLANTS.values():
        assert plant.says in told
        assert plant.where in told
    verbs = {str(lead.to).partition("/")[0]: lead.next.split()[1] for lead in leads.values()}
    assert verbs == {"github:repo": "list", "github:user": "revoke", "github:app": "revoke"}


def test_an_app_that_nobody_can_name_is_the_organisations(bench: Bench) -> None:
    log(bench, "integration_installation.create", name="Backup & Sync")
    [lead] = [lead for lead in found(bench)[0] if lead.to.kind == "org"]
    assert str(lead.to) == f"github:org/{ORG}"
    assert "installed this app" in lead.why
    assert "(the log calls it backup-sync)" in lead.why
    assert lead.why.endswith(f"/organizations/{ORG}/settings/installations")


def test_what_it_did_to_itself_is_on_its_own_lists(bench: Bench) -> None:
    log(bench, "personal_access_token.access_granted", user=seed.LOGIN)
    log(bench, "org_credential_authorization.grant", user=seed.LOGIN.upper())
    log(bench, "public_key.create", title="laptop", fingerprint="SHA256:own")
    assert [str(lead.to) for lead in found(bench)[0]] == [LEDGER]


def test_an_app_acts_as_its_bot(bench: Bench) -> None:
    log(bench, "repo.add_member", by=f"{seed.SLUG}[bot]", user="someone", repo=seed.SHOP)
    log(bench, "repo.add_member", by=seed.OPERATOR, user="somebody-else", repo=seed.SHOP)
    [lead] = found(bench, APP)[0]
    assert str(lead.to) == "github:user/someone"
    assert f"let this user into a repository ({seed.SHOP})" in lead.why


def test_what_cannot_be_read_is_no_plant() -> None:
    good = {"action": "repo.add_member", "@timestamp": 1795863600000, "user": "someone"}
    assert act_of(good, ORG) is not None
    for change in (
        {"action": "repo.rename"}, {"@timestamp": "soon"}, {"@timestamp": None}, {"@timestamp": True},
        {"@timestamp": 10**30}, {"user": ""}, {"user": "-x y"},
    ):  # fmt: skip
        assert act_of({**good, **change}, ORG) is None
    act = act_of({**good, "repo": "a\x1b[31m"}, ORG)
    assert act is not None
    assert act.details == "", "anybody may have chosen it"
    assert moment("soon") is None
    assert happened({"created_at": 1795863600000}) is not None


def test_many_names_are_counted(bench: Bench) -> None:
    for number in range(7):
        log(bench, "org.create_actions_secret", at=START + timedelta(seconds=number), key=f"KEY_{number}")
    [lead] = [lead for lead in found(bench)[0] if lead.to.kind == "org"]
    assert "(KEY_0, KEY_1, KEY_2, KEY_3, KEY_4 and 2 more)" in lead.why


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_since_is_told_to_github_and_kept_to_the_minute(bench: Bench) -> None:
    """Without `created` three months are shown."""
    log(bench, "repo.create", at=START - timedelta(days=120), repo=f"{ORG}/old")
    log(bench, "repo.create", at=START - timedelta(hours=2), repo=f"{ORG}/early")
    names = {lead.to.id for lead in found(bench, since=START - timedelta(days=170))[0]}
    assert {f"{ORG}/old", f"{ORG}/early", seed.LEDGER} <= names
    names = {lead.to.id for lead in found(bench, since=START - timedelta(hours=2))[0]}
    assert names == {seed.LEDGER}, "the same day, and before"


def test_a_busy_bots_own_work_is_not_even_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        log(bench, "workflows.created_workflow_run", at=START - timedelta(minutes=number + 5), repo=seed.SHOP)
        log(bench, "git.push", at=START - timedelta(minutes=number + 5), repo=seed.SHOP)
    monkeypatch.setattr(planted, "MOST", 3)
    leads, blind = found(bench)
    assert len(leads) == 1
    assert [b.why for b in blind] == [LATE]


def test_a_log_that_may_not_be_read_is_unseen(bench: Bench) -> None:
    bench.sandbox.fault(LOG, "denied", 9)
    with pytest.raises(Denied) as said:
        found(bench)
    assert "GitHub Enterprise Cloud" in said.value.needs
    assert "organization_administration:read" in said.value.needs


def test_without_the_plan_there_is_no_log_and_that_is_no_none(bench: Bench) -> None:
    bench.hub.enterprise_plan = False
    with pytest.raises(Denied, match="GitHub answers alike"):
        found(bench)


def test_the_lag_is_one_blind_spot(bench: Bench) -> None:
    for on in (USER, APP):
        _, [spot] = found(bench, on)
        assert (spot.why, spot.kind) == (LATE, KIND)
        assert spot.until is not None
        assert spot.until - START < timedelta(seconds=60)
        assert spot.covered_by


def test_what_the_log_no_longer_has_and_what_was_too_much_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, blind = found(bench, since=START - timedelta(days=300))
    assert [re.search(r"keeps 180 days", spot.why) is not None for spot in blind] == [False, True]
    log(bench, "repo.create", at=START + timedelta(minutes=1), repo=f"{ORG}/new")
    monkeypatch.setattr(planted, "MOST", 1)
    leads, blind = found(bench)
    assert len(leads) == 1
    assert "more than 1 events" in blind[1].why


def test_too_many_queries_are_slowed_down_and_not_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts 2.4, 19: a limit of its own, and its 403 is about speed."""
    monkeypatch.setattr(routes_audit, "LIMIT", 1)
    found(bench)
    with pytest.raises(Throttled) as said:
        found(bench)
    assert said.value.retry_after is not None
    assert said.value.retry_after > 60, "the next hour is too far to wait for: it is unseen"
    bench.sandbox.advance(3600)
    assert len(found(bench)[0]) == 1


# -- one token ---------------------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_by_its_hash_and_never_by_its_value(bench: Bench) -> None:
    """Facts 2.4, 22: base64 of the raw sha256; escaped in the URL, or a `+` would be a space."""
    values = [bench.hub.new_token_value("ghp") for _ in range(40)]
    value = next(v for v in values if {"+", "/"} <= set(hashed(v)))
    assert hashed(value) == base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
    log(bench, "git.clone", repo=seed.SHOP, hashed_token=hashed(value))
    log(bench, "git.clone", repo=seed.LEDGER, hashed_token=hashed(values[0]) if values[0] != value else "other")
    rows = list(by_token(bench.conn, value, START - A_DAY))
    assert [row["repo"] for row in rows] == [seed.SHOP]
    assert value not in repr(bench.sandbox.calls())


def test_the_sandbox_takes_no_qualifier_that_it_does_not_know(bench: Bench) -> None:
    """Else a typing mistake would read like "nothing happened"."""
    assert list(events(bench.conn, f"actor:{seed.LOGIN}", START - A_DAY)) != []
    for phrase in ("actr:x", "created:yesterday"):
        with pytest.raises(Turned):
            routes_audit._holds(bench.hub.events[0], phrase)


# -- under the engine --------------------------------------------------------------------------------------------------


def test_the_report_names_what_was_planted_and_it_stays_open(whole: Whole) -> None:
    report = whole.run(whole.plan(Intent(rotate="no"), name=USER))
    [lead] = [lead for lead in report.planted if str(lead.to) == LEDGER]
    assert lead.next.startswith(f"nhi-revoke list {LEDGER}")
    assert "planted-hook" in whole.open_doors()
    assert report.exit_code == 8
    assert not [b for b in report.blind if b.kind == KIND], "the end of the membership covers the log's lag"


def test_what_is_planted_later_is_found_by_verify(whole: Whole) -> None:
    report = whole.run(whole.plan(Intent(rotate="no"), name=USER))
    whole.sandbox.meddle("plant-key")
    whole.clock.advance(120)
    [lead] = [lead for lead in whole.verify(report.run).planted if str(lead.to) == LEDGER]
    assert "added this deploy key (backup, SHA256:planted)" in lead.why
