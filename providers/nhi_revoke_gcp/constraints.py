"""What an account's organisation says of its tokens and keys: effective policies, as its project has them.

facts gcp.md 1 (row 3), 4 and 7 (25): an hour for a token, up to twelve where the account is allowed it; constraints
that let nobody make a key of a sort. Google Cloud docs: orgpolicy/projects.policies/getEffectivePolicy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.named import Named
from nhi_revoke_gcp.permissions import READ_CONSTRAINTS
from nhi_revoke_gcp.universe import ORG_POLICY

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

EXTENDED = "iam.allowServiceAccountCredentialLifetimeExtension"
NO_KEYS = ("iam.disableServiceAccountKeyCreation", "iam.managed.disableServiceAccountKeyCreation")
NO_UPLOADS = ("iam.disableServiceAccountKeyUpload", "iam.managed.disableServiceAccountKeyUpload")
NO_HMAC = "iam.managed.disableServiceAccountKeyCreation"
"""The managed one forbids HMAC keys, too (Google Cloud docs: organization-policy/restrict-service-accounts)."""
NO_API_KEYS = "iam.managed.disableServiceAccountApiKeyCreation"
"""Forbids API keys bound to an account, but those for the services that its parameter `allowedServices` names (Google
Cloud docs: docs/authentication/api-keys)."""
HOUR, LONGEST = 3600.0, 43200.0
"""Seconds that an access token lives: by default, and where a policy lets the account have longer ones."""


class Constraints(Struct, frozen=True):
    """`unread`: why the policies are not known, and then the worst of them is taken to hold for tokens."""

    seconds: float = HOUR
    no_keys: str = ""
    """The constraint that lets nobody make a key; empty where none was seen."""
    no_uploads: str = ""
    """The constraint that lets nobody upload one."""
    no_hmac: str = ""
    """Likewise, of HMAC keys."""
    no_api_keys: str = ""
    """Likewise, of API keys, but for `api_services`."""
    api_services: tuple[str, ...] = ()
    unread: str = ""
    needs: str = ""


def read_constraints(conn: GcpConnection, named: Named) -> Constraints:
    """Never raises a denial: it is told."""
    if named.agent or not named.project:
        return Constraints()
    wanted = (EXTENDED, *NO_KEYS, *NO_UPLOADS, NO_API_KEYS)
    try:
        found = dict(zip(wanted, conn.io.map(lambda each: _rules(conn, named.project, each), wanted), strict=True))
    except Denied as denied:
        return Constraints(LONGEST, unread=denied.message, needs=denied.needs or READ_CONSTRAINTS)
    except Fault as fault:
        return Constraints(LONGEST, unread=fault.message, needs=READ_CONSTRAINTS)
    extended = any(_allows(rule, named.email) for rule in found[EXTENDED])
    no_keys, no_uploads = (
        next((each for each in named_so if any(_forbids(rule) for rule in found[each])), "")
        for named_so in (NO_KEYS, NO_UPLOADS)
    )
    hmac = any(_forbids(rule) for rule in found[NO_HMAC])
    bound = [rule for rule in found[NO_API_KEYS] if _forbids(rule)]
    return Constraints(
        seconds=LONGEST if extended else HOUR,
        no_keys=no_keys,
        no_uploads=no_uploads,
        no_hmac=NO_HMAC if hmac else "",
        no_api_keys=NO_API_KEYS if bound else "",
        api_services=tuple(service for rule in bound for service in _services(rule)),
    )


def _rules(conn: GcpConnection, project: str, constraint: str) -> list[Mapping[str, Any]]:
    path = f"/v2/projects/{segment(project)}/policies/{constraint}:getEffectivePolicy"
    try:
        body = conn.get(ORG_POLICY, path, READ_CONSTRAINTS)
    except Missing:
        return []
    return list((body.get("spec") or {}).get("rules") or ())


def _forbids(rule: Mapping[str, Any]) -> bool:
    """Where it has a condition nobody here knows whether it is met: Google says so when a key is asked for."""
    return bool(rule.get("enforce")) and not rule.get("condition")


def _services(rule: Mapping[str, Any]) -> list[str]:
    """That API keys may be made for all the same."""
    return [str(each) for each in (rule.get("parameters") or {}).get("allowedServices") or ()]


def _allows(rule: Mapping[str, Any], email: str) -> bool:
    """A list constraint: all values, or this account's. A condition counts as met, and so does a value that stands for
    many (`in:`, `under:`; discovery document orgpolicy.v2): a release that comes too early cannot be taken back. `is:`
    before a value changes nothing.
    """
    allowed = [str(each).lower() for each in (rule.get("values") or {}).get("allowedValues") or ()]
    many = any(each.startswith(("in:", "under:")) for each in allowed)
    return bool(rule.get("allowAll")) or many or email in {each.removeprefix("is:") for each in allowed}
