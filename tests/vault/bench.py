"""The store by itself, before a Vault that may be the stand-in or the real one, and what another provider minted."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.change import Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.secret import Secret
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.settings import VaultSettings
from nhi_revoke_vault.store.kv import VaultKv
from tests.provider_bench import Notes
from tests.vault.between import Between

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
STORE = VaultKv()
PUBLIC = {"AccessKeyId": "AKIANEW"}
OLD, NEW = "canary-old" + "o" * 30, Secret("canary-new" + "n" * 30, field="SecretAccessKey", public=PUBLIC)
WHO = PrincipalRef("aws", "user", "bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}
NUMBERS = itertools.count(1)
"""Every test has a secret and policies of its own."""


class Server(Protocol):
    """A Vault that is running."""

    url: str
    root: str


def pair(value: str = OLD, key_id: str = "AKIAOLD", **more: Any) -> dict[str, Any]:
    return {"AccessKeyId": key_id, "SecretAccessKey": value, **more}


class Bench:
    """One secret of one Vault. `with` starts the proxy that all of the tool's requests go through."""

    def __init__(self, server: Server) -> None:
        self.server, self.between = server, Between(server.url)
        self.admin = httpx.Client(trust_env=False, verify=False)  # noqa: S501 - loopback without TLS
        self.path = f"bot/aws-{next(NUMBERS)}"
        self.io = EngineIo(SandboxClock(MovableClock(START, running=False)))
        self.run = Notes()
        self.conn: VaultConnection

    def __enter__(self) -> Bench:
        self.between.__enter__()
        self.conn = self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.io.close()
        self.admin.close()
        self.between.__exit__(*exc)

    # -- the Vault, by its root --------------------------------------------------------------------------------------

    def asked(self, method: str, path: str, body: Any = None, namespace: str = "") -> Any:
        """As an administrator, past the proxy. The decoded body; None where there is none, or it is a 404."""
        headers = {"X-Vault-Token": self.server.root, **({"X-Vault-Namespace": namespace} if namespace else {})}
        answer = self.admin.request(method, f"{self.server.url}/v1/{path}", json=body, headers=headers)
        assert answer.status_code in (200, 204, 404), answer.text
        return answer.json() if answer.content else None

    def mount(self, version: str, *, below: str = "") -> str:
        name = f"{below}m{next(NUMBERS)}"
        self.asked("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": version}})
        if version == "2":
            self._taken_up(name)
        return name

    def _taken_up(self, mount: str) -> None:
        """A real one makes a new mount ready for versions in the background, and refuses all else meanwhile."""
        url, headers = f"{self.server.url}/v1/{mount}/config", {"X-Vault-Token": self.server.root}
        for _ in range(200):
            if self.admin.get(url, headers=headers).status_code == 200:
                return
            time.sleep(0.02)
        raise AssertionError(f"mount {mount} is not taken up")

    def token(self, rules: Mapping[str, Sequence[str]], *, default: bool = True) -> str:
        """Of a policy with these capabilities by path."""
        name = f"p{next(NUMBERS)}"
        policy = json.dumps({"path": {path: {"capabilities": list(each)} for path, each in rules.items()}})
        self.asked("POST", f"sys/policies/acl/{name}", {"policy": policy})
        body = {"policies": [name], "no_default_policy": not default}
        return str(self.asked("POST", "auth/token/create", body)["auth"]["client_token"])

    def put(self, *texts: Mapping[str, Any]) -> None:
        for each in texts:
            self.asked("POST", f"secret/data/{self.path}", {"data": each})

    def data(self, version: int = 0) -> Any:
        """What a reader gets: the fields, or None."""
        found = self.asked("GET", f"secret/data/{self.path}" + (f"?version={version}" if version else ""))
        return (found.get("data") or {}).get("data")

    @property
    def newest(self) -> int:
        found = self.asked("GET", f"secret/metadata/{self.path}")
        return int((found.get("data") or {}).get("current_version") or 0)

    def versions(self, verb: str, *numbers: int) -> None:
        """`delete`, `undelete` or `destroy`."""
        self.asked("POST", f"secret/{verb}/{self.path}", {"versions": list(numbers)})

    # -- the tool ----------------------------------------------------------------------------------------------------

    def connect(self, token: str = "", environ: Mapping[str, str] | None = None, scope: str = "", **more: str) -> Any:
        """`token`: by default the root's."""
        told = {"VAULT_TOKEN": token or self.server.root} if environ is None else environ
        return VaultConnection(scope, VaultSettings(**{"addr": self.between.url, **more}), self.io, told)

    @property
    def to(self) -> str:
        return f"secret/{self.path}"

    @property
    def writes(self) -> list[str]:
        """What the tool changed, in order."""
        return [each for each in self.between.asked if each.startswith("POST") and "capabilities-self" not in each]

    def step(self, verb: str, to: str = "") -> Step:
        step_id = "finish-serve" if verb == "forget" else verb
        return Step(step_id, f"vault/{verb}", WHO, PHASES[verb], "", takes="mint", to=to or self.to)

    def minted(self, secret: Secret = NEW) -> None:
        self.run.give("mint", secret)
        left = {"id": "aws:access-key/bot/AKIANEW", "field": secret.field, "public": dict(secret.public)}
        self.run.lefts["mint"] = left

    def do(self, verb: str, to: str = "") -> Any:
        one = self.step(verb, to)
        change = getattr(STORE, verb).apply(self.conn, one, self.run)
        if hasattr(change, "left"):
            self.run.lefts[one.id] = change.left
        return change

    def seen(self, verb: str, to: str = "") -> Any:
        return getattr(STORE, verb).seen(self.conn, self.step(verb, to), self.run)

    def undo(self, verb: str, to: str = "") -> Any:
        one = self.step(verb, to)
        return getattr(STORE, verb).undo(self.conn, one, self.run.left(one.id), self.run)

    def check(self, to: str = "") -> Impossible | None:
        return STORE.stage.check(self.conn, self.step("stage", to))

    def recall(self, to: str = "") -> Secret | None:
        shape = Secret("", field=NEW.field, public=PUBLIC)
        return STORE.recall(self.conn, self.step("stage", to), self.run, shape)

    def told(self) -> str:
        """All that a run would keep."""
        return json.dumps(self.run.lefts) + repr(self.run.secrets)
