"""How many requests, one after the other, until an Entra app's ways in are listed, and until each was seen to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from tests.figures.containment_depth import Containment, contained, least

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
LISTED, ACTED = 4, 2
"""Goals: requests one after the other for the list, and more until the credentials are ended and seen."""


@contextmanager
def tenant(folder: Path) -> Iterator[EntraSandbox]:
    """The app of payments-bot, without apps that may manage it: those are taken off a list one at a time, each three
    requests deep.
    """
    entra = EntraSandbox(entropy=7, deliver=False)
    entra.start(MovableClock(START))
    entra.seed(str(folder))
    entra.lag(0, 0)
    entra.scene.application.managers.clear()
    try:
        yield entra
    finally:
        entra.close()


def addressed(entra: EntraSandbox, url: str) -> dict[str, Any]:
    return {"entra": {**entra.settings(), "login_url": url, "graph_url": url, "arm_url": url}}


@pytest.mark.alone
@pytest.mark.parametrize("typed", ["appId", "name"])
def test_listed_four_deep_and_acted_two_more(tmp_path: Path, typed: str) -> None:
    def look(folder: Path) -> Containment:
        with tenant(folder) as sandbox:
            app = sandbox.scene.principal
            who = (f"entra:app/{app.app_id if typed == 'appId' else app.name}",)
            return contained(sandbox, sandbox.url, lambda url: addressed(sandbox, url), who, folder)

    seen = least(look, tmp_path, LISTED, ACTED)
    assert set(seen.does) == {
        "entra:service-principal/disable", "entra:app-role/remove", "entra:azure-role/remove", "entra:owner/remove",
        "entra:delegated-grant/remove", "entra:directory-role/remove", "entra:federated-credential/remove",
    }  # fmt: skip
