"""Sessions of an Identity Center user: the access portal's, and those of roles begun through it. No API lists them.

AWS docs: singlesignon prereqs-revoking-user-permissions, authconcept-revoke-access.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.access import sso_assignment
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.control_policy import DenyInOrganisation
from nhi_revoke_aws.permission_set import DenyUser

KIND = "aws:sso-session"
LONGEST = 12 * 3600.0
"""Seconds that a role session of a permission set may last (AWS docs: singlesignon howtosessionduration)."""
PORTAL = (
    "the access portal session of {name}, which no API lists or ends: in the Identity Center console, Users > {name} > "
    "Active sessions > delete; where an outside identity provider or a directory keeps the user, disable it there. It "
    "opens applications assigned to the user, and new sessions of roles once the deny is taken off"
)


class SsoSessions(AccessKind[AwsConnection]):
    """Its draft reads what `aws:sso-assignment` found: the deny goes into each of those permission sets."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "sessions of an Identity Center user"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = ("sso-user",)
    reads: ClassVar[tuple[str, ...]] = ()
    remedies = (DenyUser(), DenyInOrganisation())
    manual: ClassVar[str] = "the access portal session: in the Identity Center console, Users > NAME > Active sessions"
    survives: ClassVar[str] = DenyUser.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        """No request: AWS tells nothing of sessions."""
        yield Access(
            id=f"{KIND}/{{scope}}/{{name}}/*",
            on=ref,
            kind=KIND,
            family=self.family,
            state="unknown",
            label="every role session of Identity Center user {name}",
            evidence="no API lists them",
            door="{scope}/{name}",
            note="begun through the access portal, whose own session no API lists or ends",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        whole = next((a for a in view.of(KIND) if intent.covers(a)), None)
        if whole is None:
            return
        who, given = view.who, view.of(sso_assignment.KIND)
        unseen = any(b.kind == sso_assignment.KIND and b.counts for b in view.blind)
        yield Manual(who.ref, KIND, PORTAL.format(name=who.name))
        if unseen:
            why = f"some of what is assigned to {who.name} could not be listed: what stays unseen is not denied"
            yield Notice(who.ref, why, "danger")
        elif not given:
            why = (
                f"no permission set is assigned to {who.name}: role sessions begun before one was taken away may live "
                "on for up to 12 hours; --brake on denies them by a service control policy"
            )
            yield Notice(who.ref, why, "warning")
        if intent.brake == "off":
            why = f"--brake off: nothing else ends sessions of {who.name}, so they keep working"
            yield Notice(who.ref, why, "danger")
            return
        yield from self._denies(view, given, () if unseen else (whole,))
        if intent.brake == "on":
            yield self._organisation(view)

    def _denies(self, view: View, given: Sequence[Access], whole: tuple[Access, ...]) -> Iterable[Draft]:
        """One a permission set: it has one inline policy, whatever the account and the group."""
        sets: dict[str, list[Access]] = {}
        for access in given:
            sets.setdefault(str(access.before["permission_set"]), []).append(access)
        for arn, mine in sets.items():
            first, name = mine[0].before, view.who.name
            where = ", ".join(sorted({str(a.before["account"]) for a in mine}))
            yield draft_step(
                self, self.remedies[0], view, *whole, *mine,
                says=f"deny everything to {name} in permission set {first['name']}, and provision it",
                before={key: first[key] for key in ("instance", "permission_set", "name")},
                lock=arn, rearms=LONGEST,
                breaks=f"all that {name} does through permission set {first['name']} in {where}, until release",
            )  # fmt: skip

    def _organisation(self, view: View) -> Draft:
        """It ends what no list shows: permission sets that are assigned later, sessions of those taken away before. It
        does not bind the management account, so that no access counts as ended by it.
        """
        name = view.who.name
        return draft_step(
            self, self.remedies[1], view,
            says=f"deny everything to {name} in every member account, by a service control policy at the root",
            lock=f"{view.who.ref}:scp", rearms=LONGEST,
            breaks=f"all that {name} does in member accounts of the organisation, until release",
        )  # fmt: skip
