"""Whole runs under the real engine: contain, release, undo, replace; and what the intruder does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.oauth2 import service_account

from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.audit_configs import turn_on

from .conftest import ABOVE, BOT, MACHINE, REACH, Whole, world

DELETE_API_KEY = "DELETE /v2/projects/<project>/locations/global/keys/<uid>"
TOKENS = {"key-token", "become-token", "minting"}
TRUSTS = {"impersonation", "federation", *ABOVE}
STAYS = {*TRUSTS, *MACHINE}
"""Open for as long as the account is enabled, whatever becomes of its keys."""
API_KEYS = {"api-key", "planted-api-key"}
KEYS = {"key", "second-key", "hmac-key", *API_KEYS}


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with world(tmp_path, deliver=False) as made:
        yield made


@pytest.fixture
def replacing(tmp_path: Path) -> Iterator[Whole]:
    """The account stays enabled."""
    with world(tmp_path, intent=Intent(rotate="now", brake="off")) as made:
        yield made


def fate_of_tokens(whole: Whole, report: Report) -> str:
    """Of the account's tokens."""
    return whole.outcome(report, "gcp:access-token/").fate


def writes(whole: Whole) -> list[str]:
    return sorted(c.name.removeprefix("iam.") for c in whole.sandbox.calls() if c.by == "operator" and c.mutates)


def test_contained_everything_is_shut_and_nothing_is_gone(whole: Whole) -> None:
    assert whole.open_doors() == KEYS | TOKENS | STAYS | REACH
    report = whole.run()
    assert whole.open_doors() == REACH
    assert report.state == "held"
    assert not [s for s in report.steps if not s.reversible]
    assert writes(whole) == [
        DELETE_API_KEY,
        DELETE_API_KEY,
        "DisableServiceAccount",
        "DisableServiceAccountKey",
        "DisableServiceAccountKey",
        "PUT /storage/v1/projects/<project>/hmacKeys/<access_id>",
    ]
    assert {o.proof for o in report.outcomes if o.fate == "ended"} == {Proof.RECORDED}
    assert whole.outcome(report, "gcp:access-token/").fate == "ended"
    assert mispredicted(whole, report) == []


def test_what_was_not_looked_at_is_unseen_and_never_called_out(whole: Whole) -> None:
    """Facts gcp.md 7 (4, 19, 21): Data Access logs are off by default."""
    report = whole.run()
    assert report.exit_code == 8, "a look by hand is left, and a next plan"
    assert report.headline == "NOT PROVEN OUT"
    left = {b.kind: b.why for b in report.blind if b.counts}
    assert set(left) == {"gcp:lineage"}
    assert "Data Access logs" in left["gcp:lineage"]


def test_a_look_that_somebody_took_by_hand_is_left_to_nobody_again(whole: Whole) -> None:
    """What no interface tells (facts gcp.md 1, row 10) is "by hand" (8) until the settings say that somebody looked."""
    _all_can_be_seen(whole)
    assert [m.kind for m in whole.plan().manual] == ["gcp:domain-wide-delegation"]
    assert whole.run().exit_code == 8
    whole.restart()
    _all_can_be_seen(whole)
    whole.gcp.table["domain_wide_delegation"] = "none"
    report = whole.run()
    assert (report.manual, report.exit_code) == ((), 0)
    assert not [b for b in report.blind if b.counts]
    assert whole.open_doors() == REACH


def _all_can_be_seen(whole: Whole) -> None:
    """It reaches no other account, and Data Access logs are on."""
    cloud = whole.gcp.cloud
    turn_on(cloud, f"projects/{seed.PROJECT}", whole.gcp.scene.then)
    ledger = cloud.accounts[f"ledger@{whole.gcp.scene.account.project}.iam.gserviceaccount.com"]
    cloud.write_policy(ledger, type(ledger.policy.shown)(version=1, etag=b"1"), whole.clock.now(), 0.0)


