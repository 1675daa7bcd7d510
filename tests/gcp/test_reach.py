"""Accounts that an account may become, one through the other (facts gcp.md 1, row 8; 7: 12, 18, 19, 20, 21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.state import Account

from .conftest import BOT, REACH, Bench, world

KIND = "gcp:reach"
LEDGER = f"{above.LEDGER}@{seed.PROJECT}.iam.gserviceaccount.com"
ME = f"serviceAccount:{seed.EMAIL}"
PROJECT = f"projects/{seed.PROJECT}"


def leads(bench: Bench) -> dict[str, Lead]:
    """By e-mail address."""
    return {f.to.id: f for f in bench.collect(BOT, KIND) if isinstance(f, Lead)}


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def account(
    bench: Bench, name: str, *, project: str = seed.PROJECT, lets: str = "", role: str = seed.CREATOR
) -> Account:
    """`lets`: the member that becomes it."""
    made = bench.cloud.new_account(name, project, bench.sandbox.now())
    if lets:
        seed.bind(bench.cloud, made, role, lets, bench.sandbox.now())
    return made


def nothing(bench: Bench) -> None:
    """Nobody in reach, as it is seeded otherwise."""
    ledger = bench.cloud.accounts[LEDGER]
    bench.cloud.write_policy(ledger, type(ledger.policy.shown)(version=1, etag=b"1"), bench.sandbox.now(), 0.0)


def test_an_account_whose_policy_names_it_is_a_lead_with_what_to_type_next(bench: Bench) -> None:
    [lead] = leads(bench).values()
    assert lead.to.id == LEDGER
    assert lead.how == "reach"
    assert lead.why == f"{seed.EMAIL} may make keys for it: {seed.KEY_ADMIN} in its own policy"
    assert lead.next == f"nhi-revoke list gcp:sa/{LEDGER}"
    assert not lead.beyond


def test_one_through_the_other_and_no_circle(bench: Bench) -> None:
    """Facts gcp.md 7, 18: `delegates` may have several hops."""
    first = account(bench, "first-hop", lets=f"serviceAccount:{LEDGER}")
    account(bench, "second-hop", lets=f"serviceAccount:{first.email}")
    seed.bind(bench.cloud, bench.account, seed.CREATOR, f"serviceAccount:{first.email}", bench.sandbox.now())
    found = leads(bench)
    assert set(found) == {LEDGER, *(f"{n}@shop-prod.iam.gserviceaccount.com" for n in ("first-hop", "second-hop"))}
    way = f"by way of {LEDGER}, then {first.email} "
    assert way in found["second-hop@shop-prod.iam.gserviceaccount.com"].why


def test_one_that_is_disabled_is_told_and_leads_no_further(bench: Bench) -> None:
    bench.cloud.accounts[LEDGER].disabled.set(True, bench.sandbox.now(), 0.0)
    account(bench, "behind-it", lets=f"serviceAccount:{LEDGER}")
    [lead] = leads(bench).values()
    assert (lead.to.id, lead.shut) == (LEDGER, "it is disabled")


@pytest.mark.parametrize("role", [above.BROKER, "roles/admin", "roles/iam.securityAdmin"])
@pytest.mark.parametrize("resource", [PROJECT, above.FOLDER, above.ORGANIZATION])
def test_a_right_over_a_level_is_one_over_every_account_below(bench: Bench, resource: str, role: str) -> None:
    account(bench, "another")
    bench.cloud.levels.bind(resource, role, ME, bench.sandbox.now())
    found = leads(bench)
    assert set(found) == {LEDGER, "another@shop-prod.iam.gserviceaccount.com"}
    assert "in the policy of" in found["another@shop-prod.iam.gserviceaccount.com"].why


def test_harmless_roles_and_other_members_are_no_reach(bench: Bench) -> None:
    account(bench, "seen", lets=ME, role="roles/viewer")
    account(bench, "views", lets=ME, role=above.VIEWS)
    account(bench, "theirs", lets=f"serviceAccount:{seed.RUNNER}@{seed.PARTNER}.iam.gserviceaccount.com")
    assert set(leads(bench)) == {LEDGER}


def test_whoever_lets_in_anybody_lets_it_in(bench: Bench) -> None:
    account(bench, "open-house", lets="allAuthenticatedUsers")
    assert "open-house@shop-prod.iam.gserviceaccount.com" in leads(bench)


def test_accounts_of_further_projects_are_looked_at_where_the_settings_name_them(bench: Bench) -> None:
    account(bench, "far", project=seed.PARTNER, lets=ME)
    assert set(leads(bench)) == {LEDGER}
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    assert set(leads(bench)) == {LEDGER, "far@partner-ci.iam.gserviceaccount.com"}


def test_small_pages_hide_nothing(bench: Bench) -> None:
    """Facts gcp.md 7, 12: 20 on a page by default, 100 at most."""
    for number in range(25):
        account(bench, f"many-{number}", lets=ME)
    assert len(leads(bench)) == 26
    bench.sandbox.page_size(1)
    assert len(leads(bench)) == 26


def test_more_than_are_looked_at_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nhi_revoke_gcp.neighbours.MOST", 1)
    assert any("there are more" in s.why and s.counts for s in spots(bench))


@pytest.mark.parametrize(
    ("withheld", "says"),
    [
        ("iam.serviceAccounts.list", "which accounts of project shop-prod it may become: "),
        ("iam.serviceAccounts.getIamPolicy", "policies of 2 of 2"),
        ("resourcemanager.organizations.getIamPolicy", "by the policy of organisation 900000000009"),
        ("resourcemanager.projects.get", "by policies of folders and of the organisation"),
    ],
)
def test_what_may_not_be_read_is_unseen_whatever_the_brake_does(bench: Bench, withheld: str, says: str) -> None:
    """Facts gcp.md 7, 21: what it began on others no brake of its own ends."""
    nothing(bench)
    every = {p for kind in bench.provider.kinds() for p in kind.reads}
    bench.sandbox.allow_only(sorted(every - {withheld}))
    [spot] = [s for s in spots(bench) if s.counts]
    assert says in spot.why
    assert (spot.needs, spot.covered_by) == (withheld, ())


def test_a_role_of_its_own_that_may_not_be_read_is_told(bench: Bench) -> None:
    bench.cloud.levels.bind(PROJECT, above.VIEWS, ME, bench.sandbox.now())
    every = {p for kind in bench.provider.kinds() for p in kind.reads}
    bench.sandbox.allow_only(sorted(every - {"iam.roles.get"}))
    assert [s.needs for s in spots(bench) if above.VIEWS in s.why] == ["iam.roles.get"]


def test_an_api_that_is_off_is_unknown_and_never_none(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.cloud.off.add("cloudresourcemanager")
    told = [s for s in spots(bench) if s.needs.startswith("cloudresourcemanager.googleapis.com")]
    assert len(told) == 2
    assert set(leads(bench)) == {LEDGER}, "what its own policy tells is no matter of that API"


def test_groups_are_said_not_to_be_looked_at(bench: Bench) -> None:
    [said] = [s for s in spots(bench) if not s.counts]
    assert "group:platform@example.com" in said.why


def test_policies_of_a_project_are_read_within_its_quota(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, int]] = []

    def paced(key: str, per_second: float, at_once: int = 1) -> None:
        asked.append((key, per_second, at_once))

    monkeypatch.setattr(bench.io, "pace", paced)
    leads(bench)
    assert asked == [(f"gcp:iam-reads:{seed.PROJECT}", 50.0, 50)] * 2


def test_a_run_makes_the_next_plan_for_them_and_touches_none(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="no"), deliver=False) as whole:
        report = whole.run()
        assert [lead.to.id for lead in report.leads] == [LEDGER]
        assert report.next_plan is not None
        assert report.exit_code == 8
        assert whole.open_doors() == REACH
        assert not [c for c in whole.sandbox.calls() if c.mutates and c.by == "operator" and above.LEDGER in c.target]
        assert not whole.gcp.cloud.accounts[LEDGER].disabled.shown
