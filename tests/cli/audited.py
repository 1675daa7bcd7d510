"""Inventories and verdicts that tests of `audit` are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from nhi_revoke.cli.accepting import Entries
from nhi_revoke.cli.fail_on import FailOn
from nhi_revoke.cli.judging import examined
from nhi_revoke.model.audit import Examined
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Identity, Principal
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.render.audit import audit_screen
from nhi_revoke.render.plain import plain_text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT = PrincipalRef("example", "bot", "b")
USUAL = FailOn()
NONE = Entries((), ())
DAY = timedelta(days=1)
EVIL = '<img src=http://evil.example>[x](http://evil.example)|`\x1b[2J"&'


def access(**more: Any) -> Access:
    made = Access(id="example:token/t", on=BOT, kind="example:token", family="key", state="live", label="ci")
    return replace(made, **more)


def inventory(*found: Access, **more: Any) -> Inventory:
    made = Inventory(
        Identity("b", (BOT,)), NOW, (Principal(BOT, "bot", "b", "org-1", "u"),), found,
        operator=(PrincipalRef("example", "bot", "responder"),),
    )  # fmt: skip
    return replace(made, **more)


def one(*found: Access, chosen: FailOn = USUAL, accepted: Entries = NONE, **more: Any) -> Examined:
    return examined(inventory(*found, **more), chosen, accepted)


def screen(each: Examined, chosen: FailOn = USUAL) -> str:
    return plain_text(audit_screen(each, chosen.words))
