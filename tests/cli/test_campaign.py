"""`campaign` and `worker`: whole screens, what they ask of the vendor, and how they end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.saved import read_header, read_items
from nhi_revoke.cli import campaign_parts
from tests.campaign.doubles import NAMED, Control, Worker, insert_campaign, install
from tests.cli.campaigned import BOTS, SAVE, data

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

PLANNED = """\
2 of 3 identities planned, 1 cannot be planned    bots.csv
6 changes, all reversible
LIVE 4  BREAKS 4  OPEN 1  UNSEEN 0  NOT PLANNED 1

TENANTS
  ITEMS  LIVE  CHANGES  IRREVERSIBLE  BREAKS  OPEN  UNSEEN  TENANT
      2     4        6             0       4     1       0  example org-1

WORST FIRST
  #  IRREVERSIBLE  BREAKS  REACH  LIVE  IDENTITY  TENANTS
  0             0       2      2     2  payments  example org-1
  1             0       2      0     2  ledger    example org-1

CANNOT BE PLANNED, and is not touched
  line 4  gone  example:bot/nobody: Example Cloud refused GET /bots/nobody: no-such-bot.

WAVES
  2 waves: 1 go first and must end well; then up to 1 at a time. It pauses at 3 failed or refused.
  How long it takes is not known: no rate of these tenants is (--rate).

Next: nhi-revoke campaign apply campaign.plan --canary 1
"""
OVER = f"""\
OVER    {NAMED}  3 of 3 over
DONE 1  OPEN 1  FAILED 0  REFUSED 1  LEFT 0

DONE  OPEN  FAILED  REFUSED  RUNNING  LEFT  REQ/S  WAITED  ETA  TENANT
   1     1       0        0        0     0                      example org-1

WAVES
  1 of 1 over

