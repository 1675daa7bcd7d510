"""KV version 2 and what is around it, as OpenBao 2.7 answers: contract tests run the same tests against that one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.sandbox.server import LoopbackServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
ROOT = "canary-root-token"
DENIED = "1 error occurred:\n\t* permission denied\n\n"
DEFAULT = {"auth/token/lookup-self": ["read"], "sys/capabilities-self": ["update"]}
"""The policy of that name, as far as it is asked for."""


class No(Exception):
    """A refusal: status, and the body's `errors`, or a whole body."""

    def __init__(self, status: int, *errors: str, body: Any = None) -> None:
        super().__init__(status)
        self.status, self.body = status, body or {"errors": list(errors)}


class Held:
    """One secret."""

    def __init__(self) -> None:
        self.versions: dict[int, dict[str, Any]] = {}
        self.newest, self.most, self.cas_required = 0, 0, False
        self.deleted_after = ""
        self.custom: dict[str, str] | None = None

    def add(self, data: Any, most: int) -> dict[str, Any]:
        self.newest += 1
        self.versions[self.newest] = {"data": data, "deletion_time": self.deleted_after, "destroyed": False}
        for old in [n for n in self.versions if n <= self.newest - (self.most or most or 10)]:
            del self.versions[old]
        return about(self, self.newest)


class StandIn:
    """`with` starts it."""

    def __init__(self) -> None:
        self._server = LoopbackServer(self._app, lambda: START)
        self.tokens: dict[str, list[str]] = {ROOT: ["root"]}
        self.policies: dict[str, dict[str, list[str]]] = {"default": DEFAULT}
        self.mounts: dict[str, dict[str, str]] = {"secret": {"type": "kv", "version": "2"}}
        self.configs: dict[str, dict[str, Any]] = {}
        self.namespaces: set[str] = {""}
        self.held: dict[str, Held] = {}
        self.v1: dict[str, Any] = {}
        self.sealed = False
        self.root, self.url = ROOT, ""

    def __enter__(self) -> StandIn:
        self._server.start()
        self.url = self._server.url
        return self

    def __exit__(self, *exc: object) -> None:
        errors = self._server.errors
        self._server.close()
        assert not errors, errors

    # -- one request -------------------------------------------------------------------------------------------------

    def _app(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            status, body = self._answer(environ)
        except No as no:
            status, body = no.status, no.body
        sent = b"" if body is None else json.dumps(body).encode()
        start(f"{status} told", [("Content-Type", "application/json")])
        return [sent]

    def _answer(self, environ: WSGIEnvironment) -> tuple[int, Any]:
        method, path = str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"]).removeprefix("/v1/")
        asked = json.loads(environ["wsgi.input"].read() or b"{}")
        if self.sealed:
            raise No(503, "Vault is sealed")
        if str(environ.get("HTTP_X_VAULT_NAMESPACE", "")).strip("/") not in self.namespaces:
            raise No(404, "namespace not found")
        token = str(environ.get("HTTP_X_VAULT_TOKEN", ""))
        if token not in self.tokens:
            raise No(403, "permission denied")
        query = str(environ["QUERY_STRING"])
        if query == "list=true":
            return self._names(path, token)
        version = int(query.removeprefix("version=")) if query.startswith("version=") else None
        if path.startswith(("sys/", "auth/")):
            return self._system(method, path, asked, token)
        return self._kv(method, path, asked, token, version)

    def _system(self, method: str, path: str, asked: Any, token: str) -> tuple[int, Any]:
        if path == "auth/token/lookup-self":
            self._needs(token, path, "read")
            return 200, wrapped({"display_name": "token", "entity_id": "", "id": token, "accessor": "canary-accessor"})
        if path == "sys/capabilities-self":
            self._needs(token, path, "update")
            return 200, wrapped({each: sorted(self._may(token, each)) or ["deny"] for each in asked["paths"]})
        if path == "sys/internal/ui/mounts":
            return 200, wrapped({"auth": {}, "secret": self._mounts_of(token)})
        if path.startswith("sys/internal/ui/mounts/"):
            return 200, wrapped(self._preflight(path.removeprefix("sys/internal/ui/mounts/"), token))
        self._needs(token, path, "sudo")
        made: dict[str, Callable[[str], Any]] = {
            "sys/mounts/": lambda name: self.mounts.update({name: mounted(asked)}),
            "sys/policies/acl/": lambda name: self.policies.update({name: ruled(asked)}),
            "sys/namespaces/": self.namespaces.add,
        }
        for start, make in made.items():
            if path.startswith(start):
                make(path.removeprefix(start))
                return 204, None
        assert path == "auth/token/create", path
        new = f"canary-token-{len(self.tokens)}"
        self.tokens[new] = [*asked["policies"], *([] if asked.get("no_default_policy") else ["default"])]
        return 200, {"auth": {"client_token": new}}

    def _mounts_of(self, token: str) -> dict[str, Any]:
        """Those that a policy of the token reaches into."""
        rules = [rule for name in self.tokens[token] for rule in self.policies.get(name, {})]
        return {
            f"{mount}/": {"type": about["type"], "options": {"version": about["version"]}}
            for mount, about in self.mounts.items()
            if "root" in self.tokens[token] or any(rule.startswith(f"{mount}/") for rule in rules)
        }

    def _names(self, path: str, token: str) -> tuple[int, Any]:
        """LIST: folders end in a slash; where there is nothing it is a 404."""
        self._needs(token, path if path.endswith("/") else f"{path}/", "list")
        mount = self._mount(path)
        if self.mounts[mount]["version"] == "2":
            below, held = path.removeprefix(f"{mount}/metadata").strip("/"), list(self.held)
        else:
            below, held = path.removeprefix(mount).strip("/"), list(self.v1)
        start = f"{mount}/{below}/" if below else f"{mount}/"
        rest = [key.removeprefix(start) for key in held if key.startswith(start)]
        names = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in rest})
        if not names:
            raise No(404)
        return 200, wrapped({"keys": names})

    def _preflight(self, path: str, token: str) -> dict[str, Any]:
        mount = self._mount(path)
        rules = [rule for name in self.tokens[token] for rule in self.policies.get(name, {})]
        seen = "root" in self.tokens[token] or any(rule.startswith(f"{mount}/") for rule in rules)
        if not mount or not seen:
            says = "preflight capability check returned 403, please ensure client's policies grant access to path"
            raise No(403, f'{says} "{path}/"')
        about = self.mounts[mount]
        return {"path": f"{mount}/", "type": about["type"], "options": {"version": about["version"]}}

    def _kv(self, method: str, path: str, asked: Any, token: str, version: int | None) -> tuple[int, Any]:
        mount = self._mount(path)
        if not mount:
            raise No(404, f'no handler for route "{path}". route entry not found.')
        rest = path.removeprefix(f"{mount}/")
        if self.mounts[mount]["version"] != "2":
            return self._first_version(method, path, asked)
        part, _, name = rest.partition("/")
        key = f"{mount}/{name}"
        verb = {"GET": "read", "DELETE": "delete"}.get(method, "update" if key in self.held else "create")
        self._needs(token, path, verb if part == "data" or method == "GET" else "update")
        if part == "config":
            if method == "POST":
                self.configs[mount] = asked
                return 204, None
            return 200, wrapped({"max_versions": 0, "cas_required": False, **self.configs.get(mount, {})})
        if part == "data" and method == "POST":
            return 200, wrapped(self._written(mount, key, asked))
        if part == "metadata" and method == "POST":
            held = self.held.setdefault(key, Held())
            held.most, held.cas_required = int(asked.get("max_versions", 0)), bool(asked.get("cas_required"))
            held.deleted_after = str(asked.get("delete_version_after", ""))
            held.custom = asked.get("custom_metadata")
            if held.deleted_after:
                held.deleted_after = "2026-11-28T13:00:00.5Z"
            return 204, None
        return self._of_secret(part, self.held.get(key), asked, version)

    def _of_secret(self, part: str, held: Held | None, asked: Any, version: int | None) -> tuple[int, Any]:
        if held is None:
            raise No(404)
        if part == "metadata":
            told = {"max_versions": held.most, "current_version": held.newest, "custom_metadata": held.custom}
            return 200, wrapped(told)
        if part == "data":
            return 200, wrapped(read(held, version or held.newest))
        for number in asked["versions"]:
            if found := held.versions.get(number):
                if part == "destroy":
                    found.update(destroyed=True, data=None)
                else:
                    found["deletion_time"] = "2026-11-28T12:00:00.5Z" if part == "delete" else ""
        return 204, None

    def _written(self, mount: str, key: str, asked: Any) -> dict[str, Any]:
        cas, held = asked.get("options", {}).get("cas"), self.held.get(key) or Held()
        if cas is None and held.cas_required:
            raise No(400, "check-and-set parameter required for this call")
        if cas is not None and cas != held.newest:
            raise No(400, "check-and-set parameter did not match the current version")
        self.held[key] = held
        return held.add(asked["data"], int(self.configs.get(mount, {}).get("max_versions", 0)))

    def _first_version(self, method: str, path: str, asked: Any) -> tuple[int, Any]:
        if method == "POST":
            self.v1[path] = asked
            return 204, None
        if path not in self.v1:
            raise No(404)
        return 200, wrapped(self.v1[path])

    # -- rights ------------------------------------------------------------------------------------------------------

    def _mount(self, path: str) -> str:
        fit = [mount for mount in self.mounts if f"{path}/".startswith(f"{mount}/")]
        return max(fit, key=len, default="")

    def _may(self, token: str, path: str) -> set[str]:
        if "root" in self.tokens[token]:
            return {"root"}
        rules = [rule for name in self.tokens[token] for rule in self.policies.get(name, {}).items()]
        return {each for rule, granted in rules if rule == path for each in granted}

    def _needs(self, token: str, path: str, capability: str) -> None:
        if not {"root", capability} & self._may(token, path):
            raise No(403, DENIED)


