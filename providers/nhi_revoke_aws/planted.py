"""What an identity planted: events of its keys and sessions, told as leads with the command that ends each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from nhi_revoke.model.command import command
from nhi_revoke.model.found import Lead
from nhi_revoke.model.ref import AccessId, PrincipalRef
from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import Event
from nhi_revoke_aws.naming import PROVIDER, ROLE, USER, Arn, canonical, parse_arn
from nhi_revoke_aws.planting import ANY, PLANTS, Plant

VERSION = re.compile(r"\d{8}(v\d+)?$")
"""Lambda's event names end in the version of its API: `CreateFunction20150331`."""
ARNS = {
    "bucket": "arn:{partition}:s3:::{name}",
    "function": "arn:{partition}:lambda:{region}:{account}:function:{name}",
    "instance": "arn:{partition}:ec2:{region}:{account}:instance/{name}",
    "key": "arn:{partition}:kms:{region}:{account}:key/{name}",
}
"""Of things whose name tells their ARN. Groups and instance profiles have paths that an event does not tell."""
MOST_LOOKED_AT = 50
"""Users and roles of which is asked whether they are still there."""
MOST_NAMED = 5
"""Keys, policies and the like that one line names."""


class Act(Struct, frozen=True):
    """One planting event, read."""

    plant: Plant
    kind: str
    name: str
    """Of a user or role its bare name, of anything else what the event calls it."""
    arn: str
    """Empty where the event does not tell it."""
    what: tuple[str, ...]
    at: datetime
    region: str
    account: str
    by: PrincipalRef
    access: AccessId
    """What it was done with."""


def plant_of(event: Event) -> Plant | None:
    """What events of this name plant; None for most names."""
    return PLANTS.get((event.source, VERSION.sub("", event.name)))


def acts_of(event: Event, by: PrincipalRef, access: AccessId) -> Iterable[Act]:
    """What one event planted; nothing for most. `by` and `access`: who did it, with which key or session."""
    plant = plant_of(event)
    if plant is None or not _counts(plant, event):
        return
    what = tuple(", ".join(told(event, path)) for path in plant.what)
    for target in _targets(plant, event):
        known = parse_arn(target)
        name, arn = (known.name, target) if known else (target, target if target.startswith("arn:") else "")
        kind = known.kind if known else plant.kind
        yield Act(plant, kind, name, arn, what, event.at, event.region, event.account, by, access)


def told(event: Event, path: str) -> tuple[str, ...]:
    """All that stands at a path; alternatives are parted by `|`. The case of letters does not matter: CloudTrail makes
    the first one small, and services differ in the rest.
    """
    for one in path.split("|"):
        first, *rest = one.split(".")
        found: list[Any] = [event.asked if first == "asked" else event.answer]
        for key in rest:
            found = [v for value in found for v in _at(value, key)]
        texts = tuple(str(v) for v in found if isinstance(v, str | int) and v != "")
        if texts:
            return texts
    return ()


def _at(value: Any, key: str) -> list[Any]:
    if not isinstance(value, dict):
        return []
    found = next((v for k, v in value.items() if str(k).lower() == key.lower()), None)
    return list(found) if isinstance(found, list) else [] if found is None else [found]


def _counts(plant: Plant, event: Event) -> bool:
    if plant.source == "kms" and event.service:
        return False  # a grant that a service took for its own work on the identity's behalf
    if plant.only is None:
        return True
    there = told(event, plant.only[0])
    return bool(there) if plant.only[1] == ANY else plant.only[1] in there


def _targets(plant: Plant, event: Event) -> tuple[str, ...]:
    found = next((f for f in (told(event, path) for path in plant.to) if f), ())
    if not found and plant.kind == USER and event.actor_type == "IAMUser":
        return (event.actor,)  # IAM takes the caller where no user is named
    return found


