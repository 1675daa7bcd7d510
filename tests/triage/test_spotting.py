"""What stands beside a credential, what only fills its place, and what an unsigned JWT says of itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from nhi_revoke.provider.spotting import beside, digest, is_filler
from nhi_revoke.provider.unsigned_jwt import jwts, read

from .making import Maker, part

WORD = re.compile(r"id=(?P<value>\w+)")


@pytest.mark.parametrize(
    ("text", "within", "found"),
    [
        ("id=one      @ id=two", 20, "two"),
        ("id=one    @           id=two", 20, "one"),
        ("id=one @", 20, "one"),
        ("@ id=two", 20, "two"),
        ("id=one              @", 5, ""),
        ("@", 20, ""),
    ],
)
def test_the_nearest_counts(text: str, within: int, found: str) -> None:
    place = text.index("@")
    assert beside(text, place, place + 1, WORD, within) == found


@pytest.mark.parametrize("drawn", ["x" * 40, "your-token-goes-in-this-place", "aAbBcC1", "ab12cd34xxxxef56gh"])
def test_what_somebody_typed_is_filler(drawn: str) -> None:
    assert is_filler(drawn)


def test_what_a_machine_drew_is_none() -> None:
    maker = Maker("drawn")
    assert not [drawn for drawn in (maker.drawn(28) for _ in range(2000)) if is_filler(drawn)]


def test_a_digest_names_it_and_tells_nothing() -> None:
    assert (len(digest("a secret")), digest("a secret") == digest("another")) == (16, False)


def test_claims_are_read_where_they_are_what_they_should_be() -> None:
    text = Maker("jwt").jwt(iss="one", scp=["a", 1, "b"], scope="c d", exp=1_900_000_000, aud=7)
    [found] = jwts(f"Bearer {text}.")
    assert (found.value, found.start, found.end) == (text, 7, 7 + len(text))
    assert (found.text("iss"), found.text("aud"), found.text("none")) == ("one", "", "")
    assert (found.texts("scp"), found.texts("scope"), found.texts("aud")) == (("a", "b"), ("c", "d"), ())
    assert found.expires == datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)
    assert text not in repr(found)


@pytest.mark.parametrize("exp", ["soon", None, 1e300, -1e300, float("inf"), [], True])
def test_an_end_that_is_none_is_none_and_never_an_error(exp: object) -> None:
    made = read(Maker("exp").jwt(exp=exp))
    if made is not None:  # infinity is no JSON
        assert made.expires is None


@pytest.mark.parametrize(
    "value",
    ["", "one", "a.b.c", f"{part([1])}.{part({})}.x", f"{part({})}.{part('text')}.x", "eyJ.eyJ", "\u00e9.a"],
)
def test_what_is_no_jwt_is_read_as_none(value: str) -> None:
    assert read(value) is None
