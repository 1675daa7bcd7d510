"""Runs, reports, and the commands that only tell."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

REVOKE = ("revoke", "payments-bot", "--rotate", "no", "--yes", "--case", "IR-17")


def run_id(cli: Cli) -> str:
    found = cli("runs", "-o", "json").json["data"][0]["run"]
    assert isinstance(found, str)
    return found


def test_a_journal_goes_out_and_comes_back_byte_for_byte(cli: Cli) -> None:
    cli(*REVOKE)
    run = run_id(cli)
    journal = cli.world.state / "runs" / f"{run}.jsonl"
    stored = journal.read_bytes()
    out = cli("runs", "export", "@last", "out.jsonl", "-o", "json")
    exported = cli.world.folder / "out.jsonl"
    assert out.code == 0
    assert exported.read_bytes() == stored
    assert exported.stat().st_mode & 0o777 == 0o600
    report = cli("report", run, "-o", "json").json["data"]
    assert out.json["data"]["sha256"] == report["journal_sha256"]
    assert cli("runs", "export", "@last", "out.jsonl").code == 2, "it would overwrite"

    assert cli("runs", "import", "out.jsonl").code == 7, "it is here already"
    journal.unlink()
    assert cli("runs", "import", "out.jsonl").code == 0
    assert journal.read_bytes() == stored
    assert journal.stat().st_mode & 0o777 == 0o600
    assert cli("report", "@last", "-o", "json").json["data"] == report


def test_a_journal_that_was_touched_is_not_imported(cli: Cli) -> None:
    cli(*REVOKE)
    run = run_id(cli)
    journal = cli.world.state / "runs" / f"{run}.jsonl"
    stored = journal.read_bytes()
    journal.unlink()
    for content in (stored.replace(b"IR-17", b"IR-18"), b"".join(stored.splitlines(keepends=True)[1:]), b"text\n", b""):
        (cli.world.folder / "bad.jsonl").write_bytes(content)
        assert cli("runs", "import", "bad.jsonl").code in (2, 7)
        assert not journal.exists()
    assert cli("runs", "import", "missing.jsonl").code == 2
    assert cli("runs", "throw", "away").code == 2


def test_the_report_as_markdown(cli: Cli) -> None:
    cli(*REVOKE)
    ran = cli("report", "@last", "-o", "md", "--out", "report.md")
    assert ran.code == 8, "its run's own exit code"
    assert ran.out == ""
    text = (cli.world.folder / "report.md").read_text()
    sha256 = cli("report", "@last", "-o", "json").json["data"]["journal_sha256"]
    assert text.startswith("# NOT PROVEN OUT: payments-bot\n")
    assert sha256 in text
    assert "| case | IR-17 |" in text


def test_undo_brings_back_what_the_run_did_and_nothing_else(cli: Cli) -> None:
    cli("revoke", "example:bot/ledger-bot", "--rotate", "no", "--yes", "--scope", "keys")
    refused = cli("undo", "@last", "--yes")
    assert refused.code == 7
    assert "--rearm example:token/tok_0009" in refused.err
    before = cli.mutations
    ran = cli("undo", "@last", "--yes", "--rearm", "example:token/tok_0009", "-o", "json")
    assert ran.json["data"]["headline"] == "TAKEN BACK"
    assert len(cli.mutations) == len(before) + 1
    accesses = cli("list", "example:bot/ledger-bot", "--no-logs", "-o", "json").json["data"]["inventory"]["accesses"]
    assert {a["id"]: a["state"] for a in accesses}["example:token/tok_0009"] == "live"


def test_find(cli: Cli) -> None:
    assert "example:bot/ledger-bot\n" in cli("find", "ledger-bot").out
    assert cli("find", "nobody").code == 3
    cli.world.sandbox.allow_only([])
    ran = cli("find", "ledger-bot")
    assert ran.code == 9
    assert "UNSEEN" in ran.out


def test_doctor_says_who_you_are_and_what_you_need(cli: Cli) -> None:
    ran = cli("doctor", "-o", "json")
    assert ran.code == 0
    [checked] = ran.json["data"]["checked"]
    assert (checked["provider"], checked["state"], checked["operator"]) == ("example", "ok", ["example:bot/responder"])
    assert {need["stage"] for need in ran.json["data"]["needs"]} == {"list", "contain", "rotate"}
    assert "you are: example:bot/responder" in cli("doctor").out
    cli.world.sandbox.settings()
    cli.world.sandbox.fault("*", "down", times=1000)
    assert cli("doctor").code == 4


def test_permissions_by_stage(cli: Cli) -> None:
    rows = cli("permissions", "example", "--stage", "contain", "-o", "json").json["data"]
    assert {row["stage"] for row in rows} == {"contain"}
    disable = next(row for row in rows if row["permission"] == "tokens.update")
    assert disable["by"] == ["example:token/disable"]
    assert cli("permissions", "exampel").code == 2
    everything = {(row["stage"], row["permission"]) for row in cli("permissions", "-o", "json").json["data"]}
    kinds = cli.world.registry.kinds("example")
    declared = {("list", p) for kind in kinds for p in (*kind.reads, *kind.reads_logs)}
    declared |= {("contain", p) for kind in kinds for doer in kind.remedies for p in doer.permissions}
    assert declared <= everything


def test_providers_identities_and_settings(cli: Cli) -> None:
    assert "example  Example Cloud  ok" in cli("providers").out
    shown = cli("identities").out
    assert shown.startswith("payments-bot  payments team\n  example:bot/Payments-Bot\n")
    assert "delivers: example:token=example-vault:payments" in shown
    settings = cli("config")
    assert "canary" not in settings.out
    assert "NHI_REVOKE_STATE" in settings.out
    assert cli("config", "path").out == f"{cli.world.folder / 'nhi.toml'}\n"


def test_nothing_configured(cli: Cli, tmp_path: os.PathLike[str]) -> None:
    empty = os.path.join(tmp_path, "empty.toml")
    open(empty, "w").close()
    assert "has no [identity.NAME] table" in cli("identities", "--config", empty).out
    assert cli("runs").out == "No run is recorded on this machine.\n"
    assert json.loads(cli("runs", "-o", "json").out)["data"] == []
