"""Every command of the documentation is run, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import differs, read
from tests.docs.run import DOCS, pages, run


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(DOCS)))
def test_what_a_page_shows_is_what_its_commands_print(path: Path) -> None:
    wrong = []
    for ran in run(read(path)):
        if ran.exit_code != ran.command.exit_code:
            printed = "\n".join(ran.printed[-12:])
            wrong.append(f"$ {ran.command.text}\nexit {ran.exit_code}, shown {ran.command.exit_code}:\n{printed}")
        elif not ran.command.silent and (line := differs(ran.command.shown, ran.printed)):
            wrong.append(f"$ {ran.command.text}\n{line}")
    assert not wrong, "\n\n".join(wrong) + f"\n\nIf that is meant: python -m tests.docs.run {path}"
