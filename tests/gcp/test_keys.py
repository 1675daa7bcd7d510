"""User-managed keys: which are listed, how they are ended, and what lives on (facts gcp.md 1, 2, 7)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp.sandbox.scene import first_key

from .conftest import ABOVE, BOT, MACHINE, REACH, START, Bench

KIND = "gcp:key"
OTHER = {"hmac-key", "api-key", "planted-api-key"}


def keys(bench: Bench) -> list[Access]:
    return list(bench.accesses(BOT, KIND).values())


def ending(bench: Bench) -> list[Step]:
    return [s for s in bench.steps(BOT, brake="off") if s.does == f"{KIND}/disable"]


def test_googles_own_keys_are_not_listed(bench: Bench) -> None:
    """Facts gcp.md 7, 3: the list holds both sorts unless it is asked for one."""
    there = {key.id: key.type for key in bench.account.keys.values()}
    assert sorted(there.values()) == ["SYSTEM_MANAGED", "USER_MANAGED", "USER_MANAGED", "USER_MANAGED"]
    assert {k.door for k in keys(bench)} == {i for i, sort in there.items() if sort == "USER_MANAGED"}


def test_absent_fields_are_false_and_an_absent_list_is_empty(bench: Bench) -> None:
    """Facts gcp.md 7, 13."""
    assert sorted(k.state for k in keys(bench)) == ["disabled", "live", "live"]
    assert all(k.expires is None for k in keys(bench)), "9999 is no end"
    bench.account.keys.clear()
    assert not keys(bench)


def test_why_google_disabled_a_key_is_told(bench: Bench) -> None:
    """Facts gcp.md 1 (row 1): gRPC does not tell it, REST does."""
    [found] = [k for k in keys(bench) if k.state == "disabled"]
    assert found.note == "Google found it in public, and disabled it"
    assert str(found.before["disableReason"]).endswith("_EXPOSED")


def test_what_google_saw_stays_with_a_key_that_somebody_enabled_again(bench: Bench) -> None:
    """Discovery document iam.v1: an extended status is permanent."""
    exposed = next(key for key in bench.account.listed() if key.mark)
    exposed.disabled.set(False, bench.sandbox.now(), 0.0)
    [found] = [k for k in keys(bench) if k.door == exposed.id]
    assert (found.state, found.note) == ("live", "Google found it in public")


def test_a_key_that_has_expired_is_told_as_such_and_left(bench: Bench) -> None:
    first_key(bench.account).expires = START + timedelta(seconds=1)
    bench.sandbox.advance(2)
    assert sorted(k.state for k in keys(bench)) == ["disabled", "expired", "live"]
    assert len(ending(bench)) == 1


def test_an_uploaded_key_is_told_as_such(bench: Bench) -> None:
    """Facts gcp.md 7, 16."""
    first_key(bench.account).origin = "USER_PROVIDED"
    assert any("uploaded" in k.note for k in keys(bench))


def test_the_last_use_is_a_day_and_its_absence_says_nothing(bench: Bench) -> None:
    """Facts gcp.md 7, 22."""
    used = list(bench.kinds[KIND].enrich(bench.conn, keys(bench), bench.io))
    told = [a.last_used for a in used if a.last_used]
    assert len(told) == 2
    assert all((when.hour, when.minute) == (7, 0) for when in told)
    assert sum("the count is by days, and late" in a.note for a in used) == 2
    assert sum("which proves nothing" in a.note for a in used) == 1


def test_an_unread_last_use_is_unseen(bench: Bench) -> None:
    """Facts gcp.md 7, 20."""
    bench.cloud.off.add("policyanalyzer")
    noted = list(bench.kinds[KIND].enrich(bench.conn, keys(bench), bench.io))
    assert len(noted) == 3
    assert all("its last use is unseen" in a.note for a in noted)


def test_a_denied_list_is_denied(bench: Bench) -> None:
    """Facts gcp.md 7, 21: never "none"."""
    bench.sandbox.allow_only(["iam.serviceAccounts.get"])
    with pytest.raises(Denied) as caught:
        keys(bench)
    assert caught.value.needs == "iam.serviceAccountKeys.list"


def test_a_disabled_key_gets_no_token_and_its_tokens_live_on(bench: Bench) -> None:
    """Facts gcp.md 7, 1: the end of a key is no end of a session."""
    for step in ending(bench):
        assert step.phase is Phase.END
        change = bench.do(step)
        assert isinstance(change, Done)
        assert bench.seen(step)
    stays = {"impersonation", "federation", *ABOVE, *MACHINE, *REACH, *OTHER}
    assert bench.open_doors() == {"key-token", "become-token", "minting", *stays}
    assert bench.writes() == ["iam.DisableServiceAccountKey"] * 2
    [until] = change.left["residuals"].values()
    left = datetime.fromisoformat(until) - bench.sandbox.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1, seconds=1)
    bench.sandbox.advance(3601)
    assert bench.open_doors() == stays


def test_beside_the_brake_its_tokens_are_refused_and_that_is_said(bench: Bench) -> None:
    [step, _] = [s for s in bench.steps(BOT) if s.does == f"{KIND}/disable"]
    change = bench.do(step)
    assert change.left == {"state": "disabled"}
    assert "are refused while the account is disabled" in bench.prove(step).how
    [alone] = ending(bench)
    assert "live on for their time" in bench.prove(alone).how


def test_a_disabled_key_can_be_enabled_again_by_undo(bench: Bench) -> None:
    [step, _] = ending(bench)
    bench.do(step)
    assert step.rearms == "always"
    assert isinstance(bench.undo(step), Done)
    assert bench.open_doors() >= {"key", "second-key"}


def test_a_key_that_somebody_deleted_counts_as_ended_and_cannot_come_back(bench: Bench) -> None:
    [step, _] = ending(bench)
    first_key(bench.account).there.set(False, bench.sandbox.now(), 0.0)
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step)
    assert isinstance(bench.undo(step), Impossible)


def test_disabled_twice_it_is_already_so(bench: Bench) -> None:
    [step, _] = ending(bench)
    assert isinstance(bench.do(step), Done)
    step.before["disabled"] = True
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == ["iam.DisableServiceAccountKey"]


def test_only_finish_deletes(bench: Bench) -> None:
    delete = bench.doer(f"{KIND}/delete")
    assert (delete.phase, delete.reversible) == (Phase.FINISH, False)
    [step, _] = ending(bench)
    assert isinstance(delete.apply(bench.conn, step, bench.run), Done)
    assert delete.seen(bench.conn, step, bench.run) == {"state": "gone"}
    assert isinstance(delete.apply(bench.conn, step, bench.run), Already), "safe to repeat"


def test_no_key_of_googles_can_be_touched_by_a_plan(bench: Bench) -> None:
    """Facts gcp.md 7, 3."""
    own = next(k.id for k in bench.account.keys.values() if k.type == "SYSTEM_MANAGED")
    assert not [s for s in bench.steps(BOT) if any(own in access for access in s.ends)]
