"""KMS grants: rights on one key, held outside IAM. AWS docs: API_ListGrants, API_RevokeGrant, grants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import USER
from nhi_revoke_aws.regions import everywhere
from nhi_revoke_aws.whose import arn_of, is_of

KIND = "aws:kms-grant"
LIST, LIST_KEYS = "kms:ListGrants", "kms:ListKeys"
MOST_KEYS, MOST_GRANTS = 1000, 100
SETTLE = 300.0
"""Seconds: "usually less than five minutes" (AWS docs: API_RevokeGrant)."""
GONE = frozenset({"NotFoundException", "InvalidGrantIdException"})
REVOKED: Json = {"Grant": "revoked"}
NAMED = 3
"""Keys that a blind spot names."""
KEPT = ("GranteePrincipal", "Operations", "Constraints", "RetiringPrincipal", "RetiringServicePrincipal", "Name")
"""What makes a grant: CreateGrant takes these, and ListGrants tells them."""


def rows(
    conn: AwsConnection, operation: str, field: str, region: str, most: int, **params: Any
) -> Iterator[dict[str, Any]]:
    """Every row of a KMS listing, whose marker comes back by another name."""
    going: dict[str, Any] = {}
    while True:
        page = conn.call("kms", operation, region=region, Limit=most, **params, **going)
        yield from page.get(field) or ()
        if not page.get("Truncated"):
            return
        if not page.get("NextMarker"):
            raise Rejected(f"kms:{operation}: AWS cut the list short and gave no marker")
        going = {"Marker": str(page["NextMarker"])}


def grants(conn: AwsConnection, key: str, **filters: Any) -> list[dict[str, Any]]:
    """Of one key, by its ARN."""
    try:
        return list(rows(conn, "ListGrants", "Grants", key.split(":")[3], MOST_GRANTS, KeyId=key, **filters))
    except Rejected as fault:
        if fault.code in GONE:
            return []
        raise


def same(one: Json, other: Json) -> bool:
    """Whether they give the same rights to the same principal."""
    return _rights(one) == _rights(other)


def _rights(grant: Json) -> tuple[str, ...]:
    operations = sorted(grant.get("Operations") or ())
    return (str(grant.get("GranteePrincipal")), *operations, json.dumps(grant.get("Constraints") or {}, sort_keys=True))


class Revoke(Doer[AwsConnection]):
    """The grant of the plan, and whichever stands in its place by now with the same rights."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("kms:RevokeGrant", "kms:CreateGrant", LIST)
    says: ClassVar[str] = "revokes the grant"
    undone: ClassVar[str] = "a grant of the same rights is made: its id is another"
    survives: ClassVar[str] = "what was decrypted with it before"
    source: ClassVar[str] = "AWS docs: API_RevokeGrant, API_CreateGrant"
    settle: ClassVar[float] = SETTLE

    def _standing(self, conn: AwsConnection, step: Step) -> list[dict[str, Any]]:
        was = step.before
        found = grants(conn, str(was["KeyArn"]), GranteePrincipal=str(was["GranteePrincipal"]))
        others = set(was["Twins"])
        return [g for g in found if g["GrantId"] == was["GrantId"] or (same(g, was) and g["GrantId"] not in others)]

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        key = str(step.before["KeyArn"])
        standing = self._standing(conn, step)
        for grant in standing:
            try:
                conn.call("kms", "RevokeGrant", region=key.split(":")[3], KeyId=key, GrantId=str(grant["GrantId"]))
            except Rejected as fault:
                if fault.code not in GONE:
                    raise
        return Done(REVOKED, conn.now()) if standing else Already(REVOKED)

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        return None if self._standing(conn, step) else REVOKED

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        standing = self._standing(conn, step)
        if standing:
            return Already({"GrantId": str(standing[0]["GrantId"])})
        key = str(step.before["KeyArn"])
        wanted = {k: step.before[k] for k in KEPT if step.before.get(k)}
        made = conn.call("kms", "CreateGrant", region=key.split(":")[3], KeyId=key, **wanted)
        return Done({"GrantId": str(made["GrantId"])}, conn.now())


class KmsGrants(AccessKind[AwsConnection]):
    """Rights of the principal, used with its own credentials: kept unless named, since the workload needs them after a
    rotation. Late: it takes one request for each key of each Region.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "KMS grants"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = (LIST_KEYS, LIST, "iam:GetUser", "iam:GetRole")
    remedies = (Revoke(),)
    survives: ClassVar[str] = (
        "grants on keys of other accounts; grants to a federated session of a user; what it may do by a key's policy"
    )
    late: ClassVar[bool] = True

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """A role's are matched here: the filter takes one ARN, and each session of a role has one of its own."""
        who = arn_of(conn, ref)
        filters = {"GranteePrincipal": str(who)} if who.kind == USER else {}
        regions = conn.regions()
        yield from regions.spots(ref, KIND, "KMS grants")
        swept = everywhere(io, regions.on, lambda region: list(rows(conn, "ListKeys", "Keys", region, MOST_KEYS)))
        yield from swept.spots(ref, KIND, "KMS keys")
        keys = [str(row["KeyArn"]) for _, found in swept.found for row in found]

        def of_key(key: str) -> list[dict[str, Any]] | Fault:
            try:
                return grants(conn, key, **filters)
            except Missing:
                return []
            except Fault as fault:
                return fault

        unread: dict[tuple[str, str], list[str]] = {}
        for key, answer in zip(keys, io.map(of_key, keys), strict=True):
            if isinstance(answer, Fault):
                needs = answer.needs if isinstance(answer, Denied) else ""
                unread.setdefault((answer.code, needs), []).append(key)
                continue
            mine = [g for g in answer if is_of(str(g.get("GranteePrincipal") or ""), who)]
            yield from (_access(key, grant, mine, ref) for grant in mine)
        yield from (_unread(ref, code, needs, missed) for (code, needs), missed in unread.items())

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if access.id in intent.cut_trust or access.id == intent.scope:
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"revoke the {access.label}", rearms="always",
                    breaks=f"what {view.who.name} does with that key by this grant",
                )  # fmt: skip


def _access(key: str, grant: dict[str, Any], mine: Sequence[dict[str, Any]], ref: PrincipalRef) -> Access:
    region, key_id = key.split(":")[3], key.rpartition("/")[2]
    operations = ", ".join(grant.get("Operations") or ())
    created = grant.get("CreationDate")
    before: Json = {k: grant[k] for k in KEPT if grant.get(k)}
    before |= {"KeyArn": key, "GrantId": str(grant["GrantId"])}
    before["Twins"] = sorted(g["GrantId"] for g in mine if g is not grant and same(g, grant))
    retires = grant.get("RetiringPrincipal") or grant.get("RetiringServicePrincipal")
    note = "a right of this principal, used with its own credentials"
    return Access(
        id=f"{KIND}/{region}/{key_id}/{grant['GrantId']}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=f"grant on KMS key {key_id} in {region} ({operations})",
        created=created if isinstance(created, datetime) else None,
        evidence=LIST,
        door=f"{key}:{'|'.join(_rights(before))}",
        before=before,
        opens=False,
        note=f"{note}; {retires} may retire it" if retires else note,
    )


def _unread(ref: PrincipalRef, code: str, needs: str, keys: Sequence[str]) -> BlindSpot:
    """One for each reason: a key's own policy may refuse it."""
    some = ", ".join(keys[:NAMED]) + (", …" if len(keys) > NAMED else "")
    return BlindSpot(
        ref, KIND, f"grants of {len(keys)} KMS key(s) could not be read ({code or 'no answer'}): {some}", needs
    )
