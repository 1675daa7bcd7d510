"""Federated credentials, flexible ones too (facts entra.md 8: 2, and 1, row 3)."""

from __future__ import annotations

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.step import Step
from nhi_revoke_entra.sandbox import plant_keys

from .conftest import APP, START, Bench

KIND = "entra:federated-credential"


def removals(bench: Bench) -> list[Step]:
    return [s for s in bench.steps(APP) if s.does == f"{KIND}/remove"]


def test_listed_by_issuer_and_subject(bench: Bench) -> None:
    [found] = bench.accesses(APP, KIND).values()
    assert found.door == f"{plant_keys.FORGE} {plant_keys.SUBJECT}"
    assert found.lets_in == (f"token.actions.githubusercontent.com/{plant_keys.SUBJECT}",)


def test_a_flexible_one_is_read_from_the_beta(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_trust(
            bench.tenant, bench.scene.application, "any", START, expression="claims['sub'] matches 'repo:payments/*'"
        )
    found = bench.accesses(APP, KIND).values()
    assert any("repo:payments/*" in a.label for a in found)
    assert len(found) == 2


def test_an_expression_that_cannot_be_read_is_said(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_trust(bench.tenant, bench.scene.application, "any", START, expression="claims['sub'] eq 'x'")
    bench.sandbox.fault("GET /beta/applications/<one>/federatedIdentityCredentials", "denied", times=9)
    found = bench.collect(APP, KIND)
    assert len([f for f in found if isinstance(f, Access)]) == 2
    assert [f.counts for f in found if isinstance(f, BlindSpot)] == [False]


def test_removed_and_written_again(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_trust(
            bench.tenant, bench.scene.application, "any", START, expression="claims['sub'] matches 'repo:payments/*'"
        )
    steps = removals(bench)
    assert len(steps) == 2
    assert all(s.reversible and s.rearms == "always" for s in steps)
    for step in steps:
        assert bench.seen(step) is None
        assert isinstance(bench.do(step), Done)
        assert bench.seen(step)
        assert isinstance(bench.do(step), Already)
    assert not bench.doors()["federated"]
    assert bench.doors()["client-secret"], "nothing else was ended"
    for step in steps:
        assert isinstance(bench.undo(step), Done)
        assert isinstance(bench.undo(step), Already)
    assert bench.doors()["federated"]
    shown = [t for t in bench.scene.application.trusts.values() if t.there.shown]
    assert {(t.name, t.subject, t.expression) for t in shown} == {
        ("shop-main", plant_keys.SUBJECT, ""),
        ("any", "", "claims['sub'] matches 'repo:payments/*'"),
    }


def test_the_same_trust_under_another_id_is_ended_too(bench: Bench) -> None:
    [step] = removals(bench)
    with bench.tenant.lock:
        plant_keys.add_trust(bench.tenant, bench.scene.application, "again", START, subject=plant_keys.SUBJECT)
    assert isinstance(bench.do(step), Done)
    assert not bench.doors()["federated"]


def test_what_another_run_removed_is_not_written(bench: Bench) -> None:
    [step] = removals(bench)
    bench.do(step)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(step), Failed)


def test_a_rotation_leaves_them(bench: Bench) -> None:
    assert not [s for s in bench.steps(APP, order="rollover") if s.does.startswith(KIND)]
