"""What a machine in Azure finds beside itself: tokens of its managed identities.

Microsoft docs: how-to-use-vm-token (the metadata service, IMDS), overview-managed-identity (App Service).
"""

from __future__ import annotations

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke_entra.sandbox.gate import EVERYTHING, Here
from nhi_revoke_entra.sandbox.routes_tokens import AUDIENCES
from nhi_revoke_entra.sandbox.state import Token

TABLE = Table()


@TABLE.route("GET", "/metadata/identity/oauth2/token", "-")
def of_virtual_machine(at: Here) -> Reply:
    """IMDS: nobody is asked for a secret, and the header keeps out what a browser or a redirect would send."""
    if at.asked.headers.get("metadata") != "true":
        raise Turned(400, "invalid_request", "Required metadata header not specified")
    if not {"resource", "api-version"} <= set(at.asked.query):
        raise Turned(400, "invalid_request", "Required query variable is missing")
    made = _token(at)
    if made is None:
        raise Turned(400, "invalid_request", "Identity not found")
    lives = int((made.expires - made.issued).total_seconds())
    return Reply(200, {**_told(at, made), "expires_in": str(lives)})


@TABLE.route("GET", "/msi/token", "-")
def of_app_service(at: Here) -> Reply:
    """The end is a moment here, and an error has a form of its own."""
    if (
        not at.gate.tenant.identity_header
        or at.asked.headers.get("x-identity-header") != at.gate.tenant.identity_header
    ):
        return Reply(401, {"statusCode": 401, "message": "The X-IDENTITY-HEADER is missing or wrong."})
    made = _token(at)
    if made is None:
        return Reply(400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found."})
    return Reply(200, _told(at, made))


def _token(at: Here) -> Token | None:
    tenant = at.gate.tenant
    principal = tenant.principals.get(tenant.hosted.get(at.asked.query.get("client_id", ""), ""))
    resource = AUDIENCES.get(at.asked.query.get("resource", "").rstrip("/"))
    if principal is None or resource is None or not principal.enabled.obeyed(at.now):
        return None
    roles = frozenset({EVERYTHING}) if principal.app_id in at.gate.operator else frozenset()
    return tenant.new_token(principal, resource, at.now, roles=roles)


def _told(at: Here, made: Token) -> dict[str, str]:
    return {
        "access_token": made.value,
        "client_id": at.gate.tenant.principals[made.app].app_id,
        "expires_on": str(int(made.expires.timestamp())),
        "resource": at.asked.query["resource"],
        "token_type": "Bearer",
    }
