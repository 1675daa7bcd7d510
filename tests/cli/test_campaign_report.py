"""`campaign report`: one of all runs, in each form, with a manifest beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.saved import read_header
from nhi_revoke.campaign.tables import JOURNALS
from tests.campaign.doubles import NAMED, install
from tests.cli.campaigned import BOTS, SAVE, data

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

REPORTED = f"""\
OVER    {NAMED}  3 of 3 identities over
FAILED 0  OPEN 1  REFUSED 1  DONE 1
ENFORCED 0  SIMULATED 0  RECORDED 6  REQUESTED 0  UNPROVEN 0
OPEN 3  EXPIRES 0  UNSEEN 0  PLANTED 1

OPEN: something of these is left for a person
  0  payments  example org-1  NOT PROVEN OUT  OPEN 3  PLANTED 1

REFUSED: nothing of these was changed
  2  gone  example:bot/nobody: Example Cloud refused GET /bots/nobody: no-such-bot.
"""


@pytest.fixture
def over(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A campaign of three, over: one done, one with something open, one that was never begun."""
    install(monkeypatch)
    (cli.world.folder / "bots.csv").write_text(BOTS)
    cli(*SAVE)
    assert cli("campaign", "apply", "campaign.plan").code == 8
    return cli


@pytest.fixture
def database(cli: Cli) -> Iterator[Database]:
    made = Database.open(cli.world.state)
    yield made
    made.close()


def test_the_whole_report(over: Cli) -> None:
    before = len(over.world.sandbox.calls())
    ran = over("campaign", "report", "@last")
    assert (ran.code, ran.err) == (8, "")
    assert ran.out == REPORTED
    assert len(over.world.sandbox.calls()) == before, "no vendor is asked"


def test_the_report_in_other_forms(over: Cli) -> None:
    ran = over("campaign", "report", "campaign.plan", "-o", "json")
    found = data(ran)
    assert ran.code == 8
    assert list(found) == [
        "campaign", "state", "why", "digest", "operator", "items", "tenants", "left", "tampered", "break_glass",
        "residual_until", "next", "identities", "approved_by",
    ]  # fmt: skip
    assert [each["name"] for each in found["identities"]] == ["payments", "ledger", "gone"]
    assert [bool(each["run"]) for each in found["identities"]] == [True, True, False]
    lines = over("campaign", "report", "@last", "-o", "ndjson").lines
    assert [each["type"] for each in lines] == ["report", "report", "item", "result"]
    assert [each["report"]["verb"] for each in lines[:2]] == ["apply", "apply"]
    assert lines[3]["result"]["data"]["left"] == found["left"]
    rows = over("campaign", "report", "@last", "-o", "csv").out.splitlines()
    assert rows[0].startswith("number,wave,name,owner,tenants,state,exit_code,headline,open,expires,unseen,planted,")
    assert len(rows) == 4
    events = over("campaign", "report", "@last", "-o", "ocsf")
    assert events.code == 8
    runs = {each["unmapped"]["identity"] for each in events.lines if "identity" in each["unmapped"]}
    assert runs == {"payments", "ledger"}
    assert over("campaign", "report", "@last", "-o", "md").code == 2


def test_a_manifest_stands_beside_what_is_written(over: Cli) -> None:
    folder = over.world.folder
    (folder / "out").mkdir()
    for form, name in (("html", f"{NAMED}.html"), ("ndjson", f"{NAMED}.ndjson"), ("table", f"{NAMED}.txt")):
        ran = over("campaign", "report", "@last", "-o", form, "--out", "out")
        assert (ran.code, ran.out) == (8, "")
        written = (folder / "out" / name).read_bytes()
        told = json.loads((folder / "out" / f"{name}.manifest.json").read_bytes())
        assert told["files"] == [{"name": name, "sha256": hashlib.sha256(written).hexdigest()}]
        assert told["plan_digest"] == read_header(folder / "campaign.plan").digest
        assert [each["run"] for each in told["journals"]] == [f"{NAMED}-000000", f"{NAMED}-000001"]
        assert (folder / "out" / f"{name}.manifest.json").stat().st_mode & 0o777 == 0o600
    identities = over("campaign", "report", "@last", "-o", "json").json["data"]["identities"]
    assert [each["sha256"] for each in told["journals"]] == [each["journal_sha256"] for each in identities[:2]]
    page = (folder / "out" / f"{NAMED}.html").read_text()
    for each in ("payments", "ledger", "gone", "payments team", "Content-Security-Policy", "REFUSED", "no-such-bot"):
        assert each in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_a_journal_that_does_not_hold_is_told(over: Cli, database: Database) -> None:
    with database.write() as conn:
        mine = (JOURNALS.c.run == f"{NAMED}-000001") & (JOURNALS.c.number == 0)
        line = conn.execute(select(JOURNALS.c.line).where(mine)).scalar_one()
        conn.execute(update(JOURNALS).where(mine).values(line=line.replace(b"ledger", b"ledges", 1)))
    for form in ("table", "json", "ndjson", "ocsf", "html", "csv"):
        assert over("campaign", "report", "@last", "-o", form).code == 7, form
    ran = over("campaign", "report", "@last")
    assert "TAMPERED 1: what these journals say proves nothing" in ran.out
