"""Kubernetes' HTTP interface on loopback: Secrets, workloads, reviews of oneself; versions, conflicts, field managers.

Kubernetes docs: reference/using-api/api-concepts (resourceVersion, patches), reference/using-api/server-side-apply
(field management: who changes a value owns it from then on), concepts/configuration/secret (immutable).
"""

from __future__ import annotations

import copy
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from nhi_revoke.provider.sandbox.clock import MovableClock

ROOT = "canary-token-of-the-operator"
USER = "ops@example.com"
KINDS = {
    "secrets": "Secret",
    "configmaps": "ConfigMap",
    "serviceaccounts": "ServiceAccount",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "cronjobs": "CronJob",
}
ROLLED = ("Deployment", "StatefulSet", "DaemonSet")
APIS = {**dict.fromkeys(("secrets", "configmaps", "serviceaccounts"), "v1"), "cronjobs": "batch/v1"}
"""Of all others: `apps/v1`."""
A_PATH = re.compile(r"/(api/v1|apis/apps/v1|apis/batch/v1)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?")
VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid"}
Object = dict[str, Any]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that trusts it not hangs up: no traceback of that on the screen."""


class Refused(Exception):
    def __init__(self, code: int, reason: str = "", message: str = "") -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason or REASONS.get(code, ""), message


class Cluster:
    """`with` starts it."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.objects: dict[tuple[str, str, str], Object] = {}
        """By namespace, resource and name."""
        self.tokens: dict[str, set[tuple[str, str]] | None] = {ROOT: None}
        """By token: verb and `resource`, `resource/name` or `resource -n NAMESPACE`; None: everything."""
        self.too_old: set[str] = set()
        """Tokens of pages that are answered with 410."""
        self.asked: list[str] = []
        """`METHOD /path`, in order."""
        self.bodies: list[Any] = []
        self.answers: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.before: Callable[[str], None] | None = None
        self.lose: Callable[[str], bool] = lambda _: False
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes] | None] = lambda _: None
        """Something else than the cluster's own answer."""
        self.rolls_at_once = True
        self.tells_managers = True
        self.version = 100
        self.page_size = 1000
        """The most that a page of a list holds."""
        self.lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Cluster:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- as an administrator -----------------------------------------------------------------------------------------

    def put(self, namespace: str, resource: str, name: str, **fields: Any) -> Object:
        """An object as it is made by somebody else."""
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1, **fields.pop("meta", {})}
        api = APIS.get(resource, "apps/v1")
        made = {"apiVersion": api, "kind": KINDS[resource], "metadata": meta, **fields}
        with self.lock:
            self.store(namespace, resource, made, {}, "kubectl-create")
        return made

    def roll(self, namespace: str, resource: str, name: str) -> None:
        """The controller has done its work."""
        with self.lock:
            found = self.objects[namespace, resource, name]
            found["status"] = _complete(found)

    def once_before(self, start: str, act: Callable[[], None]) -> None:
        def before(what: str) -> None:
            if what.startswith(start):
                self.before = None
                act()

        self.before = before

    def wrap(self, pem: Path) -> None:
        """From now on by TLS, with this key and certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def lose_next(self, start: str) -> None:
        left = [True]

        def lose(what: str) -> bool:
            hit = what.startswith(start) and left[0]
            left[0] = left[0] and not hit
            return hit

        self.lose = lose

    # -- as it answers -----------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> Object:
        """Raises Refused."""
        parts = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise Refused(401)
        if parts.path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
            return {**body, "metadata": {}, "status": {"userInfo": {"username": USER, "groups": ["ops"]}}}
        if parts.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            asks = body["spec"]["resourceAttributes"]
            where = asks.get("namespace", "")
            allowed = self._allowed(token, asks["verb"], asks["resource"], asks.get("name", ""), where)
            return {**body, "metadata": {}, "status": {"allowed": allowed, "reason": "RBAC"}}
        found = A_PATH.fullmatch(parts.path)
        if not found or found[3] not in KINDS or found[1].split("/", 1)[1] != APIS.get(found[3], "apps/v1"):
            raise Refused(404)
        namespace, resource, name = found[2] or "", found[3], unquote(found[4] or "")
        verb = "list" if method == "GET" and not name else VERBS[method]
        if not namespace and verb != "list":
            raise Refused(404)
        if not self._allowed(token, verb, resource, name, namespace):
            raise Refused(403, message=f'User "{USER}" cannot {verb} resource')
        with self.lock:
            return self._done(verb, (namespace, resource, name), body, query, headers.get("content-type", ""))

    def _allowed(self, token: str, verb: str, resource: str, name: str, namespace: str = "") -> bool:
        rules = self.tokens[token]
        asked = {(verb, resource), (verb, f"{resource}/{name}"), (verb, f"{resource} -n {namespace}")}
        return rules is None or bool(asked & rules)

    def _done(self, verb: str, key: tuple[str, str, str], body: Any, query: Mapping[str, str], kind: str) -> Object:
        namespace, resource, name = key
        if verb == "list":
            return self._listed(namespace, resource, query)
        manager = query.get("fieldManager", "unknown")
        if verb == "create":
            name = body["metadata"]["name"]
            if (namespace, resource, name) in self.objects:
                raise Refused(409, "AlreadyExists")
            meta: Object = {**body["metadata"], "namespace": namespace, "uid": f"uid-{name}", "generation": 1}
            return self.store(namespace, resource, {**body, "metadata": meta}, {}, manager)
        present = self.objects.get(key)
        if present is None:
            raise Refused(404)
        if verb == "get":
            return copy.deepcopy(present)
        if verb == "delete":
            over = ((body or {}).get("preconditions") or {}).get("resourceVersion")
            if over not in (None, present["metadata"]["resourceVersion"]):
                raise Refused(409)
            del self.objects[key]
            return {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": name}}
        if kind not in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
            raise Refused(400, message="unknown patch")
        over = (body.get("metadata") or {}).get("resourceVersion")
        if over not in (None, present["metadata"]["resourceVersion"]):
            raise Refused(409)
        changed = _merged(present, body)
        if present.get("immutable") and changed.get("data") != present.get("data"):
            raise Refused(422)
        if any(not re.fullmatch(r"[-._a-zA-Z0-9]+", each) for each in changed.get("data") or ()):
            raise Refused(422)
        return self.store(namespace, resource, changed, present, manager)

    def _listed(self, namespace: str, resource: str, query: Mapping[str, str]) -> Object:
        """One chunk of it. `namespace`: empty: of all."""
        wanted = dict(part.split("=", 1) for part in query.get("labelSelector", "").split(",") if part)
        every = sorted(self.objects.items())
        rows = [o for (n, r, _), o in every if r == resource and namespace in ("", n)]
        items = [o for o in rows if wanted.items() <= (o["metadata"].get("labels") or {}).items()]
        api = APIS.get(resource, "apps/v1")
        listed: Object = {"resourceVersion": str(self.version)}
        if query.get("continue") in self.too_old:
            raise Refused(410, "Expired")
        start, size = int(query.get("continue") or 0), int(query.get("limit") or len(items) or 1)
        size = min(size, self.page_size)
        if start + size < len(items):
            listed["continue"] = str(start + size)
        items = items[start : start + size]
        return copy.deepcopy({"apiVersion": api, "kind": f"{KINDS[resource]}List", "metadata": listed, "items": items})

    def store(self, namespace: str, resource: str, made: Object, before: Object, manager: str) -> Object:
        self.version += 1
        made = copy.deepcopy(made)
        meta = made["metadata"]
        meta["resourceVersion"] = str(self.version)
        if resource == "secrets":
            meta.pop("generation", None)
            managed = _managed(
                meta.get("managedFields") or [], before.get("data") or {}, made.get("data") or {}, manager
            )
            meta["managedFields"] = managed
            if not self.tells_managers or not managed:
                del meta["managedFields"]
        elif made.get("spec") != before.get("spec"):
            meta["generation"] = int((before.get("metadata") or {}).get("generation") or 0) + 1
            if made["kind"] in ROLLED and (self.rolls_at_once or not before):
                made["status"] = _complete(made)
        self.objects[namespace, resource, meta["name"]] = made
        return copy.deepcopy(made)


def _merged(present: Any, patch: Any) -> Any:
    """RFC 7396; of the maps that are patched here a strategic merge is the same."""
    if not isinstance(patch, dict):
        return patch
    out = dict(present) if isinstance(present, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out


def _managed(rows: list[Object], before: Object, after: Object, manager: str) -> list[Object]:
    """Whoever changes a value owns it from then on; what is gone is nobody's."""
    owners = {r["manager"]: {k.removeprefix("f:") for k in r["fieldsV1"]["f:data"] if k != "."} for r in rows}
    changed = {key for key, value in after.items() if before.get(key) != value}
    owners = {who: (keys - changed) & set(after) for who, keys in owners.items()}
    owners[manager] = owners.get(manager, set()) | changed
    return [
        {
            "manager": who,
            "operation": "Update",
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, **{f"f:{key}": {} for key in sorted(keys)}}},
        }
        for who, keys in owners.items()
        if keys
    ]


