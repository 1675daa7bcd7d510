"""What a person reads names documents that can be looked up: the vendor's, never notes of ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = re.compile(r"facts [\w-]+\.md")


def texts(path: Path) -> Iterator[str]:
    """Strings of the code, without docstrings and the like, which stand as statements."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stated = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in stated
    )


def test_no_text_that_is_shown_names_notes_of_ours() -> None:
    files = [path for folder in ("nhi_revoke", "providers") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 300
    told = [f"{path.relative_to(ROOT)}: {text}" for path in files for text in texts(path) if OURS.search(text)]
    assert not told, "\n".join(told)
