"""`find`: by name, by repository or for consumers, one of them; what a provider that tells neither answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "neither NAME nor --repo OWNER/NAME nor --consumers IDENTITY was given"),
        (("bot", "--repo", "acme/shop"), "both NAME and --repo OWNER/NAME were given"),
        (("bot", "--consumers", "bot"), "both NAME and --consumers IDENTITY were given"),
        (("--repo", "acme/shop", "--consumers", "bot"), "both --repo OWNER/NAME and --consumers IDENTITY were given"),
    ],
)
def test_exactly_one_of_name_repository_and_consumers(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ran = cli("find", *words)
    assert ran.code == 2
    assert says in ran.err
    assert cli("find", *words, "-o", "json").json["errors"][0]["code"] == "name-or-repo"
    assert not cli.world.sandbox.calls()


def test_consumers_that_nobody_can_tell_are_unseen(cli: Cli) -> None:
    """Example Cloud tells none: that must not read like "nobody uses it"."""
    ran = cli("find", "--consumers", "payments-bot")
    assert ran.code == 9
    assert "No account answered: who uses it is not known." in ran.out
    assert "no provider that is installed and enabled can tell" in ran.out
    assert "PROPOSED" not in ran.out
    assert cli.mutations == []
    told = cli("find", "--consumers", "payments-bot", "-o", "json").json
    assert (told["status"], told["data"]["consumers"], told["data"]["proposal"]) == ("partial", [], "")


def test_consumers_of_nobody(cli: Cli) -> None:
    ran = cli("find", "--consumers", "example:bot/nobody")
    assert (ran.code, ran.out) == (3, "")
    assert cli("find", "--consumers", "nobody-at-all").code == 3


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


def test_every_form_is_in_the_help(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("find", "--help").code == 0
    told = capsys.readouterr().out
    assert "nhi-revoke find payments-bot" in told
    assert "nhi-revoke find --repo example-payments/shop" in told
    assert "nhi-revoke find --consumers payments-bot" in told
