"""A campaign from its file to its report, with nothing doubled: the command line, DBOS, the engine, Example Cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.tables import RATES
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.sandbox.cloud import Token
from tests.cli.campaigned import BOTS, SAVE, data

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


def tokens(cli: Cli) -> list[Token]:
    sandbox = cli.world.sandbox
    assert isinstance(sandbox, ExampleSandbox)
    return list(sandbox.cloud.tokens.values())


def states(cli: Cli) -> dict[str, set[str]]:
    """By bot: what its tokens are in."""
    out: dict[str, set[str]] = {}
    for token in tokens(cli):
        out.setdefault(token.bot.lower(), set()).add(token.state.shown)
    return out


def sent(cli: Cli) -> int:
    """Requests that were counted for the tenant, over all processes."""
    database = Database.open(cli.world.state)
    with database.read() as conn:
        counted = {row.tenant: row.sent for row in conn.execute(select(RATES))}
    database.close()
    assert set(counted) == {"example"}  # its connection knows no org
    return int(counted["example"])


def test_from_a_file_to_the_report_and_back(cli: Cli) -> None:
    (cli.world.folder / "bots.csv").write_text(BOTS)
    before = states(cli)
    planned = cli(*SAVE, "--rate", "example=900/3", "--share", "1", "--canary", "1", "--rotate", "no")
    assert planned.code == 0
    assert states(cli) == before
    looked = sent(cli)
    assert looked > 0

    applied = cli("-o", "json", "campaign", "apply", "campaign.plan", "--canary", "1", "--at-once", "2")
    found = data(applied)
    assert found["state"] == "over"
    assert found["items"]["refused"] == 1
    assert found["items"]["done"] + found["items"]["open"] == 2
    after = states(cli)
    changed = {bot for bot in before if after[bot] != before[bot]}
    assert changed == {"payments-bot", "ledger-bot"}
    assert "active" not in after["payments-bot"] | after["ledger-bot"]
    assert sent(cli) > looked

    status = cli("-o", "json", "campaign", "status", "@last")
    assert data(status)["items"] == found["items"]
    report = cli("campaign", "report", "@last", "-o", "ndjson")
    assert report.code == 8, report.err
    told = [json.loads(line) for line in report.out.splitlines()]
    assert [line["type"] for line in told] == ["report", "report", "item", "result"]
    secrets = [token.secret for token in tokens(cli)]
    assert not [secret for secret in secrets if secret in report.out + applied.out + applied.err]

    assert cli("campaign", "undo", "@last").code == 7  # nobody said yes
    assert states(cli) == after
    undone = cli("-o", "json", "campaign", "undo", "@last", "--yes")
    assert data(undone)["state"] == "over"
    assert data(undone)["items"]["kept"] == 2, "leaked tokens have no safe time: --rearm names each"
    assert states(cli) == after
