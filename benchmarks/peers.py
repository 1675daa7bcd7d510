"""What is measured against, installed once for all rows of a run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from benchmarks.measure import awscli


class Peers:
    """`folder`: where they are installed, each in an environment of its own. `aws`: one that is there already."""

    def __init__(self, folder: Path, aws: Path | None = None) -> None:
        self._folder = folder
        self._given = aws

    @cached_property
    def aws(self) -> Path:
        """The `aws` command. Raises CalledProcessError where it cannot be installed."""
        return self._given or awscli(self._folder / "awscli")
