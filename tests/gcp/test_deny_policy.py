"""With `--brake off`: a deny policy takes from a live token what an intruder comes back by, and stops nothing else.

Facts gcp.md 2 and 7 (18).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.error import Refused
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Phase, Residual, Step
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp import deny_policy as deny
from nhi_revoke_gcp.access.iam_rights import KIND
from nhi_revoke_gcp.access.service_account import KIND as ACCOUNT
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.deny_policies import DenyPolicy

from .conftest import BOT, Bench, Whole, world
from .desk import Desk, opened

CREATE = "POST /v2/policies/cloudresourcemanager.googleapis.com/projects/<project>/denypolicies"
DELETE = f"DELETE{CREATE.removeprefix('POST')}/<policy>"
MINTING, TOKENS = "minting", {"key-token", "become-token"}
SOME = ("iam.googleapis.com/serviceAccounts.signBlob",)


def step_of(bench: Bench, **intent: Any) -> Step:
    [step] = [s for s in bench.steps(BOT, **{"brake": "off", **intent}) if s.does == f"{KIND}/deny"]
    return step


def policies(bench: Bench) -> list[DenyPolicy]:
    return bench.cloud.denials.of(seed.PROJECT, bench.sandbox.now())


def attached(bench: Bench, *permissions: str, policy: str = "theirs", **rule: Any) -> None:
    """By somebody else."""
    denied = {"deniedPrincipals": [deny.principal_of(seed.EMAIL)], "deniedPermissions": list(permissions), **rule}
    about = {"displayName": "ours", "rules": [{"denyRule": denied}]}
    bench.cloud.denials.attach(seed.PROJECT, seed.NUMBER, policy, about, bench.sandbox.now(), 0.0)


def said(bench: Bench, level: str, **intent: Any) -> str:
    drafted = bench.draft(BOT, **{"brake": "off", **intent})
    return "\n".join(d.says for d in drafted if isinstance(d, Notice) and d.level == level)


def test_the_plan_says_what_it_denies_what_breaks_and_what_goes_on(bench: Bench) -> None:
    step = step_of(bench)
    assert (step.phase, step.brake, step.rearms, step.reversible) == (Phase.CUT, True, 3600.0, True)
    assert step.ends == (f"{KIND}/{seed.PROJECT}/{bench.account.unique_id}/*",)
    assert "signed URLs" in step.breaks
    assert "until release, 1 hour later at the earliest" in step.breaks
    told = said(bench, "warning")
    for what in ("stops no token", "other projects", "tokens that it had of other accounts", "can take it off"):
        assert what in told
    assert not bench.writes()


@pytest.mark.parametrize("intent", [{"brake": "auto"}, {"brake": "on"}, {"scope": "keys"}, {"order": "rollover"}])
def test_nothing_is_denied_to_an_account_that_is_disabled_nor_where_nobody_wants_its_tokens_ended(
    bench: Bench, intent: dict[str, Any]
) -> None:
    steps = bench.steps(BOT, **{"brake": "off", **intent})
    assert not [s for s in steps if s.does == f"{KIND}/deny"]
    stops = [s for s in steps if s.does == f"{ACCOUNT}/disable"]
    assert all(any(a.startswith(f"{KIND}/") for a in s.ends) for s in stops)


def test_it_is_attached_under_the_runs_own_name_and_shown_once_its_operation_is_done(bench: Bench) -> None:
    """Facts gcp.md 7, 18: a long-running operation, awaited on the engine's clock."""
    bench.sandbox.lag(60, 0)
    step, began = step_of(bench), bench.sandbox.now()
    change = bench.do(step)
    assert isinstance(change, Done)
    assert 2 <= (bench.sandbox.now() - began).total_seconds() <= 10
    [made] = policies(bench)
    assert made.id == f"nhi-20261128t120000z-7f3a-{bench.account.unique_id}"
    assert bench.run.id in made.display_name
    [rule] = [each["denyRule"] for each in made.rules]
    assert rule["deniedPrincipals"] == [f"principal://iam.googleapis.com/projects/-/serviceAccounts/{seed.EMAIL}"]
    assert rule["deniedPermissions"] == list(deny.PERSISTS)
    assert bench.seen(step)["policy"] == made.id
    assert MINTING in bench.open_doors(), "shown, and not obeyed yet"
    bench.sandbox.advance(bench.doer(step.does).settle)
    assert MINTING not in bench.open_doors()
    assert bench.open_doors() >= TOKENS, "reads go on"
    assert not bench.account.disabled.shown
    assert bench.writes() == [CREATE]


def test_one_that_google_gives_up_is_told(bench: Bench) -> None:
    bench.sandbox.lag(60, 0)
    bench.cloud.denials.fails = {"code": 9, "message": "free text"}
    with pytest.raises(Rejected, match="FAILED_PRECONDITION"):
        bench.do(step_of(bench))
    assert policies(bench) == []


