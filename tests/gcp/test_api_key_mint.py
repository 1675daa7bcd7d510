"""A new API key: begun, awaited on the engine's clock, handed over in memory, and destroyed where nobody received it
(facts gcp.md 4 and 7: 14, 15).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.fault import NoAnswer, Rejected
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp.constraints import NO_API_KEYS
from nhi_revoke_gcp.sandbox.api_keys import ApiKey

from .conftest import BOT, Bench, world

KIND = "gcp:api-key"
KEYS = "/v2/projects/<project>/locations/global/keys"
CREATE, DELETE = f"POST {KEYS}", f"DELETE {KEYS}/<uid>"
AI = "aiplatform.googleapis.com"


def used(bench: Bench) -> ApiKey:
    """The workload's."""
    return next(k for k in bench.cloud.api_keys.keys.values() if k.display_name == "assistant")


def drafted(bench: Bench, **intent: Any) -> list[Draft]:
    """With a delivery, without the brake, and of the workload's key alone."""
    delivery = Delivery(kind=KIND, to="file:/run/secrets/gemini.json")
    view = bench.view(BOT, identity=Identity("bot", (bench.resolve(BOT).ref,), deliver=(delivery,)))
    asked = {"brake": "off", "replace": (KIND,), "scope": f"{KIND}/{used(bench).uid}", **intent}
    return list(bench.kinds[KIND].draft(view, Intent(**asked)))


