"""One JSON shape for every command, errors included. The fields are written out here on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from nhi_revoke.cli.schema import data_types, envelope_schema
from nhi_revoke.completion.table import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Ran

FIELDS = ["schema_version", "command", "status", "exit_code", "data", "errors"]
ERROR_FIELDS = ["code", "message", "hint"]
GOOD = [
    ("list", "payments-bot"),
    ("audit", "payments-bot"),
    ("find", "payments-bot"),
    ("plan", "payments-bot"),
    ("revoke", "payments-bot", "--dry-run"),
    ("revoke", "payments-bot", "--yes", "--allow-irreversible", "--rotate", "now"),
    ("rotate", "payments-bot", "--yes", "--allow-irreversible"),
    ("rotate", "payments-bot", "-n"),
    ("runs",),
    ("identities",),
    ("providers",),
    ("permissions",),
    ("doctor",),
    ("config", "show"),
    ("config", "path"),
    ("schema", "plan"),
    ("help", "safety"),
]
AFTER_A_RUN = [
    ("verify",),
    ("report",),
    ("hold", "--for", "60s"),
    ("undo", "--yes", "--rearm", "example:token/tok_0008"),
]


def check(ran: Ran, command: str) -> dict[str, Any]:
    """Exactly the envelope, and exactly one of it."""
    whole = ran.json
    assert list(whole) == FIELDS
    assert whole["command"] == command
    assert whole["exit_code"] == ran.code
    assert whole["schema_version"] == 1
    for error in whole["errors"]:
        assert list(error) == ERROR_FIELDS
    schema = envelope_schema((command,) if command else [each.name for each in COMMANDS])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(whole)
    return whole


@pytest.mark.parametrize("words", GOOD, ids=" ".join)
def test_every_command_speaks_the_envelope(cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli(*words, "-o", "json")
    whole = check(ran, words[0])
    assert whole["data"] is not None, ran.err
    assert ran.code not in (1, 2)


def test_after_a_run_too(cli: Cli) -> None:
    check(cli("revoke", "payments-bot", "--yes", "--allow-irreversible", "--rotate", "no", "-o", "json"), "revoke")
    for words in AFTER_A_RUN:
        ran = cli(words[0], "@last", *words[1:], "-o", "json")
        assert check(ran, words[0])["data"]["run"], ran.out


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_a_wrong_option_on_every_command(cli: Cli, row: Any) -> None:
    ran = cli(row.name, "--no-such-option", "-o", "json")
    assert ran.code == 2
    whole = check(ran, row.name)
    assert whole["data"] is None
    assert whole["status"] == "error"
    assert "--no-such-option" in whole["errors"][0]["message"]
    assert not ran.err


@pytest.mark.parametrize("words", [("-o", "json"), ("--output", "json"), ("--output=json",), ("-ojson",)])
def test_json_is_spoken_before_anything_is_parsed(cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli(*words, "lst", "x")
    assert ran.code == 2
    assert check(ran, "")["errors"][0]["hint"] == "Did you mean nhi-revoke list?"


def test_the_environment_asks_for_json_and_a_flag_wins(cli: Cli) -> None:
    wanted = {"NHI_REVOKE_OUTPUT": "json"}
    check(cli("list", "nobody", environ=wanted), "list")
    check(cli("identities", environ=wanted), "identities")
    assert cli("list", "nobody", "-o", "table", environ=wanted).out == ""


def test_a_refusal_in_a_known_run_speaks_json(cli: Cli) -> None:
    for command in ("verify", "report", "hold", "undo", "release", "finish", "resume"):
        ran = cli(command, "no-such-run", "-o", "json")
        assert ran.code == 3, command
        assert check(ran, command)["errors"][0]["code"]


def test_an_unknown_format_is_refused_before_anything_is_done(cli: Cli) -> None:
    ran = cli("list", "payments-bot", "-o", "yaml")
    assert ran.code == 2
    assert "yaml" in ran.err
    ran = cli("schema", "-o", "csv")
    assert ran.code == 2
    assert "Formats of this command: table, json." in ran.err
    ran = cli("revoke", "payments-bot", "--yes", "--out", "no/such/folder/report.json", "-o", "json")
    assert ran.code == 2
    assert ran.json["errors"][0]["code"] == "no-such-folder"
    assert not cli.mutations


def test_every_command_has_a_schema_for_its_data(cli: Cli) -> None:
    assert set(data_types()) == {row.name for row in COMMANDS}
    whole = cli("schema", "-o", "json").json["data"]
    Draft202012Validator.check_schema(whole)
    assert whole["$defs"]["Envelope"]["additionalProperties"] is False
    assert cli("schema", "lst").code == 2


def test_ndjson_ends_with_exactly_one_result(cli: Cli) -> None:
    ran = cli("list", "payments-bot", "-o", "ndjson")
    kinds = [line["type"] for line in ran.lines]
    assert kinds.count("result") == 1
    assert kinds[-1] == "result"
    records = {line["record"] for line in ran.lines[:-1]}
    assert records == {"access", "reach", "planted", "unseen"}


def test_ndjson_tells_events_while_it_acts(cli: Cli) -> None:
    ran = cli("revoke", "payments-bot", "--yes", "--allow-irreversible", "--rotate", "no", "-o", "ndjson")
    kinds = [line["type"] for line in ran.lines]
    assert kinds.count("result") == 1
    assert kinds[-1] == "result"
    assert {"step", "count"} <= set(kinds)
    assert list(ran.lines[-1]["result"]) == FIELDS
    assert ran.lines[-1]["result"]["exit_code"] == ran.code
    steps = [line for line in ran.lines if line["type"] == "step"]
    assert {"seen", "settled"} <= {line["what"] for line in steps}


def test_ndjson_of_an_error_is_one_result(cli: Cli) -> None:
    ran = cli("revoke", "payments-bot", "-o", "ndjson")
    assert [line["type"] for line in ran.lines if line["type"] == "result"] == ["result"]
    assert ran.lines[-1]["result"]["status"] == "refused"


def test_csv_has_a_row_for_what_was_not_seen(cli: Cli) -> None:
    cli.world.sandbox.allow_only(["bots.read", "tokens.list"])
    ran = cli("list", "payments-bot", "-o", "csv", "--no-logs")
    assert ran.code == 0
    head, *rows = ran.out.splitlines()
    assert head.startswith("record,on,kind,id,state")
    assert any(row.startswith("unseen,") and "trusts.list" in row for row in rows)


def test_out_gets_the_envelope_and_is_private(cli: Cli) -> None:
    ran = cli("list", "payments-bot", "-o", "json", "--out", "found.json")
    assert ran.out == ""
    assert ran.err.endswith("written to found.json\n")
    file = cli.world.folder / "found.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith('{\n  "schema_version": 1')
    assert cli("runs", "--out", "runs.txt", "-q").err == ""
    assert (cli.world.folder / "runs.txt").read_text() == "No run is recorded on this machine.\n"
