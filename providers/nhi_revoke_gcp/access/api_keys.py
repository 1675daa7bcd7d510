"""API keys as the API Keys API shows them: those bound to an account, deleted ones too, and what each change leaves.

facts gcp.md 1 (row 7) and 7 (12, 13, 20): a listing is of one project, in pages, and knows no filter; what deletes,
undeletes and creates answers with an operation, and is done some time later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.quiet import hush
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.operations import under_way
from nhi_revoke_gcp.permissions import DELETE_API_KEY, LIST_API_KEYS, LOOK_UP_API_KEY
from nhi_revoke_gcp.universe import API_KEYS

KIND = "gcp:api-key"
NAME = re.compile(r"projects/(?P<project>[A-Za-z0-9:.-]+)/locations/global/keys/(?P<key>[A-Za-z0-9-]+)")
PAGE = 300
"""Keys that a project may have (Google Cloud docs: docs/authentication/api-keys)."""
LIVE, DELETED, GONE = "live", "deleted", "gone"
LOOK_UP = "/v2/keys:lookupKey"
TELLS_ADDRESSES = ("httpx",)
"""Loggers."""


def path(project: str) -> str:
    return f"/v2/projects/{segment(project)}/locations/global/keys"


def path_of(name: str) -> str:
    """Of one key. Raises Rejected for what is no name of a key: it is Google's answer that becomes a path."""
    if not NAME.fullmatch(name):
        raise Rejected("Google Cloud names an API key in a form that is not its own: nothing was asked")
    return f"/v2/{name}"


def key_of(text: str) -> str:
    """The key's own id, of its name or of an access id."""
    return text.rpartition("/")[2]


def project_of(name: str) -> str:
    """The number of its project. Raises Rejected for what is no name of a key."""
    return path_of(name).split("/")[3]


def access_id(name: str) -> AccessId:
    """Google's ids of keys are unique by themselves; names hold the project's number, whatever it was asked by."""
    return f"{KIND}/{key_of(name)}"


def every(conn: GcpConnection, project: str) -> Iterator[dict[str, Any]]:
    """Of one project, standard and deleted ones, too. Raises Denied, and Missing for no such project."""
    asked: dict[str, Any] = {"showDeleted": "true", "pageSize": PAGE}
    return conn.rows(API_KEYS, path(project), "keys", LIST_API_KEYS, **asked)


def bound_in(conn: GcpConnection, project: str, email: str) -> dict[str, Mapping[str, Any]]:
    """Of one project, by name: those of this account. Raises what `every` raises."""
    return {str(row["name"]): row for row in every(conn, project) if account_of(row) == email}


def account_of(row: Mapping[str, Any]) -> str:
    """Whom it is bound to; empty for a standard key, which is nobody's."""
    return str(row.get("serviceAccountEmail") or "").lower()


def services_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The services it is restricted to; none: every one that takes bound keys."""
    targets = (row.get("restrictions") or {}).get("apiTargets") or ()
    return tuple(str(each.get("service")) for each in targets if each.get("service"))


def state_of(row: Mapping[str, Any] | None) -> str:
    """One that is gone was deleted more than 30 days ago."""
    if row is None:
        return GONE
    return DELETED if row.get("deleteTime") else LIVE


def row_of(conn: GcpConnection, step: Step) -> Mapping[str, Any] | None:
    """The key that a step is about; None where it is gone, or its project is. Raises Denied."""
    return rows_of(conn, step).get(str(step.before["name"]))


def rows_of(conn: GcpConnection, step: Step) -> dict[str, Mapping[str, Any]]:
    """All of the account's in the project that a step is about. Raises Denied."""
    try:
        return bound_in(conn, str(step.before["project"]), str(step.before["email"]))
    except Missing:
        return {}


def delete(conn: GcpConnection, name: str) -> str:
    """Deletes it softly; what is under way. Safe to repeat. Raises Missing, Denied, Rejected.

    Without an etag: whoever changes the key's display name meanwhile does not keep it alive, and nothing that a key can
    be changed to makes it another account's. `SKIP` is what Google does by default: a key in use is deleted, too.
    """
    asked = {"checkExistingUsage": "SKIP"}
    return under_way(conn.api(API_KEYS).call("DELETE", path_of(name), query=asked, needs=DELETE_API_KEY).body)


def looked_up(conn: GcpConnection, value: str) -> tuple[str, str]:
    """Which key a key string is: its name, empty for one that was purged, and its project's.

    Google takes the string in the query alone (facts gcp.md 1, row 7). Our own messages and journals hold paths without
    their queries; httpx tells whole addresses at INFO, and is kept from it. Raises Denied, Missing, Rejected.
    """
    hush(TELLS_ADDRESSES, logging.WARNING)
    body = conn.get(API_KEYS, LOOK_UP, LOOK_UP_API_KEY, keyString=value)
    return str(body.get("name") or ""), str(body.get("parent") or "")
