"""Incidents that take the ways which a plain one does not: what a map can deliver to and flush, what is ended only
where it is named, what comes after a run, and what is asked where something else is denied.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from nhi_revoke.model.identity import Delivery, FlushTarget, Identity
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_aws import provider
from nhi_revoke_aws.sandbox.own.agentcore import AgentCore
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, AwsSandbox
from nhi_revoke_aws.sandbox.seed import USER, WORKER, trust_of

SESSIONS_ARE_OVER = 40 * 3600
HOME = "us-east-1"
NAMED = ("aws:role-trust/", "aws:pod-identity/", "aws:roles-anywhere/", "aws:kms-grant/")
AGENTS = ("WorkloadIdentity", "ApiKeyCredentialProvider", "Oauth2CredentialProvider")


class EverywhereSandbox(AwsSandbox):
    """nhi.toml names no Region."""

    def settings(self) -> dict[str, Any]:
        return {k: v for k, v in super().settings().items() if k != "regions"}


def everything(folder: Path) -> None:
    """All of them, each in a world of its own."""
    for number, incident in enumerate(
        (what_is_named, offboarding, every_region, agents, full_role, rotation, who_uses_it)
    ):
        with World(provider, folder / str(number), make_sandbox=EverywhereSandbox) as world:
            incident(world)


def take_back(world: World, report: Report) -> None:
    world.clock.advance(SESSIONS_ARE_OVER)
    world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])


def sandbox_of(world: World) -> AwsSandbox:
    assert isinstance(world.sandbox, AwsSandbox)
    return world.sandbox


def what_is_named(world: World) -> None:
    """Trusts and grants end only where they are named; with the brake an organisation's policy is put, too."""
    named = tuple(a.id for a in world.look(logs=False).accesses if a.id.startswith(NAMED))
    take_back(world, world.run(world.plan(Intent(rotate="no", brake="on", cut_trust=named))))


def offboarding(world: World) -> None:
    """Groups and assignments, and what is deleted at the end."""
    intent = Intent(rotate="no", reason=Reason.OFFBOARDING)
    take_back(world, world.run(world.plan(intent)))
    report = world.run(world.plan(intent))
    world.clock.advance(SESSIONS_ARE_OVER)
    with world.engine() as engine:
        engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
        engine.act(report.run, "finish", engine.plan_finish(report.run), YES)


def every_region(world: World) -> None:
    """A SAML provider in the trust; and reach where the account's details are denied."""
    iam = sandbox_of(world).admin("iam")
    made = iam.create_saml_provider(SAMLMetadataDocument="<EntityDescriptor>" + " " * 1000, Name="corp")
    trust = json.loads(trust_of({"Federated": made["SAMLProviderArn"]}))
    trust["Statement"][0]["Action"] = "sts:AssumeRoleWithSAML"
    iam.update_assume_role_policy(RoleName=WORKER, PolicyDocument=json.dumps(trust))
    world.sandbox.allow_only(sorted(permissions(provider) - {"iam:GetAccountAuthorizationDetails"}))
    world.look(logs=False)


def agents(world: World) -> None:
    """Agent identities and their credentials, each named."""
    sandbox = sandbox_of(world)
    core = next(s for s in sandbox.world.own.services if isinstance(s, AgentCore))
    for shelf in AGENTS:
        more = {"credentialProviderVendor": "SlackOauth2"} if shelf.startswith("Oauth") else {}
        core.keep(ACCOUNT, HOME, shelf, "support", sandbox.now(), **more)
    allowed = {"Effect": "Allow", "Action": "bedrock-agentcore:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sandbox.admin("iam").put_role_policy(RoleName=WORKER, PolicyName="agents", PolicyDocument=document)
    found = world.look(logs=False).accesses
    for access in (a for a in found if a.kind in ("aws:workload-identity", "aws:agent-credential")):
        if f"/{WORKER}/" in access.id:
            world.run(world.plan(Intent(rotate="no", scope=access.id)))


def full_role(world: World) -> None:
    """No inline policy fits on the role any more: 10,240 characters are its limit."""
    statement = {"Effect": "Allow", "Action": "s3:Get" + "x" * 90, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement] * 65}, separators=(",", ":"))
    sandbox_of(world).admin("iam").put_role_policy(RoleName=WORKER, PolicyName="many", PolicyDocument=document)
    take_back(world, world.run(world.plan(Intent(rotate="no"))))


