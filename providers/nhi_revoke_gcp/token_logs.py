"""What an empty look at a project's Data Access logs is worth: are they on, since when, for whom, and may we see them.

Only where they are on for the whole time in which a token lives, nobody is exempted, and private entries may be read,
no entry means that no token was given. What a sink drops, or keeps elsewhere, is not read, and is said. Google Cloud
docs: logging/docs/audit/configure-data-access, audit-logging-iamcreds, projects.testIamPermissions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.http import segment
from nhi_revoke_gcp.audit_config import CARRY, SERVICE, AuditConfig, audit_config, changes_it, where
from nhi_revoke_gcp.audit_log import Question, Read, read
from nhi_revoke_gcp.hierarchy import read_hierarchy, told, words_of
from nhi_revoke_gcp.permissions import LIST_LOGS, LIST_PRIVATE_LOGS
from nhi_revoke_gcp.sessions import GIVES
from nhi_revoke_gcp.universe import RESOURCE_MANAGER

if TYPE_CHECKING:
    from nhi_revoke_gcp.connection import GcpConnection

SETS = (
    "SetIamPolicy",
    *(f"google.cloud.resourcemanager.v3.{sort}.SetIamPolicy" for sort in ("Projects", "Folders", "Organizations")),
)
"""How a log may name a change of a level's policy: Google's examples have the first, and v3 calls itself the others."""


class Limit(Struct, frozen=True):
    """One thing that these logs cannot show. `counts`: False for what is said and hides nothing that is known of."""

    why: str
    needs: str = ""
    counts: bool = True
    alone: bool = False
    """It is of tokens of the account alone, and not of those that the account got of others."""


def limits(conn: GcpConnection, email: str, one: Read, now: datetime, living: timedelta) -> list[Limit]:
    """Of one project's Data Access log, as it was read. `living`: how long a token lives at most."""
    above = conn.hierarchies.get(one.project) or read_hierarchy(conn, one.project)[0]
    config = audit_config(above)
    if not (config.types or config.unread):
        return [_off(one.project)]
    shown = bool(one.entries)
    if config.types != CARRY:
        shown = any(each.method == GIVES for each in one.entries) or _shows_any(conn, one.project, now, living)
        if not shown:
            return [_not_known(one.project, config) if config.unread else _half(one.project, config)]
    looks = [partial(_changed, conn, resource, now, living) for resource in config.resources]
    if not shown:
        looks.append(partial(_private, conn, one.project))
    found = [*_exempted(one.project, config, email), *chain.from_iterable(conn.side_by_side(*looks))]
    if not found and not one.entries:
        found.append(_none_seen(one.project, config, now - living))
    return found


def _shows_any(conn: GcpConnection, project: str, now: datetime, living: timedelta) -> bool:
    """Whether somebody else's token shows there."""
    question = Question(now - living, now, methods=(GIVES,))
    return bool(read(conn, project, "data_access", question, most=1).entries)


def _off(project: str) -> Limit:
    why = f"Data Access logs of {project} are off for {SERVICE}: nothing is written of tokens that are given"
    return Limit(why, _turn_on(project, CARRY))


def _half(project: str, config: AuditConfig) -> Limit:
    [on] = config.types
    why = (
        f"of Data Access logs of {SERVICE} in {project} {on} alone is on, and no token shows there: in which of "
        f"{' and '.join(CARRY)} tokens stand Google's documents tell differently"
    )
    return Limit(why, _turn_on(project, tuple(each for each in CARRY if each != on)))


def _turn_on(project: str, types: tuple[str, ...]) -> str:
    return f"{' and '.join(types)} of {SERVICE}, or of allServices, in auditConfigs of {project}: seen from then on"


def _not_known(project: str, config: AuditConfig) -> Limit:
    unread = "; ".join(f"{each.words}: {each.fault.message}" for each in config.unread)
    needs = ", ".join(dict.fromkeys(each.needs for each in config.unread if each.needs))
    return Limit(f"whether Data Access logs of {project}, which show none, are on could not be read ({unread})", needs)


def _exempted(project: str, config: AuditConfig, email: str) -> Iterable[Limit]:
    """Members of whom nothing is written, and levels that may exempt somebody."""
    own = config.exempted(email)
    for member, resource in config.exempted():
        why = f"{member} is exempted from Data Access logs by the policy of {words_of(resource)}"
        yield Limit(f"{why}: what it gets is written nowhere", alone=(member, resource) not in own)
    for each in config.unread:
        why = f"whether somebody is exempted from Data Access logs of {project} ({each.words}: {each.fault.message})"
        yield Limit(why, each.needs)


def _changed(conn: GcpConnection, resource: str, now: datetime, living: timedelta) -> list[Limit]:
    """What was given before the logs were turned on is in none of them."""
    at = words_of(resource)
    one = read(conn, resource, "activity", Question(now - living, now, methods=SETS))
    if one.fault is not None or one.more:
        told_so = one.fault.message if one.fault is not None else "there are too many changes of it"
        needs = (one.fault.needs or LIST_LOGS) if isinstance(one.fault, Denied) else ""
        return [Limit(f"since when Data Access logs are as {at} has them could not be read ({told_so})", needs)]
    last = max((entry.at for entry in one.entries if changes_it(entry)), default=None)
    if last is None:
        return []
    why = (
        f"what Data Access logs hold was changed at {_iso(last)} in the policy of {at}: tokens that were given before "
        f"may be in none, and live until {_iso(last + living)} at the latest"
    )
    return [Limit(why)]


def _private(conn: GcpConnection, project: str) -> list[Limit]:
    """Whoever may not read private entries is shown none, and no refusal."""
    path, body = f"/v3/projects/{segment(project)}:testIamPermissions", {"permissions": [LIST_PRIVATE_LOGS]}
    answer = told(lambda: conn.ask(RESOURCE_MANAGER, path, "", body))
    if isinstance(answer, Fault):
        why = f"Data Access logs of {project} show none, and whether they may be read is not known ({answer.message})"
        return [Limit(why, LIST_PRIVATE_LOGS)]
    if LIST_PRIVATE_LOGS in (answer.get("permissions") or ()):
        return []
    return [Limit(f"Data Access logs of {project} are on, and this operator may not read them", LIST_PRIVATE_LOGS)]


def _none_seen(project: str, config: AuditConfig, since: datetime) -> Limit:
    why = (
        f"whether a sink of {project} drops entries; its Data Access logs, which are on for {SERVICE} "
        f"({where(config.resources)}), show none since {_iso(since)}"
    )
    return Limit(why, counts=False)


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
