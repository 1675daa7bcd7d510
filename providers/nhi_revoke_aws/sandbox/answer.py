"""Answers and refusals in the shapes of AWS's protocols (query, JSON 1.1, REST-XML, REST-JSON)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal
from xml.sax.saxutils import escape

from msgspec import Struct

Protocol = Literal["query", "ec2", "json", "rest-xml", "rest-json"]


class Answer(Struct, frozen=True):
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Refusal(Exception):
    """The vendor says no. `code` is the query protocol's; other protocols have names of their own for some."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "Throttling": "ThrottlingException",
    "ServiceUnavailable": "ServiceUnavailableException",
}
EC2_CODES = {
    "AccessDenied": "UnauthorizedOperation",
    "InvalidClientTokenId": "AuthFailure",
    "Throttling": "RequestLimitExceeded",
    "ServiceUnavailable": "Unavailable",
}
"""AWS docs: ec2 errors-overview."""
S3_CODES = {"InvalidClientTokenId": "InvalidAccessKeyId", "Throttling": "SlowDown"}


def refusal(protocol: Protocol, said: Refusal, request_id: str) -> Answer:
    """In the shape that the service's own clients read."""
    if protocol in ("json", "rest-json"):
        code = JSON_CODES.get(said.code, said.code)
        body = json.dumps({"__type": code, "message": said.message, "Message": said.message}).encode()
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code))
        return Answer(said.status, (*headers, ("x-amzn-RequestId", request_id)), body)
    if protocol == "rest-xml":
        code = S3_CODES.get(said.code, said.code)
        xml = f"<Error><Code>{code}</Code><Message>{escape(said.message)}</Message></Error>"
        status = 503 if code == "SlowDown" else said.status
        return Answer(status, (("Content-Type", "application/xml"), ("x-amz-request-id", request_id)), xml.encode())
    if protocol == "ec2":
        code = EC2_CODES.get(said.code, said.code)
        error = f"<Error><Code>{code}</Code><Message>{escape(said.message)}</Message></Error>"
        xml = f"<Response><Errors>{error}</Errors><RequestID>{request_id}</RequestID></Response>"
        return Answer(said.status, (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)), xml.encode())
    xml = (
        f"<ErrorResponse><Error><Type>{'Receiver' if said.status >= 500 else 'Sender'}</Type><Code>{said.code}</Code>"
        f"<Message>{escape(said.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(said.status, (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)), xml.encode())


def query(namespace: str, operation: str, result: dict[str, Any], request_id: str) -> Answer:
    """A good answer of the query protocol. Lists become `<member>`s."""
    xml = (
        f'<{operation}Response xmlns="{namespace}"><{operation}Result>{_xml(result)}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Answer(200, (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)), xml.encode())


def plain_json(result: dict[str, Any], request_id: str) -> Answer:
    headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", request_id))
    return Answer(200, headers, json.dumps(result).encode())


def iso(at: datetime) -> str:
    """`2026-11-23T17:57:36Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{k}>{_xml(v)}</{k}>" for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        return "".join(f"<member>{_xml(v)}</member>" for v in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(iso(value) if isinstance(value, datetime) else str(value))