def mint(bench: Bench, **intent: Any) -> Step:
    [step] = [d for d in drafted(bench, **intent) if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return step


def unreplaced(bench: Bench, **intent: Any) -> str:
    found = drafted(bench, **intent)
    assert not [d for d in found if isinstance(d, Step) and d.phase is Phase.MINT]
    [said] = [d.what for d in found if isinstance(d, Manual)]
    return said


def opens(bench: Bench, step: Step) -> Any:
    """By a step that knows nothing but the secret, as the engine's is."""
    return bench.doer(step.does).opens(bench.conn, replace(step, before={}), bench.run.take(step.id))


def test_the_new_one_is_bound_and_restricted_as_the_old_one_and_its_string_is_nowhere(bench: Bench) -> None:
    bench.sandbox.lag(2, 0)
    step = mint(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    made = bench.cloud.api_keys.keys[change.left["id"].rpartition("/")[2]]
    old = used(bench)
    assert (made.email, made.restrictions, made.display_name) == (old.email, old.restrictions, old.display_name)
    assert made.number == old.number
    assert made.annotations == {"nhi-revoke-run": bench.run.id}
    assert (secret.field, secret.reveal()) == ("keyString", made.string)
    told = json.dumps([change.left, step.before, repr(secret)])
    assert not [each for each in bench.sandbox.canaries() if each in told]
    assert bench.seen(step) == change.left
    assert bench.writes() == [CREATE]


def test_what_is_under_way_is_awaited_on_the_engines_clock(bench: Bench) -> None:
    bench.sandbox.lag(60, 0)
    before = bench.sandbox.now()
    assert isinstance(bench.do(mint(bench)), Done)
    assert 2 <= (bench.sandbox.now() - before).total_seconds() < 10
    assert [c.name for c in bench.sandbox.calls()].count("GET /v2/operations/<operation>") == 2


def test_the_string_is_asked_for_where_the_operation_does_not_tell_it(bench: Bench) -> None:
    bench.cloud.api_keys.shows_string = False
    step = mint(bench)
    bench.do(step)
    assert bench.run.take(step.id).reveal() in {k.string for k in bench.cloud.api_keys.keys.values()}


def test_it_is_proven_by_opening_something_and_unproven_until_it_does(bench: Bench) -> None:
    bench.sandbox.lag(60, 0)
    step = mint(bench)
    bench.do(step)
    early = opens(bench, step)
    assert (early.proof, "API_KEY_INVALID" in early.how) == (Proof.UNPROVEN, True)
    bench.sandbox.advance(61)
    assert opens(bench, step).proof is Proof.ENFORCED


def test_one_that_may_not_do_what_is_tried_is_recorded_and_no_more(bench: Bench) -> None:
    used(bench).restrictions = {"apiTargets": [{"service": "generativelanguage.googleapis.com"}]}
    step = mint(bench)
    bench.do(step)
    proven = opens(bench, step)
    assert (proven.proof, "API_KEY_SERVICE_BLOCKED" in proven.how) == (Proof.RECORDED, True)


@pytest.mark.parametrize("rule", [{"enforce": True}, {"enforce": True, "parameters": {"allowedServices": []}}])
def test_an_organisation_that_forbids_it_is_named_before_anything_is_ended(bench: Bench, rule: dict[str, Any]) -> None:
    """Facts gcp.md 4: with the ways out."""
    bench.cloud.constraints[NO_API_KEYS] = [rule]
    bench.conn = bench.connect()
    said = unreplaced(bench)
    assert f"constraints/{NO_API_KEYS}" in said
    assert "allowedServices" in said
    assert not bench.writes()


def test_one_that_allows_other_services_alone_is_named_before_anything_is_made(bench: Bench) -> None:
    rule = {"enforce": True, "parameters": {"allowedServices": ["generativelanguage.googleapis.com"]}}
    bench.cloud.constraints[NO_API_KEYS] = [rule]
    bench.conn = bench.connect()
    step = mint(bench)
    wrong = bench.doer(step.does).check(bench.conn, step)
    assert isinstance(wrong, Impossible)
    assert AI in wrong.why
    assert not bench.writes()


def test_one_that_allows_its_service_is_no_hindrance(bench: Bench) -> None:
    bench.cloud.constraints[NO_API_KEYS] = [{"enforce": True, "parameters": {"allowedServices": [AI]}}]
    bench.conn = bench.connect()
    step = mint(bench)
    assert bench.doer(step.does).check(bench.conn, step) is None
    assert isinstance(bench.do(step), Done)


def test_one_that_forbids_it_meanwhile_is_impossible_with_its_name(bench: Bench) -> None:
    step = mint(bench)
    bench.cloud.constraints[NO_API_KEYS] = [{"enforce": True}]
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert f"constraints/{NO_API_KEYS}" in change.why


def test_what_google_gives_up_has_made_nothing(bench: Bench) -> None:
    step = mint(bench)
    bench.cloud.api_keys.fails = {"code": 9, "message": "anything"}
    with pytest.raises(Rejected, match="FAILED_PRECONDITION"):
        bench.do(step)
    assert bench.doer(step.does).orphans(bench.conn, step) == []


@pytest.mark.parametrize("call", [CREATE, "GET /v2/operations/<operation>"])
def test_a_lost_create_is_found_by_difference_and_destroyed(bench: Bench, call: str) -> None:
    """Facts gcp.md 7, 14: also where it is not there yet, and where what came of it may not be read."""
    bench.sandbox.lag(60, 0)
    step = mint(bench)
    doer = bench.doer(step.does)
    assert doer.orphans(bench.conn, step) == []
    bench.sandbox.fault(call, "lost" if call == CREATE else "denied", times=1)
    with pytest.raises(NoAnswer):
        bench.do(step)
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    bench.sandbox.advance(2)
    assert doer.orphans(bench.conn, step) == []
    assert bench.writes() == [CREATE, DELETE]
    assert used(bench).deleted(bench.sandbox.now()) is None


def test_a_string_that_may_not_be_read_leaves_no_key(bench: Bench) -> None:
    bench.cloud.api_keys.shows_string = False
    bench.sandbox.fault(f"GET {KEYS}/<uid>/keyString", "denied", times=1)
    step = mint(bench)
    with pytest.raises(NoAnswer, match="may not be read"):
        bench.do(step)
    assert len(bench.doer(step.does).orphans(bench.conn, step)) == 1


def test_an_operation_that_never_ends_is_told_as_unclear(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    step = mint(bench)
    bench.sandbox.lag(2, 0)
    begin = bench.cloud.api_keys.begin
    monkeypatch.setattr(bench.cloud.api_keys, "begin", lambda at, _, tells: begin(at, 10**6, tells))
    with pytest.raises(NoAnswer):
        bench.do(step)


def test_while_the_account_is_disabled_nothing_is_made(bench: Bench) -> None:
    """Facts gcp.md 7, 2: to use a new key the account would be enabled, and stolen tokens with it."""
    assert "release --wait" in unreplaced(bench, brake="on")
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert "disabled before" in unreplaced(bench)


def test_which_of_several_is_the_workloads_nobody_guesses(bench: Bench) -> None:
    said = unreplaced(bench, scope="all")
    assert "2 API keys" in said
    assert said.count("--scope gcp:api-key/") == 2
    ended = [d for d in drafted(bench, scope="all") if isinstance(d, Step)]
    assert [s.does for s in ended] == [f"{KIND}/delete"] * 2, "both are ended all the same"
    assert not [d for d in drafted(bench, scope="all", order="rollover") if isinstance(d, Step)]


def test_after_a_containment_and_its_release_a_rotation_gives_the_workload_a_new_one(tmp_path: Path) -> None:
    """Of the one that the containment deleted: its restrictions are still told."""
    with world(tmp_path, deliver=False, also=(KIND,)) as whole:
        report = whole.run()
        assert any("release --wait" in each.what for each in report.manual)
        old = next(k for k in whole.gcp.cloud.api_keys.keys.values() if k.display_name == "assistant")
        with whole.engine() as engine:
            engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
        whole.clock.advance(120)
        intent = Intent(order="rollover", replace=(KIND,), scope=f"{KIND}/{old.uid}")
        again = whole.run(whole.plan(intent), verb="rotate")
        assert [(r.result, r.proof) for r in again.replacements] == [("served", Proof.ENFORCED)]
        kept = json.loads((whole.folder / "payments-api-key.json").read_text())
        made = whole.gcp.cloud.api_keys.by_string(kept["keyString"])
        assert made is not None
        assert made.restrictions == old.restrictions
        assert not whole.open_doors() & {"api-key", "planted-api-key"}


def test_rolled_over_the_new_one_is_delivered_and_proven_before_the_old_one_is_deleted(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="now", brake="off"), deliver=False, also=(KIND,)) as whole:
        old = next(k for k in whole.gcp.cloud.api_keys.keys.values() if k.display_name == "assistant")
        intent = Intent(order="rollover", replace=(KIND,), scope=f"{KIND}/{old.uid}")
        report = whole.run(whole.plan(intent), verb="rotate")
        assert [(r.result, r.proof) for r in report.replacements] == [("served", Proof.ENFORCED)]
        order = [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates]
        assert order == [CREATE, DELETE]
        kept = json.loads((whole.folder / "payments-api-key.json").read_text())
        made = whole.gcp.cloud.api_keys.by_string(kept["keyString"])
        assert made is not None
        assert (made.email, made.works.obeyed(whole.clock.now())) == (old.email, True)
        assert whole.open_doors() & {"api-key", "planted-api-key"} == {"planted-api-key"}
        assert mispredicted(whole, report) == []
