"""docs/reference is what the code has now, and every command that a page names exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.completion.grammar import Command, commands
from tests.docs.reference import FOLDER, reference
from tests.docs.run import DOCS, ROOT

PAGES = sorted(DOCS.rglob("*.md"))
NAMED = re.compile(r"`(nhi-revoke [^`]*)`")
FENCED = re.compile(r"^```(\w*)(?: \d+)?\n.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "content"), reference().items(), ids=lambda value: value[:20])
def test_a_page_of_the_reference_is_what_the_code_has(name: str, content: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == content, "python -m tests.docs.reference"


def test_there_is_no_other_page_of_the_reference() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(reference())


def test_a_command_in_the_text_has_the_options_that_the_text_gives_it() -> None:
    known = {each.name: each for each in commands()}
    wrong = [f"{path.relative_to(ROOT)}: {said}" for path in PAGES for said in _named(path.read_text(encoding="utf-8"))
             if not _exists(shlex.split(said), known)]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def _named(text: str) -> Iterator[str]:
    return (found[1] for found in NAMED.finditer(FENCED.sub("", text)))


def _exists(words: list[str], known: dict[str, Command]) -> bool:
    name = words[1] if len(words) > 1 else ""
    if name.startswith("-") or name in ("", "…", "COMMAND"):
        return True
    if name not in known:
        return False
    options = {spelled for option in known[name].options for spelled in option.names}
    return {word.partition("=")[0] for word in words[2:] if word.startswith("-") and len(word) > 1} <= options


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_what_a_page_points_at_is_there(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", FENCED.sub("", path.read_text(encoding="utf-8")))
    local = [target for target in targets if not target.startswith("http")]
    assert not [target for target in local if not (path.parent / target).exists()]


def test_every_command_of_the_tool_in_a_block_is_run() -> None:
    """Elsewhere than in `console` blocks a command is not tried: those that need another terminal are indented."""
    loose = [
        f"{path.relative_to(ROOT)}: {block[0]}"
        for path in PAGES
        if path.parent != FOLDER
        for block in FENCED.finditer(path.read_text(encoding="utf-8"))
        if block[1] != "console" and "nhi-revoke " in block[0]
    ]
    assert not loose
