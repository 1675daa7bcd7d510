"""What options mean: times, deliveries, reasons, scopes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import typer

from nhi_revoke.cli.reasons import DEFAULTS
from nhi_revoke.cli.spans import duration, moment_of
from nhi_revoke.model.error import Usage
from nhi_revoke.model.intent import Reason

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TRUST = "example:trust/org-1/payments-bot/partner:sync-bot"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("90s", 90), ("30m", 1800), ("12h", 43200), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800), ("0", 0)],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "soon", "5 weeks", "-5", "1h x", "h"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h ago", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("12h", datetime(2026, 1, 31, 0, tzinfo=UTC)),
        ("2026-01-31T11:00Z", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        ("2026-01-31T11:00", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        ("2026-01-31T11:00+02:00", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_moments(text: str, at: datetime) -> None:
    assert moment_of(text, NOON, "--since") == at


def test_what_is_no_moment() -> None:
    with pytest.raises(Usage, match="--since: 'yesterday' is no time"):
        moment_of("yesterday", NOON, "--since")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_picks_defaults_and_never_the_order(cli: Cli, reason: Reason) -> None:
    intent = cli("plan", "payments-bot", "--reason", reason.value, "-o", "json").json["data"]["intent"]
    defaults = DEFAULTS[reason]
    assert (intent["scope"], intent["rotate"], intent["order"]) == (defaults.scope, defaults.rotate, "contain")
    assert intent["replace"] == ([] if defaults.rotate == "no" else ["example:token"])
    flags = ("--scope", "keys", "--rotate", "now")
    intent = cli("plan", "payments-bot", "--reason", reason.value, *flags, "-o", "json").json["data"]["intent"]
    assert (intent["scope"], intent["rotate"]) == ("keys", "now")


def test_a_breach_proposes_trusts_for_cutting_until_they_are_cut_or_kept(cli: Cli) -> None:
    proposed = f"--cut-trust {TRUST}"
    words = ("plan", "payments-bot", "--reason", "vendor-breach")

    def notices(*more: str) -> str:
        return str(cli(*words, *more, "-o", "json").json["data"]["notices"])

    assert f"proposed for cutting: partner:sync-bot may mint sessions   {proposed}" in notices()
    assert proposed not in notices("--cut-trust", TRUST)
    assert proposed not in notices("--keep-trust", TRUST)
    assert proposed not in str(cli("plan", "payments-bot", "-o", "json").json["data"]["notices"])


@pytest.mark.parametrize("flag", ["--cut-trust", "--keep-trust", "--free-slot"])
def test_an_id_that_nothing_has_is_told_with_the_nearest_and_holds_nothing_up(cli: Cli, flag: str) -> None:
    wrong = f"{TRUST}x"
    ran = cli("plan", "payments-bot", flag, wrong, "-o", "json")
    assert ran.code == 0
    [said] = [n for n in ran.json["data"]["notices"] if wrong in n["says"]]
    assert said["level"] == "danger"
    assert said["says"].endswith(f"nothing is done for it. Did you mean {TRUST}?")
    assert ran.json["data"]["steps"]
    right = cli("plan", "payments-bot", flag, TRUST, "-o", "json")
    assert "nothing is done for it" not in str(right.json["data"]["notices"])


def test_a_named_trust_that_no_step_cuts_is_told(cli: Cli) -> None:
    """A rotation ends what it replaces, and no trust."""
    plan = ("plan", "payments-bot", "--rotate", "now", "--cut-trust", TRUST, "-o", "json")
    assert "no step of this plan cuts it" not in str(cli(*plan).json["data"]["notices"])
    ran = cli("rotate", "payments-bot", "--cut-trust", TRUST, "--dry-run", "-o", "json")
    assert "no step of this plan cuts it" in str(ran.json["data"]), ran


def test_scope_says_what_it_leaves(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "--scope", "sessions")
    assert "DANGER: --scope sessions leaves ci working" in ran.out


def test_a_delivery_for_a_bare_principal(cli: Cli) -> None:
    words = ("plan", "example:bot/ledger-bot", "--rotate", "now")
    ran = cli(*words, "--deliver", "example:token=example-vault:ledger", "-o", "json")
    assert ran.json["data"]["intent"]["replace"] == ["example:token"]
    assert "mint" in {step["phase"] for step in ran.json["data"]["steps"]}
    for bad in (
        "example:token",
        "example:token=",
        "=example-vault:x",
        "example:tokne=example-vault:x",
        "example:token=s3:x",
    ):
        assert cli(*words, "--deliver", bad).code == 2, bad


def test_a_delivery_on_the_command_line_wins_over_the_map(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "--deliver", "example:token=example-vault:elsewhere", "-o", "json")
    assert [each["to"] for each in ran.json["data"]["identity"]["deliver"]] == ["example-vault:elsewhere"]


def test_rotate_refuses_what_contradicts_it(cli: Cli) -> None:
    assert cli("rotate", "payments-bot", "--rotate", "no", "-n").code == 2
    assert cli("rotate", "payments-bot", "--reason", "offboarding", "-n").code == 2
    assert cli("revoke", "payments-bot", "--keep-sessions", "-n").code == 2
    ran = cli("rotate", "example:bot/ledger-bot", "-n")
    assert ran.code == 2
    assert "--deliver KIND=STORE:ADDRESS" in ran.err


def test_hold_takes_one_end(cli: Cli) -> None:
    ran = cli("hold", "@last", "--for", "1h", "--until", "2026-01-31T14:00Z")
    assert ran.code == 2
    assert cli("hold", "@last", "--for", "soon").code == 2


def test_accept_wants_a_reason(cli: Cli) -> None:
    for bad in ("example:token/tok_0008", "example:token/tok_0008=", "=known"):
        assert cli("audit", "payments-bot", "--accept", bad).code == 2
    shown = cli("audit", "payments-bot", "--no-logs", "--accept", "example:token/tok_0008=the release job").out
    assert "ACCEPTED  example:token/tok_0008" in shown
    assert "the release job" in shown
    assert shown.startswith("NOT PASSED\nLIVE "), "the verdict first, and again where the terminal ends"
    assert shown.endswith("NOT PASSED\n")
