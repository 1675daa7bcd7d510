"""The whole program at a pseudo-terminal: nothing that is pasted comes back on it, and questions are answered there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.cli.terminal import read_hidden
from tests.triage.conftest import DEAD

if TYPE_CHECKING:
    from tests.triage.conftest import Desk

ROOT = Path(__file__).parents[2]
PROMPT = b"ends it."
PATIENCE = 60.0
"""Seconds after which a program that shows nothing is taken to hang."""


class Terminal:
    """The program, with a terminal of its own that controls it."""

    def __init__(self, desk: Desk, *arguments: str, piped: str | None = None) -> None:
        desk.world.config()
        example = ROOT / "tests" / "example_provider"
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "providers", example, example / "installed"))),
            "NHI_REVOKE_CONFIG": str(desk.world.folder / "nhi.toml"),
            "NHI_REVOKE_STATE": str(desk.world.state),
            "NHI_REVOKE_PROVIDERS": "example",
            "TERM": "dumb",
            "COLUMNS": "80",
        }
        # The first terminal that a process without one opens becomes its own: /dev/tty is that. Who runs the tests in
        # the background has them ignore Ctrl-C, which a person at a terminal does not.
        program = (
            "import os,signal,sys; os.setsid(); signal.signal(signal.SIGINT, signal.SIG_DFL); "
            "os.close(os.open(sys.argv[1], os.O_RDWR)); os.execv(sys.argv[2], sys.argv[2:])"
        )
        self._leader, follower = pty.openpty()
        command = [sys.executable, "-c", program, os.ttyname(follower), sys.executable, "-m", "nhi_revoke", *arguments]
        self._process = subprocess.Popen(
            command, stdin=follower if piped is None else subprocess.PIPE, stdout=follower, stderr=follower,
            env=environ, cwd=ROOT,
        )  # fmt: skip
        os.close(follower)
        if piped is not None:
            assert self._process.stdin
            self._process.stdin.write(piped.encode())
            self._process.stdin.close()

    def until(self, mark: bytes | None) -> bytes:
        """What is shown up to the mark, or to the end."""
        seen = b""
        while mark is None or mark not in seen:
            if not select.select([self._leader], [], [], PATIENCE)[0]:
                raise AssertionError(f"nothing more came: {seen.decode(errors='replace')}")
            try:
                part = os.read(self._leader, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        return seen

    def type(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def end(self) -> tuple[int, bytes]:
        seen = self.until(None)
        os.close(self._leader)
        return self._process.wait(timeout=60), seen


def test_a_paste_is_shown_nowhere(still: Desk) -> None:
    value = still.token()
    terminal = Terminal(still, "triage", "--no-look")
    seen = terminal.until(PROMPT)
    terminal.type(f"found {value}\r\n\r\n{DEAD}\r\r".encode())
    code, rest = terminal.end()
    told = (seen + rest).decode()
    assert code == 8
    assert "ALIVE 1  DEAD 1" in told
    assert value not in told
    assert "canary" not in told


def test_ctrl_c_ends_it(still: Desk) -> None:
    before = len(still.world.sandbox.calls())
    terminal = Terminal(still, "triage")
    terminal.until(PROMPT)
    terminal.type(b"tok_0001.canary\x03")
    code, rest = terminal.end()
    assert code == 130
    assert b"nothing was changed" in rest
    assert b"canary" not in rest
    assert len(still.world.sandbox.calls()) == before


def test_the_secret_is_piped_in_and_the_question_answered_at_the_terminal(desk: Desk) -> None:
    value = desk.token()
    terminal = Terminal(desk, "triage", "--revoke", "--rotate", "no", "--no-look", piped=f"{value}\n")
    seen = terminal.until(b"[y/N]")
    assert b"[y/N]" in seen
    assert not desk.mutations, "something was changed before the answer"
    terminal.type(b"y\r")
    code, rest = terminal.end()
    assert code in (0, 6, 8, 9)
    assert desk.mutations
    assert value not in (seen + rest).decode()


class Pseudo:
    """Both ends of a terminal, without a program."""

    def __init__(self) -> None:
        self.leader, follower = pty.openpty()
        self.stream = os.fdopen(follower, encoding="utf-8")
        self.before = termios.tcgetattr(self.stream.fileno())

    def read(self, keys: bytes, most: int = 100_000) -> str:
        """What is read while somebody types this, once asked."""
        typing = threading.Thread(target=lambda: os.write(self.leader, keys))
        try:
            return read_hidden(self.stream, most, typing.start)
        finally:
            typing.join()
            assert termios.tcgetattr(self.stream.fileno()) == self.before, "the terminal is left as it was"

    def close(self) -> None:
        self.stream.close()
        os.close(self.leader)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (b"one\r\r", "one"),
        (b"one\rtwo\x04", "one\ntwo"),
        (b"\r\rone\r\r", "one"),
        (b"onw\x7fe\r\r", "one"),
        (b"\x1b[200~one\x1b[201~\r\r", "one"),
        (b"one\r\rtwo\r\r", "one\n\ntwo"),
        ("ünïcode\r\r".encode(), "ünïcode"),
        (b"x" * 3000 + b"y" * 3000 + b"\x04", "x" * 3000 + "y" * 3000),
    ],
)
def test_what_is_read(keys: bytes, text: str) -> None:
    """A line that is longer than a terminal keeps comes whole; an empty line inside a paste does not end it."""
    terminal = Pseudo()
    try:
        assert terminal.read(keys).strip() == text
    finally:
        terminal.close()


def test_it_ends_at_the_most(tmp_path: Path) -> None:
    terminal = Pseudo()
    try:
        assert len(terminal.read(b"x" * 500, most=100)) == 101
    finally:
        terminal.close()
    with (tmp_path / "file").open("w+") as file, pytest.raises(OSError, match="no terminal"):
        read_hidden(file, 10, lambda: None)
