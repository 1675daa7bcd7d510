"""`--leaked-from`: what leaked is tried, proven dead by itself, and printed nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke_example.sandbox import ExampleSandbox

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Ran

REVOKE = ("revoke", "payments-bot", "--rotate", "no", "--yes", "--allow-irreversible")


def secret(cli: Cli, bot: str = "payments-bot") -> str:
    """Of the bot's live token."""
    sandbox = cli.world.sandbox
    assert isinstance(sandbox, ExampleSandbox)
    return next(t.secret for t in sandbox.cloud.tokens.values() if t.bot == bot and t.state.shown == "active")


def nowhere(cli: Cli, ran: Ran, *values: str) -> None:
    """Not on a screen, and not in the state folder."""
    told = ran.out + ran.err + "".join(f.read_text() for f in cli.world.state.rglob("*") if f.is_file())
    assert not [v for v in values if v in told]


def proofs(ran: Ran) -> dict[str, str | None]:
    return {o["access"]["id"]: o["proof"] for o in ran.json["data"]["outcomes"]}


def test_what_leaked_is_tried_after_it_was_ended(cli: Cli) -> None:
    value = secret(cli)
    token = f"example:token/{value.partition('.')[0]}"
    (cli.world.folder / "leaked.txt").write_text(f"# found in a log\n{value}\n")
    ran = cli(*REVOKE, "-o", "json", "--leaked-from", "leaked.txt")
    assert proofs(ran)[token] == "enforced"
    assert "leaked credentials: 1 x example:token" in ran.err
    nowhere(cli, ran, value)


def test_without_it_reading_is_all_the_proof_there_is(cli: Cli) -> None:
    token = f"example:token/{secret(cli).partition('.')[0]}"
    assert proofs(cli(*REVOKE, "-o", "json"))[token] == "recorded"


def test_it_is_tried_again_by_a_later_look(cli: Cli) -> None:
    value = secret(cli)
    (cli.world.folder / "leaked.txt").write_text(value)
    cli(*REVOKE)
    ran = cli("verify", "@last", "-o", "json", "--leaked-from", "leaked.txt")
    assert proofs(ran)[f"example:token/{value.partition('.')[0]}"] == "enforced"
    nowhere(cli, ran, value)


def test_from_standard_input(cli: Cli) -> None:
    value = secret(cli)
    ran = cli(*REVOKE, "-o", "json", "--leaked-from", "-", typed=f"{value}\n")
    assert "enforced" in proofs(ran).values()
    nowhere(cli, ran, value)


@pytest.mark.parametrize("command", [("list", "payments-bot"), ("audit", "payments-bot"), ("plan", "payments-bot")])
def test_one_of_nobody_in_the_plan_is_unseen_and_never_passed_over(cli: Cli, command: tuple[str, ...]) -> None:
    (cli.world.folder / "leaked.txt").write_text("tok_9999.somebody-elses-canary\n")
    ran = cli(*command, "-o", "json", "--leaked-from", "leaked.txt")
    told = json.dumps(ran.json["data"])
    assert "of no principal of this plan: example:token tok_9999" in told
    nowhere(cli, ran, "somebody-elses-canary")
    assert not cli.mutations


def test_it_stays_unseen_in_the_report(cli: Cli) -> None:
    (cli.world.folder / "leaked.txt").write_text("tok_9999.somebody-elses-canary\n")
    ran = cli(*REVOKE, "-o", "json", "--leaked-from", "leaked.txt")
    assert [b["kind"] for b in ran.json["data"]["blind"] if "tok_9999" in b["why"]] == ["example:token"]


def test_it_stays_unseen_where_the_plan_was_read_for_a_while(cli: Cli) -> None:
    """A plan that is older than some seconds is looked at anew before it is carried out."""
    (cli.world.folder / "leaked.txt").write_text("tok_9999.somebody-elses-canary\n")
    cli("plan", "payments-bot", "--rotate", "no", "--save", "plan.json")
    cli.world.clock.advance(60)
    ran = cli("apply", "plan.json", "--allow-irreversible", "-o", "json", "--leaked-from", "leaked.txt")
    assert [b["kind"] for b in ran.json["data"]["blind"] if "tok_9999" in b["why"]] == ["example:token"]


def test_lines_that_nobody_knows_are_told_by_their_numbers(cli: Cli) -> None:
    value, strange = secret(cli), "xoxb-strange-canary-1234567890"
    (cli.world.folder / "leaked.txt").write_text(f"{value}\n\n{strange}\nshort\ntwo words of nothing secret\n")
    ran = cli("list", "payments-bot", "--leaked-from", "leaked.txt")
    assert "in line 3: it was not used" in ran.err
    nowhere(cli, ran, value, strange)


def test_a_file_of_nothing_is_a_mistake(cli: Cli) -> None:
    (cli.world.folder / "empty.txt").write_text("nothing here\n")
    ran = cli(*REVOKE, "--leaked-from", "empty.txt")
    assert ran.code == 2
    assert "has the shape of a credential" in ran.err
    assert not cli.mutations


def test_the_credential_itself_in_place_of_a_file_is_not_repeated(cli: Cli) -> None:
    value = secret(cli)
    ran = cli(*REVOKE, "--leaked-from", value)
    assert ran.code == 2
    assert "never the credential itself" in ran.err
    nowhere(cli, ran, value)
    assert not cli.mutations


def test_a_terminal_shows_what_is_typed_and_is_not_read(cli: Cli) -> None:
    ran = cli(*REVOKE, "--leaked-from", "-", tty=True, typed="tok_0001.canary")
    assert ran.code == 2
    assert "terminal" in ran.err


def test_a_whole_disk_is_not_read(cli: Cli) -> None:
    (cli.world.folder / "big.txt").write_text("x" * (4 * 1024 * 1024 + 1))
    assert cli(*REVOKE, "--leaked-from", "big.txt").code == 2
    assert cli(*REVOKE, "--leaked-from", str(Path("/"))).code == 2


def test_the_same_one_twice_counts_once(cli: Cli) -> None:
    value = secret(cli)
    (cli.world.folder / "leaked.txt").write_text(f"{value}\n{value}\n")
    assert "leaked credentials: 1 x" in cli("list", "payments-bot", "--leaked-from", "leaked.txt").err


def test_a_credential_typed_as_an_identity_is_not_repeated(cli: Cli) -> None:
    value = secret(cli)
    for words in (("list", value), ("revoke", f"my-{value}", "--yes")):
        ran = cli(*words)
        assert ran.code == 2
        assert "shape of a credential" in ran.err
        nowhere(cli, ran, value)
