"""A run, and a file as a workload reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.trial import OLD, Trial


@pytest.fixture
def run() -> Trial:
    return Trial()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """In a folder of its own."""
    (tmp_path / "etc").mkdir(mode=0o700)
    path = tmp_path / "etc" / "bot.json"
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path
