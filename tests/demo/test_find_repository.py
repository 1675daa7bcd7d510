"""`find --repo` over two vendors: secrets and runners of a repository, roles that its jobs and its machines reach."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from jsonschema import Draft202012Validator

from nhi_revoke.cli.process import run
from nhi_revoke.cli.schema import envelope_schema
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.provider.registry import Registry
from nhi_revoke_aws.sandbox.own.holders import INSTANCE, Instances
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_github.sandbox.sandbox import GithubSandbox

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
REPO = "example-payments/shop"
REF = f"github:repo/{REPO}"
ISSUER = "token.actions.githubusercontent.com"
ROLES = "aws:arn:aws:iam::111122223333:role"
WORKER, DEPLOY, OPEN = f"{ROLES}/bots/payments-worker", f"{ROLES}/ci/deploy", f"{ROLES}/ci/open"
KEPT = f"github-actions:{REPO}/PAYMENTS_KEY#*"


class Shop:
    """The demo's world with more roles that trust jobs, and a command line in it."""

    def __init__(self, world: DemoWorld, folder: Path) -> None:
        self.world, self.folder = world, folder
        aws = world.sandboxes["aws"]
        assert isinstance(aws, AwsSandbox)
        self.aws = aws
        self.role("deploy", {"StringLike": {f"{ISSUER}:sub": "repo:example-payments/*:ref:refs/heads/main"}})
        self.role("open", {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}})
        self.role("others", {"StringLike": {f"{ISSUER}:sub": "repo:others/shop:*"}})
        service = next(s for s in aws.world.own.services if isinstance(s, Instances))
        service.holdings[0].tag = "shop-runner-1"

    def role(self, name: str, condition: Any) -> None:
        statement = {
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
            "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"},
        }  # fmt: skip
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.admin("iam").create_role(RoleName=name, Path="/ci/", AssumeRolePolicyDocument=trust)

    def deliver(self, to: str) -> None:
        document = tomllib.loads(self.world.config.read_text())
        payments = document["identity"]["payments-bot"]
        more = {"from": "aws:access-key", "to": to, "principal": payments["principals"][0]}
        payments["deliver"].append(more)
        self.world.config.write_text(tomli_w.dumps(document))

    def find(self, *more: str, repo: str = REPO) -> tuple[int, str, str]:
        return self.run("find", "--repo", repo, *more)

    def run(self, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        environ = {
            "NHI_REVOKE_CONFIG": str(self.world.config), "NHI_REVOKE_STATE": str(self.folder / "state"),
            "NHI_REVOKE_PROVIDERS": "aws,github,local", "COLUMNS": "120",
        }  # fmt: skip
        streams = Streams(io.StringIO(), out, err, environ)
        code = run(Session(streams, words, self.folder))
        return code, out.getvalue(), err.getvalue()

    def data(self, repo: str = REPO) -> dict[str, Any]:
        _, out, _ = self.find("-o", "json", repo=repo)
        data: dict[str, Any] = json.loads(out)["data"]
        return data

    def changes(self) -> list[str]:
        boxes = self.world.sandboxes.values()
        return [c.name for box in boxes for c in box.calls() if c.by == "operator" and c.mutates]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with DemoWorld(Registry(only=("aws", "github", "local")), tmp_path, START) as world:
        yield Shop(world, tmp_path)


def refs(rows: list[dict[str, Any]], key: str = "to") -> list[str]:
    return [f"{r[key]['provider']}:{r[key]['id']}" for r in rows]


def test_every_identity_that_its_jobs_could_hold(shop: Shop) -> None:
    shop.deliver(KEPT)
    code, out, _ = shop.find("-o", "json")
    envelope = json.loads(out)
    Draft202012Validator(envelope_schema(("find",))).validate(envelope)
    data = envelope["data"]
    assert (code, envelope["status"], envelope["exit_code"]) == (9, "partial", 9)
    assert list(data) == [
        "name", "at", "repository", "secrets", "subjects", "runners", "identities", "trusts", "machines", "asked",
        "blind", "unreachable", "next",
    ]  # fmt: skip
    assert data["repository"]["ref"] == {"provider": "github", "kind": "repo", "id": REPO}
    assert {a["door"] for a in data["secrets"]} == {"PAYMENTS_KEY", "SHARED_KEY", "DEPLOY_KEY", "REGISTRY_TOKEN"}
    assert all(a["created"] for a in data["secrets"])
    assert {a["door"] for a in data["runners"]} == {"shop-runner-1", "org-runner-1"}
    assert refs(data["trusts"]) == [WORKER, DEPLOY, OPEN]
    assert [lead["evidence"] for lead in data["trusts"]] == ["iam:ListRoles"] * 3
    assert [("EVERYBODY" in lead["why"]) for lead in data["trusts"]] == [False, False, True]
    assert refs(data["machines"]) == [WORKER]
    assert INSTANCE in data["machines"][0]["why"]
    assert "by its name alone" in data["machines"][0]["why"]
    assert [(one["identity"], one["to"], one["sure"]) for one in data["identities"]] == [("payments-bot", KEPT, True)]
    assert data["asked"] == ["aws 111122223333"]
    assert [spot["kind"] for spot in data["blind"]] == ["github:runner"]
    assert data["next"] == [
        f"nhi-revoke revoke {REF} {WORKER} {DEPLOY} {OPEN} --reason runner-compromise",
        "nhi-revoke revoke payments-bot --reason runner-compromise",
    ]
    assert shop.changes() == []


def test_what_could_be_held_comes_first_on_the_screen(shop: Shop) -> None:
    shop.deliver(KEPT)
    code, out, err = shop.find()
    assert code == 9
    assert err == ""
    assert out.startswith(
        f"PRINCIPALS 3  IDENTITIES 1  SECRETS 4  RUNNERS 2  UNSEEN 1    jobs of {REPO} could hold\n{REF}\n"
    )
    order = [
        "TRUSTS that let its jobs in", DEPLOY, "Looked at: aws 111122223333.", "ROLES of its runners' machines",
        "IDENTITIES of nhi.toml", "SECRETS that its jobs read", "RUNNERS that take its jobs", "SUBJECT of its jobs",
        "UNSEEN", "Next: nhi-revoke revoke",
    ]  # fmt: skip
    places = [out.index(words) if words != "UNSEEN" else out.index("\nUNSEEN\n") for words in order]
    assert places == sorted(places)
    assert f"nhi-revoke list {DEPLOY}\n" in out
    assert "whsec_" not in out


def test_a_row_for_each_also_for_what_was_not_seen(shop: Shop) -> None:
    shop.deliver(KEPT)
    code, out, _ = shop.find("-o", "csv")
    assert code == 9
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["record"] for row in rows} == {
        "repository", "trust", "machine", "identity", "secret", "runner", "subject", "unseen",
    }  # fmt: skip
    assert [row["on"] for row in rows if row["record"] == "trust"] == [WORKER, DEPLOY, OPEN]
    lines = [json.loads(line) for line in shop.find("-o", "ndjson")[1].splitlines()]
    assert lines[-1]["type"] == "result"
    assert len([line for line in lines if line.get("record")]) == len(rows)


