"""Which projects are looked through besides an account's own: those that the settings name, else all that are seen.

facts gcp.md 1 (row 7) and 7 (4, 20, 21): a bound key may live in another project than its account, and no list of an
account's keys goes over projects. Google Cloud docs: cloudresourcemanager projects.search.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke_gcp.permissions import SEE_PROJECT
from nhi_revoke_gcp.universe import RESOURCE_MANAGER

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

MOST = 100
"""Projects that are looked through where nobody named any; the bound is ours."""
PAGE = 500
SEARCH = "/v3/projects:search"
LIVING = "state:ACTIVE"
NAMED = "name those that matter: projects in [gcp] of nhi.toml"


class Places(Struct, frozen=True):
    """Where to look, and what that leaves out."""

    projects: tuple[str, ...] = ()
    named: bool = False
    """By the settings: nothing was searched."""
    left_out: str = ""
    """What is known to be there and was not looked at; empty for nothing."""
    needs: str = ""

    @property
    def beyond(self) -> str:
        """Where else there may always be something, of which nothing is known."""
        if self.named:
            return "projects that `projects` in [gcp] of nhi.toml does not name"
        return "projects that this operator does not see"


def seen_projects(conn: GcpConnection, most: int) -> tuple[tuple[str, ...], bool]:
    """Ids of those that the operator sees, no more than so many; and whether there are others. Raises Denied."""
    rows = conn.rows(RESOURCE_MANAGER, SEARCH, "projects", SEE_PROJECT, query=LIVING, pageSize=PAGE)
    seen = tuple(str(row["projectId"]) for row in islice(rows, most + 1))
    return seen[:most], len(seen) > most


def other_projects(conn: GcpConnection) -> Places:
    """The account's own is not left out. Never raises a denial: it is told."""
    if conn.settings.projects:
        return Places(tuple(dict.fromkeys(conn.settings.projects)), named=True)
    try:
        seen, more = seen_projects(conn, MOST)
    except Denied as denied:
        needs = f"{denied.needs or SEE_PROJECT}; or {NAMED}"
        return Places(left_out=f"other projects: {denied.message}", needs=needs)
    except Fault as fault:
        return Places(left_out=f"other projects: {fault.message}", needs=SEE_PROJECT)
    if more:
        told = f"more than {MOST} projects that this operator sees: those beyond were not looked at"
        return Places(seen, left_out=told, needs=NAMED)
    return Places(seen)
