"""The sandbox as it is compared with somebody else's double: its clock stands, and its writes are obeyed at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox

PROJECT, OTHER = "projects/compared-1", "projects/compared-2"
"""In these there is nothing yet."""


@contextmanager
def compared(folder: Path) -> Iterator[GcpSandbox]:
    made = GcpSandbox(entropy=1)
    made.start(MovableClock(datetime(2026, 11, 28, 12, tzinfo=UTC), running=False))
    made.lag(0, 0)
    made.seed(str(folder))
    yield made
    made.close()


def token(sandbox: GcpSandbox) -> str:
    """The operator's."""
    [member] = sandbox.gate.operators
    return sandbox.cloud.new_token(member, sandbox.now()).value
