"""Completion in real shells; the static scripts and the manual page equal to what the command line is."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from nhi_revoke.completion.answer import answers, print_answers
from nhi_revoke.completion.generate import FILES, scripts
from nhi_revoke.completion.grammar import Command, commands
from nhi_revoke.completion.local import MOST_BYTES
from nhi_revoke.completion.manual import roff
from nhi_revoke.completion.powershell import powershell
from nhi_revoke.completion.table import COMMANDS
from nhi_revoke.model.found import Access, Family
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Noted, Opened, Sealed
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.registry import Registry
from tests.cli.shells import FOLDER, SHELLS, buffers, offered, shell

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOT = PrincipalRef("x", "y", "z")
NEWER, OLDER = "20260202T000000Z-bbbbbb", "20260101T000000Z-aaaaaa"
HOSTILE = "x:trust/$(touch pwned);`touch pwned` *"


def access(name: str, family: Family, label: str = "") -> Access:
    return Access(name, BOT, "x:kind", family, "live", label, before={"id": "x:no/access", "family": "trust"})


def journal(identity: str, run: str, *accesses: Access, ends: tuple[str, ...] = ()) -> bytes:
    """As the engine writes one, with a second line."""
    step = Step("s01", "x:kind/end", BOT, Phase.END, "end them", ends=ends)
    plan = Plan(Identity(identity, (BOT,)), Intent(), NOON, (), accesses, (step,))
    opened = Opened(run, "revoke", plan, "digest", (), "--yes", "0", NOON)
    noted = Noted((access("x:later/one", "trust"),), "state", NOON)
    lines: tuple[Opened | Noted, ...] = (opened, noted)
    return b"".join(msgspec.json.encode(Sealed(n, "0" * 64, line)) + b"\n" for n, line in enumerate(lines))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine with an identity map and two runs."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "nhi.toml").write_text(
        '[identity.payments-bot]\nprincipals = ["x:y/z"]\n[[identity.payments-bot.deliver]]\n'
        '[identity."ledger-bot"]\n  [identity.shop] # small\n[identity]\n# [identity.gone]\n'
    )
    runs = folder / "state" / "runs"
    runs.mkdir(parents=True)
    key, old = access("x:key/a", "key", "key a"), access("x:key/b", "secret", "the old one")
    door, grant = access("x:trust/t", "trust", "a partner"), access("x:grant/g", "grant")
    odd = access('x:trust/"quoted"', "trust"), access("x:trust/\x1b[31m", "trust"), access(HOSTILE, "trust", "it")
    newer = journal("payments-bot", NEWER, key, old, door, grant, *odd, ends=("x:key/a", "x:key/b"))
    (runs / f"{NEWER}.jsonl").write_bytes(newer)
    (runs / f"{OLDER}.jsonl").write_bytes(journal("ledger-bot", OLDER, access("x:trust/ledger", "trust", "its own")))
    (runs / "lock").touch()
    return folder


@pytest.fixture
def home(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(machine)
    monkeypatch.setenv("NHI_REVOKE_STATE", str(machine / "state"))
    for name in ("NHI_REVOKE_CONFIG", "NHI_REVOKE_PROVIDERS"):
        monkeypatch.delenv(name, raising=False)
    return machine


def said(*words: str) -> list[str]:
    return [word for word, _ in answers(list(words))]


OFFERS = {
    "": [row.name for row in COMMANDS],
    "re": ["revoke", "resume", "release", "report"],
    "revoke --allow": ["--allow-irreversible"],
    "verify --allow": [],
    "revoke --rotate ": ["wait", "now", "no"],
    "revoke --rotate=n": ["now", "no"],
    "list -o n": ["ndjson"],
    "help ex": ["exit-codes"],
    "schema plan": ["plan"],
    "revoke pay": ["payments-bot"],
    "list ": ["payments-bot", "ledger-bot", "shop"],
    "identities c": ["check"],
    "verify 20260202": [NEWER],
    "undo @": ["@last"],
    "runs e": ["export"],
    "campaign p": ["plan", "pause"],
    "campaign status @": ["@last"],
    "campaign plan --stop": ["--stop-on-failures"],
    "runs export 202601": [OLDER],
    "undo @last ": ["x:key/a", "x:key/b"],
    "undo @last x:key/a x:": ["x:key/b"],
    f"undo {OLDER} x:": [],
    "undo @last --rearm x:key/b": ["x:key/b"],
    "revoke payments-bot --cut-trust x:t": ["x:trust/t"],
    "revoke payments-bot --cut-trust x:grant/g --cut-trust x:t": ["x:trust/t"],
    "revoke payments-bot --keep-trust=x:grant": ["x:grant/g"],
    "plan ledger-bot --cut-trust ": ["x:trust/ledger"],
    "plan nobody --cut-trust ": [],
    "rotate payments-bot --free-slot ": ["x:key/a", "x:key/b"],
    "revoke payments-bot --scope s": ["sessions"],
    "revoke payments-bot --scope x:grant": ["x:grant/g"],
    "audit payments-bot --accept x:key/b": ["x:key/b="],
    "permissions ok": ["okta"],
    "revoke payments-bot --case ": [],
}
"""What is typed after the program -> what every shell offers."""


@pytest.mark.parametrize("name", SHELLS)
def test_every_shell_offers_the_same(name: str, home: Path, tmp_path: Path) -> None:
    lines = [f"nhi-revoke {typed}" for typed in OFFERS]
    found = offered(name, lines, tmp_path)
    assert list(found) == lines
    for typed, expected in OFFERS.items():
        last = typed.rpartition(" ")[2]
        offers = [each for each in found[f"nhi-revoke {typed}"] if "touch pwned" not in unquoted(each)]
        if name == "bash":  # it keeps what stands before its own word breaks, and puts the rest behind that
            kept = last[: max(last.rfind(":"), last.rfind("=")) + 1].rpartition("--keep-trust=")[2]
            offers = [(kept if "--rotate" not in typed else "") + each for each in offers]
        if name == "fish":
            offers = [each.rpartition(f"{last.partition('=')[0]}=")[2] if "=" in last else each for each in offers]
        assert sorted(offers) == sorted(expected), typed
    assert not (home / "pwned").exists()


def unquoted(text: str) -> str:
    return text.replace("\\", "")


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_name_that_an_intruder_chose_is_put_there_quoted(name: str, home: Path, tmp_path: Path) -> None:
    """What the shell inserts is one word, and runs nothing. (fish quotes what it inserts itself.)"""
    typed = "nhi-revoke revoke payments-bot --cut-trust x:trust/" + ("" if name == "bash" else "\\$")
    (line, offers), *_ = offered(name, [typed], tmp_path).items()
    made = buffers(tmp_path)[0] if name == "zsh" else line.removesuffix("x:trust/") + f"x:{offers[-1]}"
    ran = subprocess.run(
        [shell(name), "-f" if name == "zsh" else "--norc", "-c", f"printf '%s\\n' {made.removeprefix('nhi-revoke ')}"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert ran.stdout.splitlines() == ["revoke", "payments-bot", "--cut-trust", HOSTILE]
    assert not (tmp_path / "pwned").exists()
    assert not (home / "pwned").exists()


@pytest.mark.parametrize("name", SHELLS)
def test_every_shell_reads_its_script(name: str) -> None:
    ran = subprocess.run(
        [shell(name), "-n", str(FOLDER / f"nhi-revoke.{name}")], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_manual_page_has_no_warning() -> None:
    page = FOLDER / "nhi-revoke.1"
    ran = subprocess.run(
        [shell("groff"), "-man", "-ww", "-Tutf8", str(page)], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    shown = re.sub("\x1b\\[[0-9;]*m|.\b", "", ran.stdout)  # bold: by an escape, or struck twice
    for each in commands():
        assert f"nhi-revoke {each.name}" in shown
    words = " ".join(shown.split())
    for wanted in ("--cut-trust ID", "NHI_REVOKE_PAGER", "EXIT STATUS", "ID='used by"):
        assert wanted in words


def test_the_files_are_what_the_command_line_is() -> None:
    made = scripts()
    assert tuple(made) == FILES
    for name, content in made.items():
        assert (FOLDER / name).read_text() == content, "run: python -m nhi_revoke.completion.generate completions"


def test_every_command_and_option_is_in_every_script() -> None:
    bash, zsh, fish, powershell, manual = scripts().values()
    page = manual.replace("\\-", "-")
    assert "UNTESTED" in powershell
    for command in commands():
        for content in (bash, zsh, fish, powershell, page):
            assert command.name in content
        for option in command.options:
            for name in option.names:
                for content in (bash, zsh, powershell, page):
                    assert name in content
                assert f" -{'l' if name.startswith('--') else 's'} {name.lstrip('-')} " in fish


def test_what_a_powershell_string_holds_is_told_apart() -> None:
    command = Command("it's", "don’t $(run) `this`", (), ("a", "b'c"))
    script = powershell([command])
    assert "'it''s' = 'don''t $(run) `this`'" in script
    assert "'it''s' = @('a', 'b''c')" in script


def test_roff_shows_a_text_as_it_is() -> None:
    assert roff(".cut -x \\ 'a' `b` …") == "\\&.cut \\-x \\e \\(aqa\\(aq \\(gab\\(ga \\[u2026]"


def test_answers_come_from_local_state_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("audit", "l") == ["ledger-bot"]
    assert said("report", "")[:3] == ["@last", NEWER, OLDER]
    assert said("runs", "export", "2026010") == [OLDER]
    assert said("doctor", "") == []
    assert said() == [row.name for row in COMMANDS]
    other = home / "other.toml"
    other.write_text("[identity.other]\n")
    monkeypatch.setenv("NHI_REVOKE_CONFIG", str(other))
    assert said("list", "") == ["other"]


def test_an_access_is_offered_with_what_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_answers(["undo", NEWER[:10], "x:key/b"]) == 0
    assert capsys.readouterr().out == "x:key/b\tthe old one\n"
    assert answers(["undo", "payments-bot", "x:key/a"]) == [("x:key/a", "key a")]
    assert [says for _, says in answers(["revoke", "--cut-trust", "x:trust/t"])] == ["a partner"], "of the newest run"


def test_what_a_terminal_should_not_show_is_not_offered(home: Path) -> None:
    offers = said("revoke", "payments-bot", "--cut-trust", "x:")
    assert offers == ["x:trust/t", "x:grant/g", HOSTILE]
    assert "x:no/access" not in said("revoke", "payments-bot", "--scope", ""), "what undo needs names no access"


def test_a_journal_that_is_none_offers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    monkeypatch.setenv("NHI_REVOKE_STATE", str(tmp_path))
    (runs / "20260303T000000Z-cccccc.jsonl").write_bytes(b"\xff\x00" * 100)
    (runs / "20260303T000000Z-dddddd.jsonl").mkdir()
    assert said("undo", "@last", "") == []
    assert said("revoke", "payments-bot", "--cut-trust", "") == []
    whole = journal("payments-bot", NEWER, *(access(f"x:trust/{n:05}", "trust") for n in range(8000)))
    assert len(whole) > MOST_BYTES
    (runs / "20260404T000000Z-eeeeee.jsonl").write_bytes(whole)
    offers = said("revoke", "payments-bot", "--cut-trust", "")
    assert offers[0] == "x:trust/00000"
    assert 1000 < len(offers) < 8000, "the rest is beyond what one Tab may read"


def test_providers_are_those_whose_packages_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("one-1.dist-info", "[nhi_revoke.providers]\nalpha = one:provider\n beta=one:other\n\n[other]\nno = x:y\n"),
        ("two-1.dist-info", "[console_scripts]\nno = two:main\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "entry_points.txt").write_text(text)
    (tmp_path / "three-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "none")])
    monkeypatch.delenv("NHI_REVOKE_PROVIDERS", raising=False)
    assert said("permissions", "") == ["alpha", "beta"]
    monkeypatch.setenv("NHI_REVOKE_PROVIDERS", "beta, gamma")
    assert said("permissions", "") == ["beta"]


def test_the_providers_are_those_that_the_registry_finds(home: Path) -> None:
    assert said("permissions", "") == sorted(Registry.installed({}).names())


def test_answers_without_any_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NHI_REVOKE_STATE", "NHI_REVOKE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert said("list", "") == []
    assert said("report", "") == ["@last"]
    assert said("undo", "@last", "") == []
    assert said("plan", "x", "--cut-trust", "") == []
    config = tmp_path / "none" / "nhi-revoke"
    config.mkdir(parents=True)
    (config / "nhi.toml").write_text("[identity.mine]\n")
    assert said("list", "") == ["mine"]
