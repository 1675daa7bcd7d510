"""Temporary delegations: listed by owner and approver, rejected while that is possible, told while it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.found import Access
from nhi_revoke.model.step import Manual, Notice, Residual
from nhi_revoke.provider.fault import Denied, Rejected
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_aws.access import delegation
from nhi_revoke_aws.access.delegation import BY_HAND, KIND

from .conftest import USER, WORKER, Bench
from .one_kind import accesses, asked, bench_of, drafts, own, steps, world_of

BOT = "arn:aws:iam::111122223333:user/bots/payments-bot"
ROLE = "arn:aws:iam::111122223333:role/bots/payments-worker"
SESSION = "arn:aws:sts::111122223333:assumed-role/payments-worker/nightly"
ADMIN = "arn:aws:iam::111122223333:role/PlatformAdmin"
ACCOUNT = "111122223333"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as made:
        yield made


def file(bench: Bench, state: str, owner: str = BOT, **more: Any) -> Any:
    service = own(bench.sandbox, "delegated-session")
    return service.file(ACCOUNT, owner, state, bench.sandbox.now() - timedelta(minutes=10), **more)


def states(bench: Bench) -> dict[str, str]:
    return {r.id: r.state for r in own(bench.sandbox, "delegated-session").requests.values()}


def ids(found: list[Access]) -> set[str]:
    return {a.id.rpartition("/")[2] for a in found}


def test_what_it_owns_and_what_it_approved_is_listed_and_nothing_else(bench: Bench) -> None:
    owned = [file(bench, s) for s in ("ASSIGNED", "PENDING_APPROVAL", "ACCEPTED", "FINALIZED")]
    approved = file(bench, "FINALIZED", owner=ADMIN, approver=BOT)
    file(bench, "REJECTED")
    file(bench, "EXPIRED")
    file(bench, "UNASSIGNED", owner="")
    file(bench, "ASSIGNED", owner=ADMIN)
    file(bench, "ASSIGNED", owner=BOT.replace("/bots/", "/"))  # another path is another user
    found = accesses(bench, KIND, USER)
    assert ids(found) == {r.id for r in (*owned, approved)}
    assert {a.state for a in found} == {"live"}
    assert {a.family for a in found} == {"grant"}
    assert {a.id for a in found} == {f"{KIND}/{ACCOUNT}/{r.id}" for r in (*owned, approved)}


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_every_page_is_read(bench: Bench, size: int) -> None:
    made = [file(bench, "ASSIGNED") for _ in range(5)]
    bench.sandbox.page_size(size)
    assert ids(accesses(bench, KIND, USER)) == {r.id for r in made}


def test_a_list_cut_short_without_a_marker_is_not_the_whole_list(bench: Bench) -> None:
    class Cut:
        def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"DelegationRequests": [], "isTruncated": True}

    with pytest.raises(Rejected):
        list(delegation.listed(Cut()))  # type: ignore[arg-type]  # stands in for a connection


@pytest.mark.parametrize("owner", [ROLE, SESSION])
def test_a_role_owns_by_its_arn_or_by_a_session(bench: Bench, owner: str) -> None:
    made = file(bench, "ASSIGNED", owner=owner)
    assert ids(accesses(bench, KIND, WORKER)) == {made.id}
    assert ids(accesses(bench, KIND, USER)) == set()


def test_an_arn_needs_no_look_up_and_a_name_needs_one(bench: Bench) -> None:
    def look(text: str) -> list[str]:
        kind, ref = bench.kinds[KIND], bench.ref(text)
        return asked(bench, lambda: list(kind.collect(bench.conn, ref, bench.io)))

    twice = ["iam:ListDelegationRequests"] * 2
    assert look(BOT) == twice
    assert look("user/payments-bot") == ["iam:GetUser", *twice]
    assert look("role/payments-worker") == ["iam:GetRole", *twice]
    assert look(SESSION) == ["iam:GetRole", *twice]


def test_a_denied_listing_is_raised(bench: Bench) -> None:
    file(bench, "ASSIGNED")
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied):
        accesses(bench, KIND, USER)


def test_a_sent_one_ends_by_its_own_time(bench: Bench) -> None:
    made = file(bench, "FINALIZED", seconds=3600, approver=ADMIN, bounds=("arn:aws:iam::aws:policy/Bound",))
    [one] = accesses(bench, KIND, USER)
    assert one.expires == made.updated + timedelta(hours=1)
    assert one.state == "live"
    assert f"it acts with the rights of {ADMIN}" in one.note
    assert "outlast it, bounded by arn:aws:iam::aws:policy/Bound" in one.note
    bench.sandbox.advance(3600)
    [one] = accesses(bench, KIND, USER)
    assert one.state == "expired", "the roles that it may have made are still told"
    assert drafts(bench, KIND, USER) == []
    made.bounds = ()
    assert accesses(bench, KIND, USER) == []


def test_a_sent_one_is_no_step_but_told(bench: Bench) -> None:
    file(bench, "FINALIZED")
    [one] = accesses(bench, KIND, USER)
    notice, residual = drafts(bench, KIND, USER)
    assert isinstance(notice, Notice)
    assert isinstance(residual, Residual)
    assert notice.level == "danger"
    assert BY_HAND in notice.says
    assert (residual.access, residual.until, residual.counts) == (one.id, one.expires, True)
    assert "unproven" in residual.why
    assert any(isinstance(d, Manual) for d in drafts(bench, KIND, USER, cut_trust=(one.id,)))


@pytest.mark.parametrize("state", ["ASSIGNED", "PENDING_APPROVAL", "ACCEPTED"])
def test_a_waiting_one_is_rejected_for_good_and_nothing_else_changes(bench: Bench, state: str) -> None:
    made = file(bench, state)
    file(bench, "FINALIZED")
    file(bench, "ASSIGNED", owner=ADMIN)
    before = states(bench)
    [step] = [s for s in steps(bench, KIND, USER) if s.ends[0].endswith(made.id)]
    assert not step.reversible
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["iam:RejectDelegationRequest"]
    assert bench.seen(step) == {"State": "REJECTED"}
    assert {k: v for k, v in states(bench).items() if before[k] != v} == {made.id: "REJECTED"}
    assert own(bench.sandbox, "delegated-session").requests[made.id].reason == f"nhi-revoke {bench.run.id}"
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    assert made.id not in ids(accesses(bench, KIND, USER))


def test_one_that_was_sent_meanwhile_is_told_with_the_way_by_hand(bench: Bench) -> None:
    made = file(bench, "ACCEPTED")
    [step] = steps(bench, KIND, USER)
    bench.sandbox.admin("iam").send_delegation_token(DelegationRequestId=made.id)
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert change.manual == BY_HAND
    assert bench.seen(step) is None
    assert states(bench)[made.id] == "FINALIZED"


def test_one_that_is_gone_is_already_ended(bench: Bench) -> None:
    made = file(bench, "ASSIGNED")
    [step] = steps(bench, KIND, USER)
    del own(bench.sandbox, "delegated-session").requests[made.id]
    assert isinstance(bench.do(step), Already)
    assert bench.seen(step) == {"State": "gone"}


def test_a_narrow_scope_rejects_nothing(bench: Bench) -> None:
    file(bench, "ASSIGNED")
    assert steps(bench, KIND, USER, scope="keys") == []
    assert steps(bench, KIND, USER, scope="sessions") == []


# -- through the engine ------------------------------------------------------------------------------------------------


def test_a_run_rejects_what_waits_and_calls_open_what_was_sent(tmp_path: Path) -> None:
    with world_of(tmp_path, "delegated-session") as world:
        requests = own(world.sandbox, "delegated-session").requests
        sent, waits = sorted(requests.values(), key=lambda r: r.state)
        assert world.doors()["aws/delegated-session"]
        report = world.run()
        fates = {o.access.id.rpartition("/")[2]: o for o in report.outcomes if o.access.kind == KIND}
        assert (fates[waits.id].fate, fates[sent.id].fate) == ("ended", "left")
        assert (waits.state, sent.state) == ("REJECTED", "FINALIZED")
        assert report.exit_code == 8
        assert any(BY_HAND in n.says for n in report.notices)
        assert not mispredicted(world, report)
        assert world.doors()["aws/delegated-session"]

        world.clock.advance(12 * 3600)
        later = world.verify(report.run)
        assert [o.fate for o in later.outcomes if o.access.id.endswith(sent.id)] == ["expired"]
        assert not predicted_open(later, f"{KIND}/{ACCOUNT}/{sent.id}")
        assert not world.doors()["aws/delegated-session"]


def test_a_brake_on_the_owner_does_not_hide_what_was_sent(tmp_path: Path) -> None:
    """It acts with the rights of whoever approved it: the report keeps it as what remains."""
    with world_of(tmp_path, "delegated-session", brake="on") as world:
        report = world.run()
        sent = next(r for r in own(world.sandbox, "delegated-session").requests.values() if r.state == "FINALIZED")
        [residual] = [r for r in report.residuals if r.access.endswith(sent.id)]
        assert residual.until == sent.updated + timedelta(seconds=sent.seconds)
        assert report.exit_code != 0
        assert predicted_open(report, residual.access)
        assert world.doors()["aws/delegated-session"]
        assert not mispredicted(world, report)
