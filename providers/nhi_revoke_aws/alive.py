"""Whether a leaked credential is still accepted, by itself alone: sts:GetCallerIdentity with the explicit credential.

AWS docs: API_GetCallerIdentity (no permission is needed, and it succeeds under an explicit deny): it tells that the key
is accepted and whose it is, and nothing of what it may do.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import Fault, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection, Caller
from nhi_revoke_aws.naming import account_in_key_id, canonical
from nhi_revoke_aws.probe import REFUSED
from nhi_revoke_aws.recognising import SIGNED, SessionSecret, SignedRequest
from nhi_revoke_aws.settings import AwsSettings

PARTITIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""One region of each: a key of one partition is nobody's in another."""
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
WRONG_SECRET = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
WRONG_TOKEN = frozenset({"InvalidToken"})
CALL = "sts:GetCallerIdentity"
SAYS_NO_MORE = "it says so even under a deny, and tells nothing of what the key may do"
NO_CALL = {
    "aws:service-credential": "no call of Bedrock is known here that is harmless and tells whose a key is",
    SIGNED: "to send it is to do what was signed: it was not tried",
}


def liveness(found: Recognised, settings: AwsSettings, io: Io) -> Liveness:
    """Raises NoAnswer, Unavailable, Throttled."""
    value, kind = found.value, found.leak.kind
    if value is None:
        return Liveness("unknown", "its secret does not stand beside it: there is nothing to try")
    if isinstance(value, SignedRequest):
        return _signed(value, io.now())
    if kind in NO_CALL:
        return Liveness("unknown", NO_CALL[kind])
    return _asked(value, settings, io)


def _signed(value: SignedRequest, now: datetime) -> Liveness:
    account = account_in_key_id(value.public["AccessKeyId"])
    scope = f"account {account}, as the key's id encodes" if account else ""
    if value.ends is not None and value.ends <= now:
        return Liveness("dead", f"it ended by its own date, {value.ends:%Y-%m-%d %H:%M:%SZ}", scope=scope)
    how = f"{NO_CALL[SIGNED]}. It ends with its date, or with the key that signed it, whichever is first"
    return Liveness("unknown", how, scope=scope, expires=value.ends)


def _asked(value: Secret, settings: AwsSettings, io: Io) -> Liveness:
    """In the partition of the settings first; AWS's others, too, where that one does not know the key."""
    token = value.token if isinstance(value, SessionSecret) else ""
    key_id = value.public["AccessKeyId"]
    # Of the operator's settings only the way to AWS: neither profile nor roles nor a credentials file.
    way = replace(settings, profile="", credentials_file="", accounts=(), assume_role="")
    refusals = []
    for region in _regions(settings):
        try:
            caller = AwsConnection("", replace(way, region=region), io).identify(key_id, value.reveal(), token)
        except Unauthenticated as fault:
            refusals.append((region, fault.code))
            if fault.code not in REFUSED:
                break  # it is known there
        except Fault:
            if not refusals:
                raise
            tried = ", ".join(name for name, _ in refusals)
            return Liveness("unknown", f"refused in {tried} ({refusals[0][1]}); no clear answer in {region}")
        else:
            return _accepted(caller, region)
    return _refused(refusals, session=bool(token))


def _regions(settings: AwsSettings) -> tuple[str, ...]:
    """An endpoint of the operator's own choice is asked once."""
    first = settings.region or PARTITIONS["aws"]
    if settings.endpoint_url or settings.endpoint_urls.get("sts"):
        return (first,)
    others = (region for name, region in PARTITIONS.items() if name != _partition(first))
    return (first, *others)


def _partition(region: str) -> str:
    """As botocore's endpoints name their regions."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _accepted(caller: Caller, region: str) -> Liveness:
    how = f"{CALL} accepts it in {region} as {caller.arn}; {SAYS_NO_MORE}"
    return Liveness("alive", how, canonical(caller.arn), f"account {caller.account}")


def _refused(refusals: list[tuple[str, str]], *, session: bool) -> Liveness:
    """A session that has ended is told from one whose token is another's, or was cut off: only the first is dead."""
    region, code = refusals[-1]
    if code in EXPIRED:
        return Liveness("dead", f"{CALL} refuses it in {region}: it has expired ({code})")
    if code in WRONG_SECRET:
        how = f"AWS knows the key in {region}, and what stands beside it is not its secret ({code}): alive or not"
        return Liveness("unknown", how)
    if code in WRONG_TOKEN or (session and code in REFUSED):
        how = f"{CALL} does not take it with the session token that stands beside it ({code}): the token may be cut off"
        return Liveness("unknown", f"{how}, or another's, or the session is gone")
    if code in REFUSED:
        where = ", ".join(name for name, _ in refusals)
        return Liveness("dead", f"{CALL} refuses it in {where}: inactive, deleted, or never AWS's ({code})")
    return Liveness("unknown", f"AWS gave no answer that tells ({code or 'no code'})")
