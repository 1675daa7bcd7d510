"""Both databases that campaigns may be kept in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.campaign.database import Database
from tests.campaign.postgresql import Server, running


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One real server for all tests of this process."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty one of each kind."""
    url = request.getfixturevalue("postgresql").database() if request.param == "postgresql" else ""
    opened = Database.open(tmp_path / "state", url)
    yield opened
    opened.close()
