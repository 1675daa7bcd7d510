"""What a reference names: enough for paths and ids. State is never kept here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke_gcp.naming import account_of, is_account, is_agent, project_of, resource_of
from nhi_revoke_gcp.permissions import GET_ACCOUNT

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection


class Named(Struct, frozen=True):
    """One service account."""

    email: str
    unique_id: str
    """Another one once it is deleted and made again under the same address (facts gcp.md 7, 5)."""
    project: str
    resource: str
    """`projects/PROJECT/serviceAccounts/EMAIL`, with its real project."""
    client_id: str = ""
    """By which an administrator finds its domain-wide delegation."""
    agent: bool = False
    """Google's own: nothing of it was asked."""


def look_up(conn: GcpConnection, ref: PrincipalRef) -> Named:
    """Raises Missing, Denied. Of a service agent nothing is asked: it is in no project of a customer's."""
    if is_agent(account_of(ref)):
        return Named(account_of(ref), "", project_of(ref), resource_of(ref), agent=True)
    row = account_at(conn, resource_of(ref)) if is_account(ref.id) else None
    if row is None:
        raise Missing(
            f"{ref}: no such service account",
            hint="Type its whole e-mail address, its unique id, or projects/PROJECT/serviceAccounts/EMAIL.",
        )
    email, project = str(row.email).lower(), str(row.project_id)
    return Named(
        email,
        str(row.unique_id),
        project,
        f"projects/{project}/serviceAccounts/{email}",
        str(row.oauth2_client_id),
    )


def account_at(conn: GcpConnection, resource: str) -> Any | None:
    """The account as it is now; None where there is none. Raises Denied."""
    try:
        return conn.iam.read("get_service_account", {"name": resource}, GET_ACCOUNT)
    except Missing:
        return None
    except Denied as denied:
        if "/-/" not in f"{resource}/" or denied.hint:
            raise
        hint = "Without its project an account that is not there reads alike: type projects/PROJECT/serviceAccounts/…"
        raise Denied(denied.message, needs=denied.needs, code=denied.code, hint=hint) from None
