"""Paging on the same host alone: a link is followed as it was given, and never anywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from nhi_revoke.provider.fault import Rejected

if TYPE_CHECKING:
    from nhi_revoke.provider.http import Answer

WHOLE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
A_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
PORTS = {"https": 443, "http": 80}


class Ask(Protocol):
    """Gets one page: a path at first, then whole URLs."""

    def __call__(self, url: str, /) -> Answer: ...


def is_whole(url: str) -> bool:
    """Whether it begins with a scheme."""
    return WHOLE_URL.match(url) is not None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ValueError for what is no URL, or no port."""
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else PORTS.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def same_host(base: str, url: str) -> str:
    """The whole URL. Raises Rejected where it leads to another scheme, host or port, or holds a user name: a bearer is
    never taken there.
    """
    host = ""
    try:
        whole = url if is_whole(url) else urljoin(base + "/", url)
        parts = urlsplit(whole)
        host = parts.hostname or ""
        same = origin(whole) == origin(base) and "@" not in parts.netloc
    except ValueError:
        same = False
    if not same:
        where = host if A_HOST.fullmatch(host) else "its name cannot be read"
        raise Rejected(
            f"{urlsplit(base).hostname} points to another address ({where}): it was not followed, and what stands "
            "there was not read"
        )
    return whole


def pages_by_link(ask: Ask, first: str) -> Iterator[Answer]:
    """Each page; the next one stands in the Link header, rel="next" (RFC 8288). Raises Rejected for a circle."""
    yield from _pages(ask, first, lambda answer: answer.next_link)


def pages_by_field(ask: Ask, first: str, field: str) -> Iterator[Answer]:
    """Each page; the whole URL of the next one stands in a field of the body. Raises Rejected for a circle."""

    def following(answer: Answer) -> str:
        return str(answer.body.get(field) or "") if isinstance(answer.body, dict) else ""

    yield from _pages(ask, first, following)


def _pages(ask: Ask, first: str, following: Callable[[Answer], str]) -> Iterator[Answer]:
    seen: set[str] = set()
    url = first
    while url:
        answer = ask(url)
        seen |= {url, answer.url}
        yield answer
        told = following(answer)
        url = _joined(answer.url, told) if told else ""
        if url in seen:
            raise Rejected("the list's next page is one that was read already: the rest was not read")


def _joined(page: str, link: str) -> str:
    """A link may be relative to the page that told it (RFC 8288, 3.1); a whole one stays as it is."""
    if is_whole(link):
        return link
    try:
        return urljoin(page, link)
    except ValueError:
        raise Rejected("the list's next page has no readable address: the rest was not read") from None
