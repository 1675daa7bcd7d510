"""Whether a journal holds: one changed byte is found, with its line; what cannot be found is said."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nhi_revoke.engine.chain import PROVES, check_chain, run_of
from nhi_revoke.engine.journal import ZEROS, seal
from nhi_revoke.model.error import Usage
from nhi_revoke.model.line import Closed, Line
from tests.engine.story import Story, cut, step


def stored(lines: list[Line]) -> bytes:
    out, prev = b"", ZEROS
    for number, line in enumerate(lines):
        sealed = seal(number, prev, line)
        prev = hashlib.sha256(sealed).hexdigest()
        out += sealed + b"\n"
    return out


STORY = Story(cut(), step("key")).did("cut").did("key").closed()
WHOLE = stored(STORY.lines)
LINES = WHOLE.splitlines(keepends=True)


def test_a_whole_journal() -> None:
    found = check_chain("run-1", WHOLE)
    assert (found.whole, found.lines, found.broken_line, found.torn_bytes, found.closed) == (True, 10, None, 0, True)
    assert found.sha256 == hashlib.sha256(WHOLE).hexdigest()
    assert found.run == "run-1"
    assert found.proves == PROVES
    assert isinstance(STORY.lines[-1], Closed)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), other=st.integers(1, 255))
def test_any_changed_byte_is_found_where_it_is(at: int, other: int) -> None:
    changed = WHOLE[:at] + bytes([WHOLE[at] ^ other]) + WHOLE[at + 1 :]
    line = WHOLE[:at].count(b"\n") + 1
    try:
        found = check_chain("file", changed)
    except Usage:
        assert line == 1, "it is not even the beginning of a journal any more"
        return
    if at == len(WHOLE) - 1:  # its last newline: the last line is as if it was never finished
        assert found.lines == len(LINES) - 1
        assert not found.closed
        return
    assert not found.whole
    assert found.broken_line == line
    assert found.lines == line - 1
    assert found.proves == ""


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        ([*LINES[:3], *LINES[4:]], 4),
        ([*LINES[:2], LINES[3], LINES[2], *LINES[4:]], 3),
        ([*LINES[:5], LINES[4], *LINES[5:]], 6),
        ([*LINES, LINES[-1]], 11),
    ],
    ids=["one missing", "two swapped", "one twice", "one added"],
)
def test_order_and_number_of_lines(lines: list[bytes], broken: int) -> None:
    found = check_chain("file", b"".join(lines))
    assert (found.whole, found.broken_line, found.lines) == (False, broken, broken - 1)
    assert "follow" in found.why


def test_a_torn_tail_is_no_break_and_is_told() -> None:
    torn = b"".join(LINES[:4]) + LINES[4][:40]
    found = check_chain("file", torn)
    assert (found.whole, found.lines, found.torn_bytes, found.closed) == (True, 4, 40, False)
    assert found.sha256 == hashlib.sha256(b"".join(LINES[:4])).hexdigest()


def test_a_whole_last_line_with_something_behind_it_is_no_crash() -> None:
    found = check_chain("file", WHOLE[:-1] + b"x")
    assert (found.whole, found.broken_line, found.lines) == (False, 10, 9)


def test_what_a_chain_cannot_know_is_said() -> None:
    """Lines cut off at the end hold together, and so does a file that somebody wrote anew."""
    short = check_chain("file", b"".join(LINES[:-1]))
    assert short.whole
    assert not short.closed
    anew = check_chain("file", stored(Story(cut()).did("cut").closed().lines))
    assert anew.whole
    assert "nobody wrote the whole file anew" in anew.proves_not
    assert "cut off at its end" in anew.proves_not


def test_of_another_run() -> None:
    found = check_chain("run-2", WHOLE, "run-2")
    assert (found.whole, found.broken_line) == (False, 1)
    assert "belongs to run run-1" in found.why


@pytest.mark.parametrize("text", [b"", b"text\n", b"{}\n", LINES[1]])
def test_what_is_no_journal(text: bytes) -> None:
    if text == LINES[1]:
        assert run_of(text) == "", "of a journal, but not its beginning"
        assert check_chain("file", text).broken_line == 1
        return
    with pytest.raises(Usage, match="no journal"):
        check_chain("file", text)
