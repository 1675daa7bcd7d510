"""Completion in a real bash; the static scripts equal to what the command line is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nhi_revoke.completion.answer import answers
from nhi_revoke.completion.generate import FILES, scripts
from nhi_revoke.completion.grammar import commands
from nhi_revoke.completion.table import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "completions"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an identity map and two runs."""
    (tmp_path / "nhi.toml").write_text(
        '[identity.payments-bot]\nprincipals = ["x:y/z"]\n[[identity.payments-bot.deliver]]\n'
        '[identity."ledger-bot"]\n  [identity.shop] # small\n[identity]\n# [identity.gone]\n'
    )
    runs = tmp_path / "state" / "runs"
    runs.mkdir(parents=True)
    for name in ("20260101T000000Z-aaaaaa.jsonl", "20260202T000000Z-bbbbbb.jsonl", "lock"):
        (runs / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NHI_REVOKE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("NHI_REVOKE_CONFIG", raising=False)
    return tmp_path


def completed(line: str) -> list[str]:
    """What bash offers after Tab at the end of the line."""
    words = line.split(" ")
    script = (
        f'source "{FOLDER / "nhi-revoke.bash"}"\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"\n'
        "compopt() { :; }\n"
        '_nhi_revoke; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    program = Path(sys.executable).with_name("nhi-revoke")
    ran = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", str(program), *words[1:]], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return [each for each in ran.stdout.splitlines() if each]


def test_the_files_are_what_the_command_line_is() -> None:
    made = scripts()
    assert tuple(made) == FILES
    for name, content in made.items():
        assert (FOLDER / name).read_text() == content, "run: python -m nhi_revoke.completion.generate completions"


def test_every_command_and_option_is_in_every_script() -> None:
    bash, zsh, fish = scripts().values()
    for command in commands():
        for content in (bash, zsh, fish):
            assert command.name in content
        for option in command.options:
            for name in option.names:
                assert name in bash
                assert name in zsh
                assert f" -{'l' if name.startswith('--') else 's'} {name.lstrip('-')} " in fish


def test_bash_completes_commands_and_options(home: Path) -> None:
    assert completed("nhi-revoke re") == ["revoke", "resume", "release", "report"]
    assert set(completed("nhi-revoke ")) == {row.name for row in COMMANDS}
    assert completed("nhi-revoke revoke --allow") == ["--allow-irreversible"]
    assert completed("nhi-revoke -v revoke --allow") == ["--allow-irreversible"]
    assert completed("nhi-revoke verify --allow") == []
    assert completed("nhi-revoke revoke --rotate ") == ["wait", "now", "no"]
    assert completed("nhi-revoke list -o n") == ["ndjson"]
    assert completed("nhi-revoke help ex") == ["exit-codes"]
    assert completed("nhi-revoke schema plan") == ["plan"]


def test_bash_completes_identities_and_runs_of_this_machine(home: Path) -> None:
    assert completed("nhi-revoke revoke pay") == ["payments-bot"]
    assert completed("nhi-revoke list ") == ["payments-bot", "ledger-bot", "shop"]
    assert completed("nhi-revoke verify 20260202") == ["20260202T000000Z-bbbbbb"]
    assert completed("nhi-revoke undo @") == ["@last"]
    assert completed("nhi-revoke runs e") == ["export"]


def test_answers_come_from_local_state_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(["audit", "l"]) == ["ledger-bot"]
    assert answers(["report", ""])[:3] == ["@last", "20260202T000000Z-bbbbbb", "20260101T000000Z-aaaaaa"]
    assert answers(["runs", "export", "2026010"]) == ["20260101T000000Z-aaaaaa"]
    assert answers(["doctor", ""]) == []
    assert answers([]) == [row.name for row in COMMANDS]
    other = home / "other.toml"
    other.write_text("[identity.other]\n")
    monkeypatch.setenv("NHI_REVOKE_CONFIG", str(other))
    assert answers(["list", ""]) == ["other"]


def test_answers_without_any_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NHI_REVOKE_STATE", "NHI_REVOKE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert answers(["list", ""]) == []
    assert answers(["report", ""]) == ["@last"]
    config = tmp_path / "none" / "nhi-revoke"
    config.mkdir(parents=True)
    (config / "nhi.toml").write_text("[identity.mine]\n")
    assert answers(["list", ""]) == ["mine"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_that_is_here_reads_its_script(shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        assert shell != "bash"
        assert not os.environ.get("NHI_REVOKE_ALL_SHELLS"), f"{shell} was to be tested and is not installed"
        return
    if shell == "fish":
        asked = (
            f"source {FOLDER / 'nhi-revoke.fish'}; complete -C 'nhi-revoke rele'; complete -C 'nhi-revoke list --no-l'"
        )
        offered = subprocess.run([found, "-N", "-c", asked], capture_output=True, text=True, check=True).stdout
        assert [each.split("\t")[0] for each in offered.splitlines()] == ["release", "--no-logs"]
    ran = subprocess.run(
        [found, "-n", str(FOLDER / f"nhi-revoke.{shell}")], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
