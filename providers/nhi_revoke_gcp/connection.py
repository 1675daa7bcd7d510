"""One login at Google Cloud. Every request of this provider goes through `GcpConnection`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import NoAnswer, Rejected, Unavailable
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.known import Known
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_gcp.api import GoogleApi
from nhi_revoke_gcp.fresh import FreshReads
from nhi_revoke_gcp.iam import Iam
from nhi_revoke_gcp.login import Login, oauth_error
from nhi_revoke_gcp.named import Named, look_up
from nhi_revoke_gcp.pools import PoolReads
from nhi_revoke_gcp.settings import GcpSettings
from nhi_revoke_gcp.universe import checked, grpc_target, url_of
from nhi_revoke_gcp.words import Google

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke_gcp.constraints import Constraints
    from nhi_revoke_gcp.hierarchy import Hierarchy

NEXT = "nextPageToken"


class GcpConnection:
    """Thread-safe. The first call logs in."""

    def __init__(self, scope: str, settings: GcpSettings, io: Io, environ: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.io = io
        self._scope = scope
        self._clock = VendorClock(io.now)
        self._login = Login(settings, os.environ if environ is None else environ, io, self._clock)
        self._lock = threading.Lock()
        self._reads: SharedReads[Any] = SharedReads()
        self._apis: dict[str, GoogleApi] = {}
        self._iam: Iam | None = None
        self._accounts: Known[Named] = Known()
        self._constraints: Known[Constraints] = Known()
        self.fresh = FreshReads(self.now)
        self.pools = PoolReads(self)
        self.hierarchies: dict[str, Hierarchy] = {}
        """By project: as they were read last."""

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The project; empty where the reference tells none."""
        return self._scope

    def now(self) -> datetime:
        """Google's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """The operator, and whom it works through, once Google has let it in. Raises Unauthenticated."""
        return self._login.principals()

    @property
    def universe(self) -> str:
        """Raises Unauthenticated."""
        return self._login.universe

    @property
    def token_uri(self) -> str:
        """Where a key is exchanged for tokens. Raises Unauthenticated."""
        named = checked(self.settings.token_url, "token_url")
        return named or f"https://oauth2.{self.universe}/token"

    # -- asking ----------------------------------------------------------------------------------------------------

    @property
    def iam(self) -> Iam:
        """Service accounts, keys and policies, over gRPC. Raises Unauthenticated."""
        universe = self._login.universe
        with self._lock:
            if self._iam is None:
                target, plain = grpc_target(self.settings, universe)
                self._iam = Iam(self.io, self._login, target, self._reads, plain=plain)
            return self._iam

    def api(self, name: str) -> GoogleApi:
        """One of Google's APIs over REST, by the first part of its host. Raises Unauthenticated."""
        universe = self._login.universe
        with self._lock:
            if name not in self._apis:
                base = url_of(self.settings, name, universe)
                self._apis[name] = GoogleApi(self.io, base, self._login, self._clock, self._reads)
            return self._apis[name]

    def get(self, api: str, path: str, needs: str, **query: Any) -> dict[str, Any]:
        """The body of one read. What is false or empty is left out of it (facts gcp.md 7, 13). Raises the faults of
        the contract.
        """
        body = self.api(api).call("GET", path, needs=needs, query=query or None).body
        if not isinstance(body, dict):
            raise Rejected(f"what Google Cloud answered to GET {path} is no object: it was not read")
        return body

    def rows(self, api: str, path: str, field: str, needs: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a listing, whatever the size of its pages."""
        token, seen = "", set[str]()
        while True:
            page = self.get(api, path, needs, **query, **({"pageToken": token} if token else {}))
            yield from page.get(field) or ()
            token = str(page.get(NEXT) or "")
            if not token:
                return
            if token in seen:
                raise Rejected("the list's next page is one that was read already: the rest was not read")
            seen.add(token)

    def ask(self, api: str, path: str, needs: str, body: dict[str, Any]) -> dict[str, Any]:
        """The body of one read by POST. Raises the faults of the contract."""
        try:
            read = self.api(api).ask(path, needs, body).body
        except NoAnswer as none:
            lost = none.message.removesuffix(": it may have happened")
        else:
            if isinstance(read, dict):
                return read
            raise Rejected(f"what Google Cloud answered to POST {path} is no object: it was not read")
        raise Unavailable(lost)

    def signs_in(self, info: Mapping[str, Any], *, leaked: bool = False) -> str:
        """Whether this key of a service account gets a token: one request, of new credentials. Empty where it does;
        else OAuth's word. Raises the faults of the contract where no answer is clear.

        `leaked`: somebody else may have written the file, so that its own token endpoint is not asked.
        """
        from google.auth.exceptions import GoogleAuthError

        from nhi_revoke_gcp.credentials import from_key
        from nhi_revoke_gcp.token_http import TokenHttp

        told = {"token_uri": f"https://oauth2.{self._login.universe}/token"} if leaked else {}
        tried, http = from_key({**info, **told}, self.settings), TokenHttp(self.io, self._clock)
        try:
            self.io.ask(lambda: tried.refresh(http), repeatable=True)
        except GoogleAuthError as error:
            return oauth_error(error)
        return ""

    def by_key(self, api: str, path: str, headers: Mapping[str, str]) -> None:
        """One read by what the headers hold alone, and not as the operator. Raises the faults of the contract."""
        base = url_of(self.settings, api, self._login.universe)
        HttpApi(self.io, base, Google(), clock=self._clock).call("GET", path, headers=headers)

    # -- names -----------------------------------------------------------------------------------------------------

    def named(self, ref: PrincipalRef) -> Named:
        """What a reference names: asked once for each. Raises Missing, Denied."""
        return self._accounts.once(ref, lambda: look_up(self, ref))

    def constraints(self, ref: PrincipalRef) -> Constraints:
        """What the account's organisation allows it: asked once. A fault is told, not raised."""
        from nhi_revoke_gcp.constraints import read_constraints

        return self._constraints.once(ref, lambda: read_constraints(self, self.named(ref)))

    def side_by_side(self, *looks: Callable[[], Any]) -> Sequence[Any]:
        """Independent reads at once, in order. The first exception is raised after all have ended."""
        return self.io.map(lambda look: look(), looks)
