"""The AWS provider and its sandbox against AWS's own description: the service models that botocore carries."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

import nhi_revoke_aws.sandbox
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke_aws import provider
from nhi_revoke_aws.sandbox.answer import JSON_CODES, S3_CODES
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from tests.contract.exchange import Exchange, recorded
from tests.contract.incidents import asked, everything
from tests.contract.shapes import wrong

pytestmark = pytest.mark.contract

COMMON = frozenset(
    {
        # AWS docs: STS and IAM API references, "Common Errors".
        "AccessDeniedException", "ExpiredTokenException", "IncompleteSignature", "InternalFailure",
        "MalformedHttpRequestException", "NotAuthorized", "OptInRequired", "RequestAbortedException", "RequestExpired",
        "RequestTimeoutException", "ServiceUnavailable", "ThrottlingException", "UnrecognizedClientException",
        "UnknownOperationException", "ValidationError",
        # The query protocol's names for the same, as IAM and STS answer (earlier editions of that page, and
        # "Troubleshoot IAM").
        "AccessDenied", "ExpiredToken", "InvalidAction", "InvalidClientTokenId", "MissingAuthenticationToken",
        "SignatureDoesNotMatch", "Throttling",
        # Signature Version 4, JSON protocols.
        "InvalidSignatureException", "MissingAuthenticationTokenException", "ServiceUnavailableException",
        # S3 API reference, "Error responses".
        "InvalidAccessKeyId", "SlowDown",
    }
)  # fmt: skip
OWN = {"NotImplemented": "says what this sandbox does not have; with status 501 no client takes it for an answer"}
"""Codes that AWS does not have, each with the reason."""
MOTO_ADDS = {
    "CreateDeployment: stageName is no member of Deployment": "only for setting up: the provider never asks for it",
}
"""Where moto's answers go beyond the model, each with the reason why it does no harm."""
NOT_IN_THE_MODEL = {
    "GetAccessKeyLastUsed: NoSuchEntity": "of a key that nobody has: earlier editions of its page in the API reference "
    "name it, newer ones no error of its own; a denial in its place tells the provider the same (test_access_keys)",
}
"""Refusals that the model does not name, each with its source."""
SESSIONS_ARE_OVER = 40 * 3600
"""Seconds: no session of a user lives longer than 36 hours."""
PERMISSIONS_OF_NO_OPERATION = {
    # API Gateway's actions are HTTP verbs (AWS docs: api-gateway-iam-policy-examples).
    "apigateway:DELETE": "apigateway:FlushStageAuthorizersCache",
    "apigateway:GET": "apigateway:GetStages",
    # Asked of whoever hands a role to a service (AWS docs: id_roles_use_passrole).
    "iam:PassRole": "eks:CreatePodIdentityAssociation",
}
"""IAM actions without an operation of the same name: each with the operation that asks for it."""
ASKED_WITH = {"eks:TagResource": "eks:CreatePodIdentityAssociation"}
"""IAM actions that an operation asks for besides its own, where it makes something that has tags."""
MODEL_OF = {"sso": "sso-admin", "bedrock-agentcore": "bedrock-agentcore-control"}
"""Service models whose IAM actions begin otherwise."""


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """A whole incident: looking, containing, replacing, verifying, taking back, and the intruder's tries between.

    Small pages, so that markers are exchanged; one user near the inline limit, so that the managed way is gone, too.
    """
    with recorded() as seen:
        with World(provider, tmp_path_factory.mktemp("aws")) as world:
            world.sandbox.page_size(1)
            world.look()
            world.doors()
            report = world.run()
            world.doors()
            world.verify(report.run)
            world.clock.advance(SESSIONS_ARE_OVER)
            _take_back(world, report)
            world.restart()
            world.run(world.plan(Intent(brake="on", cut_trust=_trusts(world), rotate="no")))
            world.restart()
            _fill_inline(world)
            filled = world.run(world.plan(Intent(rotate="no")))
            world.clock.advance(SESSIONS_ARE_OVER)
            _take_back(world, filled)
        everything(tmp_path_factory.mktemp("more"))
        yield seen


