"""Who may become the account by policies above it, and taking one of them out (facts gcp.md 1, row 8; 7: 6, 20, 21)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Phase, Step
from nhi_revoke.provider.fault import Conflict
from nhi_revoke_gcp.access.impersonation import TRIES
from nhi_revoke_gcp.access.inherited import CutInherited, nearness
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.policy import Trust, without
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.stopping import STOPS

from .conftest import ABOVE, BOT, Bench, world

KIND = "gcp:inherited-impersonation"
PROJECT = f"projects/{seed.PROJECT}"
BROKER = f"serviceAccount:token-broker@{seed.PARTNER}.iam.gserviceaccount.com"
DEPLOYER = f"serviceAccount:deployer@{seed.PARTNER}.iam.gserviceaccount.com"
CLOUD_SERVICES = f"serviceAccount:{above.NUMBER}@cloudservices.gserviceaccount.com"
READS = {
    "projects": "resourcemanager.projects.getIamPolicy",
    "folders": "resourcemanager.folders.getIamPolicy",
    "organizations": "resourcemanager.organizations.getIamPolicy",
}


def trusts(bench: Bench) -> dict[str, Access]:
    """By member."""
    return {str(a.before["member"]): a for a in bench.accesses(BOT, KIND).values()}


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def cuts(bench: Bench, *members: str) -> list[Step]:
    ids = tuple(trusts(bench)[member].id for member in members)
    return [s for s in bench.steps(BOT, brake="off", cut_trust=ids) if s.does == f"{KIND}/cut"]


def cut(bench: Bench, *members: str) -> Step:
    [step] = cuts(bench, *members)
    return step


def bindings(bench: Bench, resource: str) -> set[tuple[str, str, str]]:
    """Role, member and condition."""
    policy = bench.cloud.levels.policies[resource].shown
    return {(b.role, member, b.condition.expression) for b in policy.bindings for member in b.members}


def without_rights(bench: Bench, *withheld: str) -> None:
    every = {p for kind in bench.provider.kinds() for p in kind.reads}
    bench.sandbox.allow_only(sorted(every - set(withheld)))


def test_each_level_gives_rights_and_harmless_roles_are_not_listed(bench: Bench) -> None:
    found = trusts(bench)
    assert {(m, a.before["resource"]) for m, a in found.items()} == {
        (seed.LEAD, PROJECT),
        (CLOUD_SERVICES, PROJECT),
        (BROKER, PROJECT),
        ("group:platform@example.com", above.FOLDER),
        (DEPLOYER, above.ORGANIZATION),
    }
    assert "every other account below folder 700000000007" in found["group:platform@example.com"].note
    assert found[DEPLOYER].lets_in == (f"gcp:sa/{DEPLOYER.partition(':')[2]}",)
    assert {a.exposure for m, a in found.items() if m in (BROKER, DEPLOYER)} == {"foreign"}
    assert not spots(bench)


def test_a_role_of_their_own_is_judged_by_the_permissions_in_it(bench: Bench) -> None:
    """Of the broker's role it is the one that gets tokens; of the auditors' there is none."""
    said = trusts(bench)[BROKER].note
    assert said.startswith("gets tokens as it, and so")
    assert said.endswith(f"only where {seed.CONDITION}")
    assert "group:auditors@example.com" not in trusts(bench)


@pytest.mark.parametrize(
    ("member", "exposure"),
    [
        ("allUsers", "anyone"),
        ("user:a@example.com", "local"),
        (f"serviceAccount:{seed.EMAIL}", "foreign"),
        ("serviceAccount:ci@shop-prod.iam.gserviceaccount.com", "local"),
        ("serviceAccount:ci@partner-ci.iam.gserviceaccount.com", "foreign"),
        ("serviceAccount:111122223333-compute@developer.gserviceaccount.com", "local"),
        ("serviceAccount:999988887777-compute@developer.gserviceaccount.com", "foreign"),
        ("serviceAccount:shop-prod@appspot.gserviceaccount.com", "local"),
        ("serviceAccount:service-111122223333@gcp-sa-pubsub.iam.gserviceaccount.com", "service"),
        ("serviceAccount:service-999988887777@gcp-sa-pubsub.iam.gserviceaccount.com", "foreign"),
    ],
)
def test_how_far_each_sort_of_member_is(member: str, exposure: str) -> None:
    """Facts gcp.md 7, 8: Google's own accounts of the same project are named by its number."""
    named = Named(seed.EMAIL, "1", "shop-prod", "")
    assert nearness(Trust("roles/editor", member), named, "111122223333") == exposure


