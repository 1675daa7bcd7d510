"""Tokens that leaked and are held by their value (`--leaked-from`): each is ended by it, whatever the organisation may.

OpenAPI: credentials/revoke (no Authorization header: any authenticated request is a 403; 1,000 at most; 202 says
nothing of any one of them; not for `ghs_`; the owner is told, and nothing brings a token back),
apps/revoke-installation-access-token (it ends itself), apps/delete-authorization (an app's owner ends all of its
user's).
Facts okta-github.md 2.1, 2.4 (1 to 4, 9, 18, 20, 22). GitHub docs: rest/deploy-keys (what dies with a token).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access import user_token
from nhi_revoke_github.access.held import held_by
from nhi_revoke_github.access.leaked_end import DeleteGrant, EndItself, RevokeUntried, RevokeValues
from nhi_revoke_github.access.leaked_value import INSTALLATION, LEAK, OF_APPS, PERSONAL, REFRESH, Tried, attempt, mark
from nhi_revoke_github.access.leaked_value import sort_of as sort
from nhi_revoke_github.audit import by_token, happened
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.naming import APP, OAUTH, USER, canonical
from nhi_revoke_github.permissions import ORG_ADMINISTRATION

KIND = "github:leaked-token"
MOST = 1000
"""Tokens in one request (OpenAPI: maxItems)."""
BELONGS = {USER: PERSONAL | OF_APPS, APP: frozenset({INSTALLATION, "ghu", REFRESH}), OAUTH: frozenset({"gho", REFRESH})}
"""Which sorts a kind of principal may have (GitHub docs: about-authentication-to-github)."""
NAMES = {
    "ghp": "classic token", "github_pat": "fine-grained token", "gho": "token of an OAuth app",
    "ghu": "user's token of a GitHub App", INSTALLATION: "installation's token", REFRESH: "refresh token",
}  # fmt: skip
OWN = (
    "this tool signs in with it itself, so nothing is done to it here: sign in with another (token_file in [github]), "
    "and run this again"
)
YOURS = "its user is you: this token alone is ended, since the whole authorisation may hold what you sign in with"
UNKNOWN_APP = "of which app, GitHub does not tell: it is taken for this one's, as it was handed over"


class LeakedTokens(AccessKind[GithubConnection]):
    """Nothing where nothing was handed over."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "leaked tokens that are held by their value"
    family: ClassVar[Family] = "token"
    on: ClassVar[tuple[str, ...]] = (USER, APP, OAUTH)
    reads: ClassVar[tuple[str, ...]] = ()
    reads_logs: ClassVar[tuple[str, ...]] = (ORG_ADMINISTRATION.read,)
    tries: ClassVar[tuple[str, ...]] = (LEAK,)
    by_value: ClassVar[bool] = True
    remedies = (RevokeValues(), RevokeUntried(), EndItself(), DeleteGrant())
    survives: ClassVar[str] = RevokeValues.survives

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        mine = [value for value in io.leaked(LEAK) if sort(value) in BELONGS[ref.kind]]
        for found in io.map(lambda value: _found(conn, ref, value), mine):
            yield from found

    def enrich(self, conn: GithubConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        """What the audit log says was done with each, by the hash of its value; Enterprise Cloud alone has one."""
        values = {mark(value): value for value in io.leaked(LEAK)}

        def better(access: Access) -> Access:
            value = values.get(str(access.before["mark"]))
            return _last_use(conn, access, value, io) if value is not None else access

        return io.map(better, found)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        live = [a for a in view.of(KIND) if a.state in ("live", "unknown") and intent.covers(a)]
        for access in (a for a in live if a.before["own"]):
            yield Manual(view.who.ref, KIND, f"{access.label}: {OWN}", (access.id,))
        ended = [a for a in live if not a.before["own"]]
        by = {way: [a for a in ended if a.before["way"] == way] for way in ("value", "untried", "itself", "grant")}
        yield from self._by_value(view, by["value"], RevokeValues)
        yield from self._by_value(view, by["untried"], RevokeUntried)
        for access in by["itself"]:
            yield draft_step(
                self, self.remedies[2], view, access, says=f"end {access.label} with itself",
                breaks=f"whatever works with the {access.label}; the app may mint another",
            )  # fmt: skip
        for login in sorted({str(a.before["login"]) for a in by["grant"]}):
            tokens = [a for a in by["grant"] if a.before["login"] == login]
            yield draft_step(
                self, self.remedies[3], view, *tokens, lock=f"{view.who.ref}:{login}",
                says=f"end the authorisation of {view.who.name} by {login}: every token of it",
                breaks=f"{login} authorises {view.who.name} anew",
            )  # fmt: skip

    def _by_value(self, view: View, tokens: Sequence[Access], way: type[RevokeValues]) -> Iterable[Draft]:
        doer = next(d for d in self.remedies if type(d) is way)
        for start in range(0, len(tokens), MOST):
            group = tokens[start : start + MOST]
            what, it = f"{len(group)} leaked tokens of {view.who.name}", "them"
            if len(group) == 1:
                what, it = f"the {group[0].label}", "it"
            yield draft_step(
                self, doer, view, *group, says=f"report {what} to GitHub, which revokes {it}",
                breaks=f"whatever signs in with {what}",
            )  # fmt: skip
        if tokens:
            told = (
                "GitHub tells the owner of each token that it was revoked, and deletes the deploy keys that a personal "
                "or OAuth token created. Nothing brings a token back"
            )
            yield Notice(view.who.ref, told)


def _found(conn: GithubConnection, ref: PrincipalRef, value: Secret) -> Sequence[Found]:
    """Of one principal: the token, or a lead to whose it is."""
    tried, what = attempt(conn, value), f"{NAMES[sort(value)]} {mark(value)}"
    own = conn.signs_in_with(value.reveal())
    before = {"mark": mark(value), "sort": sort(value), "login": tried.login, "own": own, "way": "value"}
    access = Access(
        id=f"{KIND}/{mark(value)}", on=ref, kind=KIND, family=LeakedTokens.family, state=tried.state,
        label=f"leaked {what}", evidence="it was handed over by its value, and tried", door=mark(value), before=before,
        elsewhere=True, note=tried.how,
    )  # fmt: skip
    if tried.state == "expired":
        # One of an app is told beside its app, where there is one: an id is of one principal.
        elsewhere = ref.kind == USER and sort(value) in OF_APPS
        return () if elsewhere else (replace(access, note=f"{tried.how}; whose it was, nobody knows"),)
    if tried.state == "unknown" and sort(value) != REFRESH:
        return (BlindSpot(ref, KIND, f"whether the leaked {what} works, and whose it is: {tried.how}", "another try"),)
    if ref.kind == USER:
        return (access,) if tried.login.lower() == ref.id.lower() else (_of_another(tried, what),)
    if sort(value) in (INSTALLATION, REFRESH):
        way = "itself" if sort(value) == INSTALLATION else "untried"
        return (replace(access, before={**before, "way": way}, note=f"{tried.how}; {UNKNOWN_APP}"),)
    return _of_app(conn, ref, value, tried, access)


def _of_app(conn: GithubConnection, ref: PrincipalRef, value: Secret, tried: Tried, access: Access) -> Sequence[Found]:
    """A user's token: with the app's client secret GitHub tells whether it is of this app."""
    app, label = held_by(conn, ref), f"{access.label} of {tried.login}"
    if app is None or not (app.client_secret_file and app.client_id):
        return (replace(access, label=label, note=f"{tried.how}; {UNKNOWN_APP}"),)
    try:
        mine = user_token.lives(conn, app, value)
    except (Denied, Unauthenticated, Rejected) as fault:
        return (replace(access, label=label, note=f"{tried.how}; {UNKNOWN_APP} ({fault.message})"),)
    if not mine:
        return (_of_another(tried, access.label.removeprefix("leaked ")),)
    if canonical(USER, tried.login) in conn.whoami():
        return (replace(access, label=label, note=f"{tried.how}; {YOURS}"),)
    return (replace(access, label=label, before={**access.before, "way": "grant"}),)


def _of_another(tried: Tried, what: str) -> Lead:
    to = canonical(USER, tried.login)
    return Lead(
        to=to, why=f"the leaked {what} signs in as {tried.login}, which this plan does not name", evidence="GET /user",
        session=f"{KIND}/{what.rpartition(' ')[2]}",
        next=f"nhi-revoke revoke {to} --leaked-from FILE",
    )  # fmt: skip


def _last_use(conn: GithubConnection, access: Access, value: Secret, io: Io) -> Access:
    """Raises Denied where the organisation's plan has no audit log."""
    from nhi_revoke_github.audit import KEPT

    rows = list(by_token(conn, value.reveal(), io.now() - KEPT))
    times = [at for at in map(happened, rows) if at is not None]
    if not times:
        return replace(access, note=f"{access.note}; the audit log knows nothing of it")
    places = {str(row["actor_ip"]) for row in rows if row.get("actor_ip")}
    seen = f"{len(times)} events in the audit log" + (f" from {len(places)} addresses" if places else "")
    return replace(access, last_used=max(times), note=f"{access.note}; {seen}")
