"""API keys bound to an account: another API, other projects, and no disabled state (facts gcp.md 1, 2, 7: 4, 12, 20 to
22).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Conflict
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.access.api_key_try import mark
from nhi_revoke_gcp.projects import MOST
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.api_keys import ApiKey

from .conftest import BOT, Bench, world

KIND = "gcp:api-key"
KEYS = "/v2/projects/<project>/locations/global/keys"
DELETE, UNDELETE = f"DELETE {KEYS}/<uid>", f"POST {KEYS}/<uid>:undelete"
DOORS = {"api-key", "planted-api-key"}


def found(bench: Bench) -> dict[str, Access]:
    return bench.accesses(BOT, KIND)


def unseen(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def mine(bench: Bench, project: str = seed.PROJECT) -> ApiKey:
    """The live one of that project."""
    keys = bench.cloud.api_keys.of_project(project, bench.sandbox.now())
    return next(k for k in keys if k.email == bench.account.email and not k.deletions)


def ending(bench: Bench, project: str = seed.PROJECT) -> Step:
    key = mine(bench, project)
    [step] = [s for s in bench.steps(BOT) if s.ends == (f"{KIND}/{key.uid}",)]
    return step


# -- listing -----------------------------------------------------------------------------------------------------------


def test_its_own_are_listed_in_every_project_and_nobody_elses(bench: Bench) -> None:
    """Facts gcp.md 7, 4: the key may live in another project than its account."""
    live = [a for a in found(bench).values() if a.state == "live"]
    assert {a.before["project"] for a in live} == {seed.PROJECT, seed.PARTNER}
    assert {bench.cloud.api_keys.keys[a.door].email for a in found(bench).values()} == {bench.account.email}
    assert len(bench.cloud.api_keys.keys) == 6
    assert any('called "assistant"; for aiplatform.googleapis.com;' in a.note for a in live)
    assert all(a.elsewhere for a in live), "a disabled account is not known to stop one"


def test_a_deleted_one_is_told_as_such_and_is_no_target(bench: Bench) -> None:
    [old] = [a for a in found(bench).values() if a.state != "live"]
    assert old.state == "disabled"
    assert "bring it back until 2026-12-27" in old.note
    assert not [s for s in bench.steps(BOT) if old.id in s.ends]
    bench.sandbox.advance(30 * 24 * 3600)
    assert old.id not in found(bench), "Google purges it by itself"


def test_pages_hide_none(bench: Bench) -> None:
    """Facts gcp.md 7, 12: of keys, and of projects."""
    whole = set(found(bench))
    bench.sandbox.page_size(1)
    assert set(found(bench)) == whole
    assert len(whole) == 3


def test_no_string_of_a_key_is_fetched(bench: Bench) -> None:
    bench.view(BOT)
    assert not [c for c in bench.sandbox.calls() if "keyString" in c.name or "lookupKey" in c.name]


def test_a_denied_list_of_its_own_project_counts_and_hides_no_other(bench: Bench) -> None:
    """Facts gcp.md 7, 21."""
    bench.cloud.api_keys.closed.add(seed.PROJECT)
    [spot] = [b for b in unseen(bench) if b.counts]
    assert seed.PROJECT in spot.why
    assert spot.needs == "apikeys.keys.list"
    assert {a.before["project"] for a in found(bench).values()} == {seed.PARTNER}


def test_an_api_that_is_off_is_unseen_and_not_none(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.cloud.api_keys.off.add(seed.PROJECT)
    [spot] = [b for b in unseen(bench) if b.counts]
    assert "SERVICE_DISABLED" in spot.why
    assert "apikeys.googleapis.com (an API that is off)" in spot.needs


def test_a_project_that_is_seen_and_does_not_let_anybody_look_counts_and_says_how_to_leave_it_out(bench: Bench) -> None:
    bench.cloud.api_keys.closed.add(seed.SECURITY)
    [spot] = [b for b in unseen(bench) if b.counts]
    assert seed.SECURITY in spot.why
    assert "projects in [gcp] of nhi.toml" in spot.needs
    bench.conn = bench.connect(projects=(seed.PARTNER,))
    assert not [b for b in unseen(bench) if b.counts]
    assert len(found(bench)) == 3


def test_projects_that_the_settings_name_are_the_ones_that_are_looked_through(bench: Bench) -> None:
    bench.conn = bench.connect(projects=("no-such-project",))
    told = unseen(bench)
    [wrong] = [b for b in told if b.counts]
    assert "no-such-project" in wrong.why
    assert any("does not name: not looked at" in b.why for b in told)
    assert not [c for c in bench.sandbox.calls() if "search" in c.name]
    assert {a.before["project"] for a in found(bench).values()} == {seed.PROJECT}


def test_a_project_that_is_named_twice_shows_its_keys_once(bench: Bench) -> None:
    bench.conn = bench.connect(projects=(seed.NUMBERS[seed.PROJECT], seed.PARTNER))
    listed = [f.id for f in bench.collect(BOT, KIND) if isinstance(f, Access)]
    assert len(listed) == len(set(listed)) == 3


def test_what_no_search_shows_is_said_and_does_not_count(bench: Bench) -> None:
    """There may always be such a project: nothing is known to be hidden."""
    [spot] = unseen(bench)
    assert (spot.counts, "in projects that this operator does not see" in spot.why) == (False, True)


def test_a_search_that_is_denied_counts(bench: Bench) -> None:
    bench.sandbox.fault("GET /v3/projects:search", "denied", times=1)
    [spot] = [b for b in unseen(bench) if b.counts]
    assert "other projects" in spot.why
    bench.cloud.off.add("cloudresourcemanager")
    assert [b for b in unseen(bench) if b.counts and "SERVICE_DISABLED" in b.why]
    assert {a.before["project"] for a in found(bench).values()} == {seed.PROJECT}


def test_no_more_projects_than_the_bound_are_looked_through_and_that_is_said(bench: Bench) -> None:
    for number in range(MOST):
        bench.cloud.api_keys.projects[f"other-{number:03}"] = str(10**11 + number)
    [spot] = [b for b in unseen(bench) if b.counts]
    assert f"more than {MOST} projects" in spot.why
    assert len([c for c in bench.sandbox.calls() if c.name == f"GET {KEYS}"]) == MOST


# -- ending ------------------------------------------------------------------------------------------------------------


def test_the_brake_does_not_reach_it_and_its_own_end_does(bench: Bench) -> None:
    """Facts gcp.md 2: that a disabled account stops one is documented nowhere."""
    step = ending(bench)
    assert (step.phase, step.rearms, step.reversible) == (Phase.END, "always", True)
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert bench.open_doors() >= DOORS
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"state": "deleted"}
    assert bench.prove(step).proof is Proof.RECORDED
    assert bench.open_doors() & DOORS == {"planted-api-key"}
    assert bench.writes() == [DELETE]


def test_it_is_seen_once_its_operation_is_done_and_obeyed_minutes_later(bench: Bench) -> None:
    """Facts gcp.md 2 and 7, 11."""
    bench.sandbox.lag(200, 0)
    step = ending(bench)
    bench.do(step)
    assert bench.seen(step) is None
    bench.sandbox.advance(2)
    assert bench.seen(step)
    assert "api-key" in bench.open_doors()
    bench.sandbox.advance(bench.doer(step.does).settle)
    assert "api-key" not in bench.open_doors()


def test_one_in_another_project_is_ended_there(bench: Bench) -> None:
    step = ending(bench, seed.PARTNER)
    bench.do(step)
    assert bench.open_doors() & DOORS == {"api-key"}
    [call] = [c for c in bench.sandbox.calls() if c.name == DELETE]
    assert call.target == f"{seed.NUMBERS[seed.PARTNER]}/{mine_deleted(bench, seed.PARTNER).uid}"


def mine_deleted(bench: Bench, project: str) -> ApiKey:
    keys = bench.cloud.api_keys.keys.values()
    return next(k for k in keys if k.project == project and k.email == bench.account.email and k.deletions)


def test_deleted_twice_is_told_as_already(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    assert isinstance(bench.do(step), Already)


def test_somebody_who_edits_it_meanwhile_does_not_keep_it_alive(bench: Bench) -> None:
    """Its etag is not sent: a new display name is no reason to leave it."""
    step = ending(bench)
    mine(bench).version += 1
    assert isinstance(bench.do(step), Done)
    assert "etag" not in step.before


def test_the_sandbox_refuses_a_stale_etag_as_google_does(bench: Bench) -> None:
    name = mine(bench).name
    with pytest.raises(Conflict):
        bench.conn.api("apikeys").call("DELETE", f"/v2/{name}", query={"etag": "old"})


def test_undo_brings_it_back_with_the_same_string(bench: Bench) -> None:
    step = ending(bench)
    assert "same key string works again" in bench.doer(step.does).undone
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert "api-key" in bench.open_doors()
    assert isinstance(bench.undo(step), Already)
    assert bench.writes() == [DELETE, UNDELETE]


def test_what_this_run_did_not_delete_is_not_brought_back(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    bench.run.lefts[step.id] = {}
    assert isinstance(bench.undo(step), Failed)
    assert "api-key" not in bench.open_doors()


def test_after_thirty_days_nothing_brings_it_back(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    bench.sandbox.advance(timedelta(days=31).total_seconds())
    assert bench.seen(step) == {"state": "gone"}
    assert isinstance(bench.undo(step), Impossible)


def test_a_rotation_of_something_else_leaves_it(bench: Bench) -> None:
    assert not [s for s in bench.steps(BOT, order="rollover") if s.does.startswith(KIND)]


def test_a_whole_run_ends_both(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as whole:
        report = whole.run()
        ended = [o for o in report.outcomes if o.access.kind == KIND]
        assert sorted(o.fate for o in ended) == ["already", "ended", "ended"], "one was deleted before"
        assert not whole.open_doors() & DOORS
        assert not [b for b in report.blind if b.kind == KIND and b.counts]


# -- held by its value -------------------------------------------------------------------------------------------------


def held(bench: Bench, monkeypatch: pytest.MonkeyPatch, *values: str) -> list[str]:
    """As the engine hands them on; their marks."""
    given = [secret for _, secret in gcp.leaks("\n".join(values))]
    assert len(given) == len(values)
    monkeypatch.setattr(bench.io, "leaked", lambda kind: given if kind == KIND else ())
    return [mark(secret) for secret in given]


NEW_FORM = "AQ." + "Ab8RN6" + "qT3_" * 11


@pytest.mark.parametrize("text", ['"{}"', "key={}&x", "GEMINI_API_KEY={}\n", "{}"])
def test_a_key_string_is_recognised_wherever_it_stands(bench: Bench, text: str) -> None:
    for value in (mine(bench).string, NEW_FORM):
        [found] = gcp.recognise(text.format(value))
        leak = found.leak
        assert (leak.kind, leak.owner) == (KIND, None), "no shape tells whose it is"
        assert value not in repr(leak)


@pytest.mark.parametrize("text", ["AIza", "AIza" + "x" * 34, "AIza" + "x" * 36, "xAIza" + "x" * 35, "AQ." + "x" * 20])
def test_what_has_another_form_is_none(text: str) -> None:
    assert not list(gcp.recognise(text))


def test_google_tells_which_one_it_is_and_the_key_itself_is_the_proof(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its string goes to Google in a query: nothing of ours writes that down."""
    value = mine(bench).string
    [its] = held(bench, monkeypatch, value)
    with caplog.at_level(logging.DEBUG):
        step = ending(bench)
        access = found(bench)[step.ends[0]]
        assert its in access.door
        assert bench.prove(step).proof is Proof.UNPROVEN, "it still opens"
        bench.do(step)
        proven = bench.prove(step)
    assert (proven.proof, proven.how) == (
        Proof.ENFORCED, "the key that leaked was tried, and is refused (API_KEY_INVALID)",
    )  # fmt: skip
    told = repr([step, access, proven, bench.sandbox.calls(), [r.getMessage() for r in caplog.records]])
    assert value not in told


