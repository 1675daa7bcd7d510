"""What may refuse a new secret is looked at before anything is made or ended (facts entra.md 2; 8, 30)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.step import Draft, Manual, Notice, Step
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_entra.policies import Limits, Policies, lasts, limits, seconds_of
from nhi_revoke_entra.sandbox.policy_state import Policy, Restriction

from .conftest import APP, START, Bench, Whole

KIND = "entra:client-secret"
ADD = "POST /v1.0/applications/<one>/addPassword"
DAYS = timedelta(days=30)
DEFAULT = "the tenant's policy on apps"


def drafts(bench: Bench, **intent: Any) -> list[Draft]:
    """What the kind drafts for a run that replaces."""
    identity = Identity("payments-bot", (bench.resolve(APP).ref,), deliver=(Delivery(KIND, "file:x"),))
    return list(bench.kinds[KIND].draft(bench.view(APP, identity=identity), Intent(replace=(KIND,), **intent)))


def mints(drafted: list[Draft]) -> list[Step]:
    return [d for d in drafted if isinstance(d, Step) and d.does == f"{KIND}/create"]


def manual(drafted: list[Draft]) -> list[str]:
    return [d.what for d in drafted if isinstance(d, Manual) and d.kind == KIND]


def default(bench: Bench, *secrets: Restriction, on: bool = True) -> Policy:
    with bench.tenant.lock:
        bench.tenant.policy.enabled, bench.tenant.policy.secrets = on, list(secrets)
    return bench.tenant.policy


def own(bench: Bench, *secrets: Restriction, enabled: bool = True) -> Policy:
    made = Policy(bench.tenant.new_id(), "Payments", enabled, list(secrets))
    with bench.tenant.lock:
        bench.scene.application.policies.append(made)
    return made


def fresh(bench: Bench) -> None:
    """As another process would look: what a policy says is asked once for each."""
    bench.conn = bench.connect()


@pytest.mark.parametrize("order", ["contain", "rollover"])
def test_where_nobody_may_add_a_secret_none_is_drafted_and_why_is_told(bench: Bench, order: str) -> None:
    default(bench, Restriction("passwordAddition"))
    drafted = drafts(bench, order=order)
    assert mints(drafted) == []
    [said] = manual(drafted)
    assert f"{DEFAULT} lets nobody add a client secret" in said
    assert "federated credential" in said
    assert bench.writes() == []


def test_switched_off_or_for_newer_apps_alone_it_forbids_nothing(bench: Bench) -> None:
    created = bench.scene.application.created
    others = [Restriction("symmetricKeyAddition"), Restriction("customPasswordAddition")]
    for on, restrictions in (
        (False, [Restriction("passwordAddition")]),
        (True, [Restriction("passwordAddition", on=False)]),
        (True, [Restriction("passwordAddition", since=created + timedelta(days=1))]),
        (True, others),
    ):
        default(bench, *restrictions, on=on)
        fresh(bench)
        drafted = drafts(bench)
        assert len(mints(drafted)) == 1
        assert manual(drafted) == []
    default(bench, Restriction("passwordAddition", since=created))
    fresh(bench)
    assert mints(drafts(bench)) == [], "on or after that day"


def test_an_apps_own_policy_inherits_nothing(bench: Bench) -> None:
    default(bench, Restriction("passwordAddition"))
    mine = own(bench, Restriction("passwordLifetime", lasts=DAYS))
    assert len(mints(drafts(bench))) == 1
    with bench.tenant.lock:
        mine.enabled = False
    fresh(bench)
    assert mints(drafts(bench)) == []
    with bench.tenant.lock:
        mine.enabled, mine.secrets = True, [Restriction("passwordAddition")]
    fresh(bench)
    [said] = manual(drafts(bench))
    assert "the policy 'Payments' lets nobody" in said


def test_whom_a_policy_exempts_shows_when_it_is_tried(bench: Bench) -> None:
    default(bench, Restriction("passwordAddition", exempts=True))
    drafted = drafts(bench)
    assert len(mints(drafted)) == 1
    [said] = [d.says for d in drafted if isinstance(d, Notice)]
    assert "it exempts some" in said


@pytest.mark.parametrize(("days", "wanted"), [(30, 30), (1, 1), (700, 180)])
def test_a_new_secret_lasts_no_longer_than_is_allowed(bench: Bench, days: int, wanted: int) -> None:
    default(bench, Restriction("passwordLifetime", lasts=timedelta(days=days)))
    [step] = mints(drafts(bench))
    assert f"until {START + timedelta(days=wanted) - timedelta(seconds=120):%Y-%m-%d}" in step.says or wanted == 180
    assert (f"allows {days} days at most" in step.says) is (days < 180)
    change = bench.do(step)
    assert isinstance(change, Done), "the sandbox refuses what lasts longer"
    made = bench.scene.application.passwords[change.left["public"]["key_id"]]
    assert made.end <= START + timedelta(days=wanted)
    assert made.end > START + timedelta(days=wanted) - timedelta(minutes=5)


def test_what_lasts_too_long_is_refused_and_nothing_is_made(bench: Bench) -> None:
    """What the sandbox does; the test above shows that the provider obeys."""
    [step] = mints(drafts(bench))
    default(bench, Restriction("passwordLifetime", lasts=DAYS))
    before = set(bench.scene.application.passwords)
    with pytest.raises(Rejected):
        bench.do(step)
    assert set(bench.scene.application.passwords) == before


def test_what_was_not_looked_at_is_told_as_such(bench: Bench) -> None:
    bench.sandbox.allow_only(["Application.Read.All", "Application.ReadWrite.All"])
    [spot] = [f for f in bench.collect(APP, KIND) if isinstance(f, BlindSpot)]
    assert "was not looked at" in spot.why
    assert (spot.needs, spot.counts) == ("Policy.Read.All", False)
    who = bench.resolve(APP)
    assert "limits" not in who.facts
    assert who.facts["limits_unread"]


def test_what_one_look_alone_could_not_read_is_told_too(bench: Bench) -> None:
    identity = Identity("payments-bot", (bench.resolve(APP).ref,), deliver=(Delivery(KIND, "file:x"),))
    fresh(bench)
    bench.sandbox.fault("GET /v1.0/policies/defaultAppManagementPolicy", "denied")
    view = bench.view(APP, identity=identity)
    assert not [b for b in view.blind if b.kind == KIND], "the second look read it"
    drafted = list(bench.kinds[KIND].draft(view, Intent(replace=(KIND,))))
    assert len(mints(drafted)) == 1
    assert any(isinstance(d, Notice) and "was not looked at" in d.says for d in drafted)


# -- locks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["allProperties", "credentialsWithUsageVerify"])
def test_a_lock_that_would_keep_the_hidden_secret_is_told_before_anything(bench: Bench, which: str) -> None:
    with bench.tenant.lock:
        bench.scene.application.lock = {"isEnabled": True, which: True}
    drafted = drafts(bench)
    assert mints(drafted) == []
    [said] = manual(drafted)
    assert "app instance property lock" in said
    with bench.tenant.lock:
        bench.principal.passwords.clear()
    assert len(mints(drafts(bench))) == 1, "where nothing stands on the service principal it hinders nothing"


@pytest.mark.parametrize("lock", [{"isEnabled": False, "allProperties": True}, {"isEnabled": True}, None])
def test_a_lock_of_nothing_hinders_nothing(bench: Bench, lock: dict[str, bool] | None) -> None:
    with bench.tenant.lock:
        bench.scene.application.lock = lock
    assert len(mints(drafts(bench))) == 1


def test_a_locked_service_principal_takes_and_gives_no_secret(bench: Bench) -> None:
    """What the sandbox does; its code is recalled, and nothing looks at it."""
    with bench.tenant.lock:
        bench.scene.application.lock = {"isEnabled": True, "allProperties": True}
    principal = f"/servicePrincipals/{bench.principal.id}"
    key = next(iter(bench.principal.passwords))
    for verb, body in (("addPassword", {"passwordCredential": {}}), ("removePassword", {"keyId": key})):
        with pytest.raises(Rejected):
            bench.conn.send("POST", f"{principal}/{verb}", "x", body, again=False)
    assert list(bench.principal.passwords) == [key]
    assert bench.principal.passwords[key].there.shown


# -- whole runs ----------------------------------------------------------------------------------------------------


def changes(whole: Whole) -> list[str]:
    return [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates]


def forbid(whole: Whole) -> None:
    with whole.entra.lock:
        whole.entra.tenant.policy.enabled = True
        whole.entra.tenant.policy.secrets = [Restriction("passwordAddition")]


def said(plan: Plan) -> Iterator[str]:
    return (each.what for each in plan.manual)


def test_a_rotation_that_is_forbidden_changes_nothing(replacing: Whole) -> None:
    forbid(replacing)
    plan = replacing.plan(Intent(order="rollover", replace=replacing.intent.replace))
    assert any("lets nobody add a client secret" in each for each in said(plan))
    assert not [s for s in plan.steps if s.does.startswith(KIND)]
    before = replacing.open_doors()
    replacing.run(plan, verb="rotate")
    assert changes(replacing) == []
    assert replacing.open_doors() == before


def test_a_containment_that_is_not_replaced_holds_and_removes_nothing(replacing: Whole) -> None:
    forbid(replacing)
    plan = replacing.plan()
    assert any("lets nobody add a client secret" in each for each in said(plan))
    report = replacing.run(plan)
    assert ADD not in changes(replacing)
    assert "POST /v1.0/applications/<one>/removePassword" not in changes(replacing)
    assert report.replacements == ()
    assert report.state == "held"
    assert not replacing.open_doors() & {"client-secret", "hidden-secret", "certificate"}


def test_forbidden_between_plan_and_mint_the_old_one_stays(replacing: Whole) -> None:
    """Nobody can look at everything: what refuses it then ends nothing (facts entra.md 8, 30)."""
    plan = replacing.plan(Intent(order="rollover", replace=replacing.intent.replace))
    forbid(replacing)
    before = replacing.open_doors()
    report = replacing.run(plan, verb="rotate")
    assert [r.result for r in report.replacements] == ["not-replaced"]
    assert changes(replacing) == [ADD]
    assert replacing.open_doors() == before


# -- pure ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("P90D", 90 * 86400), ("P4DT12H30M5S", 390605), ("PT1H", 3600), ("P1M", 28 * 86400), ("P1Y", 365 * 86400),
     ("P2W", 14 * 86400), ("PT0.5S", 0)],
)  # fmt: skip
def test_durations(text: str, wanted: float) -> None:
    assert seconds_of(text) == wanted


@pytest.mark.parametrize("text", ["", "P", "90", "None", "PT", "-P1D"])
def test_what_is_no_duration_is_never_taken_for_unlimited(text: str) -> None:
    with pytest.raises(Rejected):
        seconds_of(text)
    rule = {"restrictionType": "passwordLifetime", "maxLifetime": text, "state": "enabled"}
    with pytest.raises(Rejected):
        limits(Policies({"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [rule]}}), None)


def test_the_shortest_counts_and_what_is_unknown_is_told() -> None:
    rules: dict[str, Any] = {
        "passwordCredentials": [
            {"restrictionType": "passwordLifetime", "maxLifetime": "P60D"},
            {"restrictionType": "passwordLifetime", "maxLifetime": "P30D", "state": "enabled"},
        ],
        "keyCredentials": [{"restrictionType": "unknownFutureValue", "state": "enabled"}],
    }
    found = limits(Policies({"isEnabled": True, "applicationRestrictions": rules}), datetime(2020, 1, 1, tzinfo=UTC))
    assert found == Limits(secret=30 * 86400.0, unknown=DEFAULT)


def test_a_margin_is_kept_and_never_all_of_it() -> None:
    assert lasts(timedelta(days=180), None) == 180 * 86400
    assert lasts(timedelta(days=180), 86400.0) == 86400 - 120
    assert lasts(timedelta(days=180), 60.0) == 30
