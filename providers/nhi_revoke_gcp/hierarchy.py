"""What stands above a project, and the policies of each level: all of them hold for every account below.

facts gcp.md 1 (row 8), 7 (6, 21). Google Cloud docs: cloudresourcemanager v1 projects.getAncestry (all levels in one
answer, where v3 tells one parent at a time), v3 projects.get, getIamPolicy and setIamPolicy of projects, folders and
organizations. A level that the operator may not read is told by name, and the others are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.permissions import GET_POLICY_OF, SEE_PROJECT, SET_POLICY_OF
from nhi_revoke_gcp.policy import VERSION
from nhi_revoke_gcp.roles import is_own, meaning
from nhi_revoke_gcp.universe import RESOURCE_MANAGER

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

SORTS = {"folder": "folders", "organization": "organizations"}
WORDS = {"projects": "project", "folders": "folder", "organizations": "organisation"}


class Level(Struct, frozen=True):
    """One level: its policy, or why it could not be read."""

    resource: str
    """`projects/shop-prod`, `folders/123`, `organizations/456`."""
    policy: Any = None
    """google.iam.v1.policy_pb2.Policy."""
    unread: Fault | None = None

    @property
    def words(self) -> str:
        return words_of(self.resource)


class Hierarchy(Struct, frozen=True):
    """A project and what is above it, from the bottom."""

    levels: tuple[Level, ...]
    number: str = ""
    """The project's, by which Google names its own accounts there; empty where it could not be read."""
    roles: Mapping[str, str | Fault] = {}
    """What roles that stand in the project's own policy allow, as far as they had to be asked for."""
    above_unread: Fault | None = None
    """Why nothing above the project is known."""


def words_of(resource: str) -> str:
    """`folder 123`."""
    sort, _, name = resource.partition("/")
    return f"{WORDS.get(sort, sort)} {name}"


def sort_of(resource: str) -> str:
    """`projects`, `folders` or `organizations`."""
    return resource.partition("/")[0]


def read_hierarchy(
    conn: GcpConnection, project: str, beside: Callable[[], Any] = lambda: None
) -> tuple[Hierarchy, Any]:  # fmt: skip
    """Two requests deep. `beside`: another look that goes with the first of them; its answer, and what it raises.

    Never raises a denial of a level: each is told. Roles that the project's own policy names are asked for beside the
    levels above it.
    """
    own, above, number, other = conn.side_by_side(
        lambda: level(conn, f"projects/{project}"),
        lambda: told(lambda: ancestors(conn, project)),
        lambda: told(lambda: project_number(conn, project)),
        beside,
    )
    resources = [] if isinstance(above, Fault) else above
    roles = list(dict.fromkeys(b.role for b in own.policy.bindings if is_own(b.role))) if own.policy is not None else []
    looks: list[Callable[[], Any]] = [partial(level, conn, resource) for resource in resources]
    answers = conn.side_by_side(*looks, *(partial(meaning, conn, role) for role in roles))
    found = Hierarchy(
        (own, *answers[: len(resources)]),
        "" if isinstance(number, Fault) else str(number),
        dict(zip(roles, answers[len(resources) :], strict=True)),
        above if isinstance(above, Fault) else None,
    )
    conn.hierarchies[project] = found
    return found, other


def ancestors(conn: GcpConnection, project: str) -> list[str]:
    """Folders and the organisation, from the bottom. Raises Denied, Missing."""
    path = f"/v1/projects/{segment(project)}:getAncestry"
    body = conn.api(RESOURCE_MANAGER).ask(path, SEE_PROJECT, {}).body
    rows = [each.get("resourceId") or {} for each in (body or {}).get("ancestor") or ()]
    unknown = [str(row.get("type")) for row in rows if row.get("type") not in (*SORTS, "project")]
    if unknown or not rows:
        raise Rejected(f"what stands above project {project} is not told in words that are known: it was not read")
    return [f"{SORTS[row['type']]}/{row['id']}" for row in rows if row["type"] in SORTS]


def project_number(conn: GcpConnection, project: str) -> str:
    """Raises Denied, Missing."""
    row = conn.get(RESOURCE_MANAGER, f"/v3/projects/{segment(project)}", SEE_PROJECT)
    return str(row.get("name") or "").partition("/")[2]


def level(conn: GcpConnection, resource: str) -> Level:
    """Never raises a fault: it is told."""
    read = told(lambda: policy_at(conn, resource))
    return Level(resource, unread=read) if isinstance(read, Fault) else Level(resource, read)


def policy_at(conn: GcpConnection, resource: str, *, whole: bool = False) -> Any:
    """With its conditions and its etag. `whole`: it will be written back, so that nothing unknown may be in it.

    Raises Denied, Missing, and Rejected for what is no policy that is known.
    """
    from google.iam.v1 import policy_pb2
    from google.protobuf import json_format

    asked, needs = {"options": {"requestedPolicyVersion": VERSION}}, GET_POLICY_OF[sort_of(resource)]
    body = conn.api(RESOURCE_MANAGER).ask(f"/v3/{_path(resource)}:getIamPolicy", needs, asked).body
    try:
        return json_format.ParseDict(body or {}, policy_pb2.Policy(), ignore_unknown_fields=not whole)
    except json_format.ParseError:
        pass
    raise Rejected(f"the policy of {words_of(resource)} holds what this version does not know: nothing was changed")


def write_policy_at(conn: GcpConnection, resource: str, policy: Any) -> None:
    """Bindings alone, with the etag of what was read: `auditConfigs` stay as they are, whatever the vendor's own mask
    is. Raises Conflict where somebody was faster, Denied.
    """
    from google.protobuf import json_format

    whole = json_format.MessageToDict(policy)
    policy_body = {name: whole[name] for name in ("version", "etag", "bindings") if name in whole}
    body = {"policy": policy_body, "updateMask": "bindings,etag"}
    needs = SET_POLICY_OF[sort_of(resource)]
    path = f"/v3/{_path(resource)}:setIamPolicy"
    conn.api(RESOURCE_MANAGER).call("POST", path, needs=needs, body=body, again=True)


def _path(resource: str) -> str:
    sort, _, name = resource.partition("/")
    return f"{sort}/{segment(name)}"


def told(look: Callable[[], Any]) -> Any:
    """What it reads, or the fault."""
    try:
        return look()
    except Fault as fault:
        return fault