class Planted:
    """Acts of one walk, as leads. `on`: the principal whose walk it is."""

    def __init__(self, conn: AwsConnection, on: Arn) -> None:
        self._conn = conn
        self._on = on
        self.has: Collection[str] | None = None
        """Ids of what the principal has, where another one may have had its name; None where none had."""

    def leads(self, acts: Sequence[Act]) -> Iterable[Lead]:
        """One for each user or role and credential; one for each act on anything else, with its own command."""
        groups: dict[tuple[object, ...], list[Act]] = {}
        oldest_first = list(reversed(acts))  # they came newest first, in whole seconds
        for act in sorted(oldest_first, key=lambda a: a.at):
            if self._mine(act) and act.plant.listed and self._shown(act):
                continue
            whole = act.kind in (USER, ROLE) and not self._mine(act)
            more = () if whole else (act.plant.name, act.what, act.region)
            groups.setdefault((act.kind, act.name, act.access, *more), []).append(act)
        others = dict.fromkeys((g[0].kind, g[0].name) for g in groups.values() if not self._mine(g[0]))
        there = self._look([o for o in others if o[0] in (USER, ROLE)][:MOST_LOOKED_AT])
        for group in groups.values():
            yield self._lead(group, there.get((group[0].kind, group[0].name)))

    def _mine(self, act: Act) -> bool:
        return (act.kind, act.name) == (self._on.kind, self._on.name) and act.account in ("", self._on.account)

    def _shown(self, act: Act) -> bool:
        """Whether the list of the principal's accesses shows it: what was done by its name may be another's."""
        return self.has is None or any(text in self.has for text in act.what)

    def _look(self, who: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
        """ARN of each, empty for one that is gone, None for one that could not be asked."""

        def ask(one: tuple[str, str]) -> str | None:
            word = one[0].capitalize()
            params: dict[str, Any] = {f"{word}Name": one[1]}
            try:
                found = self._conn.call("iam", f"Get{word}", **params)
            except Missing:
                return ""
            except Fault:
                return None  # only whether it is still there stays open: the lead is told all the same
            return str(found[word]["Arn"])

        return dict(zip(who, self._conn.io.map(ask, who), strict=True))

    def _lead(self, group: Sequence[Act], there: str | None) -> Lead:
        first, last = group[0], group[-1]
        to = self._ref(group, there)
        why = f"{'; '.join(_parts(group))} on it with {first.access} at {_iso(first.at)}"
        if last.at > first.at:
            why += f", the last at {_iso(last.at)}"
        if there == "":
            why += "; it is gone by now: look whether it stays so"
        if self._mine(first) and first.plant.listed:
            why += "; it is not among what that user has now: another may have had its name then (see the renamings)"
        return Lead(
            to, why, f"cloudtrail:LookupEvents {first.region}", how="planted", at=first.at, of=first.by,
            next=self._next(last, first.at, to, gone=there == ""),
        )  # fmt: skip

    def _ref(self, group: Sequence[Act], there: str | None) -> PrincipalRef:
        act = group[0]
        arn = there or next((a.arn for a in group if a.arn), "")
        if self._mine(act):
            return canonical(str(self._on))
        if not arn and act.kind in ARNS:
            own = {"partition": self._on.partition, "account": act.account or self._on.account, "region": act.region}
            arn = ARNS[act.kind].format(name=act.name, **own)
        if arn:
            return canonical(arn)
        name = act.name if act.kind in (USER, ROLE) else f"{act.account or self._on.account}/{act.name}"
        return PrincipalRef(PROVIDER, act.kind, name)

    def _next(self, act: Act, since: datetime, to: PrincipalRef, *, gone: bool) -> str:
        if act.kind in (USER, ROLE) and not self._mine(act):
            return command("list", to) if gone else command("revoke", to, "--since", _iso(since))
        words = [shlex.quote(word) for word in act.what]
        name = act.name if act.kind == "key" else re.split("[:/]", act.name)[-1]
        whole = act.name if to.kind else to.id
        text = act.plant.hand.format(
            *words, name=shlex.quote(name), to=shlex.quote(whole), region=shlex.quote(act.region)
        )
        return (
            "" if "''" in text else text
        )  # a part that the event does not tell: no command is better than a wrong one


def _parts(group: Sequence[Act]) -> Iterable[str]:
    """`CreateAccessKey AKIA…`, `PutUserPolicy a, b (3 times, last at …)`."""
    for name in dict.fromkeys(act.plant.name for act in group):
        same = [act for act in group if act.plant.name == name]
        named = list(dict.fromkeys(text for act in same if (text := " ".join(filter(None, act.what)))))
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        words = f"{name} {', '.join(named[:MOST_NAMED])}{more}".strip()
        yield f"{words} ({len(same)} times, last at {_iso(same[-1].at)})" if len(same) > 1 else words


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
