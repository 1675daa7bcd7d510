"""The brake: disabling the account, which alone ends tokens, and what enabling gives back (facts gcp.md 2)."""

from __future__ import annotations

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Notice, Phase, Residual, Step
from nhi_revoke.provider.fault import Denied

from .conftest import ABOVE, BOT, MACHINE, REACH, Bench

KIND = "gcp:service-account"
LIST = "GET /v1/projects/<project>/serviceAccounts/<named>/keys"
TOKENS = {"key-token", "become-token", "minting"}
OTHER = {"hmac-key", "api-key", "planted-api-key", *REACH}
"""Whether a disabled account stops HMAC and API keys is documented nowhere; a key of another account is its own."""
EVERY = {"key", "second-key", "impersonation", "federation", *ABOVE, *MACHINE, *TOKENS, *OTHER}


def brake(bench: Bench, **intent: str) -> Step:
    [step] = [s for s in bench.steps(BOT, **intent) if s.does == f"{KIND}/disable"]
    return step


def test_every_door_is_open_before(bench: Bench) -> None:
    assert bench.open_doors() == EVERY


def test_disabled_it_refuses_its_tokens_and_gets_no_new_ones(bench: Bench) -> None:
    """Facts gcp.md 2: the only change after which tokens that are out are rejected."""
    step = brake(bench)
    assert (step.phase, step.brake) == (Phase.CUT, True)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"enabled": False, "denies": "everything"}
    assert bench.prove(step).proof is Proof.RECORDED
    assert bench.open_doors() == OTHER
    assert bench.writes() == ["iam.DisableServiceAccount"]
    assert not bench.account.keys[next(iter(bench.account.keys))].disabled.shown, "nothing else was changed"


def test_disabled_already_it_is_left_as_it_is(bench: Bench) -> None:
    bench.do(brake(bench))
    again = brake(bench)
    assert isinstance(bench.do(again), Already)
    assert bench.writes() == ["iam.DisableServiceAccount"]
    assert not again.brake, "what was disabled before is not this run's to release"
    assert isinstance(bench.undo(again), Already)
    assert bench.account.disabled.shown


def test_enabling_gives_stolen_tokens_back_and_the_step_says_for_how_long(bench: Bench) -> None:
    """Facts gcp.md 7, 2: the re-arm trap; the engine's guard goes by `rearms`."""
    step = brake(bench)
    assert step.rearms == 3600.0
    bench.do(step)
    assert bench.open_doors() == OTHER
    assert isinstance(bench.undo(step), Done)
    assert bench.open_doors() == EVERY, "stolen tokens are accepted again"
    bench.do(step)
    bench.sandbox.advance(3601)
    bench.undo(step)
    assert not bench.open_doors() & TOKENS, "after their hour they are not"


@pytest.mark.parametrize("value", ["{email}", "is:{email}", "in:every-account", "under:folders/700000000007"])
def test_the_window_is_twelve_hours_where_a_policy_lets_the_account_have_them(bench: Bench, value: str) -> None:
    """Facts gcp.md 7, 25; a value that stands for many may stand for it."""
    rule = {"values": {"allowedValues": [value.format(email=bench.account.email)]}}
    bench.cloud.constraints["iam.allowServiceAccountCredentialLifetimeExtension"] = [rule]
    bench.conn = bench.connect()
    assert brake(bench).rearms == 43200.0
    [left] = [d for d in bench.draft(BOT, brake="off") if isinstance(d, Residual)]
    assert left.until is not None
    assert (left.until - bench.conn.now()).total_seconds() == pytest.approx(43200, abs=5)


def test_another_accounts_twelve_hours_are_not_its_own(bench: Bench) -> None:
    others = ["is:another@shop-prod.iam.gserviceaccount.com", "other@shop-prod.iam.gserviceaccount.com"]
    rule = {"values": {"allowedValues": others}}
    bench.cloud.constraints["iam.allowServiceAccountCredentialLifetimeExtension"] = [rule]
    bench.conn = bench.connect()
    assert brake(bench).rearms == 3600.0


