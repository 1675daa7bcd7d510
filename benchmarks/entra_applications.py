"""`python -m benchmarks.entra_applications`: one app among 5,000, found by name, listed, and found from a repository.

50 ms are added to each request. Prints requests, how many go one after another, and seconds of: `find NAME`,
`list entra:app/NAME --no-logs`, and the apps whose federated credentials let jobs of a repository in (`find --repo`),
without the start of a process.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.found import Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.plant_keys import add_trust
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.trusting import trusting
from tests.figures.delay_proxy import DelayProxy, Passed, depth

APPLICATIONS = 5000
ONE_IN = 100
"""Every hundredth app lets jobs of the repository in, every tenth jobs of another."""
DELAY = 0.05
START = datetime(2026, 11, 28, 12, tzinfo=UTC)
ISSUER = "token.actions.githubusercontent.com"
SHOP = Principal(
    PrincipalRef("github", "repo", "acme/shop"), "repo", "acme/shop", "acme", "42",
    aliases=(f"{ISSUER}/repo:acme/shop:*",),
)  # fmt: skip
Look = Callable[[Engine], int]
"""What it brought: principals, accesses, leads."""


@dataclass
class Seen:
    """What one look asked for, and what it brought."""

    seconds: float
    passed: list[Passed] = field(repr=False)
    brought: int

    @property
    def requests(self) -> Counter[str]:
        """Sign-ins included."""
        return Counter(p.name for p in self.passed)

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "seconds": round(self.seconds, 2),
            "requests": len(self.passed),
            "one after another": depth(self.passed),
            "brought": self.brought,
        }


def fill(entra: EntraSandbox, applications: int) -> int:
    """So many apps, with those that are there. How many let jobs of the repository in."""
    tenant, lets_in = entra.tenant, 0
    with entra.lock:
        for number in range(applications - len(tenant.applications)):
            application, _ = seed.new_app(tenant, f"service-{number:04}", START)
            if number % 10 == 0:
                mine = number % ONE_IN == 0
                subject = f"repo:acme/{'shop' if mine else 'ledger'}:ref:refs/heads/main"
                add_trust(tenant, application, "main", START, subject=subject)
                lets_in += mine
    return lets_in


@contextmanager
def tenant(folder: Path, applications: int) -> Iterator[tuple[EntraSandbox, int]]:
    """The demo's app among many, and how many of them let jobs of the repository in."""
    entra = EntraSandbox(entropy=7, deliver=False)
    entra.start(MovableClock(START))
    try:
        entra.seed(str(folder))
        yield entra, fill(entra, applications)
    finally:
        entra.close()


def looked(entra: EntraSandbox, folder: Path, delay: float, look: Look) -> Seen:
    """One look behind a proxy that delays each request, on a new login."""
    with DelayProxy(entra.url, delay) as proxy:
        settings = {**entra.settings(), **dict.fromkeys(("login_url", "graph_url", "arm_url"), proxy.url)}
        path = folder / "nhi.toml"
        path.write_text(tomli_w.dumps({"entra": settings, "sandbox": {"control": entra.control}}))
        config = load_config(str(path), {"NHI_REVOKE_STATE": str(folder / "state")}, folder)
        with Engine(Registry.installed({}), config, lambda _: None) as engine:
            began = time.monotonic()
            brought = look(engine)
            return Seen(time.monotonic() - began, proxy.passed, brought)


def found(engine: Engine) -> int:
    """`find` by the display name."""
    return len(engine.find(seed.NAME).refs)


def listed(engine: Engine) -> int:
    """`list --no-logs` by the display name."""
    return len(engine.inventory(engine.resolve([f"entra:app/{seed.NAME}"]), Intent(), logs=False).accesses)


def let_in(engine: Engine) -> int:
    """What `find --repo` asks Entra for."""
    conn = engine.connections.of_ref(PrincipalRef("entra", "app", seed.NAME))
    assert isinstance(conn, EntraConnection)
    return sum(isinstance(each, Lead) for each in trusting(conn, SHOP))


LOOKS: dict[str, Look] = {"find by name": found, "list of one app": listed, "find --repo": let_in}


def measure() -> dict[str, Any]:
    """Raises RuntimeError where an app was missed."""
    with tempfile.TemporaryDirectory() as name, tenant(Path(name), APPLICATIONS) as (entra, lets_in):
        seen = {says: looked(entra, Path(name), DELAY, look) for says, look in LOOKS.items()}
    if seen["find --repo"].brought != lets_in:
        raise RuntimeError(f"{seen['find --repo'].brought} of {lets_in} apps were found")
    return {says: each.figures() for says, each in seen.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2) + "\n")
