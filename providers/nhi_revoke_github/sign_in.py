"""The operator's sign-ins: a user's token, a GitHub App, or both side by side; and which of them asks what.

The one rule (`Operator.asks`): what GitHub tells Apps alone is asked as the App, everything else by the token. Where
there is one sign-in, it asks everything. Where there are both, the token first says whose it is: if it does not sign
in, or does not tell, it is used for nothing, and the App asks everything. A sign-in stands in for the other only where
both are named in nhi.toml, and each refusal says which one was refused.

OpenAPI: orgs/list-pat-grants and its siblings ("Only GitHub Apps can use this endpoint"); users/get-authenticated,
apps/get-authenticated. `x-github.enabledForGitHubApps` stands on everything else that this provider asks, but on /user.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.http import HttpApi
from nhi_revoke.provider.io import Io
from nhi_revoke_github.login import ByInstallation
from nhi_revoke_github.naming import APP, USER, canonical

FOR_APPS_ALONE = re.compile(r"/orgs/[^/]+/personal-access-token(-request)?s(/.*)?")
"""Fine-grained tokens of an organisation, and requests for them."""
AS_APP = "Sign in with a user's token, or as the App itself: app_id and private_key_file."
NoSignIn = Unauthenticated | Denied
"""It is missing, cannot be read, is refused, or does not tell whose it is."""


class SignIn(ABC):
    """One credential of the operator. Thread-safe; made without I/O."""

    name: ClassVar[str]
    """In words."""
    kind: ClassVar[str]
    """Of the principal that it is."""
    settings: ClassVar[str]
    """Where it is named."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._one_asks = threading.Lock()
        self._api: HttpApi | None = None
        self._told: tuple[PrincipalRef, ...] | NoSignIn | None = None

    def api(self) -> HttpApi:
        """Asks by it, on a budget of its own. Raises Unauthenticated where what it takes cannot be read."""
        with self._lock:
            if self._api is None:
                self._api = self._opened()
            return self._api

    def told(self) -> tuple[PrincipalRef, ...] | NoSignIn:
        """`whose`, asked once: the answer, or why there is none. Raises what else a request raises."""
        with self._one_asks:
            if self._told is None:
                try:
                    self._told = self.whose()
                except (Unauthenticated, Denied) as fault:
                    self._told = fault
            return self._told

    @property
    def is_out(self) -> bool:
        """It was asked whose it is, and does not work. Asks nothing."""
        return isinstance(self._told, Unauthenticated | Denied)

    @abstractmethod
    def whose(self) -> tuple[PrincipalRef, ...]:
        """Asks GitHub. Raises Unauthenticated, and Denied where it works and does not tell."""

    @abstractmethod
    def _opened(self) -> HttpApi: ...


class TokenSignIn(SignIn):
    name: ClassVar[str] = "the operator's token"
    kind: ClassVar[str] = USER
    settings: ClassVar[str] = "token_file"

    def __init__(self, open_: Callable[[], HttpApi], *, of_a_workflow: bool = False) -> None:
        """`of_a_workflow`: it runs in Actions, where the token may be nobody's."""
        super().__init__()
        self._opened_by, self._of_a_workflow = open_, of_a_workflow

    def whose(self) -> tuple[PrincipalRef, ...]:
        try:
            me = self.api().call("GET", "/user").body
        except Denied as denied:
            if self._of_a_workflow:
                return ()
            why = f"whose token this is cannot be told ({denied.message}): without that nothing is asked by it"
            nobody = Denied(why, needs=denied.needs, code=denied.code, hint=AS_APP)
        else:
            return (canonical(USER, str(me["login"])),)
        raise nobody

    def scopes(self) -> frozenset[str] | None:
        """Of a classic token; None where GitHub tells none. Raises what a request raises."""
        told = self.api().call("GET", "/rate_limit").headers.get("x-oauth-scopes")
        return None if told is None else frozenset(each.strip() for each in told.split(",") if each.strip())

    def _opened(self) -> HttpApi:
        return self._opened_by()


