"""The parts of a report: times, steps, what is unseen, what stays, rotations, doors and leads."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.engine.verdict import live, open_count, open_leads
from nhi_revoke.engine.watch import is_live, lineage_unread, live_leads, logs_cover
from nhi_revoke.model.change import Already, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Replacement, Report
from nhi_revoke.model.step import Notice, OpenDoor, Phase, Residual
from tests.engine.cloud import bot
from tests.engine.story import CI, KEY, STANDING, Story, access, cut, seal, standing, step
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


def test_times_are_there_only_when_all_were_seen() -> None:
    story = Story(step("a"), cut(), seal(replaces="cut"), intent=Intent(since=after(-500)))
    story.did("a", at=1).did("cut", at=2)
    times = story.report().times
    assert (times.detected, times.started, times.acted) == (after(-500), NOON, after(2))
    assert times.sealed is None or times.sealed == after(2)
    story.did("seal", at=9)
    assert story.report().times.sealed == after(9)
    story = Story(step("a"), step("b")).did("a", at=1)
    assert story.report().times.acted is None


def test_served_and_verified() -> None:
    serve = step("s", "shelf/serve", Phase.SERVE, ends=())
    story = Story(serve).did("s", at=7)
    assert story.report(at=50).times.served == after(7)
    assert story.report(at=50).times.verified == after(50)
    assert story.report(at=50, closing=False).times.verified is None


# -- steps -------------------------------------------------------------------------------------------------------------


def word(story: Story, id_: str = "a") -> tuple[str, Proof | None, str]:
    (found,) = [s for s in story.report().steps if s.id == id_]
    return found.result, found.proof, found.detail


def test_each_step_in_a_word() -> None:
    assert word(Story(step("a"))) == ("waiting", None, "")
    assert word(Story(step("a")).accepted("a"))[:2] == ("done", Proof.REQUESTED)
    assert word(Story(step("a")).did("a"))[:2] == ("done", Proof.RECORDED)
    assert word(Story(step("a")).did("a").proved("a", Proof.SIMULATED, "simulator")) == (
        "done",
        Proof.SIMULATED,
        "simulator",
    )
    assert word(Story(step("a")).ended("a", Already({})))[0] == "already"
    assert word(Story(step("a")).ended("a", Failed("no"))) == ("failed", None, "no")
    assert word(Story(step("a")).ended("a", Lost("gone"))) == ("lost", None, "gone")
    assert word(Story(step("a")).ended("a", Skipped("s"))) == ("skipped", None, "s")
    assert word(Story(step("a")).ended("a", Impossible("i", "m"))) == ("impossible", None, "i. By hand: m")
    assert word(Story(step("a")).did("a").vanished("a")) == ("failed", None, "somebody took it back")
    undone = Story(step("a")).did("a").then(step("undo-a", undoes="a"), verb="undo").did("undo-a")
    assert word(undone, "undo-a")[0] == "undone"


# -- unseen ------------------------------------------------------------------------------------------------------------


def test_a_blind_spot_is_closed_by_what_covers_it_or_by_its_time() -> None:
    covered = replace(BLIND, covered_by=("fake:session/deny-older",))
    story = Story(seal(), blind=(covered,), accesses=(standing(),))
    assert story.seen("seal").report().blind == (covered,)
    assert story.did("seal").report().blind == ()
    elsewhere = Story(seal(), blind=(replace(covered, on=bot("other")),)).did("seal")
    assert len(elsewhere.report().blind) == 1
    lag = replace(BLIND, until=after(50))
    assert Story(blind=(lag,)).report(at=49).blind == (lag,)
    assert Story(blind=(lag,)).report(at=50).blind == ()


def test_what_was_taken_back_covers_nothing() -> None:
    covered = replace(BLIND, covered_by=("fake:session/deny-older",))
    undo = step("undo-seal", "fake:session/deny-older", undoes="seal", ends=())
    story = Story(blind=(covered,)).then(undo, verb="undo").did("undo-seal")
    assert story.report().blind == (covered,)


def test_only_the_newest_reading_of_the_logs_counts() -> None:
    story = Story().found(BLIND, source="logs")
    assert story.report().blind == (BLIND,)
    assert story.found(source="logs").report().blind == ()
    assert Story().found(BLIND, source="state").found(source="logs").report().blind == (BLIND,)
    assert Story().found(BLIND, source="logs").found(replace(BLIND), source="logs").report().blind == (BLIND,)


# -- what stays --------------------------------------------------------------------------------------------------------


def test_residuals_have_the_times_that_the_steps_left() -> None:
    story = Story(seal(), residuals=(replace(RESIDUAL, until=None),), accesses=(standing(),))
    story.did("seal", residual_until=after(900).isoformat())
    report = story.report()
    assert [r.until for r in report.residuals] == [after(900)]
    assert (report.residual_until, report.exit_code, report.headline) == (after(900), 6, "OUT")
    assert story.report(at=900).residuals == ()
    assert story.report(at=900).exit_code == 0


def test_a_choice_of_the_operator_ends_nothing_by_itself() -> None:
    chosen = replace(RESIDUAL, counts=False)
    report = Story(seal(), residuals=(chosen,), accesses=(standing(),)).did("seal").report()
    assert report.residuals == (chosen,)
    assert report.residual_until is None
    assert report.exit_code == 0


def test_what_still_stands_is_open_and_not_called_left_over() -> None:
    report = Story(seal(), residuals=(RESIDUAL,), accesses=(standing(),)).report()
    assert report.residuals == ()
    assert report.outcomes[0].fate == "open"


# -- rotations ---------------------------------------------------------------------------------------------------------

MINT = step("m", "fake:key/create", Phase.MINT, ends=())
STAGE = step("d", "shelf/stage", Phase.DELIVER, ends=(), takes="m", to="ci")
PROVE = step("p", "fake:key/prove", Phase.PROVE, ends=(), takes="m")
SERVE = step("s", "shelf/serve", Phase.SERVE, ends=(), takes="m", to="ci")


def rotation() -> Story:
    return Story(MINT, STAGE, PROVE, SERVE)


def test_what_became_of_a_rotation() -> None:
    one = rotation().report().replacements[0]
    assert (one.result, one.why, one.access) == ("not-replaced", "not reached", None)
    story = rotation().did("m", id="new").did("d").did("p", proof="simulated", how="x")
    one = story.report().replacements[0]
    assert (one.result, one.access, one.proof) == ("delivered", "new", Proof.SIMULATED)
    one = story.did("s").report().replacements[0]
    assert (one.result, one.to, one.kind, one.on) == ("served", "shelf:ci", "fake:key", str(CI))
    assert one.why == "delivered, read back, proven, current"
    unread = rotation().did("m", id="new").did("d", unread="it shows nothing").did("p", proof="recorded").did("s")
    assert unread.report().replacements[0].why == "delivered, not read back (it shows nothing), proven, current"
    looked = rotation().did("m", id="new").did("d", unwritten="it would be read at once").did("p", proof="recorded")
    one = looked.ended("s", Failed("no room")).report().replacements[0]
    assert (one.result, one.why) == ("not-replaced", "no room"), "nothing was delivered yet"
    assert rotation().ended("m", Failed("slots full")).report().replacements[0].why == "slots full"
    assert rotation().did("m", id="new").ended("d", Failed("no room")).report().replacements[0].why == "no room"


def test_destroyed_is_said_only_when_nothing_is_in_doubt() -> None:
    story = rotation().did("m", id="new").destroyed("m", "new")
    assert story.report().replacements[0].result == "destroyed"
    story.ended("m", Lost("the second may be left"))
    one = story.report().replacements[0]
    assert (one.result, one.why) == ("not-replaced", "the second may be left")


def test_freeing_a_slot_is_no_rotation() -> None:
    assert Story(step("m", "fake:key/delete", Phase.MINT, ends=(KEY,))).report().replacements == ()


# -- doors and leads ---------------------------------------------------------------------------------------------------


def test_a_door_is_closed_when_its_access_ended() -> None:
    trust = access("fake:trust/ci/t", family="trust", exposure="local")
    story = Story(step("c", "fake:trust/cut", ends=(trust.id,)), accesses=(trust,), open=(DOOR,))
    assert story.report().open == (DOOR,)
    assert story.did("c").report().open == ()


def test_a_trust_that_names_a_live_lead_is_open() -> None:
    trust = access("fake:trust/ci/t", family="trust", exposure="local", lets_in=("fake:bot/x",))
    story = Story(accesses=(trust,)).found(LEAD, source="logs")
    (door,) = story.report().open
    assert (door.access, door.next) == (trust.id, "--cut-trust fake:trust/ci/t")
    kept = Story(accesses=(trust,), intent=Intent(keep_trust=(trust.id,))).found(LEAD, source="logs")
    assert kept.report().open == ()
    shut = Story(accesses=(trust,)).found(replace(LEAD, shut="denied there"), source="logs")
    assert shut.report().open == ()


def test_leads_are_shown_as_seen_last() -> None:
    story = Story(leads=(LEAD,)).found(replace(LEAD, shut="denied there"), source="logs")
    (lead,) = story.report().leads
    assert lead.shut
    inside = Story().found(replace(LEAD, to=CI), source="logs")
    assert inside.report().leads == ()
    planted = Story().found(replace(LEAD, how="planted"), source="logs").report()
    assert planted.planted
    assert planted.leads == ()


def test_notices_of_all_sections_once() -> None:
    said = Notice(CI, "mind the step")
    story = Story(notices=(said,)).then(verb="hold", notices=(said, Notice(CI, "more")))
    assert [n.says for n in story.report().notices] == ["mind the step", "more"]


def test_watching_the_logs() -> None:
    lag = replace(BLIND, until=after(60))
    assert lineage_unread([LEAD, lag]) is None
    assert lineage_unread([lag, BLIND]) is BLIND
    assert logs_cover([lag, BLIND, LEAD], after(30), {}) == after(60)
    assert logs_cover([lag], after(90), {}) == after(90)
    assert logs_cover([lag], after(30), {lag.on: timedelta(seconds=7)}) == after(67), "it was read before the others"
    assert live_leads([BLIND, LEAD, replace(LEAD, session=None)], NOW) == (LEAD,)
    assert not is_live(replace(LEAD, until=NOW), NOW)
    assert is_live(replace(LEAD, until=after(101)), NOW)


# -- prediction --------------------------------------------------------------------------------------------------------


def test_a_door_is_predicted_from_what_the_report_says_and_nothing_else() -> None:
    report = clean()
    assert not predicted_open(report, KEY)
    assert not predicted_open(report, "fake:key/ci/nobody-knows")
    weak = replace(report, outcomes=(replace(report.outcomes[0], proof=Proof.REQUESTED),))
    assert predicted_open(weak, KEY)
    for fate in ("open", "left", "failed", "kept", "unseen"):
        assert predicted_open(replace(report, outcomes=(replace(report.outcomes[0], fate=fate),)), KEY)
    for fate in ("already", "expired"):
        assert not predicted_open(replace(report, outcomes=(replace(report.outcomes[0], fate=fate),)), KEY)


def test_doors_residuals_and_leads_are_predicted_open() -> None:
    report = replace(clean(), open=(DOOR,))
    assert predicted_open(report, DOOR.access)
    assert predicted_open(report, str(CI))
    report = replace(clean(), residuals=(RESIDUAL,))
    assert predicted_open(report, STANDING)
    assert not predicted_open(replace(clean(), residuals=(replace(RESIDUAL, until=after(1)),)), STANDING)
    assert predicted_open(replace(clean(), residuals=(replace(RESIDUAL, until=None),)), STANDING)
    for many in ("leads", "planted"):
        assert predicted_open(replace(clean(), **{many: (LEAD,)}), "fake:bot/x")
        assert not predicted_open(replace(clean(), **{many: (replace(LEAD, shut="denied"),)}), "fake:bot/x")
        assert not predicted_open(replace(clean(), **{many: (replace(LEAD, until=after(1)),)}), "fake:bot/x")


def test_what_stands_open_is_counted_once() -> None:
    report = replace(
        clean(), open=(DOOR, replace(DOOR, kept=True, access="kept")), leads=(LEAD, replace(LEAD, shut="x"))
    )
    assert open_leads(report) == (LEAD,)
    assert open_count(report) == 2
    ended = replace(LEAD, until=after(50))
    assert open_leads(replace(report, leads=(ended,), times=replace(report.times, verified=after(51)))) == ()
    left = replace(report.outcomes[0], fate="left")
    both = replace(left, access=replace(left.access, id=DOOR.access))
    assert open_count(replace(report, leads=(), outcomes=(left, both))) == 2
    assert live((LEAD, ended), NOW) == (LEAD,)
