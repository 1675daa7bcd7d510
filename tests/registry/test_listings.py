"""Listings side by side: one that fails hides no other, and a missing login is everybody's."""

from __future__ import annotations

import pytest

from nhi_revoke.engine.clock import LiveClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.listings import each_by_itself


def fails(fault: Exception) -> list[str]:
    raise fault


def test_one_that_is_denied_is_told_in_its_place_and_hides_no_other() -> None:
    denied = Denied("not allowed", needs="apps.read")
    io = EngineIo(LiveClock())
    looks = {"users": lambda: ["a"], "apps": lambda: fails(denied), "keys": lambda: ["b", "c"]}
    assert list(each_by_itself(looks, io)) == [("users", ["a"]), ("apps", denied), ("keys", ["b", "c"])]
    with pytest.raises(Unauthenticated):
        list(each_by_itself({**looks, "apps": lambda: fails(Unauthenticated("nobody"))}, io))
    io.close()
