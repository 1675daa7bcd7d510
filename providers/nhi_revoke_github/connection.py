"""One connection to one GitHub organisation. Every request of this provider goes through `GithubConnection`; `sign_in`
says by which of the operator's credentials.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Unauthenticated
from nhi_revoke.provider.http import Answer, Authorize, HttpApi, segment
from nhi_revoke.provider.known import Known
from nhi_revoke.provider.paging import pages_by_link
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke.provider.together import Together
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_github.host import api_url, site_url
from nhi_revoke_github.login import ByAppKey, ByClientSecret, ByInstallation, ByToken
from nhi_revoke_github.naming import REPO, canonical
from nhi_revoke_github.private_key import read_key, read_secret, token_of
from nhi_revoke_github.settings import GithubSettings, HeldApp
from nhi_revoke_github.sign_in import AppSignIn, Asks, Operator, SignIn, TokenSignIn
from nhi_revoke_github.words import HIDDEN, Github, ToApp, ToHeld, ToToken

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

VERSION = "2026-03-10"
"""X-GitHub-Api-Version: of the description that contract tests hold this provider against."""
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
PAGE = 100


class GithubConnection:
    """Thread-safe. The first call signs in."""

    def __init__(self, scope: str, settings: GithubSettings, io: Io, environ: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.io = io
        self._environ = os.environ if environ is None else environ
        self._scope = scope
        self._clock = VendorClock(io.now)
        self._lock = threading.Lock()
        self._app: Known[HttpApi] = Known()
        self._operator = Operator(*self._sign_ins(), io)
        self._held: dict[HeldApp, HttpApi] = {}
        self._reads: SharedReads[Answer] = SharedReads()
        self.together: Together[Any] = Together()
        self.beyond_a_page: set[Hashable] = set()
        """Listings that did not fit on one: how to ask for them again, and never what they said."""

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The organisation (or user) that is asked."""
        return self._scope or self.settings.org

    @property
    def org(self) -> str:
        """The same. Raises Unauthenticated where neither the reference nor the settings name one."""
        if not self.scope:
            raise Unauthenticated(
                "no GitHub organisation is named: what belongs to one was not looked at",
                hint='org = "NAME" in [github] of nhi.toml.',
            )
        return self.scope

    @property
    def url(self) -> str:
        """Of the API. Raises Unauthenticated."""
        return api_url(self.settings, self._environ)

    @property
    def site(self) -> str:
        """Where a person clicks."""
        return site_url(self.url)

    def now(self) -> datetime:
        """GitHub's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """The token's owner, the App, or both; and the repository whose workflow this runs in. Of two sign-ins one may
        fail: `not_signed_in` tells. Raises Unauthenticated, or Denied, where nobody is told of."""
        place = (canonical(REPO, self._runs_in),) if self._runs_in else ()
        return (*self._operator.whose(), *place)

    def not_signed_in(self) -> Sequence[Fault]:
        """Of two sign-ins the one that does not work, and why. Raises what else a request raises."""
        return tuple(fault for _, fault in self._operator.unusable())

    def may_be_operator(self, kind: str) -> str:
        """Why a principal of this kind may be the operator without `whoami` telling it; empty where it tells all."""
        for sign_in, fault in self._operator.unusable():
            if sign_in.kind == kind:
                return (
                    f"it may be you: {sign_in.name} does not tell whose it is ({fault.message}). Repair "
                    f"{sign_in.settings} in [github] of nhi.toml, or take it out there"
                )
        return ""

    @property
    def repository_selection(self) -> str:
        """Which repositories the operator's App is installed on, where it is the App that lists them: `all` or
        `selected`. Empty where a token does, and before the first request.
        """
        return self._operator.repositories

    # -- asking ----------------------------------------------------------------------------------------------------

    def get(self, path: str, needs: str, *, known: bool = False, **query: Any) -> Any:
        """The body of one read. `known`: that it may be seen was shown before, so that a 404 means "there is none"
        (Missing); else it is Denied: hidden or absent. Raises the faults of the contract."""
        asks = self._operator.asks(path)
        try:
            return self._read(asks, path, path, needs, query).body
        except (Denied, Unauthenticated) as fault:
            read = _told(asks, fault, known)
        raise read

    def rows(self, path: str, needs: str, *, under: str = "", known: bool = False, **query: Any) -> Iterator[Any]:
        """Every row of a listing. `under`: the member of the body that holds them."""
        for body, _ in self.pages(path, needs, under=under, known=known, **query):
            yield from body

    def pages(
        self, path: str, needs: str, *, under: str = "", known: bool = False, **query: Any
    ) -> Iterator[tuple[list[Any], bool]]:
        """Each page's rows, and whether it is the last one."""
        query.setdefault("per_page", PAGE)
        asks = self._operator.asks(path)

        def ask(url: str) -> Answer:
            return self._read(asks, url, path, needs, query if url == path else {})

        try:
            for page in pages_by_link(ask, path):
                yield list(listed(page.body, path, under)), not page.next_link
        except (Denied, Unauthenticated) as fault:
            raise _told(asks, fault, known) from None

    def send(
        self, method: str, path: str, needs: str, body: Any = None, *, known: bool = False, again: bool | None = None
    ) -> Any:
        """One change; the answer's body. `again`: it may happen twice without harm (a create never does)."""
        asks = self._operator.asks(path)
        try:
            with self._reads.changing():
                return asks.by.api().call(method, path, needs=needs, body=body, again=again).body
        except (Denied, Unauthenticated) as fault:
            read = _told(asks, fault, known)
        raise read

    def _read(self, asks: Asks, url: str, path: str, needs: str, query: Mapping[str, Any]) -> Answer:
        """Many kinds and steps ask for the same at once. `path`: for messages."""
        what = f"GET {path.partition('?')[0]}"
        return self._reads.read(
            (asks.by, url, needs, tuple(sorted(query.items()))),
            lambda: asks.by.api().call("GET", url, needs=needs, query=query or None, what=what),
        )

    def asks_for(self, *, apps_alone: bool) -> SignIn:
        """Which sign-in asks for what belongs to an organisation. `apps_alone`: what GitHub tells Apps alone."""
        return self._operator.asks(f"/orgs/ORG/{'personal-access-tokens' if apps_alone else 'repos'}").by

    def signs_in_with(self, value: str) -> bool:
        """Whether this token is the operator's own: it is never ended here."""
        try:
            return token_of(self.settings, self._environ, self.url) == value
        except Unauthenticated:
            return False

    def api_as(self, authorize: Authorize | None, vendor: Github | None = None) -> HttpApi:
        """With another credential than the operator's, or none at all: for proofs and for what refuses a login.

        `vendor`: GitHub's errors, in words that name the credential.
        """
        return HttpApi(self.io, self.url, vendor or Github(), authorize, clock=self._clock, headers=HEADERS)

    # -- apps whose keys the operator holds ------------------------------------------------------------------------

    def held_app(self, *, slug: str = "", client_id: str = "") -> HeldApp | None:
        """As the settings name it."""
        mine = (a for a in self.settings.apps if (slug and a.slug == slug) or (client_id and a.client_id == client_id))
        return next(mine, None)

    def as_held_app(self, app: HeldApp) -> HttpApi | None:
        """Asks as that App; None where its key is not held. Raises Unauthenticated for a file that cannot be read."""
        issuer = app.client_id or app.app_id
        if not (app.private_key_file and issuer):
            return None
        with self._lock:
            made = self._held.get(app)
            if made is None:
                key = read_key(app.private_key_file, "private_key_file of [[github.apps]]")
                made = self._held[app] = self.api_as(ByAppKey(issuer, key, self._clock), ToHeld())
            return made

    def as_client(self, app: HeldApp) -> HttpApi | None:
        """Asks by that app's client secret; None where it is not held. Raises Unauthenticated as above."""
        if not (app.client_secret_file and app.client_id):
            return None
        secret = read_secret(app.client_secret_file, "client_secret_file of [[github.apps]]")
        return self.api_as(ByClientSecret(app.client_id, secret), ToHeld())

    # -- inside ----------------------------------------------------------------------------------------------------

    @property
    def _runs_in(self) -> str:
        """The repository whose workflow this is; empty elsewhere."""
        return self._environ.get("GITHUB_REPOSITORY", "") if self._environ.get("GITHUB_ACTIONS") else ""

    def _sign_ins(self) -> tuple[TokenSignIn | None, AppSignIn | None]:
        """Beside an App, a token of the environment is nobody that nhi.toml names: it is not used."""
        app = AppSignIn(self._as_app, self._as_installation) if self.settings.app_id else None
        if app is not None and not self.settings.token_file:
            return None, app
        return TokenSignIn(self._by_token, of_a_workflow=bool(self._runs_in)), app

    def _by_token(self) -> HttpApi:
        return self.api_as(ByToken(token_of(self.settings, self._environ, self.url)), ToToken())

    def _as_app(self) -> HttpApi:
        """One: a key is checked as it is read, and that takes as long as a request."""

        def opened() -> HttpApi:
            key = read_key(self.settings.private_key_file, "private_key_file")
            return self.api_as(ByAppKey(self.settings.app_id, key, self._clock), ToApp())

        return self._app.once(self.settings.app_id, opened)

    def _as_installation(self, as_app: HttpApi) -> tuple[HttpApi, ByInstallation]:
        by = ByInstallation(as_app, self.org, self._clock.now)
        return self.api_as(by, ToApp()), by