def test_one_that_takes_long_is_looked_for_until_it_shows(bench: Bench) -> None:
    bench.sandbox.lag(900, 0)
    bench.cloud.denials.takes = 45.0
    step = step_of(bench)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is None
    bench.sandbox.advance(30)
    assert bench.seen(step)


def test_a_second_attempt_finds_the_first_ones(bench: Bench) -> None:
    """Facts gcp.md 7, 14: a create is never repeated blindly."""
    step = step_of(bench)
    bench.do(step)
    assert isinstance(bench.do(step), Done)
    assert len(policies(bench)) == 1
    assert bench.seen(step)


def test_denied_it_says_what_that_means_and_what_to_do(bench: Bench) -> None:
    step = step_of(bench)
    bench.sandbox.allow_only([p for k in bench.kinds.values() for p in k.reads])
    change = bench.do(step)
    assert isinstance(change, Failed)
    assert change.needs == "iam.denypolicies.create"
    for what in ("live tokens go on to make keys", "roles/iam.denyAdmin", "on an organisation", "--brake on"):
        assert what in change.why


def test_where_they_may_not_be_listed_none_is_attached_and_that_is_told(bench: Bench) -> None:
    """It hides nobody's way in: said, and no more."""
    bench.sandbox.allow_only([p for k in bench.kinds.values() for p in k.reads if p != "iam.denypolicies.list"])
    [spot] = [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]
    assert (spot.needs, spot.counts) == ("iam.denypolicies.list", False)
    drafted = bench.draft(BOT, brake="off")
    assert not [d for d in drafted if isinstance(d, Step) and d.does == f"{KIND}/deny"]
    [left] = [d for d in drafted if isinstance(d, Residual) and d.access.startswith(f"{KIND}/")]
    assert left.until is not None
    assert "no deny policy takes that away" in said(bench, "danger")


def test_one_of_somebody_else_is_told_and_left_as_it_is(bench: Bench) -> None:
    attached(bench, *SOME)
    [access] = bench.accesses(BOT, KIND).values()
    assert "deny policy theirs denies it some of what it may do, and is left as it is" in access.note
    step = step_of(bench)
    bench.do(step)
    bench.undo(step)
    assert [p.id for p in policies(bench)] == ["theirs"]
    assert policies(bench)[0].version == 1


def test_one_that_denies_all_of_it_already_is_nobody_elses_to_take_off(bench: Bench) -> None:
    attached(bench, *deny.PERSISTS)
    step = step_of(bench)
    assert (step.brake, step.rearms, step.breaks) == (False, "no", "")
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step)["policy"] == "theirs"
    change = bench.undo(step)
    assert isinstance(change, Impossible)
    assert "stood before this run" in change.why
    assert bench.writes() == []


@pytest.mark.parametrize(
    "more",
    [
        {"exceptionPermissions": list(SOME)},
        {"exceptionPrincipals": ["principalSet://goog/group/admins@example.com"]},
        {"denialCondition": {"expression": "resource.matchTag('1/env', 'prod')"}},
        {"deniedPrincipals": [deny.principal_of("somebody@else.iam.gserviceaccount.com")]},
    ],
)
def test_one_with_a_way_around_it_counts_for_nothing(bench: Bench, more: dict[str, Any]) -> None:
    attached(bench, *deny.PERSISTS, **more)
    assert step_of(bench).brake
    assert isinstance(bench.do(step_of(bench)), Done)
    assert len(policies(bench)) == 2


def test_one_that_somebody_changed_since_is_not_deleted(bench: Bench) -> None:
    step = step_of(bench)
    bench.do(step)
    bench.run.lefts[step.id] = bench.seen(step)
    [made] = policies(bench)
    made.version += 1
    change = bench.undo(step)
    assert isinstance(change, Failed)
    assert f"gcloud iam policies delete {made.id} --kind=denypolicies" in change.why
    assert policies(bench) == [made]


def test_one_that_lost_a_permission_is_not_taken_for_ours(bench: Bench) -> None:
    step = step_of(bench)
    bench.do(step)
    [made] = policies(bench)
    bench.cloud.denials.held[:] = [changed(made, rules=[{"denyRule": {**made.rules[0]["denyRule"],
                                                                     "deniedPermissions": list(SOME)}}])]  # fmt: skip
    assert bench.seen(step) is None


