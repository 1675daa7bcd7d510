"""Workloads of a pool as principals: names, who confirms them, the operator's own pool, accounts they may become."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.auth import identity_pool

from nhi_revoke.config import load_config
from nhi_revoke.engine.guard import is_operator
from nhi_revoke.engine.resolve import resolve
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke.provider.registry import Registry
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.credentials import Operator
from nhi_revoke_gcp.hierarchy import words_of
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.pools import HOST
from nhi_revoke_gcp.workloads import workload_of

from .conftest import Bench, world

JOBS, JOB = f"gcp:workload/{seed.JOBS}", f"gcp:workload/{seed.JOB}"
POOL = f"gcp:pool/{seed.POOL}"
USE = "gcp:workload-use"


@pytest.mark.parametrize(
    "typed",
    [
        f"workload/{seed.JOB}",
        seed.JOB,
        f"workload/{seed.JOB.removeprefix('principal:')}",
        f"workload/{seed.JOB.removeprefix('principal://')}",
        f"workload/{seed.POOL}/subject/{seed.BRANCH}",
    ],
)
def test_a_workload_is_named_with_its_scheme_or_without(bench: Bench, typed: str) -> None:
    ref = gcp.parse(typed)
    assert ref is not None
    assert (ref.kind, str(ref)) == ("workload", f"gcp:workload/{typed.removeprefix('workload/')}")
    assert gcp.scope_of(ref, None) == seed.NUMBER
    assert str(gcp.resolve(bench.conn, ref).ref) == JOB


@pytest.mark.parametrize(
    "typed",
    [
        "workload/", "workload/x", f"workload/{seed.POOL}", "workload/principal://iam.googleapis.com/projects/1",
        "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/x",
        f"principal://example.com/{seed.POOL}/subject/x",
    ],
)  # fmt: skip
def test_what_names_no_member_of_a_pool_is_not_taken(typed: str) -> None:
    assert gcp.parse(typed) is None


def test_bare_with_its_scheme_it_says_by_itself_whose_it_is() -> None:
    assert gcp.native(seed.JOB)
    assert gcp.native(seed.JOBS)
    assert not gcp.native(f"{seed.POOL}/subject/x")
    assert [str(ref) for ref in Registry(only=("gcp",)).refs(seed.JOB)] == [JOB]


def test_a_set_has_the_other_scheme_whatever_was_typed() -> None:
    found = workload_of(f"{seed.POOL}/attribute.repository/{seed.REPOSITORY}")
    assert found is not None
    assert found.member == seed.JOBS


def test_a_pool_that_is_not_there_or_not_to_be_read(bench: Bench) -> None:
    other = seed.JOB.replace("/ci/", "/other/")
    with pytest.raises(Missing, match="no such pool"):
        bench.resolve(f"gcp:workload/{other}")
    bench.sandbox.allow_only([])
    elsewhere = bench.connect()
    with pytest.raises(Denied, match="its pool could not be read"):
        gcp.resolve(elsewhere, PrincipalRef.parse(JOB))


def test_a_project_by_its_id_is_the_same_workload(bench: Bench) -> None:
    """Policies name it by number, whatever was typed."""
    pools = bench.cloud.pools
    by_id = seed.POOL.replace(seed.NUMBER, seed.PROJECT)
    pools.by_name[by_id] = pools.by_name[seed.POOL]
    assert str(bench.resolve(JOB.replace(seed.NUMBER, seed.PROJECT)).ref) == JOB


def test_pods_of_a_cluster_are_left_alone(bench: Bench) -> None:
    pods = seed.JOB.replace("/ci/", "/shop-prod.svc.id.goog/")
    who = bench.resolve(f"gcp:workload/{pods}")
    assert who.untouchable is not None
    assert "GKE" in who.untouchable
    assert not bench.accesses(f"gcp:workload/{pods}", "gcp:workload-identity-pool")


@pytest.mark.parametrize("through", ["", seed.EMAIL])
def test_whoever_came_in_by_the_pool_is_the_operator(bench: Bench, through: str) -> None:
    """Facts gcp.md 7, 10 and 17: the pool's end would lock it out, whichever subject it is."""
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{through}:generateAccessToken"
    job = identity_pool.Credentials.from_info(
        {
            "type": "external_account",
            "audience": f"//{HOST}/{seed.POOL}/providers/{seed.FORGE}",
            "credential_source": {"file": "not-looked-at"},
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            **({"service_account_impersonation_url": url} if through else {}),
        }
    )
    chain = [str(ref) for ref in Operator(job, "googleapis.com").chain()]
    assert POOL in chain
    assert (f"gcp:sa/{seed.EMAIL}" in chain) == bool(through)
    for text in (JOB, JOBS, f"gcp:workload/principalSet://{HOST}/{seed.POOL}/*"):
        assert is_operator(bench.resolve(text), chain)
    assert not is_operator(bench.resolve(f"gcp:sa/{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com"), chain)


def uses(bench: Bench, text: str) -> tuple[dict[str, str], Access, list[BlindSpot]]:
    """Why, by account; the summary; what was not looked at."""
    found = bench.collect(text, USE)
    [summary] = [f for f in found if isinstance(f, Access) and "others" in f.before]
    leads = {f.to.id.partition("@")[0]: f.why for f in found if isinstance(f, Lead)}
    return leads, summary, [f for f in found if isinstance(f, BlindSpot)]


