"""Workloads that the account is attached to, and what stops their tokens (facts gcp.md 1, row 12; 7: 4, 20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp.sandbox import scene_above as above
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.compute import Machine, RunService
from nhi_revoke_gcp.stopping import STOPS

from .conftest import BOT, MACHINE, Bench, world

KIND = "gcp:attached"
LISTS = ("compute.instances.list", "run.services.list", "run.jobs.list", "run.workerpools.list")
WORDS = ("virtual machines", "Cloud Run services", "Cloud Run jobs", "Cloud Run worker pools")


def found(bench: Bench, text: str = BOT) -> dict[str, Access]:
    """By what follows the account in its id."""
    return {a.id.split("/", 2)[2]: a for a in bench.accesses(text, KIND).values()}


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def test_its_own_workloads_are_listed_and_nobody_elses(bench: Bench) -> None:
    seen = found(bench)
    assert {name: a.state for name, a in seen.items()} == {
        "virtual-machine/shop-prod/europe-west1-b/payments-worker-1": "live",
        "virtual-machine/shop-prod/europe-west1-b/payments-old": "disabled",
        "cloud-run-service/shop-prod/europe-west1/payments-api": "live",
        "cloud-run-job/shop-prod/europe-west1/payments-nightly": "live",
        "cloud-run-worker-pool/shop-prod/europe-west1/payments-queue": "live",
    }
    assert all("no end of a key reaches it" in a.note for a in seen.values())
    assert all((f"{a.before['stop']} stops it" in a.note) == (a.state == "live") for a in seen.values())
    assert "made by payments-workers" in seen["virtual-machine/shop-prod/europe-west1-b/payments-worker-1"].note


def test_what_names_no_account_has_the_projects_default_one(bench: Bench) -> None:
    email = f"{above.NUMBER}-compute@developer.gserviceaccount.com"
    bench.cloud.new_account("compute", seed.PROJECT, bench.sandbox.now(), email=email)
    names = {
        name.rpartition("/")[2] for name in found(bench, f"gcp:sa/projects/{seed.PROJECT}/serviceAccounts/{email}")
    }
    assert names == {"web-1", "front", "reports"}


def test_small_pages_hide_nothing(bench: Bench) -> None:
    """Facts gcp.md 7, 12."""
    for number in range(3):
        bench.cloud.workloads.machines.append(
            Machine(f"more-{number}", seed.PROJECT, "us-central1-a", seed.EMAIL, bench.sandbox.now())
        )
    whole = set(found(bench))
    bench.sandbox.page_size(1)
    assert set(found(bench)) == whole
    assert len(whole) == 8


@pytest.mark.parametrize(("needs", "words"), list(zip(LISTS, WORDS, strict=True)))
def test_what_may_not_be_listed_is_unseen_until_the_brake(bench: Bench, needs: str, words: str) -> None:
    """Facts gcp.md 7, 21: and the others are listed."""
    bench.sandbox.allow_only(["iam.serviceAccounts.get", *(each for each in LISTS if each != needs)])
    spot = next(s for s in spots(bench) if s.needs)
    assert spot.why.startswith(f"{words} of project shop-prod")
    assert (spot.needs, spot.counts, spot.covered_by) == (needs, True, (STOPS,))
    assert found(bench)


@pytest.mark.parametrize(("api", "how_many"), [("compute", 1), ("run", 3)])
def test_an_api_that_is_off_is_unknown_and_never_none(bench: Bench, api: str, how_many: int) -> None:
    """Facts gcp.md 7, 20."""
    bench.cloud.off.add(api)
    told = [s for s in spots(bench) if s.needs == f"{api}.googleapis.com (an API that is off)"]
    assert len(told) == how_many
    assert all("SERVICE_DISABLED" in s.why and s.counts for s in told)


def test_where_google_could_not_look_is_told(bench: Bench) -> None:
    """A list that is whole but for a zone is not whole."""
    bench.cloud.workloads.unreachable = {"compute": (above.ZONE,), "jobs": (above.REGION, "us-east1")}
    told = [s.why for s in spots(bench) if "could not look" in s.why]
    assert [why.partition(": Google could not look in ")[2] for why in told] == [
        above.ZONE,
        f"{above.REGION}, us-east1",
    ]
    bench.cloud.workloads.unreachable["zones"] = ("asia-east1-a",)
    assert any("asia-east1-a (UNREACHABLE)" in s.why for s in spots(bench))
    assert {name.partition("/")[0] for name in found(bench)} == {"cloud-run-service", "cloud-run-worker-pool"}


def test_what_is_not_looked_at_is_named_and_counts_until_the_account_is_disabled(bench: Bench) -> None:
    """Facts gcp.md 7, 4."""
    [spot] = spots(bench)
    assert all(word in spot.why for word in ("Dataflow", "Composer", "Scheduler", "other projects than shop-prod"))
    assert (spot.counts, spot.covered_by) == (True, (STOPS,))
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    [after] = spots(bench)
    assert not after.counts
    assert after.why.startswith(spot.why)


def test_further_projects_are_looked_at_where_the_settings_name_them(bench: Bench) -> None:
    bench.cloud.workloads.runs.append(
        RunService("services", "far", seed.PARTNER, above.REGION, seed.EMAIL, bench.sandbox.now())
    )
    assert not [name for name in found(bench) if seed.PARTNER in name]
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    assert [name for name in found(bench) if seed.PARTNER in name] == ["cloud-run-service/partner-ci/europe-west1/far"]
    assert all(f"{seed.PROJECT}, {seed.PARTNER}" in s.why for s in spots(bench))


def test_the_machine_gives_tokens_until_the_account_is_disabled(bench: Bench) -> None:
    for key in bench.account.listed():
        key.disabled.set(True, bench.sandbox.now(), 0.0)
    assert bench.open_doors() >= MACHINE, "no end of a key reaches it"
    [step] = [s for s in bench.steps(BOT) if s.does == STOPS]
    assert {a.id for a in found(bench).values() if a.state == "live"} <= set(step.ends)
    assert "payments-worker-1 in shop-prod/europe-west1-b" in step.breaks
    bench.do(step)
    assert not MACHINE & bench.open_doors()
    bench.undo(step)
    assert bench.open_doors() >= MACHINE


def test_no_step_stops_a_workload_and_what_to_type_is_told(bench: Bench) -> None:
    for brake, level in (("auto", "warning"), ("off", "danger")):
        drafted = bench.draft(BOT, brake=brake)
        assert not [d for d in drafted if isinstance(d, Step) and d.does.startswith(KIND)]
        [said] = [d for d in drafted if isinstance(d, Notice) and "gcloud compute" in d.says]
        assert said.level == level
        stop = "gcloud compute instances stop payments-worker-1 --zone europe-west1-b --project shop-prod"
        assert stop in said.says
        assert "gcloud run worker-pools delete payments-queue --region europe-west1 --project shop-prod" in said.says
        assert "payments-old" not in said.says, "it is stopped"


def test_a_name_is_typed_as_a_shell_takes_it(bench: Bench) -> None:
    bench.cloud.workloads.machines[0].name = "a;b c"
    assert "stop 'a;b c' --zone" in next(a for n, a in found(bench).items() if n.endswith("a;b c")).before["stop"]


def test_contained_without_waiting_for_the_list_they_are_shut_and_reported(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as whole, whole.engine() as engine:
        seen = engine.inventory(engine.resolve([whole.name]), whole.intent, logs=False, late=False)
        assert not [a for a in seen.accesses if a.kind == KIND]
        report = engine.run(engine.plan(seen, whole.intent), "revoke", YES)
        mine = [o for o in report.outcomes if o.access.kind == KIND]
        assert {o.fate for o in mine} == {"ended", "already"}
        assert len(mine) == 5
        assert not MACHINE & whole.open_doors()


def test_with_the_account_left_on_they_are_open_and_tokens_have_no_end(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="no", brake="off"), deliver=False) as whole:
        report = whole.run()
        fates = {o.access.label: o.fate for o in report.outcomes if o.access.kind == KIND}
        assert fates["virtual machine payments-worker-1 in shop-prod/europe-west1-b"] == "left"
        assert whole.outcome(report, "gcp:access-token/").fate == "left", "a workload gets more of them"
        assert report.exit_code == 8
        assert whole.open_doors() >= MACHINE
