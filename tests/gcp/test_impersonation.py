"""Who may become the account by its own policy, and taking one of them out (facts gcp.md 1, 7: 5, 6)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Conflict
from nhi_revoke_gcp.access.impersonation import TRIES, rewrite
from nhi_revoke_gcp.policy import Trust, without
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.stopping import STOPS

from .conftest import BOT, Bench

KIND = "gcp:impersonation"
RUNNER = f"serviceAccount:{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com"
SET = "iam.SetIamPolicy"
OTHER = {"hmac-key", "api-key", "planted-api-key"}
EVERY = {
    "key",
    "second-key",
    "hmac-key",
    "api-key",
    "planted-api-key",
    "impersonation",
    "federation",
    "key-token",
    "become-token",
}


def trusts(bench: Bench) -> dict[str, Access]:
    """By member."""
    return {str(a.before["member"]): a for a in bench.accesses(BOT, KIND).values()}


def cut(bench: Bench, *members: str) -> Step:
    ids = tuple(trusts(bench)[member].id for member in members)
    [step] = [s for s in bench.steps(BOT, brake="off", cut_trust=ids) if s.does == f"{KIND}/cut"]
    return step


def bindings(bench: Bench) -> set[tuple[str, str, str]]:
    """Role, member and condition."""
    policy = bench.account.policy.shown
    return {(b.role, member, b.condition.expression) for b in policy.bindings for member in b.members}


def test_roles_by_which_one_becomes_it_are_listed_and_others_are_not(bench: Bench) -> None:
    found = trusts(bench)
    assert set(found) == {RUNNER, seed.JOBS, seed.JOB, seed.LEAD}
    assert "roles/viewer" in {role for role, _, _ in bindings(bench)}
    assert {a.exposure for m, a in found.items() if m != seed.LEAD} == {"foreign"}
    assert found[seed.LEAD].exposure == "local"
    assert f"only where {seed.CONDITION}" in found[seed.JOB].note


@pytest.mark.parametrize(
    ("member", "exposure", "lets_in", "opens"),
    [
        ("allUsers", "anyone", ("*",), True),
        ("allAuthenticatedUsers", "anyone", ("*",), True),
        ("serviceAccount:ci@shop-prod.iam.gserviceaccount.com", "local",
         ("gcp:sa/ci@shop-prod.iam.gserviceaccount.com",), True),
        ("serviceAccount:shop-prod.svc.id.goog[pay/bot]", "foreign",
         ("gcp:serviceAccount:shop-prod.svc.id.goog[[]pay/bot]",), True),
        ("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/*", "foreign",
         ("gcp:principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/*",), True),
        ("group:team@example.com", "local", ("gcp:group:team@example.com",), True),
        ("user:somebody.7@gmail.com", "foreign", ("gcp:user:somebody.7@gmail.com",), True),
        ("user:Somebody.7@GoogleMail.com", "foreign", ("gcp:user:Somebody.7@GoogleMail.com",), True),
        ("group:ours@googlegroups.com", "foreign", ("gcp:group:ours@googlegroups.com",), True),
        ("user:lead@notgmail.com", "local", ("gcp:user:lead@notgmail.com",), True),
        ("deleted:serviceAccount:ci@shop-prod.iam.gserviceaccount.com?uid=1", "", (), False),
    ],
)  # fmt: skip
def test_each_sort_of_member(bench: Bench, member: str, exposure: str, lets_in: tuple[str, ...], opens: bool) -> None:
    """Facts gcp.md 7, 5: whoever was deleted is not let in, not even made again under the same name."""
    seed.bind(bench.cloud, bench.account, seed.CREATOR, member, bench.sandbox.now())
    found = trusts(bench)[member]
    assert (found.exposure, found.lets_in, found.opens) == (exposure, lets_in, opens)


def own_role(bench: Bench, *permissions: str, role: str = "organizations/1/roles/some") -> None:
    """For `user:a@example.com`, in the account's own policy."""
    bench.cloud.levels.roles[role] = permissions
    seed.bind(bench.cloud, bench.account, role, "user:a@example.com", bench.sandbox.now())


@pytest.mark.parametrize(
    ("permission", "says"),
    [
        ("iam.serviceAccounts.getAccessToken", "gets tokens as it"),
        ("iam.serviceAccountKeys.create", "may make keys for it"),
        ("iam.serviceAccounts.setIamPolicy", "may let anybody become it"),
    ],
)
def test_a_role_of_their_own_is_judged_by_the_permissions_in_it(bench: Bench, permission: str, says: str) -> None:
    own_role(bench, "iam.serviceAccounts.get", permission)
    assert trusts(bench)["user:a@example.com"].note == says


