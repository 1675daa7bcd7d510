"""The example providers, a whole one and the smallest one, under the conformance kit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_example import provider as example
from nhi_revoke_small import provider as small
from nhi_revoke_small_sandbox import SmallSandbox

HERE = Path(__file__).parent.parent / "example_provider"


def installed(name: str) -> dict[str, str]:
    """Where a process finds the package, and the entry point that it was installed with."""
    return {"PYTHONPATH": os.pathsep.join((str(HERE), str(HERE / "installed"))), "NHI_REVOKE_PROVIDERS": name}


class TestExample(Conformance):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        managed, operator = "example:bot/example-billing", "example:bot/responder"
        with World(example, tmp_path, managed=managed, operator=operator, environ=installed("example")) as world:
            yield world


class TestSmall(Conformance):
    """57 lines of provider, and every check holds."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        operator = "small:bot/responder"
        with World(small, tmp_path, operator=operator, make_sandbox=SmallSandbox, environ=installed("small")) as world:
            yield world
