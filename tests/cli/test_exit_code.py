"""Every exit code of the table, reached by a real command line on the real engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.exit_code import TABLE, ExitCode, Row, status_of, worst
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_example.tokens import Disable

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

TRUST = "example:trust/org-1/payments-bot/partner:sync-bot"
YES = ("--yes", "--allow-irreversible", "--rotate", "no")
DONE = (*YES, "--cut-trust", TRUST)


def test_0_a_plan_is_a_success_whatever_it_shows(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "-o", "json")
    assert ran.code == 0
    assert ran.json["status"] == "success"
    assert not cli.mutations


def test_0_audit_passes_where_everything_is_accepted(cli: Cli) -> None:
    cli("revoke", "payments-bot", *DONE)
    found = cli("audit", "payments-bot", "-o", "json", "--no-logs").json["data"]["findings"]
    accepted = [word for each in found for word in ("--accept", f"{each['id']}=seen by the test")]
    ran = cli("audit", "payments-bot", "-o", "json", "--no-logs", *accepted)
    assert ran.code == 0
    assert {each["verdict"] for each in ran.json["data"]["findings"]} == {"accepted"}


def test_1_failed_before_the_first_change(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from nhi_revoke.engine.store import RunFolder

    def full(self: RunFolder, run: str, line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "append", full)
    ran = cli("revoke", "payments-bot", *YES, "-o", "json")
    assert ran.code == 1, ran.out
    assert ran.json["status"] == "error"
    assert not cli.mutations


@pytest.mark.parametrize("verb", ["revoke", "hold"])
def test_1_the_state_folder_cannot_be_written(cli: Cli, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Locks come first: it said 5, and that some changes may have been made."""
    import nhi_revoke.engine.lock

    words: tuple[str, ...] = ("revoke", "payments-bot", *YES)
    if verb == "hold":
        cli(*words)
        words = ("hold", "@last")
    before = len(cli.mutations)

    def full(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(nhi_revoke.engine.lock, "open_private", full)
    ran = cli(*words, "-o", "json")
    assert (ran.code, ran.json["status"]) == (1, "error"), ran.err
    assert "Read-only file system. Nothing was changed." in ran.json["errors"][0]["message"]
    assert len(cli.mutations) == before


def test_2_usage(cli: Cli) -> None:
    assert cli("revoke").code == 2
    assert cli("rotate", "example:bot/ledger-bot").code == 2, "rotate without a delivery target"
    assert not cli.mutations


def test_3_not_found(cli: Cli) -> None:
    ran = cli("list", "payments-bto", "-o", "json")
    assert ran.code == 3
    assert "payments-bot" in ran.json["errors"][0]["hint"]
    assert cli("list", "example:bot/nobody").code == 3


def test_4_nothing_could_start(cli: Cli) -> None:
    cli.world.sandbox.allow_only([])
    ran = cli("list", "payments-bot", "-o", "json")
    assert ran.code == 4
    assert ran.json["status"] == "error"


def test_5_partial(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Rejected("the vendor will not")

    monkeypatch.setattr(Disable, "apply", refuse)
    ran = cli("revoke", "payments-bot", *YES, "-o", "json")
    assert ran.code == 5
    assert ran.json["status"] == "partial"
    failed = [each for each in ran.json["errors"] if each["code"] == "step-failed"]
    assert len(failed) == 2
    assert failed[0]["hint"] == f"nhi-revoke resume {ran.json['data']['run']}"


def test_0_an_undo_of_all_names_nothing_to_resume(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of the run that had failed are idle: its envelope called them errors, beside a success."""

    def refuse(*_: object) -> None:
        raise Rejected("the vendor will not")

    with monkeypatch.context() as once:
        once.setattr(Disable, "apply", refuse)
        assert cli("revoke", "example:bot/ledger-bot", *YES).code == 5
    cli.world.clock.advance(200_000)
    ran = cli("undo", "@last", "--yes", "--allow-irreversible", "-o", "json")
    assert (ran.code, ran.json["status"], ran.json["errors"]) == (0, "success", []), ran.err


def test_7_refused(cli: Cli) -> None:
    ran = cli("revoke", "payments-bot", "-o", "json")
    assert ran.code == 7
    assert ran.json["status"] == "refused"
    assert not cli.mutations


def test_8_something_is_open(cli: Cli) -> None:
    assert cli("audit", "payments-bot").code == 8
    assert cli("revoke", "payments-bot", *YES).code == 8


def test_9_something_is_unseen(cli: Cli) -> None:
    accepted = [
        word
        for each in cli("audit", "payments-bot", "-o", "json").json["data"]["findings"]
        if each["verdict"] != "unseen"
        for word in ("--accept", f"{each['id']}=known")
    ]
    assert cli("audit", "payments-bot", *accepted).code == 9


def test_10_only_with_detailed_exitcode(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "--detailed-exitcode", "-o", "json")
    assert ran.code == 10
    assert ran.json["status"] == "success"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(int(row.code)))
def test_the_help_topic_and_the_status_come_from_the_one_table(cli: Cli, row: Row) -> None:
    code, status, meaning = row
    assert status_of(code) == status
    shown = cli("help", "exit-codes").out
    assert f"{int(code)} " in shown
    assert meaning in shown


def test_every_code_has_a_row_and_an_unknown_one_is_an_error() -> None:
    assert [row.code for row in TABLE] == list(ExitCode)
    assert status_of(77) == "error"


def test_when_several_hold() -> None:
    assert worst(6, 9, 8, 5) == 5
    assert worst(6, 9, 8) == 8
    assert worst(6, 9) == 9
    assert worst(0, 6) == 6
    assert worst(0) == 0
    assert json.dumps(worst()) == "0"
