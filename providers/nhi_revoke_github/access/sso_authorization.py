"""Credentials of a user that may pass the organisation's SAML single sign-on: classic tokens, SSH keys, app tokens.

OpenAPI: orgs/list-saml-sso-authorizations, orgs/remove-saml-sso-authorization (204),
orgs/revoke-credential-authorizations-for-user (202). facts okta-github.md 2.1: GitHub's own pages contradict each
other, (1) on whether tokens of OAuth apps and Apps are listed, (2) on whether what was revoked may be authorised again;
so the bulk request counts as requested until the list shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.naming import USER
from nhi_revoke_github.permissions import ORG_ADMINISTRATION

KIND = "github:sso-authorization"
LIST = "GET /orgs/{org}/credential-authorizations"
GONE: Json = {"authorized": False}
THE_PLAN = f"GitHub Enterprise Cloud with SAML single sign-on, and {ORG_ADMINISTRATION.read} (admin:org) of an owner"
UNLISTED = "GitHub's pages do not agree on whether tokens of OAuth apps and of GitHub Apps are on this list"


def authorized(conn: GithubConnection, login: str) -> list[dict[str, Any]]:
    """The user's, now. Raises Denied, also where the organisation's plan has no such thing: that is no "none"."""
    try:
        path = org_path(conn.org, "/credential-authorizations")
        rows = list(conn.rows(path, ORG_ADMINISTRATION.read, login=login))
    except Denied as denied:
        fault = Denied(denied.message, needs=THE_PLAN, code=denied.code, hint=denied.hint)
    else:
        return [row for row in rows if str(row.get("login") or "").lower() == login.lower()]
    raise fault


def _left(conn: GithubConnection, step: Step) -> set[int]:
    """Which of the step's authorisations are still listed."""
    ours = {int(access.rpartition("/")[2]) for access in step.ends}
    return {int(row["credential_id"]) for row in authorized(conn, step.on.id)} & ours


def _own(conn: GithubConnection, step: Step) -> Impossible | None:
    """What the operator signs in with may be among them (facts 2.4, 18)."""
    if any(me.kind == USER and me.id.lower() == step.on.id.lower() for me in conn.whoami()):
        why = f"{step.on.id} is who the operator signs in as: its own token may be among them"
        return Impossible(why, f"let another owner of {conn.org} do it")
    return None


class Revoke(Doer[GithubConnection]):
    """One credential."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (ORG_ADMINISTRATION.write, ORG_ADMINISTRATION.read)
    says: ClassVar[str] = "takes the credential's authorisation for the organisation away"
    survives: ClassVar[str] = (
        "the credential itself: what its owner owns, organisations without single sign-on, public data, the "
        "enterprise's own interfaces. GitHub's pages do not agree on whether its owner may authorise it again"
    )
    source: ClassVar[str] = "OpenAPI: orgs/remove-saml-sso-authorization"
    reversible: ClassVar[bool] = False
    only_first: ClassVar[bool] = True

    def check(self, conn: GithubConnection, step: Step) -> Impossible | None:
        return _own(conn, step)

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        own = _own(conn, step)
        if own is not None:
            return own
        number = int(step.ends[0].rpartition("/")[2])
        try:
            conn.send("DELETE", org_path(conn.org, f"/credential-authorizations/{number}"), ORG_ADMINISTRATION.write)
        except Denied:
            if _left(conn, step):  # a 404 alone does not tell what is gone from what may not be seen
                raise
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        return None if _left(conn, step) else GONE


class RevokeUser(Revoke):
    """Every authorisation of one user, those that no list shows among them; never the whole organisation's."""

    name: ClassVar[str] = "revoke-user"
    says: ClassVar[str] = "asks GitHub to take every authorisation of the user away, listed or not"
    source: ClassVar[str] = "OpenAPI: orgs/revoke-credential-authorizations-for-user"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/revoke",)
    only_first: ClassVar[bool] = True

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        own = _own(conn, step)
        if own is not None:
            return own
        path = org_path(conn.org, f"/credential-authorizations/{segment(step.on.id)}/revoke")
        conn.send("POST", path, ORG_ADMINISTRATION.write, again=True)
        return Done(GONE, conn.now())

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        left = len(authorized(conn, step.on.id))
        if left:
            return Proven(Proof.REQUESTED, f"it answered 202, which promises nothing: {left} are still listed")
        how = f"it answered 202, and the list shows none of {step.on.id}'s any more; {UNLISTED}"
        return Proven(Proof.RECORDED, how, conn.now())


class SsoAuthorizations(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "credentials authorised for single sign-on"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (ORG_ADMINISTRATION.read,)
    remedies = (Revoke(), RevokeUser())
    survives: ClassVar[str] = Revoke.survives
    manual: ClassVar[str] = "Organisation > People > the user > SSO identity linked > Revoke"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        now = conn.now()
        for row in authorized(conn, ref.id):
            kind = str(row.get("credential_type") or "credential")
            expires = moment(row.get("authorized_credential_expires_at"))
            state: State = "expired" if expires is not None and expires <= now else "live"
            named = str(row.get("authorized_credential_note") or row.get("authorized_credential_title") or "")
            scopes = ", ".join(str(s) for s in row.get("scopes") or ())
            yield Access(
                id=f"{KIND}/{conn.org}/{int(row['credential_id'])}",
                on=ref,
                kind=KIND,
                family=self.family,
                state=state,
                label=f"{kind} {named}".strip(),
                created=moment(row.get("credential_authorized_at")),
                last_used=moment(row.get("credential_accessed_at")),
                expires=expires,
                evidence=LIST,
                door=str(row.get("authorized_credential_id") or row["credential_id"]),
                before={"type": kind, "name": named, "fingerprint": str(row.get("fingerprint") or "")},
                note=f"scopes: {scopes}" if scopes else "",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        org = view.who.scope
        live = [a for a in view.of(KIND) if a.state in ("live", "unknown") and intent.covers(a)]
        for access in live:
            yield draft_step(
                self, self.remedies[0], view, access, says=f"take the {access.label} out of {org}'s single sign-on",
                breaks=f"what uses it in {org}",
            )  # fmt: skip
        if len(live) > 1:
            yield draft_step(
                self, self.remedies[1], view, *live, lock=f"{KIND}/{org}/{view.who.name}",
                says=f"then ask for the end of whatever else {view.who.name} authorised for {org}",
                breaks=f"everything that {view.who.name} signs in to {org} with",
            )  # fmt: skip
