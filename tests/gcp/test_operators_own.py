"""What the operator itself works by is never cut, and another's right beside it is (facts gcp.md 7, 10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.kind import View
from nhi_revoke_gcp.policy import Trust
from nhi_revoke_gcp.sandbox import seed

from .conftest import BOT, Bench, world

OWN, ABOVE = "gcp:impersonation", "gcp:inherited-impersonation"
PROJECT = f"projects/{seed.PROJECT}"
RESPONDER = f"{seed.RESPONDER}@{seed.SECURITY}.iam.gserviceaccount.com"
ME = "me@example.com"
USER = PrincipalRef("gcp", "operator", ME)
NAMELESS = PrincipalRef("gcp", "operator", "not-named")
BECAME = PrincipalRef("gcp", "sa", RESPONDER)
POOL = PrincipalRef("gcp", "pool", seed.POOL)
RUNNER = f"serviceAccount:{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com"


def drafted(bench: Bench, kind: str, operator: tuple[PrincipalRef, ...], *members: str) -> tuple[list[str], list[str]]:
    """Each has the right and is to be cut: who is, and what is said about others."""
    for member in members:
        if kind == OWN:
            seed.bind(bench.cloud, bench.account, seed.CREATOR, member, bench.sandbox.now())
        else:
            bench.cloud.levels.bind(PROJECT, seed.CREATOR, member, bench.sandbox.now())
    view: View = bench.view(BOT, operator=operator)
    ids = tuple(a.id for a in view.of(kind) if a.before["member"] in members and a.before["role"] == seed.CREATOR)
    assert len(ids) == len(members)
    found = list(bench.kinds[kind].draft(view, Intent(cut_trust=ids)))
    cut = [each["member"] for step in found if isinstance(step, Step) for each in step.before["cut"]]
    own = [n.says for n in found if isinstance(n, Notice) and "the operator works" in n.says]
    return sorted(cut), own


@pytest.mark.parametrize("kind", [OWN, ABOVE])
@pytest.mark.parametrize(
    ("operator", "member"),
    [
        ((USER,), f"user:{ME}"),
        ((USER,), f"user:{ME.upper()}"),
        ((BECAME, USER), f"serviceAccount:{RESPONDER}"),
        ((BECAME, USER), f"user:{ME}"),
    ],
)
def test_the_operator_and_whom_it_works_through_are_left(
    bench: Bench, kind: str, operator: tuple[PrincipalRef, ...], member: str
) -> None:
    other = "user:other@example.com"
    cut, said = drafted(bench, kind, operator, member, other)
    assert cut == [other]
    [left] = said
    assert left.startswith(f"not taken out: {member} as ")
    assert left.endswith("is how the operator works here. Somebody else must do it")


@pytest.mark.parametrize("kind", [OWN, ABOVE])
def test_a_group_that_the_operator_may_be_in_is_cut_and_said(bench: Bench, kind: str) -> None:
    cut, said = drafted(bench, kind, (BECAME,), "group:all@example.com", "user:other@example.com")
    assert cut == ["group:all@example.com", "user:other@example.com"]
    [told] = said
    assert told.startswith("whether the operator works here by group:all@example.com as ")
    assert "nobody can tell" in told


@pytest.mark.parametrize("kind", [OWN, ABOVE])
def test_an_operator_that_tells_no_name_may_be_any_user(bench: Bench, kind: str) -> None:
    """A login of gcloud may hold no address."""
    cut, said = drafted(bench, kind, (NAMELESS,), "user:other@example.com", RUNNER.replace("ci-", "other-"))
    assert len(cut) == 2
    assert len(said) == 1
    assert "user:other@example.com" in said[0]


@pytest.mark.parametrize(("operator", "left"), [((NAMELESS, POOL), True), ((BECAME, POOL), False)])
def test_members_of_the_pool_that_the_operator_came_in_by(
    bench: Bench, operator: tuple[PrincipalRef, ...], left: bool
) -> None:
    """With the pool's own token it is one of them, and which one its credentials do not tell; with an account's token
    it is that account.
    """
    other = seed.JOB.replace("/ci/", "/another/")
    cut, said = drafted(bench, OWN, operator, seed.JOB, other)
    assert cut == sorted([other] if left else [seed.JOB, other])
    assert ["may be how the operator works here" in each for each in said] == [True] * left


@pytest.mark.parametrize("kind", [OWN, ABOVE])
def test_in_a_run_the_operators_right_stays_and_the_others_goes(tmp_path: Path, kind: str) -> None:
    mine = Trust(seed.CREATOR, f"serviceAccount:{RESPONDER}")
    other = Trust(seed.CREATOR, "user:other@example.com")
    where = f"{PROJECT}/" if kind == ABOVE else ""
    ids = tuple(f"{kind}/{seed.EMAIL}/{where}{trust.hash}" for trust in (mine, other))
    with world(tmp_path, intent=Intent(rotate="no", cut_trust=ids), deliver=False) as whole:
        cloud, account, now = whole.gcp.cloud, whole.gcp.scene.account, whole.clock.now()
        for trust in (mine, other):
            if kind == OWN:
                seed.bind(cloud, account, trust.role, trust.member, now)
            else:
                cloud.levels.bind(PROJECT, trust.role, trust.member, now)
        report = whole.run()
        policy = (account.policy if kind == OWN else cloud.levels.policies[PROJECT]).shown
        members = {member for b in policy.bindings for member in b.members}
        assert mine.member in members
        assert other.member not in members
        assert {o.access.id: o.fate for o in report.outcomes if o.access.id in ids}[ids[1]] == "ended"
        assert any("is how the operator works here" in notice.says for notice in report.notices)
