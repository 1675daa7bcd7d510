"""One cloud and one engine a test, on a clock that moves only when somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.engine.cloud import Cloud
from tests.engine.scene import Scene

settings.register_profile("engine", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("engine")


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def scene(cloud: Cloud, tmp_path: Path) -> Iterator[Scene]:
    with Scene(cloud, tmp_path) as made:
        yield made