def rotation(world: World) -> None:
    """To a parameter and a second secret, with every cache and consumer; then forgotten."""
    sandbox = sandbox_of(world)
    identity = replace(
        world.config().identities[world.name],
        deliver=(
            Delivery("aws:access-key", "aws-ssm:/payments/aws"),
            Delivery("aws:service-credential", "aws-secretsmanager:payments/git"),
        ),
        flush=_estate(sandbox),
    )
    intent = Intent(order="rollover", replace=tuple(d.kind for d in identity.deliver))
    report = _run(world, identity, intent)
    with world.engine() as engine:
        engine.act(report.run, "finish", engine.plan_finish(report.run), YES)


def who_uses_it(world: World) -> None:
    """What holds the key, and what refers to it; page by page."""
    sandbox = sandbox_of(world)
    sandbox.page_size(1)
    for number in range(2):
        sandbox.admin("secretsmanager").create_secret(Name=f"{number}/{USER}", SecretString="{}", Description="d")
        sandbox.admin("ssm").put_parameter(Name=f"/{number}/{USER}", Value="{}", Type="SecureString", Description="d")
    with world.engine() as engine:
        assert {one.basis for one in engine.consumers(world.name).consumers} == {"id", "reference", "use", "name"}


def _run(world: World, identity: Identity, intent: Intent) -> Report:
    git = _only_one_service(world)
    with world.engine() as engine:
        plan = engine.plan(engine.inventory(identity, intent, logs=False), intent)
        assert git
        return engine.run(plan, "rotate", YES)


def _only_one_service(world: World) -> bool:
    """One delivery takes the credential of one service."""
    iam = sandbox_of(world).admin("iam")
    rows = iam.list_service_specific_credentials(UserName=USER)["ServiceSpecificCredentials"]
    for row in rows:
        if not row["ServiceName"].startswith("codecommit"):
            iam.delete_service_specific_credential(
                UserName=USER, ServiceSpecificCredentialId=row["ServiceSpecificCredentialId"]
            )
    return any(row["ServiceName"].startswith("codecommit") for row in rows)


def _estate(sandbox: AwsSandbox) -> tuple[FlushTarget, ...]:
    """What trusts the key besides AWS itself."""
    sandbox.admin("ssm").put_parameter(Name="/payments/aws", Value="{}", Type="SecureString")
    sandbox.admin("secretsmanager").create_secret(Name="payments/git", SecretString="{}")
    return (
        FlushTarget("aws-apigateway", {"api": _rest_api(sandbox)}),
        FlushTarget("aws-apigatewayv2", {"api": _http_api(sandbox)}),
        FlushTarget("aws-lambda", {"function": _function(sandbox), "region": HOME}),
        FlushTarget("aws-ecs", {"cluster": "payments", "service": "api", "region": HOME}),
    )


def _rest_api(sandbox: AwsSandbox) -> str:
    gateway = sandbox.admin("apigateway")
    api = str(gateway.create_rest_api(name="payments")["id"])
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="prod")
    return api


def _http_api(sandbox: AwsSandbox) -> str:
    gateway = sandbox.admin("apigatewayv2")
    api = str(gateway.create_api(Name="payments", ProtocolType="HTTP")["ApiId"])
    gateway.create_stage(ApiId=api, StageName="prod")
    return api


def _function(sandbox: AwsSandbox) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): ...")
    role = sandbox.admin("iam").create_role(
        RoleName="runs-contract", AssumeRolePolicyDocument=trust_of({"Service": "lambda.amazonaws.com"})
    )
    sandbox.admin("lambda").create_function(
        FunctionName="contract", Runtime="python3.12", Role=role["Role"]["Arn"], Handler="main.handler",
        Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    return "contract"


def asked(services: Sequence[tuple[str, str]], prefixes: dict[str, str]) -> set[str]:
    """IAM actions of these calls. `prefixes`: where they begin otherwise than the service's name."""
    return {f"{prefixes.get(service, service)}:{operation}" for service, operation in services}
