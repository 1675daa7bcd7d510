"""Leaked credentials that the operator hands over: which providers know them by their shape, and which of them nothing
in a plan has to do with. Values stay in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused, Trouble, Usage
from nhi_revoke.model.found import BlindSpot, Leak
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.plan import Plan
from nhi_revoke.provider.registry import Registry

SHORTEST = 16
"""Characters of a word that may be a credential, where it stands alone on its line."""
NAMED = 10
"""So many lines are told by their numbers."""


class Leaks(Struct, frozen=True):
    """What a text held; never a value."""

    recognised: tuple[Leak, ...]
    strange: tuple[int, ...]
    """Numbers of lines that look like one credential each, and that no provider knows; of a report, of its findings."""
    unasked: tuple[str, ...] = ()
    """Providers that could not be asked: not installed, or broken."""
    unit: str = "line"
    """What is counted: lines, or findings of a report."""

    def told(self) -> tuple[str, str]:
        """In words: what was recognised, and what was not; the second empty where there is nothing to say."""
        counted = Counter(leak.note or leak.kind for leak in self.recognised)
        what = "; ".join(f"{count} x {words}" for words, count in counted.items())
        wrong = []
        if self.strange:
            more = len(self.strange) - NAMED
            numbers = ", ".join(map(str, self.strange[:NAMED])) + (f" and {more} more" if more > 0 else "")
            wrong.append(
                f"nothing that can be tried or ended by its value was found in {self.unit} {numbers}: it was not used"
            )
        if self.unasked:
            wrong.append(f"could not be asked whether they know it: {', '.join(self.unasked)}")
        return f"leaked credentials: {what}", "; ".join(wrong)


def hold_leaks(text: str, registry: Registry, io: EngineIo, pieces: Sequence[str] = ()) -> Leaks:
    """Keeps what providers recognise for their kinds. Raises Usage where nobody knows anything of it.

    `pieces`: the findings of a scanner's report, where the text is one. Each is read by itself, so that an id of one is
    never taken together with the secret of another.
    """
    found: list[Leak] = []
    words: set[str] = set()
    seen: set[tuple[str, str]] = set()
    unasked: list[str] = []
    for name in registry.names():
        try:
            provider = registry.provider(name)
        except Trouble:
            unasked.append(name)
            continue
        for leak, value in (pair for piece in pieces or (text,) for pair in provider.leaks(piece)):
            words |= {value.reveal(), leak.public_id} - {""}
            if (leak.kind, value.reveal()) not in seen:
                seen.add((leak.kind, value.reveal()))
                found.append(leak)
                io.hold(leak, value)
    if not found:
        raise Usage(
            "nothing-leaked",
            f"nothing in what --leaked-from names has the shape of a credential of: {', '.join(registry.names())}. "
            "Nothing was done.",
            "One credential a line is enough; without --leaked-from, identities are contained without their values.",
        )
    if pieces:
        return Leaks(tuple(found), _unused(pieces, words), tuple(unasked), "finding")
    return Leaks(tuple(found), _strange(text, words), tuple(unasked))


def unclaimed(inventory: Inventory, leaks: Sequence[Leak], registry: Registry) -> tuple[BlindSpot, ...]:
    """What was handed over and belongs to nothing that was found: it may open whatever it opens."""
    if not inventory.principals:
        return ()
    kinds = [k for p in inventory.principals for k in registry.kinds(p.ref.provider, (p.kind,))]
    tried = {sort for kind in kinds for sort in kind.tries}
    known = [text for a in inventory.accesses for text in (a.id, a.door)]
    known += [lead.session or "" for lead in inventory.leads] + [spot.why for spot in inventory.blind]
    spots = []
    for leak in dict.fromkeys(leaks):
        if leak.kind in tried and (not leak.public_id or any(leak.public_id in text for text in known)):
            continue
        what = " ".join(filter(None, (leak.note or leak.kind, "" if leak.public_id in leak.note else leak.public_id)))
        why = (
            f"a leaked credential was handed over that is of no principal of this plan: {what}. Nothing was done to it"
        )
        needs = command("list", leak.owner.id or leak.owner) if leak.owner else "the principal that it belongs to"
        spots.append(BlindSpot(inventory.principals[0].ref, leak.kind, why, needs))
    return tuple(spots)


def must_be_held(plan: Plan, leaks: Sequence[Leak], registry: Registry) -> None:
    """Raises Refused where a plan ends credentials by their values, and none of that sort was handed over: a look that
    does not show them would read like "gone".
    """
    ended = {access for step in plan.steps for access in step.ends}
    kinds = [registry.kind(a.kind) for a in plan.accesses if a.id in ended]
    held = {leak.kind for leak in leaks}
    missing = {kind.title for kind in kinds if kind.by_value and not held & set(kind.tries)}
    if missing:
        raise Refused(
            "values-not-held",
            f"the plan ends {', '.join(sorted(missing))}, and no value was handed over. Nothing was changed.",
            "--leaked-from FILE, as for the plan.",
        )


def _unused(pieces: Sequence[str], known: set[str]) -> tuple[int, ...]:
    return tuple(n for n, piece in enumerate(pieces, 1) if not any(word in piece for word in known))


def _strange(text: str, known: set[str]) -> tuple[int, ...]:
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(
        number
        for number, line in lines
        if len(line) >= SHORTEST and len(line.split()) == 1 and not any(word in line for word in known)
    )
