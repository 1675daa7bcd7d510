"""Sessions of a user: GetSessionToken, GetFederationToken, console, `aws login`. No API lists or ends them.

AWS docs: id_credentials_temp_control-access_disable-perms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Residual
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.access import access_key, login_profile
from nhi_revoke_aws.begun import USER_SESSION, Root
from nhi_revoke_aws.brake import Brake, brake_of
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.cutting import SETTLE, Cut, DenyAll, DenyOlder, Release, Seal, needed
from nhi_revoke_aws.lineage import READS, Lineage
from nhi_revoke_aws.named_session import one_session
from nhi_revoke_aws.one_session import draft_one
from nhi_revoke_aws.policy import LOGIN_LIFE, read
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.session_cut import DenyNamed
from nhi_revoke_aws.standing import foreign_policy, held_by, left_standing, standing, standing_of

KIND = USER_SESSION
LONGEST = 36 * 3600.0
"""Seconds: GetSessionToken and GetFederationToken (AWS docs: id_credentials_temp_request)."""
NEEDED = needed("User")
UNTIL_SEALED = timedelta(minutes=10)
"""At most so long from plan to seal, for the time that a plan foretells."""


class DenyAllOfUser(DenyAll):
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    released_by: ClassVar[str] = f"{KIND}/release"


class DenyOlderOfUser(DenyOlder):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class DenySessionOfUser(DenyNamed):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class SealOfUser(Seal):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class ReleaseOfUser(Release):
    permissions: ClassVar[tuple[str, ...]] = NEEDED


class UserSessions(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions of a user"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = ("iam:GetUserPolicy", "iam:ListAttachedUserPolicies", "iam:GetUser")
    reads_logs: ClassVar[tuple[str, ...]] = READS
    remedies = (DenySessionOfUser(), DenyOlderOfUser(), DenyAllOfUser(), SealOfUser(), ReleaseOfUser())
    survives: ClassVar[str] = Cut.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        yield from standing(conn, "User", name_in(conn, ref), ref, KIND, io)

    def observe(
        self, conn: AwsConnection, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        walk = Lineage(conn, io, who.ref, since)
        keys = [Root(access_key.key_of(a.id), a.id, who.ref, own=True) for a in accesses if a.kind == access_key.KIND]
        has = {access_key.key_of(a.id) for a in accesses}
        with walk.beside():
            yield from walk.of_user(who, keys, f"{KIND}/{who.scope}/{who.name}/*", has)
        yield from walk.limits(KIND, tuple(f"{KIND}/{name}" for name in ("seal", "deny-all", "deny-older")))

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        if one_session(intent.scope):
            yield from draft_one(self, self.remedies[0], view, intent, LONGEST)
            return
        rotated = access_key.KIND in intent.replace and intent.brake == "auto"
        brake = brake_of(view, intent, "the new key is delivered" if rotated else "`release`")
        if any(intent.covers(a) for a in view.accesses):
            yield from brake.said
        whole = standing_of(view, KIND, intent)
        if whole is None:
            return
        if whole.note:
            yield Notice(view.who.ref, whole.note, "info")
        foreign = foreign_policy(whole)
        if foreign:
            yield foreign
        unseen = _unseen(view, intent)
        if unseen and not brake.on:
            yield unseen
            brake = Brake(on=intent.brake == "auto")
        if held_by(whole) and intent.brake != "on":
            brake = Brake(on=False)  # it stands already, and is that run's to release
        login = _may_sign_in(view, whole)
        common: dict[str, Any] = {
            "lock": f"{view.who.ref}:policy",
            "rearms": LONGEST,
        }
        # Names the password whose refreshes are denied, too: one that was deleted before this run left them alive.
        password = f"{login_profile.KIND}/{view.who.scope}/{view.who.name}"
        yield from self._cuts(view, intent, whole, password, brake.on, common)
        if login and not intent.keep_sessions and (rotated or not brake.on):
            yield _login_refresh(view, intent)

    def _cuts(
        self, view: View, intent: Intent, whole: Access, password: str, brake: bool, common: dict[str, Any]
    ) -> Iterable[Draft]:
        _, older, everything, seal, _ = self.remedies
        also = ", and `aws login`"
        name, held = view.who.name, held_by(whole)
        again = "temporary credentials of this user: they must be fetched again"
        if intent.scope != "all" and not brake:
            says = f"deny every session of user {name} issued before now{also}"
            yield draft_step(self, older, view, whole, says=says, breaks=again, to=password, **common)
            return
        if held:
            yield left_standing(view, held)
        says = f"deny everything to user {name}{also if brake else ''}"
        breaks = "all that this user does, until " + ("release" if brake else "the seal")
        to = password if brake else ""
        yield draft_step(self, everything, view, whole, says=says, brake=brake, breaks=breaks, to=to, **common)
        if not held and not brake:
            says = f"deny every session of user {name} issued before the seal{also}"
            yield draft_step(self, seal, view, whole, says=says, breaks=again, to=password, **common)


def _unseen(view: View, intent: Intent) -> Notice | None:
    """Where a key or the password could not be listed, one that nobody saw may still work."""
    kinds = sorted({b.kind for b in view.blind if b.kind in (access_key.KIND, login_profile.KIND)})
    if not kinds or intent.order != "contain" or intent.brake == "on":
        return None
    what = f"{' and '.join(kinds)} of {view.who.name} could not be listed"
    if intent.brake == "off":
        return Notice(view.who.ref, f"{what}: one that nobody saw may still work, and --brake off lets it", "danger")
    why = f"{what}: the deny-all stays until `release`, since one that nobody saw may still work"
    return Notice(view.who.ref, why, "danger")


def _may_sign_in(view: View, whole: Access) -> bool:
    """A console password, or one that could not be seen, or one that was used before it was deleted: the refreshes of
    `aws login` outlive it. A guard of an earlier run still counts.
    """
    ours = read(whole.before.get("doc"))
    used = view.who.facts.get("PasswordLastUsed")
    recent = bool(used) and datetime.fromisoformat(str(used)) > view.inventory.at - LOGIN_LIFE
    unseen = any(b.kind == login_profile.KIND for b in view.blind)
    return bool(view.of(login_profile.KIND)) or unseen or recent or bool(ours and ours.login_until)


def _login_refresh(view: View, intent: Intent) -> Residual:
    settle = timedelta(seconds=SETTLE if intent.settle is None else intent.settle)
    return Residual(
        view.who.ref,
        f"{KIND}/{view.who.scope}/{view.who.name}/aws-login",
        view.inventory.at + settle + UNTIL_SEALED + LOGIN_LIFE,
        "`aws login` refreshes sessions with later issue times; it is denied until then, but whether that ends every "
        "refresh is inferred from AWS's documents: unproven",
        "AWS docs: SignInLocalDevelopmentAccess; sdkref feature-login-credentials",
    )
