"""What denies everything to one user of Identity Center in every member account: a service control policy at the root.

AWS docs: organizations orgs_manage_policies_scps (it binds neither the management account nor service-linked roles),
singlesignon authconcept-revoke-access.
"""

from __future__ import annotations

from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.identity_center_policy import document, sid_for
from nhi_revoke_aws.policy import NAME, as_json, compact
from nhi_revoke_aws.regions import paged

SERVICE = "organizations"
SCP = "SERVICE_CONTROL_POLICY"
SETTLE = 900.0
"""Seconds. AWS documents no figure; 10 to 15 minutes were measured by others at worst (facts of consistency)."""
BY_HAND = (
    "from the organisation's management account: attach a service control policy to the root that denies * on * where "
    "identitystore:userId is the user's id"
)
ABSENT = ("PolicyNotFoundException", "PolicyNotAttachedException")
THERE = ("DuplicatePolicyException", "DuplicatePolicyAttachmentException")


class DenyInOrganisation(Doer[AwsConnection]):
    """Only by `--brake on`: it also binds permission sets that are assigned later."""

    name: ClassVar[str] = "scp"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (
        "organizations:DescribeOrganization", "organizations:ListRoots", "organizations:ListPolicies",
        "organizations:ListPoliciesForTarget", "organizations:DescribePolicy", "organizations:CreatePolicy",
        "organizations:AttachPolicy", "organizations:DetachPolicy", "organizations:DeletePolicy",
    )  # fmt: skip
    says: ClassVar[str] = "denies everything to the user by a service control policy at the organisation's root"
    undone: ClassVar[str] = "that policy is detached and deleted"
    survives: ClassVar[str] = "sessions in the management account, which no service control policy binds"
    source: ClassVar[str] = "AWS docs: organizations orgs_manage_policies_scps; SCP lag as measured by others"
    brake: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE

    def check(self, conn: AwsConnection, step: Step) -> Impossible | None:
        try:
            found = conn.call(SERVICE, "DescribeOrganization")["Organization"]
        except Rejected as fault:
            return Impossible(f"no organisation: {fault.message}", BY_HAND)
        if found.get("MasterAccountId") != conn.account():
            return Impossible(f"account {conn.account()} is not the organisation's management account", BY_HAND)
        if found.get("FeatureSet") != "ALL":
            return Impossible("the organisation has consolidated billing alone, and so no such policies", "")
        if SCP not in _enabled(root(conn)):
            return Impossible("service control policies are not enabled at the organisation's root", BY_HAND)
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        target, name = str(root(conn)["Id"]), name_of(step, run)
        policy = _id_of(conn, name)
        if policy is not None and not _ours(conn, policy, step, run):
            return Failed(f"a service control policy {name} that this run did not write stands there")
        if policy is None:
            wanted = compact(document(sid_for(run.id, step.on.id), step.on.id))
            description = f"nhi-revoke, run {run.id}: a user of Identity Center is contained"
            made = conn.call(SERVICE, "CreatePolicy", Name=name, Type=SCP, Content=wanted, Description=description)
            policy = str(made["Policy"]["PolicySummary"]["Id"])
        _unless(conn, "AttachPolicy", THERE, PolicyId=policy, TargetId=target)
        return Done({"policy": policy, "root": target}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        target, name = str(root(conn)["Id"]), name_of(step, run)
        attached = _rows(conn, "ListPoliciesForTarget", "Policies", TargetId=target, Filter=SCP)
        policy = next((str(p["Id"]) for p in attached if p.get("Name") == name), None)
        if policy is None or not _ours(conn, policy, step, run):
            return None
        return {"policy": policy, "root": target}

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        name = name_of(step, run)
        policy = _id_of(conn, name)
        if policy is None:
            return Already({"policy": ""})
        if not _ours(conn, policy, step, run):
            return Failed(f"service control policy {name} is not as this run left it: nothing was changed")
        _unless(conn, "DetachPolicy", ABSENT, PolicyId=policy, TargetId=str(left.get("root") or root(conn)["Id"]))
        _unless(conn, "DeletePolicy", ABSENT, PolicyId=policy)
        return Done({"policy": ""}, conn.now())


def name_of(step: Step, run: Run) -> str:
    """One for each run and user."""
    return f"{NAME}-{sid_for(run.id, step.on.id)}"


def root(conn: AwsConnection) -> dict[str, Any]:
    """The organisation's one root. Raises Missing, Denied."""
    found = _rows(conn, "ListRoots", "Roots")
    if not found:
        raise Missing("the organisation shows no root")
    return dict(found[0])


def _enabled(found: dict[str, Any]) -> set[str]:
    return {str(t["Type"]) for t in found.get("PolicyTypes") or () if t.get("Status") == "ENABLED"}


def _rows(conn: AwsConnection, operation: str, field: str, **params: Any) -> list[dict[str, Any]]:
    """Organizations answers in one Region of each partition: botocore knows which."""
    return list(paged(conn, SERVICE, operation, field, "", mark="NextToken", **params))


def _id_of(conn: AwsConnection, name: str) -> str | None:
    found = _rows(conn, "ListPolicies", "Policies", Filter=SCP)
    return next((str(p["Id"]) for p in found if p.get("Name") == name), None)


def _ours(conn: AwsConnection, policy: str, step: Step, run: Run) -> bool:
    content = conn.call(SERVICE, "DescribePolicy", PolicyId=policy)["Policy"]["Content"]
    return bool(as_json(content) == document(sid_for(run.id, step.on.id), step.on.id))


def _unless(conn: AwsConnection, operation: str, so_already: tuple[str, ...], **params: Any) -> None:
    """It may be so already: a crash ate the answer to an earlier asking."""
    try:
        conn.call(SERVICE, operation, **params)
    except Fault as fault:
        if fault.code not in so_already or isinstance(fault, Denied):
            raise
