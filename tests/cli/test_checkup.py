"""`identities check`: whether the map holds, before it is needed. Nothing is changed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from nhi_revoke.model.change import Impossible
from nhi_revoke.provider.doer import Doer

from .conftest import Cli, Ran

BOT = '[identity.payments-bot]\nprincipals = ["example:bot/payments-bot"]\n'


def checked(cli: Cli, map_: str, *names: str, more: tuple[str, ...] = ("-o", "json")) -> Ran:
    """With a map of its own, beside the provider's settings."""
    file = Path(cli.world.folder) / "checked.toml"
    cli.world.config(cli.protect)
    settings = tomllib.loads((cli.world.folder / "nhi.toml").read_text())
    file.write_text(tomli_w.dumps({**settings, **tomllib.loads(map_)}))
    return cli("identities", "check", *names, *more, environ={"NHI_REVOKE_CONFIG": str(file)})


def findings(ran: Ran) -> list[tuple[str, str, str]]:
    rows: list[dict[str, Any]] = ran.json["data"]
    return [(row["identity"], row["part"], row["state"]) for row in rows]


def test_a_map_that_holds(cli: Cli) -> None:
    ran = cli("identities", "check", "-o", "json")
    assert {state for _, _, state in findings(ran)} == {"ok"}, ran.json
    assert {part for _, part, _ in findings(ran)} == {"principal", "deliver", "flush"}
    assert ran.code == 0
    assert cli.mutations == []


def test_a_principal_that_is_gone(cli: Cli) -> None:
    ran = checked(cli, '[identity.a]\nprincipals = ["example:bot/payments-bot", "example:bot/left-long-ago"]\n')
    assert findings(ran) == [("a", "principal", "ok"), ("a", "principal", "wrong")]
    assert ran.code == 8
    assert "left-long-ago" in ran.json["data"][1]["why"]


def test_two_identities_that_share_one_principal_and_one_store(cli: Cli) -> None:
    """Facts standards.md: NHI9."""
    deliver = 'deliver = [{ from = "example:token", to = "example-vault:payments" }]\n'
    other = BOT.replace("[identity.payments-bot]", "[identity.billing]")
    ran = checked(cli, BOT + deliver + other + deliver)
    assert findings(ran) == [
        ("payments-bot", "principal", "shared"),
        ("payments-bot", "deliver", "shared"),
        ("billing", "principal", "shared"),
        ("billing", "deliver", "shared"),
    ]
    assert ran.code == 8
    assert "billing has it, too" in ran.json["data"][0]["why"]
    assert cli.mutations == []


def test_what_is_shared_with_one_that_was_not_asked_for(cli: Cli) -> None:
    ran = checked(cli, BOT + BOT.replace("[identity.payments-bot]", "[identity.billing]"), "payments-bot")
    assert findings(ran) == [("payments-bot", "principal", "shared")]
    assert ran.code == 8


def test_a_store_that_cannot_take_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Doer, "check", lambda *_: Impossible("the vault is sealed", "unseal it"))
    ran = checked(cli, BOT + 'deliver = [{ from = "example:token", to = "example-vault:payments" }]\n')
    assert findings(ran)[1] == ("payments-bot", "deliver", "wrong")
    assert (ran.json["data"][1]["why"], ran.json["data"][1]["hint"]) == ("the vault is sealed", "unseal it")


@pytest.mark.parametrize(
    ("deliver", "why"),
    [
        ("{ from = 'example:nothing', to = 'file:/x.json' }", "example:nothing"),
        ("{ from = 'example:token', to = 'nowhere:/x.json' }", "nowhere"),
    ],
)
def test_a_delivery_that_names_nothing(cli: Cli, deliver: str, why: str) -> None:
    ran = checked(cli, BOT + f"deliver = [{deliver}]\n")
    assert findings(ran)[1] == ("payments-bot", "deliver", "wrong")
    assert why in ran.json["data"][1]["why"]
    assert ran.code == 8


@pytest.mark.parametrize("use", ["no-such-flush", "example-vault/stage"])
def test_a_flush_that_is_none(cli: Cli, use: str) -> None:
    ran = checked(cli, BOT + f'flush = [{{ use = "{use}" }}]\n')
    assert findings(ran)[1] == ("payments-bot", "flush", "wrong")
    assert use in ran.json["data"][1]["why"]
    assert ran.code == 8


def test_what_nobody_could_look_at_is_unseen(cli: Cli) -> None:
    cli.world.sandbox.allow_only(())
    ran = checked(cli, BOT)
    assert findings(ran) == [("payments-bot", "principal", "unseen")]
    assert ran.code == 9


def test_a_name_that_the_map_lacks(cli: Cli) -> None:
    ran = checked(cli, BOT, "payment-bot", more=())
    assert ran.code == 3
    assert "the map has no identity 'payment-bot'. Nothing was looked at." in " ".join(ran.err.split())
    assert "Did you mean payments-bot?" in ran.err


def test_other_words(cli: Cli) -> None:
    ran = cli("identities", "chek")
    assert ran.code == 2
    assert "nhi-revoke identities check" in ran.err


def test_the_screen(cli: Cli) -> None:
    ran = checked(cli, '[identity.a]\nprincipals = ["example:bot/left-long-ago"]\n', more=())
    assert "OK 0  WRONG 1  UNSEEN 0  SHARED 0" in ran.out
    assert "WRONG  principal example:bot/left-long-ago" in ran.out
