"""Each recognised credential: whether it is alive, whose it is, what else its owner has, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.model.command import command
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.inventory import Inventory, Unreachable
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.model.triage import NOT_LOOKED, OwnerLook, Suspect, Triaged
from nhi_revoke.render.inventory import counts
from nhi_revoke.triage.mapping import identities_of
from nhi_revoke.triage.masking import masked

if TYPE_CHECKING:
    from nhi_revoke.engine.owners import Owner
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.triage.recognising import Recognition, Sighting

ORDER = ("alive", "unknown", "dead")
"""What a tired person must see first."""
NOT_THERE = "not-found"
NOT_ASKED = Liveness("unknown", "not asked: --offline")


@dataclass(frozen=True)
class Asking:
    """How far to go."""

    offline: bool = False
    look: bool = True
    """Whether the owners' other accesses are looked at."""
    logs: bool = True
    file: str = "FILE"
    """What the commands to type name after `--leaked-from`; empty: that would not read it."""


@dataclass(frozen=True)
class Judged:
    """What is told, and beside each credential what a run of it would hold."""

    triaged: Triaged
    sightings: tuple[Sighting, ...]
    """In the order of `triaged.suspects`."""


def triage(recognition: Recognition, engine: Engine, asking: Asking) -> Judged:
    """Asks nobody where `asking.offline`. Raises Interrupted."""
    found = recognition.sightings
    alive = [NOT_ASKED] * len(found)
    if not asking.offline:
        alive = list(engine.alive([(each.provider, each.found) for each in found]))
    refs = [life.owner or each.found.leak.owner for life, each in zip(alive, found, strict=True)]
    owners = {} if asking.offline else engine.owners(ref for ref in refs if ref is not None)
    known = _Known(owners, identities_of(engine, _people(owners)), _looks(engine, owners, asking))
    told = [_suspect(engine, asking, *each, known) for each in zip(found, alive, refs, strict=True)]
    pairs = sorted(zip(told, found, strict=True), key=lambda pair: ORDER.index(pair[0].liveness.state))
    triaged = Triaged(
        at=engine.clock.now(),
        format=recognition.format,
        offline=asking.offline,
        suspects=tuple(suspect for suspect, _ in pairs),
        strange=recognition.strange,
        unasked=recognition.unasked,
    )
    return Judged(masked(triaged, recognition.values), tuple(each for _, each in pairs))


@dataclass(frozen=True)
class _Known:
    """What the operator's own logins told of the owners."""

    owners: Mapping[PrincipalRef, Owner]
    identities: Mapping[PrincipalRef, str]
    looks: Inventory | None


def _people(owners: Mapping[PrincipalRef, Owner]) -> list[Principal]:
    return [owner for owner in owners.values() if isinstance(owner, Principal)]


def _looks(engine: Engine, owners: Mapping[PrincipalRef, Owner], asking: Asking) -> Inventory | None:
    there = list(dict.fromkeys(who.ref for who in _people(owners)))
    return engine.survey(there, logs=asking.logs) if there and asking.look and not asking.offline else None


def _suspect(
    engine: Engine, asking: Asking, each: Sighting, life: Liveness, ref: PrincipalRef | None, known: _Known
) -> Suspect:
    who = known.owners.get(ref) if ref is not None else None
    owner, by = _whose(life, ref, who)
    identity = known.identities.get(who.ref, "") if who is not None else ""
    look, unlooked = _looked(asking, ref, who, known.looks)
    absent = isinstance(who, Unreachable) and who.code == NOT_THERE
    if isinstance(who, Unreachable) and absent:
        then, by_hand = "", who.hint if life.state != "dead" else ""
    else:
        then, by_hand = _next(engine, asking, each, life, identity or (str(owner) if owner else ""))
    return Suspect(
        leak=each.found.leak,
        held=each.found.value is not None,
        liveness=life,
        owner=owner,
        owner_by=by,
        identity=identity,
        places=each.places,
        look=look,
        listed=_listed(each, known.looks),
        absent=absent,
        unlooked=unlooked,
        next=then,
        by_hand=by_hand,
    )


def _whose(life: Liveness, ref: PrincipalRef | None, who: Owner | None) -> tuple[PrincipalRef | None, str]:
    if ref is None:
        return None, ""
    says = "its own answer" if life.owner is not None else "its shape"
    if not isinstance(who, Principal):
        return ref, says
    if life.owner is None and who.ref != ref:
        return who.ref, "looked up with your login"
    return who.ref, f"{says}; looked up with your login"


def _looked(
    asking: Asking, ref: PrincipalRef | None, who: Owner | None, looks: Inventory | None
) -> tuple[OwnerLook | None, str]:
    if ref is None:
        return None, ""
    if asking.offline:
        return None, f"{NOT_LOOKED}--offline"
    if not isinstance(who, Principal):
        return None, who.why.removeprefix(f"{ref}: ") if who is not None else "not looked up"
    if looks is None:
        return None, f"{NOT_LOOKED}--no-look"
    gone = next((each for each in looks.unreachable if each.ref == who.ref), None)
    return (None, gone.why) if gone is not None else (_counted(looks, who.ref, logs=asking.logs), "")


def _listed(each: Sighting, looks: Inventory | None) -> str:
    leak, accesses = each.found.leak, looks.accesses if looks is not None else ()
    mine = (a.state for a in accesses if leak.public_id and a.kind == leak.kind and a.id.endswith(f"/{leak.public_id}"))
    return next(mine, "")


def _counted(looks: Inventory, ref: PrincipalRef, *, logs: bool) -> OwnerLook:
    """Of one principal; what is on none of those that were looked at counts for each."""
    there = {who.ref for who in looks.principals}
    mine = replace(
        looks,
        principals=tuple(who for who in looks.principals if who.ref == ref),
        accesses=looks.of(ref),
        leads=tuple(lead for lead in looks.leads if lead.of == ref or lead.of not in there),
        blind=tuple(spot for spot in looks.blind if spot.on == ref or spot.on not in there),
        unreachable=(),
    )
    return OwnerLook(**counts(mine)._asdict(), logs=logs)


def _next(engine: Engine, asking: Asking, each: Sighting, life: Liveness, owner: str) -> tuple[str, str]:
    if owner and life.state == "dead":
        return command("list", owner), ""
    if owner:
        held = ("--leaked-from", asking.file) if each.handed and asking.file else ()
        return command("revoke", owner, *held), ""
    if life.state == "dead":
        return "", ""
    manual = _manual(engine, each.found.leak.kind)
    with_it = f" --leaked-from {asking.file}" if each.handed and asking.file else ""
    found = f"Nothing tells whose it is. Once you know: nhi-revoke revoke OWNER{with_it}"
    return "", f"{manual}. {found}" if manual else found


def _manual(engine: Engine, kind: str) -> str:
    try:
        return engine.registry.kind(kind).manual.rstrip(".")
    except Trouble:
        return ""


def to_revoke(judged: Judged, *, proven_alone: bool) -> Sequence[tuple[Suspect, Sighting]]:
    """Alive, or perhaps alive, and somebody's whom your logins reach.

    `proven_alone`: nobody looks at what is to be done, so only what was tried and is alive. An id is no secret: whoever
    writes one into a log must not have its owner stopped by a script.
    """
    pairs = zip(judged.triaged.suspects, judged.sightings, strict=True)
    return [
        (one, each)
        for one, each in pairs
        if one.owner and not one.absent and one.liveness.state in (("alive",) if proven_alone else ("alive", "unknown"))
    ]