def test_unread_policies_count_as_the_longest_and_are_told(bench: Bench) -> None:
    """Facts gcp.md 7 (20, 25): an API that is off is unseen, and the worse is assumed."""
    bench.cloud.off.add("orgpolicy")
    bench.conn = bench.connect()
    assert brake(bench).rearms == 43200.0
    [spot] = [f for f in bench.collect(BOT, "gcp:access-token") if isinstance(f, BlindSpot)]
    assert "orgpolicy.googleapis.com" in spot.needs
    assert "SERVICE_DISABLED" in spot.why


def test_one_that_google_disabled_is_enabled_by_nobody(bench: Bench) -> None:
    """Facts gcp.md 7, 24."""
    step = brake(bench)
    bench.do(step)
    bench.account.by_google = True
    change = bench.undo(step)
    assert isinstance(change, Impossible)
    assert "Google may have disabled it" in change.why
    assert bench.account.disabled.shown


def test_one_that_was_deleted_meanwhile_is_told_with_its_unique_id(bench: Bench) -> None:
    """Facts gcp.md 7, 5: undelete needs the number."""
    step = brake(bench)
    bench.do(step)
    unique = bench.account.unique_id
    bench.cloud.accounts.clear()
    change = bench.undo(step)
    assert isinstance(change, Impossible)
    assert f"undelete {unique}" in change.manual


def test_what_this_run_did_not_disable_is_not_enabled(bench: Bench) -> None:
    step = brake(bench)
    bench.do(step)
    bench.run.lefts[step.id] = {}
    assert isinstance(bench.undo(step), Failed)
    assert bench.account.disabled.shown


def test_auto_is_on_wherever_tokens_are_to_end_and_off_says_what_lives_on(bench: Bench) -> None:
    for intent in ({}, {"scope": "sessions"}, {"brake": "on", "scope": "keys"}):
        assert brake(bench, **intent).brake
    for intent in ({"brake": "off"}, {"scope": "keys"}):
        drafted = bench.draft(BOT, **intent)
        assert not [d for d in drafted if isinstance(d, Step) and d.does == f"{KIND}/disable"]
        [said] = [d for d in drafted if isinstance(d, Notice) and d.level == "danger" and "tokens of" in d.says[:9]]
        assert "live on, for up to 1 hour" in said.says
    assert not [d for d in bench.draft(BOT, order="rollover") if isinstance(d, Step) and d.brake]


def test_trusts_are_shut_while_it_is_disabled_and_named_for_when_it_is_not(bench: Bench) -> None:
    step = brake(bench)
    trusts = [a for a in bench.accesses(BOT, "gcp:impersonation") if a in step.ends]
    assert len(trusts) == 4
    said = [d.says for d in bench.draft(BOT) if isinstance(d, Notice)]
    assert any(all(f"--cut-trust {a}" in text for a in trusts) for text in said)


def test_propagation_is_waited_for(bench: Bench) -> None:
    """Facts gcp.md 7, 11: it is read back at once, and obeyed later."""
    bench.sandbox.lag(90, 0)
    step = brake(bench)
    bench.do(step)
    assert bench.seen(step)
    assert bench.open_doors() == EVERY
    bench.sandbox.advance(bench.doer(step.does).settle)
    assert bench.open_doors() == OTHER


def test_the_state_before_is_all_that_undo_needs(bench: Bench) -> None:
    step = brake(bench)
    assert msgspec.json.decode(msgspec.json.encode(step.before)) == {
        "enabled": True,
        "resource": f"projects/shop-prod/serviceAccounts/{bench.account.unique_id}",
        "unique_id": bench.account.unique_id,
        "keys": sorted(key.id for key in bench.account.listed() if key.type == "USER_MANAGED"),
    }


def test_undone_by_whoever_may_not_list_keys_it_stays_as_it_is(bench: Bench) -> None:
    """What cannot be looked at is not let in; where that was so from the start, nobody can tell which key is new."""
    step = brake(bench)
    bench.do(step)
    bench.sandbox.fault(LIST, "denied", times=1)
    with pytest.raises(Denied):
        bench.undo(step)
    assert bench.account.disabled.shown
    unlisted = msgspec.structs.replace(step, before={k: v for k, v in step.before.items() if k != "keys"})
    bench.sandbox.fault(LIST, "denied", times=9)
    assert isinstance(bench.undo(unlisted), Done)
