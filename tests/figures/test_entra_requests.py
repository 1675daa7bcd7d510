"""How many requests a `list` and a whole `revoke` of an Entra app and its service user take."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest
import tomli_w

from nhi_revoke.config import load_config
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_entra.access.places import CREDENTIALS
from nhi_revoke_entra.connection import REPORTS_AT_ONCE
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from tests.figures.delay_proxy import DelayProxy, Passed, depth

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
DELAY = 0.15
TRIES = 3
"""A busy machine only ever adds: the least of a few is what the tool needs."""
REPORTS = ("/beta/reports/", "/beta/auditLogs/", "/v1.0/auditLogs/")
OF_ONE = "GET /v1.0/applications/"
LOOKS = 2
"""Of a run at everything: before its changes, and after them."""


class Goal(NamedTuple):
    requests: int
    deep: int


LIST, REVOKE = Goal(32, 4), Goal(123, 16)


class Run(NamedTuple):
    """What passed: until everything was listed, and in all."""

    listed: list[Passed]
    whole: list[Passed]

    def met(self) -> bool:
        parts = zip((LIST, REVOKE), self, strict=True)
        return all(len(part) <= goal.requests and depth(part) <= goal.deep for goal, part in parts)


def revoked(folder: Path) -> Run:
    folder.mkdir()
    entra = EntraSandbox(entropy=7, deliver=False)
    entra.start(MovableClock(START))
    try:
        seeded = entra.seed(str(folder))
        entra.lag(0, 0)
        with DelayProxy(entra.url, DELAY, keep=True) as proxy:
            table = {**entra.settings(), **dict.fromkeys(("login_url", "graph_url", "arm_url"), proxy.url)}
            path = folder / "nhi.toml"
            path.write_text(tomli_w.dumps({"entra": table, "sandbox": {"control": entra.control}}))
            config = load_config(str(path), {"NHI_REVOKE_STATE": str(folder / "state")}, folder)
            intent = Intent(rotate="no", settle=0.0)
            with Engine(Registry.installed({}), config, lambda _: None) as engine:
                inventory = engine.inventory(engine.resolve(seeded.principals), intent, logs=False, late=False)
                listed = time.monotonic()
                plan = engine.plan(inventory, intent)
                engine.run(plan, "revoke", Consent("--yes", allow_irreversible=True))
            return Run([p for p in proxy.passed if p.ended <= listed], list(proxy.passed))
    finally:
        entra.close()


@pytest.mark.alone
def test_each_thing_is_asked_once_for_a_look(tmp_path: Path) -> None:
    seen: list[Run] = []
    for number in range(TRIES):
        seen.append(revoked(tmp_path / str(number)))
        if seen[-1].met():
            break
    run = seen[-1]
    told = {(len(part), depth(part)) for each in seen for part in each}
    assert run.met(), f"requests and depth: {told}: {Counter(p.name for p in run.whole)}"
    reports = [p.name for p in run.whole if p.name.partition(" ")[2].startswith(REPORTS)]
    assert len(reports) == 4 < REPORTS_AT_ONCE, "sign-ins and audits of each; a sixth would wait for ten seconds"
    whole = [p for p in run.whole if p.asked and p.name.startswith(OF_ONE) and CREDENTIALS in unquote(p.asked.path)]
    assert len(whole) == LOOKS