class AppSignIn(SignIn):
    name: ClassVar[str] = "the operator's GitHub App"
    kind: ClassVar[str] = APP
    settings: ClassVar[str] = "app_id and private_key_file"

    def __init__(
        self, as_app: Callable[[], HttpApi], open_: Callable[[HttpApi], tuple[HttpApi, ByInstallation]]
    ) -> None:
        """`as_app`: asks with the App's own JWT. `open_`: then with its installation's token."""
        super().__init__()
        self._as_app, self._opened_by = as_app, open_
        self._by: ByInstallation | None = None

    def whose(self) -> tuple[PrincipalRef, ...]:
        return (canonical(APP, str(self._as_app().call("GET", "/app").body["slug"])),)

    @property
    def repositories(self) -> str:
        """Which ones it is installed on: `all`, `selected`, or empty before the first request."""
        return self._by.repositories if self._by else ""

    def permissions(self) -> Mapping[str, str]:
        """Of its installation: by resource, the level. Raises what a request raises."""
        self.api()
        assert self._by is not None
        return self._by.permissions()

    def _opened(self) -> HttpApi:
        api, self._by = self._opened_by(self._as_app())
        return api


class Asks(NamedTuple):
    """Who asks one thing."""

    by: SignIn
    beside: bool = False
    """There is another sign-in: a denial says which one this is."""
    instead_of: NoSignIn | None = None
    """Why the token, whose turn it was, cannot."""

    def denied(self, fault: Denied) -> Denied:
        """With the name of who was denied it."""
        if not self.beside:
            return fault
        return Denied(f"{fault.message}, to {self._name()}", needs=fault.needs, code=fault.code, hint=fault.hint)

    def refused(self, fault: Unauthenticated) -> Unauthenticated:
        """With why the other one could not be asked, either."""
        return fault if self.instead_of is None else together((self.instead_of, fault))

    def _name(self) -> str:
        if self.instead_of is None:
            return self.by.name
        return f"{self.by.name}, which asks instead of the token ({self.instead_of.message})"


class Operator:
    """All sign-ins of one connection."""

    def __init__(self, token: TokenSignIn | None, app: AppSignIn | None, io: Io) -> None:
        """One of them at least."""
        self._token, self._app, self._io = token, app, io
        self._all: tuple[SignIn, ...] = tuple(s for s in (token, app) if s is not None)

    def asks(self, path: str) -> Asks:
        """Who asks for this path. Raises what a request raises."""
        token, app = self._token, self._app
        if token is None or app is None:
            return Asks(self._all[0])
        if FOR_APPS_ALONE.fullmatch(path):
            return Asks(app, beside=True)
        told = token.told()
        if isinstance(told, tuple):
            return Asks(token, beside=True)
        return Asks(app, beside=True, instead_of=told)

    def whose(self) -> tuple[PrincipalRef, ...]:
        """All principals that the operator is here. Raises Unauthenticated, or Denied, where no sign-in works."""
        if len(self._all) == 1:
            return self._all[0].whose()
        told = self._io.map(lambda one: one.told(), self._all)
        if not any(isinstance(each, tuple) for each in told):
            raise together([each for each in told if not isinstance(each, tuple)])
        return tuple(ref for each in told if isinstance(each, tuple) for ref in each)

    def unusable(self) -> Sequence[tuple[SignIn, NoSignIn]]:
        """Sign-ins that do not work, where another may. Raises what else a request raises."""
        if len(self._all) == 1:
            return ()
        told = self._io.map(lambda one: (one, one.told()), self._all)
        return tuple((one, each) for one, each in told if not isinstance(each, tuple))

    @property
    def repositories(self) -> str:
        """Which repositories who lists them is shown, as its installation says: `all`, `selected`; empty for a token
        (the organisation counts them), and before the first request."""
        if self._app is None or (self._token is not None and not self._token.is_out):
            return ""
        return self._app.repositories


def together(faults: Sequence[NoSignIn]) -> Unauthenticated:
    """Several sign-ins, none of which works. The code of the last one that was asked."""
    messages, hints = (list(dict.fromkeys(texts)) for texts in ((f.message for f in faults), (f.hint for f in faults)))
    return Unauthenticated("; ".join(messages), code=faults[-1].code, hint=" ".join(h for h in hints if h))
