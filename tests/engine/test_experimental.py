"""Principals whose interface the vendor may still change: looked at only where the operator asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace

from nhi_revoke.model.error import Refused, Trouble
from nhi_revoke.model.found import Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.registry import Registry
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.fake import Fake
from tests.engine.scene import YES, Entry, Scene, fate, identity
from tests.engine.story import KEY
from tests.engine.tick import NOON

ODD = "odd-bot"


class Daring(Fake):
    """One of its two kinds of principals is experimental: `odd-bot/NAME` is the bot of that name."""

    experimental: ClassVar[tuple[str, ...]] = (ODD,)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ODD,) if ref.id == "other" else ("bot",)


@pytest.fixture
def daring(cloud: Cloud, tmp_path: Path) -> Iterator[Scene]:
    cloud.bots["other"] = Bot()
    with Scene(cloud, tmp_path) as made:
        made.registry = Registry([Entry("fake", Daring(cloud))])
        made.new()
        yield made


def test_it_is_not_looked_at_and_that_is_said(daring: Scene, cloud: Cloud) -> None:
    found = daring.engine.inventory(identity("ci", "other"), Intent(), logs=False)
    assert [p.name for p in found.principals] == ["ci"]
    [away] = found.unreachable
    assert (away.ref.id, away.code) == ("other", "experimental")
    assert "--experimental" in away.hint
    assert not [c for c in cloud.calls if "other" in c]


def test_alone_it_is_an_error_with_the_way(daring: Scene) -> None:
    with pytest.raises(Trouble) as said:
        daring.engine.inventory(identity("other"), Intent(), logs=False)
    assert "--experimental" in f"{said.value.message} {said.value.hint}"


def test_a_run_without_it_is_not_proven_out(daring: Scene) -> None:
    intent = Intent()
    plan = daring.engine.plan(daring.engine.inventory(identity("ci", "other"), intent, logs=False), intent)
    report = daring.engine.run(plan, "revoke", YES)
    assert fate(report, KEY).fate == "ended"
    assert [each.code for each in report.unreachable] == ["experimental"]
    assert report.exit_code == 9


def test_where_it_is_asked_for_it_is_like_any_other(daring: Scene) -> None:
    intent = Intent(experimental=True)
    found = daring.engine.inventory(identity("ci", "other"), intent, logs=False)
    assert [p.name for p in found.principals] == ["ci", "other"]
    assert not found.unreachable


@pytest.mark.parametrize("asked", [False, True])
def test_a_lead_to_one_makes_no_look_at_it(daring: Scene, cloud: Cloud, asked: bool) -> None:
    """Neither its logs' reader nor the next plan looks behind the option's back; the lead itself is told."""
    cloud.logs = [Lead(bot("other"), "a session begun with old", "log", at=NOON, session="fake:session/other/9")]
    intent = Intent(experimental=asked)
    report = daring.engine.run(daring.plan(intent=intent), "revoke", YES)
    assert bool([c for c in cloud.calls if "other" in c]) is asked
    assert (report.next_plan is not None) is asked
    assert [str(lead.to) for lead in report.leads] == [str(bot("other"))]
    assert report.exit_code == 8


def test_a_saved_plan_looks_as_it_was_made(daring: Scene, cloud: Cloud) -> None:
    asked = Intent(experimental=True)
    saved = daring.engine.plan(daring.engine.inventory(identity("ci", "other"), asked, logs=False), asked)
    cloud.calls.clear()
    assert daring.engine.refresh(saved, stale="drop").principals == saved.principals
    without = replace(saved, intent=Intent())
    cloud.calls.clear()
    with pytest.raises(Refused, match="may still change its interface"):
        daring.engine.refresh(without, stale="drop")
    assert not [c for c in cloud.calls if "other" in c]