def test_accounts_that_it_may_become(bench: Bench) -> None:
    now = bench.sandbox.now()
    for name, member in (
        ("all", f"principalSet://{HOST}/{seed.POOL}/*"),
        ("same-branch", f"principalSet://{HOST}/{seed.POOL}/attribute.ref/refs/heads/main"),
        ("other-repo", f"principalSet://{HOST}/{seed.POOL}/attribute.repository/example-payments/other"),
        ("other-subject", f"principal://{HOST}/{seed.POOL}/subject/repo:example-payments/shop:ref:refs/heads/dev"),
        ("other-pool", seed.JOB.replace("/ci/", "/other/")),
    ):
        seed.bind(bench.cloud, bench.cloud.new_account(name, seed.PROJECT, now), seed.FEDERATED, member, now)
    leads, summary, blind = uses(bench, JOB)
    assert set(leads) == {"payments", "all", "same-branch"}
    assert leads["all"].startswith("it gets tokens as it")
    assert leads["same-branch"].startswith("it may be one that gets tokens as it")
    assert len(summary.before["others"]) == 5, "those of the account itself, and of the other accounts"
    assert not summary.opens
    assert not blind
    leads, _, _ = uses(bench, JOBS)
    assert set(leads) == {"payments", "all", "same-branch", "other-subject"}


def test_policies_that_cannot_be_read_are_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only(
        ["iam.workloadIdentityPools.get", "iam.workloadIdentityPoolProviders.list", "resourcemanager.projects.get"]
    )
    leads, summary, blind = uses(bench, JOB)
    assert not leads
    assert "0 at least" in summary.label
    assert "iam.serviceAccounts.list" in {spot.needs for spot in blind}
    bench.sandbox.allow_only(["iam.workloadIdentityPools.get", "iam.workloadIdentityPoolProviders.list"])
    found = bench.collect(JOB, USE)
    assert {f.needs for f in found if isinstance(f, BlindSpot)} == {"resourcemanager.projects.get"}
    assert not [f for f in found if not isinstance(f, BlindSpot)], "nothing seen is no summary"


@pytest.mark.parametrize("resource", [f"projects/{seed.PROJECT}", above.FOLDER, above.ORGANIZATION])
def test_what_a_level_gives_it_is_told_with_what_to_type(bench: Bench, resource: str) -> None:
    now, levels = bench.sandbox.now(), bench.cloud.levels
    levels.bind(resource, seed.CREATOR, seed.JOB, now)
    levels.bind(resource, "roles/storage.admin", f"principalSet://{HOST}/{seed.POOL}/*", now)
    levels.bind(resource, "roles/storage.admin", f"principalSet://{HOST}/{seed.POOL}/attribute.repository/a/b", now)
    found = bench.collect(JOB, USE)
    rights = {f.label: f for f in found if isinstance(f, Access) and "others" not in f.before}
    words = words_of(resource)
    assert set(rights) == {f"{seed.CREATOR} of {words}", f"roles/storage.admin of {words}"}
    assert {(f.family, f.opens, f.state) for f in rights.values()} == {("grant", False, "live")}
    own = rights[f"roles/storage.admin of {words}"]
    assert f"it has roles/storage.admin of {words} (principalSet://{HOST}/{seed.POOL}/*)" in own.note
    assert f"remove-iam-policy-binding {resource.partition('/')[2]} '--member=principalSet" in own.note
    leads = {f.to.id: f for f in found if isinstance(f, Lead)}
    ledger = leads[f"{above.LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"]
    assert ledger.why.startswith(f"it gets tokens as it ({seed.JOB}: {seed.CREATOR} of {words}")
    assert ledger.next == f"nhi-revoke list {ledger.to}"
    assert (f"{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com" in leads) == (resource == above.ORGANIZATION)
    [summary] = [f for f in found if isinstance(f, Access) and "others" in f.before]
    assert len(summary.before["others"]) == 3, "the set of the account's own policy, and those of the level"
    assert not [f for f in found if isinstance(f, BlindSpot)]


def test_a_job_becomes_an_account_by_a_level_alone(bench: Bench) -> None:
    """The door that is told."""
    account, policy = bench.account, bench.account.policy.shown
    bench.cloud.write_policy(account, type(policy)(), bench.sandbox.now(), 0.0)
    assert "federation" not in bench.open_doors()
    bench.cloud.levels.bind(above.FOLDER, seed.CREATOR, seed.JOBS, bench.sandbox.now())
    assert "federation" in bench.open_doors()


def test_a_level_that_may_not_be_read_is_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only(sorted({*bench.kinds[USE].reads} - {"resourcemanager.folders.getIamPolicy"}))
    _, summary, blind = uses(bench, JOB)
    [spot] = blind
    assert (spot.needs, spot.counts) == ("resourcemanager.folders.getIamPolicy", True)
    assert "folder 700000000007" in spot.why
    assert "at least" in summary.label


def test_a_map_may_name_it_bare(tmp_path: Path) -> None:
    """A `:` stands in it before its first `/`, and yet no provider of that name is meant."""
    with world(tmp_path, workload=True, deliver=False) as whole:
        config = whole.folder / "bare.toml"
        config.write_text(f'[identity.jobs]\nprincipals = ["{seed.JOB}"]\n')
        known = load_config(str(config), {}, tmp_path, providers=whole.registry.known())
        identity = resolve(["jobs"], known, whole.registry)
    assert [str(ref) for ref in identity.principals] == [JOB]
