"""Whether the operator may what a stage needs: testIamPermissions on the project, and on what stands above it.

It needs no permission itself and changes nothing; the answer names those that are held, whatever role or level they
come from. Deny policies count. One that is none of the resource's makes Google refuse the whole request (Google Cloud
docs: cloudresourcemanager v3 projects.testIamPermissions; iam/docs/testing-permissions).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Holding
from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.hierarchy import ancestors, sort_of, words_of
from nhi_revoke_gcp.universe import RESOURCE_MANAGER

A_BATCH = 100
OF = {"resourcemanager.folders.": "folders", "resourcemanager.organizations.": "organizations"}
"""Which sort of level a permission is of; all others are asked of the project, where what is granted above counts."""


def holds(conn: GcpConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """Raises what signing in raises. Each level that cannot be asked makes its own permissions unknown."""
    project = conn.scope
    if not project:
        why = "the check is of a project, and no account of nhi.toml names one"
        yield from (Holding(each, "unknown", "", why) for each in permissions)
        return
    by_sort = {sort: [each for each in permissions if _sort(each) == sort] for sort in ("projects", *OF.values())}
    yield from _on(conn, f"projects/{project}", by_sort["projects"])
    if by_sort["folders"] or by_sort["organizations"]:
        yield from _above(conn, project, by_sort)


def _sort(permission: str) -> str:
    return next((sort for start, sort in OF.items() if permission.startswith(start)), "projects")


def _above(conn: GcpConnection, project: str, by_sort: dict[str, list[str]]) -> Iterable[Holding]:
    """On every level: it is held where all of them say so."""
    try:
        levels = ancestors(conn, project)
    except Fault as fault:
        why = f"what stands above the project could not be read: {fault.message}"
        yield from (Holding(each, "unknown", "", why) for sort in OF.values() for each in by_sort[sort])
        return
    for sort in OF.values():
        mine = [each for each in levels if sort_of(each) == sort]
        if not mine:
            why = f"nothing of that sort stands above project {project}: it is not needed there"
            yield from (Holding(each, "held", "getAncestry", why) for each in by_sort[sort])
            continue
        told = [{one.permission: one for one in _on(conn, resource, by_sort[sort])} for resource in mine]
        for name in by_sort[sort]:
            each = [one[name] for one in told]
            yield next((one for state in ("missing", "unknown") for one in each if one.state == state), each[0])


def _on(conn: GcpConnection, resource: str, permissions: Sequence[str]) -> Iterable[Holding]:
    check = f"testIamPermissions on {words_of(resource)}"
    for start in range(0, len(permissions), A_BATCH):
        batch = permissions[start : start + A_BATCH]
        try:
            yield from _told(_tested(conn, resource, batch), batch, check)
        except Rejected:
            yield from _one_by_one(conn, resource, batch, check)
        except Fault as fault:
            yield from (Holding(each, "unknown", check, fault.message) for each in batch)


def _one_by_one(conn: GcpConnection, resource: str, batch: Sequence[str], check: str) -> Iterable[Holding]:
    """The request was refused as a whole: one of them is none that this resource has."""

    def ask(permission: str) -> Holding:
        try:
            return next(iter(_told(_tested(conn, resource, [permission]), [permission], check)))
        except Rejected:
            return Holding(permission, "unknown", check, f"Google does not test it on {words_of(resource)}")
        except Fault as fault:
            return Holding(permission, "unknown", check, fault.message)

    yield from conn.io.map(ask, batch)


def _told(had: set[str], batch: Sequence[str], check: str) -> Iterable[Holding]:
    return (Holding(each, "held" if each in had else "missing", check) for each in batch)


def _tested(conn: GcpConnection, resource: str, permissions: Sequence[str]) -> set[str]:
    sort, _, name = resource.partition("/")
    path = f"/v3/{sort}/{segment(name)}:testIamPermissions"
    body = {"permissions": list(permissions)}
    told = conn.ask(RESOURCE_MANAGER, path, "", body) or {}
    return {str(each) for each in told.get("permissions") or ()}