def test_an_account_that_may_become_itself_is_open_while_it_is_enabled(bench: Bench) -> None:
    """Whoever holds one token of it gets the next, however short one lives."""
    me = f"serviceAccount:{seed.EMAIL}"
    bench.cloud.levels.bind(PROJECT, seed.CREATOR, me, bench.sandbox.now())
    seed.bind(bench.cloud, bench.account, seed.CREATOR, me, bench.sandbox.now())
    for kind in (KIND, "gcp:impersonation"):
        [own] = [a for a in bench.accesses(BOT, kind).values() if a.before["member"] == me]
        assert own.exposure == "foreign"
        assert "names the account itself" in own.note
    [brake] = [s for s in bench.steps(BOT) if s.brake]
    assert {a for a in brake.ends if "impersonation/" in a} >= {own.id}


def test_whoever_inherits_a_right_becomes_it_until_it_is_disabled(bench: Bench) -> None:
    assert bench.open_doors() >= ABOVE
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert not ABOVE & bench.open_doors()


@pytest.mark.parametrize(
    ("sort", "level"),
    [("projects", "project shop-prod"), ("folders", "folder 7"), ("organizations", "organisation 9")],
)
def test_a_level_that_may_not_be_read_is_named_and_the_others_are_read(bench: Bench, sort: str, level: str) -> None:
    """Facts gcp.md 7, 21: unseen, and never "none"; the brake ends whatever it hides."""
    whole = trusts(bench)
    without_rights(bench, READS[sort])
    [spot] = spots(bench)
    assert level in spot.why
    assert (spot.needs, spot.counts, spot.covered_by) == (READS[sort], True, (STOPS,))
    assert set(trusts(bench)) == {m for m, a in whole.items() if not str(a.before["resource"]).startswith(sort)}


def test_levels_that_are_not_told_are_unseen_and_the_project_is_read(bench: Bench) -> None:
    without_rights(bench, "resourcemanager.projects.get")
    [spot] = spots(bench)
    assert "folders and of the organisation above shop-prod" in spot.why
    assert spot.needs == "resourcemanager.projects.get"
    assert {str(a.before["resource"]) for a in trusts(bench).values()} == {PROJECT}
    assert trusts(bench)[CLOUD_SERVICES].exposure == "foreign", "without its number nobody knows whose it is"


