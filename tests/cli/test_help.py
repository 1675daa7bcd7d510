"""Help and mistyped words: whole screens, nearest matches, and no module loaded that nobody called."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nhi_revoke import __version__
from nhi_revoke.cli.topics import TOPICS
from nhi_revoke.completion.table import COMMANDS, TOPIC_NAMES

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

ROOT_HELP = """\
Usage: nhi-revoke [OPTIONS] COMMAND [ARGS]...

  End every live session and key of a bot, service account, workload, app or
  agent; replace; prove it.

Options:
  -V, --version  Print the version.
  -h, --help     Show this message and exit.

Look:
  list    Every live way in, what it reaches, and what could not be seen.
  audit   The same, judged by the exit code: 0 means nothing live and nothing
          unseen.
  find    Principals by name, what a repository's jobs hold, or who uses a
          key.
  triage  What a leaked credential is, whether it is alive, and whose;
          --revoke goes on.
  plan    What `revoke` would do, in order, with what breaks and what stays.

Act:
  revoke    End every session and key now, then replace what has a delivery
            target.
  rotate    Replace first, prove the new one, then end the old one and its
            sessions.
  approve   Sign a saved plan, where it needs more than one person.
  apply     Carry out a saved plan, without a prompt.
  campaign  Many identities at once: plan, apply in waves, status, undo, one
            report.
  worker    Work on campaigns of a database, beside other machines.
  resume    Go on with a run that was interrupted or crashed.

After a run:
  hold     Keep what a run ended ended, until the last residual has passed.
  verify   Look again, later. Changes nothing.
  release  Take the brakes off, so that the replacement works.
  undo     Take back what a run touched and can be taken back.
  finish   After the soak: delete what the run disabled.

Records:
  runs        The journals on this machine; export and import them.
  report      The report of a run, from its journal alone.
  identities  The identity map of nhi.toml, and whether it holds.

Support:
  providers    Installed providers, and what each can end.
  permissions  Permissions that each stage needs, per provider.
  doctor       Whether providers load, who you are on each, what you would
               need.
  config       Every setting, and where its value comes from.
  schema       JSON Schema of the output.
  demo         The whole job against a sandbox on this machine, with an
               intruder who tries every door.
  help         Topics: exit-codes, environment, identities, formats, approval,
               safety, reasons, completion.

  Nothing is changed by list, audit, find, plan, verify and report.  Topics:
  nhi-revoke help
"""


def program(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, 80 columns wide."""
    environ = {"COLUMNS": "80", "PATH": "/usr/bin:/bin", **more}
    return subprocess.run(
        [sys.executable, "-m", "nhi_revoke", *words], capture_output=True, text=True, check=False, env=environ
    )


def bare(*words: str) -> subprocess.CompletedProcess[str]:
    """Python without what measures it: that would load modules of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, env=environ)


def test_the_whole_first_screen() -> None:
    ran = program("--help")
    assert ran.stdout == ROOT_HELP
    assert ran.returncode == 0
    assert program().stdout == ROOT_HELP


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_command_has_help_with_an_example_or_a_sentence(row: Any) -> None:
    ran = program(row.name, "--help")
    assert ran.returncode == 0
    assert ran.stdout.startswith(f"Usage: nhi-revoke {row.name} [OPTIONS]")
    for common in ("--output", "--out", "--quiet", "--verbose", "--no-color", "--no-input", "--config", "--debug"):
        assert common in ran.stdout
    assert "\x1b" not in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 96


def test_version_in_every_spelling() -> None:
    for words in (["--version"], ["-V"]):
        ran = program(*words)
        assert (ran.stdout, ran.returncode) == (f"nhi-revoke {__version__}\n", 0)


def test_the_fast_path_loads_next_to_nothing() -> None:
    code = (
        "import sys; sys.argv[1:] = sys.argv[2:]\n"
        "from nhi_revoke.__main__ import main\n"
        "main(); print(*sorted(m for m in sys.modules if '.' not in m or m.startswith('nhi_revoke')))"
    )
    for words in (["--version"], ["__complete", "re"]):
        ran = bare("-c", code, "-", *words)
        loaded = set(ran.stdout.splitlines()[-1].split())
        assert not loaded & {"typer", "msgspec", "rich", "httpx", "json", "argparse", "asyncio", "nhi_revoke.model"}


def test_help_and_plain_output_load_no_rich_and_no_provider() -> None:
    code = (
        "import sys; sys.argv = ['x', *sys.argv[1:]]\n"
        "from nhi_revoke.__main__ import main\n"
        "main(); print(*sorted(m for m in sys.modules), file=sys.stderr)"
    )
    for words in (["--help"], ["help", "safety"], ["runs"]):
        ran = bare("-c", code, *words)
        loaded = set(ran.stderr.split())
        assert not loaded & {"rich", "httpx", "pydantic", "asyncio", "nhi_revoke_local", "nhi_revoke_aws"}, words


def test_the_nearest_command_and_option(cli: Cli) -> None:
    ran = cli("revok", "payments-bot")
    assert ran.code == 2
    assert ran.err == (
        "Error (unknown-command): there is no command 'revok'. Nothing was done.\n"
        "Next: Did you mean nhi-revoke revoke?\n"
    )
    ran = cli("zzz")
    assert "nhi-revoke --help  lists the commands." in ran.err
    ran = cli("revoke", "payments-bot", "--cut-trsut", "x")
    assert ran.code == 2
    assert "--cut-trust" in ran.err
    assert ran.err.endswith("Next: nhi-revoke revoke --help\n")
    for words, of in ((("campaign", "apply", "saved.plan", "--yes"), "campaign apply"), (("--nope",), "")):
        ran = cli(*words)
        assert ran.code == 2
        assert ran.err.endswith(f"Next: {f'nhi-revoke {of}'.rstrip()} --help\n")


def test_options_before_the_command_belong_to_it(cli: Cli) -> None:
    ran = cli("--no-color", "-o", "csv", "runs")
    assert ran.code == 0
    assert ran.out == "run,identity,verb,state,started,headline,exit_code,may\r\n"


def test_every_topic(cli: Cli) -> None:
    assert tuple(TOPICS) == TOPIC_NAMES
    listed = cli("help").out
    for name in TOPICS:
        assert name in listed
        assert cli("help", name).out == TOPICS[name].text()
    assert "nhi-revoke revoke --help" in cli("help", "revoke").out
    ran = cli("help", "exit-code")
    assert ran.code == 2
    assert 'Did you mean "exit-codes"?' in ran.err
