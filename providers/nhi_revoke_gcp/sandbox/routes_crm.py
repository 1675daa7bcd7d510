"""What Resource Manager and IAM answer of levels, their policies, roles, and the accounts of a project.

facts gcp.md 7 (6, 12, 20, 21). Google Cloud docs: cloudresourcemanager v1 and v3, iam v1.
"""

from __future__ import annotations

from typing import Any

from nhi_revoke.provider.sandbox.rest import Reply, Table
from nhi_revoke_gcp.hierarchy import sort_of
from nhi_revoke_gcp.permissions import GET_POLICY_OF, GET_ROLE, LIST_ACCOUNTS, SEE_PROJECT, SET_POLICY_OF
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, is_off

TABLE = Table()
MOST_TESTED = 100
SORT_OF_LEVELS = {"projects": 1, "folders": 2, "organizations": 3}
SORTS = {"folders": "folder", "organizations": "organization"}


def _on(at: Here, api: str = "cloudresourcemanager") -> None:
    """Raises Refused where the API is off."""
    if api in at.gate.cloud.off:
        raise is_off(api)


def _no(what: str) -> Refused:
    """What is not there reads as a denial."""
    return Refused("PERMISSION_DENIED", f"The caller does not have permission (or it may not exist): {what}")


def _id(at: Here, project: str) -> str:
    """A project may be named by its number, too."""
    numbers = at.gate.cloud.levels.numbers
    return next((each for each, number in numbers.items() if number == project), project)


@TABLE.route("POST", "/v1/projects/<project>:getAncestry", SEE_PROJECT, mutates=False)
def ancestry(at: Here, project: str) -> Reply:
    _on(at)
    project = _id(at, project)
    above = at.gate.cloud.levels.above.get(project)
    if above is None:
        raise _no(project)
    rows = [{"resourceId": {"type": "project", "id": project}}]
    for resource in above:
        sort, _, name = resource.partition("/")
        rows.append({"resourceId": {"type": SORTS[sort], "id": name}})
    return Reply(200, {"ancestor": rows})


@TABLE.route("GET", "/v3/projects/<project>", SEE_PROJECT)
def project(at: Here, project: str) -> Reply:
    _on(at)
    levels = at.gate.cloud.levels
    if project not in levels.numbers:
        raise _no(project)
    row = {"name": f"projects/{levels.numbers[project]}", "projectId": project, "state": "ACTIVE"}
    return Reply(200, {**row, **({"parent": levels.above[project][0]} if levels.above[project] else {})})


def _policy(at: Here, resource: str) -> Reply:
    """Below version 3 conditions are not told (facts gcp.md 7, 6)."""
    from google.protobuf import json_format

    _on(at)
    held = at.gate.cloud.levels.policies.get(resource)
    if held is None:
        raise _no(resource)
    out = type(held.shown)()
    out.CopyFrom(held.shown)
    if int((at.asked.json.get("options") or {}).get("requestedPolicyVersion") or 0) < 3:
        for binding in out.bindings:
            binding.ClearField("condition")
        out.version = 1
    return Reply(200, json_format.MessageToDict(out))


def _write(at: Here, resource: str) -> Reply:
    """Of the policy what the mask names: bindings and etag, where it names nothing (SetIamPolicyRequest.updateMask)."""
    from google.iam.v1 import policy_pb2
    from google.protobuf import json_format

    _on(at)
    levels = at.gate.cloud.levels
    held = levels.policies.get(resource)
    if held is None:
        raise _no(resource)
    told: dict[str, Any] = at.asked.json.get("policy") or {}
    policy = json_format.ParseDict(told, policy_pb2.Policy())
    if policy.etag and policy.etag != held.shown.etag:
        raise Refused("ABORTED", "There were concurrent policy changes.")
    if any(b.condition.expression for b in policy.bindings) and policy.version < 3:
        raise Refused("INVALID_ARGUMENT", "A policy with conditions is of version 3.")
    if "auditConfigs" not in str(at.asked.json.get("updateMask") or "bindings,etag").split(","):
        del policy.audit_configs[:]
        policy.audit_configs.extend(held.shown.audit_configs)
    new = levels.write(resource, policy, at.now, at.gate.cloud.write_lag)
    return Reply(200, json_format.MessageToDict(new))


@TABLE.route("POST", "/v3/projects/<name>:getIamPolicy", GET_POLICY_OF["projects"], mutates=False)
def project_policy(at: Here, name: str) -> Reply:
    return _policy(at, f"projects/{name}")


