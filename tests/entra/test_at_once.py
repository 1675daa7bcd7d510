"""Lists that ask for the same at once hear one answer; whoever asks later, or after a change, asks anew; and whoever
changes something, or sees whether it came to pass, asks for itself.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke_entra.access.places import read_all
from nhi_revoke_entra.sandbox.plant_user import LOGIN

from .conftest import APP, Bench

PATIENCE = 10.0
NOBODY = "00000000-0000-4000-8000-000000000000"
USER = f"entra:user/{LOGIN}"


@pytest.fixture
def under_way() -> Iterator[Callable[[SharedReads[Any], str], None]]:
    """Begins a look that ends with the test."""
    go = threading.Event()

    def begin(reads: SharedReads[Any], key: str) -> None:
        began = threading.Event()

        def look() -> str:
            began.set()
            assert go.wait(PATIENCE)
            return "old"

        pool.submit(reads.read, key, look)
        assert began.wait(PATIENCE)

    with ThreadPoolExecutor(2) as pool:
        try:
            yield begin
        finally:
            go.set()


CHANGES: dict[str, Callable[[Bench], Any]] = {
    "Graph": lambda b: b.conn.send("PATCH", f"/applications/{b.scene.application.id}", "", {"notes": "x"}),
    "Graph refused": lambda b: b.conn.send("PATCH", f"/applications/{NOBODY}", "", {"notes": "x"}),
    "Azure": lambda b: b.conn.azure.send("DELETE", assignment(b), ""),
    "Azure refused": lambda b: b.conn.azure.send("PUT", assignment(b), "", {"properties": {}}),
}


def assignment(bench: Bench) -> str:
    role = next(iter(bench.tenant.azure_roles.values()))
    return f"{role.scope}/providers/Microsoft.Authorization/roleAssignments/{role.name}"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_was_asked_before_a_change_is_told_to_nobody_after_it(
    bench: Bench, under_way: Callable[[SharedReads[Any], str], None], change: Callable[[Bench], Any]
) -> None:
    under_way(bench.conn.reads, "one")
    with contextlib.suppress(Fault):
        change(bench)
    assert len(bench.writes()) == 1
    assert bench.conn.reads.read("one", lambda: "new") == "new", "it waits for no older request"


def test_a_list_of_later_is_a_look_of_its_own(bench: Bench) -> None:
    named = bench.conn.named(PrincipalRef.parse(APP))
    for _ in range(2):
        assert len(list(read_all(bench.conn, named))) == 2
    names = [call.name for call in bench.sandbox.calls()]
    assert names.count("GET /v1.0/applications/<one>") == names.count("GET /v1.0/servicePrincipals/<one>") == 2


@pytest.mark.parametrize("who", [APP, USER])
def test_no_doer_takes_what_a_list_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    steps = bench.steps(who)
    shared: list[Hashable] = []
    monkeypatch.setattr(bench.conn.reads, "read", lambda key, _: shared.append(key))
    for step in steps:
        bench.do(step)
        assert bench.seen(step) is not None
        if bench.doer(step.does).reversible:
            bench.undo(step)
    assert shared == []
    assert len(steps) > 2
