"""Figures of the conformance runs, told at the end of a test session."""

from __future__ import annotations

import json

import pytest

from tests.conformance.tally import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """One for each class of checks, kept until the session's summary."""
    name = request.node.parent.name if request.node.parent else request.node.name
    tallies = request.config.stash.setdefault(TALLIES, {})
    return tallies.setdefault(name, Tally())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, counted in config.stash.get(TALLIES, {}).items():
        terminalreporter.write_line(f"conformance figures of {name}: {json.dumps(counted.figures())}")
