"""The store of Secret Manager by itself: one secret, and what another provider minted for it."""

from __future__ import annotations

import json
from typing import Any

from nhi_revoke.model.change import Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.secrets import HeldSecret
from nhi_revoke_gcp.store.secret_manager import SecretManager

from .conftest import START, Bench

STORE = SecretManager()
TO = f"{seed.PROJECT}/{seed.SECRET}"
PUBLIC = {"AccessKeyId": "AKIANEW"}
OLD, NEW = "o" * 40, Secret("n" * 40, field="SecretAccessKey", public=PUBLIC)
WHO = PrincipalRef("aws", "user", "bot")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}
ADD = "POST /v1/projects/<project>/secrets/<name>:addVersion"
DISABLE = "POST /v1/projects/<project>/secrets/<name>/versions/<version>:disable"
ENABLE = "POST /v1/projects/<project>/secrets/<name>/versions/<version>:enable"
ACCESS = "GET /v1/projects/<project>/secrets/<name>/versions/<version>:access"


def step(verb: str, to: str = TO) -> Step:
    step_id = "finish-serve" if verb == "forget" else verb
    return Step(step_id, f"gcp-secretmanager/{verb}", WHO, PHASES[verb], "", takes="mint", to=to)


def minted(bench: Bench, secret: Secret = NEW) -> None:
    bench.run.give("mint", secret)
    left = {"id": "aws:access-key/bot/AKIANEW", "field": secret.field, "public": dict(secret.public)}
    bench.run.lefts["mint"] = left


def do(bench: Bench, verb: str, to: str = TO) -> Any:
    one = step(verb, to)
    change = getattr(STORE, verb).apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def seen(bench: Bench, verb: str, to: str = TO) -> Any:
    return getattr(STORE, verb).seen(bench.conn, step(verb, to), bench.run)


def undo(bench: Bench, verb: str, to: str = TO) -> Any:
    one = step(verb, to)
    return getattr(STORE, verb).undo(bench.conn, one, bench.run.left(one.id), bench.run)


def check(bench: Bench, to: str = TO) -> Impossible | None:
    return STORE.stage.check(bench.conn, step("stage", to))


def secret(bench: Bench) -> HeldSecret:
    return bench.cloud.secret_manager.secrets[seed.PROJECT, seed.SECRET]


def put(bench: Bench, *texts: str) -> HeldSecret:
    """These are its versions, and no others."""
    with bench.cloud.lock:
        found = secret(bench)
        found.versions.clear()
        for text in texts:
            found.add(text.encode(), START)
        return found


def pair(value: str = OLD, key_id: str = "AKIAOLD", **more: str) -> str:
    return json.dumps({"AccessKeyId": key_id, "SecretAccessKey": value, **more})


def states(bench: Bench) -> list[str]:
    return [each.state for each in secret(bench).versions]


def text(bench: Bench) -> str:
    return secret(bench).versions[-1].data.decode()
