"""Ways out that nobody plans: Ctrl-C, a closed pipe, a full disk, a bug."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.session import Session
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

YES = ("--yes", "--allow-irreversible", "--rotate", "no")


def test_ctrl_c_while_looking_changes_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Engine, "inventory", interrupted)
    before = signal.getsignal(signal.SIGINT)
    ran = cli("revoke", "payments-bot", *YES, "-o", "json")
    assert ran.code == 130
    assert ran.json["errors"][0]["code"] == "interrupted"
    assert "nothing was changed" in ran.json["errors"][0]["message"]
    assert not cli.mutations
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_acting_stops_and_resume_goes_on(cli: Cli) -> None:
    def make(session: Session, tell: Tell) -> Engine:
        def interrupting(number: int) -> None:
            if number == 3:
                os.kill(os.getpid(), signal.SIGINT)

        return Engine(session.registry, session.config, tell, before_append=interrupting)

    real = cli.make_engine
    cli.make_engine = make
    ran = cli("revoke", "payments-bot", *YES, "-o", "json")
    assert ran.code == 130
    assert ran.json["status"] == "error"
    cli.make_engine = real
    assert cli("runs", "-o", "json").json["data"][0]["state"] == "interrupted"
    resumed = cli("resume", "@last", "-o", "json")
    assert resumed.code == 8
    assert {o["fate"] for o in resumed.json["data"]["outcomes"] if o["access"]["kind"] == "example:token"} <= {
        "ended",
        "already",
    }


def test_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from nhi_revoke.cli.session import Session\n"
        "from nhi_revoke.cli.streams import Streams\n"
        "class Slow:\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *exc): pass\n"
        "    def interrupt(self): print('interrupt', flush=True)\n"
        "s = Session(Streams(sys.stdin, sys.stdout, sys.stderr, {}), (), Path('.'), make_engine=lambda *_: Slow())\n"
        "with s.engine(), s.progress(acting=True):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still here')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 130
    assert ran.stdout == "interrupt\n"
    assert "again to leave at once" in ran.stderr


def test_a_traceback_drives_no_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a vendor calls a thing stands in what is raised about it."""

    def broken(*_: object) -> None:
        raise LookupError("no bot \x1b]0;owned\x07 \x9b31m here\nnor there")

    monkeypatch.setattr(Engine, "resolve", broken)
    err = cli("list", "payments-bot", "--debug").err
    assert "no bot \\x1b]0;owned\\x07 \\x9b31m here" in err
    assert "Traceback" in err.splitlines()[0]
    assert all(each.isprintable() for each in err.splitlines())


def test_a_bug_is_called_one_and_shows_its_traceback_only_with_debug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("a detail of no use to a responder")

    monkeypatch.setattr(Engine, "resolve", broken)
    ran = cli("list", "payments-bot")
    assert ran.code == 1
    assert ran.err.startswith("Error (bug): this is a bug: LookupError. Nothing was changed.\n")
    assert "Traceback" not in ran.err
    assert "no use" not in ran.err
    assert "Traceback" in cli("list", "payments-bot", "--debug").err
    assert cli("list", "payments-bot", "-o", "json").json["errors"][0]["code"] == "bug"


def test_a_bug_while_acting_is_partial_and_names_resume(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("revoke", "payments-bot", *YES)

    def broken(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(Engine, "resume", broken)
    ran = cli("resume", "@last", "-o", "json")
    run = cli("runs", "-o", "json").json["data"][0]["run"]
    assert ran.code == 5
    assert run in ran.json["errors"][0]["message"]
    assert ran.json["errors"][0]["hint"].startswith(f"nhi-revoke resume {run};")


def test_a_system_error_is_no_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "journal")

    monkeypatch.setattr(Engine, "resolve", full)
    ran = cli("list", "payments-bot")
    assert ran.code == 1
    assert ran.err == "Error (system): No space left on device: journal. Nothing was changed.\n"


def test_a_report_that_cannot_be_written_is_printed(cli: Cli) -> None:
    (cli.world.folder / "taken").mkdir()
    ran = cli("runs", "-o", "json", "--out", "taken")
    assert ran.code == 0
    assert "It is printed here instead." in ran.err
    assert ran.json["command"] == "runs"


@pytest.mark.parametrize("words", [["help", "safety"], ["--help"], ["schema"]], ids=" ".join)
def test_a_closed_pipe_is_quiet(words: list[str]) -> None:
    command = f"'{sys.executable}' -m nhi_revoke {' '.join(words)} | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout == "0\n"


def test_the_script_and_the_module_are_one_program() -> None:
    script = Path(sys.executable).with_name("nhi-revoke")
    for start in ([str(script)], [sys.executable, "-m", "nhi_revoke"]):
        ran = subprocess.run([*start, "lst", "-o", "json"], capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert '"unknown-command"' in ran.stdout
        assert ran.stderr == ""
