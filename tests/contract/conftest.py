"""Traffic that several files hold against different descriptions: made once."""

from __future__ import annotations

import pytest

from tests.contract import github_wire
from tests.contract.okta_wire import Traffic, of_everything


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """Everything that the Okta provider asks its sandbox, and the answers."""
    return of_everything(tmp_path_factory.mktemp("okta"))


@pytest.fixture(scope="session")
def github_traffic(tmp_path_factory: pytest.TempPathFactory) -> github_wire.GithubTraffic:
    """The same of GitHub."""
    return github_wire.of_everything(tmp_path_factory.mktemp("github"))
