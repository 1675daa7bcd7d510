"""`python -m benchmarks.campaign_vendor TENANTS BOTS`: Example Cloud for each of so many tenants, in one process.

Each bot has one token. First a line of JSON: the nhi.toml of each tenant. Then, for each line on its standard input,
one of JSON: for each tenant, when requests of the operator arrived (seconds), and how often each bot's tokens ended.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Call
from nhi_revoke.provider.sandbox.faults import CallLog
from nhi_revoke.testing.conformance import toml
from nhi_revoke_example import provider
from nhi_revoke_example.sandbox import ExampleSandbox

BORN = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Counted(CallLog):
    """Remembers when, and not what: there are very many."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []
        self._own = threading.Lock()

    def add(self, call: Call) -> None:
        if call.by == "operator":
            with self._own:
                self.at.append(time.monotonic())


class Tenant:
    """One account of Example Cloud."""

    def __init__(self, number: int, bots: int) -> None:
        self.sandbox = ExampleSandbox()
        self.calls = self.sandbox._routes.calls = Counted()
        self.ended: Counter[str] = Counter()
        cloud = self.sandbox.cloud
        self.sandbox.start(MovableClock(BORN))
        for name in ("responder", *(f"bot-{number:03}-{n:05}" for n in range(bots))):
            cloud.add_bot(name, BORN)
            cloud.create_token(name, "ci", BORN, lag=0)
        change = cloud.set_token

        def counted(name: str, token_id: str, state: str, now: datetime) -> str:
            was = change(name, token_id, state, now)
            self.ended[name.lower()] += was != state
            return was

        cloud.set_token = counted  # type: ignore[method-assign]  # what is changed is counted where it is

    @property
    def settings(self) -> str:
        tables = {provider.name: self.sandbox.settings(), "sandbox": {"control": self.sandbox.control}}
        return "\n".join(toml.table(name, table) for name, table in tables.items())

    def told(self) -> dict[str, Any]:
        return {"at": self.calls.at, "ended": dict(self.ended)}


def main(tenants: int, bots: int) -> None:
    made = [Tenant(number, bots) for number in range(tenants)]
    _say([each.settings for each in made])
    for _ in sys.stdin:
        _say([each.told() for each in made])
    for each in made:
        each.sandbox.close()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
