"""What tests of campaigns share: a file of three entries, and what an envelope holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from nhi_revoke.cli.schema import envelope_schema

if TYPE_CHECKING:
    from tests.cli.conftest import Ran

BOTS = """\
name,principals,owner,reason
payments,example:bot/payments-bot,payments team,
ledger,example:bot/ledger-bot,me,offboarding
gone,example:bot/nobody,,
"""
SAVE = ("campaign", "plan", "bots.csv", "--save", "campaign.plan")


def data(ran: Ran) -> dict[str, Any]:
    """What the envelope holds, held against the schema."""
    Draft202012Validator(envelope_schema((ran.json["command"],))).validate(ran.json)
    found = ran.json["data"]
    assert isinstance(found, dict)
    return found
