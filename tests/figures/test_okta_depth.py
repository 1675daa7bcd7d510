"""How many requests, one after the other, until an Okta app's ways in are listed, and until each was seen to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.seed import add_secret
from tests.figures.containment_depth import Containment, contained, least

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
LISTED, ACTED = 4, 2
"""Goals: requests one after the other for the list, and more until the credentials are ended and seen."""


@contextmanager
def org(folder: Path) -> Iterator[OktaSandbox]:
    """The app of payments-bot with two live secrets and a key, and no rights over Okta itself."""
    okta = OktaSandbox(entropy=7, old_secret=False)
    okta.start(MovableClock(START))
    okta.seed(str(folder))
    app = okta.scene.app
    with okta.org.lock:
        add_secret(okta.org, app, START)
        app.roles.clear()
        app.grants.clear()
    try:
        yield okta
    finally:
        okta.close()


@pytest.mark.alone
@pytest.mark.parametrize("typed", ["id", "label"])
def test_listed_four_deep_and_acted_two_more(tmp_path: Path, typed: str) -> None:
    def look(folder: Path) -> Containment:
        with org(folder) as sandbox:
            app = sandbox.scene.app
            who = (f"okta:app/{app.id if typed == 'id' else app.label}",)

            def settings(url: str) -> dict[str, Any]:
                return {"okta": {**sandbox.settings(), "org_url": url}}

            return contained(sandbox, sandbox.url, settings, who, folder)

    seen = least(look, tmp_path, LISTED, ACTED)
    assert seen.does == ("okta:client-key/deactivate", *["okta:client-secret/deactivate"] * 2)
