"""A run goes to the next shift, and back; its chain is checked; outsiders get pseudonyms. By the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.outcome import ALL_REPORT_FORMATS
from nhi_revoke.cli.session import Session, make_engine
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Ran

REVOKE = ("revoke", "payments-bot", "--yes", "--case", "IR-17", "--allow-irreversible")


class Killed(BaseException):
    """As kill -9 would: nothing is caught, nothing is written."""


class Desk:
    """The next shift: another state folder, in the same world."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli
        self.state = cli.world.folder / "other-desk"

    def __call__(self, *arguments: str) -> Ran:
        return self._cli(*arguments, environ={"NHI_REVOKE_STATE": str(self.state)})


def killed_at(number: int) -> object:
    """Makes engines that die just before that journal line."""

    def make(session: Session, tell: Tell) -> Engine:
        engine = make_engine(session, tell)

        def die(line: int) -> None:
            if line >= number:
                raise Killed

        engine._before_append = die
        return engine

    return make


def test_the_next_shift_reports_verifies_and_goes_on(cli: Cli) -> None:
    cli(*REVOKE)
    desk = Desk(cli)
    out = cli("runs", "export", "@last", "run.jsonl")
    run = re.findall(r"run (\S+) exported to", out.out)[0]
    assert out.code == 0
    assert "Handed over\n  NOT PROVEN OUT  payments-bot  state: contained\n" in out.out
    assert re.search(r"\n  worked on by example:bot/responder  revoke  2026-11-23T12:00Z\n", out.out)
    assert "you may: verify, hold, undo, finish, report" in out.out
    assert "Only one of you goes on with it from now on" in out.out
    assert f"\nNext: nhi-revoke apply {cli.world.state}/plans/{run}.plan-2.json\n" in out.out
    taken = desk("runs", "import", "run.jsonl", "-o", "json")
    assert taken.code == 0
    assert taken.json["data"]["handover"]["identity"] == "payments-bot"
    assert desk("report", "@last", "-o", "json").json["data"] == cli("report", "@last", "-o", "json").json["data"]
    assert desk("report", "--verify", "@last").code == 0
    before = cli.mutations
    assert desk("verify", "@last", "-o", "json").json["data"]["run"] == run
    assert cli.mutations == before, "it looks, and changes nothing"
    undone = desk("undo", "@last", "--yes", "--rearm", "example:token/tok_0008", "-o", "json")
    assert undone.json["data"]["headline"] == "TAKEN BACK"
    assert len(cli.mutations) > len(before)


def test_a_run_that_was_killed_is_resumed_at_another_desk(cli: Cli) -> None:
    cli.make_engine = killed_at(6)  # type: ignore[assignment]  # made here
    with pytest.raises(Killed):
        cli(*REVOKE)
    cli.make_engine = make_engine
    done = len(cli.mutations)
    desk = Desk(cli)
    assert "INTERRUPTED" in cli("runs").out
    out = cli("runs", "export", "@last", "run.jsonl")
    assert "state: interrupted" in out.out
    assert "you may: resume, report" in out.out
    assert "not closed" in cli("report", "--verify", "run.jsonl").out
    assert desk("runs", "import", "run.jsonl").code == 0
    resumed = desk("resume", "@last", "-o", "json").json["data"]
    assert resumed["state"] == "contained"
    assert resumed["times"]["sealed"]
    assert len(cli.mutations) > done
    assert desk("report", "--verify", "@last", "-o", "json").json["data"]["closed"] is True


def test_it_comes_back_longer_and_never_over_what_was_done_here(cli: Cli) -> None:
    cli(*REVOKE)
    desk = Desk(cli)
    cli("runs", "export", "@last", "run.jsonl")
    desk("runs", "import", "run.jsonl")
    desk("verify", "@last")
    desk("runs", "export", "@last", "back.jsonl")
    [journal] = (cli.world.state / "runs").iterdir()
    short = journal.read_bytes()
    longer = (cli.world.folder / "back.jsonl").read_bytes()
    assert longer.startswith(short)
    assert len(longer) > len(short)
    assert cli("runs", "import", "run.jsonl").code == 7, "it is here already"
    assert cli("runs", "import", "back.jsonl").code == 0
    assert journal.read_bytes() == longer
    assert journal.stat().st_mode & 0o777 == 0o600
    assert cli("report", "--verify", "@last").code == 0
    older = cli("runs", "import", "run.jsonl")
    assert older.code == 7
    assert "goes further here" in older.err
    desk("verify", "@last")
    cli("verify", "@last")
    desk("runs", "export", "@last", "both.jsonl")
    here = journal.read_bytes()
    both = cli("runs", "import", "both.jsonl")
    assert both.code == 7
    assert "cannot be joined" in both.err
    assert journal.read_bytes() == here


def test_a_plan_that_lies_on_the_other_machine_is_told(cli: Cli) -> None:
    cli(*REVOKE)
    cli("runs", "export", "@last", "run.jsonl")
    [plan] = (cli.world.state / "plans").iterdir()
    plan.unlink()
    taken = Desk(cli)("runs", "import", "run.jsonl")
    assert f"WARNING: {plan} is not on this machine" in taken.out


