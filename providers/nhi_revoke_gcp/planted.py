"""What an account planted: acts of its own, and of accounts that were become through it, as leads with the command for
each.

Google Cloud docs: logging/docs/audit (Admin Activity logs are always on). facts gcp.md 7 (19).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from nhi_revoke.model.command import command
from nhi_revoke.model.found import Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke_gcp.audit_entry import Entry
from nhi_revoke_gcp.audit_log import EVIDENCE
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.named import account_at
from nhi_revoke_gcp.naming import ACCOUNT, resource_of
from nhi_revoke_gcp.planting import Act, acts_of

MOST_LOOKED_AT = 50
"""Accounts of which is asked whether they are still there."""
MOST_NAMED = 5
LOOK = "look at it in the Logs Explorer, by its method"


def planted(conn: GcpConnection, who: Principal, entries: Sequence[Entry]) -> Iterable[Lead]:
    """One lead for each account that something known was done to; one for each other thing, or unknown method."""
    groups: dict[tuple[str, ...], list[Act]] = {}
    ended = {entry.operation for entry in entries if not entry.begun} - {""}
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.begun and entry.operation in ended:
            continue
        for act in acts_of(entry):
            mine = act.on == who.ref
            if mine and act.listed:  # what it planted on itself, its own lists show
                continue
            whole = act.known and act.on.kind == ACCOUNT and not mine
            key = (str(act.on),) if whole else (str(act.on) if act.known else "", act.says, act.hand)
            groups.setdefault(key, []).append(act)
    others = [ref for ref in dict.fromkeys(g[0].on for g in groups.values()) if ref.kind == ACCOUNT and ref != who.ref]
    there = _there(conn, others[:MOST_LOOKED_AT])
    for group in groups.values():
        yield _lead(who, group, gone=there.get(group[0].on) is False)


def _there(conn: GcpConnection, refs: Sequence[PrincipalRef]) -> dict[PrincipalRef, bool]:
    """Whether each is still there. What could not be asked is taken to be: the lead is told all the same."""

    def ask(ref: PrincipalRef) -> bool:
        try:
            return account_at(conn, resource_of(ref)) is not None
        except Missing:
            return False
        except Fault:
            return True

    return dict(zip(refs, conn.io.map(ask, refs), strict=True))


def _lead(who: Principal, group: Sequence[Act], *, gone: bool) -> Lead:
    first, last = group[0], group[-1]
    to, mine = first.on, first.on == who.ref
    through = sorted({act.by for act in group if act.by and act.by != who.ref.id})
    why = f"{who.name} {'; '.join(_parts(group))} at {_iso(first.at)}"
    if last.at > first.at:
        why += f", the last at {_iso(last.at)}"
    if through:
        why += f"; done as {', '.join(through[:MOST_NAMED])}, which was become through it"
    if gone:
        why += "; it is gone by now: look whether it stays so"
    next_ = _next(to, group, gone=gone, mine=mine)
    return Lead(to, why if next_ else f"{why}. By hand: {LOOK}", EVIDENCE, how="planted", at=first.at, of=who.ref,
                next=next_)  # fmt: skip


def _next(to: PrincipalRef, group: Sequence[Act], *, gone: bool, mine: bool) -> str:
    if to.kind == ACCOUNT and not mine:
        if gone or all(act.takes or not act.known for act in group):
            return command("list", to)
        return command("revoke", to, "--since", _iso(group[0].at))
    return next((act.hand for act in reversed(group) if act.hand), "")


def _parts(group: Sequence[Act]) -> Iterable[str]:
    """`created this account`, `gave it a role (roles/editor in projects/shop)`, `did "…" (a, b and 3 more)`."""
    for says in dict.fromkeys(act.says for act in group):
        same = [act for act in group if act.says == says]
        named = list(dict.fromkeys(name for act in same if (name := act.details if act.known else act.on.id)))
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"{says} ({', '.join(named[:MOST_NAMED])}{more})" if named else says


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