Next: nhi-revoke campaign report {NAMED}
"""


@pytest.fixture
def bots(cli: Cli) -> Cli:
    (cli.world.folder / "bots.csv").write_text(BOTS)
    return cli


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    return install(monkeypatch)


@pytest.fixture
def database(cli: Cli) -> Iterator[Database]:
    made = Database.open(cli.world.state)
    yield made
    made.close()


def test_the_whole_plan(bots: Cli) -> None:
    ran = bots(*SAVE, "--canary", "1")
    assert (ran.code, ran.out, ran.err) == (0, PLANNED, "")
    path = bots.world.folder / "campaign.plan"
    header, items = read_header(path), list(read_items(path))
    assert (header.source, header.items, header.intent.reason.value) == ("bots.csv", 3, "leaked")
    assert [(each.entry.name, each.plan is not None) for each in items] == [
        ("payments", True),
        ("ledger", True),
        ("gone", False),
    ]
    reasons = [each.plan.intent.reason.value for each in items if each.plan]
    assert reasons == ["leaked", "offboarding"], "an entry's own reason goes before the campaign's"
    assert [each.plan.identity.owner for each in items if each.plan] == ["payments team", "me"]
    assert bots(*SAVE).code == 2, "never over an existing file"
    assert not bots.mutations


def test_plans_in_other_forms(bots: Cli) -> None:
    ran = bots("campaign", "-o", "json", "plan", "bots.csv")
    assert ran.code == 0
    assert ran.json["command"] == "campaign"
    found = data(ran)
    assert list(found) == [
        "source", "items", "total", "tenants", "worst", "unplanned", "course", "waves", "seconds", "saved", "digest",
        "next",
    ]  # fmt: skip
    assert found["next"] == ["nhi-revoke campaign -o json plan bots.csv --save campaign.plan"]
    rows = bots("campaign", "plan", "-", "-o", "csv", typed="example:bot/ledger-bot\n").out.splitlines()
    assert rows[0] == "number,wave,name,owner,tenants,live,changes,irreversible,breaks,open,unseen,why"
    assert rows[1].startswith("0,0,example:bot/ledger-bot,,example org-1,2,3,")
    from_map = bots("campaign", "plan", "--from-map", "name=payments-*", "-o", "json")
    assert data(from_map)["source"] == "the map: name=payments-*"


def test_what_could_not_be_planned_is_never_counted_as_nothing(bots: Cli) -> None:
    (bots.world.folder / "bots.csv").write_text("example:bot/nobody\n")
    ran = bots(*SAVE)
    assert ran.code == 3
    assert "What lives on them was not seen: this is no sign that nothing does." in ran.out.splitlines()
    assert not [word for word in ("LIVE", "UNSEEN 0", "reversible", "WAVES") if word in ran.out]


def test_the_time_floor_by_the_rates_that_are_known(bots: Cli) -> None:
    """16 requests at the least, of which 10 may be sent in a minute, half of them by the campaign. The connection to
    Example Cloud knows no org, so that planning itself waits for nothing.
    """
    ran = bots(*SAVE, "--rate", "example org-1=10/60", "--share", "0.5")
    assert "      2     4        6             0       4     1       0  4 min     example org-1" in ran.out
    assert "  At least 4 min by the tenants' rates; waiting for the vendors is not in it." in ran.out.splitlines()
    header = read_header(bots.world.folder / "campaign.plan")
    assert (header.rates, header.share) == (("example org-1=10/60",), 0.5)


def test_what_cannot_be_planned_at_all(bots: Cli) -> None:
    ran = bots("campaign", "plan", "-", typed="example:bot/nobody\n")
    assert ran.code == 3
    assert "0 of 1 identities planned, 1 cannot be planned" in ran.out
    assert "Next:" not in ran.out
    ran = bots("campaign", "plan", "--from-map", "tag=none")
    assert ran.code == 3
    for words in (("campaign", "plan"), ("campaign", "plan", "bots.csv", "--from-map", "tag=x"), ("campaign",)):
        assert bots(*words).code == 2
    assert "Did you mean nhi-revoke campaign plan?" in bots("campaign", "pln").err


def test_what_none_can_be_planned_for_is_told_by_the_exit_code(bots: Cli) -> None:
    """3 is "not found": a script took a login that is missing for identities that are gone."""
    typed = "example:bot/payments-bot\nexample:bot/nobody\n"
    bots.protect = ("example:bot/pay*",)
    guarded = bots("campaign", "plan", "-", "-o", "json", typed="example:bot/payments-bot\n")
    assert (guarded.code, guarded.json["status"]) == (7, "refused")
    bots.protect = ()
    bots.world.sandbox.allow_only([])
    denied = bots("campaign", "plan", "-", "-o", "json", typed=typed)
    assert (denied.code, denied.json["status"]) == (4, "error")
    assert "none of 2 identities can be planned" in denied.json["errors"][0]["message"]
    assert not bots.mutations


def test_every_bad_entry_is_told_and_nobody_is_asked(bots: Cli) -> None:
    (bots.world.folder / "bots.csv").write_text(
        "name,principals,config\na,example:bot/ledger-bot,\nb,payments-bot,\nc,example:bot/x,eu.toml\nd,exk_SECRET,\n"
    )
    before = len(bots.world.sandbox.calls())
    ran = bots("campaign", "plan", "bots.csv", "-o", "json")
    assert ran.code == 2
    assert [each["message"] for each in ran.json["errors"]][:3] == [
        "bots.csv: 2 lines cannot be used. Nothing was planned.",
        "line 3: b: example:bot/ledger-bot stands on line 2, too: one identity ends once",
        "line 4: config eu.toml lies in the folder that --tenants names, and none is named.",
    ]
    assert len(bots.world.sandbox.calls()) == before


def test_each_tenant_has_settings_of_its_own(bots: Cli, control: Control) -> None:
    """And what the operator's own file protects, none of them may touch."""
    bots.world.config()
    folder = bots.world.folder / "tenants"
    folder.mkdir()
    (folder / "eu.toml").write_text((bots.world.folder / "nhi.toml").read_text())
    (bots.world.folder / "bots.csv").write_text(
        "principals,config\nexample:bot/ledger-bot,eu.toml\nexample:bot/payments-bot,eu.toml\n"
    )
    bots.protect = ("example:bot/pay*",)
    ran = bots("campaign", "plan", "bots.csv", "--tenants", "tenants", "--save", "c.plan", "-o", "json")
    assert ran.code == 0
    (unplanned,) = data(ran)["unplanned"]
    assert "is protected by 'example:bot/pay*' in nhi.toml" in unplanned["why"]
    assert data(ran)["next"] == ["nhi-revoke campaign apply c.plan --tenants tenants"]
    assert read_header(bots.world.folder / "c.plan").tenants == "tenants"
    bots("campaign", "apply", "c.plan", "--no-work")
    assert bots("campaign", "resume", "@last").code == 7, "one was not planned"
    assert bots.mutations, "the folder is remembered"


