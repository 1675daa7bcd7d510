"""Links to the next page: followed as they are, on the same host alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import Answer, HttpApi
from nhi_revoke.provider.paging import same_host

from .conftest import BEARER, SECRET, Asked, Desk, Told, everything_said


def linked(*urls: str) -> tuple[tuple[str, str], ...]:
    return tuple(("Link", f'<{url}>; rel="next"') for url in urls)


def read(api: HttpApi, **query: object) -> list[object]:
    return [page.body for page in api.pages("/things", needs="things.read", **query)]


def test_the_query_is_of_the_first_page_alone_and_links_stay_as_they_are(desk: Desk) -> None:
    """A vendor's cursor is opaque: whoever sends its own parameters with it asks for something else."""
    more = f"{desk.side.url}/things?after=c%2B1%3D%3D&limit=2&x=~a:b/c"
    desk.side.answers([Told(body=[1], headers=linked(more)), Told(body=[2])])
    assert read(desk.api(), limit=200, filter='a eq "b"') == [[1], [2]]
    assert [a.uri for a in desk.side.asked] == [
        "/things?limit=200&filter=a+eq+%22b%22",
        "/things?after=c%2B1%3D%3D&limit=2&x=~a:b/c",
    ]
    assert all(a.headers["authorization"] == f"Bearer {BEARER}" for a in desk.side.asked)


@pytest.mark.parametrize(
    ("link", "came"),
    [
        ("/things?after=2", "/things?after=2"),
        ("?after=2", "/things?after=2"),
        ("/things?after=http://elsewhere.example/", "/things?after=http://elsewhere.example/"),
        ("more/2", "/more/2"),
    ],
)
def test_a_link_may_be_relative_to_its_page(desk: Desk, link: str, came: str) -> None:
    desk.side.answers([Told(body=[1], headers=linked(link)), Told(body=[2])])
    assert read(desk.api(), limit=5) == [[1], [2]]
    assert desk.side.asked[1].uri == came


def test_several_link_headers(desk: Desk) -> None:
    own = ("Link", f'<{desk.side.url}/things?limit=1>; rel="self"')
    more = ("Link", f'<{desk.side.url}/things?after=2>; rel="next"')
    desk.side.answers([Told(body=[1], headers=(own, more)), Told(body=[2], headers=(own,))])
    assert read(desk.api()) == [[1], [2]]


@pytest.mark.parametrize("header", ["", "<", "nonsense", '<>; rel="next"', "</x>; rel=next; rel", ";;;,,,"])
def test_a_header_that_cannot_be_read_ends_the_list_or_leads_on(desk: Desk, header: str) -> None:
    desk.side.answers([Told(body=[1], headers=(("Link", header),)), Told(body=[2])])
    assert read(desk.api())[0] == [1]


def elsewhere(desk: Desk) -> list[str]:
    host, other = desk.side.url.removeprefix("http://"), desk.another().url.removeprefix("http://")
    name, _, port = host.partition(":")
    return [
        f"http://{other}/things",
        f"//{other}/things",
        f"https://{host}/things",
        f"http://localhost:{port}/things",
        f"http://{name}/things",
        f"http://{name}:0/things",
        f"http://{name}:99999/things",
        f"http://user@{host}/things",
        f"http://:{SECRET}@{host}/things",
        f"http://@{host}/things",
        f"http://{host}@{other}/things",
        f"http://{other}\\@{host}/things",
        f"http://{host}.evil.example/things",
        "http://[::1/things",
        "http:things",
        "http:///things",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:application/json,[]",
    ]


@pytest.mark.parametrize("number", range(19))
@pytest.mark.parametrize("way", ["link", "field"])
def test_nothing_is_sent_to_another_address(desk: Desk, number: int, way: str) -> None:
    url = elsewhere(desk)[number]
    desk.side.answers([Told(body={"next": url}, headers=linked(url)), Told(body=SECRET)])
    api = desk.api()
    pages = api.pages("/things") if way == "link" else api.pages_by("next", "/things")
    assert next(pages).status == 200, "what was read is read"
    with pytest.raises(Rejected, match=r"not (followed|read)") as said:
        next(pages)
    assert len(desk.side.asked) == 1
    assert all(side.asked == [] for side in desk.sides[1:])
    for never in (BEARER, SECRET, "passwd", "alert"):
        assert never not in everything_said(said.value)


def test_a_link_that_cannot_be_sent_is_refused(desk: Desk) -> None:
    """What the HTTP library itself finds wrong with an address is a fault like any other."""
    desk.side.answers([Told(body={"next": f"{desk.side.url}/\x00things?{SECRET}"})])
    with pytest.raises(Rejected) as said:
        list(desk.api().pages_by("next", "/things"))
    assert SECRET not in everything_said(said.value)
    assert len(desk.side.asked) == 1


def by_link(side_url: str) -> Callable[[Asked], Told]:
    return lambda _: Told(body=[1], headers=linked(f"{side_url}/things?limit=2"))


def test_circles_are_refused(desk: Desk) -> None:
    """To the first page, to itself, and around: what was read stands, the rest is not "none"."""
    desk.side.answers(by_link(desk.side.url))
    pages = desk.api().pages("/things", limit=2)
    next(pages)
    with pytest.raises(Rejected, match="the rest was not read"):
        next(pages)
    assert len(desk.side.asked) == 1
    around = [Told(body=[n], headers=linked(f"{desk.side.url}/things?after={n}")) for n in (1, 2, 1)]
    desk.side.answers(around)
    pages = desk.api().pages("/things")
    assert [page.body for page in (next(pages), next(pages), next(pages))] == [[1], [2], [1]]
    with pytest.raises(Rejected):
        next(pages)


@pytest.mark.parametrize("body", [None, [], "next", {"next": None}, {"next": ""}, {"other": "x"}])
def test_a_body_without_the_field_is_the_last_page(desk: Desk, body: object) -> None:
    desk.side.answers([Told(body=body)])
    assert len(list(desk.api().pages_by("next", "/things"))) == 1


def test_a_failing_page_is_named_by_its_list_and_asked_again(desk: Desk) -> None:
    more = linked(f"{desk.side.url}/things?after={SECRET}")
    desk.side.answers([Told(body=[1], headers=more), Told(503), Told(body=[2])])
    assert read(desk.api()) == [[1], [2]]
    desk.side.answers([Told(body=[1], headers=more), Told(400)])
    with pytest.raises(Rejected) as said:
        read(desk.api())
    assert "GET /things" in said.value.message
    assert SECRET not in everything_said(said.value)


def test_pages_come_one_by_one(desk: Desk) -> None:
    """Whoever found what it looked for does not read the rest."""
    desk.side.answers(lambda _: Told(body=[1], headers=linked(f"/things?after={len(desk.side.asked)}")))
    first: Answer = next(desk.api().pages("/things"))
    assert first.body == [1]
    assert len(desk.side.asked) == 1


def test_the_same_host_in_another_form() -> None:
    assert same_host("https://a.example", "https://A.example:443/x") == "https://A.example:443/x"
    assert same_host("https://a.example", "/x") == "https://a.example/x"
    assert same_host("https://a.example/v1", "https://a.example/v2/x") == "https://a.example/v2/x"
    for other in ("https://a.example./x", "https://a.example:8443/x", "https://b.example/x", "http://a.example/x"):
        with pytest.raises(Rejected):
            same_host("https://a.example", other)