def listed(body: Any, path: str, under: str = "") -> Iterator[Any]:
    """The rows of one page. Raises Rejected for what is no list: it must not pass for an empty one."""
    rows = body.get(under) if under and isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise Rejected(f"the answer of GitHub to GET {path.partition('?')[0]} is no list: it was not read")
    yield from rows


def repo_path(ref_id: str, rest: str = "") -> str:
    """`/repos/OWNER/NAME…` of `OWNER/NAME`."""
    owner, _, name = ref_id.partition("/")
    return f"/repos/{segment(owner)}/{segment(name)}{rest}"


def org_path(org: str, rest: str = "") -> str:
    return f"/orgs/{segment(org)}{rest}"


def _told(asks: Asks, fault: Denied | Unauthenticated, known: bool) -> Fault:
    """With the name of the credential, where there are two; and what a 404 means where the place was seen before."""
    if isinstance(fault, Unauthenticated):
        return asks.refused(fault)
    if known and fault.code == HIDDEN:
        return Missing(fault.message.replace("is denied", "there is none"), code=fault.code)
    denied = asks.denied(fault)
    if denied.code == HIDDEN:
        why = f"{denied.message}: GitHub answers alike where there is none and where it may not be seen"
        return Denied(why, needs=denied.needs, code=denied.code)
    return denied
