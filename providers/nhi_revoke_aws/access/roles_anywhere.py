"""IAM Roles Anywhere: profiles by which certificates of a CA outside of AWS begin sessions of a role, in every Region.

AWS docs: rolesanywhere API_ListProfiles, API_DisableProfile ("temporary credential requests with this profile fail").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.access.role_trust import document
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holding import listed, names_role
from nhi_revoke_aws.naming import parse_arn
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.regions import everywhere, paged
from nhi_revoke_aws.trust import Trusted, trusted

KIND = "aws:roles-anywhere"
SERVICE = "rolesanywhere.amazonaws.com"
PROFILES, TRUST = "rolesanywhere:ListProfiles", "iam:GetRole"
BESIDE = {"ListTrustAnchors": "trustAnchors", "ListSubjects": "subjects", "ListCrls": "crls"}
GONE: Json = {"profile": "gone"}
SETTLE = 60.0
ONE_ONLY = "importing a CRL (rolesanywhere:ImportCrl) revokes single certificates and leaves the others"


class Disable(Doer[AwsConnection]):
    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (
        "rolesanywhere:DisableProfile", "rolesanywhere:GetProfile", "rolesanywhere:EnableProfile",
    )  # fmt: skip
    says: ClassVar[str] = "disables the Roles Anywhere profile, for every role that it names"
    undone: ClassVar[str] = "enables it again, where it names the same roles as when it was disabled"
    survives: ClassVar[str] = "sessions begun before, up to 12 hours: they are cut by issue time"
    source: ClassVar[str] = "AWS docs: rolesanywhere API_DisableProfile"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            return Done(_state(_asked(conn, "DisableProfile", step)), conn.now())
        except Missing:
            return Already(GONE)

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        try:
            profile = _asked(conn, "GetProfile", step)
        except Missing:
            return GONE
        return None if profile.get("enabled") else _state(profile)

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        try:
            present = _state(_asked(conn, "GetProfile", step))
        except Missing:
            return Failed("the profile is gone: nothing was changed")
        if present["enabled"]:
            return Already(present)
        if present != left:
            return Failed("the profile names other roles than when this run disabled it: nothing was changed")
        return Done(_state(_asked(conn, "EnableProfile", step)), conn.now())


class RolesAnywhere(AccessKind[AwsConnection]):
    """Its own family is no "trust": outside certificates begin sessions by it and no principal of a plan does, so one
    unread Region hides none that could.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "Roles Anywhere profiles of a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (PROFILES, *(f"rolesanywhere:{operation}" for operation in BESIDE), TRUST)
    remedies = (Disable(),)
    manual: ClassVar[str] = (
        "To shut out one certificate, import a CRL of its CA (rolesanywhere:ImportCrl). Disabling a trust anchor shuts "
        "out all certificates of that CA, for every profile of the Region."
    )
    survives: ClassVar[str] = Disable.survives
    late: ClassVar[bool] = True

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role, regions = name_in(conn, ref), conn.regions()
        yield from regions.spots(ref, KIND, "Roles Anywhere")
        swept = everywhere(io, regions.on, lambda region: _rows(conn, region, "ListProfiles", "profiles"))
        yield from swept.spots(ref, KIND, "Roles Anywhere profiles")
        account = conn.account()
        mine = [(r, p) for r, rows in swept.found for p in rows if _names(p, role, account)]
        if not mine:
            return
        where = tuple(dict.fromkeys(region for region, _ in mine))
        asks: list[Callable[[], Any]] = [partial(_beside, conn, region, io) for region in where]
        asks.append(partial(_trust, conn, role))
        *answers, trust = io.map(lambda ask: ask(), asks)
        for region, beside in zip(where, answers, strict=True):
            yield from _unseen(beside, region, ref)
        if isinstance(trust, Fault):
            needs = trust.needs if isinstance(trust, Denied) else ""
            yield BlindSpot(ref, KIND, f"whether the role trusts {SERVICE}: {trust.message}", needs)
        besides = dict(zip(where, answers, strict=True))
        for region, profile in mine:
            yield _access(profile, region, besides[region], trust, ref)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself: the profile may serve other roles, too."""
        for access in view.of(KIND):
            if access.id in intent.cut_trust and access.state == "live":
                names = (_role(arn) for arn in access.before["roleArns"])
                others = [name for name in names if name != view.who.name]
                too = f", and new sessions of {listed(others)}" if others else ""
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"disable the {access.label}",
                    breaks=f"new sessions of role {view.who.name} for every certificate{too}",
                    # Two roles of one profile: one step each, never side by side.
                    lock=f"{KIND}/{view.who.scope}/{access.door}",
                )  # fmt: skip


class Beside(Struct, frozen=True):
    """What stands beside the profiles of a Region: each a list, or why it could not be read."""

    anchors: Sequence[dict[str, Any]] | Fault
    subjects: Sequence[dict[str, Any]] | Fault
    lists: Sequence[dict[str, Any]] | Fault


def _rows(conn: AwsConnection, region: str, operation: str, field: str) -> list[dict[str, Any]]:
    return list(paged(conn, "rolesanywhere", operation, field, region))


def _beside(conn: AwsConnection, region: str, io: Io) -> Beside:
    def one(operation: str) -> Sequence[dict[str, Any]] | Fault:
        try:
            return _rows(conn, region, operation, BESIDE[operation])
        except Fault as fault:
            return fault

    return Beside(*io.map(one, BESIDE))


def _trust(conn: AwsConnection, role: str) -> Trusted | Fault | None:
    """The role's trust in the service, with its conditions; None where there is none."""
    try:
        return next((t for t in trusted(document(conn, role)) if (t.type, t.value) == ("Service", SERVICE)), None)
    except Fault as fault:
        return fault


