"""`find`: by name, by repository or for consumers, one of them; what a provider that tells neither answers."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from nhi_revoke_example.sandbox import ExampleSandbox

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


SCREEN = """\
CANDIDATES 4  SURE 3  MAYBE 1  UNSEEN 0    like payments-bot

SURE: one identity
  example:bot/payments-bot
    in nhi.toml  org-1
    same name     name payments-bot: exactly this name (GET /bots)
    named by      example:bot/ledger-bot, example:bot/payments
  example:bot/payments
    org-1
    points at     example:bot/payments-bot, by its trust (GET /bots/…/trusts)
    similar name  name payments: like it but for bot (GET /bots)
  example:bot/ledger-bot
    in nhi.toml  org-1
    points at     example:bot/payments-bot, by its trust (GET /bots/…/trusts)

MAYBE: too little ties it
  example:bot/svc-payments
    org-1  id bot_0099
    similar name  name svc-payments: like it but for bot and svc (GET /bots)
    not sure      it is called alike, which proves nothing

  Looked at: example; by names, tags and descriptions, and along the trusts of
    what is sure. What is called otherwise and was not reached so, or is not
    connected, was not found.

PROPOSED for nhi.toml

# Into principals of [identity.payments-bot], which has the others:
  # name payments: like it but for bot; it names 1 of these.
  "example:bot/payments",
  # Not sure: take the # away where you know that it is so.
  # svc-payments: it is called alike, which proves nothing.
  # "example:bot/svc-payments",

Next: nhi-revoke list payments-bot
      nhi-revoke identities check payments-bot
"""


def planted(cli: Cli) -> None:
    """Two that are called alike: one of them lets the bot in."""
    sandbox = cli.world.sandbox
    assert isinstance(sandbox, ExampleSandbox)
    cloud, now = sandbox.cloud, sandbox.now()
    cloud.add_bot("payments", now)
    cloud.set_trust("payments", "payments-bot", True, now)
    cloud.add_bot("svc-payments", now).id = "bot_0099"


def test_what_looks_like_one_identity_as_a_whole_screen(cli: Cli) -> None:
    planted(cli)
    ran = cli("find", "payments-bot", tty=True, environ={"COLUMNS": "80", "NO_COLOR": "1"})
    assert ran.code == 0
    assert "\n".join(line.rstrip() for line in ran.out.splitlines()) + "\n" == SCREEN
    assert cli.mutations == []


def test_rows_and_json_of_what_looks_like_one_identity(cli: Cli) -> None:
    planted(cli)
    data = cli("find", "Payments Bot", "-o", "json").json["data"]
    assert (data["name"], data["identity"], data["refs"]) == ("Payments Bot", "payments-bot", [])
    assert [(each["principal"]["name"], each["standing"], each["identity"]) for each in data["candidates"]] == [
        ("payments-bot", "sure", "payments-bot"), ("payments", "sure", ""), ("ledger-bot", "sure", "payments-bot"),
        ("svc-payments", "maybe", ""),
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(cli("find", "Payments Bot", "-o", "csv").out)))
    assert [row["record"] for row in rows] == ["sure", "sure", "sure", "maybe"]
    assert list(rows[0])[:4] == ["principal", "provider", "kind", "id"]


def test_a_part_that_is_denied_is_unseen_and_hides_nothing_else(cli: Cli) -> None:
    planted(cli)
    cli.world.sandbox.allow_only(["bots.find", "bots.read"])
    ran = cli("find", "payments-bot", "-o", "json")
    assert (ran.code, ran.json["status"]) == (9, "partial")
    assert {spot["needs"] for spot in ran.json["data"]["blind"]} == {"trusts.list"}
    assert {each["principal"]["name"]: each["standing"] for each in ran.json["data"]["candidates"]} == {
        "payments-bot": "sure", "ledger-bot": "sure", "payments": "maybe", "svc-payments": "maybe",
    }  # fmt: skip
    told = [row for row in cli("find", "payments-bot", "-o", "ndjson").lines if row.get("record") == "unseen"]
    assert {row["needs"] for row in told} == {"trusts.list"}


def test_nothing_is_called_like_it(cli: Cli) -> None:
    ran = cli("find", "nobody")
    assert (ran.code, ran.out) == (3, "")
    assert "nothing is called 'nobody' in the connected accounts, or resembles it" in ran.err
