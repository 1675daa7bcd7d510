"""What is said of an answer that is none: in the contract's words, and never with a bearer, a body or a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.engine.io import TRIES
from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.http import Refusal

from .conftest import BEARER, SECRET, Acme, Bearer, Desk, Told, everything_said

HOST = "https://acme.example"


class Worded(Acme):
    """A vendor whose errors hold a code, a permission and free text."""

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
        if not isinstance(body, dict):
            return Refusal()
        kinds: dict[str, type[Fault]] = {"gone": Missing, "no-login": Unauthenticated, "slow": Throttled}
        code = str(body.get("code", ""))
        return Refusal(code, str(body.get("needs", "")), str(body.get("hint", "")), kinds.get(code))


@pytest.mark.parametrize(
    ("status", "method", "kind"),
    [
        (400, "GET", Rejected),
        (401, "GET", Unauthenticated),
        (402, "POST", Rejected),
        (403, "GET", Denied),
        (403, "POST", Denied),
        (404, "DELETE", Missing),
        (405, "POST", Rejected),
        (408, "GET", Unavailable),
        (409, "POST", Conflict),
        (410, "GET", Missing),
        (412, "PUT", Conflict),
        (418, "GET", Rejected),
        (422, "POST", Rejected),
        (429, "GET", Throttled),
        (500, "GET", Unavailable),
        (500, "POST", NoAnswer),
        (501, "POST", NoAnswer),
        (502, "GET", Unavailable),
        (503, "DELETE", NoAnswer),
        (504, "PATCH", NoAnswer),
    ],
)
def test_each_status_in_the_contracts_words(desk: Desk, status: int, method: str, kind: type[Fault]) -> None:
    leaks = (("X-Trace", SECRET), ("WWW-Authenticate", f'Bearer realm="{SECRET}"'), ("Location", f"/{SECRET}"))
    body = {"message": SECRET, "echo": f"Bearer {BEARER}", "code": "some.code"}
    desk.side.answers([Told(status, body, leaks)])
    with pytest.raises(kind) as said:
        desk.api(Worded()).call(method, "/things/7", query={"q": SECRET}, needs="things.write")
    assert type(said.value) is kind
    assert said.value.code in ("some.code", "429")
    assert f"{method} /things/7" in said.value.message
    assert str(status) in said.value.message
    everything = everything_said(said.value)
    assert SECRET not in everything
    assert BEARER not in everything
    if isinstance(said.value, Denied):
        assert said.value.needs == "things.write"


def test_a_vendors_own_words_go_before_the_status(desk: Desk) -> None:
    cases: dict[str, type[Fault]] = {"gone": Missing, "no-login": Unauthenticated, "slow": Throttled}
    for code, kind in cases.items():
        desk.side.answers([Told(400, {"code": code, "hint": "Do this.", "needs": "more"})])
        with pytest.raises(kind) as said:
            desk.api(Worded()).call("POST", "/x")
        assert said.value.code == code
    desk.side.answers([Told(403, {"code": "no", "needs": "things.admin"})])
    with pytest.raises(Denied) as denied:
        desk.api(Worded()).call("POST", "/x", needs="things.write")
    assert denied.value.needs == "things.admin"


@pytest.mark.parametrize("code", [BEARER, f"x {SECRET}", "<b>", "a" * 81, "line\nbreak", "\x1b[31m", "ünsafe"])
def test_a_code_is_a_code_or_is_left_out(desk: Desk, code: str) -> None:
    desk.side.answers([Told(400, {"code": code})])
    with pytest.raises(Rejected) as said:
        desk.api(Worded()).call("GET", "/x")
    assert said.value.code == ""
    assert code not in said.value.message


@pytest.mark.parametrize("body", [b"<html>login</html>", b"{", b"\xff\xfe", b"[" * 100_000, b"nul"], ids=range(5))
def test_an_answer_that_is_no_json(desk: Desk, body: bytes) -> None:
    desk.side.answers([Told(200, body)])
    with pytest.raises(Unavailable, match="is no JSON"):
        desk.api().call("GET", "/x")
    kinds: dict[int, type[Fault]] = {400: Rejected, 401: Unauthenticated, 403: Denied, 404: Missing, 500: Unavailable}
    for status, kind in kinds.items():
        desk.side.answers([Told(status, body)])
        with pytest.raises(kind):
            desk.api(Worded()).call("GET", "/x")


@pytest.mark.parametrize("body", [None, b"", b" \n"])
def test_no_body_is_none(desk: Desk, body: bytes | None) -> None:
    for status in (200, 202, 204):
        desk.side.answers([Told(status, body)])
        assert desk.api().call("DELETE", "/x").body is None


TROUBLE: tuple[type[httpx.HTTPError], ...] = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)
NOT_SENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError}
WRONG = {httpx.LocalProtocolError, httpx.UnsupportedProtocol}


@respx.mock
@pytest.mark.parametrize("error", TROUBLE)
def test_no_exception_of_the_library_goes_on(desk: Desk, error: type[httpx.HTTPError]) -> None:
    """It holds the request, and its bearer."""
    sent = respx.post(f"{HOST}/x").mock(side_effect=error)
    kind = Unavailable if error in NOT_SENT else Rejected if error in WRONG else NoAnswer
    with pytest.raises(kind) as said:
        desk.api(base=HOST).call("POST", "/x", body={"password": SECRET})
    assert error.__name__ in said.value.message
    everything = everything_said(said.value)
    assert BEARER not in everything
    assert SECRET not in everything
    assert said.value.__cause__ is None
    assert said.value.__context__ is None
    assert sent.call_count == (TRIES[Unavailable] if error in NOT_SENT else 1)


@pytest.mark.parametrize("value", [f"{SECRET}“quoted”", f"{SECRET}\r\nX-More: 1", f"{SECRET}\x00"])
def test_a_bearer_that_no_header_can_hold_is_not_told(desk: Desk, value: str) -> None:
    with pytest.raises(Rejected, match="nothing was asked") as said:
        desk.api(authorize=Bearer(value)).call("POST", "/x")
    assert SECRET not in everything_said(said.value)
    assert desk.side.asked == []


def test_a_broken_encoding_is_no_answer(desk: Desk) -> None:
    desk.side.answers([Told(200, b"not gzip", (("Content-Encoding", "gzip"),))])
    with pytest.raises(NoAnswer) as said:
        desk.api().call("POST", "/x")
    assert BEARER not in everything_said(said.value)


def test_the_call_in_other_words(desk: Desk) -> None:
    desk.side.answers([Told(404)])
    with pytest.raises(Missing, match="reading the keys: there is none"):
        desk.api().call("GET", f"/keys/{SECRET}", what="reading the keys")
