"""Tokens of an account that audit logs show: those that somebody was given, and those that were seen at work.

facts gcp.md 1 (row 3), 7 (19, 25); Google Cloud docs: audit-logging-iamcreds, examples-workload-identity. That a key or
a machine got a token is in no log that these documents name: of such a token only its work is seen. A token of another
account that it got is a session of that one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import AccessId
from nhi_revoke.provider.fault import Fault
from nhi_revoke_gcp.access.behind import REFUSED
from nhi_revoke_gcp.access.keys import access_id
from nhi_revoke_gcp.audit_entry import Entry, member_of
from nhi_revoke_gcp.audit_log import EVIDENCE
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.constraints import HOUR, LONGEST
from nhi_revoke_gcp.naming import canonical, is_native
from nhi_revoke_gcp.principals import SECONDS
from nhi_revoke_gcp.stopping import IMPERSONATION, TOKEN, standing

GIVES = "GenerateAccessToken"
ID_TOKEN = "GenerateIdToken"  # noqa: S105 - a method's name
SIGNS = {
    "SignBlob": "signed something",
    "SignJwt": "signed a token",
    "google.iam.admin.v1.SignBlob": "signed something",
    "google.iam.admin.v1.SignJwt": "signed a token",
}
METHODS = (GIVES, ID_TOKEN, *SIGNS)
"""Of the Service Account Credentials API, all in Data Access logs (Google Cloud docs: audit-logging-iamcreds)."""
MOST_ASKED = 50
"""Other accounts of which is asked how long their tokens live."""
HASHED = 12
"""Characters of the hash in an id: of how a token was had, and from where it was seen."""


class Other(Struct, frozen=True):
    """What stands for all tokens of an account, and how long one lives at most, in seconds."""

    standing: AccessId
    lives: float = LONGEST


class Sessions:
    """Of one account."""

    def __init__(self, conn: GcpConnection, who: Principal, accesses: Sequence[Access], now: datetime) -> None:
        self._conn, self._who, self._now = conn, who, now
        self._mine = who.ref.id
        self._shut = REFUSED if who.facts.get("enabled") is False else ""
        self._standing = standing(who.scope, who.unique_id)
        self._trusts = {str(a.before.get("member")): a.id for a in accesses if a.kind == IMPERSONATION}
        self._keys = {a.id for a in accesses}
        self._others: dict[str, Other] = {}

    def know(self, named: Iterable[str]) -> None:
        """Asks how long tokens of the other accounts live, side by side and once for each; before the rest."""
        others = [email for email in dict.fromkeys(named) if is_native(email) and email != self._mine]
        emails = others[:MOST_ASKED]
        self._others |= zip(emails, self._conn.io.map(self._other, emails), strict=True)

    def _other(self, email: str) -> Other:
        try:
            named = self._conn.named(canonical(email))
            lives = self._conn.constraints(canonical(email)).seconds
        except Fault:
            return Other(standing(_project(email), email))
        return Other(standing(named.project, named.unique_id), lives)

    def _of(self, email: str) -> Other:
        """The account itself, or another one; of one that nobody could look at the longest is taken."""
        if email == self._mine:
            return Other(self._standing, float(self._who.facts.get(SECONDS) or LONGEST))
        return self._others.get(email) or Other(standing(_project(email), email))

    # -- given -----------------------------------------------------------------------------------------------------

    def given(self, entries: Iterable[Entry]) -> Iterable[Found]:
        """From Data Access logs, those that live: together where the same caller had them the same way."""
        tokens: dict[tuple[object, ...], list[Entry]] = {}
        signed: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            if not entry.email:
                continue
            if entry.method == ID_TOKEN and entry.at + timedelta(seconds=HOUR) <= self._now:
                continue
            if entry.method != GIVES:
                signed.setdefault((entry.email, entry.method), []).append(entry)
            elif self._expires(entry) > self._now:
                way = (entry.email, entry.actor, entry.chain, entry.ip, entry.agent)
                tokens.setdefault(way, []).append(entry)
        for group in tokens.values():
            yield self._tokens(group)
        for (email, method), group in signed.items():
            yield self._signed(email, method, group)

    def _expires(self, entry: Entry) -> datetime:
        lives = _seconds(entry.field("request", "lifetime")) or self._of(entry.email).lives
        return entry.at + timedelta(seconds=lives)

    def _tokens(self, group: Sequence[Entry]) -> Access:
        """`group`: the newest first."""
        last = group[0]
        ours = last.email == self._mine
        through = f" through {', '.join(last.chain)}" if last.chain else ""
        way = _hash(last.email, last.actor, *last.chain, last.ip, last.agent)
        many = f"{len(group)} of them live, the last was given at {_iso(last.at)}" if len(group) > 1 else ""
        return Access(
            id=f"{self._of(last.email).standing.removesuffix('*')}given-{way}",
            on=canonical(last.email),
            kind=TOKEN,
            family="token",
            state="live",
            label=f"access token given to {last.actor or 'an unnamed caller'}{through}{_from(last)}",
            created=group[-1].at,
            expires=max(map(self._expires, group)),
            parent=self._trusts.get(member_of(last.actor)) if ours else self._standing,
            evidence=EVIDENCE,
            door=last.unique_id,
            note=many,
            shut=self._shut if ours else "",
        )

    def _signed(self, email: str, method: str, group: Sequence[Entry]) -> Found:
        """No session that anything here ends (facts gcp.md 1, rows 4 and 5)."""
        last, callers = group[0], ", ".join(sorted({each.actor or "an unnamed caller" for each in group}))
        what = "were given ID tokens" if method == ID_TOKEN else SIGNS.get(method, f"called {method}")
        times = f"{len(group)} times, last at" if len(group) > 1 else "at"
        if email != self._mine:
            why = f"{callers} {what} of it ({times} {_iso(last.at)})"
            return Lead(canonical(email), why, EVIDENCE, at=last.at, of=self._who.ref, next=_list(email))
        told = f"{callers} {what} as it ({times} {_iso(last.at)})"
        why = f"{told}: that the brake ends it is documented nowhere"
        if method == ID_TOKEN:
            ends = last.at + timedelta(seconds=HOUR)
            return BlindSpot(self._who.ref, TOKEN, f"{why}; it expires by {_iso(ends)}", until=ends, counts=False)
        return BlindSpot(self._who.ref, TOKEN, f"{why}, nor when it expires", counts=False)

    # -- seen at work ----------------------------------------------------------------------------------------------

    def at_work(self, entries: Iterable[Entry]) -> Iterable[Access]:
        """From Admin Activity logs: each by its key, its chain, its address and its program."""
        groups: dict[tuple[object, ...], list[Entry]] = {}
        for entry in entries:
            if is_native(entry.actor):
                groups.setdefault((entry.actor, entry.key, entry.chain, entry.ip, entry.agent), []).append(entry)
        for group in groups.values():
            yield self._seen(group)

    def _seen(self, group: Sequence[Entry]) -> Access:
        """`group`: the newest first. The oldest of them may be another token's, which is over."""
        last = group[0]
        ours = last.actor == self._mine
        of = self._of(last.actor)
        expires = last.at + timedelta(seconds=of.lives)
        way = _hash(last.actor, last.key, *last.chain, last.ip, last.agent)
        key = access_id(last.actor, last.key) if last.key else ""
        by = f" by key {last.key}" if last.key else ""
        through = f" through {', '.join(last.chain)}" if last.chain else ""
        parent = key if key in self._keys else self._trusts.get(member_of(last.chain[0])) if last.chain else None
        return Access(
            id=f"{of.standing.removesuffix('*')}seen-{way}",
            on=canonical(last.actor),
            kind=TOKEN,
            family="token",
            state="live" if expires > self._now else "expired",
            label=f"access token{by}{through}{_from(last)}",
            created=min(each.at for each in group if each.at > last.at - timedelta(seconds=of.lives)),
            last_used=last.at,
            expires=expires,
            parent=parent if ours else self._standing,
            evidence=EVIDENCE,
            door=self._who.unique_id if ours else last.actor,
            note=f"last seen at {_iso(last.at)}, by {last.method}: no log tells when it was given; it ends then at the "
            "latest",
            shut=self._shut if ours else "",
        )


def once(found: Iterable[Found]) -> Iterable[Found]:
    """Each access once, the newest time of it: several projects may tell of one."""
    seen: dict[str, Access] = {}
    for item in found:
        if not isinstance(item, Access):
            yield item
        elif (old := seen.get(item.id)) is None or (item.expires and old.expires and item.expires > old.expires):
            created = min(filter(None, (item.created, old.created if old else None)), default=None)
            seen[item.id] = replace(item, created=created)
    yield from seen.values()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:HASHED]


def _from(entry: Entry) -> str:
    by = f" ({entry.agent})" if entry.agent else ""
    return f", from {entry.ip or 'an unknown address'}{by}"


def _seconds(text: str) -> float:
    """`3600s`; 0 for what is none."""
    number = text.removesuffix("s")
    return float(number) if text.endswith("s") and number.replace(".", "", 1).isdigit() else 0.0


def _project(email: str) -> str:
    return email.rpartition("@")[2].removesuffix(".iam.gserviceaccount.com")


def _list(email: str) -> str:
    return f"nhi-revoke list {canonical(email)}"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
