"""Directory roles of groups, and those that may be activated (facts entra.md 1, row 11)."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Done
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke_entra.access.stopping import STOPS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.plant_user import LOGIN

from .conftest import APP, START, Bench, Whole

KIND = "entra:directory-role"
USER = f"entra:user/{LOGIN}"
ADMIN = "Privileged Role Administrator"
OF_APP = "GET /v1.0/servicePrincipals/<one>/transitiveMemberOf"
ELIGIBLE = "GET /v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
ASSIGNMENTS = "GET /v1.0/roleManagement/directory/roleAssignments"
READ = ("Application.Read.All", "Directory.Read.All", "RoleManagement.Read.Directory", "User.Read.All")


def object_of(bench: Bench, name: str) -> str:
    return bench.principal.id if name == APP else bench.scene.users[0].id


def roles(bench: Bench, name: str = APP) -> dict[str, Access]:
    """By what is said of them."""
    return {a.label: a for a in bench.accesses(name, KIND).values()}


def spots(bench: Bench, name: str = APP) -> list[BlindSpot]:
    return [f for f in bench.collect(name, KIND) if isinstance(f, BlindSpot)]


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("name", [APP, USER])
def test_of_a_group_however_deep_it_is_told_and_left(bench: Bench, name: str, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.tenant.lock:
        inner = seed.add_group(bench.tenant, "Bots", object_of(bench, name))
        outer = seed.add_group(bench.tenant, "Operations", inner)
        seed.add_group(bench.tenant, "Nothing", object_of(bench, name))
        others = seed.add_group(bench.tenant, "Others", bench.tenant.new_id())
        held = seed.add_role_of(bench.tenant, outer, ADMIN, START)
        seed.add_role_of(bench.tenant, others, "Global Administrator", START)
    mine = {label: a for label, a in roles(bench, name).items() if "through group" in label}
    assert set(mine) == {f"directory role {ADMIN}, through group Operations"}
    [access] = mine.values()
    assert access.before["group"] == outer
    assert "by hand" in access.note
    assert not access.opens
    assert not [label for label in roles(bench, name) if "Global" in label], "it is in no such group"
    steps = [s for s in bench.steps(name) if s.does == f"{KIND}/remove"]
    assert steps, "its own is taken away"
    assert access.id not in {e for s in steps for e in s.ends}
    for step in steps:
        assert isinstance(bench.do(step), Done)
    assert held.there.shown, "nothing of the group was changed"
    assert bench.tenant.groups[inner] == {object_of(bench, name)}
    assert spots(bench, name) == []


@pytest.mark.parametrize("name", [APP, USER])
def test_what_may_be_activated_is_told_and_left(bench: Bench, name: str) -> None:
    with bench.tenant.lock:
        group = seed.add_group(bench.tenant, "Bots", object_of(bench, name))
        seed.add_role_of(bench.tenant, object_of(bench, name), ADMIN, START, eligible=True)
        seed.add_role_of(bench.tenant, group, "Exchange Administrator", START, eligible=True)
    mine = {label: a for label, a in roles(bench, name).items() if label.startswith("may activate")}
    assert set(mine) == {
        f"may activate directory role {ADMIN}",
        "may activate directory role Exchange Administrator, through group Bots",
    }
    assert all("/eligible/" in a.id and a.before["eligible"] and "by hand" in a.note for a in mine.values())
    assert not {a.id for a in mine.values()} & {e for s in bench.steps(name) for e in s.ends}


def test_groups_whose_names_may_not_be_read_are_told_by_id(bench: Bench) -> None:
    """Graph tells members of a sort that the caller may not read by their id alone."""
    with bench.tenant.lock:
        group = seed.add_group(bench.tenant, "Bots", bench.principal.id)
        seed.add_role_of(bench.tenant, group, ADMIN, START)
    bench.sandbox.allow_only(READ)
    assert f"directory role {ADMIN}, through group {group}" in roles(bench)


@pytest.mark.parametrize("fault", ["denied", "500"])
@pytest.mark.parametrize(
    ("call", "after", "what"),
    [(OF_APP, 0, "through groups"), (ASSIGNMENTS, 1, "through groups"), (ELIGIBLE, 0, "may activate (PIM)")],
)
def test_a_look_that_fails_is_unseen_and_hides_no_other(
    bench: Bench, call: str, after: int, what: str, fault: FaultName
) -> None:
    with bench.tenant.lock:
        group = seed.add_group(bench.tenant, "Bots", bench.principal.id)
        seed.add_role_of(bench.tenant, group, ADMIN, START)
    bench.sandbox.fault(call, fault, times=20, after=after)
    found = bench.collect(APP, KIND)
    [spot] = [f for f in found if isinstance(f, BlindSpot)]
    assert what in spot.why
    assert ("not allowed" if fault == "denied" else "could not be read") in spot.why
    assert spot.counts
    assert spot.covered_by == STOPS
    if fault == "denied":
        assert spot.needs in READ
    own = [f for f in found if isinstance(f, Access) and "through" not in f.label]
    assert len(own) == 2


def test_its_own_that_cannot_be_listed_are_a_denial(bench: Bench) -> None:
    bench.sandbox.allow_only(["Application.Read.All"])
    with pytest.raises(Denied):
        bench.accesses(APP, KIND)


def test_without_a_licence_what_may_be_activated_is_unseen(bench: Bench) -> None:
    bench.tenant.pim = False
    [spot] = spots(bench)
    assert "no licence for it (AadPremiumLicenseRequired)" in spot.why
    assert "P2" in spot.needs
    assert spot.counts


def test_a_principal_in_no_group_with_nothing_to_activate_leaves_nothing_unseen(bench: Bench) -> None:
    assert spots(bench) == []
    assert spots(bench, USER) == []


def test_a_contained_app_keeps_its_groups_and_the_report_says_so(whole: Whole) -> None:
    tenant = whole.entra.tenant
    with tenant.lock:
        group = seed.add_group(tenant, "Operations", whole.entra.scene.principal.id)
        role = seed.add_role_of(tenant, group, ADMIN, whole.entra.now())
    report = whole.run(whole.plan(Intent(rotate="now")))
    kept = whole.outcome(report, f"{KIND}/{whole.entra.scene.principal.id}/{role.id}")
    assert kept.fate == "kept"
    assert "by hand" in kept.how
    assert role.there.shown
    assert tenant.groups[group] == {whole.entra.scene.principal.id}
