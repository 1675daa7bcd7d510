"""More than one person: real OpenSSH signatures of a plan, carried out with them, and without them in an emergency."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nhi_revoke.config import load_config
from nhi_revoke.engine.approval import signature_file
from nhi_revoke.model.error import Usage

from .conftest import Cli
from .office import ALICE, BOT, GLASS, PLAN, Office, made_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def office(cli: Cli, keys: Path) -> Office:
    return Office(cli, keys)


def test_a_second_person_signs_and_then_it_is_carried_out(office: Office) -> None:
    made = office(*PLAN)
    assert made.out.endswith("Next: nhi-revoke approve p.json   # somebody else\n      nhi-revoke apply p.json\n")
    refused = office("apply", "p.json")
    assert refused.code == 7
    assert "demands the agreement of 1 person by signature for this plan; 0 agreed. Nothing was changed." in refused.err
    assert "In an emergency --break-glass REASON does it alone, and the report says so." in refused.err
    assert "Next: nhi-revoke approve p.json   # somebody else, as the allowed signers say\n" in refused.err
    assert office.cli.mutations == []
    signed = office.sign(ALICE)
    assert signed.code == 0
    assert "Approve 3 changes on example:bot/ledger-bot? [y/N] " in signed.err
    assert "plan of 2026-11-23T12:00:00Z, made by example:bot/responder" in signed.err
    assert office.signatures == [f"p.json.{ALICE}.sig"]
    ran = office("apply", "p.json", "-o", "json")
    assert ran.code == 0
    assert f"APPROVED  by {ALICE} (SHA256:" in ran.err
    approval = ran.json["data"]["approval"]
    assert [each["name"] for each in approval["signers"]] == [ALICE]
    assert (approval["required"], approval["break_glass"]) == (1, "")
    assert office.cli.mutations
    assert json.loads(office.journals[0].splitlines()[0])["line"]["approval"] == approval
    assert f"approved by {ALICE} (SHA256:" in office("report", "@last").out
    assert (
        f"| approved by | alice&#64;example.com `{approval['signers'][0]['key']}` |"
        in office("report", "@last", "-o", "md").out
    )


def test_breaking_the_glass_is_loud_and_stays_in_the_report(office: Office) -> None:
    short = office("revoke", BOT, "--rotate", "no", "--yes", "--break-glass", "now")
    assert short.code == 2
    assert "at least 10 characters" in short.err
    assert office.cli.mutations == []
    ran = office("revoke", BOT, "--rotate", "no", "--yes", "-q", "-o", "json", *GLASS)
    assert ran.code == 0
    assert ran.err == (
        "BREAK GLASS  without the approval of another person that nhi.toml demands. "
        "Reason: the intruder is deleting backups\n"
    )
    assert ran.json["data"]["approval"]["break_glass"] == GLASS[1]
    assert f'"break_glass":"{GLASS[1]}"' in office.journals[0].splitlines()[0]
    assert "BREAK GLASS: nobody else approved this. Reason: the intruder" in office("report", "@last").out
    text = office("report", "@last", "-o", "md").out
    assert "| BREAK GLASS | the intruder is deleting backups |" in text
    assert "| approved by | nobody, though 1 had to |" in text


def test_a_saved_plan_may_break_the_glass_too(office: Office) -> None:
    office(*PLAN)
    ran = office("apply", "p.json", *GLASS, tty=True, plain=False)
    assert ran.code == 0
    assert "BREAK GLASS" in ran.err
    assert "\x1b[1;31mBREAK GLASS" in ran.err


def test_what_was_approved_is_carried_out_whole_or_not_at_all(office: Office) -> None:
    office("plan", "payments-bot", "--rotate", "no", "--save", "p.json")
    office.sign(ALICE)
    assert office("apply", "p.json", "--stale", "drop").code == 2
    office("revoke", BOT, "--rotate", "no", "--yes", *GLASS)
    before = len(office.cli.mutations)
    ran = office("apply", "p.json")
    assert ran.code == 7
    assert "changed since the plan was saved" in ran.err
    assert "what was approved is to be approved again" in ran.err
    assert len(office.cli.mutations) == before


def test_names_of_signature_files() -> None:
    plan = Path("/x/p.json")
    assert signature_file(plan, "a/../b c").name == "p.json.a_.._b_c.sig"
    assert signature_file(plan, "..").name == "p.json..sig"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", ""),
        ("[approval]\nrequired = 0", ""),
        ("[approval]\n", "lacks allowed_signers"),
        ('[approval]\nallowed_signers = "a"\nfor = []', "lacks any word of `for`"),
        ('[approval]\nallowed_signers = "a"\nfor = ["rovoke"]', 'holds "rovoke"'),
        ('[approval]\nallowed_signers = "a"\nrequired = -1', "approval.required"),
        ('[approval]\nallowed_signer = "a"', 'unknown key "allowed_signer"'),
    ],
)
def test_the_table_in_nhi_toml(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "nhi.toml").write_text(table)
    if not told:
        assert load_config(None, {}, tmp_path).approval.required == 0
        return
    with pytest.raises(Usage, match=told):
        load_config(None, {}, tmp_path)