# -- the chain --------------------------------------------------------------------------------------------------------


def test_the_chain_of_a_run_and_of_a_file(cli: Cli) -> None:
    cli(*REVOKE)
    cli("runs", "export", "@last", "run.jsonl")
    sha256 = cli("report", "@last", "-o", "json").json["data"]["journal_sha256"]
    of_run = cli("report", "--verify", "@last")
    run = cli("runs", "-o", "json").json["data"][0]["run"]
    lines = len((cli.world.folder / "run.jsonl").read_bytes().splitlines())
    assert (of_run.code, of_run.err) == (0, "")
    assert of_run.out == (
        f"WHOLE    run {run}  {lines} lines\n"
        f"  sha256 {sha256}\n"
        "  It proves that every line is as it was written, in the order in which it was written, and none is missing "
        "before the last one.\n"
        "  It does not prove who wrote it, nor that lines were not cut off at its end, nor that nobody wrote the whole "
        "file anew: the chain has no key. Against that, compare the sha256 with one that was noted elsewhere (a "
        "report, an export).\n"
        f"Next: nhi-revoke report {run}\n"
    )
    data = cli("report", "run.jsonl", "--verify", "-o", "json").json["data"]
    assert (data["whole"], data["sha256"], data["source"], data["run"]) == (True, sha256, "run.jsonl", run)


def test_a_changed_line_is_named_and_refused(cli: Cli) -> None:
    cli(*REVOKE)
    cli("runs", "export", "@last", "run.jsonl")
    file = cli.world.folder / "run.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"attempt":1', b'"attempt":2', 1)
    file.write_bytes(b"".join(lines))
    ran = cli("report", "--verify", "run.jsonl")
    assert ran.code == 7
    assert "line 4 does not hold: it was changed. 3 lines before it.\n" in ran.out
    assert ran.out.startswith("BROKEN    run ")
    assert "It proves" not in ran.out
    whole = cli("report", "--verify", "run.jsonl", "-o", "json").json
    assert (whole["status"], whole["exit_code"]) == ("refused", 7)
    assert whole["errors"][0]["code"] == "tampered-journal"
    assert whole["data"]["broken_line"] == 4
    [journal] = (cli.world.state / "runs").iterdir()
    journal.write_bytes(b"".join(lines))
    assert cli("report", "--verify", "@last").code == 7


def test_what_cannot_be_checked(cli: Cli) -> None:
    (cli.world.folder / "text.txt").write_text("text\n")
    assert cli("report", "--verify", "text.txt").code == 2
    assert cli("report", "--verify", "no-such").code == 3
    assert cli("report", "--verify", "--redact", "text.txt").code == 2
    assert cli("report", "--verify", "text.txt", "-o", "html").code == 2


# -- formats ----------------------------------------------------------------------------------------------------------


def test_every_format_of_a_real_run(cli: Cli) -> None:
    cli(*REVOKE)
    code = cli("report", "@last", "-o", "json").code
    page = cli("report", "@last", "-o", "html", "--out", "report.html")
    text = (cli.world.folder / "report.html").read_text()
    assert (page.code, page.out) == (code, "")
    assert (cli.world.folder / "report.html").stat().st_mode & 0o777 == 0o600
    assert text.startswith("<!doctype html>")
    assert "<h1>NOT PROVEN OUT</h1>" in text
    assert "payments team" in text, "its owner in the map"
    events = [json.loads(line) for line in cli("report", "@last", "-o", "ocsf").out.splitlines()]
    assert {event["class_uid"] for event in events} == {7001}
    assert events[-1]["unmapped"]["headline"] == "NOT PROVEN OUT"
    claims = json.loads(cli("verify", "@last", "-o", "caep").out)
    assert {c["sub_id"]["id"] for c in claims["claims"]} == {"example:bot/payments-bot", "example:bot/ledger-bot"}
    refused = cli("plan", "payments-bot", "-o", "html")
    assert refused.code == 2
    assert "Formats of this command: table, json, ndjson, csv." in refused.err


def test_no_name_of_a_real_run_is_left_for_outsiders(cli: Cli) -> None:
    cli(*REVOKE)
    open_report = cli("report", "@last").out + cli("report", "@last", "-o", "json").out
    names = set(re.findall(r"(?:tok|ses|bot)_\d+|[a-z]+-bot\b|org-1|IR-17|payments team|bot/responder", open_report))
    names |= {str(cli.world.folder), Path(cli.world.folder).name}
    assert {"payments-bot", "helper-bot", "deploy-bot", "ledger-bot", "sync-bot", "org-1", "bot/responder"} <= names
    assert {"tok_0008", "tok_0011", "ses_0012", "ses_0015", "bot_0001", "payments team"} <= names
    for format_ in ALL_REPORT_FORMATS:
        ran = cli("report", "@last", "--redact", "-o", format_)
        assert ran.code == cli("report", "@last").code
        found = [name for name in names if name.lower() in (ran.out + ran.err).lower()]
        assert not found, (format_, found)
        assert "principal-1" in ran.out
