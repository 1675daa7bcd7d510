"""What a vendor's check does not tell is unknown, with the reason; and what it tells in another way is understood."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.right import Holding
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import OPERATOR
from nhi_revoke_entra.rights.holding import GLOBAL_ADMINISTRATOR, holds
from nhi_revoke_gcp.permissions import DISABLE_ACCOUNT, LIST_KEYS, SEE_PROJECT
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.seed import PROJECT
from nhi_revoke_github.permissions import ORG_TOKENS, SECRETS
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.rights.printed import REGISTRY


@contextmanager
def started(name: str, folder: Path, sandbox: Any) -> Iterator[World]:
    with World(REGISTRY.provider(name), folder, make_sandbox=lambda: sandbox) as world:
        yield world


def told(world: World, *permissions: str, scope: str = "") -> dict[str, Holding]:
    with world.engine() as engine:
        conn = engine.connections.at(world.provider.name, scope)
        return {each.permission: each for each in world.provider.holds(conn, permissions)}


def test_iam_conditions_denies_and_single_secrets(tmp_path: Path) -> None:
    sandbox = AwsSandbox(planted=())
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    statements: list[Mapping[str, Any]] = [
        {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*", "Condition": mfa},
        {"Effect": "Allow", "Action": "iam:DeleteAccessKey", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:DeleteAccessKey", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:CreatePolicy", "Resource": "arn:aws:iam::111122223333:policy/NHIRevoke-*"},
    ]
    with started("aws", tmp_path, sandbox) as world:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        sandbox.admin("iam").put_user_policy(UserName=OPERATOR, PolicyName="incident-response", PolicyDocument=document)
        asked = ("iam:PutUserPolicy", "iam:DeleteAccessKey", "iam:CreatePolicy", "iam:UpdateAccessKey")
        found = told(world, *asked)
    assert {name: each.state for name, each in found.items()} == {
        "iam:PutUserPolicy": "unknown",
        "iam:DeleteAccessKey": "missing",
        "iam:CreatePolicy": "held",
        "iam:UpdateAccessKey": "unknown",  # the simulator does not say which action the condition is about
    }
    assert "aws:multifactorauthpresent" in found["iam:PutUserPolicy"].why.lower()
    assert "explicitly" in found["iam:DeleteAccessKey"].why


def test_a_policy_that_names_one_secret_is_not_denied_for_it(tmp_path: Path) -> None:
    sandbox = AwsSandbox(planted=())
    allows = {
        "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
        "Resource": "arn:aws:secretsmanager:us-east-1:111122223333:secret:payments/*",
    }  # fmt: skip
    simulate = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}
    with started("aws", tmp_path, sandbox) as world:
        document = json.dumps({"Version": "2012-10-17", "Statement": [allows, simulate]})
        sandbox.admin("iam").put_user_policy(UserName=OPERATOR, PolicyName="incident-response", PolicyDocument=document)
        found = told(world, "secretsmanager:GetSecretValue", "iam:CreatePolicy")
    assert (found["iam:CreatePolicy"].state, found["secretsmanager:GetSecretValue"].state) == ("missing", "unknown")
    assert "of the one that you deliver to" in found["secretsmanager:GetSecretValue"].why


def test_a_permission_that_google_does_not_test_there_does_not_hide_the_others(tmp_path: Path) -> None:
    with started("gcp", tmp_path, GcpSandbox(entropy=1)) as world:
        world.sandbox.allow_only([LIST_KEYS, SEE_PROJECT])
        strange = "resourcemanager.folders.get"  # it is asked on the folder
        odd = "resourcemanager.organizations.get"
        found = told(world, LIST_KEYS, DISABLE_ACCOUNT, strange, odd, scope=PROJECT)
        assert [found[name].state for name in (LIST_KEYS, DISABLE_ACCOUNT, strange, odd)] == [
            "held", "missing", "missing", "missing",
        ]  # fmt: skip
        nowhere = told(world, LIST_KEYS)
        assert (nowhere[LIST_KEYS].state, "no account of nhi.toml names one" in nowhere[LIST_KEYS].why) == (
            "unknown", True,
        )  # fmt: skip


def test_one_that_spoils_googles_request_is_asked_again_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nhi_revoke_gcp.sandbox import routes_crm

    monkeypatch.setattr(routes_crm, "_strange", lambda permission, _: permission == DISABLE_ACCOUNT)
    with started("gcp", tmp_path, GcpSandbox(entropy=1)) as world:
        found = told(world, LIST_KEYS, DISABLE_ACCOUNT, scope=PROJECT)
    assert (found[LIST_KEYS].state, found[DISABLE_ACCOUNT].state) == ("held", "unknown")
    assert "does not test it" in found[DISABLE_ACCOUNT].why


def test_a_token_of_github_tells_its_scopes_or_nothing(tmp_path: Path) -> None:
    with started("github", tmp_path, GithubSandbox(entropy=1, sign_in="token")) as world:
        found = told(world, SECRETS.write, ORG_TOKENS.read)
        assert (found[SECRETS.write].state, found[ORG_TOKENS.read].state) == ("held", "missing")
        assert "Apps alone" in found[ORG_TOKENS.read].why
        world.sandbox.allow_only([SECRETS.write])
        found = told(world, SECRETS.write)
        assert (found[SECRETS.write].state, "tells nobody" in found[SECRETS.write].why) == ("unknown", True)


def test_an_api_token_of_okta_is_its_owners_role(tmp_path: Path) -> None:
    with started("okta", tmp_path, OktaSandbox(entropy=1)) as world:
        assert told(world, "okta.users.manage")["okta.users.manage"].state == "held"
        world.sandbox.allow_only(["okta.users.manage", "okta.users.read", "okta.roles.read"])
        found = told(world, "okta.users.manage")["okta.users.manage"]
        assert (found.state, "role CUSTOM" in found.why) == ("unknown", True)


class Claims:
    """A connection of which only the token is looked at."""

    def __init__(self, **claims: Any) -> None:
        self._claims = claims

    def claims(self) -> Mapping[str, Any]:
        return self._claims


@pytest.mark.parametrize(
    ("claims", "state"),
    [
        ({"idtyp": "app", "roles": ["AuditLog.Read.All"]}, "held"),
        ({"idtyp": "app", "roles": ["User.Read.All"]}, "missing"),
        ({"idtyp": "app"}, "missing"),
        ({}, "unknown"),
        ({"scp": "User.Read"}, "missing"),
        ({"scp": "User.Read AuditLog.Read.All", "wids": []}, "unknown"),
        ({"scp": "User.Read AuditLog.Read.All", "wids": [GLOBAL_ADMINISTRATOR]}, "held"),
    ],
)
def test_what_a_graph_token_says(claims: dict[str, Any], state: str) -> None:
    conn: Any = Claims(**claims)
    [found] = holds(conn, ["AuditLog.Read.All"])
    assert found.state == state


def test_who_may_write_applications_may_read_them() -> None:
    conn: Any = Claims(idtyp="app", roles=["Application.ReadWrite.All"])
    [found] = holds(conn, ["Application.Read.All"])
    assert (found.state, found.why) == ("held", "Application.ReadWrite.All allows as much")
