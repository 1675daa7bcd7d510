"""Roles whose trust lets jobs of a repository in: every form of the subject, and nothing that is not a job's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Unauthenticated

from .conftest import Bench
from .one_kind import bench_of

HOME = "111122223333"
ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}"
SUB = f"{ISSUER}:sub"
SHOP = Principal(
    PrincipalRef("forge", "repo", "acme/shop"), "repo", "acme/shop", "acme", "42",
    aliases=(f"{ISSUER}/repo:acme/shop:*", f"{ISSUER}/repo:acme@7/shop@42:*"),
)  # fmt: skip
LETS_IN: list[tuple[str, Any]] = [
    ("this repository", {"StringLike": {SUB: "repo:acme/shop:*"}}),
    ("one branch", {"StringEquals": {SUB: "repo:acme/shop:ref:refs/heads/main"}}),
    ("all of the owner", {"StringLike": {SUB: "repo:acme/*"}}),
    ("one branch of all of the owner's", {"StringLike": {SUB: "repo:acme/*:ref:refs/heads/main"}}),
    ("any owner's of this name", {"StringLike": {SUB: "repo:*/shop:environment:prod"}}),
    ("one character open", {"StringLike": {SUB: "repo:acme/sho?:pull_request"}}),
    ("one of a list", {"StringEquals": {SUB: ["repo:acme/ledger:pull_request", "repo:acme/shop:pull_request"]}}),
    ("ForAnyValue", {"ForAnyValue:StringLike": {SUB: ["repo:acme/shop:*"]}}),
    ("IfExists", {"StringLikeIfExists": {SUB: "repo:acme/shop:*"}}),
    ("case aside", {"StringEqualsIgnoreCase": {SUB: "repo:ACME/Shop:ref:refs/heads/main"}}),
    ("key in other case", {"StringLike": {f"{ISSUER}:SUB": "repo:acme/shop:*"}}),
    ("with ids", {"StringLike": {SUB: "repo:acme@7/shop@42:*"}}),
    ("with ids, one branch", {"StringEquals": {SUB: "repo:acme@7/shop@42:ref:refs/heads/main"}}),
    ("with any ids", {"StringLike": {SUB: "repo:acme@*/shop@*:ref:*"}}),
    ("a variable", {"StringLike": {SUB: "repo:acme/${aws:PrincipalTag/repository}:*"}}),
]
KEEPS_OUT: list[tuple[str, Any]] = [
    ("another repository", {"StringLike": {SUB: "repo:acme/ledger:*"}}),
    ("another owner's of the same name", {"StringLike": {SUB: "repo:others/shop:*"}}),
    ("another owner that begins alike", {"StringLike": {SUB: "repo:acme-labs/shop:*"}}),
    ("one that begins alike", {"StringLike": {SUB: "repo:acme/shopping:*"}}),
    ("other ids: it was made anew", {"StringLike": {SUB: "repo:acme@7/shop@43:*"}}),
    ("another template", {"StringLike": {SUB: "job_workflow_ref:acme/*"}}),
]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as made:
        yield made


def role(bench: Bench, name: str, condition: Any, principal: Any = None, path: str = "/", **more: Any) -> None:
    statement = {
        "Effect": "Allow", "Principal": principal or {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity", **({"Condition": condition} if condition else {}), **more,
    }  # fmt: skip
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.sandbox.admin("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)


def leads(bench: Bench, who: Principal = SHOP) -> dict[str, Lead]:
    found = list(bench.provider.trusting(bench.conn, who))
    assert all(isinstance(f, Lead) for f in found)
    return {f.to.id.rpartition("/")[2]: f for f in found if isinstance(f, Lead)}


@pytest.mark.parametrize("condition", [c for _, c in LETS_IN], ids=[name for name, _ in LETS_IN])
def test_lets_in(bench: Bench, condition: Any) -> None:
    role(bench, "deploy", condition, path="/ci/")
    lead = leads(bench)["deploy"]
    assert str(lead.to) == f"aws:arn:aws:iam::{HOME}:role/ci/deploy"
    assert (lead.how, lead.of, lead.evidence) == ("reach", SHOP.ref, "iam:ListRoles")
    assert lead.next == f"nhi-revoke list aws:arn:aws:iam::{HOME}:role/ci/deploy"
    assert ISSUER in lead.why
    assert "EVERYBODY" not in lead.why
    assert bench.writes() == []


@pytest.mark.parametrize("condition", [c for _, c in KEEPS_OUT], ids=[name for name, _ in KEEPS_OUT])
def test_keeps_out(bench: Bench, condition: Any) -> None:
    role(bench, "deploy", condition)
    assert leads(bench) == {}


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}},
        {"StringLike": {SUB: "*"}},
        {"StringNotLike": {SUB: "repo:acme/shop:*"}},
        {"Null": {SUB: "false"}},
    ],
    ids=["no condition", "audience alone", "any subject", "all but", "there is one"],
)
def test_whoever_the_issuer_vouches_for_is_said_plainly(bench: Bench, condition: Any) -> None:
    role(bench, "open", condition)
    assert f"EVERYBODY of {ISSUER}" in leads(bench)["open"].why


def test_only_what_meets_is_told_and_the_other_conditions_are_said(bench: Bench) -> None:
    both = ["repo:acme/ledger:*", "repo:acme/shop:*"]
    role(bench, "deploy", {"StringLike": {SUB: both}, "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}})
    why = leads(bench)["deploy"].why
    assert why.startswith(f"its trust lets in repo:acme/shop:* of {ISSUER}; taken as met: ")
    assert "aud StringEquals sts.amazonaws.com" in why


@pytest.mark.parametrize(
    "principal",
    [
        {"Federated": f"arn:aws:iam::{HOME}:oidc-provider/gitlab.com"},
        {"Federated": f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}.example.com"},
        {"Federated": f"arn:aws:iam::{HOME}:saml-provider/{ISSUER}"},
        {"Service": "ec2.amazonaws.com"},
        {"AWS": f"arn:aws:iam::{HOME}:root"},
    ],
    ids=str,
)
def test_no_job_signs_in_by_another_principal(bench: Bench, principal: Any) -> None:
    role(bench, "other", None, principal)
    assert leads(bench) == {}


def test_a_trust_of_anyone_lets_jobs_in_too(bench: Bench) -> None:
    role(bench, "anyone", None, "*")
    assert "anyone" in leads(bench)["anyone"].why


def test_a_deny_lets_nobody_in(bench: Bench) -> None:
    role(bench, "denied", None, Effect="Deny")
    assert leads(bench) == {}


def test_a_path_that_a_shell_would_run_is_quoted(bench: Bench) -> None:
    role(bench, "deploy", None, path="/;$(id);/")
    assert leads(bench)["deploy"].next == f"nhi-revoke list 'aws:arn:aws:iam::{HOME}:role/;$(id);/deploy'"


def test_every_page_is_read(bench: Bench) -> None:
    for number in range(5):
        role(bench, f"deploy-{number}", {"StringLike": {SUB: "repo:acme/*"}})
    bench.sandbox.page_size(1)
    assert len(leads(bench)) == 5


def test_a_denied_listing_is_never_none(bench: Bench) -> None:
    role(bench, "deploy", None)
    bench.sandbox.allow_only(["iam:GetAccountAuthorizationDetails", "sts:GetCallerIdentity"])
    assert leads(bench)["deploy"].evidence == "iam:GetAccountAuthorizationDetails"
    bench.sandbox.allow_only(["sts:GetCallerIdentity"])
    with pytest.raises(Denied) as denied:
        leads(bench)
    assert denied.value.needs == "iam:ListRoles"


def test_credentials_of_another_account_tell_nothing_of_this_one(bench: Bench) -> None:
    bench.conn = bench.connect("999900001111")
    with pytest.raises(Unauthenticated):
        leads(bench)


def test_what_it_needs_is_declared(bench: Bench) -> None:
    role(bench, "deploy", None)
    bench.sandbox.allow_only([*bench.provider.finds, "sts:GetCallerIdentity"])
    assert "deploy" in leads(bench)