def test_the_command_that_it_says_makes_a_plan(shop: Shop) -> None:
    words = shop.data()["next"][0].split()
    assert words[:2] == ["nhi-revoke", "revoke"]
    code, out, err = shop.run(*words[1:], "--dry-run", "-o", "json")
    assert code == 0, err
    on = {f"{p['ref']['provider']}:{p['ref']['id']}" for p in json.loads(out)["data"]["principals"]}
    assert on == {f"github:{REPO}", WORKER, DEPLOY, OPEN}
    assert shop.changes() == []


def test_by_its_whole_reference_in_any_case(shop: Shop) -> None:
    assert shop.data("github:repo/Example-Payments/Shop")["trusts"] == shop.data()["trusts"]


def test_one_that_nobody_knows(shop: Shop) -> None:
    code, out, err = shop.find(repo="example-payments/nothing")
    assert (code, out) == (3, "")
    assert "example-payments/nothing" in err
    assert shop.find(repo="github:user/payments-machine")[0] == 2


def test_denied_lists_are_never_none(shop: Shop) -> None:
    shop.aws.allow_only(["sts:GetCallerIdentity"])
    data = shop.data()
    assert (data["trusts"], data["machines"], data["asked"]) == ([], [], [])
    needs = {spot["needs"] for spot in data["blind"]}
    assert {"iam:ListRoles", "ec2:DescribeInstances"} <= needs
    code, out, _ = shop.find()
    assert code == 9
    assert "whose trust lets its jobs in is not known" in out
    assert data["secrets"]


def test_one_vendor_that_cannot_be_asked_hides_no_other(shop: Shop) -> None:
    document = tomllib.loads(shop.world.config.read_text())
    document["aws"]["profile"] = "nobody"
    shop.world.config.write_text(tomli_w.dumps(document))
    code, out, _ = shop.find("-o", "json")
    envelope = json.loads(out)
    assert (code, envelope["errors"][0]["code"]) == (9, "no-credentials")
    assert envelope["data"]["secrets"]
    assert [u["code"] for u in envelope["data"]["unreachable"]] == ["no-credentials"]
    for file in ("token_file", "private_key_file"):
        document["github"][file] = str(shop.folder / "missing")
    shop.world.config.write_text(tomli_w.dumps(document))
    shop.deliver(KEPT)
    code, out, _ = shop.find("-o", "json")
    data = json.loads(out)["data"]
    assert (code, data["repository"]) == (9, None)
    assert [one["identity"] for one in data["identities"]] == ["payments-bot"]


def test_the_subject_that_the_organisation_chose_counts(shop: Shop) -> None:
    github = shop.world.sandboxes["github"]
    assert isinstance(github, GithubSandbox)
    hub = github.hub
    hub.repositories[REPO].oidc = {"use_default": False, "include_claim_keys": ["repository_owner"]}
    shop.role("by-owner", {"StringEquals": {f"{ISSUER}:sub": "repository_owner:example-payments"}})
    assert f"{ROLES}/ci/by-owner" in refs(shop.data()["trusts"])
