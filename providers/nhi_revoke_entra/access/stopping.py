"""Whether the service principal is disabled in this run, and which credentials that holds instead of a removal. Pure.

facts entra.md 0, 2 and 3: to disable it is the only change of which a resource with CAE hears. A secret, a certificate
cannot be disabled by itself: it is removed, which nothing takes back, so that its removal waits while the brake holds.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.kind import View
from nhi_revoke_entra.named import APPLICATIONS, ORPHANED, SERVICE_PRINCIPALS
from nhi_revoke_entra.policies import limits_of

SERVICE_PRINCIPAL = "entra:service-principal"
APPLICATION = "entra:application"
SECRET, CERTIFICATE = "entra:client-secret", "entra:certificate"
FEDERATED = "entra:federated-credential"
REMOVED = (SECRET, CERTIFICATE)
"""Kinds whose accesses cannot be disabled, and not made again."""
ENDED = (*(f"{kind}/{how}" for kind in REMOVED for how in ("remove", "retire")), f"{FEDERATED}/remove")
"""What ends a credential for good, or takes a trust away: goes before a brake that would let it in is released."""
STOPS = (f"{SERVICE_PRINCIPAL}/disable", "entra:user/disable")
"""What stops a principal: whatever rights it has that were not seen, a token of it that lives alone may use them, and
until when one may is told."""
MADE = tuple(f"{kind}/create" for kind in REMOVED)
"""What makes the replacement, before which nothing is retired."""
NOUNS = {SECRET: "client secret", CERTIFICATE: "certificate", FEDERATED: "federated credential"}
INSTEAD = (
    "deliver a certificate instead (from = 'entra:certificate'), trust a federated credential, or let an administrator "
    "except the app from the policy while the incident lasts, then again"
)
LOCKED = (
    "not replaced: the app is locked (app instance property lock), so that nobody ends what signs in on its service "
    "principal: take the lock off (App registrations, Authentication, App instance property lock), then again"
)
ONE_TENANT = frozenset({"", "AzureADMyOrg"})


class Brake(Struct, frozen=True):
    """Whether the service principal is disabled, and what must be read before consenting."""

    on: bool
    said: tuple[Notice, ...] = ()


def brake_of(view: View, intent: Intent) -> Brake:
    """`auto`: in every containment of everything, since nothing else ends a token that lives."""
    if intent.order != "contain" or not view.of(SERVICE_PRINCIPAL):
        return Brake(on=False)
    if intent.brake == "on":
        return Brake(on=True)
    why = f"tokens of {view.who.name} that are out live on, up to 24 hours at Microsoft Graph"
    if intent.brake == "off":
        return Brake(on=False, said=(Notice(view.who.ref, f"{why}; --brake off leaves it enabled", "danger"),))
    if intent.scope != "all":
        said = f"{why}; --scope {intent.scope} leaves it enabled, and --scope all disables it"
        return Brake(on=False, said=(Notice(view.who.ref, said, "danger"),))
    said = f"{view.who.name} is disabled until `release` (brake auto; --brake off leaves it enabled)"
    return Brake(on=True, said=(Notice(view.who.ref, said, "warning"),))


def is_multi_tenant(view: View) -> bool:
    """Whether the application is ours, and other tenants may have a service principal of it."""
    return bool(view.who.facts.get("application")) and str(view.who.facts.get("audience") or "") not in ONE_TENANT


def is_deactivated(view: View, intent: Intent) -> bool:
    """Whether this run deactivates the application for every tenant. Of a single-tenant app the service principal is
    brake enough.
    """
    wanted = intent.brake == "on" or (intent.brake == "auto" and intent.scope == "all")
    return intent.order == "contain" and wanted and is_multi_tenant(view) and bool(view.of(APPLICATION))


def is_replaced(view: View, intent: Intent) -> bool:
    """Whether this run makes a new one of anything, and so releases its brake itself."""
    return any(is_made(view, intent, kind) for kind in REMOVED)


def is_made(view: View, intent: Intent, kind: str) -> bool:
    """Whether this run makes a new one of this kind.

    What appears while it works is drafted with `rotate` set to no: what is to be replaced says enough.
    """
    wanted = _is_to_be_replaced(view, intent, kind) and _takes_a_place(view, intent, kind)
    return wanted and not unreplaced_because(view, intent, kind)


def _takes_a_place(view: View, intent: Intent, kind: str) -> bool:
    """Whether one of its kind is ended. In a containment a certificate also takes the place of secrets of which none is
    made anew: because nobody may add one, or nobody wants one.
    """
    if any(a.opens and intent.covers(a) for a in view.of(kind)):
        return True
    if kind != CERTIFICATE or intent.order != "contain":
        return False
    return any(a.opens and intent.covers(a) for a in view.of(SECRET)) and not is_made(view, intent, SECRET)


def unreplaced_because(view: View, intent: Intent, kind: str) -> str:
    """Why there can be no new one, though there is a place for it; empty where there can, or nobody wants one."""
    if not _is_to_be_replaced(view, intent, kind):
        return ""
    noun, limited = NOUNS[kind], limits_of(view.who)
    # In a containment the brake is released for it, and would free whatever nobody saw.
    looked_for = (*REMOVED, FEDERATED) if intent.order == "contain" else (kind,)
    if unseen := [b.kind for b in view.blind if b.kind in looked_for and b.counts]:
        return f"not replaced: the {NOUNS[unseen[0]]}s could not be listed, so the old ones would stay"
    if view.who.facts.get(ORPHANED):
        return f"not replaced: its application, on which a {noun} is made, was deleted: restore it, and end what it has"
    if not view.who.facts.get("application"):
        return f"not replaced: the app belongs to another tenant, whose owner alone gives it a {noun}"
    if kind == SECRET and limited.no_secrets and not limited.exempts:
        return f"not replaced: {limited.no_secrets} lets nobody add a client secret to this app: {INSTEAD}"
    if view.who.facts.get("locked") and any(_is_on_principal(a) and is_wanted(a, intent) for a in _removed(view)):
        return LOCKED
    if intent.rotate != "no" and not view.who.facts.get("enabled"):
        why = "not replaced: the service principal was disabled before, and gets no token to prove a new one with"
        return f"{why}: release it, or enable it, first"
    if intent.rotate != "no" and view.who.facts.get("deactivated"):
        return "not replaced: the application was deactivated before, and gets no token: activate it first"
    return ""


def _removed(view: View) -> tuple[Access, ...]:
    return tuple(access for kind in REMOVED for access in view.of(kind))


def _is_on_principal(access: Access) -> bool:
    return str(access.before.get("place")) == SERVICE_PRINCIPALS


def _is_to_be_replaced(view: View, intent: Intent, kind: str) -> bool:
    """A delivery is meant for this principal."""
    if kind not in intent.replace or intent.reason is Reason.OFFBOARDING:
        return False
    if intent.order == "contain" and intent.brake == "on":
        return False
    mine = {"", str(view.who.ref), view.who.typed, view.who.name}
    return any(d.kind == kind and d.principal in mine for d in view.inventory.identity.deliver)


def elsewhere(view_audience: str, collection: str) -> bool:
    """Whether a credential of this object works in other tenants, where nobody here disables anything."""
    return collection == APPLICATIONS and view_audience not in ONE_TENANT


def held(view: View, intent: Intent) -> tuple[Access, ...]:
    """Credentials that the brake holds: removed only before it is released.

    Those of a multi-tenant application are not: in other tenants the deactivation alone would hold them, which nobody
    has seen working (facts entra.md 9: whether every cloud takes the write is not established), and where it is
    refused they would go on working there. They are removed at once.
    """
    if not brake_of(view, intent).on:
        return ()
    return tuple(a for a in _removed(view) if is_wanted(a, intent) and not a.elsewhere)


def removal_of(view: View, intent: Intent, access: Access) -> Literal["", "remove", "retire"]:
    """How this run ends it for good: at once; once its replacement is made, before the brake is released; not at all.

    What appears while a run replaces (it is drafted with `rotate` set to no) goes at once.
    """
    if not brake_of(view, intent).on or access.elsewhere:
        return "remove"
    if not is_replaced(view, intent):
        return ""
    return "remove" if intent.rotate == "no" else "retire"


def is_wanted(access: Access, intent: Intent) -> bool:
    """Whether it lets anybody in, and the scope wants it ended."""
    return access.state in ("live", "unknown") and access.opens and intent.covers(access)