def about(held: Held, number: int) -> dict[str, Any]:
    version = held.versions[number]
    return {
        "version": number, "destroyed": version["destroyed"], "deletion_time": version["deletion_time"],
        "created_time": "2026-11-28T12:00:00.5Z", "custom_metadata": None,
    }  # fmt: skip


def read(held: Held, number: int) -> dict[str, Any]:
    if number not in held.versions:
        raise No(404)
    version = held.versions[number]
    is_deleted = bool(version["deletion_time"]) and version["deletion_time"] <= START.isoformat()
    if version["destroyed"] or (version["deletion_time"] and not held.deleted_after) or is_deleted:
        raise No(404, body=wrapped({"data": None, "metadata": about(held, number)}))
    return {"data": version["data"], "metadata": about(held, number)}


def wrapped(data: Any) -> dict[str, Any]:
    return {
        "request_id": "0", "lease_id": "", "renewable": False, "lease_duration": 0, "data": data, "wrap_info": None,
        "warnings": None, "auth": None,
    }  # fmt: skip


def mounted(asked: Any) -> dict[str, str]:
    kind = str(asked["type"])
    return {"type": kind, "version": str((asked.get("options") or {}).get("version", "1"))}


def ruled(asked: Any) -> dict[str, list[str]]:
    return {path: rule["capabilities"] for path, rule in json.loads(asked["policy"])["path"].items()}
