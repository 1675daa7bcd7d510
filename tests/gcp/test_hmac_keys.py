"""HMAC keys for Cloud Storage: another API, which the brake is not known to reach (facts gcp.md 1, 2, 7: 4, 11, 12)."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_gcp.sandbox.state import HmacKey

from .conftest import BOT, REACH, Bench

KIND = "gcp:hmac-key"
API_KEYS = {"api-key", "planted-api-key"}
PUT = "PUT /storage/v1/projects/<project>/hmacKeys/<access_id>"
DELETE = "DELETE /storage/v1/projects/<project>/hmacKeys/<access_id>"


def found(bench: Bench) -> list[Access]:
    return list(bench.accesses(BOT, KIND).values())


def live(bench: Bench) -> HmacKey:
    return next(k for k in bench.cloud.hmac_keys.values() if k.email == bench.account.email)


def ending(bench: Bench, **intent: Any) -> Step:
    [step] = [s for s in bench.steps(BOT, **intent) if s.does == f"{KIND}/deactivate"]
    return step


def test_its_own_are_listed_with_their_state_and_nobody_elses(bench: Bench) -> None:
    assert sorted(a.state for a in found(bench)) == ["disabled", "live"]
    assert {bench.cloud.hmac_keys[a.door].email for a in found(bench)} == {bench.account.email}
    assert len(bench.cloud.hmac_keys) == 3
    assert all(a.elsewhere for a in found(bench)), "a disabled account is not known to stop one"


def test_pages_hide_none(bench: Bench) -> None:
    """Facts gcp.md 7, 12."""
    bench.sandbox.page_size(1)
    assert len(found(bench)) == 2


def test_deleted_ones_are_not_listed(bench: Bench) -> None:
    for key in bench.cloud.hmac_keys.values():
        key.state.set("DELETED", bench.sandbox.now(), 0.0)
    assert not found(bench)


def test_a_denied_list_is_denied_with_its_own_permission(bench: Bench) -> None:
    """Facts gcp.md 7, 21: the rights over keys of the IAM API say nothing here."""
    bench.sandbox.allow_only(["iam.*"])
    with pytest.raises(Denied) as caught:
        found(bench)
    assert (caught.value.needs, caught.value.code) == ("storage.hmacKeys.list", "forbidden")


def test_the_brake_does_not_reach_it_and_its_own_end_does(bench: Bench) -> None:
    step = ending(bench)
    assert (step.phase, step.rearms) == (Phase.END, "always")
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert bench.open_doors() == {"hmac-key", *API_KEYS, *REACH}
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"state": "INACTIVE"}
    assert bench.prove(step).proof is Proof.RECORDED
    assert bench.open_doors() == API_KEYS | REACH
    assert bench.writes() == [PUT]


def test_it_is_refused_within_three_minutes(bench: Bench) -> None:
    """Facts gcp.md 7, 11."""
    bench.sandbox.lag(179, 0)
    step = ending(bench)
    bench.do(step)
    assert bench.seen(step)
    assert "hmac-key" in bench.open_doors()
    bench.sandbox.advance(bench.doer(step.does).settle)
    assert "hmac-key" not in bench.open_doors()


def test_made_inactive_already_it_is_left(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    step.before["state"] = "INACTIVE"
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == [PUT]


def test_undo_makes_it_active_again(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert "hmac-key" in bench.open_doors()
    assert isinstance(bench.undo(step), Already)


def test_what_this_run_did_not_end_is_not_made_active(bench: Bench) -> None:
    step = ending(bench)
    bench.do(step)
    bench.run.lefts[step.id] = {}
    assert isinstance(bench.undo(step), Failed)
    assert live(bench).state.shown == "INACTIVE"


def test_one_that_somebody_deleted_is_ended_and_cannot_come_back(bench: Bench) -> None:
    step = ending(bench)
    del bench.cloud.hmac_keys[live(bench).access_id]
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) == {"state": "DELETED"}
    assert isinstance(bench.undo(step), Impossible)


def test_only_an_inactive_one_is_deleted_and_only_at_finish(bench: Bench) -> None:
    """Facts gcp.md 1 (row 6): Google deletes no active one."""
    step, delete = ending(bench), bench.doer(f"{KIND}/delete")
    assert (delete.phase, delete.reversible) == (Phase.FINISH, False)
    early = delete.apply(bench.conn, step, bench.run)
    assert isinstance(early, Failed)
    assert "active again" in early.why
    bench.do(step)
    assert isinstance(delete.apply(bench.conn, step, bench.run), Done)
    assert delete.seen(bench.conn, step, bench.run) == {"state": "gone"}
    assert isinstance(delete.apply(bench.conn, step, bench.run), Already)
    assert bench.writes() == [PUT, DELETE]


def test_a_rotation_that_makes_no_new_one_leaves_it(bench: Bench) -> None:
    assert not [s for s in bench.steps(BOT, order="rollover") if s.does.startswith(KIND)]
    assert not [s for s in bench.steps(BOT, replace=(KIND,)) if s.does == f"{KIND}/create"], "nobody receives it"
