"""EKS Pod Identity: which service account's pods begin sessions of a role, in every Region and cluster.

AWS docs: eks API_DescribePodIdentityAssociation (only there stand the roles), API_DeletePodIdentityAssociation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holding import names_role
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.regions import Swept, everywhere, paged

KIND = "aws:pod-identity"
READS = ("eks:ListClusters", "eks:ListPodIdentityAssociations", "eks:DescribePodIdentityAssociation")
MOST = 100
DOOR = ("clusterName", "namespace", "serviceAccount")
KEPT = (*DOOR, "roleArn", "targetRoleArn", "disableSessionTags", "policy", "tags")
"""What makes the same association again."""
AS = ("roleArn", "targetRoleArn")
GONE: Json = {"association": "gone"}
SETTLE = 60.0


class Remove(Doer[AwsConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (
        "eks:DeletePodIdentityAssociation", *READS[1:], "eks:CreatePodIdentityAssociation", "eks:TagResource",
        "iam:PassRole",
    )  # fmt: skip
    says: ClassVar[str] = "deletes the EKS Pod Identity association"
    undone: ClassVar[str] = (
        "an association of the same service account with the same role is created: its id is a new one, and so may be "
        "the external id that a target role's trust asks for"
    )
    survives: ClassVar[str] = "sessions begun before, until they expire: they are cut by issue time"
    source: ClassVar[str] = "AWS docs: API_DeletePodIdentityAssociation; several seconds until it is obeyed everywhere"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        was = step.before
        try:
            conn.call(
                "eks", "DeletePodIdentityAssociation", region=str(was["Region"]), clusterName=was["clusterName"],
                associationId=was["associationId"],
            )  # fmt: skip
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Gone is what lets these pods into none of its roles any more, by whatever id."""
        roles = {step.before[field] for field in AS if step.before.get(field)}
        found = _at_door(conn, step.before)
        return None if any(row.get(field) in roles for row in found for field in AS) else GONE

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        was = {field: step.before[field] for field in KEPT if step.before.get(field)}
        found = _at_door(conn, step.before)
        if any(_kept(row) == was for row in found):
            return Already({"association": _kept(found[0])})
        if found or left != GONE:
            return Failed("this service account has another association now: nothing was changed")
        # The token makes a repeated request the same one: it never makes two.
        token = str(uuid5(NAMESPACE_URL, f"{run.id}/{step.id}"))
        conn.call(
            "eks", "CreatePodIdentityAssociation", region=str(step.before["Region"]), repeatable=True,
            clientRequestToken=token, **was,
        )  # fmt: skip
        return Done({"association": was}, conn.now())


class PodIdentities(AccessKind[AwsConnection]):
    """Its own family is no "trust": pods begin sessions by it and no principal of a plan does, so one unread cluster
    hides none that could.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "EKS Pod Identity associations of a role"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = READS
    remedies = (Remove(),)
    survives: ClassVar[str] = Remove.survives
    late: ClassVar[bool] = True

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        role, regions = name_in(conn, ref), conn.regions()
        yield from regions.spots(ref, KIND, "EKS Pod Identity")
        swept = everywhere(io, regions.on, lambda region: _clusters(conn, region, io))
        yield from swept.spots(ref, KIND, "EKS Pod Identity")
        account = conn.account()
        for region, (rows, failed) in swept.found:
            yield from failed.spots(ref, KIND, "EKS Pod Identity")
            for row in rows:
                if any(names_role(row.get(field), role, account) for field in AS):
                    yield _access(row, region, ref, names_role(row.get("roleArn"), role, account))

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing by itself: without it the pods get no sessions at all."""
        for access in view.of(KIND):
            if access.id in intent.cut_trust:
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"delete the Pod Identity association of the {access.label}",
                    breaks=f"the {access.label} get no sessions of role {view.who.name} any more",
                )  # fmt: skip


def _clusters(conn: AwsConnection, region: str, io: Io) -> tuple[Sequence[dict[str, Any]], Swept[Any]]:
    """The associations of every cluster in full, and what of them could not be read."""
    clusters = list(paged(conn, "eks", "ListClusters", "clusters", region, maxResults=MOST))
    listed = everywhere(io, clusters, lambda cluster: _listed(conn, region, clusterName=cluster))
    slots = [(str(row["clusterName"]), str(row["associationId"])) for _, rows in listed.found for row in rows]
    full = everywhere(io, [f"{c}/{a}" for c, a in slots], lambda slot: _described(conn, region, *slot.split("/", 1)))
    where = tuple((f"{name} in {region}", fault) for name, fault in (*listed.failed, *full.failed))
    return [row for _, row in full.found], Swept((), where)


def _listed(conn: AwsConnection, region: str, **only: str) -> list[dict[str, Any]]:
    asked = paged(conn, "eks", "ListPodIdentityAssociations", "associations", region, maxResults=MOST, **only)
    return [{**only, **row} for row in asked]


def _described(conn: AwsConnection, region: str, cluster: str, association: str) -> dict[str, Any]:
    """Raises Missing."""
    found: dict[str, Any] = conn.call(
        "eks", "DescribePodIdentityAssociation", region=region, clusterName=cluster, associationId=association
    )
    return found["association"] or {}


def _at_door(conn: AwsConnection, was: Json) -> list[dict[str, Any]]:
    """What this service account has now: AWS keeps one at most. A cluster that is gone has none."""
    only = {field: str(was[field]) for field in DOOR}
    try:
        rows = _listed(conn, str(was["Region"]), **only)
        return [_described(conn, str(was["Region"]), only["clusterName"], str(row["associationId"])) for row in rows]
    except Missing:
        return []


def _kept(row: dict[str, Any]) -> Json:
    return {field: row[field] for field in KEPT if row.get(field)}


def _access(row: dict[str, Any], region: str, ref: PrincipalRef, first: bool) -> Access:
    slot = "/".join([region, *(str(row[field]) for field in DOOR)])
    notes = ["pods of this service account begin sessions of the role, and refresh them"]
    if not first:
        notes.append(f"by way of {row.get('roleArn')}, which assumes it")
    elif row.get("targetRoleArn"):
        notes.append(f"they go on to {row['targetRoleArn']}")
    if row.get("ownerArn"):
        notes.append(f"an EKS add-on owns the association: {row['ownerArn']}")
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{slot}",
        on=ref,
        kind=KIND,
        family="trust",
        state="live",
        label="pods of service account {serviceAccount} in {clusterName}/{namespace}".format(**row) + f" in {region}",
        created=row.get("createdAt"),
        evidence=READS[-1],
        door=slot,
        before={"Region": region, "associationId": str(row["associationId"]), **_kept(row)},
        exposure="service",
        note="; ".join(notes),
    )
