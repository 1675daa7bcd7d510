"""Membership of the organisation: what each of a machine user's credentials opens there hangs on it.

Facts okta-github.md 2.1, 2.4 (13, 23, 24). OpenAPI: orgs/get-membership-for-user, orgs/remove-membership-for-user (an
invitation is cancelled by it; indirect membership by an enterprise team stays). GitHub docs:
removing-a-member-from-your-organization (private forks are deleted), reinstating-a-former-member-of-your-organization
(an owner, on the site, for three months; no API), managing-deploy-keys (those that the member added stay).

For a classic personal token of unknown value, where single sign-on is not required, it is the only cut there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.naming import USER
from nhi_revoke_github.permissions import MEMBERS
from nhi_revoke_github.words import HIDDEN

KIND = "github:membership"
LIST = "GET /orgs/…/memberships/…"
OWNER = "admin"
GONE: Json = {"member": False}
SURVIVES = "its tokens and keys outside the organisation, and deploy keys that it added"


def membership(conn: GithubConnection, login: str) -> dict[str, Any] | None:
    """The user's, or None. Raises Denied.

    A 404 is "no member" only where a list that needs the same permission can be read: it is asked for beside, since
    others need it in the same moment.
    """

    def row() -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = conn.get(org_path(conn.org, f"/memberships/{segment(login)}"), MEMBERS.read)
        except Denied as denied:
            if denied.code != HIDDEN:
                raise
            return None
        return found

    denied: list[Denied] = []

    def readable() -> None:
        try:
            next(conn.pages(org_path(conn.org, "/outside_collaborators"), MEMBERS.read))
        except Denied as fault:
            denied.append(fault)

    both: tuple[Callable[[], dict[str, Any] | None], ...] = (row, readable)
    mine, _ = conn.io.map(lambda ask: ask(), both)
    if mine is None and denied:
        raise denied[0]
    return mine


def is_direct(row: dict[str, Any]) -> bool:
    """By the organisation itself, not by an enterprise team alone. Where GitHub does not tell, it is."""
    return row.get("direct_membership") is not False


class Remove(Doer[GithubConnection]):
    """No way back by the API: an invitation has to be accepted, and the private forks are gone.

    Tokens and authorisations are revoked one by one first: afterwards no list shows them. Where that fails, and where
    GitHub only accepts it for later, it waits for nothing: it is what shuts them.
    """

    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (MEMBERS.write, MEMBERS.read)
    says: ClassVar[str] = "removes the user from the organisation"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "OpenAPI: orgs/remove-membership-for-user"
    needs: ClassVar[tuple[str, ...]] = ("github:pat/revoke", "github:sso-authorization/revoke")
    reversible: ClassVar[bool] = False

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        login = str(step.before["login"])
        path = org_path(conn.org, f"/memberships/{segment(login)}")
        try:
            conn.send("DELETE", path, MEMBERS.write)
        except Denied as denied:
            row = membership(conn, login) if denied.code == HIDDEN else {}
            if row is None or (denied.code == HIDDEN and not is_direct(row)):
                return Already(GONE)
            raise
        return Done(GONE, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        """An enterprise team's membership is another access, and stays one."""
        row = membership(conn, str(step.before["login"]))
        return GONE if row is None or not is_direct(row) else None


class Memberships(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "membership of the organisation"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (MEMBERS.read,)
    remedies = (Remove(),)
    manual: ClassVar[str] = "membership by an enterprise team: an enterprise owner takes the user out of that team"
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        row = membership(conn, ref.id)
        if row is None:
            return
        role, pending = str(row.get("role") or ""), row.get("state") == "pending"
        what = "invitation to" if pending else "owner of" if role == OWNER else f"{role or 'member'} of"
        before: Json = {"login": str((row.get("user") or {}).get("login") or ref.id), "role": role, "org": conn.org}
        place = f"{KIND}/{{scope}}/{{name}}"
        if is_direct(row):
            yield Access(
                id=place, on=ref, kind=KIND, family=self.family, state="live", label=f"{what} {conn.org}",
                evidence=LIST, door=conn.org, before={**before, "state": str(row.get("state") or "")},
                note="every token and key of the user works in the organisation as far as this reaches",
            )  # fmt: skip
        for team in row.get("enterprise_teams_providing_indirect_membership") or ():
            yield Access(
                id=f"{place}/{team}", on=ref, kind=KIND, family=self.family, state="live",
                label=f"{what} {conn.org} by the enterprise team {team}", evidence=LIST, door=f"{conn.org} {team}",
                before={**before, "team": str(team)}, note="the organisation cannot end it",
            )  # fmt: skip

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Nothing else than a whole containment, or its own name, is worth the loss. A person is never removed for the
        sake of one token: what is drafted here stands in the plan of a machine user that the operator named.
        """
        who = view.who
        for access in view.of(KIND):
            wanted = intent.scope == "all" or intent.scope == access.id
            if intent.order != "contain" or not wanted or who.facts.get("type") != "User":
                continue
            org = access.before["org"]
            if access.before.get("team"):
                by_hand = f"an enterprise owner takes {who.name} out of the enterprise team {access.before['team']}"
                yield Manual(who.ref, KIND, f"{by_hand}: it makes it a member of {org}", (access.id,))
                continue
            yield draft_step(
                self, self.remedies[0], view, access, says=f"remove {who.name} from {org}",
                breaks=f"whatever works as {who.name} in {org}; its teams and its private forks are lost",
            )  # fmt: skip
            yield Notice(who.ref, _lost(who.name, str(org)), "danger" if access.before["role"] == OWNER else "warning")


def _lost(login: str, org: str) -> str:
    return (
        f"removed from {org}, {login} loses its private forks of the organisation's repositories, its teams and roles, "
        "and what runs as it stops (schedules, automation). No API brings that back; for three months an owner can "
        "reinstate it on the site, under People. Move what it owns first. Its tokens of unknown value end in no other "
        "way where single sign-on is not required"
    )
