"""What botocore raises, told in the contract's words. Messages are built from names and codes alone: AWS's own text may
quote the request (a signature error quotes the session token)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.fault import (
    Conflict,
    Denied,
    Fault,
    Missing,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)

READS = ("Get", "List", "Describe", "Lookup", "Simulate")
"""Operations of the services used here that change nothing begin so."""

PREFIXES = {"sso-admin": "sso", "bedrock-agentcore-control": "bedrock-agentcore"}
"""Of IAM actions, where it is another than the service's name."""
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError"}
)
UNAUTHENTICATED = frozenset(
    {
        "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
        "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "OptInRequired", "RequestExpired", "SignatureDoesNotMatch",
        "TokenRefreshRequired", "UnrecognizedClient", "UnrecognizedClientException",
    }
)  # fmt: skip
MISSING = frozenset({"NoSuchEntity", "NoSuchEntityException", "ResourceNotFound", "ResourceNotFoundException"})
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled",
        "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
        "TooManyRequests", "TooManyRequestsException",
    }
)  # fmt: skip
CONFLICT = frozenset({"ConcurrentModification", "ConcurrentModificationException"})
NOT_NOW = frozenset({"EntityTemporarilyUnmodifiable", "ServiceUnavailable", "ServiceUnavailableException"})
"""Nothing was changed; asking again later may work."""

DENIED_BY = re.compile(r"explicit deny in an? ([a-z -]+ policy)", re.IGNORECASE)
SUBJECTS = ("UserName", "RoleName", "RoleArn", "SecretId", "PolicyArn", "AccessKeyId", "PolicySourceArn")

NO_LOGIN = (
    "CredentialRetrievalError", "InvalidConfigError", "ConfigNotFound", "ConfigParseError", "LoginError",
    "LoginRefreshRequired", "LoginTokenLoadError", "MetadataRetrievalError", "NoAuthTokenError", "NoCredentialsError",
    "PartialCredentialsError", "ProfileNotFound", "RefreshWithMFAUnsupportedError", "SSOError", "SSOTokenLoadError",
    "TokenRetrievalError", "UnauthorizedSSOTokenError", "InfiniteLoopConfigError", "UnknownCredentialError",
)  # fmt: skip
"""botocore's words for "the operator is not logged in"; by name, since they differ between versions."""
STILL_EXPIRED = "refreshed credentials are still expired"
"""A plain RuntimeError of botocore's."""
NOT_CONNECTED = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError")


def reads(operation: str) -> bool:
    """Whether it changes nothing."""
    return operation.startswith(READS)


def permission(service: str, operation: str) -> str:
    """The IAM action, for example `iam:UpdateAccessKey`."""
    return f"{PREFIXES.get(service, service)}:{operation}"


def subject(params: Mapping[str, Any]) -> str:
    """Whom the call was about, for a message; never a secret parameter."""
    return next((f" for {params[key]}" for key in SUBJECTS if params.get(key)), "")


def fault_of(error: Exception, service: str, operation: str, params: Mapping[str, Any]) -> Fault:
    """The fault that botocore's exception means for this call."""
    what = f"{permission(service, operation)}{subject(params)}"
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        return _refused(response, getattr(error, "operation_name", operation), service, operation, what)
    names = {c.__name__ for c in type(error).__mro__}
    kind = type(error).__name__
    if names & set(NO_LOGIN):
        profile = (getattr(error, "kwargs", None) or {}).get("profile")
        which = f"{kind}: {profile}" if profile else kind
        return Unauthenticated(
            f"the operator's AWS credentials could not be had ({which}); {what} was not asked",
            code=kind,
            hint="Log in (`aws sso login`, AWS_PROFILE, …), or set profile or credentials_file in [aws] of nhi.toml.",
        )
    if STILL_EXPIRED in str(error):
        return Unauthenticated(
            f"the credentials of the profile's role are expired as soon as they come; {what} was not asked",
            code=kind,
            hint="This machine's clock is ahead of AWS's by more than they live: set it.",
        )
    if names & set(NOT_CONNECTED):
        return Unavailable(f"AWS could not be reached for {what} ({kind}): nothing was asked", code=kind)
    if "ResponseParserError" in names and reads(operation):
        return Unavailable(f"no usable answer from AWS to {what} ({kind})", code=kind)
    if names & {"HTTPClientError", "ResponseParserError"}:
        may = "" if reads(operation) else ": it may have happened"
        return NoAnswer(f"no answer from AWS to {what} ({kind}){may}", code=kind)
    # A parameter error of botocore quotes the parameter: its text stays out.
    return Rejected(f"{what} could not be asked ({kind}): nothing was changed", code=kind)


def _refused(response: dict[str, Any], asked: str, service: str, operation: str, what: str) -> Fault:
    code = str(response["Error"].get("Code") or "")
    meta = response.get("ResponseMetadata") or {}
    status = int(meta.get("HTTPStatusCode") or 0)
    told = f"{code}, request {meta['RequestId']}" if meta.get("RequestId") else code
    if asked == "AssumeRole" != operation:
        # botocore assumes the role of a profile before the call itself
        return Unauthenticated(f"the profile's role could not be assumed ({told}); {what} was not asked", code=code)
    if code in DENIED or (status == 403 and code not in UNAUTHENTICATED):
        by = DENIED_BY.search(str(response["Error"].get("Message", "")))
        why = f" by an explicit deny in a {by[1]}" if by else ""
        return Denied(f"{what} is denied{why} ({told})", needs=permission(service, operation), code=code)
    if code in UNAUTHENTICATED:
        return Unauthenticated(
            f"AWS does not accept the operator's credentials for {what} ({told})",
            code=code,
            hint="They are expired, wrong, or not for this region; a clock that is 5 minutes off does the same.",
        )
    if code in MISSING:
        return Missing(f"{what}: there is none ({code})", code=code)
    if code in THROTTLED or status == 429:
        return Throttled(f"AWS throttles {what} ({told})", retry_after=_retry_after(meta), code=code)
    if code in CONFLICT:
        return Conflict(f"{what}: somebody else is changing it ({told})", code=code)
    if code in NOT_NOW or status == 503 or (status >= 500 and reads(operation)):
        return Unavailable(f"AWS cannot answer {what} now ({told or status})", code=code)
    if status >= 500:
        return NoAnswer(f"AWS failed at {what} ({told or status}): it may have happened", code=code)
    return Rejected(f"AWS refused {what} ({told}): nothing was changed", code=code)


def _retry_after(meta: Mapping[str, Any]) -> float | None:
    text = str((meta.get("HTTPHeaders") or {}).get("retry-after", ""))
    return float(text) if text.replace(".", "", 1).isdigit() else None
