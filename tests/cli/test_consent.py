"""Who may let what be changed: a terminal is asked, a script must say so, and nothing happens before."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

GENTLE = ("revoke", "example:bot/ledger-bot", "--rotate", "no")
"""Nothing in it is irreversible."""
FINAL = ("revoke", "payments-bot", "--rotate", "now")
"""It deletes a token to free its slot."""
ROOT = Path(__file__).parents[2]


def test_a_terminal_is_asked_and_n_is_the_default(cli: Cli) -> None:
    for answer in ("\n", "n\n", "yess\n", ""):
        ran = cli(*GENTLE, tty=True, typed=answer)
        assert ran.code == 7, answer
        assert "[y/N]" in ran.err
        assert "declined" in ran.err
    assert not cli.mutations


def test_y_carries_it_out(cli: Cli) -> None:
    ran = cli(*GENTLE, tty=True, typed="y\n")
    assert ran.code != 7
    assert cli.mutations
    assert '"consent":"tty"' in journal(cli)


def test_irreversible_changes_want_the_name(cli: Cli) -> None:
    for answer in ("y\n", "yes\n", "payments-bo\n"):
        ran = cli(*FINAL, tty=True, typed=answer)
        assert ran.code == 7
        assert "IRREVERSIBLE. Type payments-bot" in ran.err
    assert not cli.mutations
    ran = cli(*FINAL, tty=True, typed="payments-bot\n")
    assert ran.code != 7
    assert cli.mutations


def test_yes_alone_does_not_allow_the_irreversible(cli: Cli) -> None:
    ran = cli(*FINAL, "--yes")
    assert ran.code == 7
    assert "--allow-irreversible" in ran.err
    assert not cli.mutations
    asked = cli(*FINAL, "--yes", tty=True, typed="no\n")
    assert "Type payments-bot" in asked.err, "at a terminal, the name may still be typed"
    assert not cli.mutations
    assert cli(*FINAL, "--yes", "--allow-irreversible").code != 7
    assert '"consent":"--yes"' in journal(cli)


def test_without_a_terminal_the_exact_command_is_printed_and_works(cli: Cli) -> None:
    ran = cli(*FINAL)
    assert ran.code == 7
    assert not cli.mutations
    command = ran.err.splitlines()[-1].removeprefix("Next: ")
    assert command == "nhi-revoke revoke payments-bot --rotate now --yes --allow-irreversible"
    assert cli(*shlex.split(command)[1:]).code != 7
    assert cli.mutations


def test_no_input_never_asks(cli: Cli) -> None:
    ran = cli(*GENTLE, "--no-input", tty=True, typed="y\n")
    assert ran.code == 7
    assert "[y/N]" not in ran.err
    assert not cli.mutations


def test_confirm_takes_the_name_and_only_that_name(cli: Cli) -> None:
    ran = cli(*FINAL, "--confirm", "ledger-bot", "--allow-irreversible")
    assert ran.code == 7
    assert "ledger-bot" in ran.err
    assert not cli.mutations
    assert cli(*FINAL, "--confirm", "payments-bot", "--allow-irreversible").code != 7
    assert '"consent":"--confirm"' in journal(cli)


def test_the_plan_is_shown_on_stderr_before_the_question(cli: Cli) -> None:
    ran = cli(*GENTLE, tty=True, typed="n\n", environ={"NO_COLOR": "1"})
    assert ran.err.index("all reversible") < ran.err.index("[y/N]")
    assert ran.out == ""


def test_quiet_still_shows_the_plan_to_whoever_is_asked(cli: Cli) -> None:
    assert "all reversible" in cli(*GENTLE, "-q", tty=True, typed="n\n", environ={"NO_COLOR": "1"}).err
    assert "all reversible" not in cli(*GENTLE, "-q").err


def test_guards_hold_before_anybody_is_asked(cli: Cli) -> None:
    cli.protect = ("example:bot/payments-*",)
    ran = cli(*FINAL, tty=True, typed="payments-bot\n")
    assert ran.code == 7
    assert "protected by" in ran.err
    assert "Type payments-bot" not in ran.err
    assert not cli.mutations
    shown = cli("plan", "payments-bot", "-o", "json")
    assert shown.code == 0
    assert shown.json["errors"][0]["code"] == "protected"
    assert "this plan would be refused" in cli("plan", "payments-bot").out


def test_more_than_max_accesses(cli: Cli) -> None:
    ran = cli(*FINAL, "--yes", "--allow-irreversible", "--max-accesses", "1")
    assert ran.code == 7
    assert "--max-accesses" in ran.err
    assert not cli.mutations


def test_a_plan_without_steps_says_so_and_does_not_ask(cli: Cli) -> None:
    ran = cli("revoke", "example:bot/helper-bot", "--scope", "example:token/none", tty=True)
    assert "NOTHING TO DO" in ran.out
    assert "[y/N]" not in ran.err
    assert ran.code in (0, 6, 8, 9)
    assert not cli.mutations


def test_a_scope_that_names_nothing_is_no_success(cli: Cli) -> None:
    """A mistyped id: it said 0, and that nothing is live, while all of it was."""
    words = ("revoke", "example:bot/ledger-bot", "--scope", "example:token/tok_0O09", "--yes")
    ran = cli(*words, "-o", "json")
    assert (ran.code, ran.json["status"]) == (8, "partial")
    told = [notice["says"] for notice in ran.json["data"]["notices"]]
    assert "--scope example:token/tok_0O09 leaves nightly working" in told
    (vain,) = [each for each in told if "no access of this id is listed here" in each]
    assert vain.endswith("Did you mean example:token/tok_0009?")
    assert "but see above for what is open, left or unseen" in cli(*words).out
    assert not cli.mutations


def test_a_real_terminal(cli: Cli) -> None:
    """The whole program at a pseudo-terminal: prompt on it, answer from it, report on it."""
    cli.world.config()
    example = ROOT / "tests" / "example_provider"
    environ = {
        **os.environ,
        "PYTHONPATH": f"{example}{os.pathsep}{example / 'installed'}",
        "NHI_REVOKE_CONFIG": str(cli.world.folder / "nhi.toml"),
        "NHI_REVOKE_STATE": str(cli.world.state),
        "NHI_REVOKE_PROVIDERS": "example",
        "TERM": "xterm",
        "COLUMNS": "100",
    }
    for name in ("NO_COLOR", "CI"):
        environ.pop(name, None)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "nhi_revoke", *GENTLE]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environ, cwd=ROOT)
    os.close(follower)
    seen = read_until(leader, b"[y/N]")
    assert not cli.mutations, "something was changed before the answer"
    os.write(leader, b"y\n")
    seen += read_until(leader, None)
    code = process.wait(timeout=30)
    text = seen.decode()
    assert code in (0, 6, 8, 9)
    assert "\x1b[" in text
    assert "sha256" in text
    assert cli.mutations


def read_until(leader: int, mark: bytes | None) -> bytes:
    """Everything up to the mark, or to the end."""
    seen = b""
    while mark is None or mark not in seen:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    return seen


def journal(cli: Cli) -> str:
    """The newest one."""
    return max((cli.world.state / "runs").iterdir()).read_text()
