"""Colour, width and formats: who gets what, and where."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.words import moved_behind, output_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cli.conftest import Cli

ESCAPE = "\x1b["


@pytest.mark.parametrize(
    ("tty", "environ", "words", "coloured"),
    [
        (True, {}, (), True),
        (False, {}, (), False),
        (True, {"NO_COLOR": "1"}, (), False),
        (True, {"NO_COLOR": ""}, (), True),
        (True, {"NHI_REVOKE_NO_COLOR": "1"}, (), False),
        (True, {"TERM": "dumb"}, (), False),
        (True, {}, ("--no-color",), False),
        (False, {"FORCE_COLOR": "1"}, (), True),
        (False, {"CLICOLOR_FORCE": "1"}, (), True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
    ],
)
def test_colour(cli: Cli, tty: bool, environ: Mapping[str, str], words: tuple[str, ...], coloured: bool) -> None:
    ran = cli("list", "payments-bot", "--no-logs", *words, tty=tty, environ=environ)
    assert (ESCAPE in ran.out) is coloured
    assert "LIVE" in ran.out


def test_width_comes_from_the_environment_or_is_80(cli: Cli) -> None:
    for columns, most in (("60", 60), ("", 80), ("wide", 80)):
        ran = cli("plan", "payments-bot", tty=True, environ={"COLUMNS": columns, "NO_COLOR": "1"})
        tables = [line for line in ran.out.splitlines() if "─" in line]
        assert max(map(len, tables)) <= most


def test_a_pipe_gets_one_line_for_each_row_and_no_escape(cli: Cli) -> None:
    ran = cli("list", "payments-bot", "--no-logs", environ={"COLUMNS": "40"})
    assert ESCAPE not in ran.out
    assert any("partner:sync-bot" in line and line.strip().startswith("live") for line in ran.out.splitlines())


def test_progress_is_on_stderr_and_the_report_on_stdout(cli: Cli) -> None:
    words = ("revoke", "payments-bot", "--rotate", "no", "--yes")
    ran = cli(*words)
    assert ran.out.startswith("NOT PROVEN OUT    payments-bot")
    assert "acted 4/4  sealed 2/2  failed 0" in ran.err
    assert "sha256" in ran.out
    assert "sha256" not in ran.err


def test_quiet_leaves_stderr_empty(cli: Cli) -> None:
    assert cli("revoke", "payments-bot", "--rotate", "no", "--yes", "-q").err == ""


def test_verbose_tells_each_request(cli: Cli) -> None:
    assert "started  " in cli("revoke", "payments-bot", "--rotate", "no", "--yes", "-v").err


@pytest.mark.parametrize(
    ("words", "column"),
    [
        (("plan", "payments-bot"), "phase"),
        (("revoke", "payments-bot", "--rotate", "no", "--yes"), "fate"),
        (("audit", "payments-bot"), "verdict"),
        (("find", "ledger-bot"), "principal"),
        (("providers",), "state"),
        (("permissions",), "permission"),
        (("doctor",), "operator"),
        (("identities",), "owner"),
        (("config",), "source"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else each,
)
def test_csv_and_ndjson_hold_the_same_rows(cli: Cli, words: tuple[str, ...], column: str) -> None:
    rows = list(csv.DictReader(io.StringIO(cli(*words, "-o", "csv").out)))
    assert rows
    assert column in rows[0]
    if words[0] != "revoke":
        lines = [line for line in cli(*words, "-o", "ndjson").lines if line["type"] == "row"]
        assert [{k: v for k, v in line.items() if k != "type"}.keys() for line in lines] == [row.keys() for row in rows]


def test_csv_of_runs_and_of_leads(cli: Cli) -> None:
    cli("revoke", "payments-bot", "--rotate", "no", "--yes")
    assert len(cli("runs", "-o", "csv").out.splitlines()) == 2
    assert "payments-bot" in cli("runs").out
    records = {row["record"] for row in csv.DictReader(io.StringIO(cli("list", "payments-bot", "-o", "csv").out))}
    assert {"access", "reach", "planted", "unseen"} <= records


def test_permissions_as_a_table(cli: Cli) -> None:
    lines = cli("permissions", "example").out.splitlines()
    assert lines[0].split() == ["PROVIDER", "STAGE", "PERMISSION", "NEEDED", "BY"]
    assert any(line.split()[:3] == ["example", "contain", "tokens.update"] for line in lines)


def test_finish_and_release_are_guarded_like_everything_else(cli: Cli) -> None:
    cli("revoke", "payments-bot", "--rotate", "no", "--yes")
    before = cli.mutations
    assert cli("release", "@last", "--yes").code == 7, "no brake is on"
    refused = cli("finish", "@last", "--yes")
    assert refused.code == 7
    assert "--allow-irreversible" in refused.err
    assert cli.mutations == before
    done = cli("finish", "@last", "--yes", "--allow-irreversible", "-o", "json")
    assert done.json["data"]["headline"] == "FINISHED"
    assert len(cli.mutations) > len(before)


def test_the_last_word_on_output_wins_and_what_follows_dashes_is_no_option() -> None:
    assert output_word(["list", "-o", "csv", "-o", "json"], {}) == "json"
    assert output_word(["list", "--", "-o", "json"], {}) == "table"
    assert output_word(["list", "-o"], {"NHI_REVOKE_OUTPUT": "json"}) == "table"
    assert output_word(["list"], {"NHI_REVOKE_OUTPUT": "yaml"}) == "table"
    assert moved_behind(["-o", "json", "-v", "list", "x"]) == ["list", "-o", "json", "-v", "x"]
    assert moved_behind(["--help"]) == ["--help"]