def test_apply_carries_it_out_and_shows_how_it_stands(bots: Cli, control: Control) -> None:
    bots(*SAVE)
    ran = bots("campaign", "apply", "campaign.plan", "--workers", "3", "--max-outage", "7")
    assert ran.code == 8, ran.err
    # How much was asked, and waited for, differs by fractions from run to run.
    assert re.sub(r"0\.[0-9]     (0 s|   )", " " * 11, ran.out) == OVER
    assert Worker.made == (3,)
    assert control.course is not None
    assert control.course.max_outage == 7
    assert bots.mutations
    assert bots("campaign", "apply", "campaign.plan").code == 7, "once"
    ran = bots("campaign", "status", "campaign.plan", "-o", "json")
    assert ran.code == 8
    assert list(data(ran)) == [
        "campaign", "state", "why", "operator", "items", "codes", "tenants", "waves", "workers", "outage", "elapsed",
        "eta", "next",
    ]  # fmt: skip
    assert bots("campaign", "status", "@last", "-o", "csv").out.splitlines()[1].startswith("example org-1,1,1,0,")
    assert bots("campaign", "status", "c3").code == 3


def test_apply_refuses_before_anything_begins(bots: Cli, control: Control, database: Database) -> None:
    bots("campaign", "plan", "bots.csv", "--rotate", "now", "--save", "campaign.plan")
    bots("campaign", "plan", "--from-map", "name=payments-bot", "--rotate", "now", "--save", "final.plan")
    ran = bots("campaign", "apply", "final.plan")
    assert ran.code == 7
    assert "1 of 1 plans are refused (irreversible); the first: " in ran.err
    assert "Add --allow-irreversible" in ran.err
    assert bots("campaign", "apply", "campaign.plan", "--max-accesses", "1").code == 7
    whole = (bots.world.folder / "campaign.plan").read_bytes()
    (bots.world.folder / "campaign.plan").write_bytes(
        whole.replace(b"ledger team", b"ledger tean").replace(b"payments team", b"payments tean")
    )
    ran = bots("campaign", "apply", "campaign.plan")
    assert ran.code == 7
    assert "(tampered-plan)" in ran.err
    assert bots("campaign", "apply", "bots.csv").code == 2
    assert control.consent is None
    assert not bots.mutations
    assert bots("campaign", "status", "final.plan").code == 3, "it was not applied"


def test_where_others_must_agree_a_campaign_is_refused(bots: Cli, control: Control) -> None:
    bots(*SAVE)
    text = (bots.world.folder / "nhi.toml").read_text()
    (bots.world.folder / "approval.toml").write_text(f'{text}\n[approval]\nallowed_signers = "approvers"\n')
    environ = {"NHI_REVOKE_CONFIG": str(bots.world.folder / "approval.toml")}
    ran = bots("campaign", "apply", "campaign.plan", "--no-work", environ=environ)
    assert ran.code == 7
    assert "for 2 of the 2 plans of this campaign; 0 agreed. Nothing was changed." in ran.err
    assert control.consent is None
    glass = ("--break-glass", "the intruder is deleting backups")
    ran = bots("campaign", "apply", "campaign.plan", "--no-work", *glass, environ=environ)
    assert "RUNNING" in ran.out
    assert "BREAK GLASS" in ran.err
    assert control.said() == glass[1]


