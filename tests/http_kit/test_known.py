"""What was read once is told again: for good, or for a few seconds; a failure never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from nhi_revoke.provider.fault import Unavailable
from nhi_revoke.provider.known import Known

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def counting() -> Callable[[], int]:
    asked = iter(range(1, 100))
    return lambda: next(asked)


def test_for_good() -> None:
    known, look = Known[int](), counting()
    assert [known.once("a", look), known.once("a", look), known.once("b", look)] == [1, 1, 2]


def test_for_a_few_seconds() -> None:
    now = [NOON]
    known, look = Known[int](lambda: now[0], timedelta(seconds=10)), counting()
    seen = []
    for seconds in (0, 9, 10, 19, 20):
        now[0] = NOON + timedelta(seconds=seconds)
        seen.append(known.once("a", look))
    assert seen == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("fresh", [None, timedelta(seconds=10)])
def test_a_failure_is_asked_anew(fresh: timedelta | None) -> None:
    known, look = Known[int](lambda: NOON, fresh), counting()

    def fails() -> int:
        raise Unavailable("later")

    with pytest.raises(Unavailable):
        known.once("a", fails)
    assert known.once("a", look) == 1
