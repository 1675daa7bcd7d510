"""What a function's or a task's configuration tells: marks and references. Values are compared, and never kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark
from nhi_revoke.model.identity import FlushTarget
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.consumers.place import Place, Reference, references
from nhi_revoke_aws.consumers.sight import Sight


class Seen(Struct, frozen=True):
    """Of one configuration; with the names of what holds it."""

    marks: tuple[tuple[Mark, str], ...] = ()
    references: tuple[tuple[Reference, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.marks or self.references)


class Runner(Struct, frozen=True):
    """What runs with a configuration, and how it begins anew."""

    what: str
    evidence: str
    flush: FlushTarget | None
    by_hand: str
    """How it begins anew where no flush does that."""
    anew: str
    """How a literal in its configuration is replaced."""
    prefix: str = ""
    """Of each sentence: "published version 3: "."""


def seen_in(pairs: Iterable[tuple[str, str]], sight: Sight, places: Sequence[Place], region: str) -> Seen:
    """`pairs`: name and value."""
    marks: list[tuple[Mark, str]] = []
    named: list[tuple[Reference, str]] = []
    for name, value in pairs:
        marks += [(mark, name) for mark in sight.marked(value)]
        named += [(ref, name) for ref in references(value, name.rpartition(": ")[2], places, sight.account, region)]
    return Seen(tuple(dict.fromkeys(marks)), tuple(dict.fromkeys(named)))


def told(runner: Runner, seen: Seen, sight: Sight) -> Iterator[Consumer]:
    """One for what it holds, one for each sort of what it refers to."""
    if seen.marks:
        held: dict[str, list[str]] = {}
        for mark, name in seen.marks:
            held.setdefault(mark.text, []).append(name)
        said = " and ".join(f"{text} ({_list(names)})" for text, names in held.items())
        of = tuple(dict.fromkeys(mark.of for mark, _ in seen.marks))
        yield _consumer(runner, sight, "id", f"its environment holds {said}", of, by_hand=_anew(runner, seen))
    for basis in dict.fromkeys(ref.basis for ref, _ in seen.references):
        at: dict[Reference, list[str]] = {}
        for ref, name in seen.references:
            if ref.basis == basis:
                at.setdefault(ref, []).append(name)
        said = " and ".join(_refers(ref, names) for ref, names in at.items())
        of = tuple(dict.fromkeys(ref for each in at for ref in each.place.of))
        strength: Basis = "name" if basis == "name" else "reference"
        yield _consumer(runner, sight, strength, f"its environment refers to {said}", of, restarts=True)


def runs_as(runner: Runner, roles: Iterable[tuple[str, str]], sight: Sight) -> Iterator[Consumer]:
    """`roles`: what each is to it ("task role"), and its ARN."""
    mine = [(word, mark) for word, arn in roles for mark in sight.marked(arn)]
    if mine:
        said = " and ".join(dict.fromkeys(f"{mark.text} ({word})" for word, mark in mine))
        of = tuple(dict.fromkeys(mark.of for _, mark in mine))
        yield _consumer(runner, sight, "id", f"it runs with {said}, whose sessions it caches", of, restarts=True)


def called(runner: Runner, name: str, sight: Sight) -> Iterator[Consumer]:
    """By its own name alone."""
    if like := sight.named(name):
        yield _consumer(runner, sight, "name", f"it is called like {like}", (), restarts=True)


def _consumer(
    runner: Runner,
    sight: Sight,
    basis: Basis,
    why: str,
    of: tuple[PrincipalRef, ...],
    *,
    by_hand: str = "",
    restarts: bool = False,
) -> Consumer:
    return Consumer(
        what=runner.what,
        scope=sight.account,
        basis=basis,
        why=f"{runner.prefix}{why}",
        evidence=runner.evidence,
        of=of,
        flush=(runner.flush,) if restarts and runner.flush else (),
        by_hand=by_hand or (runner.by_hand if restarts and not runner.flush else ""),
    )


def _anew(runner: Runner, seen: Seen) -> str:
    """A principal's ARN is no credential: nothing is to be replaced there."""
    names = list(dict.fromkeys(name for mark, name in seen.marks if mark.access))
    return f"{runner.anew} ({_list(names)}, and the secret beside it); better: a reference to a secret" if names else ""


def _refers(ref: Reference, names: Sequence[str]) -> str:
    elsewhere = f", which lies in {ref.place.region}," if ref.elsewhere else ""
    return f"{ref.place.says}{elsewhere} ({_list(names)}), {ref.place.why}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
