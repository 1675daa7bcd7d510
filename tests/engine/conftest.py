"""One cloud and one engine a test, on a clock that moves only when somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from msgspec.structs import replace

from nhi_revoke.model.step import Step
from tests.engine.bench import Bench
from tests.engine.cloud import Cloud
from tests.engine.running import Make
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


@pytest.fixture
def bench(cloud: Cloud, tmp_path: Path) -> Iterator[Make]:
    made: list[Bench] = []

    def make(*steps: Step, **more: Any) -> Bench:
        made.append(Bench(cloud, tmp_path, *(replace(s, scope=s.scope) for s in steps), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()
