"""Bedrock AgentCore: agent identities that a principal may act as, and credentials that it may fetch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Manual, Step
from nhi_revoke.provider.fault import Rejected
from nhi_revoke_aws.agentcore import SERVICE, SETTING, UNKNOWN_SERVICE
from nhi_revoke_aws.sandbox.own.agentcore import AgentCore
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import WORKER, Bench
from .one_kind import bench_of, drafts, listed, own, world_of

IDENTITY, CREDENTIAL = "aws:workload-identity", "aws:agent-credential"
HOME = "us-east-1"
WORKER_ARN = f"{ACCOUNT}/payments-worker/{HOME}"


def stock(core: AgentCore, at: Any) -> None:
    for name in ("refund-agent", "hr-agent"):
        core.keep(ACCOUNT, HOME, "WorkloadIdentity", name, at)
    core.keep(ACCOUNT, HOME, "ApiKeyCredentialProvider", "acquirer", at)
    core.keep(ACCOUNT, HOME, "Oauth2CredentialProvider", "crm", at, credentialProviderVendor="SalesforceOauth2")
    core.keep(ACCOUNT, "eu-central-1", "WorkloadIdentity", "far-agent", at)


def grant(sandbox: Any, *statements: dict[str, Any]) -> None:
    """To the worker role."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    sandbox.admin("iam").put_role_policy(RoleName="payments-worker", PolicyName="agents", PolicyDocument=document)


def allow(resource: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"bedrock-agentcore:{a}" for a in actions], "Resource": resource, **more}


REFUND = allow("arn:aws:bedrock-agentcore:*:*:*/workload-identity/refund-agent", "GetWorkloadAccessToken")
VAULT = allow("*", "GetResourceApiKey", "GetResourceOauth2Token")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as made:
        stock(own(made.sandbox, "agentcore"), made.sandbox.now())
        yield made


def found(bench: Bench, kind: str, **changes: Any) -> tuple[list[Access], list[BlindSpot]]:
    conn = bench.connect(**changes) if changes else None
    seen = listed(bench, kind, WORKER, conn)
    return [f for f in seen if isinstance(f, Access)], [f for f in seen if isinstance(f, BlindSpot)]


def test_only_what_its_policies_let_it_use_is_listed(bench: Bench) -> None:
    grant(bench.sandbox, REFUND, VAULT)
    (agent,), _ = found(bench, IDENTITY)
    assert agent.id == f"aws:workload-identity/{WORKER_ARN}/refund-agent"
    assert (agent.state, agent.opens) == ("live", False)
    credentials, _ = found(bench, CREDENTIAL)
    assert [(a.id, a.label) for a in credentials] == [
        (f"aws:agent-credential/{WORKER_ARN}/api-key/acquirer", f"API key acquirer in {HOME}"),
        (f"aws:agent-credential/{WORKER_ARN}/oauth2/crm", f"OAuth client crm of SalesforceOauth2 in {HOME}"),
    ]
    assert bench.writes() == []


def test_a_condition_is_no_no(bench: Bench) -> None:
    grant(bench.sandbox, {**REFUND, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "refunds"}}})
    agents, _ = found(bench, IDENTITY)
    (agent,) = [a for a in agents if a.before["name"] == "refund-agent"]
    assert "under conditions" in agent.note


