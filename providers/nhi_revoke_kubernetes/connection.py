"""One login at one cluster. Every request of this provider goes through `KubernetesConnection.ask`."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.counting import ask_counted, sends
from nhi_revoke.provider.fault import Denied, Fault, Missing, NoAnswer, Rejected, Unauthenticated, Unavailable
from nhi_revoke.provider.quiet import hush
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_kubernetes.kubeconfig import chosen, configuration, namespace_of, scope_of
from nhi_revoke_kubernetes.permissions import ACCESS_REVIEW, WHO_AM_I
from nhi_revoke_kubernetes.settings import KubernetesSettings
from nhi_revoke_kubernetes.words import fault_of

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io

TIMEOUT = (5.0, 20.0)
"""Seconds to connect, and between two parts of an answer."""
READS = ("read_", "list_", "create_self_subject_")
"""Methods that change nothing: a review of oneself is made to be answered, and kept nowhere."""
A_NAME = re.compile(r"[^A-Za-z0-9_.:@/-]+")
LOGS = ("kubernetes.client.rest", "client", "urllib3.connectionpool")


class May(Struct, frozen=True):
    """A permission, as a review of oneself asks for it."""

    verb: str
    resource: str
    namespace: str
    name: str = ""
    """Empty: of any name."""
    group: str = ""

    @property
    def told(self) -> str:
        """As `kubectl auth can-i` takes it."""
        whole = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {whole}{f'/{self.name}' if self.name else ''} -n {self.namespace}"


class KubernetesConnection:
    """Thread-safe. The first call reads the kubeconfig."""

    def __init__(
        self, scope: str, settings: KubernetesSettings, io: Io, environ: Mapping[str, str] | None = None
    ) -> None:
        """`scope`: the server that a plan was made for; empty: that of the settings."""
        self.settings, self.io = settings, io
        self._environ = os.environ if environ is None else environ
        self._scope, self._clock = scope, VendorClock(io.now)
        self._lock = threading.Lock()
        self._open: Any = None

    @property
    def scope(self) -> str:
        """The cluster's server."""
        return self._scope or scope_of(self.settings, self._environ)

    @property
    def namespace(self) -> str:
        """The operator's own. Raises Unauthenticated."""
        return namespace_of(chosen(self.settings, self._environ))

    def now(self) -> datetime:
        """The cluster's clock (Date header), UTC."""
        return self._clock.now()

    def whoami(self) -> Sequence[PrincipalRef]:
        """As `kubectl auth whoami`. Nobody where the cluster is too old to tell (before 1.28)."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            told = self.ask(
                "AuthenticationV1Api",
                "create_self_subject_review",
                body=body,
                needs=WHO_AM_I,
                what="whoami",
            )
        except Missing:
            return ()
        who = A_NAME.sub("-", str(((told.get("status") or {}).get("userInfo") or {}).get("username") or ""))
        return (PrincipalRef("kubernetes", "user", who),) if who else ()

    def lacks(self, wanted: Iterable[May]) -> list[May]:
        """Those that the operator may not, asked side by side. What cannot be asked is not lacking."""
        asked = list(wanted)
        return [each for each, allowed in zip(asked, self.io.map(self.may, asked), strict=True) if allowed is False]

    def may(self, each: May) -> bool | None:
        """None where the review is denied."""
        wanted = {"verb": each.verb, "resource": each.resource, "namespace": each.namespace}
        wanted |= {"name": each.name} if each.name else {}
        wanted |= {"group": each.group} if each.group else {}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        }
        try:
            told = self.ask(
                "AuthorizationV1Api", "create_self_subject_access_review",
                body=body, needs=ACCESS_REVIEW, what=f"whether one may {each.told}",
            )  # fmt: skip
        except (Denied, Missing):
            return None
        return (told.get("status") or {}).get("allowed") is True

    def ask(
        self, api: str, method: str, *args: str, needs: str, what: str, again: bool | None = None, **more: Any
    ) -> dict[str, Any]:
        """One request by the official client; the object that was answered. Raises the faults of the contract.

        `api`, `method`: its class and method. `what`: the call in words. `again`: it may happen twice without harm; by
        default reads may.
        """
        reads = method.startswith(READS)

        def once() -> dict[str, Any]:
            client = self._client()
            try:
                return self._once(client, api, method, args, needs, what, more)
            except Unauthenticated:
                if not self._renewed(client):
                    raise
            return self._once(self._client(), api, method, args, needs, what, more)

        return ask_counted(self.io, once, repeatable=reads if again is None else again)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _once(
        self, client: Any, api: str, method: str, args: Sequence[str], needs: str, what: str, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        import kubernetes.client as official
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

        mutates, began = not method.startswith(READS), self._clock.local()
        fault: Fault
        try:
            call = getattr(getattr(official, api)(client), method)
            sends(self.io)
            answer = call(*args, _preload_content=False, _request_timeout=TIMEOUT, **more)
            data = answer.data
            self._clock.learn(answer.headers.get("Date", ""), began)
            client.accepted = True
            return _object(data, what, mutates=mutates)
        except official.ApiException as refused:
            if refused.status:
                headers = refused.headers or {}
                fault = fault_of(refused.status, refused.body, headers, what=what, needs=needs, mutates=mutates)
            else:
                fault = Unavailable(f"the server of {self.scope} was not trusted for {what}: nothing was asked")
        except (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError) as error:
            fault = Unavailable(f"Kubernetes could not be reached for {what} ({type(error).__name__})")
        except HTTPError as error:
            may = ": it may have happened" if mutates else ""
            fault = NoAnswer(f"no answer from Kubernetes to {what} ({type(error).__name__}){may}")
        except ValueError:  # the client's own check of what is sent, which quotes it
            fault = Rejected(f"{what} is nothing that Kubernetes' own client would send: nothing was asked")
        raise fault  # outside the handler: the library's exceptions hold what was answered

    def _client(self) -> Any:
        with self._lock:
            if self._open is None:
                self._open = self._opened()
            return self._open

    def _renewed(self, refused: Any) -> bool:
        """Whether another login was had: a program's token lives for minutes. One that never worked is renewed once."""
        with self._lock:
            if self._open is not refused:
                return True
            if getattr(refused, "renewed", False) and not getattr(refused, "accepted", False):
                return False
            self._open = self._opened()
            self._open.renewed = True
            return True

    def _opened(self) -> Any:
        from kubernetes.client import ApiClient

        hush(LOGS)
        which = chosen(self.settings, self._environ)
        if self._scope not in ("", which.server):
            raise Rejected(
                f"this plan is for the cluster {self._scope}, and {which.server} is named now: nothing was asked",
                hint="Choose it again: kubectl config use-context, or context in [kubernetes].",
            )
        return ApiClient(configuration(which, self._environ))


def _object(data: bytes, what: str, *, mutates: bool) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        return told
    if mutates:
        raise NoAnswer(f"the answer to {what} is none of Kubernetes': it may have happened")
    raise Unavailable(f"the answer to {what} is none of Kubernetes'")
