"""Domain-wide delegation: what no interface tells is a look that somebody takes by hand (facts gcp.md 1, row 10)."""

from __future__ import annotations

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.step import Manual
from nhi_revoke_gcp.stopping import STOPS

from .conftest import BOT, Bench

KIND = "gcp:domain-wide-delegation"


def spots(bench: Bench) -> list[BlindSpot]:
    return [f for f in bench.collect(BOT, KIND) if isinstance(f, BlindSpot)]


def by_hand(bench: Bench, **intent: str) -> list[Manual]:
    return [d for d in bench.draft(BOT, **intent) if isinstance(d, Manual) and d.kind == KIND]


def test_it_is_unseen_with_the_client_id_and_where_to_look(bench: Bench) -> None:
    [spot] = spots(bench)
    assert f"client id {bench.account.unique_id} (Admin console" in spot.why
    assert (spot.counts, spot.covered_by) == (True, (STOPS,)), "whoever uses it signs as the account"
    assert not bench.accesses(BOT, KIND), "nobody says that there is any"


def test_a_containment_leaves_the_look_by_hand_and_a_rotation_does_not(bench: Bench) -> None:
    for brake in ("auto", "off"):
        [manual] = by_hand(bench, brake=brake)
        assert f"client id {bench.account.unique_id}" in manual.what
        assert manual.what.startswith("unseen: ")
    assert not by_hand(bench, order="rollover")
    assert not by_hand(bench, scope="keys")


def test_of_an_account_that_is_disabled_it_is_said_and_still_by_hand(bench: Bench) -> None:
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    [spot] = spots(bench)
    assert not spot.counts
    assert "may live for up to an hour" in spot.why, "nobody has seen that the brake ends what was had for users"
    assert by_hand(bench)


def test_where_somebody_looked_and_the_settings_say_so_nothing_is_left(bench: Bench) -> None:
    bench.conn = bench.connect(domain_wide_delegation="none")
    assert not spots(bench)
    assert not by_hand(bench)
