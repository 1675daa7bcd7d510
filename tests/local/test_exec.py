"""`exec`: the operator's own command, without a shell, without a secret, and never for longer than it may."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Done, Failed, Impossible, Lost
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local import provider
from nhi_revoke_local.flush.exec import Exec
from tests.local.trial import Trial

EXEC = Exec()


def python(run: Trial, code: str, *more: str, **settings: Any) -> Any:
    return run.step("exec", "", before={"argv": [sys.executable, "-c", code, *more], **settings})


def test_exit_code_zero_is_done_and_is_what_can_be_known(run: Trial, tmp_path: Path) -> None:
    step = python(run, "open('here', 'w').write('x')", cwd=str(tmp_path))
    assert EXEC.check(run.conn, step) is None
    assert not (tmp_path / "here").exists(), "the preflight runs nothing"
    assert run.seen(EXEC, step) is None
    change = run.do(EXEC, step)
    assert isinstance(change, Done)
    assert change.left == {"exit": 0}
    assert run.seen(EXEC, step) == {"exit": 0}
    assert (tmp_path / "here").exists()
    assert isinstance(run.undo(EXEC, step), Impossible)


def test_no_shell_reads_the_arguments(run: Trial, tmp_path: Path) -> None:
    out = tmp_path / "out"
    nasty = f"$(touch {tmp_path}/pwned); `x` | > * &"
    run.do(EXEC, python(run, "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(out), nasty))
    assert out.read_text() == nasty
    assert {each.name for each in tmp_path.iterdir()} == {"out"}


def test_a_secret_in_flight_does_not_reach_the_command(run: Trial, tmp_path: Path) -> None:
    run.give("m/1", Secret("canary-value", field="f"))
    out = tmp_path / "out"
    code = "import os,sys; open(sys.argv[1], 'w').write(repr((sys.argv, dict(os.environ), sys.stdin.read())))"
    assert isinstance(run.do(EXEC, python(run, code, str(out))), Done)
    assert "canary" not in out.read_text()
    assert "PATH" in out.read_text()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit(3)", "ended with exit code 3"),
        (
            "import sys; sys.stderr.write('first\\n\\x1b[31mlast\\x07 line\\n\\n'); sys.exit(1)",
            "exit code 1: [31mlast line",
        ),
        ("import sys; sys.stderr.write('x' * 10**6 + 'end'); sys.exit(2)", "exit code 2: " + "x" * 200),
        ("import os; os.kill(os.getpid(), 15)", "was ended by SIGTERM"),
        ("import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)", "exit code 1: \ufffd"),
    ],
)
def test_any_other_end_is_a_failure_with_the_last_line(run: Trial, code: str, says: str) -> None:
    step = python(run, code)
    change = run.do(EXEC, step)
    assert isinstance(change, Failed)
    assert change.why.endswith(says)
    assert run.seen(EXEC, step) is None


def test_a_signal_without_a_name_has_its_number() -> None:
    from nhi_revoke_local.program import _signal_name

    assert _signal_name(63) == "signal 63"


def test_a_command_that_does_not_end_is_lost_with_its_children(run: Trial, tmp_path: Path) -> None:
    """The child's id is written, and both wait: neither may outlive the timeout."""
    os.mkfifo(tmp_path / "pipe")
    script = "sleep 300 > pipe & echo $! > pid; wait"
    # Open for reading while a sleeper has it open for writing: its end, by whatever signal, is an end of file here.
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    step = run.step("exec", "", before={"argv": ["sh", "-c", script], "cwd": str(tmp_path), "timeout": 1})
    change = run.do(EXEC, step)
    assert isinstance(change, Lost)
    assert change.why == "sh did not end in 1 s and was killed; it may have done its work"
    assert int((tmp_path / "pid").read_text()) > 0, "the child had begun"
    os.set_blocking(pipe, True)
    assert select.select([pipe], [], [], 60)[0]
    assert os.read(pipe, 1) == b""
    os.close(pipe)
    assert run.seen(EXEC, step) is None


def test_a_child_that_stays_in_the_background_does_not_hold_us_up(run: Trial, tmp_path: Path) -> None:
    code = (
        "import subprocess,sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']);"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))"
    )
    try:
        assert isinstance(run.do(EXEC, python(run, code, timeout=60)), Done)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"argv": []},
        {"argv": "reboot"},
        {"argv": [""]},
        {"argv": ["true", 1]},
        {"argv": ["true"], "timeout": 0},
        {"argv": ["true"], "timeout": 1e9},
        {"argv": ["true"], "shell": True},
        {"argv": ["no-such-program-anywhere"]},
        {"argv": ["./no-such-program"]},
        {"argv": ["/etc/passwd"]},
        {"argv": ["true"], "cwd": "/no-such-folder"},
    ],
)
def test_what_cannot_work_is_said_before(run: Trial, before: dict[str, Any]) -> None:
    told = EXEC.check(run.conn, run.step("exec", "", before=before))
    assert told is not None
    assert told.why.startswith("exec: ")
    assert told.manual


def test_a_program_beside_the_folder_it_runs_in(run: Trial, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\ntouch ran\n")
    tool.chmod(0o700)
    step = run.step("exec", "", before={"argv": ["./tool"], "cwd": str(tmp_path)})
    assert EXEC.check(run.conn, step) is None
    assert isinstance(run.do(EXEC, step), Done)
    assert (tmp_path / "ran").exists()


def test_a_program_that_vanished_after_the_check(run: Trial) -> None:
    change = run.do(EXEC, run.step("exec", "", before={"argv": ["/no/such/program"]}))
    assert change == Failed("program did not start: No such file or directory")
    with pytest.raises(Rejected):
        run.do(EXEC, run.step("exec", "", before={"argv": []}))


def test_this_machine_is_a_provider_without_principals(run: Trial) -> None:
    ref = run.step("exec", "").on
    assert provider.kinds() == ()
    assert [target.name for target in provider.targets()] == ["file", "exec", "exec", "redis", "http", "caep"]
    assert provider.parse("user/x") is None
    assert provider.parse("/etc/passwd") is None
    assert provider.kind_of(ref) == ()
    assert provider.scope_of(ref, None) == provider.scope_of_target("/x", None) == run.conn.scope == ""
    assert run.conn.whoami() == ()
    assert EXEC.phase is Phase.FLUSH
    with pytest.raises(Missing):
        provider.resolve(run.conn, ref)
