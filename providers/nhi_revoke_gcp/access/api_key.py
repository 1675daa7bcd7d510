"""API keys bound to an account: whoever holds one calls what takes such keys as the account, without any token.

facts gcp.md 1 (row 7), 2 and 7 (4, 20, 21, 22): another API; a key may live in another project; no count of the
account's use holds theirs. A request with one is "processed as if you used the bound service account" (Google Cloud
docs: docs/authentication/api-keys); whether a disabled account stops it is documented nowhere: it is ended by itself.
A standard key is bound to nobody: no access of an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Step
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.access import api_keys as keys
from nhi_revoke_gcp.access.api_key_end import SURVIVES, Delete
from nhi_revoke_gcp.access.api_key_mint import OUT, Create
from nhi_revoke_gcp.access.api_key_try import mark
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.naming import account_of, canonical, is_agent
from nhi_revoke_gcp.permissions import LIST_API_KEYS, LOOK_UP_API_KEY, SEE_PROJECT
from nhi_revoke_gcp.principals import API_SERVICES, NO_API_KEYS
from nhi_revoke_gcp.projects import NAMED, Places, other_projects
from nhi_revoke_gcp.stopping import New, is_to_be_replaced, is_wanted, unreplaced_because

KIND = keys.KIND
KEPT = timedelta(days=30)
A_SECOND, AT_ONCE = 20.0, 60
"""Listings of projects that begin together, and in a second after those; the margin is ours."""
UNDOCUMENTED = "whether a disabled account stops it is documented nowhere"
NEW = New(
    KIND, "", NO_API_KEYS, f"lets nobody bind an API key to an account: {OUT}",
    "whether any API key of a disabled account opens anything is documented nowhere",
)  # fmt: skip


class ApiKeys(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "API keys bound to a service account"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (LIST_API_KEYS, SEE_PROJECT)
    tries: ClassVar[tuple[str, ...]] = (KIND,)
    remedies = (Delete(),)
    mint = Create()
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if is_agent(account_of(ref)):
            return
        named, places = conn.side_by_side(lambda: conn.named(ref), lambda: other_projects(conn))
        assert isinstance(places, Places)
        projects = tuple(dict.fromkeys((named.project, *places.projects)))
        looks = io.map(lambda project: self._look(conn, ref, project, named.email), projects)
        seen = (access for look in looks if not isinstance(look, Fault) for access in look)
        # The settings may name a project by its number, and so twice.
        found = list({access.id: access for access in seen}.values())
        held = list(io.map(lambda value: self._held(conn, ref, value, found, named.email), io.leaked(KIND)))
        changed = {each.id: each for each in held if isinstance(each, Access)}
        yield from (changed.pop(access.id, access) for access in found)
        yield from changed.values()
        yield from (each for each in held if not isinstance(each, Access))
        yield from _unseen(ref, dict(zip(projects, looks, strict=True)), places)

    def _look(self, conn: GcpConnection, ref: PrincipalRef, project: str, email: str) -> Sequence[Access] | Fault:
        """One project's; a fault is that project's alone."""
        conn.io.pace("gcp api keys", A_SECOND, AT_ONCE)
        try:
            rows = keys.bound_in(conn, project, email)
        except Fault as fault:
            return fault
        return [self._access(ref, project, name, row) for name, row in rows.items()]

    def _access(self, ref: PrincipalRef, project: str, name: str, row: Mapping[str, Any]) -> Access:
        key, deleted = keys.key_of(name), moment(row.get("deleteTime"))
        services = ", ".join(keys.services_of(row))
        note = f"for {services or 'every API that takes such keys'}; {UNDOCUMENTED}"
        if deleted is not None:
            until = deleted + KEPT
            note = f"deleted; whoever may undelete API keys can bring it back until {until:%Y-%m-%d %H:%M} UTC"
        called = str(row.get("displayName") or "")
        return Access(
            id=keys.access_id(name),
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if deleted is None else "disabled",
            label=f"API key {key} of project {project}",
            created=moment(row.get("createTime")),
            evidence="GET …/keys?showDeleted=true",
            door=key,
            before={
                "project": project,
                "name": name,
                "email": keys.account_of(row),
                "deleted": deleted is not None,
            },
            elsewhere=True,
            note=f'called "{called}"; {note}' if called else note,
        )

    def _held(
        self, conn: GcpConnection, ref: PrincipalRef, value: Secret, found: Sequence[Access], email: str
    ) -> Found:
        """What a key string that leaked is: one of these, another account's, or nobody's."""
        leaked = f"the leaked API key {mark(value)}"
        try:
            name, _ = keys.looked_up(conn, value.reveal())
            if not name:
                return BlindSpot(ref, KIND, f"{leaked} was purged: it opens nothing", counts=False)
            for access in found:
                if access.before["name"] == name:
                    return _marked(access, value)
            project = keys.project_of(name)
            row = next((row for row in keys.every(conn, project) if row["name"] == name), None)
        except Missing:
            return BlindSpot(ref, KIND, f"{leaked}: Google knows no such key", counts=False)
        except Fault as fault:
            needs = getattr(fault, "needs", "") or LOOK_UP_API_KEY
            return BlindSpot(ref, KIND, f"whose {leaked} is: {fault.message}", needs)
        if row is None:
            return BlindSpot(ref, KIND, f"{leaked} is {name}, which its project does not list", LIST_API_KEYS)
        owner = keys.account_of(row)
        if owner == email:
            return _marked(self._access(ref, project, name, row), value)
        if owner:
            return Lead(
                to=canonical(owner), why=f"{leaked} is bound to {owner}, which this plan does not name",
                evidence="keys:lookupKey", session=f"{KIND}/{mark(value)}",
                next=f"nhi-revoke revoke {canonical(owner)} --leaked-from FILE",
            )  # fmt: skip
        why = f"{leaked} is {name}, and bound to no account: a project's credential, which this plan does not end"
        return BlindSpot(ref, KIND, why, f"gcloud services api-keys delete {name}")

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """A rotation ends the one that it replaces, and no other."""
        wanted = [a for a in view.of(KIND) if is_wanted(a, intent)]
        former = wanted or [a for a in view.of(KIND) if intent.covers(a)]
        new = list(self._replacement(view, intent, former)) if is_to_be_replaced(view, intent, KIND) else []
        if intent.order == "contain" or any(isinstance(each, Step) for each in new):
            for access in wanted:
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"delete {access.label}, bound to {view.who.name}; it can be undeleted for 30 days",
                    breaks="whatever calls Google's APIs with this API key",
                )  # fmt: skip
        yield from new

    def _replacement(self, view: View, intent: Intent, former: Sequence[Access]) -> Iterable[Draft]:
        """Of the live one; where none is, of the one that was deleted: by a containment, perhaps."""
        if why := unreplaced_because(view, intent, NEW):
            yield Manual(view.who.ref, KIND, why)
            return
        if len(former) != 1:
            ids = " or ".join(f"--scope {a.id}" for a in former)
            said = "restricted each in its own way, and nobody here knows which one the workload uses"
            yield Manual(view.who.ref, KIND, f"not replaced: {len(former)} API keys, {said}: rotate with {ids}")
            return
        [old] = former
        assert self.mint is not None
        yield draft_step(
            self, self.mint, view, says=f"make a new API key bound to {view.who.name}, restricted as {old.label} is",
            lock=f"{view.who.ref}:api-keys",
            before={
                **old.before,
                "ids": [a.id for a in view.of(KIND)],
                "allowed": list(view.who.facts.get(API_SERVICES) or ()),
            },
        )  # fmt: skip


def _marked(access: Access, value: Secret) -> Access:
    return replace(access, door=f"{access.door} {mark(value)}", note=f"its key string leaked; {access.note}")


def _unseen(ref: PrincipalRef, looks: Mapping[str, Sequence[Access] | Fault], places: Places) -> Iterable[BlindSpot]:
    """Each project that did not let anybody look counts: it is known to be there. The account's own comes first."""
    for number, (project, look) in enumerate(looks.items()):
        if isinstance(look, Missing) and number:
            told = f"API keys in project {project}: there is no such project"
            yield BlindSpot(ref, KIND, told, NAMED, counts=places.named)
        elif isinstance(look, Fault):
            needs = getattr(look, "needs", "") or LIST_API_KEYS
            way = "" if places.named or not number else f"; or {NAMED}"
            yield BlindSpot(ref, KIND, f"API keys bound to it in project {project}: {look.message}", f"{needs}{way}")
    if places.left_out:
        yield BlindSpot(ref, KIND, f"API keys bound to it in {places.left_out}", places.needs)
    yield BlindSpot(ref, KIND, f"API keys bound to it in {places.beyond}: not looked at", NAMED, counts=False)
