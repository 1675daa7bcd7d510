"""A cache is asked for the plan where somebody reads it, and never holds up a containment that asks nobody."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke_example.cache import Flush

from .conftest import Cli


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    told: list[Any] = []

    def looks(self: Flush, conn: Any, settings: Any) -> str:
        told.append(settings)
        return "7 keys match now"

    monkeypatch.setattr(Flush, "looks", looks, raising=False)
    return told


def test_a_plan_tells_it(cli: Cli, asked: list[Any]) -> None:
    assert "(7 keys match now)" in " ".join(cli("plan", "payments-bot").out.split())
    assert len(asked) == 1  # once, for both moments


def test_a_dry_run_and_a_prompt_do(cli: Cli, asked: list[Any]) -> None:
    assert "7 keys match now" in cli("revoke", "payments-bot", "--dry-run").out
    ran = cli("revoke", "payments-bot", tty=True, typed="n\n", environ={"COLUMNS": "200"})
    assert "7 keys match now" in " ".join(ran.err.split())
    assert len(asked) == 2
    assert cli.mutations == []


def test_a_containment_that_asks_nobody_does_not(cli: Cli, asked: list[Any]) -> None:
    ran = cli("revoke", "payments-bot", "--rotate", "no", "--yes")
    assert asked == []
    assert cli.mutations != []
    assert "FLUSHED" in ran.out
