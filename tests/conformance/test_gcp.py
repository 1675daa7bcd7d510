"""The Google Cloud provider under the conformance kit, with the store `file:` beside it, on the bundled sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from nhi_revoke.model.intent import Intent
from nhi_revoke.testing.conformance import Conformance, World, crashing, faulting, permitted
from nhi_revoke.testing.conformance.ending import Ending, ending
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_local import provider as local

ENTROPY = 3


class TestGcp(Conformance):
    """Nothing is replaced: the account is disabled, and stays so until `release`."""

    kill_points = 12
    processes = 2
    faults = 24
    withheld = 8

    deliver = False
    intent: ClassVar[Intent | None] = None
    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with World(
            gcp,
            tmp_path,
            beside=(local,),
            intent=self.intent,
            managed=f"gcp:sa/{seed.AGENT}",
            operator=f"gcp:sa/{seed.RESPONDER}@{seed.SECURITY}.iam.gserviceaccount.com",
            environ={"NHI_REVOKE_PROVIDERS": "gcp,local"},
            # The same ids and secrets in each life, so that two runs can be compared.
            make_sandbox=lambda: GcpSandbox(entropy=ENTROPY, deliver=self.deliver, **self.more),
        ) as world:
            yield world


class TestGcpReplaced(TestGcp):
    """The account stays enabled, so that a new key can be made and proven at once; tokens live on for their time."""

    kill_points = 12
    processes = 2
    faults = 24
    withheld = 6

    deliver = True
    intent: ClassVar[Intent | None] = Intent(rotate="now", brake="off")


class TestGcpSecret(TestGcpReplaced):
    """The same, delivered to Secret Manager, where the leaked one lies."""

    kill_points = 10
    processes = 1
    faults = 16
    withheld = 8

    more: ClassVar[dict[str, Any]] = {"to": seed.TO_SECRET}


class TestGcpOtherKeysReplaced(TestGcpReplaced):
    """HMAC keys and API keys, of which a new one is begun by an operation that takes its time."""

    kill_points = 8
    processes = 1
    faults = 12
    withheld = 4

    deliver = False
    more: ClassVar[dict[str, Any]] = {"also": ("gcp:hmac-key", "gcp:api-key"), "bound": False}

    @pytest.fixture(autouse=True)
    def deleted_ones_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An API key that nobody received is deleted, and Google shows it as deleted for 30 days: two runs of which one
        made and deleted one more are alike.
        """
        for part in (crashing, faulting, permitted):
            monkeypatch.setattr(part, "ending", lambda world, report: but_deleted(ending(world, report)))


class TestGcpPlanted(TestGcp):
    """The intruder made another account with its rights, and became a third one; Data Access logs are on."""

    kill_points = 6
    processes = 1
    faults = 12
    withheld = 3

    more: ClassVar[dict[str, Any]] = {"planted": True}


class TestGcpWorkload(TestGcp):
    """A workload of a pool beside the account; the pool is named (`--brake on`), and stopped with everybody in it."""

    kill_points = 8
    processes = 2
    faults = 16
    withheld = 6

    intent: ClassVar[Intent | None] = Intent(rotate="no", brake="on")
    more: ClassVar[dict[str, Any]] = {"workload": True}


def but_deleted(end: Ending) -> Ending:
    """Without API keys that are deleted."""
    kept = {key: count for key, count in end.accesses.items() if not key.startswith("disabled gcp:api-key")}
    return replace(end, accesses=kept)
