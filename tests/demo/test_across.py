"""One identity over several vendors: a repository's jobs begin sessions of a role, so the role is sealed after it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.config import load_config
from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.engine.edges import minters
from nhi_revoke.engine.service import Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.pools import HOST
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def planned(world: DemoWorld, folder: Path) -> dict[str, Any]:
    out = io.StringIO()
    environ = {"NHI_REVOKE_CONFIG": str(world.config), "NHI_REVOKE_STATE": str(folder / "state")}
    streams = Streams(io.StringIO(), out, io.StringIO(), environ)
    assert run(Session(streams, ("plan", world.identity, "-o", "json"), folder)) == 0
    data: dict[str, Any] = json.loads(out.getvalue())["data"]
    return data


def test_a_role_is_sealed_after_the_repository_whose_jobs_it_trusts(tmp_path: Path) -> None:
    with DemoWorld(Registry(only=("aws", "github")), tmp_path, START) as world:
        steps = planned(world, tmp_path)["steps"]
    of = {step["id"]: step for step in steps}
    [seal] = [s for s in steps if s["phase"] == "seal" and "role payments-worker" in s["says"]]
    waits = {of[each]["does"] for each in seal["after"]}
    assert {"github:run/actions-off", "github:deploy-key/delete"} <= waits
    assert "aws:access-key/disable" in waits
    [cut] = [s for s in steps if s["phase"] == "cut" and "role payments-worker" in s["says"]]
    assert not cut["after"], "the first cut waits for nobody"


def test_an_app_whose_federated_credential_names_the_repository_is_minted_for_by_it(tmp_path: Path) -> None:
    with DemoWorld(Registry(only=("entra", "github")), tmp_path, START) as world:
        environ = {"NHI_REVOKE_STATE": str(tmp_path / "state")}
        registry = Registry(only=("entra", "github"))
        config = load_config(str(world.config), environ, tmp_path, providers=registry.known())
        with Engine(registry, config, lambda _: None) as engine:
            found = engine.inventory(engine.resolve([world.identity]), Intent(), logs=False)
    mints = minters(found.principals, found.accesses)
    [app] = [p.ref for p in found.principals if p.ref.provider == "entra" and p.kind == "app"]
    [repo] = [p.ref for p in found.principals if p.kind == "repo"]
    assert repo in mints[app]
    assert app not in mints[repo]


def test_apps_whose_federated_credentials_let_jobs_in_are_found_from_the_repository(tmp_path: Path) -> None:
    out = io.StringIO()
    with DemoWorld(Registry(only=("entra", "github")), tmp_path, START) as world:
        environ = {
            "NHI_REVOKE_CONFIG": str(world.config), "NHI_REVOKE_STATE": str(tmp_path / "state"),
            "NHI_REVOKE_PROVIDERS": "entra,github",
        }  # fmt: skip
        words = ("find", "--repo", "example-payments/shop", "-o", "json")
        code = run(Session(Streams(io.StringIO(), out, io.StringIO(), environ), words, tmp_path))
    told = json.loads(out.getvalue())["data"]
    [trust] = told["trusts"]
    to = "entra:app/" + trust["to"]["id"]
    assert "shop-main lets in repo:example-payments/shop:ref:refs/heads/main" in trust["why"]
    assert trust["next"] == f"nhi-revoke list {to}"
    assert code == (9 if told["blind"] else 0)
    assert not [b for b in told["blind"] if b["kind"] == "entra:federated-credential"]


def test_an_account_whose_pool_trusts_the_repository_is_minted_for_by_it(tmp_path: Path) -> None:
    with DemoWorld(Registry(only=("gcp", "github")), tmp_path, START) as world:
        environ = {"NHI_REVOKE_STATE": str(tmp_path / "state")}
        registry = Registry(only=("gcp", "github"))
        config = load_config(str(world.config), environ, tmp_path, providers=registry.known())
        with Engine(registry, config, lambda _: None) as engine:
            found = engine.inventory(engine.resolve([world.identity]), Intent(), logs=False)
    mints = minters(found.principals, found.accesses)
    [account] = [p.ref for p in found.principals if p.kind == "sa"]
    [workload] = [p.ref for p in found.principals if p.kind == "workload"]
    [repo] = [p.ref for p in found.principals if p.kind == "repo"]
    assert {repo, workload} <= mints[account]
    assert repo in mints[workload]
    assert account not in mints[workload]
    assert account not in mints[repo]


def test_an_account_whose_pool_trusts_a_role_of_aws_is_minted_for_by_it(tmp_path: Path) -> None:
    with DemoWorld(Registry(only=("aws", "gcp")), tmp_path, START) as world:
        google = world.sandboxes["gcp"]
        assert isinstance(google, GcpSandbox)
        pools, account = google.cloud.pools, google.scene.account
        pools.add_provider(
            pools.by_name[seed.POOL], "aws", google.now(), {"aws": {"accountId": "111122223333"}}, {}, ""
        )
        role = "attribute.aws_role/arn:aws:sts::111122223333:assumed-role/payments-worker"
        seed.bind(google.cloud, account, seed.FEDERATED, f"principalSet://{HOST}/{seed.POOL}/{role}", google.now())
        registry = Registry(only=("aws", "gcp"))
        environ = {"NHI_REVOKE_STATE": str(tmp_path / "state")}
        config = load_config(str(world.config), environ, tmp_path, providers=registry.known())
        with Engine(registry, config, lambda _: None) as engine:
            found = engine.inventory(engine.resolve([world.identity]), Intent(), logs=False)
    mints = minters(found.principals, found.accesses)
    [to] = [p.ref for p in found.principals if p.kind == "sa"]
    by = {p.name for p in found.principals if p.ref in mints[to] and p.ref.provider == "aws"}
    assert by == {"payments-worker"}


def test_accounts_whose_pools_let_jobs_in_are_found_from_the_repository(tmp_path: Path) -> None:
    with DemoWorld(Registry(only=("gcp", "github")), tmp_path, START) as world:
        told = found_from(world, tmp_path, "gcp,github")
    [trust] = told["trusts"]
    to = "gcp:sa/" + trust["to"]["id"]
    assert "provider github lets in repository is example-payments/shop of token.actions" in trust["why"]
    assert trust["next"] == f"nhi-revoke list {to}"
    assert f"nhi-revoke revoke github:repo/example-payments/shop {to} --reason runner-compromise" in told["next"]
    assert not [b["why"] for b in told["blind"] if b["kind"] == "gcp:impersonation"]


def test_a_repository_that_is_contained_takes_its_account_of_google_cloud_with_it(tmp_path: Path) -> None:
    """The command that `find --repo` says: jobs are stopped, the account is disabled, and no door of it stays open."""
    with DemoWorld(Registry(only=("gcp", "github")), tmp_path, START) as world:
        command = found_from(world, tmp_path, "gcp,github")["next"][0].split()
        before = {door.id: door.open() for name, door in world.doors() if name == "gcp"}
        words = (*command[1:], "--yes", "--allow-irreversible", "-o", "json")
        code, data = ran(world, tmp_path, words)
        after = {door.id: door.open() for name, door in world.doors() if name == "gcp"}
    assert code in (6, 8, 9)
    assert before["gcp/federation"]
    assert not after["gcp/federation"]
    ended = {(o["access"]["kind"], o["fate"]) for o in data["outcomes"] if o["access"]["on"]["provider"] == "gcp"}
    assert ("gcp:service-account", "ended") in ended
    trusts = [a for a in data["outcomes"] if a["access"]["kind"] == "gcp:impersonation"]
    assert any("repo:example-payments/shop:*" in glob for a in trusts for glob in a["access"]["lets_in"])


def found_from(world: DemoWorld, folder: Path, providers: str) -> dict[str, Any]:
    code, data = ran(world, folder, ("find", "--repo", "example-payments/shop", "-o", "json"), providers)
    assert code == (9 if data["blind"] else 0)
    return data


def ran(
    world: DemoWorld, folder: Path, words: tuple[str, ...], providers: str = "gcp,github"
) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    environ = {
        "NHI_REVOKE_CONFIG": str(world.config), "NHI_REVOKE_STATE": str(folder / "state"),
        "NHI_REVOKE_PROVIDERS": providers,
    }  # fmt: skip
    code = run(Session(Streams(io.StringIO(), out, io.StringIO(), environ), words, folder))
    data: dict[str, Any] = json.loads(out.getvalue())["data"]
    return code, data
