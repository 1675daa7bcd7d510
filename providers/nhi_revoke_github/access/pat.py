"""Fine-grained personal tokens of a user that reach into the organisation. Only a GitHub App may list or revoke them.

OpenAPI: orgs/list-pat-grants, orgs/update-pat-access (204), orgs/update-pat-accesses (202, at most 100 ids),
orgs/list-pat-grant-requests. facts okta-github.md 2.1, 2.2 and 2.4 (3 to 6): `id` names the grant and is what is
revoked; `token_id` names the user's token and is what the audit log shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Unauthenticated
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.naming import APP, USER
from nhi_revoke_github.permissions import APP_ITSELF, ORG_TOKEN_REQUESTS, ORG_TOKENS

KIND = "github:pat"
LIST = "GET /orgs/{org}/personal-access-tokens"
REQUESTS = "GET /orgs/{org}/personal-access-token-requests"
GONE: Json = {"granted": False}
FEW = 10
"""More tokens than this are asked for at once, in groups: one by one GitHub slows down whoever changes much."""
MOST = 100
"""Ids in one request (OpenAPI: maxItems)."""
MEMBERSHIP_ENDS = "github:membership/remove"
AN_APP = (
    "a GitHub App with organization_personal_access_tokens (app_id and private_key_file in [github], alone or beside "
    "token_file)"
)
UNSEEN = (
    "GitHub lists fine-grained tokens to an App alone, and only to one that may: whether there are any is not known. "
    "By hand: Organisation > Settings > Personal access tokens > Active tokens"
)


def held(conn: GithubConnection, login: str) -> list[dict[str, Any]]:
    """The user's tokens that reach into the organisation now. Raises Denied."""
    rows = conn.rows(org_path(conn.org, "/personal-access-tokens"), ORG_TOKENS.read, **_of(login))
    return [row for row in rows if _owner(row) == login.lower()]


def asked_for(conn: GithubConnection, login: str) -> list[dict[str, Any]]:
    """The user's tokens that wait for an owner's word. Raises Denied."""
    path = org_path(conn.org, "/personal-access-token-requests")
    rows = conn.rows(path, ORG_TOKEN_REQUESTS.read, **_of(login))
    return [row for row in rows if _owner(row) == login.lower()]


Look = Callable[[GithubConnection, str], list[dict[str, Any]]]


def _of(login: str) -> dict[str, Any]:
    """The query: at most ten owners may be named, and one is."""
    return {"owner[]": login}


def _owner(row: dict[str, Any]) -> str:
    """A filter that a server does not know is no filter: whose each is, its row says."""
    return str((row.get("owner") or {}).get("login") or "").lower()


def _number(access: AccessId) -> int:
    return int(access.rpartition("/")[2])


class Revoke(Doer[GithubConnection]):
    """One token."""

    name: ClassVar[str] = "revoke"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (ORG_TOKENS.write, ORG_TOKENS.read, APP_ITSELF)
    says: ClassVar[str] = "takes the token's access to the organisation away"
    survives: ClassVar[str] = (
        "the token itself: what its owner owns, other organisations, public data; SSH keys and deploy keys that were "
        "made with it; its owner may ask for access again"
    )
    source: ClassVar[str] = (
        "OpenAPI: orgs/update-pat-access; GitHub docs: reviewing-and-revoking-personal-access-tokens"
    )
    reversible: ClassVar[bool] = False
    only_first: ClassVar[bool] = True

    def check(self, conn: GithubConnection, step: Step) -> Impossible | None:
        """Whoever cannot list them cannot revoke them, either."""
        try:
            held(conn, step.on.id)
        except (Denied, Unauthenticated):
            return Impossible(f"only {AN_APP} may revoke it", f"{PersonalTokens.manual}, of {step.on.id}")
        return None

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        path = org_path(conn.org, f"/personal-access-tokens/{_number(step.ends[0])}")
        try:
            conn.send("POST", path, ORG_TOKENS.write, {"action": "revoke"}, again=True)
        except Denied:
            if _left(conn, step):  # a 404 alone does not tell a token that is gone from one that may not be seen
                raise
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        return None if _left(conn, step) else GONE


class RevokeMany(Revoke):
    """Up to a hundred in one request, which is only accepted: the list shows what became of it."""

    name: ClassVar[str] = "revoke-many"
    says: ClassVar[str] = "asks GitHub to take the access of many tokens away"
    source: ClassVar[str] = "OpenAPI: orgs/update-pat-accesses"

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        left = sorted(_left(conn, step))
        if not left:
            return Already(GONE)
        body = {"action": "revoke", "pat_ids": left}
        conn.send("POST", org_path(conn.org, "/personal-access-tokens"), ORG_TOKENS.write, body, again=True)
        return Done(GONE, conn.now())

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        left = _left(conn, step)
        if left:
            how = f"it answered 202, which promises nothing: {len(left)} of {len(step.ends)} are still listed"
            return Proven(Proof.REQUESTED, how, conn.now())
        return super().prove(conn, step, run)


