"""What `audit` says of each thing that was looked at: its verdict, whether it was accepted, and whether it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.cli.exit_code import ExitCode, worst
from nhi_revoke.model.audit import FINDINGS, Examined, Judged
from nhi_revoke.model.found import KEY_FAMILIES
from nhi_revoke.render.inventory import is_open, lets_in
from nhi_revoke.render.moment import length, minute

if TYPE_CHECKING:
    from nhi_revoke.cli.accepting import Entries
    from nhi_revoke.cli.fail_on import FailOn
    from nhi_revoke.model.error import Trouble
    from nhi_revoke.model.found import Access, Lead
    from nhi_revoke.model.inventory import Inventory


def examined(inventory: Inventory, chosen: FailOn, accepted: Entries) -> Examined:
    """One identity that could be looked at."""
    judged = tuple(judge(inventory, chosen, accepted))
    return Examined(inventory.identity.name, verdict_code(judged, chosen), inventory, judged)


def not_looked_at(name: str, trouble: Trouble) -> Examined:
    """One that is not found, or that nobody here can look at: it passes no audit, whatever was chosen."""
    return Examined(name, trouble.exit_code, code=trouble.code, why=trouble.message, hint=trouble.hint)


def judge(inventory: Inventory, chosen: FailOn, accepted: Entries) -> Iterator[Judged]:
    """Everything that was looked at, what keeps nobody from passing included."""
    for each in _seen(inventory, chosen):
        if each.verdict not in FINDINGS:
            yield each
            continue
        entry = accepted.of(each.id, inventory.at)
        if entry is not None:
            yield replace(each, verdict="accepted", reason=entry.reason, until=entry.until, would=each.verdict)
            continue
        over = accepted.over(each.id, inventory.at)
        note = f"no longer accepted: {over.reason!r} held until {minute(over.until)}" if over else ""
        yield replace(each, fails=chosen.fails(each.verdict), note=note)


def _seen(inventory: Inventory, chosen: FailOn) -> Iterator[Judged]:
    for access in inventory.accesses:
        verdict, what = _access(access, chosen.stale, inventory.at)
        yield Judged(access.id, what, verdict, on=str(access.on))
    for lead in inventory.leads:
        of = str(lead.of) if lead.of else ""
        yield Judged(str(lead.to), lead.why, _lead(lead), on=of, sort="lead")
    for spot in inventory.blind:
        word = "unseen" if spot.counts else "not-read"
        yield Judged(spot.kind, spot.why, word, on=str(spot.on), sort="unseen")
    for each in inventory.unreachable:
        yield Judged(str(each.ref), each.why, "unseen", on=str(each.ref), sort="unseen")


def _access(access: Access, stale: float | None, now: datetime) -> tuple[str, str]:
    what = access.label or access.kind
    if not lets_in(access):
        return ("shut" if access.shut else "noted"), what
    if access.state == "unknown":
        return "unseen", "may be live; no list shows it"
    if access.state != "live":
        return access.state, what
    if is_open(access):
        return "open", what
    if stale is not None and access.family in KEY_FAMILIES:
        word, why = use(access, stale, now)
        return word, f"{what}: {why}"
    return "live", what


def use(access: Access, stale: float, now: datetime) -> tuple[str, str]:
    """`live` where it was used within `stale` seconds or is younger, `stale`, or `unknown-use`; and why.

    A last use that nobody tells is never taken for a fresh one, nor for none.
    """
    span = timedelta(seconds=stale)
    if access.last_used is not None:
        word = "stale" if now - access.last_used > span else "live"
        idle = max(now - access.last_used, timedelta()).total_seconds()
        return word, f"last used {minute(access.last_used)}, {length(idle)} ago"
    made = f"created {minute(access.created)}" if access.created else "when it was created is unknown"
    if access.created is not None and now - access.created <= span:
        return "live", f"{made}: younger than {length(stale)}"
    if access.never_used:
        return "stale", f"never used, as the vendor tells; {made}"
    return "unknown-use", f"nobody tells when it was used last; {made}"


def _lead(lead: Lead) -> str:
    if lead.how == "planted":
        return "planted"
    return "open" if lead.beyond else "reach"


def verdict_code(judged: Sequence[Judged], chosen: FailOn) -> int:
    """8 before 9, 0 where nothing fails. What is of unknown use alone is unseen, and so 9."""
    verdicts = {each.verdict for each in judged if each.fails}
    unseen = {"unseen", "unknown-use"} - ({"unknown-use"} if chosen.live else set())
    return worst(ExitCode.OPEN if verdicts - unseen else 0, ExitCode.UNSEEN if verdicts & unseen else 0)


def worst_of(examined: Sequence[Examined]) -> int:
    """Of many: what was seen open, then what was not seen, then what could not be looked at at all."""
    codes = {each.exit_code for each in examined}
    left = (ExitCode.CANNOT_START, ExitCode.NOT_FOUND, *sorted(codes))
    return worst(*codes) or next((int(code) for code in left if code and code in codes), 0)
