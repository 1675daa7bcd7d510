"""`find NAME` over providers: what each answers, what the map has, and what could not be asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.model.alike import Candidate, Pointer
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.resembling import resemblance
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.scene import Scene
from tests.engine.story import CI

OTHER = PrincipalRef("fake", "bot", "other")


def called(name: str, wanted: str = "ci") -> Candidate:
    return Candidate(bot(name), "bot", name, "home", f"id-{name}", resemblance(wanted, name, "name", "GET /bots"))


def answers(scene: Scene, monkeypatch: pytest.MonkeyPatch, what: str, *told: Any) -> list[Any]:
    """What the provider says; an exception is raised in its turn. Returns what it was asked, as it comes."""
    asked: list[Any] = []

    def look(_conn: object, about: Any) -> Iterable[Any]:
        asked.append(about)
        for each in told:
            if isinstance(each, BaseException):
                raise each
            yield each

    monkeypatch.setattr(scene.fake, what, look)
    return asked


def mapped(scene: Scene, **identities: tuple[str, ...]) -> None:
    made = {name: Identity(name, tuple(map(PrincipalRef.parse, refs))) for name, refs in identities.items()}
    scene.engine.config = replace(scene.engine.config, identities=made)


def test_a_provider_without_a_look_of_its_own_is_asked_for_the_exact_name(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["app"] = Bot()
    found = scene.engine.find("ci")
    assert [(each.principal.ref, each.standing) for each in found.candidates] == [(CI, "sure")]
    assert found.whole
    assert '"fake:bot/ci"' in found.proposal


def test_a_bug_in_one_provider_is_told_and_what_it_told_before_stands(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(scene, monkeypatch, "alike", called("CI"), KeyError("a secret perhaps"))
    found = scene.engine.find("ci")
    assert [u.code for u in found.unreachable] == ["bug"]
    assert "a secret perhaps" not in repr(found)
    assert {each.principal.ref for each in found.candidates} == {CI, bot("CI")}, "the exact one, too"


def test_what_is_denied_is_unseen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(scene, monkeypatch, "alike", called("ci"), Denied("no", needs="bots.list"))
    answers(scene, monkeypatch, "linked", Denied("no", needs="trusts.list"))
    found = scene.engine.find("ci")
    assert [(spot.kind, spot.needs) for spot in found.blind] == [("alike", "bots.list"), ("alike", "trusts.list")]
    assert not found.whole
    assert found.blind[0].why == "principals that resemble the name: they could not be read (no)"
    answers(scene, monkeypatch, "alike", Unauthenticated("who are you"))
    assert [u.code for u in scene.engine.find("ci").unreachable] == ["no-credentials"]
    answers(scene, monkeypatch, "alike", Interrupted())
    with pytest.raises(Interrupted):
        scene.engine.find("ci")


def test_what_is_said_and_hides_nothing_does_not_count(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(scene, monkeypatch, "alike", BlindSpot(CI, "alike", "switched off", counts=False))
    assert scene.engine.find("ci").whole
    answers(scene, monkeypatch, "alike", BlindSpot(CI, "alike", "not read"))
    assert not scene.engine.find("ci").whole


def test_only_what_is_sure_is_followed_and_each_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(called("ci"), aliases=("x/ci",), points=(Pointer(("x/repo",), "its trust", "GET"),))
    two = replace(called("CI"), kind="app", ref=PrincipalRef("fake", "app", "2"), points=one.points)
    answers(scene, monkeypatch, "alike", one, two, called("unlike-ci"))
    repo = Candidate(OTHER, "repo", "other", "home", aliases=("x/repo",))
    asked = answers(scene, monkeypatch, "linked", repo)
    found = scene.engine.find("ci")
    assert [{each.ref for each in around} for around in asked] == [{one.ref, two.ref}, {OTHER}]
    assert {each.principal.ref for each in found.candidates if each.standing == "sure"} == {one.ref, two.ref, OTHER}


@pytest.mark.parametrize("spelled", ["fake:bot/ci", "fake:bot/id-ci", "fake:bot/CI"])
def test_the_map_is_known_however_it_spells_a_principal(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    answers(scene, monkeypatch, "alike", called("ci"))
    mapped(scene, robot=(spelled,))
    found = scene.engine.find("ci")
    assert (found.identity, [each.identity for each in found.candidates if each.principal.ref == CI]) == (
        "robot", ["robot"],
    )  # fmt: skip


def test_which_identity_of_the_map_is_meant(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(scene, monkeypatch, "alike", called("ci"), replace(called("CI"), ref=OTHER))
    mapped(scene, a=("fake:bot/ci",), b=("fake:bot/other",))
    found = scene.engine.find("ci")
    assert found.identity == "", "both have one that bears the name: none is chosen"
    assert {each.identity for each in found.candidates} == {"a", "b"}
    assert not any(each.standing == "sure" for each in found.candidates)
    mapped(scene, a=("fake:bot/ci",), CI=("fake:bot/other",))
    assert scene.engine.find("ci").identity == "CI", "it is called so"


def test_what_the_map_names_in_vain_is_said(scene: Scene) -> None:
    mapped(scene, ci=("fake:bot/ci", "fake:bot/gone"))
    found = scene.engine.find("ci")
    assert [(spot.on.id, spot.counts) for spot in found.blind] == [("gone", False)]
    assert "nhi.toml has fake:bot/gone as ci, and there is none" in found.blind[0].why
    assert found.proposal == ""