def test_groups_of_permissions_are_read() -> None:
    """iam/docs/deny-overview."""
    rule = {"deniedPrincipals": [deny.principal_of("A@b.iam.gserviceaccount.com")]}
    groups = [f"{p}.googleapis.com/*.*" for p in ("iam", "apikeys", "cloudresourcemanager", "storage")]
    row = {"rules": [{"denyRule": {**rule, "deniedPermissions": groups}}]}
    assert deny.covers(row, ("a@b.iam.gserviceaccount.com", "1"))
    assert not deny.covers({**row, "deleteTime": "2026-11-28T12:00:00Z"}, ("a@b.iam.gserviceaccount.com", "1"))


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with world(tmp_path, intent=Intent(rotate="no", brake="off"), deliver=False) as made:
        yield made


def intruder_makes_a_key(whole: Whole) -> int:
    """For another account of the project, with a live token of this one."""
    scene = whole.gcp.scene
    token = whole.gcp.cloud.new_token(scene.member, whole.clock.now())
    path = f"/v1/projects/{seed.PROJECT}/serviceAccounts/ledger@{seed.PROJECT}.iam.gserviceaccount.com/keys"
    bearer = {"Authorization": f"Bearer {token.value}"}
    return scene.client.post(f"{whole.gcp.url}{path}", headers=bearer, json={}).status_code


def held(whole: Whole) -> list[DenyPolicy]:
    return whole.gcp.cloud.denials.of(seed.PROJECT, whole.clock.now())


def test_an_intruder_with_a_live_token_makes_no_key_any_more_until_it_is_released(whole: Whole) -> None:
    assert intruder_makes_a_key(whole) == 200
    report = whole.run()
    assert report.state == "held"
    assert f"nhi-revoke release {report.run}" in report.next
    assert intruder_makes_a_key(whole) == 403
    assert MINTING not in whole.open_doors()
    assert whole.open_doors() >= TOKENS, "it reads on with the token"
    assert not whole.gcp.scene.account.disabled.shown
    assert whole.outcome(report, f"{KIND}/").fate == "ended"
    assert mispredicted(whole, report) == []
    with whole.engine() as engine, pytest.raises(Refused, match="safe after"):
        engine.plan_release(report.run, wait=False)
    with whole.engine() as engine:
        engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
    whole.clock.advance(120)
    assert held(whole) == []
    assert intruder_makes_a_key(whole) == 200
    assert [c.name for c in whole.sandbox.calls() if c.mutates and c.by == "operator" and "deny" in c.name] == [
        CREATE,
        DELETE,
    ]


def test_undone_it_is_gone_and_nothing_else_of_the_project(whole: Whole) -> None:
    report = whole.run()
    whole.clock.advance(2 * 60 * 60)
    last = whole.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])
    assert [s.result for s in last.steps if s.result in ("failed", "lost", "waiting")] == []
    assert held(whole) == []


def test_somebody_takes_it_off_and_it_is_put_back(whole: Whole) -> None:
    report = whole.run()
    denials = whole.gcp.cloud.denials
    denials.take_off(held(whole)[0], whole.clock.now(), 0.0)
    with whole.engine() as engine:
        engine.hold(report.run, interval=30, until=whole.clock.now())
    whole.clock.advance(120)
    assert len(held(whole)) == 1
    assert MINTING not in whole.open_doors()


def test_killed_before_the_answer_came_there_is_one_policy_only(whole: Whole) -> None:
    whole.sandbox.fault(CREATE, "lost", times=1)
    report = whole.run()
    assert len(held(whole)) == 1
    assert whole.outcome(report, f"{KIND}/").fate == "ended"
    assert len(whole.gcp.cloud.denials.held) == 1, "what was asked again named the same policy, and was refused"


def test_where_it_fails_the_new_key_is_made_all_the_same(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="now", brake="off")) as whole:
        whole.sandbox.fault(CREATE, "denied", times=9)
        report = whole.run()
        assert [r.result for r in report.replacements] == ["served"]
        assert report.exit_code == 5
        [failed] = [s for s in report.steps if s.does == f"{KIND}/deny"]
        assert (failed.result, "roles/iam.denyAdmin" in failed.detail) == ("failed", True)
        assert held(whole) == []


def test_with_it_on_a_new_key_is_made_and_proven_and_it_stays(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="now", brake="off")) as whole:
        report = whole.run()
        assert [r.result for r in report.replacements] == ["served"]
        assert report.state == "held"
        assert len(held(whole)) == 1
        assert not [s for s in report.steps if "release" in s.id]


def test_a_dry_run_changes_nothing_and_the_screen_says_it(tmp_path: Path) -> None:
    sandbox, desk = opened(tmp_path, deliver=False)
    try:
        planned = _planned(desk)
        assert "denied new credentials" in planned.words or "deny payments@" in planned.words, planned
        assert "the deny policy stops no token" in planned.words
        assert desk.writes() == []
        desk.check()
    finally:
        sandbox.close()


def _planned(desk: Desk) -> Any:
    return desk("revoke", "payments-bot", "--brake", "off", "--dry-run")
