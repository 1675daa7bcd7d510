"""What goes through a pager: a look that is longer than the terminal, and nothing else."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest

from nhi_revoke.cli.output import write_result
from nhi_revoke.cli.pager import page, pager_command
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.render.block import Block, line

LONG: list[Block] = [line(f"row {number}") for number in range(40)]
SHORT = LONG[:10]
WHOLE = "".join(f"row {number}\n" for number in range(40))
PATHS = {"PATH": os.environ["PATH"]}


class Terminal(io.TextIOWrapper):
    """A file that says it is a terminal: a pager can write to it."""

    def isatty(self) -> bool:
        return True


class Screen:
    """A terminal 20 lines high, and what came to stand on it."""

    def __init__(self, folder: Path, out: io.TextIOWrapper) -> None:
        self.path = folder / "screen"
        self.out = out
        self.marks = folder / "pager"
        self.marks.write_text("import sys\nfor line in sys.stdin:\n    print('paged', line, end='', flush=True)\n")

    @property
    def pager(self) -> str:
        return f"{sys.executable} -S {self.marks}"

    def shows(self, blocks: list[Block], environ: Mapping[str, str], *, paged: bool = True) -> str:
        whole = {"LINES": "20", "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1", **environ}
        Streams(io.StringIO(), self.out, self.out, whole).show(blocks, self.out, paged=paged)
        return self.path.read_text()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    with Terminal((tmp_path / "screen").open("wb"), encoding="utf-8") as out:
        yield Screen(tmp_path, out)


def test_which_pager(tmp_path: Path) -> None:
    less = tmp_path / "less"
    less.write_text("#!/bin/sh\n")
    less.chmod(0o755)
    assert pager_command({"PATH": str(tmp_path)}) == [str(less), "-FRX"]
    assert pager_command({"PATH": str(tmp_path / "none")}) == []
    assert pager_command({"PAGER": "most -s", "PATH": str(tmp_path)}) == ["most", "-s"]
    assert pager_command({"PAGER": "most", "NHI_REVOKE_PAGER": "bat -p"}) == ["bat", "-p"]
    assert pager_command({"PAGER": "most", "NHI_REVOKE_PAGER": ""}) == []
    assert pager_command({"PAGER": "", "PATH": str(tmp_path)}) == []
    assert pager_command({"PAGER": "less '", "PATH": str(tmp_path)}) == []


def test_what_is_longer_than_the_terminal_is_paged(screen: Screen) -> None:
    shown = screen.shows(LONG, {"PAGER": screen.pager})
    assert shown == WHOLE.replace("row", "paged row")


def test_what_fits_is_not(screen: Screen) -> None:
    assert screen.shows(SHORT, {"PAGER": screen.pager}) == "".join(f"row {number}\n" for number in range(10))


def test_long_lines_count_as_often_as_the_terminal_wraps_them(screen: Screen) -> None:
    kept = [line("x" * 800, keep=True), line("y" * 800, keep=True)]
    assert screen.shows(list(kept), {"PAGER": screen.pager}).startswith("paged x")


@pytest.mark.parametrize(
    "environ", [{"NHI_REVOKE_PAGER": ""}, {"NHI_REVOKE_PAGER": "/no/such/pager"}, {"TERM": "dumb"}]
)
def test_without_a_pager_it_is_written_straight(screen: Screen, environ: dict[str, str]) -> None:
    assert screen.shows(LONG, {"PAGER": screen.pager, **environ}) == WHOLE


def test_nothing_but_a_terminal_is_paged(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w", encoding="utf-8") as out:
        pipe = Screen(tmp_path, out)
        assert pipe.shows(LONG, {"PAGER": pipe.pager}) == WHOLE
        assert pipe.shows(LONG, {"PAGER": pipe.pager, "NO_COLOR": "", "FORCE_COLOR": "1"}) == WHOLE * 2


def test_a_stream_that_is_no_file_is_written_straight() -> None:
    out = io.StringIO()
    page(iter(["a", "b"]), out, [sys.executable, "-c", ""], PATHS, width=80, height=1)
    assert out.getvalue() == "a\nb\n"


def test_a_pager_that_is_left_early_ends_the_output_quietly(screen: Screen) -> None:
    screen.marks.write_text("print(input())\n")
    many = [line("row " * 20) for _ in range(20_000)]
    shown = screen.shows(list(many), {"PAGER": screen.pager})
    assert shown.count("\n") == 1


def test_who_may_wait_for_a_reader() -> None:
    def session(**more: bool) -> Session:
        made = Session(Streams(io.StringIO(), io.StringIO(), io.StringIO(), {}), (), Path(), own_process=True)
        for name, value in more.items():
            setattr(made, name, value)
        return made

    assert session().pages
    assert not session(acting=True).pages, "a run ends by itself"
    assert not session(no_pager=True).pages
    assert not session(own_process=False).pages, "a command of the demo"


def test_the_plan_that_is_asked_about_and_other_formats_are_never_paged(screen: Screen, tmp_path: Path) -> None:
    environ = {"LINES": "20", "TERM": "xterm", "NO_COLOR": "1", "PAGER": screen.pager}
    made = Session(Streams(io.StringIO(), screen.out, screen.out, environ), (), tmp_path, own_process=True)
    formats: tuple[Literal["json", "ndjson"], ...] = ("json", "ndjson")
    for made.output in formats:
        write_result(made, Result({"rows": list(range(100))}, lambda: LONG))
    made.output = "table"
    write_result(made, Result({}, list, text=WHOLE))
    made.streams.show(LONG, screen.out)  # as `show_plan` does
    assert "paged" not in screen.path.read_text()
    write_result(made, Result({}, lambda: LONG))
    assert screen.path.read_text().endswith(WHOLE.replace("row", "paged row"))