def test_no_clear_answer_leaves_the_weaker_proof(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held(bench, monkeypatch, mine(bench).string)
    step = ending(bench)
    bench.do(step)
    bench.sandbox.fault("GET /v1/publishers/google/models/<model>", "timeout", times=100)
    assert bench.prove(step).proof is Proof.RECORDED
    bench.sandbox.fault("GET /v2/keys:lookupKey", "denied", times=100)
    assert bench.prove(step).proof is Proof.RECORDED


def test_one_that_google_still_knows_is_not_proven_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restricted to another service, what is tried refuses it for that alone: it is a key all the same."""
    key = mine(bench)
    key.restrictions = {"apiTargets": [{"service": "generativelanguage.googleapis.com"}]}
    held(bench, monkeypatch, key.string)
    proven = bench.prove(ending(bench))
    assert proven.proof is Proof.UNPROVEN
    assert "API_KEY_SERVICE_BLOCKED" in proven.how


def test_one_in_a_project_that_nobody_named_is_found_by_its_value(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts gcp.md 1 (row 7): Google maps a leaked string to its project."""
    book = bench.cloud.api_keys
    book.hidden["shadow-project"] = "999900001111"
    key = book.make("shadow-project", bench.account.email, bench.sandbox.now())
    assert f"{KIND}/{key.uid}" not in found(bench)
    held(bench, monkeypatch, key.string)
    assert found(bench)[f"{KIND}/{key.uid}"].state == "live"
    [step] = [s for s in bench.steps(BOT) if s.ends == (f"{KIND}/{key.uid}",)]
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"state": "deleted"}


