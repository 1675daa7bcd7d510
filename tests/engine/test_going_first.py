"""What goes first and no more; an end that never waits for a seal; a brake among the ends."""

from __future__ import annotations

from typing import ClassVar

import pytest

from nhi_revoke.engine.order import ordered
from nhi_revoke.engine.states import braked, state_of
from nhi_revoke.model.change import Failed, Skipped
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Bot, Cloud
from tests.engine.fake import Disable
from tests.engine.running import DISABLE, Make, key
from tests.engine.story import Story, seal, step


@pytest.mark.parametrize("only_first", [True, False])
def test_what_needs_it_goes_on_where_it_failed(
    bench: Make, cloud: Cloud, only_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disable, "only_first", only_first)
    cloud.tell(f"apply {DISABLE}", Denied("no", needs="keys.update"))
    cloud.bots["other"] = Bot()
    run = bench(step("a"), key("b", "other", after=("a",)))
    run.run()
    assert isinstance(run.of("a").change, Failed)
    assert run.of("b").settled == only_first
    assert isinstance(run.of("b").change, Skipped) != only_first


def test_a_seal_waits_all_the_same(bench: Make, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disable, "only_first", True)
    cloud.tell(f"apply {DISABLE}", Denied("no", needs="keys.update"))
    run = bench(step("a"), seal("b", after=("a",)))
    run.run()
    assert isinstance(run.of("b").change, Skipped)


def test_an_end_never_waits_for_a_seal() -> None:
    """One doer ends, and seals: what needs it would wait for the seal, and the seal for it."""

    class Needs(Disable):
        needs: ClassVar[tuple[str, ...]] = ("fake:session/deny-older",)

    class Catalog(Registry):
        def doer(self, key: str) -> Disable:
            return Needs()

    steps = [step("end", ends=()), step("first", "fake:session/deny-older"), seal("seal")]
    found = {s.says: s for s in ordered(steps, {}, Intent(), Catalog([]))}
    ids = {says: s.id for says, s in found.items()}
    assert found["does end"].after == (ids["does first"],)
    assert set(found["does seal"].after) == {ids["does first"], ids["does end"]}


def test_a_brake_among_the_ends_is_a_brake() -> None:
    story = Story(step("stop", brake=True), step("other"), step("off", phase=Phase.RELEASE, replaces="stop"))
    story.did("stop", "other")
    history = story.history
    assert braked(history) == ("stop",)
    assert state_of(history, closing=True).value == "held"
    story.did("off")
    assert braked(story.history) == ()