def test_without_the_simulator_all_of_them_may_be_usable(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:Get*", "sts:*", "bedrock-agentcore:*"])
    agents, _ = found(bench, IDENTITY)
    assert {a.before["name"] for a in agents} == {"refund-agent", "hr-agent"}
    assert all("under conditions" in a.note for a in agents)


def test_one_page_at_a_time_finds_the_same(bench: Bench) -> None:
    grant(bench.sandbox, VAULT, allow("*", "GetWorkloadAccessToken"))
    before = [a.id for kind in (IDENTITY, CREDENTIAL) for a in found(bench, kind)[0]]
    bench.sandbox.page_size(1)
    assert [a.id for kind in (IDENTITY, CREDENTIAL) for a in found(bench, kind)[0]] == before
    assert len(before) == 4


def test_where_nobody_looked_is_said_and_counts_once_an_agent_is_known(bench: Bench) -> None:
    agents, (spot,) = found(bench, IDENTITY)
    assert agents == []
    assert not spot.counts
    assert HOME in spot.why
    grant(bench.sandbox, allow("*", "GetWorkloadAccessToken"))
    _, (spot,) = found(bench, IDENTITY)
    assert spot.counts
    assert spot.needs == SETTING
    agents, spots = found(bench, IDENTITY, agent_regions=(HOME, "eu-central-1"))
    assert {a.before["name"] for a in agents} == {"refund-agent", "hr-agent", "far-agent"}
    assert spots == []


def test_a_denied_list_is_a_blind_spot_and_hides_no_other(bench: Bench) -> None:
    grant(bench.sandbox, VAULT)
    bench.sandbox.allow_only(["iam:*", "sts:*", "bedrock-agentcore:ListOauth2CredentialProviders"])
    credentials, spots = found(bench, CREDENTIAL)
    assert [a.before["name"] for a in credentials] == ["crm"]
    assert [s.needs for s in spots if s.needs != SETTING] == ["bedrock-agentcore:ListApiKeyCredentialProviders"]


def test_a_botocore_without_the_service_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bench.conn.call

    def call(service: str, operation: str, /, **more: Any) -> Any:
        if service == SERVICE:
            raise Rejected("could not be asked", code=UNKNOWN_SERVICE)
        return real(service, operation, **more)

    monkeypatch.setattr(bench.conn, "call", call)
    agents, spots = found(bench, IDENTITY)
    assert agents == []
    assert [(s.needs, s.counts) for s in spots] == [("a newer botocore", False), ("", False)]


def test_botocore_says_so_of_a_service_that_it_does_not_have(bench: Bench) -> None:
    with pytest.raises(Rejected) as told:
        bench.conn.call("no-such-service", "ListThings")
    assert told.value.code == UNKNOWN_SERVICE


def test_what_it_could_read_is_ended_outside_by_hand(bench: Bench) -> None:
    grant(bench.sandbox, REFUND, VAULT)
    said = drafts(bench, CREDENTIAL, WORKER)
    assert [type(d) for d in said] == [Manual, Manual]
    assert "could fetch the API key acquirer in clear" in str(said[0])
    assert drafts(bench, IDENTITY, WORKER) == [], "the role's own cut ends what it can begin"
    assert drafts(bench, CREDENTIAL, WORKER, scope="keys") == []


@pytest.mark.parametrize(
    ("kind", "shelf", "name"),
    [
        (IDENTITY, "WorkloadIdentity", "refund-agent"),
        (CREDENTIAL, "ApiKeyCredentialProvider", "api-key/acquirer"),
        (CREDENTIAL, "Oauth2CredentialProvider", "oauth2/crm"),
    ],
)
def test_named_by_the_scope_it_is_deleted_and_nothing_else(bench: Bench, kind: str, shelf: str, name: str) -> None:
    grant(bench.sandbox, REFUND, VAULT)
    core = own(bench.sandbox, "agentcore")
    before = {s: core.names(s) for s in ("WorkloadIdentity", "ApiKeyCredentialProvider", "Oauth2CredentialProvider")}
    (step,) = [d for d in drafts(bench, kind, WORKER, scope=f"{kind}/{WORKER_ARN}/{name}") if isinstance(d, Step)]
    assert not step.reversible
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is not None
    assert isinstance(bench.do(step), Already)
    gone = name.rpartition("/")[2]
    assert {s: core.names(s) for s in before} == {s: [n for n in was if n != gone] for s, was in before.items()}


def test_a_whole_run_leaves_them_to_hand(tmp_path: Path) -> None:
    with world_of(tmp_path) as world:
        sandbox: Any = world.sandbox
        stock(own(sandbox, "agentcore"), sandbox.now())
        grant(sandbox, REFUND, VAULT)
        report = world.run(world.plan(Intent(rotate="no")))
        assert len([m for m in report.manual if m.kind == CREDENTIAL]) == 2
        assert report.exit_code == 8
        fates = {
            o.access.id.rpartition("/")[2]: o.fate for o in report.outcomes if o.access.kind in (IDENTITY, CREDENTIAL)
        }
        assert fates == {"refund-agent": "kept", "acquirer": "kept", "crm": "kept"}
        assert own(sandbox, "agentcore").names("ApiKeyCredentialProvider") == ["acquirer"]
