"""At `finish`: what still holds the old credential is disabled, what could not be is named, nothing is destroyed."""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.provider.fault import Conflict, NoAnswer
from nhi_revoke_gcp.sandbox.secrets import DESTROYED, DISABLED, ENABLED
from nhi_revoke_gcp.store.versions import LOOKED, GcpSecret

from .conftest import START, Bench
from .secret_bench import ACCESS, DISABLE, TO, do, minted, pair, put, secret, seen, states, undo


def test_finish_disables_what_holds_the_old_one_and_names_the_rest(bench: Bench) -> None:
    """Facts gcp.md 4: disabled, which can be taken back, and never destroyed."""
    put(bench, pair("x", "AKIAX"), pair(note="a copy"), pair(), pair()).versions[2].state = DISABLED
    minted(bench)
    do(bench, "serve")
    change = do(bench, "forget")
    assert isinstance(change, Done)
    assert states(bench) == [ENABLED, DISABLED, DISABLED, DISABLED, ENABLED]
    assert change.left["disabled"] == [4, 2]
    assert "still holding the old credential: version 2, 4" in change.left["leaves"]
    assert "holding something else or not to compare: 1" in change.left["leaves"]
    assert seen(bench, "forget") == change.left
    assert isinstance(do(bench, "forget"), Already)
    bench.run.lefts["finish-serve"] = change.left
    assert isinstance(undo(bench, "forget"), Done)
    assert states(bench) == [ENABLED, ENABLED, DISABLED, ENABLED, ENABLED], "one that was off before stays off"
    assert not [name for name in bench.writes() if "destroy" in name]


def test_a_copy_that_somebody_wrote_later_is_named_and_left(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    with bench.cloud.lock:
        secret(bench).add(pair().encode(), START)
    assert "written later, holding it, left so: 3" in do(bench, "forget").left["leaves"]
    assert states(bench) == [DISABLED, ENABLED, ENABLED]


def test_no_more_versions_are_looked_at_than_that(bench: Bench) -> None:
    put(bench, *(pair() for _ in range(LOOKED + 10)))
    minted(bench)
    do(bench, "serve")
    before = len(bench.sandbox.calls())
    left = do(bench, "forget").left
    asked = [c.name for c in bench.sandbox.calls()[before:]]
    assert asked.count(ACCESS) < LOOKED
    assert "were not looked at" in left["leaves"]
    assert ENABLED in states(bench)[:5]


def test_a_version_that_somebody_touched_meanwhile_is_heard(bench: Bench) -> None:
    """By its etag: FAILED_PRECONDITION (secret-manager/etags)."""
    put(bench, pair())
    store = GcpSecret(bench.conn, TO)
    old = store.version(1)
    assert old is not None
    secret(bench).versions[0].touch(ENABLED)
    with pytest.raises(Conflict, match="somebody else changed version 1"):
        store.disable(old)
    assert states(bench) == [ENABLED]
    secret(bench).versions[0].touch(DISABLED)
    assert store.disable(old) is False


def test_a_lost_answer_to_the_disabling_is_seen(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    bench.sandbox.fault(DISABLE, "lost", times=1)
    assert seen(bench, "forget") is None
    assert do(bench, "forget").left["disabled"] == [1]


def test_an_answer_that_never_came_is_told_and_another_look_shows_it(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    bench.sandbox.fault(DISABLE, "timeout", times=1)
    with pytest.raises(NoAnswer):
        do(bench, "forget")
    assert seen(bench, "forget") is None
    secret(bench).versions[0].touch(DISABLED)
    assert seen(bench, "forget")["disabled"] == [1]


def test_what_cannot_be_compared_is_named(bench: Bench) -> None:
    """The version of before was disabled by somebody else first: nobody can read what it held."""
    put(bench, pair(), pair())
    minted(bench)
    do(bench, "serve")
    secret(bench).versions[1].touch(DISABLED)
    change = do(bench, "forget")
    assert isinstance(change, Already)
    assert "holding something else or not to compare: 1" in change.left["leaves"]
    assert states(bench) == [ENABLED, DISABLED, ENABLED]


def test_one_that_was_destroyed_meanwhile_is_gone_for_good(bench: Bench) -> None:
    put(bench, pair())
    minted(bench)
    do(bench, "serve")
    do(bench, "forget")
    secret(bench).versions[0].state = DESTROYED
    assert isinstance(undo(bench, "forget"), Impossible)