def test_an_api_that_is_off_is_unknown_and_never_none(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.cloud.off.add("cloudresourcemanager")
    assert {spot.needs for spot in spots(bench)} == {"cloudresourcemanager.googleapis.com (an API that is off)"}
    assert not trusts(bench)


def test_a_role_that_may_not_be_read_is_told_with_who_holds_it(bench: Bench) -> None:
    without_rights(bench, "iam.roles.get")
    told = {spot.why.partition(" may become")[0]: spot for spot in spots(bench)}
    assert any(BROKER in who for who in told)
    assert {spot.needs for spot in told.values()} == {"iam.roles.get"}
    assert BROKER not in trusts(bench)


def test_of_an_account_that_is_disabled_what_is_hidden_lets_nobody_in(bench: Bench) -> None:
    """It is still said: enabled again, it would."""
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    without_rights(bench, READS["organizations"])
    [spot] = spots(bench)
    assert (spot.counts, spot.covered_by) == (False, ())
    assert "until it is enabled again" in spot.why


def test_nothing_is_cut_by_itself(bench: Bench) -> None:
    assert not [s for s in bench.steps(BOT) if s.does == f"{KIND}/cut"]


def test_only_the_named_member_is_taken_out_and_conditions_stay(bench: Bench) -> None:
    """Facts gcp.md 7, 6: read and written at version 3 with its etag, or conditions are lost."""
    bench.cloud.levels.bind(PROJECT, "roles/viewer", "user:x@example.com", bench.sandbox.now(), seed.CONDITION)
    before = bindings(bench, PROJECT)
    step = cut(bench, CLOUD_SERVICES)
    assert (step.phase, step.rearms, step.reversible) == (Phase.END, "always", True)
    change = bench.do(step)
    assert isinstance(change, Done)
    assert before - bindings(bench, PROJECT) == {("roles/editor", CLOUD_SERVICES, "")}
    assert bindings(bench, PROJECT) <= before
    assert bench.cloud.levels.policies[PROJECT].shown.version == 3
    assert bench.seen(step) == change.left
    assert bench.writes() == ["POST /v3/projects/<name>:setIamPolicy"]
    assert bench.open_doors() >= ABOVE, "nobody else lost anything"


def test_each_level_is_written_once_and_its_door_shuts(bench: Bench) -> None:
    steps = cuts(bench, BROKER, CLOUD_SERVICES, DEPLOYER)
    assert {s.before["resource"]: len(s.ends) for s in steps} == {PROJECT: 2, above.ORGANIZATION: 1}
    assert len({s.lock for s in steps}) == 2
    for step in steps:
        assert isinstance(bench.do(step), Done)
    assert not ABOVE & bench.open_doors()
    assert len(bench.writes()) == 2
    assert isinstance(bench.do(steps[0]), Already)
    assert len(bench.writes()) == 2


def test_the_plan_says_that_it_is_for_every_account_below(bench: Bench) -> None:
    found = trusts(bench)
    ids = (found[DEPLOYER].id, found[seed.LEAD].id)
    drafted = bench.draft(BOT, cut_trust=ids)
    loud = {d.says for d in drafted if isinstance(d, Notice) and d.level == "danger"}
    assert any("EVERY account below organisation 900000000009" in said for said in loud)
    assert any("all else that the role allows there: user:payments-lead@example.com" in said for said in loud)
    steps = [d for d in drafted if isinstance(d, Step) and d.does == f"{KIND}/cut"]
    assert all("on all else below" in step.breaks for step in steps)


def test_the_operators_own_right_is_left(tmp_path: Path) -> None:
    """The rest of the run works by it."""
    own = Trust("roles/owner", f"serviceAccount:{seed.RESPONDER}@{seed.SECURITY}.iam.gserviceaccount.com")
    cut_trust = (f"{KIND}/{seed.EMAIL}/{PROJECT}/{own.hash}",)
    with world(tmp_path, deliver=False) as whole:
        whole.gcp.cloud.levels.bind(PROJECT, own.role, own.member, whole.clock.now())
        plan = whole.plan(Intent(rotate="no", cut_trust=cut_trust))
        assert cut_trust[0] in {a.id for a in plan.accesses}
        assert not [s for s in plan.steps if s.does == f"{KIND}/cut"]
        assert any("is how the operator works here" in notice.says for notice in plan.notices)


def test_undo_gives_the_same_right_back_and_keeps_what_others_wrote_since(bench: Bench) -> None:
    before = bindings(bench, PROJECT)
    step = cut(bench, BROKER)
    bench.do(step)
    bench.cloud.levels.bind(PROJECT, "roles/viewer", "user:other@example.com", bench.sandbox.now())
    assert isinstance(bench.undo(step), Done)
    assert bindings(bench, PROJECT) == before | {("roles/viewer", "user:other@example.com", "")}
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_what_this_run_did_not_cut_is_not_written(bench: Bench) -> None:
    assert isinstance(bench.undo(cut(bench, BROKER)), Failed)
    assert not bench.writes()


@pytest.mark.parametrize("always", [False, True])
def test_somebody_who_writes_in_between_is_read_again_and_not_overwritten(bench: Bench, always: bool) -> None:
    """Facts gcp.md 7, 6: ABORTED on a stale etag."""
    reads: list[Any] = []

    def edit(policy: Any) -> Any:
        reads.append(policy)
        if always or len(reads) == 1:
            bench.cloud.levels.bind(PROJECT, "roles/viewer", f"user:{len(reads)}@example.com", bench.sandbox.now())
        return without(policy, {Trust(above.BROKER, BROKER, seed.CONDITION).text})

    if always:
        with pytest.raises(Conflict, match="somebody else changed it"):
            CutInherited().rewrite(bench.conn, PROJECT, edit)
        assert len(reads) == TRIES
        return
    assert CutInherited().rewrite(bench.conn, PROJECT, edit)
    assert len(reads) == 2
    assert (above.BROKER, BROKER, seed.CONDITION) not in bindings(bench, PROJECT)
    assert ("roles/viewer", "user:1@example.com", "") in bindings(bench, PROJECT)


def test_an_answer_that_was_lost_is_no_second_change(bench: Bench) -> None:
    step = cut(bench, BROKER)
    bench.sandbox.fault("POST /v3/projects/<name>:setIamPolicy", "lost", times=1)
    bench.do(step)
    assert (above.BROKER, BROKER, seed.CONDITION) not in bindings(bench, PROJECT)
    assert bench.seen(step)


def test_a_unique_id_is_looked_up_before_its_project_is_known(bench: Bench) -> None:
    found = bench.accesses(f"gcp:sa/{bench.account.unique_id}", KIND)
    assert {a.before["member"] for a in found.values()} == set(trusts(bench))


def test_a_run_without_the_brake_leaves_them_open_and_says_so(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="no", brake="off"), deliver=False) as whole:
        report = whole.run()
        fates = {str(o.access.before["member"]): o.fate for o in report.outcomes if o.access.kind == KIND}
        assert (fates[BROKER], fates[DEPLOYER], fates[seed.LEAD]) == ("open", "open", "kept")
        assert report.exit_code == 8
        assert whole.open_doors() >= ABOVE


