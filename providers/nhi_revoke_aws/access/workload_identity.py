"""Agent identities of Bedrock AgentCore that a principal may act as.

Who may bedrock-agentcore:GetWorkloadAccessToken for one gets its access tokens (botocore's model: "a workload access
token for agentic workloads not acting on behalf of a user"). How long such a token lives is documented nowhere that was
read: what was fetched before the cut stays unproven.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.agentcore import PREFIX, SERVICE, Listing, Usable, usable
from nhi_revoke_aws.connection import AwsConnection

KIND = "aws:workload-identity"
LISTING = Listing(
    "ListWorkloadIdentities", "workloadIdentities", "workloadIdentityArn",
    f"{PREFIX}:GetWorkloadAccessToken", "agent identities of AgentCore",
)  # fmt: skip
GONE: Json = {"WorkloadIdentity": "gone"}


class Delete(Doer[AwsConnection]):
    """Only where the scope names it: every agent that runs as this identity stops."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (f"{PREFIX}:DeleteWorkloadIdentity", f"{PREFIX}:GetWorkloadIdentity")
    says: ClassVar[str] = "deletes the agent identity"
    survives: ClassVar[str] = "tokens that were fetched with it: how long they live is not documented"
    source: ClassVar[str] = "botocore: bedrock-agentcore-control"
    reversible: ClassVar[bool] = False

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        region, name = str(step.before["region"]), str(step.before["name"])
        try:
            conn.call(SERVICE, "DeleteWorkloadIdentity", region=region, name=name)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        region, name = str(step.before["region"]), str(step.before["name"])
        try:
            conn.call(SERVICE, "GetWorkloadIdentity", region=region, name=name)
        except Missing:
            return GONE
        return None


class WorkloadIdentities(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "agent identities that it may act as"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = LISTING.reads
    late: ClassVar[bool] = True
    remedies = (Delete(),)
    survives: ClassVar[str] = Delete.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for one in usable(conn, ref, io, KIND, (LISTING,)):
            yield _access(one, ref) if isinstance(one, Usable) else one

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for access in view.of(KIND):
            if intent.scope == access.id:
                name = access.before["name"]
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"delete agent identity {name}",
                    breaks=f"every agent that runs as {name}",
                )  # fmt: skip


def _access(one: Usable, ref: PrincipalRef) -> Access:
    may = "may act as" if one.sure else "may, under conditions or once released, act as"
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{one.region}/{one.name}",
        on=ref,
        kind=KIND,
        family="grant",
        state="live",
        label=f"agent identity {one.name} in {one.region}",
        evidence=LISTING.reads[0],
        door=one.arn,
        before={"region": one.region, "name": one.name},
        opens=False,
        note=f"it {may} that agent: its tokens from before the cut live on for a time that is not documented",
    )