def _complete(made: Object) -> Object:
    """Status of a rollout that has come to its end."""
    generation, wanted = made["metadata"]["generation"], int((made.get("spec") or {}).get("replicas", 1))
    if made["kind"] == "DaemonSet":
        counts = ("currentNumberScheduled", "desiredNumberScheduled", "numberAvailable", "numberReady")
        more = {"updatedNumberScheduled": 2, "numberMisscheduled": 0}
        return {"observedGeneration": generation, **dict.fromkeys(counts, 2), **more}
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    status: Object = {"observedGeneration": generation, **dict.fromkeys(counts, wanted)}
    if made["kind"] == "StatefulSet":
        status |= dict.fromkeys(("currentRevision", "updateRevision"), f"rev-{generation}")
    return status


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            what = f"{self.command} {self.path}"
            headers = {k.lower(): v for k, v in self.headers.items()}
            cluster.asked.append(what)
            cluster.bodies.append(body)
            cluster.headers.append(headers)
            if cluster.before is not None:
                cluster.before(what)
            if (instead := cluster.answer(what)) is not None:
                self._send(*instead)
                return
            try:
                code, told = 200, cluster.handle(self.command, self.path, body, headers)
            except Refused as refused:
                status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
                told = {**status, "message": refused.message, "reason": refused.reason, "code": refused.code}
                code = refused.code
            cluster.answers.append((what, told))
            if cluster.lose(what):
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(code, {"Content-Type": "application/json"}, json.dumps(told).encode())

        def _send(self, code: int, headers: Mapping[str, str], data: bytes) -> None:
            self.send_response_only(code)
            self.send_header("Date", format_datetime(cluster.clock.now(), usegmt=True))
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    return Handler