def test_a_run_with_the_brake_shuts_them_and_an_unread_level_is_no_reason_for_a_nine(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as whole:
        every = {p for kind in whole.provider.kinds() for p in kind.reads}
        every |= {p for kind in whole.provider.kinds() for doer in kind.remedies for p in doer.permissions}
        whole.sandbox.allow_only(sorted(every - {READS["organizations"]}))
        report = whole.run()
        assert not [b for b in report.blind if b.kind == KIND and b.counts]
        assert [b for b in report.blind if b.kind == KIND and "organisation 900000000009" in b.why]
        assert not ABOVE & whole.open_doors()


@pytest.mark.parametrize(
    ("role", "means"),
    [
        ("roles/admin", "let anybody become it"),  # the newer basic roles: Google Cloud docs, iam/docs/roles-overview
        ("roles/writer", "may become it"),
        ("roles/iam.securityAdmin", "may let anybody become it"),
        ("roles/securitycenter.admin", "may make keys for it"),
        ("roles/resourcemanager.projectIamAdmin", "may give itself any right"),
    ],
)
def test_a_role_of_googles_that_lets_its_holder_become_accounts_is_no_harmless_one(
    bench: Bench, role: str, means: str
) -> None:
    stranger = "serviceAccount:helper@somewhere-else.iam.gserviceaccount.com"
    bench.cloud.levels.bind(PROJECT, role, stranger, bench.sandbox.now())
    bench.cloud.levels.bind(PROJECT, "roles/viewer", "serviceAccount:reads@somewhere-else.iam.gserviceaccount.com",
                            bench.sandbox.now())  # fmt: skip
    found = trusts(bench)
    assert "serviceAccount:reads@somewhere-else.iam.gserviceaccount.com" not in found
    assert means in found[stranger].note
    assert found[stranger].exposure == "foreign", "a door that is open until it is cut"
    before = bindings(bench, PROJECT)
    drafts = bench.draft(BOT, brake="off", cut_trust=(found[stranger].id,))
    assert any(isinstance(d, Notice) and f"all else that the role allows there: {stranger}" in d.says for d in drafts)
    assert isinstance(bench.do(cut(bench, stranger)), Done)
    assert before - bindings(bench, PROJECT) == {(role, stranger, "")}


def test_the_owner_of_a_project_of_no_organisation_is_no_stranger(bench: Bench) -> None:
    """A project that somebody made privately is owned by a private address."""
    bench.cloud.levels.bind(PROJECT, "roles/owner", "user:me@gmail.com", bench.sandbox.now())
    assert trusts(bench)["user:me@gmail.com"].exposure == "local"


def test_who_may_write_a_levels_policy_by_a_role_of_its_own_may_become_what_is_below(bench: Bench) -> None:
    role = f"{above.ORGANIZATION}/roles/grants"
    bench.cloud.levels.roles[role] = ("resourcemanager.projects.setIamPolicy", "resourcemanager.projects.get")
    stranger = "serviceAccount:helper@somewhere-else.iam.gserviceaccount.com"
    bench.cloud.levels.bind(PROJECT, role, stranger, bench.sandbox.now())
    assert "may give itself any right" in trusts(bench)[stranger].note
