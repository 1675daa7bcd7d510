"""Plans on disk: saved, carried out later, held against the world as it is then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

PLAN = ("plan", "payments-bot", "--rotate", "no", "--save", "plan.json")


def test_a_saved_plan_is_private_and_never_overwritten_by_accident(cli: Cli) -> None:
    ran = cli(*PLAN)
    assert ran.code == 0
    assert ran.out.endswith("Next: nhi-revoke apply plan.json\n")
    file = cli.world.folder / "plan.json"
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_bytes()
    assert cli(*PLAN).code == 2
    assert file.read_bytes() == first
    assert cli(*PLAN, "--case", "IR-2", "--overwrite").code == 0
    assert json.loads(file.read_bytes())["intent"]["case"] == "IR-2"
    assert not cli.mutations


def test_apply_carries_it_out_without_a_prompt(cli: Cli) -> None:
    cli(*PLAN)
    ran = cli("apply", "plan.json", "-o", "json")
    assert ran.code == 8
    assert ran.json["data"]["verb"] == "apply"
    assert cli.mutations
    journal = next((cli.world.state / "runs").iterdir()).read_text()
    assert '"consent":"apply"' in journal


def test_a_stale_step_is_dropped_and_shown_and_the_others_run(cli: Cli) -> None:
    cli(*PLAN)
    cli("revoke", "example:bot/ledger-bot", "--rotate", "no", "--yes")
    before = len(cli.mutations)
    refused = cli("apply", "plan.json", "--stale", "refuse")
    assert refused.code == 7
    assert len(cli.mutations) == before
    ran = cli("apply", "plan.json", "-o", "json")
    assert "STALE  example:bot/ledger-bot  disable token nightly" in ran.err
    assert ran.code == 8
    assert len(cli.mutations) > before


def test_what_is_no_plan(cli: Cli) -> None:
    folder = cli.world.folder
    assert cli("apply", "missing.json").code == 2
    (folder / "text.json").write_text("no plan")
    assert cli("apply", "text.json").code == 2
    (folder / "other.json").write_text("{}")
    assert cli("apply", "other.json").code == 2
    cli(*PLAN)
    newer = json.loads((folder / "plan.json").read_bytes()) | {"schema_version": 2}
    (folder / "newer.json").write_text(json.dumps(newer))
    ran = cli("apply", "newer.json")
    assert ran.code == 2
    assert "the plan has version 2; this tool reads version 1" in ran.err
    assert not cli.mutations


def test_irreversible_steps_of_a_saved_plan_still_want_the_flag(cli: Cli) -> None:
    cli("plan", "payments-bot", "--rotate", "now", "--save", "final.json")
    assert cli("apply", "final.json").code == 7
    assert not cli.mutations
    assert cli("apply", "final.json", "--allow-irreversible").code == 8
    assert cli.mutations