def _take_back(world: World, report: Report) -> None:
    world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])


def _trusts(world: World) -> tuple[str, ...]:
    return tuple(a.id for a in world.look(logs=False).accesses if a.kind == "aws:role-trust")


def _fill_inline(world: World) -> None:
    """No inline policy fits any more on the user: 2,048 characters are its limit."""
    assert isinstance(world.sandbox, AwsSandbox)
    iam = world.sandbox.admin("iam")
    user = world.seeded.principals[0].rpartition("/")[2]
    statement = {"Effect": "Allow", "Action": "s3:Get" + "x" * 90, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement] * 11}, separators=(",", ":"))
    iam.put_user_policy(UserName=user, PolicyName="many", PolicyDocument=document)


def test_the_incident_used_most_of_what_is_declared(exchanges: list[Exchange]) -> None:
    prefixes = {model: prefix for prefix, model in MODEL_OF.items()}
    used = asked([(e.service, e.operation) for e in exchanges], prefixes)
    used |= {p for p, by in {**PERMISSIONS_OF_NO_OPERATION, **ASKED_WITH}.items() if by in used}
    unused = permissions(provider) - used
    # A permission is needed for paths that one incident does not take (iam:ListUsers: `find` where the one listing of
    # all is denied); those that it takes prove this record whole.
    assert len(unused) <= 5, f"never asked for: {sorted(unused)}"


def test_every_request_is_valid_by_the_model(exchanges: list[Exchange]) -> None:
    assert exchanges
    assert all(e.validated for e in exchanges), "a client was told not to validate parameters"
    bad = []
    for e in exchanges:
        report = ParamValidator().validate(e.params, e.model.input_shape) if e.model.input_shape else None
        if report is not None and report.has_errors():
            bad.append(f"{e.operation}: {report.generate_report()}")
    assert not bad


def test_every_good_answer_has_the_shape_of_the_model(exchanges: list[Exchange]) -> None:
    good = [e for e in exchanges if e.status < 300 and e.service != "s3" and e.service != "signin"]
    assert {e.service for e in good} >= {"iam", "sts", "cloudtrail", "secretsmanager"}
    bad = sorted({line for e in good for line in wrong(e)})
    assert set(bad) == set(MOTO_ADDS), "\n".join(bad)


def test_every_refusal_on_the_wire_is_a_code_of_that_operation(exchanges: list[Exchange]) -> None:
    refused = [e for e in exchanges if e.status >= 300]
    assert refused, "nothing was refused: the intruder's tries were not recorded"
    bad = {
        f"{e.operation}: {e.parsed['Error']['Code']}"
        for e in refused
        if e.parsed["Error"]["Code"] not in COMMON | _codes_of(e.model)
    }
    assert bad == set(NOT_IN_THE_MODEL)


def test_every_refusal_in_the_sandbox_has_a_code_that_aws_knows() -> None:
    known = COMMON | {code for name in ("iam", "sts", "cloudtrail", "secretsmanager", "signin") for code in _all(name)}
    written = {*_written(), *JSON_CODES.values(), *S3_CODES.values()}
    assert len(written) > 15, "the codes were not found in the source"
    assert written - known == set(OWN)


@pytest.mark.parametrize("permission", sorted(permissions(provider)))
def test_every_declared_permission_is_an_operation(permission: str) -> None:
    service, _, operation = permission.partition(":")
    model = MODEL_OF.get(service, service)
    assert permission in PERMISSIONS_OF_NO_OPERATION or operation in _model(model).operation_names


@cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def _codes_of(operation: Any) -> frozenset[str]:
    return frozenset(name for shape in operation.error_shapes for name in (shape.name, shape.error_code))


def _all(service: str) -> set[str]:
    return {name for shape in _model(service).error_shapes for name in (shape.name, shape.error_code)}


def _written() -> Iterator[str]:
    """First arguments of `Refusal(…)` in the sandbox's source."""
    for path in Path(str(nhi_revoke_aws.sandbox.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Refusal":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)
