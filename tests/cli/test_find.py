"""`find`: by name or by repository, never both; what a provider without repositories answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "says"), [((), "neither NAME nor --repo"), (("bot", "--repo", "acme/shop"), "both NAME and --repo")]
)
def test_exactly_one_of_name_and_repository(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ran = cli("find", *words)
    assert ran.code == 2
    assert says in ran.err
    assert "OWNER/NAME" in ran.err
    assert cli("find", *words, "-o", "json").json["errors"][0]["code"] == "name-or-repo"
    assert not cli.world.sandbox.calls()


@pytest.mark.parametrize("text", ["acme/shop", "shop", "example:repo/acme/shop", "https://forge.example/acme/shop"])
def test_a_repository_that_no_provider_knows(cli: Cli, text: str) -> None:
    ran = cli("find", "--repo", text)
    assert ran.code == 3
    assert text in ran.err
    assert ran.out == ""


def test_a_principal_that_is_no_repository(cli: Cli) -> None:
    ran = cli("find", "--repo", "example:bot/ledger-bot")
    assert ran.code == 2
    assert "names no repository" in ran.err


def test_both_forms_are_in_the_help(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("find", "--help").code == 0
    told = capsys.readouterr().out
    assert "nhi-revoke find payments-bot" in told
    assert "nhi-revoke find --repo example-payments/shop" in told
