"""Where other people must agree, they sign a saved campaign: real OpenSSH signatures, and what they count for."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from nhi_revoke.campaign.saved import read_header
from nhi_revoke.engine.approval import message_of, signed_of_campaign
from nhi_revoke.engine.consent import Consent
from nhi_revoke.engine.planfile import read_plan
from tests.campaign.doubles import Control, install
from tests.cli.campaigned import BOTS, data

from .conftest import Cli, Ran
from .office import ALICE, BOB, BOT, EVE, GLASS, Office, made_keys, public

CAMPAIGN = "campaign.plan"
PLAN = ("campaign", "plan", "bots.csv", "--rotate", "no", "--save", CAMPAIGN, "--overwrite")
APPLY = ("campaign", "apply", CAMPAIGN, "--no-work")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def office(cli: Cli, keys: Path) -> Office:
    (cli.world.folder / "bots.csv").write_text(BOTS)
    return Office(cli, keys)


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    return install(monkeypatch)


def sign(office: Office, name: str, *more: str, typed: str = "y\n", tty: bool = True) -> Ran:
    return office("approve", CAMPAIGN, "--key", str(office.keys / name), *more, tty=tty, typed=typed)


def consent_of(control: Control) -> Consent | None:
    """By which a campaign was begun."""
    return control.consent


def by_hand(office: Office, name: str, message: bytes) -> None:
    words = ["ssh-keygen", "-Y", "sign", "-n", "nhi-revoke-plan", "-f", str(office.keys / name)]
    done = subprocess.run(words, input=message, capture_output=True, check=True)
    (office.folder / f"{CAMPAIGN}.sig").write_bytes(done.stdout)


def test_somebody_else_reads_and_signs_a_campaign_and_then_it_begins(office: Office, control: Control) -> None:
    made = office(*PLAN)
    assert made.out.endswith(
        f"Next: nhi-revoke approve {CAMPAIGN}   # somebody else\n      nhi-revoke campaign apply {CAMPAIGN}\n"
    )
    refused = office(*APPLY)
    assert refused.code == 7
    assert "the agreement of 1 person by signature for 2 of the 2 plans of this campaign; 0 agreed" in refused.err
    assert f"Next: nhi-revoke approve {CAMPAIGN}   # somebody else, as the allowed signers say\n" in refused.err
    assert consent_of(control) is None
    signed = sign(office, ALICE)
    assert signed.code == 0
    for said in (
        "SIGNED IS, whatever the sentences above say  payments, planned by example:bot/responder",
        "SIGNED IS, whatever the sentences above say  ledger, planned by example:bot/responder",
        "BREAKS\n  example:bot/ledger-bot",
        "cut  example:session/revoke-older  on example:bot/ledger-bot",
        "gone: nothing is done (example:bot/nobody: Example Cloud refused",
        "6 changes, 0 of them IRREVERSIBLE, on 2 identities, from bots.csv",
        "Approve 6 changes on 2 identities? [y/N] ",
    ):
        assert said in signed.err
    assert f"Next: nhi-revoke campaign apply {CAMPAIGN}" in signed.out
    assert office.signatures == [f"{CAMPAIGN}.{ALICE}.sig"]
    ran = office(*APPLY)
    assert f"APPROVED  by {ALICE} (SHA256:" in ran.err
    consent = consent_of(control)
    assert consent is not None
    approval = consent.approval
    assert approval is not None
    assert (approval.required, [each.name for each in approval.signers], approval.break_glass) == (1, [ALICE], "")
    assert approval.plan_sha256 == hashlib.sha256((office.folder / CAMPAIGN).read_bytes()).hexdigest()
    assert not office.cli.mutations, "nobody works here"


def test_what_was_signed_is_what_begins(office: Office, control: Control) -> None:
    """Neither another plan of the same identities nor a single one of them, and no signature of anything else."""
    office(*PLAN)
    sign(office, ALICE)
    office.cli.world.clock.advance(60)
    office(*PLAN)
    ran = office(*APPLY)
    assert ran.code == 7
    assert "it was made for another plan, for this one before it was changed, or for no plan" in ran.err
    office("plan", BOT, "--rotate", "no", "--save", "p.json")
    plan, content = read_plan(office.folder / "p.json")
    (office.folder / f"{CAMPAIGN}.{ALICE}.sig").unlink()
    by_hand(office, ALICE, message_of(content, plan))
    assert office(*APPLY).code == 7
    header = read_header(office.folder / CAMPAIGN)
    by_hand(office, ALICE, signed_of_campaign(header.digest, "0" * 64, ()).message)
    assert office(*APPLY).code == 7
    assert consent_of(control) is None
    sha256 = hashlib.sha256((office.folder / CAMPAIGN).read_bytes()).hexdigest()
    by_hand(office, ALICE, signed_of_campaign(header.digest, sha256, ()).message)
    office(*APPLY)
    assert consent_of(control) is not None, "the others were refused for what they signed alone"


def test_whoever_planned_any_of_it_may_not_approve_it(office: Office, control: Control) -> None:
    office.rules += f'\npeople = {{ "{ALICE}" = ["example:bot/responder"], "{BOB}" = ["example:user/bob"] }}'
    office(*PLAN)
    ran = sign(office, ALICE)
    assert ran.code == 7
    assert f"{ALICE} is example:bot/responder, who made the plan: it needs somebody else" in ran.err
    assert office.signatures == []
    assert sign(office, BOB).code == 0
    office(*APPLY)
    assert consent_of(control) is not None


def test_a_signature_must_count_for_every_part_of_it(office: Office, control: Control) -> None:
    folder = office.folder / "tenants"
    folder.mkdir()
    (office.folder / "bots.csv").write_text(
        "principals,config\nexample:bot/ledger-bot,eu.toml\nexample:bot/payments-bot,us.toml\n"
    )
    office.cli.world.config()
    text = (office.folder / "nhi.toml").read_text()
    for name, who in (("eu", ALICE), ("us", BOB)):
        (folder / name).write_text(f"{who} {public(office.keys, who)}\n")
        (folder / f"{name}.toml").write_text(f'{text}\n[approval]\nallowed_signers = "{name}"\n')
    office(*PLAN, "--tenants", "tenants")
    assert (sign(office, ALICE).code, sign(office, BOB).code) == (0, 0)
    ran = office(*APPLY)
    assert ran.code == 7
    assert "for 1 of the 2 plans of this campaign; 0 agreed" in ran.err
    assert consent_of(control) is None
    (folder / "us").write_text("".join(f"{who} {public(office.keys, who)}\n" for who in (ALICE, BOB)))
    office(*APPLY)
    consent = consent_of(control)
    assert consent is not None
    assert consent.approval is not None
    assert [each.name for each in consent.approval.signers] == [ALICE]


def test_consent_is_typed_by_somebody_who_read_it(office: Office, control: Control) -> None:
    office(*PLAN)
    assert sign(office, ALICE, tty=False).code == 7
    assert sign(office, ALICE, typed="n\n").code == 7
    wrong = sign(office, ALICE, "--confirm", "3", tty=False)
    assert wrong.code == 7
    assert "--confirm '3' is not the number of identities of this campaign, which is '2'" in wrong.err
    assert sign(office, EVE, "--confirm", "2", tty=False).code == 7, "no allowed signer"
    assert office.signatures == []
    told = data(sign(office, ALICE, "--confirm", "2", "-o", "json", tty=False))
    assert (told["identity"], told["approved_by"], told["required"]) == ("2 identities", [ALICE], 1)
    assert told["digest"] == read_header(office.folder / CAMPAIGN).digest
    assert consent_of(control) is None


def test_the_report_names_who_agreed(office: Office, control: Control) -> None:
    office(*PLAN)
    sign(office, ALICE)
    office(*APPLY)
    assert consent_of(control) is not None
    ran = office("campaign", "report", "@last", "-o", "json")
    (who,) = data(ran)["approved_by"]
    assert who.startswith(f"{ALICE} (SHA256:")
    assert f"approved by {who}" in office("campaign", "report", "@last").out
    assert f"approved by {who}" in office("campaign", "report", "@last", "-o", "html").out


def test_a_changed_file_and_a_broken_glass(office: Office, control: Control) -> None:
    office(*PLAN)
    sign(office, ALICE)
    path = office.folder / CAMPAIGN
    path.write_bytes(path.read_bytes().replace(b"ledger", b"ledges"))
    assert office(*APPLY).code == 7
    assert sign(office, BOB).code == 7
    assert consent_of(control) is None
    office(*PLAN)
    ran = office(*APPLY, *GLASS)
    assert "BREAK GLASS" in ran.err
    assert control.said() == GLASS[1]
