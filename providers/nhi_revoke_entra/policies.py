"""What the tenant lets nobody add to an app: policies on new secrets, and on how long secrets and certificates last.

facts entra.md 2 (appManagementPolicies). Microsoft docs: applicationauthenticationmethodpolicy: the tenant's default
holds for every application, until one has a policy of its own, which inherits nothing; either may be for apps alone
that were created on or after a day. That a policy of its own which is switched off leaves the default is recalled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.permissions import READ_POLICIES

if TYPE_CHECKING:
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.ref import Json
    from nhi_revoke_entra.connection import EntraConnection

LIMITS, UNREAD = "limits", "limits_unread"
"""Names of facts of a principal: what holds for its application; why that is not known."""
DEFAULT = "/policies/defaultAppManagementPolicy"
ADDITION, LIFETIME, KEY_LIFETIME = "passwordAddition", "passwordLifetime", "asymmetricKeyLifetime"
KNOWN = (ADDITION, LIFETIME, KEY_LIFETIME, "customPasswordAddition", "symmetricKeyAddition", "symmetricKeyLifetime")
DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
SECONDS = (365 * 86400, 28 * 86400, 7 * 86400, 86400, 3600, 60, 1)
"""Of a year, a month …: never longer than Entra may count them."""
MARGIN = 120.0
"""Seconds: Entra's clock may begin a lifetime before ours does."""


class Policies(Struct, frozen=True):
    """As they were read."""

    default: dict[str, Any]
    own: tuple[dict[str, Any], ...] = ()


class Limits(Struct, frozen=True):
    """What holds for one application."""

    no_secrets: str = ""
    """The policy that lets nobody add a client secret; empty where none does."""
    exempts: bool = False
    """Some actors may all the same: whether the operator is one of them is not told."""
    secret: float | None = None
    """Seconds that a new client secret may last; None: as long as is asked for."""
    certificate: float | None = None
    unknown: str = ""
    """A restriction on certificates that is not known here: it may refuse one that signs itself."""


def read_policies(conn: EntraConnection, application: str) -> Policies:
    """`application`: object id. Raises the faults of the contract."""
    default, own = conn.side_by_side(
        lambda: conn.get(DEFAULT, READ_POLICIES),
        lambda: _own(conn, f"/applications/{application}/appManagementPolicies"),
    )
    return Policies(default, tuple(own))


def _own(conn: EntraConnection, path: str) -> list[dict[str, Any]]:
    try:
        return list(conn.rows(path, READ_POLICIES))
    except Missing:
        return []


def limits(policies: Policies, created: datetime | None) -> Limits:
    """Pure. `created`: the application; None: every restriction counts. Raises Rejected for a time that is none."""
    own = next((policy for policy in policies.own if policy.get("isEnabled")), None)
    policy = own or policies.default
    if not policy.get("isEnabled"):
        return Limits()
    rules = policy.get("restrictions" if own else "applicationRestrictions") or {}
    name = f"the policy {policy.get('displayName')!r}" if own else "the tenant's policy on apps"
    blocks = [rule for rule in _holding(rules, "passwordCredentials", created) if _type(rule) == ADDITION]
    keys = list(_holding(rules, "keyCredentials", created))
    return Limits(
        no_secrets=name if blocks else "",
        exempts=any(rule.get("excludeActors") for rule in blocks),
        secret=_shortest(_holding(rules, "passwordCredentials", created), LIFETIME),
        certificate=_shortest(iter(keys), KEY_LIFETIME),
        unknown=name if any(_type(rule) not in KNOWN for rule in keys) else "",
    )


def told(limited: Limits) -> Json:
    """As a fact of a principal."""
    kept: Json = {
        "no_secrets": limited.no_secrets,
        "exempts": limited.exempts,
        "secret": limited.secret,
        "certificate": limited.certificate,
        "unknown": limited.unknown,
    }
    return {name: value for name, value in kept.items() if value}


def limits_of(who: Principal) -> Limits:
    """From the principal's facts; without limits where none were told."""
    facts: Mapping[str, Any] = who.facts.get(LIMITS) or {}
    return Limits(**facts)


def lasts(wanted: timedelta, at_most: float | None) -> float:
    """Seconds that a new credential is made for."""
    seconds = wanted.total_seconds()
    return seconds if at_most is None else min(seconds, max(at_most - MARGIN, at_most / 2))


def seconds_of(duration: str) -> float:
    """ISO 8601, `P90D`. Raises Rejected for what is none."""
    found = DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        raise Rejected("a policy on apps names a lifetime that cannot be read: nothing of it was taken for known")
    return float(sum(int(number or 0) * each for number, each in zip(found.groups(), SECONDS, strict=True)))


def _holding(rules: Mapping[str, Any], of: str, created: datetime | None) -> Iterator[Mapping[str, Any]]:
    for rule in rules.get(of) or ():
        after = moment(rule.get("restrictForAppsCreatedAfterDateTime"))
        old = after is not None and created is not None and created < after
        if str(rule.get("state") or "enabled") != "disabled" and not old:
            yield rule


def _shortest(rules: Iterator[Mapping[str, Any]], kind: str) -> float | None:
    return min((seconds_of(str(rule.get("maxLifetime"))) for rule in rules if _type(rule) == kind), default=None)


def _type(rule: Mapping[str, Any]) -> str:
    return str(rule.get("restrictionType") or "")
