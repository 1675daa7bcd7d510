"""One request as it arrived: which service, which operation, signed by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from msgspec import Struct

from nhi_revoke_aws.sandbox.answer import Protocol, Refusal

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)
QUERY = frozenset({"iam", "sts"})
REST_XML = frozenset({"s3"})
S3_PERMISSIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
}
READS = ("Get", "List", "Describe", "Lookup", "Simulate", "Head", "BatchGet", "Search", "Generate", "Validate")
MINTS = frozenset({"sts", "signin"})
"""These start sessions and change nothing that is stored."""
TARGETS = (
    "UserName", "RoleName", "RoleArn", "SecretId", "PolicySourceArn", "AccessKeyId", "PolicyArn", "GroupName", "Name",
)  # fmt: skip
MEMBER = re.compile(r"(?P<list>.+?)\.member\.(?P<n>\d+)(\.(?P<rest>.+))?")


class Signed(Struct, frozen=True):
    """The credential scope and signature of Signature Version 4."""

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


class Asked(Struct, frozen=True):
    service: str
    operation: str
    region: str
    protocol: Protocol
    params: dict[str, Any]
    method: str = "POST"
    url: str = "/"
    """Path and query as sent."""
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""
    signed: Signed | None = None
    action: str = ""
    """The IAM action, where the service's own rules name it otherwise than the operation."""
    changes: bool | None = None
    """Whether it changes anything, where the operation's name does not tell."""

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def token(self) -> str | None:
        return self.headers.get("x-amz-security-token")

    @property
    def permission(self) -> str:
        """The IAM action; empty where the vendor asks for none (AWS docs: STS GetCallerIdentity, GetSessionToken)."""
        if self.name in ("sts:GetCallerIdentity", "sts:GetSessionToken"):
            return ""
        if self.action:
            return self.action
        if self.service == "apigateway":
            return f"apigateway:{self.method}"  # AWS docs: list_amazonapigatewaymanagement: its actions are HTTP verbs
        if self.service == "s3":
            return f"s3:{S3_PERMISSIONS.get(self.operation, self.operation)}"
        return self.name

    @property
    def mutates(self) -> bool:
        if self.changes is not None:
            return self.changes
        return self.service not in MINTS and not self.operation.startswith(READS)

    @property
    def target(self) -> str:
        return next((str(self.params[t]) for t in TARGETS if self.params.get(t)), "")

    def number(self, name: str, otherwise: int) -> int:
        """Raises Refusal for what is no number."""
        try:
            return int(self.params.get(name) or otherwise)
        except ValueError as error:
            raise Refusal("ValidationError", f"{name} must be a number") from error

    def many(self, name: str) -> list[Any]:
        """A list of the query protocol: `Name.member.1`, or structures `Name.member.1.Field`."""
        found: dict[int, Any] = {}
        for key, value in self.params.items():
            hit = MEMBER.fullmatch(key)
            if hit is None or hit["list"] != name:
                continue
            if hit["rest"]:
                found.setdefault(int(hit["n"]), {})[hit["rest"]] = value
            else:
                found[int(hit["n"])] = value
        return [found[n] for n in sorted(found)]


Route = Callable[[str, "WSGIEnvironment"], tuple[str, dict[str, Any]]]
"""(service, request) -> operation and path parameters, for the REST protocols."""


def read(environ: WSGIEnvironment, route: Route) -> Asked:
    """Raises Refusal for a request that no AWS service would understand."""
    headers = _headers(environ)
    signed = _signed(headers.get("authorization", ""))
    body: bytes = environ["wsgi.input"].read()
    service = signed.service if signed else _unsigned_service(environ, body)
    target = headers.get("x-amz-target", "")
    protocol: Protocol = _protocol(service, target)
    if protocol in ("query", "ec2"):
        form = [*parse_qsl(str(environ.get("QUERY_STRING", "")), True), *parse_qsl(body.decode(), True)]
        params: dict[str, Any] = dict(form)
        operation = str(params.pop("Action", ""))
        params.pop("Version", None)
    elif protocol == "json":
        operation, params = target.rpartition(".")[2], json.loads(body or b"{}")
    else:
        operation, params = route(service, {**environ, "wsgi.input": _again(body)})
        if protocol == "rest-json" and body:
            params = {**params, **json.loads(body)}
    if not operation:
        raise Refusal("InvalidAction", "Could not find operation for this request", 400)
    return Asked(
        service=service,
        operation=operation,
        region=signed.region if signed else "us-east-1",
        protocol=protocol,
        params=params,
        method=str(environ["REQUEST_METHOD"]),
        url=str(environ["RAW_URI"]),
        headers=headers,
        body=body,
        signed=signed,
    )


def _again(body: bytes) -> Any:
    import io

    return io.BytesIO(body)


def _protocol(service: str, target: str) -> Protocol:
    if service in QUERY:
        return "query"
    if service == "ec2":
        return "ec2"
    if service in REST_XML:
        return "rest-xml"
    return "json" if target else "rest-json"


def _unsigned_service(environ: WSGIEnvironment, body: bytes) -> str:
    if str(environ.get("PATH_INFO", "")).startswith("/v1/token"):
        return "signin"
    return "sts" if b"Action=" in body else "s3"


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    found = {k[5:].replace("_", "-").lower(): str(v) for k, v in environ.items() if k.startswith("HTTP_")}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            found[key.replace("_", "-").lower()] = str(environ[key])
    return found


def _signed(authorization: str) -> Signed | None:
    hit = AUTHORIZATION.fullmatch(authorization)
    if hit is None:
        return None
    names = tuple(hit["headers"].split(";"))
    return Signed(hit["key"], hit["region"], hit["service"], names, hit["signature"])
