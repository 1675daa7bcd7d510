"""What a plan says and does when the scope names one session of a user or role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Draft, Manual, Notice
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.brake import brake_of
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.named_session import (
    FEDERATED_PREFIX,
    SOURCE_PREFIX,
    USER_ID,
    Named,
    by_key,
    given_name,
    named,
    named_of,
    one_session,
)
from nhi_revoke_aws.naming import ROLE
from nhi_revoke_aws.session_cut import DenyNamed

LIVE = ("live", "unknown")


def draft_one(
    kind: AccessKind[AwsConnection], doer: DenyNamed, view: View, intent: Intent, rearms: float
) -> Iterable[Draft]:
    """Nothing where the scope names a session of another principal. Only for a scope of which `one_session` is true."""
    assert one_session(intent.scope)
    wanted: dict[Named, list[Access]] = {}
    nameless: list[Access] = []
    given = given_name(intent.scope, view.who)
    if given is not None:
        meant = named(given, view.who)
        if meant is None:
            yield Manual(view.who.ref, kind.name, f"nothing is denied: {_unnamed(given, view)}")
            return
        wanted[meant] = []
    for access in view.of(kind.name):
        if access.state in LIVE and intent.covers(access) and not access.id.endswith("/*"):
            meant = named_of(access, view.who)
            if meant is None:
                nameless.append(access)
            else:
                wanted.setdefault(meant, []).append(access)
    for access in nameless:
        yield Manual(view.who.ref, kind.name, f"{access.label or access.id}: {_alone(kind, view)}", (access.id,))
    if by_key(intent.scope) and intent.scope.startswith(f"{kind.name}/"):
        yield from _unknown(kind, view, intent)
    if wanted and intent.brake == "on":
        why = f"--brake on stops nothing with --scope {intent.scope}: --scope all does"
        yield Notice(view.who.ref, why, "danger")
    if wanted:
        yield from brake_of(view, intent).said
    for meant, asked_for in wanted.items():
        yield from _deny(kind, doer, view, meant, asked_for, rearms)


def _deny(
    kind: AccessKind[AwsConnection],
    doer: DenyNamed,
    view: View,
    meant: Named,
    asked_for: list[Access],
    rearms: float,
) -> Iterable[Draft]:
    """It ends every session of that name that is known, and says which those are."""
    who, whole = view.who, f"{kind.name}/{view.who.scope}/{view.who.name}/*"
    carrying = [a for a in view.of(kind.name) if a.state in LIVE and meant.means(a)]
    standing = next((a for a in view.of(kind.name) if a.id == whole), None)
    settings: dict[str, Any] = {"lock": f"{who.ref}:policy", "rearms": rearms, "to": str(meant)}
    yield draft_step(
        kind, doer, view, *carrying,
        says=f"deny every session of {who.kind} {who.name} {meant.words}",
        breaks=f"every session of this {who.kind} {meant.words}, the workload's too, and new ones, until it is undone",
        **settings,
    )  # fmt: skip
    others = [a.label or a.id for a in carrying if a not in asked_for]
    if others:
        yield Notice(who.ref, f"sessions {meant.words}, which end, too: {', '.join(others)}", "warning")
    by = f"may assume role {who.name}" if who.kind == ROLE else f"holds a key of user {who.name}"
    chosen = "name" if meant.key == USER_ID else "source identity (unless the trust policy fixes it)"
    yield Notice(
        who.ref,
        f"whoever {by} can begin another session under another {chosen} at once: only {meant.name} is denied"
        + (f"; --scope {whole} ends all of them" if standing else ""),
        "danger",
    )


def _unnamed(given: str, view: View) -> str:
    if view.who.kind == ROLE:
        return f"{given!r} is no name of a role session (2 to 64 of A-Z a-z 0-9 _+=,.@-, or {SOURCE_PREFIX}NAME)"
    return f"{given!r} names no session of a user: {FEDERATED_PREFIX}NAME names those of GetFederationToken"


def _alone(kind: AccessKind[AwsConnection], view: View) -> str:
    """Why one session cannot be ended without the others of its principal."""
    all_of = f"--scope {kind.name}/{view.who.scope}/{view.who.name}/* ends all of them"
    if view.who.kind == ROLE:
        return f"the logs do not tell its session name, by which alone AWS can deny it: {all_of}"
    return f"AWS has no condition that tells it from other sessions of user {view.who.name}: {all_of}"


def _unknown(kind: AccessKind[AwsConnection], view: View, intent: Intent) -> Iterable[Draft]:
    """A key id that nothing shows: only the logs know whose it is."""
    if any(intent.scope in (a.id, a.parent) for a in view.inventory.accesses):
        return
    name = f"{FEDERATED_PREFIX}NAME" if view.who.kind != ROLE else "SESSION-NAME"
    what = (
        f"nothing is denied: {intent.scope} was not found (the logs alone show it); if it is one of {view.who.kind} "
        f"{view.who.name}: --scope {kind.name}/{view.who.scope}/{view.who.name}/{name}"
    )
    yield Manual(view.who.ref, kind.name, what)