@TABLE.route("POST", "/v3/folders/<name>:getIamPolicy", GET_POLICY_OF["folders"], mutates=False)
def folder_policy(at: Here, name: str) -> Reply:
    return _policy(at, f"folders/{name}")


@TABLE.route("POST", "/v3/organizations/<name>:getIamPolicy", GET_POLICY_OF["organizations"], mutates=False)
def organization_policy(at: Here, name: str) -> Reply:
    return _policy(at, f"organizations/{name}")


@TABLE.route("POST", "/v3/projects/<name>:setIamPolicy", SET_POLICY_OF["projects"])
def write_project_policy(at: Here, name: str) -> Reply:
    return _write(at, f"projects/{name}")


@TABLE.route("POST", "/v3/folders/<name>:setIamPolicy", SET_POLICY_OF["folders"])
def write_folder_policy(at: Here, name: str) -> Reply:
    return _write(at, f"folders/{name}")


@TABLE.route("POST", "/v3/organizations/<name>:setIamPolicy", SET_POLICY_OF["organizations"])
def write_organization_policy(at: Here, name: str) -> Reply:
    return _write(at, f"organizations/{name}")


def _permitted(at: Here, resource: str) -> Reply:
    """It needs no permission. Of what is not there nothing is allowed; what is none of its permissions is refused."""
    _on(at)
    if resource not in at.gate.cloud.levels.policies:
        raise _no(resource)
    asked = [str(each) for each in at.asked.json.get("permissions") or ()]
    if len(asked) > MOST_TESTED or any(_strange(each, resource) for each in asked):
        raise Refused("INVALID_ARGUMENT", "A permission is not valid for this resource.")
    had = [each for each in asked if at.gate.lets(at.caller, each)]
    return Reply(200, {"permissions": had} if had else {})


def _strange(permission: str, resource: str) -> bool:
    """Of a level that is none of this one's, or of what stands below it."""
    sort = permission.removeprefix("resourcemanager.").partition(".")[0]
    return permission.startswith("resourcemanager.") and SORT_OF_LEVELS.get(sort, 0) > SORT_OF_LEVELS[sort_of(resource)]


@TABLE.route("POST", "/v3/projects/<name>:testIamPermissions", "", mutates=False)
def permitted(at: Here, name: str) -> Reply:
    return _permitted(at, f"projects/{_id(at, name)}")


@TABLE.route("POST", "/v3/folders/<name>:testIamPermissions", "", mutates=False)
def permitted_in_folder(at: Here, name: str) -> Reply:
    return _permitted(at, f"folders/{name}")


@TABLE.route("POST", "/v3/organizations/<name>:testIamPermissions", "", mutates=False)
def permitted_in_organization(at: Here, name: str) -> Reply:
    return _permitted(at, f"organizations/{name}")


def _role(at: Here, name: str) -> Reply:
    held = at.gate.cloud.levels.roles.get(name)
    if held is None:
        raise Refused("NOT_FOUND", "The role was not found.")
    row = {"name": name, "title": name.rpartition("/")[2], "stage": "GA", "etag": "Yg=="}
    return Reply(200, {**row, **({"includedPermissions": list(held)} if held else {})})


@TABLE.route("GET", "/v1/projects/<project>/roles/<role>", GET_ROLE)
def project_role(at: Here, project: str, role: str) -> Reply:
    return _role(at, f"projects/{project}/roles/{role}")


@TABLE.route("GET", "/v1/organizations/<organization>/roles/<role>", GET_ROLE)
def organization_role(at: Here, organization: str, role: str) -> Reply:
    return _role(at, f"organizations/{organization}/roles/{role}")


@TABLE.route("GET", "/v1/projects/<project>/serviceAccounts", LIST_ACCOUNTS)
def accounts(at: Here, project: str) -> Reply:
    """20 on a page, 100 at most (facts gcp.md 7, 12)."""
    rows = []
    for account in at.gate.cloud.accounts.values():
        if account.project == project:
            row = {
                "name": account.resource,
                "projectId": account.project,
                "uniqueId": account.unique_id,
                "email": account.email,
                "displayName": account.name,
                "oauth2ClientId": account.unique_id,
            }
            told = {"description": account.description} if account.description else {}
            rows.append({**row, **told, **({"disabled": True} if account.disabled.shown else {})})
    return Reply(200, rows, rows=True, default=20, most=100, under="accounts")
