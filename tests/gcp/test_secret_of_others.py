"""Secret Manager takes credentials of other providers, too: minted there, delivered here, by the real command line."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.provider.registry import Registry
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.secrets import HeldSecret

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAME = "of-others"


def secret_of(world: DemoWorld, *texts: str) -> HeldSecret:
    sandbox = world.sandboxes["gcp"]
    assert isinstance(sandbox, GcpSandbox)
    with sandbox.cloud.lock:
        made = sandbox.cloud.secret_manager.new_secret(seed.PROJECT, NAME, sandbox.now())
        for text in texts:
            made.add(text.encode(), sandbox.now())
    return made


@pytest.mark.parametrize(
    ("provider", "kind", "key", "before"),
    [
        ("aws", "aws:access-key", "", '{"AccessKeyId": "AKIAOLD", "SecretAccessKey": "x", "region": "eu-west-1"}'),
        ("entra", "entra:client-secret", "#-", "the leaked one"),
        ("entra", "entra:client-secret", "#GRAPH_SECRET", '{"GRAPH_SECRET": "x", "tenant": "t"}'),
    ],
)
def test_a_credential_of_another_provider_is_delivered(
    tmp_path: Path, provider: str, kind: str, key: str, before: str
) -> None:
    out, err = io.StringIO(), io.StringIO()
    with DemoWorld(Registry(only=(provider, "gcp")), tmp_path, START) as world:
        secret = secret_of(world, before)
        environ = {
            "NHI_REVOKE_CONFIG": str(world.config), "NHI_REVOKE_STATE": str(tmp_path / "state"),
            "NHI_REVOKE_PROVIDERS": f"{provider},gcp,local",
        }  # fmt: skip
        to = f"{kind}=gcp-secretmanager:{seed.PROJECT}/{NAME}{key}"
        words = ("rotate", world.identity, "--deliver", to, "--yes", "--allow-irreversible", "-o", "json")
        run(Session(Streams(io.StringIO(), out, err, environ), words, tmp_path))
        canaries = [each for sandbox in world.sandboxes.values() for each in sandbox.canaries()]
    data = json.loads(out.getvalue())["data"]
    [one] = [r for r in data["replacements"] if r["kind"] == kind]
    assert one["result"] == "served", (data["replacements"], err.getvalue())
    assert len(secret.versions) == 2
    assert secret.versions[0].data.decode() == before
    text = secret.versions[1].data.decode()
    if key == "#-":
        assert text in canaries
    else:
        found = json.loads(text)
        value = found[key.removeprefix("#") or "SecretAccessKey"]
        assert value != "x"
        assert set(found) == set(json.loads(before))
        assert found.get("region", found.get("tenant")) in ("eu-west-1", "t"), "what else it holds is kept"
    kept = "".join(p.read_text() for p in (tmp_path / "state").rglob("*.jsonl"))
    assert kept
    assert text not in kept + out.getvalue() + err.getvalue()