def test_a_role_of_their_own_that_makes_nobody_the_account_is_not_listed(bench: Bench) -> None:
    own_role(bench, "iam.serviceAccounts.get", "iam.serviceAccounts.list")
    assert "user:a@example.com" not in trusts(bench)
    assert not [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def test_a_role_that_may_not_be_read_counts_as_letting_in(bench: Bench) -> None:
    """Facts gcp.md 7, 21: unknown, and never harmless; it can be cut, and the brake ends what it may hide."""
    own_role(bench, "iam.serviceAccounts.list")
    every = {p for kind in bench.provider.kinds() for p in kind.reads}
    bench.sandbox.allow_only(sorted(every - {"iam.roles.get"}))
    listed = trusts(bench)["user:a@example.com"]
    assert (listed.state, listed.opens) == ("live", True)
    assert "whose permissions could not be read: it may become it" in listed.note
    [spot] = [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]
    assert "user:a@example.com may become it by role organizations/1/roles/some" in spot.why
    assert (spot.needs, spot.counts, spot.covered_by) == ("iam.roles.get", True, (STOPS,))


def test_a_role_is_read_once_for_all_kinds(bench: Bench) -> None:
    role = above.BROKER
    own_role(bench, *bench.cloud.levels.roles[role], role=role)
    bench.collect(BOT)
    asked = [c for c in bench.sandbox.calls() if c.name == "GET /v1/projects/<project>/roles/<role>"]
    assert len(asked) == 1


def test_whoever_has_a_role_of_their_own_becomes_it_until_that_is_cut(bench: Bench) -> None:
    """The door that the judgement is about."""
    member = f"serviceAccount:{bench.scene.runner.email}"
    own_role(bench, "iam.serviceAccounts.getAccessToken")
    bench.do(cut(bench, RUNNER))
    assert "impersonation" not in bench.open_doors()
    seed.bind(bench.cloud, bench.account, "organizations/1/roles/some", member, bench.sandbox.now())
    assert "impersonation" in bench.open_doors()
    again = msgspec.structs.replace(cut(bench, RUNNER), id="again")
    bench.do(again)
    assert "impersonation" not in bench.open_doors()


def test_nothing_is_cut_by_itself(bench: Bench) -> None:
    assert not [s for s in bench.steps(BOT) if s.does == f"{KIND}/cut"]


def test_only_the_named_member_is_taken_out_and_conditions_stay(bench: Bench) -> None:
    """Facts gcp.md 7, 6: read and written at version 3, or conditions are lost."""
    before = bindings(bench)
    step = cut(bench, RUNNER)
    assert (step.phase, step.rearms) == (Phase.END, "always")
    change = bench.do(step)
    assert isinstance(change, Done)
    assert before - bindings(bench) == {(seed.CREATOR, RUNNER, "")}
    assert bindings(bench) <= before
    assert bench.account.policy.shown.version == 3
    assert bench.seen(step) == change.left
    assert EVERY - bench.open_doors() == {"impersonation"}, "its tokens live on"
    assert bench.writes() == [SET]


def test_one_step_for_all_that_are_cut(bench: Bench) -> None:
    step = cut(bench, RUNNER, seed.JOB)
    bench.do(step)
    assert bench.writes() == [SET]
    assert bindings(bench) == {
        (seed.USER, seed.LEAD, ""), ("roles/viewer", seed.LEAD, ""), (seed.FEDERATED, seed.JOBS, "")
    }  # fmt: skip


def test_cut_twice_it_is_already_so(bench: Bench) -> None:
    step = cut(bench, RUNNER)
    bench.do(step)
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [SET]


def test_undo_gives_the_same_right_back_and_keeps_what_others_wrote_since(bench: Bench) -> None:
    before = bindings(bench)
    step = cut(bench, RUNNER, seed.JOB)
    bench.do(step)
    bench.sandbox.meddle("edit-policy")
    assert isinstance(bench.undo(step), Done)
    assert bindings(bench) == before | {("roles/viewer", "user:other@example.com", "")}
    titles = {b.condition.title for b in bench.account.policy.shown.bindings if b.condition.expression}
    assert titles == {"until the audit"}
    assert bench.seen(step) is None
    assert isinstance(bench.undo(step), Already)


def test_what_this_run_did_not_cut_is_not_written(bench: Bench) -> None:
    step = cut(bench, RUNNER)
    assert isinstance(bench.undo(step), Failed)
    assert not bench.writes()


def test_somebody_who_writes_in_between_is_read_again_and_not_overwritten(bench: Bench) -> None:
    """Facts gcp.md 7, 6: ABORTED on a stale etag."""
    reads: list[Any] = []

    def edit(policy: Any) -> Any:
        reads.append(policy)
        if len(reads) == 1:
            bench.sandbox.meddle("edit-policy")
        return without(policy, {Trust(seed.CREATOR, RUNNER).text})

    assert rewrite(bench.conn, bench.account.resource, edit)
    assert len(reads) == 2
    assert (seed.CREATOR, RUNNER, "") not in bindings(bench)
    assert ("roles/viewer", "user:other@example.com", "") in bindings(bench)


def test_somebody_who_always_is_faster_is_told(bench: Bench) -> None:
    reads: list[Any] = []

    def edit(policy: Any) -> Any:
        reads.append(policy)
        bench.sandbox.meddle("edit-policy")
        return without(policy, {Trust(seed.CREATOR, RUNNER).text})

    with pytest.raises(Conflict, match="somebody else changed it"):
        rewrite(bench.conn, bench.account.resource, edit)
    assert len(reads) == TRIES


def test_an_answer_that_was_lost_is_no_second_write(bench: Bench) -> None:
    bench.sandbox.fault(SET, "lost", times=1)
    step = cut(bench, RUNNER)
    bench.do(step)
    assert (seed.CREATOR, RUNNER, "") not in bindings(bench)
    assert bench.seen(step)