def test_one_of_another_account_is_a_lead_and_a_standard_one_nobodys(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = bench.cloud.api_keys.keys.values()
    other = next(k for k in keys if k.email == bench.scene.runner.email)
    plain = next(k for k in keys if not k.email)
    marks = held(bench, monkeypatch, other.string, plain.string, NEW_FORM)
    every = bench.collect(BOT, KIND)
    [lead] = [f for f in every if isinstance(f, Lead)]
    assert str(lead.to) == f"gcp:sa/{bench.scene.runner.email}"
    assert marks[0] in (lead.session or "")
    [nobodys] = [f for f in every if isinstance(f, BlindSpot) and "bound to no account" in f.why]
    assert (marks[1] in nobodys.why, nobodys.counts) == (True, True)
    [unknown] = [f for f in every if isinstance(f, BlindSpot) and "knows no such key" in f.why]
    assert (marks[2] in unknown.why, unknown.counts) == (True, False)


def test_whose_it_is_may_not_be_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    [its] = held(bench, monkeypatch, mine(bench).string)
    bench.sandbox.fault("GET /v2/keys:lookupKey", "denied", times=1)
    [spot] = [b for b in unseen(bench) if its in b.why]
    assert (spot.counts, spot.needs) == (True, "apikeys.keys.lookup")


def test_a_whole_run_proves_it_by_the_key_itself(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as whole:
        key: Any = next(k for k in whole.gcp.cloud.api_keys.keys.values() if k.display_name == "assistant")
        whole.leaked = lambda _: f"GEMINI_API_KEY={key.string}\n"
        report = whole.run()
        outcome = whole.outcome(report, f"{KIND}/{key.uid}")
        assert (outcome.fate, outcome.proof) == ("ended", Proof.ENFORCED)
