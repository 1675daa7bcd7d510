"""One vendor's HTTP interface: what is sent, how often, and what is said of the answer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.engine.io import TRIES, EngineIo
from nhi_revoke.provider.fault import (
    Denied,
    Fault,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from nhi_revoke.provider.http import HttpApi, segment

from .conftest import BEARER, SECRET, Acme, Asked, Bearer, CutOff, Desk, Told, everything_said

HOST = "https://acme.example"


# -- what is sent --------------------------------------------------------------------------------------------------


@respx.mock
def test_single_shapes(desk: Desk) -> None:
    api = desk.api(base=HOST, headers={"X-Version": "7"})
    get = respx.get(f"{HOST}/things", params={"q": "a b", "n": "2"}).respond(json=[1])
    post = respx.post(f"{HOST}/things", json={"name": "x"}).respond(201, json={"id": 1}, headers={"X-Id": "1"})
    form = respx.post(f"{HOST}/token", data={"grant": "x"}).respond(json={"t": 1})
    gone = respx.delete(f"{HOST}/things/1").respond(204)
    assert api.call("GET", "/things", query={"q": "a b", "n": 2}).body == [1]
    made = api.call("POST", "/things", body={"name": "x"}, headers={"x-version": "8"})
    assert (made.status, made.body, made.headers["x-id"]) == (201, {"id": 1}, "1")
    assert api.call("POST", "/token", form={"grant": "x"}).body == {"t": 1}
    ended = api.call("DELETE", f"{HOST}/things/1")
    assert (ended.status, ended.body) == (204, None)
    sent = get.calls.last.request.headers
    assert (sent["accept"], sent["x-version"], sent["authorization"]) == ("application/json", "7", f"Bearer {BEARER}")
    assert post.calls.last.request.headers.get_list("x-version") == ["8"]
    assert form.calls.last.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert gone.called


@respx.mock
def test_one_tls_context_and_one_client_for_each_host(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[ssl.SSLContext] = []
    clients: list[httpx.Client] = []
    make, begin = httpx.create_ssl_context, httpx.Client.__init__

    def counted() -> ssl.SSLContext:
        contexts.append(make())
        return contexts[-1]

    def begun(self: httpx.Client, **more: Any) -> None:
        clients.append(self)
        begin(self, **more)

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    monkeypatch.setattr(httpx.Client, "__init__", begun)
    respx.route().respond(json={})
    apis = [desk.api(base=base) for base in (HOST, f"{HOST}/", f"{HOST}/api/v3", "https://other.example")]
    desk.io.map(lambda api: api.call("GET", "/x"), apis * 8)
    assert len(contexts) == 1
    assert len(clients) == 2
    assert {str(c.request.url) for c in respx.calls} == {
        f"{HOST}/x",
        f"{HOST}/api/v3/x",
        "https://other.example/x",
    }


def test_no_cookie_is_ever_kept(desk: Desk) -> None:
    """It would sign in whoever asks next, whatever credential is being tried."""
    cookie = ("Set-Cookie", f"sid={SECRET}; Path=/")
    desk.side.answers([Told(headers=(cookie,))])
    api, other = desk.api(), desk.api(authorize=Bearer("another"))
    for each in (api, api, other):
        each.call("GET", "/x")
    assert [a.headers.get("cookie") for a in desk.side.asked] == [None] * 3
    assert len(desk.io.http(desk.side.url).cookies) == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_never_followed(desk: Desk, status: int, method: str) -> None:
    other = desk.another()
    for where in (f"{other.url}/x?{SECRET}", f"{desk.side.url}/y?{SECRET}", "/y"):
        desk.side.answers([Told(status, headers=(("Location", where),))])
        with pytest.raises(Rejected, match="it was not followed") as said:
            desk.api().call(method, "/x")
        assert SECRET not in everything_said(said.value)
    assert other.asked == []
    assert {a.path for a in desk.side.asked} == {"/x"}


@pytest.mark.parametrize(
    "path", ["https://evil.example/x", "//evil.example/x", "x", "@evil.example/x", ".evil.example"]
)
def test_a_path_leads_nowhere_else(desk: Desk, path: str) -> None:
    api = desk.api()
    if path.startswith("//"):
        api.call("GET", path)  # two slashes are part of this host's path
        assert desk.side.asked[0].uri.endswith("/evil.example/x")
        return
    with pytest.raises(Rejected):
        api.call("GET", path)
    assert desk.side.asked == []


@pytest.mark.parametrize("text", ["a/b", "a?b", "a#b", "a b", "%2e%2e", "ü", "a@b.example", "a;b", "..;", "..."])
def test_a_segment_names_nothing_else(desk: Desk, text: str) -> None:
    desk.api().call("DELETE", f"/users/{segment(text)}/grants")
    [asked] = desk.side.asked
    assert asked.path.count("/") == 3
    assert "?" not in asked.uri


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_what_would_be_no_segment_is_refused(text: str) -> None:
    """`/users/x/grants/` without an id ends all of them."""
    with pytest.raises(Rejected):
        segment(text)


# -- how often -----------------------------------------------------------------------------------------------------

UNSURE = pytest.mark.parametrize("first", [CutOff(), Told(500), Told(503), Told(201, b"{garbled")], ids=repr)


@UNSURE
def test_a_post_is_never_repeated_by_itself(desk: Desk, first: Told | CutOff) -> None:
    for method in ("POST", "PATCH"):
        desk.side.asked.clear()
        desk.side.answers([first, Told()])
        with pytest.raises(NoAnswer, match="it may have happened"):
            desk.api().call(method, "/x", body={})
        assert len(desk.side.asked) == 1
        assert desk.waits == []


@UNSURE
def test_a_post_that_may_happen_twice_is(desk: Desk, first: Told | CutOff) -> None:
    desk.side.answers([first, Told(body={"done": True})])
    assert desk.api().call("POST", "/x", again=True).body == {"done": True}
    assert len(desk.side.asked) == 2


@UNSURE
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_happen_twice_by_its_method_is_repeated(desk: Desk, first: Told | CutOff, method: str) -> None:
    desk.side.answers([first, Told()])
    assert desk.api().call(method, "/x").status == 200
    assert len(desk.side.asked) == 2


def test_again_can_forbid_it(desk: Desk) -> None:
    desk.side.answers([CutOff(), Told()])
    with pytest.raises(NoAnswer):
        desk.api().call("PUT", "/x", again=False)
    assert len(desk.side.asked) == 1


def test_a_read_that_fails_on_and_on_is_unavailable(desk: Desk) -> None:
    desk.side.answers([Told(502)])
    with pytest.raises(Unavailable):
        desk.api().call("GET", "/x")
    assert len(desk.side.asked) == TRIES[Unavailable]


def test_who_cannot_be_reached_was_asked_nothing(desk: Desk) -> None:
    """So even a create is tried again, and nothing is said to have happened."""
    with pytest.raises(Unavailable, match="nothing was asked") as said:
        desk.api(base="http://127.0.0.1:1").call("POST", "/x")
    assert len(desk.waits) == TRIES[Unavailable] - 1
    assert BEARER not in everything_said(said.value)


def test_a_401_is_asked_once_more_where_the_credential_was_renewed(desk: Desk) -> None:
    desk.side.answers([Told(401), Told(body=1)])
    bearer = Bearer(renewals=9)
    assert desk.api(authorize=bearer).call("POST", "/x", body={"a": 1}).body == 1
    assert [a.headers["authorization"] for a in desk.side.asked] == [f"Bearer {BEARER}", f"Bearer {BEARER}-renewed"]
    assert [a.body for a in desk.side.asked] == ['{"a":1}'] * 2
    assert bearer.refusals == [401]


def test_a_401_that_stays_is_told_after_one_renewal(desk: Desk) -> None:
    desk.side.answers([Told(401)])
    with pytest.raises(Unauthenticated) as said:
        desk.api(authorize=Bearer(renewals=9)).call("GET", "/x")
    assert len(desk.side.asked) == 2
    assert said.value.hint == "Log in again."
    with pytest.raises(Unauthenticated):
        desk.api(authorize=Bearer()).call("GET", "/x")
    assert len(desk.side.asked) == 3


def test_another_refusal_renews_nothing(desk: Desk) -> None:
    desk.side.answers([Told(403)])
    bearer = Bearer(renewals=9)
    with pytest.raises(Denied):
        desk.api(authorize=bearer).call("GET", "/x")
    assert bearer.refusals == []


def test_a_form_is_made_anew_for_each_request(desk: Desk) -> None:
    """What may be used once, as a signed assertion, is not sent again with the next try."""
    numbers = iter(range(9))
    desk.side.answers([CutOff(), Told(401), Told()])
    desk.api(authorize=Bearer(renewals=1)).call("POST", "/token", form=lambda: {"n": str(next(numbers))}, again=True)
    assert [a.body for a in desk.side.asked] == ["n=0", "n=1", "n=2"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (NoAnswer("lost"), Unavailable),
        (Unavailable("down"), Unavailable),
        (Throttled("slow", retry_after=9), Throttled),
    ],
)
def test_a_login_that_fails_was_waited_for_already_and_nothing_was_asked(
    desk: Desk, fault: Fault, kind: type[Fault]
) -> None:
    """A write is not said to have happened perhaps because no answer came to the login before it."""

    class Failing(Bearer):
        def headers(self, method: str, url: str, needs: str) -> Mapping[str, str]:
            self.refusals.append(0)
            raise fault

    failing = Failing()
    for method in ("GET", "POST"):
        with pytest.raises(kind) as said:
            desk.api(authorize=failing).call(method, "/x")
        assert type(said.value) is kind
        assert said.value.__cause__ is None
    assert len(failing.refusals) == 2
    assert desk.waits == []
    assert desk.side.asked == []


def test_a_credential_that_is_tried_is_not_called_the_operators(desk: Desk) -> None:
    desk.side.answers([Told(401)])
    api = HttpApi(desk.io, desk.side.url, Acme())
    with pytest.raises(Unauthenticated, match="the credential that was tried") as said:
        api.call("GET", "/x", headers={"Authorization": "Bearer stolen"})
    assert said.value.hint == ""
    assert desk.side.asked[0].headers["authorization"] == "Bearer stolen"


def test_a_signature_goes_before_a_callers_header_in_any_case(desk: Desk) -> None:
    desk.api().call("GET", "/x", headers={"AUTHORIZATION": "Basic x"})
    assert desk.side.asked[0].headers["authorization"] == f"Bearer {BEARER}"


def test_nothing_happens_before_the_first_call(desk: Desk) -> None:
    io = EngineIo(desk.waiting)
    api = HttpApi(io, HOST, Acme(), Bearer())
    assert api.now() >= desk.clock.now().replace(microsecond=0)
    assert io._clients == {}
    io.close()


def test_threads_share_one_api(desk: Desk) -> None:
    desk.side.answers(lambda asked: Told(body=asked.path))
    api = desk.api()
    paths = [f"/{n}" for n in range(100)]

    def ask(path: str) -> Any:
        return api.call("GET", path).body

    assert list(desk.io.map(ask, paths)) == paths
    assert {a.path for a in desk.side.asked} == set(paths)
    assert all(isinstance(a, Asked) for a in desk.side.asked)