def _left(conn: GithubConnection, step: Step) -> set[int]:
    """Which of the step's tokens are still listed."""
    return {int(row["id"]) for row in held(conn, step.on.id)} & {_number(access) for access in step.ends}


class PersonalTokens(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "fine-grained personal tokens"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (USER,)
    reads: ClassVar[tuple[str, ...]] = (ORG_TOKENS.read, ORG_TOKEN_REQUESTS.read, APP_ITSELF)
    remedies = (Revoke(), RevokeMany())
    survives: ClassVar[str] = Revoke.survives
    manual: ClassVar[str] = "Organisation > Settings > Personal access tokens > Active tokens"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        def told(look: Look) -> list[dict[str, Any]] | Denied | Unauthenticated:
            try:
                return look(conn, ref.id)
            except (Denied, Unauthenticated) as fault:
                return fault

        # Whoever is no App is told nothing, so that one answer says it all.
        at_once: Sequence[Look] = (held, asked_for) if conn.asks_for(apps_alone=True).kind == APP else (held,)
        rows, *more = io.map(told, at_once)
        if isinstance(rows, (Denied, Unauthenticated)):
            # What they open in the organisation hangs on their owner's membership: its end covers them all.
            what = "not allowed" if isinstance(rows, Denied) else "could not be read"
            why = f"{self.title}: {what} ({rows.message}). {UNSEEN}"
            yield BlindSpot(ref, KIND, why, AN_APP, covered_by=(MEMBERSHIP_ENDS,))
            return
        yield from (self._token(conn, ref, row) for row in rows)
        [waiting] = more or [told(asked_for)]
        if isinstance(waiting, Unauthenticated):
            raise waiting
        if isinstance(waiting, Denied):
            yield BlindSpot(
                ref, KIND, f"tokens that wait for approval: not allowed ({waiting.message})",
                f"a GitHub App with {ORG_TOKEN_REQUESTS.read}", counts=False,
            )  # fmt: skip
            return
        yield from (self._request(conn, ref, row) for row in waiting)

    def _token(self, conn: GithubConnection, ref: PrincipalRef, row: dict[str, Any]) -> Access:
        return Access(
            id=f"{KIND}/{conn.org}/{int(row['id'])}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="expired" if row.get("token_expired") else "live",
            label=f"fine-grained token {row.get('token_name') or row['token_id']}",
            created=moment(row.get("access_granted_at")),
            last_used=moment(row.get("token_last_used_at")),
            expires=moment(row.get("token_expires_at")),
            evidence=LIST,
            door=str(row["token_id"]),
            before={"token_id": int(row["token_id"]), "name": str(row.get("token_name") or ""), "may": _may(row)},
            note=f"{row.get('repository_selection')} repositories: {', '.join(_may(row)) or 'no permission'}",
        )

    def _request(self, conn: GithubConnection, ref: PrincipalRef, row: dict[str, Any]) -> Access:
        return Access(
            id=f"{KIND}/{conn.org}/request/{int(row['id'])}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="disabled",
            label=f"request of the token {row.get('token_name') or row['token_id']} for access",
            created=moment(row.get("created_at")),
            expires=moment(row.get("token_expires_at")),
            evidence=REQUESTS,
            door=str(row["token_id"]),
            before={"token_id": int(row["token_id"]), "may": _may(row)},
            opens=False,
            note=f"it would be let in with: {', '.join(_may(row)) or 'no permission'}",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        name, org = view.who.name, view.who.scope
        for access in view.of(KIND):
            if "/request/" in access.id:
                says = f"{access.label} waits for an owner: deny it at {org} > Settings > Personal access tokens"
                yield Notice(view.who.ref, says)
        live = [a for a in view.of(KIND) if a.state == "live" and intent.covers(a)]
        if len(live) > FEW:
            for group in _groups(live):
                says = f"ask for the end of {len(group)} fine-grained tokens of {name} in {org}"
                yield draft_step(self, self.remedies[1], view, *group, says=says, breaks=f"what uses them in {org}")
            return
        for access in live:
            says = f"revoke the access of {access.label} to {org}"
            yield draft_step(self, self.remedies[0], view, access, says=says, breaks=f"what uses it in {org}")


def _groups(live: Sequence[Access]) -> Iterable[Sequence[Access]]:
    return (live[start : start + MOST] for start in range(0, len(live), MOST))


def _may(row: dict[str, Any]) -> list[str]:
    """`contents:write`, over all of the token's permissions."""
    told = (row.get("permissions") or {}).values()
    return sorted(f"{what}:{level}" for part in told for what, level in (part or {}).items())
