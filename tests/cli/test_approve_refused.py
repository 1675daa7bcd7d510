"""Signatures that count for nothing, and what is refused without those that do. Nothing here reaches a vendor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance.world import World
from nhi_revoke_example import provider

from .conftest import Cli
from .office import ALICE, BOB, BOT, EVE, GLASS, PLAN, Office, made_keys, public
from .test_envelope import check


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Office]:
    """Shared by tests that may not change anything at the vendor; the fixture holds them to it."""
    with World(provider, tmp_path_factory.mktemp("office"), managed="example:bot/example-billing") as world:
        office = Office(Cli(world), keys)
        assert office(*PLAN).code == 0
        yield office
        assert office.cli.mutations == []
        assert office.journals == []


@pytest.fixture
def desk(still: Office) -> Iterator[Office]:
    """The shared office with nothing on its desk but the plan."""
    plan = (still.folder / "p.json").read_bytes()
    still.rules = 'allowed_signers = "approvers"'
    still.allow(f"{ALICE} {public(still.keys, ALICE)}", f"{BOB} {public(still.keys, BOB)}")
    yield still
    (still.folder / "p.json").write_bytes(plan)
    for each in still.folder.glob("*.sig"):
        each.unlink()


def test_the_screen_of_an_approval(desk: Office) -> None:
    ran = desk("approve", "p.json", "--key", str(desk.keys / ALICE), "--confirm", BOT)
    key = subprocess.run(["ssh-keygen", "-lf", str(desk.keys / ALICE)], capture_output=True, text=True, check=True)
    assert ran.out == (
        f"SIGNED    {BOT}  by {ALICE}\n"
        f"  {key.stdout.split()[1]}\n"
        f"  signature p.json.{ALICE}.sig\n"
        "1 of 1 approvals\n"
        "Next: nhi-revoke apply p.json\n"
    )
    assert "3 changes, all reversible" in ran.err, "the same screen as plan"
    assert (
        "SIGNED IS, whatever the sentences above say\n"
        f"  1  cut  example:session/revoke-older  on {BOT}  ends example:session/org-1/ledger-bot/*\n"
        f"  2  end  example:token/disable  on {BOT}  ends example:token/tok_0009\n"
    ) in ran.err
    assert (desk.folder / f"p.json.{ALICE}.sig").read_text().startswith("-----BEGIN SSH SIGNATURE-----")


def test_two_people_are_two_and_one_who_signs_twice_is_one(desk: Office) -> None:
    desk.rules += "\nrequired = 2"
    desk.allow(*(f"{who} {public(desk.keys, key)}" for who, key in ((ALICE, ALICE), (BOB, BOB), (ALICE, EVE))))
    first = desk.sign(ALICE)
    assert "1 of 2 approvals: somebody else signs, too\nNext: nhi-revoke approve p.json\n" in first.out
    (desk.folder / f"p.json.{ALICE}.sig").rename(desk.folder / "p.json.first.sig")
    assert desk.sign(EVE).code == 0
    assert len(desk.signatures) == 2
    refused = desk("apply", "p.json")
    assert refused.code == 7
    assert f"1 agreed by {ALICE}" in refused.err
    assert "2 of 2 approvals" in desk.sign(BOB).out


def test_declined_or_unread_is_not_signed(desk: Office) -> None:
    assert desk.sign(ALICE, typed="n\n").code == 7
    script = desk.sign(ALICE, tty=False)
    assert script.code == 7
    assert f"--confirm {BOT}" in script.err
    wrong = desk("approve", "p.json", "--key", str(desk.keys / ALICE), "--confirm", "other")
    assert wrong.code == 7
    assert desk.signatures == []


def test_what_cannot_be_taken_back_wants_the_name(desk: Office) -> None:
    desk("plan", "payments-bot", "--rotate", "now", "--save", "p.json", "--overwrite")
    ran = desk.sign(ALICE)
    assert "IRREVERSIBLE. Type payments-bot to approve: " in ran.err
    assert (ran.code, desk.signatures) == (7, [])
    assert desk.sign(ALICE, typed="payments-bot\n").code == 0


def test_a_change_of_the_file_ends_every_approval(desk: Office) -> None:
    desk.sign(ALICE)
    file = desk.folder / "p.json"
    file.write_bytes(file.read_bytes().replace(b'"case": ""', b'"case": "IR-1"'))
    refused = desk("apply", "p.json")
    assert refused.code == 7
    assert "counts for nothing" in refused.err
    assert "for this one before it was changed" in refused.err
    file.write_bytes(file.read_bytes().replace(b'"case": "IR-1"', b'"case": ""') + b" ")
    assert desk("apply", "p.json").code == 7, "not one byte"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["{bob}"], "its key stands for nobody in approvers now"),
        (['alice valid-before="20200101" {alice}'], "key has expired"),
        (['alice valid-after="20990101" {alice}'], "not yet valid"),
        (["*@example.com {alice}"], "which is no one person"),
        (['alice namespaces="git" {alice}'], "it was made for another plan"),
    ],
)
def test_a_signer_who_is_not_allowed_counts_for_nothing(desk: Office, lines: list[str], why: str) -> None:
    assert desk.sign(ALICE).code == 0
    desk.allow(*(line.format(alice=public(desk.keys, ALICE), bob=f"bob {public(desk.keys, BOB)}") for line in lines))
    refused = desk("apply", "p.json")
    assert refused.code == 7
    assert why in refused.err
    (desk.folder / desk.signatures[0]).unlink()
    again = desk.sign(ALICE)
    assert (again.code, desk.signatures) == (7, []), "and would not be written"
    assert "would count for nothing" in again.err


def test_a_signature_made_for_something_else_counts_for_nothing(desk: Office) -> None:
    from nhi_revoke.engine.approval import message_of
    from nhi_revoke.engine.planfile import read_plan

    plan, content = read_plan(desk.folder / "p.json")
    desk.by_hand(ALICE, message_of(content, plan), "git")
    refused = desk("apply", "p.json")
    assert refused.code == 7
    assert "namespace" in refused.err
    desk.by_hand(ALICE, content)
    assert desk("apply", "p.json").code == 7
    (desk.folder / "p.json.sig").write_text("no signature")
    assert desk("apply", "p.json").code == 7
    (desk.folder / "p.json.sig").write_bytes(b"x" * 70000)
    assert "too long" in desk("apply", "p.json").err


def test_who_made_the_plan_does_not_approve_it_where_people_are_known(desk: Office) -> None:
    rules = desk.rules
    desk.rules = f'{rules}\n[approval.people]\n"{ALICE}" = ["example:bot/resp*"]\n"{BOB}" = ["example:bot/other"]'
    own = desk.sign(ALICE)
    assert (own.code, desk.signatures) == (7, [])
    assert f"{ALICE} is example:bot/responder, who made the plan: it needs somebody else" in own.err
    assert desk.sign(BOB).code == 0
    desk.rules = f'{rules}\n[approval.people]\n"{ALICE}" = ["example:bot/resp*"]'
    assert "does not say which operator bob@example.com is" in desk("apply", "p.json").err


def test_whoever_carries_it_out_needs_somebody_else_though_the_file_names_another_planner(desk: Office) -> None:
    desk.rules += f'\n[approval.people]\n"{ALICE}" = ["example:bot/resp*"]'
    file = desk.folder / "p.json"
    forged = json.loads(file.read_bytes())
    forged["operator"] = [{"provider": "example", "kind": "bot", "id": "somebody"}]
    file.write_text(json.dumps(forged))
    assert desk.sign(ALICE).code == 0
    ran = desk("apply", "p.json")
    assert ran.code == 7
    assert f"{ALICE} is example:bot/responder, who carries it out: it needs somebody else" in ran.err


def test_a_command_that_plans_itself_is_refused_before_anything_is_looked_at(desk: Office) -> None:
    calls = len(list(desk.cli.world.sandbox.calls()))
    ran = desk("revoke", BOT, "--rotate", "no", "--yes")
    assert ran.code == 7
    assert ran.err == (
        "Error (not-approved): nhi.toml demands the agreement of 1 person by signature for this, and 0 agreed. Nothing "
        "was changed. Save the plan, let somebody else approve it, then apply it. In an emergency --break-glass REASON "
        "does it alone, and the report says so.\n"
        "Next: nhi-revoke plan example:bot/ledger-bot --rotate no --save plan.json\n"
    )
    assert "--order rollover" in desk("rotate", "payments-bot", "--yes").err
    assert len(list(desk.cli.world.sandbox.calls())) == calls
    assert desk("revoke", BOT, "--rotate", "no", "--dry-run").code == 0


def test_only_what_is_demanded(desk: Office) -> None:
    desk.rules += '\nfor = ["irreversible"]'
    assert "demands" in desk("revoke", "payments-bot", "--rotate", "now", "--yes", "--allow-irreversible").err
    declined = desk("revoke", BOT, "--rotate", "no", tty=True, typed="n\n")
    assert "declined" in declined.err
    noted = desk("revoke", BOT, "--rotate", "no", *GLASS, tty=True, typed="n\n")
    assert "demands no approval of this: --break-glass changes nothing" in noted.err


def test_without_ssh_keygen_it_says_what_to_install(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.sign(ALICE)
    monkeypatch.setenv("PATH", "")
    for words in (("apply", "p.json"), ("approve", "p.json", "--key", "k", "--confirm", BOT)):
        ran = desk(*words)
        assert ran.code == 7
        assert "Install OpenSSH's client programs" in ran.err


def test_which_key_is_asked_for(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    nothing = desk("approve", "p.json", "--confirm", BOT)
    assert nothing.code == 2
    assert "no agent holds a key" in nothing.err
    missing = desk("approve", "p.json", "--confirm", BOT, "--key", "missing")
    assert (missing.code, desk.signatures) == (7, [])
    desk.rules += f'\nkey = "{desk.keys / BOB}"'
    assert f"by {BOB}" in desk("approve", "p.json", "--confirm", BOT).out


def test_a_key_that_an_agent_holds(desk: Office, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()  # it says where it listens once it does
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        for name in (EVE, ALICE):
            subprocess.run(["ssh-add", "-q", str(keys / name)], check=True, stdin=subprocess.DEVNULL)
        assert f"by {ALICE}" in desk("approve", "p.json", "--confirm", BOT).out, "the only one that is allowed"
    finally:
        agent.terminate()
        agent.communicate()


def test_an_approver_without_the_list_cannot_tell_whether_it_counts(desk: Office) -> None:
    desk.rules = "required = 0"
    ran = desk("approve", "p.json", "--key", str(desk.keys / ALICE), "--confirm", BOT)
    assert "it cannot be told here whether it counts" in ran.out
    desk.rules = 'allowed_signers = "approvers"'
    made = desk("approve", "p.json", "--key", str(desk.keys / BOB), "--confirm", BOT, "-o", "json")
    data = check(made, "approve")["data"]
    assert set(data["approved_by"]) == {ALICE, BOB}
    assert (data["signer"], data["required"], data["signature"]) == (BOB, 1, f"p.json.{BOB}.sig")


def test_config_shows_it_with_its_lines(desk: Office) -> None:
    shown = desk("config").out
    assert "approval.allowed_signers" in shown
    assert "approval.toml:" in shown
    desk.rules = 'allowed_signers = "nowhere"'
    desk.by_hand(ALICE, b"x")
    ran = desk("apply", "p.json")
    assert ran.code == 2
    assert "nowhere, which is no file" in ran.err
