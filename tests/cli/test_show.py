"""What a provider shows to the person at the terminal (`Io.show`): on stderr alone, and only where somebody sits."""

from __future__ import annotations

from pathlib import Path

import pytest

from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.event import SaysEvent
from nhi_revoke.engine.io import EngineIo
from tests.engine.tick import Tick

from .conftest import Stream

CODE = "Open https://example.com/device and type ABCD-EFGH."


def session(*, tty: bool, **more: object) -> tuple[Session, Stream, Stream]:
    out, err = Stream(), Stream(tty=tty)
    made = Session(Streams(Stream(), out, err, {"COLUMNS": "100"}), (), Path())
    for name, value in more.items():
        setattr(made, name, value)
    return made, out, err


def test_a_person_at_a_terminal_reads_it_on_stderr() -> None:
    made, out, err = session(tty=True)
    assert EngineIo(Tick(), show=made.show).show(CODE)
    assert CODE in err.getvalue()
    assert out.getvalue() == ""


@pytest.mark.parametrize("output", ["table", "json", "ndjson"])
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_whatever_the_output_and_however_quiet(output: str, verbosity: int) -> None:
    """It is no progress: without it the person does nothing, and the command waits for nobody."""
    made, out, err = session(tty=True, output=output, verbosity=verbosity)
    with made.progress(acting=False):
        assert made.show(CODE)
        assert CODE in err.getvalue()
    assert CODE not in out.getvalue()


def test_above_a_live_line() -> None:
    made, _, err = session(tty=True)
    with made.progress(acting=False):
        made.tell(SaysEvent("before"))
        assert made.show(CODE)
        made.tell(SaysEvent("after"))
    said = err.getvalue()
    assert said.index("before") < said.index(CODE) < said.index("after")


def test_nobody_at_a_pipe_reads_it() -> None:
    made, out, err = session(tty=False)
    assert not made.show(CODE)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_no_input_means_that_nobody_is_there() -> None:
    made, out, err = session(tty=True, no_input=True)
    assert not made.show(CODE)
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_an_engine_without_a_command_line_shows_nobody_anything() -> None:
    assert not EngineIo(Tick()).show(CODE)