def test_a_release_waits_until_no_stolen_token_lives(whole: Whole) -> None:
    """Facts gcp.md 7, 2: the re-arm trap."""
    report = whole.run()
    with pytest.raises(Refused, match="bring its old sessions back to life: safe after 2026-11-23T13:0"):
        release(whole, report.run, wait=False)
    assert whole.gcp.scene.account.disabled.shown
    before = whole.clock.now()
    release(whole, report.run, wait=True)
    assert (whole.clock.now() - before).total_seconds() > 3400
    assert whole.open_doors() == STAYS | REACH, "keys stay disabled, tokens have expired, and trusts were not cut"


def test_after_the_release_the_report_tells_what_is_over_and_what_is_open_again(whole: Whole) -> None:
    report = whole.run()
    release(whole, report.run, wait=True)
    done = whole.verify(report.run)
    assert fate_of_tokens(whole, done) == "expired"
    trusts = [o for o in done.outcomes if o.access.kind == "gcp:impersonation"]
    assert {(o.fate, o.how) for o in trusts} == {("open", "the brake alone held it, and was released")}
    assert {o.fate for o in done.outcomes if o.access.kind == "gcp:key"} == {"ended", "already"}
    assert mispredicted(whole, done) == []


def test_after_the_release_a_rotation_gives_the_workload_a_new_key(tmp_path: Path) -> None:
    with world(tmp_path) as whole:
        release(whole, whole.run().run, wait=True)
        intent = Intent(order="rollover", replace=("gcp:key",))
        report = whole.run(whole.plan(intent), verb="rotate")
        assert [(r.result, r.proof) for r in report.replacements] == [("served", Proof.ENFORCED)]
        assert whole.open_doors() == STAYS | REACH
        assert writes(whole).count("CreateServiceAccountKey") == 1


def release(whole: Whole, run: str, *, wait: bool) -> None:
    with whole.engine() as engine:
        engine.act(run, "release", engine.plan_release(run, wait=wait), YES)
    whole.clock.advance(120)


def test_trusts_that_were_cut_stay_out_after_the_release(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as plain:
        ids = tuple(a.id for a in plain.look().accesses if a.family == "trust" and a.exposure == "foreign")
    with world(tmp_path / "again", intent=Intent(rotate="now", cut_trust=ids), deliver=False) as whole:
        report = whole.run()
        assert [w for w in writes(whole) if "etIamPolicy" in w] == [
            "POST /v3/organizations/<name>:setIamPolicy",
            "POST /v3/projects/<name>:setIamPolicy",
            "SetIamPolicy",
        ]
        release(whole, report.run, wait=True)
        assert whole.open_doors() == MACHINE | REACH


def test_undo_gives_everything_back_but_what_expired(whole: Whole) -> None:
    before = whole.open_doors()
    report = whole.run()
    with pytest.raises(Refused):
        whole.undo(report.run)
    whole.clock.advance(2 * 60 * 60)
    last = whole.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])
    whole.clock.advance(120)
    assert [s.result for s in last.steps if s.result in ("failed", "lost", "waiting")] == []
    assert whole.open_doors() == before - TOKENS


def test_somebody_enables_it_again_and_the_run_disables_it_again(whole: Whole) -> None:
    report = whole.run()
    for what in ("enable", "enable-key", "activate-hmac-key", "undelete-api-key"):
        whole.sandbox.meddle(what)
    assert "key" in whole.open_doors()
    with whole.engine() as engine:
        engine.hold(report.run, interval=30, until=whole.clock.now())
    whole.clock.advance(120)
    assert whole.open_doors() == REACH


def test_a_key_that_appears_during_the_run_is_ended_too(whole: Whole) -> None:
    plan = whole.plan()
    whole.sandbox.meddle("new-key")
    report = whole.run(plan)
    assert whole.open_doors() == REACH
    assert [o.fate for o in report.outcomes if o.appeared] == ["ended"]
    assert whole.gcp.scene.account.listed()[-1].disabled.shown, "it does not hang on the brake alone"
    assert mispredicted(whole, report) == []


