"""What a person is told to type next does no more than what was shown."""

from __future__ import annotations

from .conftest import TRUST, Cli


def next_of(text: str) -> list[str]:
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("Next: "))
    return [line.removeprefix("Next:").strip() for line in lines[first:] if line.startswith(("Next: ", "      "))]


def test_after_a_plan_the_command_has_its_flags(cli: Cli) -> None:
    flags = ("--brake", "off", "--scope", "keys", "--cut-trust", TRUST, "--settle", "90s", "--case", "INC 7")
    ran = cli("plan", "payments-bot", *flags)
    assert next_of(ran.out) == [
        f"nhi-revoke revoke payments-bot --case 'INC 7' --scope keys --brake off --settle 90 --cut-trust {TRUST}"
    ]


def test_after_a_plan_of_a_rollover_it_is_rotate(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "--order", "rollover", "--grace", "10m", "--keep-sessions")
    assert next_of(ran.out) == ["nhi-revoke rotate payments-bot --grace 600 --keep-sessions"]


def test_long_times_are_written_out(cli: Cli) -> None:
    ran = cli("plan", "payments-bot", "--settle", "336h")
    assert next_of(ran.out) == ["nhi-revoke revoke payments-bot --settle 1209600"]


def test_another_map_is_named_again(cli: Cli) -> None:
    file = str(cli.world.folder / "nhi.toml")
    cli("identities")  # writes it
    assert next_of(cli("plan", "payments-bot", "--config", file).out) == [
        f"nhi-revoke revoke payments-bot --config {file}"
    ]


def test_without_flags_there_are_none(cli: Cli) -> None:
    assert next_of(cli("plan", "payments-bot").out) == ["nhi-revoke revoke payments-bot"]


def test_after_a_run_what_was_narrowed_stays_so(cli: Cli) -> None:
    ran = cli("revoke", "payments-bot", "--brake", "off", "--rotate", "no", "--scope", "sessions", "--yes")
    assert f"nhi-revoke revoke payments-bot --scope sessions --rotate no --brake off --cut-trust {TRUST}" in ran.out
