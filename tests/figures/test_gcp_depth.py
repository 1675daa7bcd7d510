"""How many requests, one after the other, until an account's ways in are listed, and until each was seen to end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from tests.figures.containment_depth import DELAY, Containment, contained, least
from tests.figures.delay_proxy import DelayProxy

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
LISTED, ACTED = {"address": 3, "unique id": 4}, 2
"""Goals: requests one after the other for the list, and more until all has ended. A unique id tells no project: the
levels above that, two requests deep, begin only once it is known.
"""


@contextmanager
def cloud(folder: Path) -> Iterator[GcpSandbox]:
    gcp = GcpSandbox(entropy=7, deliver=False)
    gcp.start(MovableClock(START))
    gcp.seed(str(folder))
    gcp.lag(0, 0)
    try:
        yield gcp
    finally:
        gcp.close()


def addressed(gcp: GcpSandbox, url: str) -> dict[str, Any]:
    apis = [name for name, value in gcp.settings().items() if name.endswith("_url") and value == gcp.url]
    return {"gcp": {**gcp.settings(), "token_url": f"{url}/token", **dict.fromkeys(apis, url)}}


def slowed(gcp: GcpSandbox, proxy: DelayProxy) -> None:
    """The gRPC door, as the proxy slows down the other one."""

    @contextmanager
    def slowly(name: str) -> Iterator[None]:
        began = time.monotonic()
        time.sleep(DELAY)
        yield
        proxy.note(f"grpc {name}", began)

    gcp.grpc.around = slowly


@pytest.mark.alone
@pytest.mark.parametrize("typed", list(LISTED))
def test_listed_three_or_four_deep_and_acted_two_more(tmp_path: Path, typed: str) -> None:
    def look(folder: Path) -> Containment:
        with cloud(folder) as sandbox:
            account = sandbox.scene.account
            who = (f"gcp:sa/{account.email if typed == 'address' else account.unique_id}",)
            return contained(
                sandbox, sandbox.url, lambda url: addressed(sandbox, url), who, folder,
                beside=lambda proxy: slowed(sandbox, proxy),
            )  # fmt: skip

    seen = least(look, tmp_path, LISTED[typed], ACTED)
    assert seen.does == (
        "gcp:api-key/delete",
        "gcp:api-key/delete",
        "gcp:hmac-key/deactivate",
        "gcp:key/disable",
        "gcp:key/disable",
        "gcp:service-account/disable",
    )
    assert seen.requests["grpc DisableServiceAccount"] == 1
