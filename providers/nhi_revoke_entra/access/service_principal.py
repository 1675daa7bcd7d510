"""The service principal itself: disabled, it gets nobody a token in this tenant. Never deleted.

facts entra.md 0 (2, 10), 2, 3 and 8 (8, 17, 33): of that alone do resources with CAE hear; an `accountEnabled` of null
is no "disabled". Whoever owns it, or may manage apps, can enable it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec.structs import replace

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_entra.access import federated_credential
from nhi_revoke_entra.access.appeared import appeared, known_ways
from nhi_revoke_entra.access.credential import NEEDED, SETTLE, key_of
from nhi_revoke_entra.access.federated_credential import credentials_of
from nhi_revoke_entra.access.places import Place, read, service_principal_of
from nhi_revoke_entra.access.stopping import (
    REMOVED,
    SERVICE_PRINCIPAL,
    brake_of,
    held,
    is_deactivated,
    is_multi_tenant,
    is_wanted,
)
from nhi_revoke_entra.agents import BLUEPRINT_PRINCIPAL, IDENTITY
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.deleted import deleted_half
from nhi_revoke_entra.lifetimes import after_brake, after_release, is_managed
from nhi_revoke_entra.named import ORPHANED, SERVICE_PRINCIPALS
from nhi_revoke_entra.naming import AGENT, APP
from nhi_revoke_entra.permissions import ENABLE_AGENTS, ENABLE_BLUEPRINTS, READ_APPS, WRITE_APPS

KIND = SERVICE_PRINCIPAL
STOPPED: Json = {"enabled": False, "denies": "everything"}
"""Nothing signs in for it here. What that does not reach (tokens that are out) is marked `elsewhere`."""
ENABLING = {IDENTITY: ENABLE_AGENTS, BLUEPRINT_PRINCIPAL: ENABLE_BLUEPRINTS}
"""Permission by the sort of service principal; else the one for apps."""
MANAGED = (
    "the platform holds the credentials of a managed identity, and keeps its tokens for up to 24 hours: remove its "
    "Azure role assignments, which is heard of within minutes, or take it off the resource that uses it "
    "(identity.type: None)"
)
BLUEPRINT = (
    "an agent identity has no credentials of its own: those of its blueprint sign in for it, and for every other agent "
    "of that blueprint: nhi-revoke list entra:app/{blueprint}"
)
SOURCE = "Microsoft docs: serviceprincipal-update, concept-continuous-access-evaluation-workload"


def is_enabled(conn: EntraConnection, principal: str) -> bool | None:
    """None where it is no more. Raises Denied."""
    try:
        return read(conn, Place(SERVICE_PRINCIPALS, principal)).get("accountEnabled") is not False
    except Missing:
        return None


def successor(conn: EntraConnection, step: Step) -> tuple[str, bool] | None:
    """The service principal that somebody made in the place of the one that is gone: its object id, and whether it is
    enabled. It is the same app, by which the same secrets sign in; None where there is none. Raises Denied.
    """
    if step.on.kind != APP:
        return None
    path = f"/{SERVICE_PRINCIPALS}(appId='{segment(step.on.id)}')"
    try:
        row = conn.get(path, READ_APPS, **{"$select": "id,accountEnabled"})
    except Missing:
        return None
    return str(row["id"]), row.get("accountEnabled") is not False


def set_enabled(conn: EntraConnection, step: Step, *, enabled: bool) -> None:
    """Safe to repeat. Raises Missing, Denied, Rejected.

    An agent identity and a blueprint's principal have paths and permissions of their own (Microsoft docs:
    agentidentity-update, agentidentityblueprintprincipal-update).
    """
    principal, cast = str(step.before["object"]), str(step.before.get("cast") or "")
    path = f"/{SERVICE_PRINCIPALS}/{cast}/{principal}" if cast else f"/{SERVICE_PRINCIPALS}/{principal}"
    conn.send("PATCH", path, ENABLING.get(cast, WRITE_APPS), {"accountEnabled": enabled}, again=True)


def _stopped(conn: EntraConnection, step: Step) -> Json:
    """What the brake leaves. Of a managed identity nobody knows that it denies anything."""
    managed = bool(step.before.get("managed"))
    told = after_brake(conn.now(), conn.scope, step.on.id, managed=managed)
    return {**({"enabled": False} if managed else STOPPED), "residuals": told}


class Disable(Doer[EntraConnection]):
    """The brake. What it holds is removed before it is released."""

    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, *ENABLING.values())
    says: ClassVar[str] = "disables the service principal: nothing gets a token for it in this tenant"
    undone: ClassVar[str] = "it is enabled again: what was not ended itself works again"
    survives: ClassVar[str] = (
        "tokens that are out: 60 to 90 minutes, but at Microsoft Graph with CAE, which hears of it within 15; "
        "other tenants"
    )
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    released_by: ClassVar[str] = f"{KIND}/enable"
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        # Seen enabled when it was listed, it is disabled without another look first.
        if not step.before["enabled"] and is_enabled(conn, str(step.before["object"])) is False:
            return Already(_stopped(conn, step))
        try:
            set_enabled(conn, step, enabled=False)
        except Missing:
            new = successor(conn, step)
            if new is None or not new[1]:
                return Already(_stopped(conn, step))
            set_enabled(conn, replace(step, before={**step.before, "object": new[0]}), enabled=False)
        return Done(_stopped(conn, step), conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        now = is_enabled(conn, str(step.before["object"]))
        new = successor(conn, step) if now is None else None
        if now or (new is not None and new[1]):
            return None
        return run.left(step.id) or _stopped(conn, step)

    def prove(self, conn: EntraConnection, step: Step, run: Run) -> Proven:
        how = "accountEnabled is false, read twice; tokens that are out live on for their time"
        if step.before.get("managed"):
            return Proven(Proof.UNPROVEN, f"{how}; and whether a managed identity gets none then is documented nowhere")
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        now, was = is_enabled(conn, str(step.before["object"])), bool(step.before["enabled"])
        if now is None:
            return Impossible("it was deleted, by somebody else: this tool never does", "restore it within 30 days")
        if now or not was:
            return Already({"enabled": now})
        if left.get("enabled") is not False:
            return Failed("this run did not disable it: nothing was changed")
        set_enabled(conn, step, enabled=True)
        return Done({"enabled": True}, conn.now())


class Enable(Doer[EntraConnection]):
    """Takes the brake off, once what it held has been removed."""

    name: ClassVar[str] = "enable"
    phase: ClassVar[Phase] = Phase.RELEASE
    permissions: ClassVar[tuple[str, ...]] = (*NEEDED, *ENABLING.values())
    says: ClassVar[str] = "enables the service principal again, after the old credentials were removed"
    undone: ClassVar[str] = "it is disabled again"
    survives: ClassVar[str] = "tokens with CAE that are out: whether they are taken again is documented nowhere"
    source: ClassVar[str] = SOURCE
    settle: ClassVar[float] = SETTLE
    needs: ClassVar[tuple[str, ...]] = tuple(f"{kind}/{how}" for kind in REMOVED for how in ("remove", "retire"))

    def apply(self, conn: EntraConnection, step: Step, run: Run) -> Change:
        principal = str(step.before["object"])
        now = is_enabled(conn, principal)
        if now is None:
            return Failed("the service principal is no more: nothing was changed")
        left = {"enabled": True, "residuals": after_release(conn.now(), conn.scope, step.on.id)}
        if now:
            return Already(left)
        if not step.before["enabled"]:
            return Already({"enabled": False})  # it was disabled before this run, by somebody who had a reason
        if still := _trusts_left(conn, step):
            return Failed(f"{still} would let somebody in again: `resume` removes it. It stays disabled")
        if new := appeared(conn, step, run):
            return Failed(new)
        set_enabled(conn, step, enabled=True)
        return Done(left, conn.now())

    def seen(self, conn: EntraConnection, step: Step, run: Run) -> Json | None:
        now = is_enabled(conn, str(step.before["object"]))
        if now is None or now != bool(step.before["enabled"]):
            return None
        return run.left(step.id) or {"enabled": now, "residuals": after_release(conn.now(), conn.scope, step.on.id)}

    def undo(self, conn: EntraConnection, step: Step, left: Json, run: Run) -> Change:
        if not is_enabled(conn, str(step.before["object"])):
            return Already({"enabled": False})
        set_enabled(conn, step, enabled=False)
        return Done({"enabled": False}, conn.now())


def _trusts_left(conn: EntraConnection, step: Step) -> str:
    """Federated credentials that this run was to remove, and that are there."""
    planned = set(step.before.get("trusts") or ())
    application = str(step.before.get("application") or "")
    rows = credentials_of(conn, application) if planned and application else []
    names = [str(row.get("name") or row["id"]) for row in rows if str(row["id"]).lower() in planned]
    return f"federated credential {', '.join(names)}" if names else ""


class ServicePrincipals(AccessKind[EntraConnection]):
    """The principal as an access: what a brake ends, and `release` gives back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the service principal itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (APP, AGENT)
    reads: ClassVar[tuple[str, ...]] = (READ_APPS,)
    remedies = (Disable(), Enable())
    survives: ClassVar[str] = Disable.survives

    def collect(self, conn: EntraConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        row = service_principal_of(conn, named)
        if row is None:
            if (spot := deleted_half(conn, ref, KIND, named.app_id, "servicePrincipal")) is not None:
                yield spot
            return
        enabled = row.get("accountEnabled") is not False
        note = "lets nobody in by itself: its secrets, certificates and federated credentials do"
        yield Access(
            id=f"{KIND}/{row['id']}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if enabled else "disabled",
            label="service principal {name}",
            evidence="GET /servicePrincipals/…",
            door=str(row["id"]),
            before={"object": str(row["id"]), "enabled": enabled, "cast": named.cast},
            opens=False,
            note=note if enabled else "disabled already; an owner, or whoever may manage apps, can enable it again",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        brake = brake_of(view, intent)
        yield from brake.said
        yield from _abroad(view, intent)
        if not brake.on:
            return
        waiting = held(view, intent)
        for access in view.of(KIND):
            enabled, name = bool(access.before["enabled"]), view.who.name
            what = f"disable service principal {name}" if enabled else f"keep service principal {name} disabled"
            holds = f", which holds {len(waiting)} of its credentials until they are removed" if waiting else ""
            yield draft_step(
                self, self.remedies[0], view, access, *waiting, says=what + holds,
                before={
                    **access.before,
                    "managed": is_managed(view.who),
                    "application": str(view.who.facts.get("application") or ""),
                    "trusts": [key_of(a.id) for a in view.of(federated_credential.KIND) if is_wanted(a, intent)],
                    **known_ways(view, intent),
                },
                rearms="always" if enabled or waiting else "no",
                breaks=f"all that {name} does: nothing gets a token for it, until release" if enabled else "",
            )  # fmt: skip


def _abroad(view: View, intent: Intent) -> Iterable[Draft]:
    """What nobody here can disable."""
    if intent.order != "contain":
        return
    if is_managed(view.who):
        yield Manual(view.who.ref, KIND, MANAGED)
    elif view.who.kind == AGENT:
        yield Manual(view.who.ref, KIND, BLUEPRINT.format(blueprint=view.who.facts.get("blueprint") or "ITS-APP-ID"))
    elif view.who.facts.get(ORPHANED):
        said = "its application was deleted in this tenant: what signs in on that works again once somebody restores it"
        yield Notice(view.who.ref, said, "danger")
    elif not view.who.facts.get("application"):
        said = (
            "the app belongs to another tenant: what it signs in with there, and its own credentials, are its owner's"
        )
        yield Notice(view.who.ref, said, "warning")
    elif is_multi_tenant(view):
        how = (
            "tell the tenants that use it: what somebody put on these gets no new token while the application is "
            "deactivated, and works again once it is released"
            if is_deactivated(view, intent)
            else "tell the tenants that use it, or deactivate the application for all of them"
        )
        said = f"{view.who.name} may be used in other tenants, whose service principals nobody here sees: {how}"
        yield Manual(view.who.ref, KIND, said)
