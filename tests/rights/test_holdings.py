"""Every permission that was asked has an answer, whatever a provider's check does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import nhi_revoke_small
from nhi_revoke.engine.rights import NO_CHECK, NOT_TOLD, holdings
from nhi_revoke.model.right import Holding
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Denied
from nhi_revoke_small import Small

ASKED = ("a", "b")


class Half(Small):
    """Answers the first, and then is denied."""

    denied = True

    def holds(self, conn: Any, permissions: Sequence[str]) -> Iterable[Holding]:
        yield Holding(permissions[0], "held", "by looking")
        if self.denied:
            raise Denied("looking is denied")


def told(plugin: Provider[Any]) -> list[tuple[str, str, str]]:
    found = holdings(plugin, None, ASKED)
    assert tuple(found) == ASKED
    return [(each.permission, each.state, each.why) for each in found.values()]


def test_a_provider_without_a_check_tells_nothing() -> None:
    assert told(nhi_revoke_small.provider) == [("a", "unknown", NO_CHECK), ("b", "unknown", NO_CHECK)]


def test_what_was_told_before_a_denial_stands_and_the_rest_is_unknown() -> None:
    assert told(Half()) == [("a", "held", ""), ("b", "unknown", "looking is denied")]


def test_what_a_check_leaves_out_is_unknown() -> None:
    half = Half()
    half.denied = False
    assert told(half) == [("a", "held", ""), ("b", "unknown", NOT_TOLD)]
