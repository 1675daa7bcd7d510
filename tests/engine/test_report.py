"""From a journal to a report: what is open, what ends by itself, what was unseen, and the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.verdict import exit_code, headline, next_commands, proof_counts
from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Replacement, Report
from nhi_revoke.model.step import Manual, OpenDoor, Phase, Residual
from tests.engine.cloud import Cloud, bot
from tests.engine.scene import ROTATE, TO_SHELF, Scene, identity
from tests.engine.story import CI, STANDING, Story, access, step
from tests.engine.tick import NOON, after

NOW = after(100)
DOOR = OpenDoor(CI, "fake:trust/ci/t", "anyone may", "--cut-trust fake:trust/ci/t")
BLIND = BlindSpot(CI, "fake:trust", "not allowed", "trusts.list")
LEAD = Lead(bot("x"), "a session", "log", at=NOON, session="fake:session/x/1")
RESIDUAL = Residual(CI, STANDING, after(500), "signed URLs", "a document")
SERVED = Replacement("fake:key", str(CI), "served", "fake:key/ci/new", "shelf:ci", Proof.ENFORCED, "")


def clean() -> Report:
    """Everything ended and proven."""
    return Story(step("a"), accesses=(access(),)).did("a").closed().report()


def verdict(**changed: Any) -> int:
    return exit_code(replace(clean(), **changed), NOW)


def result(change: Change | None, phase: Phase = Phase.END) -> Report:
    story = Story(step("a"), step("b", phase=phase, ends=()), accesses=(access(),)).did("a")
    return (story.ended("b", change) if change else story).closed().report()


# -- exit code ---------------------------------------------------------------------------------------------------------


def test_done_and_proven() -> None:
    report = clean()
    assert (report.exit_code, report.headline) == (0, "OUT")
    assert report.next == ("nhi-revoke verify run-1",)
    assert proof_counts(report.outcomes) == {p.value: int(p is Proof.RECORDED) for p in Proof}


OPEN: list[dict[str, Any]] = [
    {"open": (DOOR,)},
    {"manual": (Manual(CI, "fake:key", "in the console"),)},
    {"leads": (LEAD,)},
    {"planted": (replace(LEAD, how="planted"),)},
    {"replacements": (replace(SERVED, result="delivered"),)},
    {"replacements": (replace(SERVED, result="not-replaced"),)},
]
UNSEEN: list[dict[str, Any]] = [{"blind": (BLIND,)}, {"unreachable": (Unreachable(bot("y"), "denied", "no"),)}]
LEFT: dict[str, Any] = {"residuals": (RESIDUAL,), "residual_until": after(500)}


@pytest.mark.parametrize("changed", OPEN)
def test_something_open_is_8(changed: dict[str, Any]) -> None:
    assert verdict(**changed) == 8


@pytest.mark.parametrize("fate", ["open", "left", "failed"])
def test_an_access_that_is_not_shut_is_8(fate: Any) -> None:
    assert verdict(outcomes=(replace(clean().outcomes[0], fate=fate),)) == 8


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        (Proof.ENFORCED, 0),
        (Proof.SIMULATED, 0),
        (Proof.RECORDED, 0),
        (Proof.REQUESTED, 8),
        (Proof.UNPROVEN, 8),
        (None, 8),
    ],
)
def test_ended_needs_a_proof(proof: Proof | None, code: int) -> None:
    assert verdict(outcomes=(replace(clean().outcomes[0], proof=proof),)) == code


@pytest.mark.parametrize("changed", UNSEEN)
def test_something_unseen_is_9(changed: dict[str, Any]) -> None:
    assert verdict(**changed) == 9
    assert verdict(**changed, **LEFT) == 9
    assert verdict(**changed, **OPEN[0]) == 8


def test_what_ends_by_itself_is_6_until_its_time() -> None:
    assert verdict(**LEFT) == 6
    assert verdict(residual_until=NOW) == 0
    assert verdict(open=(replace(DOOR, kept=True),), replacements=(SERVED,)) == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Failed("no"), 5),
        (Lost("gone"), 5),
        (Impossible("no API", "console"), 5),
        (Skipped("blocked"), 5),
        (None, 5),
        (Already({}), 0),
        (Done({}, NOON), 0),
    ],
)
def test_a_step_that_failed_is_5_before_everything(change: Change | None, code: int) -> None:
    report = result(change)
    assert report.exit_code == code
    for changed in (*OPEN, *UNSEEN, LEFT):
        assert (exit_code(replace(report, **changed), NOW) == 5) == (code == 5)


def test_a_skipped_rotation_is_no_failure() -> None:
    report = result(Skipped("the logs are not read"), Phase.MINT)
    assert report.exit_code == 0  # its replacement, where there is one, says "not-replaced": 8
    assert result(None, Phase.RELEASE).exit_code == 0


def test_nothing_changed_is_1() -> None:
    report = Story(step("a"), step("b"), accesses=(access(),)).ended("a", Failed("no")).closed().report()
    assert (report.exit_code, report.headline) == (1, "NOTHING CHANGED")
    assert report.next[0] == "nhi-revoke resume run-1"
    already = Story(step("a"), step("b")).did("a").ended("b", Failed("no"))
    already.lines = [
        replace(line, change=Already({})) if getattr(line, "step", "") == "a" and hasattr(line, "change") else line
        for line in already.lines
    ]
    assert already.closed().report().exit_code == 1


def test_what_may_have_happened_is_not_called_nothing() -> None:
    """1 is "failed, nothing changed": whoever reads that looks for nothing to clean up."""
    lost = Story(step("a"), accesses=(access(),)).ended("a", Lost("the answer never came")).closed().report()
    assert (lost.exit_code, lost.headline) == (5, "NOT PROVEN OUT")
    again = Story(step("a"), accesses=(access(),)).ended("a", Lost("gone")).ended("a", Failed("no")).closed().report()
    assert again.exit_code == 5, "the first try may have been heard"
    back = Story(step("a"), accesses=(access(),)).seen("a").vanished("a").closed().report()
    assert (back.exit_code, back.headline) == (5, "NOT PROVEN OUT")
    unproven = Story(step("p", "fake:key/prove", Phase.PROVE, ends=())).ended("p", Lost("refused")).closed().report()
    assert unproven.exit_code == 1, "a proof changes nothing"


def test_a_minted_one_that_could_not_be_destroyed_is_not_called_nothing(scene: Scene, cloud: Cloud) -> None:
    cloud.tell("apply shelf/stage", Failed("no room"))
    cloud.tell("destroy fake:key/create", Failed("not allowed"))
    report = scene.revoke(identity(deliver=TO_SHELF), replace(ROTATE, order="rollover"))
    assert cloud.bots["ci"].keys["new1"] == "live"
    assert (report.exit_code, report.headline) == (5, "NOT PROVEN OUT")


@pytest.mark.parametrize(("verb", "says"), [("undo", "TAKEN BACK"), ("release", "RELEASED"), ("finish", "FINISHED")])
def test_later_verbs_are_judged_by_their_own_steps(verb: Any, says: str) -> None:
    story = Story(step("a"), accesses=(access(),)).did("a").closed()
    story.then(step("undo-a", undoes="a"), verb=verb)
    good = Story(step("a")).did("a").closed().then(step("undo-a", undoes="a"), verb=verb).did("undo-a").report()
    assert (good.exit_code, good.headline) == (0, says)
    bad = story.ended("undo-a", Failed("no")).report()
    assert (bad.exit_code, bad.headline) == (5, says)


def test_only_0_and_6_are_out() -> None:
    for code in (0, 1, 5, 6, 8, 9):
        said = headline(replace(clean(), exit_code=code))
        assert (said == "OUT") == (code in (0, 6))
        assert (said == "NOTHING CHANGED") == (code == 1)


# -- what to type ------------------------------------------------------------------------------------------------------


def test_the_most_urgent_first_and_quoted() -> None:
    report = replace(
        clean(),
        identity="pay ments",
        exit_code=5,
        state="held",
        next_plan="/some where/plan-2.json",
        open=(DOOR, replace(DOOR, kept=True), replace(DOOR, next="by hand")),
        replacements=(replace(SERVED, result="not-replaced"),),
        residual_until=after(500),
    )
    assert next_commands(report, NOW) == (
        "nhi-revoke resume run-1",
        "nhi-revoke apply '/some where/plan-2.json'",
        "nhi-revoke revoke 'pay ments' --cut-trust fake:trust/ci/t",
        "nhi-revoke rotate 'pay ments'",
        "nhi-revoke hold run-1",
        "nhi-revoke release run-1",
    )


def test_after_a_release_what_was_held_back_is_rotated() -> None:
    """Nothing new could be proven while the brake was on."""
    report = replace(clean(), verb="release", intent=Intent(replace=("fake:key",)), replacements=())
    assert next_commands(report, NOW) == (f"nhi-revoke rotate {report.identity}",)
    assert "rotate" not in " ".join(next_commands(replace(report, replacements=(SERVED,)), NOW))
    assert "rotate" not in " ".join(next_commands(replace(report, intent=Intent()), NOW))


def test_unseen_says_verify() -> None:
    report = replace(clean(), exit_code=9, blind=(BLIND,))
    assert next_commands(report, NOW) == ("nhi-revoke verify run-1",)
    assert next_commands(replace(clean(), state="undone"), NOW) == ()