def _unseen(beside: Beside, region: str, ref: PrincipalRef) -> Iterable[BlindSpot]:
    for what, answer in (("trust anchors", beside.anchors), ("subjects", beside.subjects), ("CRLs", beside.lists)):
        if isinstance(answer, Fault):
            needs = answer.needs if isinstance(answer, Denied) else ""
            yield BlindSpot(ref, KIND, f"{what} of Roles Anywhere in {region}: {answer.message}", needs)


def _names(profile: dict[str, Any], role: str, account: str) -> bool:
    return any(names_role(arn, role, account) for arn in profile.get("roleArns") or ())


def _asked(conn: AwsConnection, operation: str, step: Step) -> dict[str, Any]:
    """Raises Missing."""
    region, profile = str(step.before["Region"]), str(step.before["profileId"])
    answer: dict[str, Any] = conn.call("rolesanywhere", operation, region=region, profileId=profile)
    return answer["profile"] or {}


def _state(profile: dict[str, Any]) -> Json:
    return {"enabled": bool(profile.get("enabled")), "roleArns": sorted(profile.get("roleArns") or ())}


def _role(arn: str) -> str:
    known = parse_arn(arn)
    return known.name if known else arn


def _access(
    profile: dict[str, Any], region: str, beside: Beside, trust: Trusted | Fault | None, ref: PrincipalRef
) -> Access:
    enabled, slot = bool(profile.get("enabled")), f"{region}/{profile['profileId']}"
    shut = "" if enabled else "the profile is disabled; whoever may rolesanywhere:EnableProfile can enable it"
    if not shut and not isinstance(beside.anchors, Fault) and not any(a.get("enabled") for a in beside.anchors):
        shut = "no trust anchor of this Region is enabled: no certificate lets anybody in"
    if not shut and trust is None:
        shut = f"the role does not trust {SERVICE}: it lets nobody in"
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{slot}",
        on=ref,
        kind=KIND,
        family="trust",
        state="live" if enabled else "disabled",
        label=f"Roles Anywhere profile {profile.get('name')} in {region}",
        created=profile.get("createdAt"),
        evidence=PROFILES,
        door=slot,
        before={"Region": region, "profileId": str(profile["profileId"]), **_state(profile)},
        exposure="" if shut else "foreign",
        opens=not shut,
        note="; ".join(filter(None, (shut, *_told(profile, beside, trust)))),
    )


def _told(profile: dict[str, Any], beside: Beside, trust: Trusted | Fault | None) -> Iterable[str]:
    if isinstance(trust, Trusted) and trust.conditions:
        yield f"the role's trust asks for {' or '.join(trust.conditions)}"
    others = len(profile.get("roleArns") or ()) - 1
    if others:
        yield f"{others} more role(s) in the profile"
    if not isinstance(beside.anchors, Fault):
        yield f"trust anchors: {listed(map(_anchor, beside.anchors)) or 'none'}"
    if not isinstance(beside.subjects, Fault):
        # AWS keeps them for the Region, not for the profile.
        yield f"certificates seen in this Region: {listed(map(_subject, beside.subjects)) or 'none'}"
    if not isinstance(beside.lists, Fault):
        yield f"CRLs: {len(beside.lists)}, enabled {sum(bool(c.get('enabled')) for c in beside.lists)}"
    yield ONE_ONLY


def _anchor(anchor: dict[str, Any]) -> str:
    source = str((anchor.get("source") or {}).get("sourceType") or "of unknown source")
    return f"{anchor.get('name')} ({source}, {_switch(anchor)})"


def _subject(subject: dict[str, Any]) -> str:
    seen = subject.get("lastSeenAt")
    last = f"last seen {seen:%Y-%m-%dT%H:%MZ}" if seen else "last seen unknown"
    return f"{subject.get('x509Subject')} ({last}, {_switch(subject)})"


def _switch(row: dict[str, Any]) -> str:
    return "enabled" if row.get("enabled") else "disabled"
