"""Accounts that let in jobs of a repository by a workload identity pool: `find --repo`, and edges of a plan."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp import trusting
from nhi_revoke_gcp.permissions import GET_POLICY_OF
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.pools import HOST

from .conftest import BOT, Bench

KIND = "gcp:impersonation"
POLICIES = list(GET_POLICY_OF.values())
FORGE = "token.actions.githubusercontent.com"
SHOP = f"{FORGE}/repo:{seed.REPOSITORY}:*"
PROVIDERS = "GET /v1/projects/<project>/locations/global/workloadIdentityPools/<pool>/providers"


def repo(*aliases: str) -> Principal:
    ref = PrincipalRef("github", "repo", seed.REPOSITORY)
    return Principal(ref, "repo", seed.REPOSITORY, "", "1", aliases=aliases or (SHOP,))


def told(bench: Bench, *aliases: str) -> tuple[list[Lead], list[BlindSpot]]:
    found = list(gcp.trusting(bench.conn, repo(*aliases)))
    return [f for f in found if isinstance(f, Lead)], [f for f in found if isinstance(f, BlindSpot)]


def trusts(bench: Bench) -> dict[str, Access]:
    return {str(a.before["member"]): a for a in bench.accesses(BOT, KIND).values()}


def account(bench: Bench, name: str, *members: str, project: str = seed.PROJECT) -> Any:
    made = bench.cloud.new_account(name, project, bench.sandbox.now())
    if project not in bench.cloud.levels.numbers:
        bench.cloud.levels.new_project(project, "1", (above.ORGANIZATION,), bench.sandbox.now())
    for member in members:
        seed.bind(bench.cloud, made, seed.FEDERATED, member, bench.sandbox.now())
    return made


def test_a_trust_tells_whom_its_pool_lets_in(bench: Bench) -> None:
    found = trusts(bench)
    assert f"{FORGE}/repo:{seed.REPOSITORY}:*" in found[seed.JOBS].lets_in
    assert f"gcp:{seed.JOBS}" in found[seed.JOBS].lets_in, "and by Google's own name"
    assert found[seed.JOB].lets_in[1:] == (f"{FORGE}/{seed.BRANCH}",)
    assert f"provider github lets in {seed.BRANCH} of {FORGE}" in found[seed.JOB].note
    assert found[seed.LEAD].lets_in == (f"gcp:{seed.LEAD}",)


def test_the_pool_is_read_once(bench: Bench) -> None:
    bench.collect(BOT, KIND)
    bench.collect(BOT, KIND)
    asked = [c for c in bench.sandbox.calls() if c.name == PROVIDERS]
    assert len(asked) == 1


def test_one_row_in_a_page_tells_the_same(bench: Bench) -> None:
    pool = bench.cloud.pools.by_name[seed.POOL]
    other = {"oidc": {"issuerUri": "https://gitlab.example.com"}}
    bench.cloud.pools.add_provider(pool, "gitlab", bench.sandbox.now(), other, {"google.subject": "assertion.sub"}, "")
    bench.sandbox.page_size(1)
    assert f"gitlab.example.com/{seed.BRANCH}" in trusts(bench)[seed.JOB].lets_in


def test_a_pool_that_cannot_be_read_is_unseen_and_its_trust_is_listed(bench: Bench) -> None:
    """Facts gcp.md 7, 21: everybody may mint then."""
    bench.sandbox.allow_only(["iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy"])
    found = bench.collect(BOT, KIND)
    spots = [f for f in found if isinstance(f, BlindSpot)]
    assert {s.kind for s in spots} == {KIND}
    assert all(s.counts for s in spots)
    assert {s.needs for s in spots} <= {"iam.workloadIdentityPools.get", "iam.workloadIdentityPoolProviders.list"}
    listed = {str(f.before["member"]): f for f in found if isinstance(f, Access)}
    assert "was not seen" in listed[seed.JOB].note


@pytest.mark.parametrize(
    ("state", "says"), [("disabled", "the pool is disabled"), ("deleted", "the pool is deleted"), ("gone", "is gone")]
)
def test_a_pool_that_does_not_work_says_so_and_lets_in_the_same_again(bench: Bench, state: str, says: str) -> None:
    """Facts gcp.md 2: what was deleted can be undeleted for 30 days, and its tokens work again."""
    pool, now = bench.cloud.pools.by_name[seed.POOL], bench.sandbox.now()
    if state == "disabled":
        pool.disabled.set(True, now, 0)
    elif state == "deleted":
        pool.deleted = now
    else:
        del bench.cloud.pools.by_name[seed.POOL]
    trust = trusts(bench)[seed.JOB]
    assert says in trust.note
    assert ("until 2026-12-28" in trust.note) == (state == "deleted")
    assert (f"{FORGE}/{seed.BRANCH}" in trust.lets_in) == (state != "gone")
    assert "federation" not in bench.open_doors()


def test_pods_of_a_cluster_are_told_without_a_pool_to_read(bench: Bench) -> None:
    pods = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/shop.svc.id.goog"
    account(bench, "pods", f"{pods}/subject/ns/pay/sa/bot")
    [trust] = bench.accesses(f"gcp:sa/pods@{seed.PROJECT}.iam.gserviceaccount.com", KIND).values()
    assert "GKE" in trust.note


def test_accounts_of_every_project_are_found_and_others_are_not(bench: Bench) -> None:
    account(bench, "owner-wide", f"principalSet://{HOST}/{seed.POOL}/*")
    account(bench, "elsewhere", seed.JOB, project="other-shop")
    account(bench, "foreign", f"principalSet://{HOST}/{seed.POOL}/attribute.repository/acme/other")
    leads, blind = told(bench)
    assert {lead.to.id.partition("@")[0] for lead in leads} == {"payments", "owner-wide", "elsewhere"}
    [mine] = [lead for lead in leads if lead.to.id == seed.EMAIL]
    assert mine.next == f"nhi-revoke list gcp:sa/{seed.EMAIL}"
    assert f"only where {seed.CONDITION}" in mine.why
    assert not blind
    assert not bench.writes()


def test_letters_case_leaves_nobody_out(bench: Bench) -> None:
    leads, _ = told(bench, f"{FORGE}/repo:Example-Payments/Shop:*")
    assert [lead.to.id for lead in leads] == [seed.EMAIL]


def test_projects_that_the_settings_name_are_looked_through_alone(bench: Bench) -> None:
    account(bench, "elsewhere", seed.JOB, project="other-shop")
    bench.conn = bench.connect(projects=("other-shop",))
    leads, _ = told(bench)
    assert [lead.to.id.partition("@")[0] for lead in leads] == ["elsewhere"]
    assert "GET /v3/projects:search" not in {c.name for c in bench.sandbox.calls()}


def test_more_projects_than_are_looked_through_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trusting, "MOST", 1)
    bench.sandbox.page_size(1)
    _, blind = told(bench)
    assert any("more projects than 200" in spot.why or "more projects than 1" in spot.why for spot in blind)


def test_what_is_denied_is_never_none(bench: Bench) -> None:
    bench.sandbox.allow_only([])
    with pytest.raises(Denied):
        told(bench)
    levels, roles = POLICIES, ["iam.roles.get"]
    bench.sandbox.allow_only(["resourcemanager.projects.get", *levels, *roles])
    leads, blind = told(bench)
    assert not leads
    assert [s.needs for s in blind] == ["iam.serviceAccounts.list"] * 3
    bench.sandbox.allow_only(["resourcemanager.projects.get", *levels, *roles, "iam.serviceAccounts.list"])
    leads, blind = told(bench)
    assert not leads
    assert {s.needs for s in blind} == {"iam.serviceAccounts.getIamPolicy"}
    bench.sandbox.allow_only(
        [
            "resourcemanager.projects.get", *levels, *roles, "iam.serviceAccounts.list",
            "iam.serviceAccounts.getIamPolicy",
        ]
    )  # fmt: skip
    leads, blind = told(bench)
    assert not leads
    assert any(seed.JOB in spot.why and seed.EMAIL in spot.why for spot in blind)


def test_a_disabled_account_is_told_as_disabled(bench: Bench) -> None:
    bench.account.disabled.set(True, bench.sandbox.now(), 0)
    leads, _ = told(bench)
    assert leads[0].why.endswith("; the account is disabled now")


# -- policies of projects, folders and the organisation ------------------------------------------------------------

LEVELS = {
    "project": (f"projects/{seed.PROJECT}", f"gcloud projects remove-iam-policy-binding {seed.PROJECT}"),
    "folder": (above.FOLDER, "gcloud resource-manager folders remove-iam-policy-binding 700000000007"),
    "organisation": (above.ORGANIZATION, "gcloud organizations remove-iam-policy-binding 900000000009"),
}
WORKLOAD = f"gcp:workload/{seed.JOBS}"


@pytest.mark.parametrize("words", list(LEVELS))
def test_a_workload_that_a_level_lets_become_every_account_below_is_found(bench: Bench, words: str) -> None:
    resource, removes = LEVELS[words]
    bench.cloud.levels.bind(resource, seed.CREATOR, seed.JOBS, bench.sandbox.now())
    leads, blind = told(bench)
    assert not blind
    by = {lead.to.id: lead for lead in leads}
    below = {a.email for a in bench.cloud.accounts.values() if words == "organisation" or a.project == seed.PROJECT}
    assert set(by) == below | {seed.JOBS}
    right = f"{seed.CREATOR} of {words} {resource.partition('/')[2]} (of every account below: gets tokens as it)"
    assert f"provider github lets in repository is {seed.REPOSITORY}" in by[seed.JOBS].why
    assert f"as {seed.JOBS}: {right}. By hand: {removes}" in by[seed.JOBS].why
    assert f"--member={seed.JOBS} --role={seed.CREATOR}" in by[seed.JOBS].why
    assert by[seed.JOBS].next == f"nhi-revoke list {WORKLOAD}"
    ledger = by[f"{above.LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"]
    assert ledger.why.endswith(f"as {seed.JOBS}: {right}")
    assert ledger.next == f"nhi-revoke list {ledger.to}"
    assert not bench.writes()


def test_a_right_that_makes_it_no_account_is_the_workloads_own(bench: Bench) -> None:
    """Direct access to resources: no account is in it."""
    bench.cloud.levels.bind(above.FOLDER, "roles/storage.admin", seed.JOBS, bench.sandbox.now(), seed.CONDITION)
    leads, blind = told(bench)
    assert not blind
    assert {lead.to.id for lead in leads} == {seed.EMAIL, seed.JOBS}
    [own] = [lead for lead in leads if lead.to.id == seed.JOBS]
    assert f"roles/storage.admin of folder 700000000007; only where {seed.CONDITION}" in own.why
    assert own.why.endswith("--role=roles/storage.admin --all"), "gcloud takes a binding with a condition no other way"


def test_who_is_not_let_in_by_the_pool_has_no_part_in_it(bench: Bench) -> None:
    other = f"principalSet://{HOST}/{seed.POOL}/attribute.repository/acme/other"
    bench.cloud.levels.bind(above.FOLDER, seed.CREATOR, other, bench.sandbox.now())
    bench.cloud.levels.bind(above.FOLDER, seed.CREATOR, f"deleted:{seed.JOBS}?uid=1", bench.sandbox.now())
    leads, blind = told(bench)
    assert ([lead.to.id for lead in leads], blind) == ([seed.EMAIL], [])


def test_each_level_is_asked_once_however_many_accounts_there_are(bench: Bench) -> None:
    """Two requests for a project, one for a folder, the organisation and a role of their own."""
    for number in range(5):
        account(bench, f"more-{number}")
    bench.cloud.levels.bind(above.FOLDER, above.BROKER, seed.JOBS, bench.sandbox.now())
    told(bench)
    names = Counter(c.name for c in bench.sandbox.calls() if c.by == "operator")
    assert {name: names[name] for name in names if ":getAncestry" in name or ":getIamPolicy" in name} == {
        "POST /v1/projects/<project>:getAncestry": 3,
        "POST /v3/projects/<name>:getIamPolicy": 3,
        "POST /v3/folders/<name>:getIamPolicy": 1,
        "POST /v3/organizations/<name>:getIamPolicy": 1,
    }
    assert names["GET /v1/projects/<project>/roles/<role>"] == 1


@pytest.mark.parametrize(
    ("denied", "says"),
    [
        ("resourcemanager.folders.getIamPolicy", "the policy of folder 700000000007"),
        ("resourcemanager.organizations.getIamPolicy", "the policy of organisation 900000000009"),
        ("resourcemanager.projects.getIamPolicy", f"the policy of project {seed.PROJECT}"),
    ],
)
def test_a_level_that_may_not_be_read_is_unseen_and_the_others_are_read(bench: Bench, denied: str, says: str) -> None:
    """Facts gcp.md 7, 21."""
    for resource, _ in LEVELS.values():
        bench.cloud.levels.bind(resource, "roles/storage.admin", seed.JOBS, bench.sandbox.now())
    bench.sandbox.allow_only(sorted({*trusting.FINDS} - {denied}))
    leads, blind = told(bench)
    assert {spot.needs for spot in blind} == {denied}
    assert all(spot.counts for spot in blind)
    assert any(f"workloads of pools that {says} gives rights to" in spot.why for spot in blind)
    assert len([lead for lead in leads if lead.to.id == seed.JOBS]) == 2


def test_levels_of_a_project_that_are_not_told_are_unseen(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.sandbox.fault("POST /v1/projects/<project>:getAncestry", "denied", times=3)
    _, blind = told(bench)
    assert [s.why.partition(" gives")[0] for s in blind] == [
        f"workloads of pools that policies of folders and of the organisation above project {project}"
        for project in (seed.PROJECT, seed.PARTNER, seed.SECURITY)
    ]


def test_a_role_that_may_not_be_read_counts_as_letting_become(bench: Bench) -> None:
    bench.cloud.levels.bind(above.FOLDER, above.VIEWS, seed.JOBS, bench.sandbox.now())
    bench.sandbox.allow_only(sorted({*trusting.FINDS} - {"iam.roles.get"}))
    leads, _ = told(bench)
    [ledger] = [lead for lead in leads if lead.to.id.startswith(above.LEDGER)]
    assert "whose permissions could not be read: it may become it" in ledger.why
