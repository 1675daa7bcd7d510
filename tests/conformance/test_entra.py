"""The Entra provider under the conformance kit, with the store `file:` beside it, on the bundled sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_entra import provider as entra
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.state import GRAPH
from nhi_revoke_local import provider as local

ENTROPY = 3


class TestEntra(Conformance):
    """A secret is replaced, so that the brake is put on and released in one run, and the old credentials are
    removed.
    """

    kill_points = 24
    processes = 4
    faults = 60
    withheld = 8

    deliver = True
    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with World(
            entra,
            tmp_path,
            beside=(local,),
            managed=f"entra:app/{GRAPH}",
            environ={"NHI_REVOKE_PROVIDERS": "entra,local"},
            # The same ids and secrets in each life, so that two runs can be compared.
            make_sandbox=lambda: EntraSandbox(entropy=ENTROPY, deliver=self.deliver, **self.more),
        ) as world:
            made = world.sandbox
            assert isinstance(made, EntraSandbox)
            world.operator = f"entra:app/{made.table['client_id']}"
            yield world


class TestEntraHeld(TestEntra):
    """Nothing is replaced: the brake stays on, and holds what cannot be disabled."""

    kill_points = 12
    processes = 2
    faults = 24
    withheld = 6

    deliver = False


class TestEntraAbroad(TestEntra):
    """A multi-tenant app: its application is a brake of its own, and its credentials end at once. And the intruder made
    another app with its rights.
    """

    kill_points = 6
    processes = 1
    faults = 12
    withheld = 3

    more: ClassVar[dict[str, Any]] = {"abroad": True, "planted": True}
