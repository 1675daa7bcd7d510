"""Whether the operator may what a stage needs: a service app's scopes and roles, or the roles of an API token's owner.

Okta docs: implement-oauth-for-okta-serviceapp (the token endpoint refuses what is not granted; an admin role is needed
besides), create-an-api-token (a token may what its owner may), roles. What a role that is not SUPER_ADMIN allows of
each endpoint is nowhere told in these words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.right import Held, Holding
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.rights.documents import SUPER
from nhi_revoke_okta.scopes import ROLES

BY_SCOPE = "the token endpoint, which was asked for each scope, and the app's admin roles"
BY_ROLE = "the admin roles of the API token's owner"


def holds(conn: OktaConnection, permissions: Sequence[str]) -> Iterable[Holding]:
    """Raises what signing in raises."""
    app = conn.service_app()
    if app is None:
        state, why = _by_role(conn, f"/api/v1/users/{segment(conn.whoami()[0].id)}/roles")
        yield from (Holding(each, state, BY_ROLE, why) for each in permissions)
        return
    granted = {each: app.grants(each) for each in permissions}
    state, why = _by_role(conn, f"/oauth2/v1/clients/{segment(app.client_id)}/roles")
    for each, had in granted.items():
        if not had:
            yield Holding(each, "missing", BY_SCOPE, "the scope is not granted to the operator's app")
        else:
            yield Holding(each, state, BY_SCOPE, why and f"the scope is granted; {why}")


def _by_role(conn: OktaConnection, path: str) -> tuple[Held, str]:
    """What the admin roles say of everything."""
    try:
        roles = sorted({str(row.get("type") or "") for row in conn.rows(path, ROLES.read)})
    except (Denied, Missing) as fault:
        return "unknown", f"which admin roles there are was not told ({fault.message})"
    except Fault as fault:
        return "unknown", fault.message
    if SUPER in roles:
        return "held", ""
    if not roles:
        return "missing", "there is no admin role"
    return "unknown", f"what the role {', '.join(roles)} allows of it is told by nothing: only {SUPER} allows it all"
