"""User-managed keys of a service account: whoever holds one gets tokens as the account.

facts gcp.md 1 (row 1), 2 and 7 (3, 13, 16, 22): Google disables keys that leak by itself, and says why; an uploaded
key's private half was made elsewhere. The day of its last use is told late, and is no proof that a key is unused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec.structs import replace

from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_gcp.access.key_end import SURVIVES, Delete, Disable
from nhi_revoke_gcp.access.key_mint import Create
from nhi_revoke_gcp.access.key_replacement import replacement
from nhi_revoke_gcp.access.key_use import last_uses
from nhi_revoke_gcp.access.keys import BRAKED, FOREVER, SECONDS, TOKENS, access_id, key_of, keys_on
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.permissions import LIST_KEYS, READ_KEY_USE
from nhi_revoke_gcp.stopping import (
    KEY,
    brake_of,
    is_to_be_replaced,
    is_wanted,
    seconds_of,
    standing,
)

KIND = KEY
REASON, STATUS = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_", "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_"
"""What the names of `disableReason` and of an `extendedStatus` begin with (discovery document iam.v1)."""
FOUND = {"EXPOSED": "found it in public", "COMPROMISE_DETECTED": "saw an attacker use it"}
"""Google did; an `extendedStatus` says so for as long as the key lives, enabled again or not."""


class Keys(AccessKind[GcpConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "keys of a service account"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (LIST_KEYS, READ_KEY_USE)
    tries: ClassVar[tuple[str, ...]] = (KIND,)
    remedies = (Disable(), Delete())
    mint = Create()
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        if named.agent:
            return
        for key, row in keys_on(conn, named.resource).items():
            end = moment(row.get("validBeforeTime"))
            expires = end if end is not None and end.year < FOREVER else None
            state: State = "live"
            if row.get("disabled"):
                state = "disabled"
            elif expires is not None and expires <= conn.now():
                state = "expired"
            yield Access(
                id=access_id(named.email, key),
                on=ref,
                kind=KIND,
                family=self.family,
                state=state,
                label=f"key {key}",
                created=moment(row.get("validAfterTime")),
                expires=expires,
                evidence="GET …/keys?keyTypes=USER_MANAGED",
                door=key,
                before=_before(row, named.resource, named.email),
                note="; ".join(_notes(row)),
            )

    def enrich(self, conn: GcpConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        """The day of the last use, where one is told. Its absence says nothing."""
        if not found:
            return ()
        project = str(found[0].before["resource"]).split("/")[1]
        try:
            used = last_uses(conn, project)
        except Fault as fault:
            return [_noted(a, f"its last use is unseen: {fault.message}") for a in found]
        return [_used(a, used.get(key_of(a.id))) for a in found]

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        minted = {TOKENS: standing(view.who.scope, view.who.unique_id), SECONDS: seconds_of(view)}
        if brake_of(view, intent).on:
            minted[BRAKED] = True
        for access in view.of(KIND):
            if is_wanted(access, intent):
                yield draft_step(
                    self, self.remedies[0], view, access, rearms="always",
                    says=f"disable {access.label} of {view.who.name}",
                    breaks="whatever gets its tokens with this key",
                    before={**access.before, **minted},
                )  # fmt: skip
        if is_to_be_replaced(view, intent):
            yield from replacement(self, self, self.remedies[1], view, intent)


def _before(row: Mapping[str, Any], resource: str, email: str) -> Json:
    """Evidence, kept before an end: everything that names it, nothing that opens anything."""
    told = {name: str(row[name]) for name in ("keyAlgorithm", "keyOrigin", "disableReason") if row.get(name)}
    return {"resource": resource, "email": email, "disabled": bool(row.get("disabled")), **told}


def _notes(row: Mapping[str, Any]) -> Iterable[str]:
    by_google = FOUND.get(str(row.get("disableReason") or "").removeprefix(REASON))
    marks = (FOUND.get(str(each.get("key")).removeprefix(STATUS)) for each in row.get("extendedStatus") or ())
    if row.get("disabled"):
        yield f"Google {by_google}, and disabled it" if by_google else "whoever may enable keys can enable it again"
    for said in dict.fromkeys(filter(None, marks)):
        if said != by_google:
            yield f"Google {said}"
    if row.get("keyOrigin") == "USER_PROVIDED":
        yield "uploaded: its private half was made elsewhere, and Google cannot make it anew"


def _used(access: Access, day: datetime | None) -> Access:
    """Google's count is by days, and days late."""
    if day is None:
        return _noted(access, "no use of it is told, which proves nothing: the count is days late")
    return replace(_noted(access, f"last used on {day:%Y-%m-%d}: the count is by days, and late"), last_used=day)


def _noted(access: Access, said: str) -> Access:
    return replace(access, note="; ".join(filter(None, (access.note, said))))
