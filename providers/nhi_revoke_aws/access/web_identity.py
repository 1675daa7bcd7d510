"""Tokens for services outside AWS: sts:GetWebIdentityToken vouches for the principal, and nothing ends what it signed.

AWS docs: API_GetWebIdentityToken, API_GetOutboundWebIdentityFederationInfo, API_DisableOutboundWebIdentityFederation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, ClassVar, Literal

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Residual
from nhi_revoke.provider.fault import Denied, Rejected
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import SETTLE
from nhi_revoke_aws.naming import ROLE, USER, Arn, parse_arn
from nhi_revoke_aws.policy import ISSUED, NOW, stamp
from nhi_revoke_aws.simulate import PERMISSION
from nhi_revoke_aws.whose import arn_of

KIND = "aws:web-identity"
READ = "iam:GetOutboundWebIdentityFederationInfo"
FETCH = "sts:GetWebIdentityToken"
OFF = frozenset({"FeatureDisabled", "FeatureDisabledException"})
LONGEST = timedelta(seconds=3600)
UNTIL_DENIED = timedelta(minutes=10)
"""At most so long from plan to the last cut's settling, besides the settle time itself."""
SOURCE = "AWS docs: API_GetWebIdentityToken (DurationSeconds: 60 to 3600)"
AFTER_ANY_CUTOFF = timedelta(days=1)
May = Literal["yes", "no", "unread", "conditional"]
DOUBTS: dict[str, str] = {
    "yes": "",
    "unread": "; whether its policies allow that could not be asked",
    "conditional": "; its policies hold conditions that could not be judged here",
}


class WebIdentity(AccessKind[AwsConnection]):
    """The right to fetch them lets nobody in by itself; what was fetched is told as what remains (`…/issued`).

    Switching the feature off is no remedy: it is the whole account's, and ends no token either.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "tokens for outside services (outbound web identity)"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = (READ, PERMISSION, "iam:GetUser", "iam:GetRole")
    survives: ClassVar[str] = "tokens that were fetched before, at outside services, for an hour at the most"

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """An ARN is judged beside the first read. A name is looked up beside it, and judged where the feature is on."""
        typed = parse_arn(ref.id)
        at_once = bool(typed and typed.kind in (USER, ROLE))

        def right() -> May | Arn:
            try:
                arn = arn_of(conn, ref)
                return may_fetch(conn, str(arn)) if at_once else arn
            except Denied:
                return "unread"

        asks: tuple[Callable[[], Any], ...] = (lambda: issuer_of(conn), right)
        issuer, answer = io.map(lambda ask: ask(), asks)
        if issuer is None:
            return
        may = may_fetch(conn, str(answer)) if isinstance(answer, Arn) else answer
        if may == "no":
            return
        note = "what it may have fetched works at outside services until it expires, an hour at most; no list shows it"
        yield Access(
            id=f"{KIND}/{{scope}}/{{name}}/*",
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label="tokens of {name} for outside services",
            evidence=READ,
            door=f"{issuer}:{{scope}}/{{name}}",
            opens=False,
            note=f"{note}{DOUBTS[str(may)]}",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            issued = f"{access.id.removesuffix('*')}issued"
            what = f"tokens that {view.who.kind} {view.who.name} may have fetched for outside services ({FETCH})"
            if not _stopped(view, intent):
                why = f"{what}; this run does not stop new ones"
                yield Residual(view.who.ref, issued, None, why, SOURCE, counts=False)
                continue
            settle = timedelta(seconds=SETTLE if intent.settle is None else intent.settle)
            until = view.inventory.at + timedelta(seconds=intent.grace) + settle + UNTIL_DENIED + LONGEST
            says = f"{what} work until they expire, an hour at most: only the services that accept them can refuse them"
            yield Notice(view.who.ref, says, "warning")
            yield Residual(view.who.ref, issued, until, f"{what}: nothing ends them before they expire", SOURCE)


def _stopped(view: View, intent: Intent) -> bool:
    """Whether the run means to end all that can fetch new ones; a user's keys can, too."""
    if intent.keep_sessions:
        return False
    return intent.scope == "all" or (intent.scope == "sessions" and view.who.kind == ROLE)


def issuer_of(conn: AwsConnection) -> str | None:
    """The account's issuer, where it gives tokens out. Raises Denied."""
    try:
        found = conn.call("iam", "GetOutboundWebIdentityFederationInfo")
    except Rejected as fault:
        if fault.code in OFF:
            return None
        raise
    return str(found.get("IssuerIdentifier") or "") if found.get("JwtVendingEnabled") else None


def may_fetch(conn: AwsConnection, arn: str) -> May:
    """By its own policies, for a session that none of our cut-offs is about.

    Under a deny-all of ours it may not: what it fetched before, the run that put the deny-all there has told.
    """
    moments = {ISSUED: conn.now() + AFTER_ANY_CUTOFF, NOW: conn.now()}
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [stamp(at)], "ContextKeyType": "date"}
        for key, at in moments.items()
    ]
    try:
        found = conn.call(
            "iam", "SimulatePrincipalPolicy", PolicySourceArn=arn, ActionNames=[FETCH], ContextEntries=context
        )
    except (Denied, Rejected):
        return "unread"
    results: list[dict[str, Any]] = found.get("EvaluationResults") or []
    if not results:
        return "unread"
    if any(one["EvalDecision"] == "allowed" for one in results):
        return "yes"
    implicit = [one for one in results if one["EvalDecision"] == "implicitDeny"]
    return "conditional" if any(one.get("MissingContextValues") for one in implicit) else "no"