def test_a_trust_that_appears_during_the_run_is_named_as_open(whole: Whole) -> None:
    """While the account is disabled it lets nobody in; after a release it would: somebody must look before."""
    plan = whole.plan()
    whole.sandbox.meddle("new-binding")
    report = whole.run(plan)
    assert whole.open_doors() == REACH
    [late] = [o for o in report.outcomes if o.appeared]
    assert (late.fate, late.access.kind) == ("open", "gcp:impersonation")
    assert "late-runner" in late.access.label
    assert report.exit_code == 8


def test_with_the_brake_on_a_key_that_was_to_be_replaced_is_not_and_that_is_told(tmp_path: Path) -> None:
    """To prove it the account would be enabled, and every stolen token with it."""
    with world(tmp_path) as whole:
        report = whole.run()
        assert report.replacements == ()
        [by_hand] = [m for m in report.manual if m.kind == "gcp:key"]
        assert "release --wait" in by_hand.what
        assert whole.open_doors() == REACH
        assert "CreateServiceAccountKey" not in writes(whole)


def test_replaced_without_the_brake_tokens_live_on_and_the_report_says_until_when(replacing: Whole) -> None:
    report = replacing.run()
    assert [r.result for r in report.replacements] == ["served"]
    assert [r.proof for r in report.replacements] == [Proof.ENFORCED]
    assert replacing.open_doors() == (TOKENS - {"minting"}) | STAYS | REACH, "what makes new ones is denied to them"
    assert mispredicted(replacing, report) == []
    kept = replacing.folder / "payments-gcp.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    file = json.loads(kept.read_text())
    read = service_account.Credentials.from_service_account_info(file)
    assert read.service_account_email == replacing.gcp.scene.account.email
    made = replacing.gcp.scene.account.keys[file["private_key_id"]]
    assert [k.id for k in replacing.gcp.scene.account.listed() if k.works(replacing.clock.now())
            and k.type == "USER_MANAGED"] == [made.id]  # fmt: skip
    assert fate_of_tokens(replacing, report) == "left", "whoever may become it gets more of them"


def test_without_the_brake_the_plan_says_when_the_last_token_expires(replacing: Whole) -> None:
    plan = replacing.plan()
    [left] = [r for r in plan.residuals if r.access.startswith("gcp:access-token/")]
    assert left.until is not None
    replacing.clock.advance((left.until - replacing.clock.now()).total_seconds() + 1)
    assert not replacing.open_doors() & TOKENS


def test_rolled_over_the_new_one_works_before_the_old_one_ends(replacing: Whole) -> None:
    report = replacing.run(replacing.plan(Intent(order="rollover", replace=replacing.intent.replace)), verb="rotate")
    assert [r.result for r in report.replacements] == ["served"]
    order = [c.name for c in replacing.sandbox.calls() if c.by == "operator" and c.mutates]
    assert order[0] == "iam.CreateServiceAccountKey"
    left = TOKENS | STAYS | REACH | API_KEYS | {"hmac-key"}
    assert replacing.open_doors() == left, "a rotation leaves what nothing replaces"
    assert not replacing.gcp.scene.account.disabled.shown


def test_the_full_account_is_told_and_nothing_of_a_rotation_is_done(replacing: Whole) -> None:
    cloud, account = replacing.gcp.cloud, replacing.gcp.scene.account
    for key in account.keys.values():
        key.disabled.set(False, replacing.clock.now(), 0.0)
    while sum(key.type == "USER_MANAGED" for key in account.listed()) < 10:
        cloud.new_key(account, replacing.clock.now())
    plan = replacing.plan(Intent(order="rollover", replace=replacing.intent.replace))
    assert plan.steps == ()
    assert any("all ten slots are full" in each.what for each in plan.manual)


def test_the_operators_own_account_is_refused(whole: Whole) -> None:
    """Facts gcp.md 7, 10."""
    own = str(whole.look().operator[0])
    with whole.engine() as engine, pytest.raises(Refused):
        engine.guard(engine.plan(engine.inventory(engine.resolve([own]), whole.intent, logs=False), whole.intent), YES)
    assert own != BOT
