"""An HTTP client that keeps no cookie: a vendor's session cookie would sign in whoever asks next, whatever credential
is being tried. And reading none is a tenth of what a request costs.
"""

from __future__ import annotations

from nhi_revoke.provider.httpx_alone import httpx


class NoCookies(httpx.Cookies):
    """Always empty."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Passes over what an answer sets."""

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Nothing is kept."""


class CookielessClient(httpx.Client):
    """Thread-safe, as httpx's own."""

    _none = NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """None, whatever was answered."""
        return self._none

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Nothing is kept."""