def test_others_may_work_on_it(bots: Cli, control: Control) -> None:
    bots(*SAVE)
    ran = bots("campaign", "apply", "campaign.plan", "--no-work")
    assert ran.code == 7, "one was refused, since it has no plan"
    assert not Worker.made
    assert "no worker is alive" in ran.out
    assert f"Next: nhi-revoke worker\n      nhi-revoke campaign pause {NAMED}\n" in ran.out
    ran = bots("campaign", "pause", "@last", "--why", "the shop is down")
    assert ran.code == 5
    assert "why: the shop is down" in ran.out
    ran = bots("campaign", "resume", "@last", "--no-work")
    assert "RUNNING" in ran.out
    ran = bots("worker", "--until-idle", "--at-once", "2", "-o", "json")
    assert ran.code == 0
    assert ran.json["data"][0]["items"]["open"] == 1
    assert Worker.made == (2,)


def test_undo_needs_a_yes(bots: Cli, control: Control, database: Database) -> None:
    insert_campaign(database, NAMED, state="over")
    ran = bots("campaign", "undo", "@last", "--wave", "0")
    assert ran.code == 7
    assert ran.err.endswith("Next: nhi-revoke campaign undo @last --wave 0 --yes\n")
    assert bots("campaign", "undo", "@last", tty=True, typed="n\n").code == 7
    assert control.undone is None
    ran = bots("campaign", "undo", "@last", "--wave", "0", "--rearm", "example:token/tok_0008", tty=True, typed="y\n")
    assert ran.code == 0, ran.err
    assert control.undone == (0, ("example:token/tok_0008",))


def test_failures_are_told_as_errors(bots: Cli, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    bots(*SAVE)
    monkeypatch.setattr(Worker, "runs", False)
    monkeypatch.setattr(Worker, "ends", {"ledger": 5})
    ran = bots("campaign", "apply", "campaign.plan", "-o", "json")
    assert ran.code == 5
    assert [each["code"] for each in ran.json["errors"]] == ["items-failed", "items-refused"]
    assert ran.json["errors"][0]["message"] == "1 of 3 identities failed."
    assert ran.json["errors"][0]["hint"] == f"nhi-revoke campaign resume {NAMED} --again"
    assert not control.again
    bots("campaign", "resume", "@last", "--again", "--no-work")
    assert control.again


def test_the_database_is_named_by_the_environment_too(bots: Cli, control: Control) -> None:
    environ = {"NHI_REVOKE_DATABASE": "mysql://me@db/x"}
    for words in (("campaign", "status", "@last"), ("worker",)):
        ran = bots(*words, environ=environ)
        assert ran.code == 2
        assert "mysql is no database for campaigns" in ran.err
    assert bots("campaign", "status", "@last", environ=environ | {"NHI_REVOKE_DATABASE": ""}).code == 3


def test_without_the_libraries(bots: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_parts, "EXTRA", ("sqlalchemy", "no_such_library"))
    for words in (("campaign", "apply", "x"), ("campaign", "report", "x"), ("worker",)):
        ran = bots(*words)
        assert ran.code == 4
        assert "campaigns need no_such_library, not installed: pip install 'nhi-revoke[campaign]'." in ran.err
    assert bots(*SAVE).code == 0, "planning needs none"


def test_ctrl_c_leaves_it_to_be_resumed(
    bots: Cli, control: Control, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import os
    import signal
    import threading
    from collections.abc import Callable

    def run(self: Worker, stop: threading.Event, until: Callable[[], bool]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5.0)

    bots(*SAVE)
    monkeypatch.setattr(Worker, "run", run)
    before = signal.getsignal(signal.SIGINT)
    ran = bots("campaign", "apply", "campaign.plan", "-o", "json")
    assert ran.code == 130
    assert ran.json["data"]["items"]["waiting"] == 2
    assert "what is under way ends and is journaled" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
    assert not bots.mutations
