"""Which of the candidates are one identity, by what speaks for it. Pure; the order of the answers does not matter.

Whoever makes a principal chooses its name, its tags and whom it trusts: an intruder, too. So it matters who says it.

- *Sure*: the map has it; it bears the name, or a tag says it is that; or it resembles the name, and a sure one names
  it, or it names a sure one, or both have one owner; or, whatever it is called, two links tie it to sure ones, one of
  which a sure one makes.
- *Ambiguous*: it bears the name, as others of its provider and kind do: none is chosen by that, but the one that
  something sure names.
- *Maybe*: all others. A name that is only similar never joins by itself; nor does naming a sure one.

To name somebody is to let them in, or to hold their id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.model.alike import Candidate, Resemblance, Rule
from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.glob import overlap
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in

Standing = Literal["sure", "ambiguous", "maybe"]
Basis = Literal["map", "points", "holds", "tag", "name", "owner", "similar"]
"""Why: nhi.toml has it; one names the other; one holds the other's id; a tag says it; it bears the name; both have one
owner; it is called like it, which proves nothing."""
BASES: tuple[Basis, ...] = get_args(Basis)
STANDINGS: tuple[Standing, ...] = get_args(Standing)
RULES: tuple[Rule, ...] = get_args(Rule)
LINKS: tuple[Basis, ...] = ("points", "holds")
JOINED_BY = 2
"""Links with sure ones, one of which a sure one makes, by which something joins that is called otherwise."""


class Speaks(Struct, frozen=True, order=True):
    """One piece of evidence."""

    basis: Basis
    why: str
    """A sentence without its subject, which is the principal that it stands under."""
    evidence: str = ""
    by: PrincipalRef | None = None
    """Who says it: empty for itself."""
    about: PrincipalRef | None = None
    """The other one, where there is one."""


class Alike(Struct, frozen=True):
    """One candidate, and how sure it is."""

    principal: Candidate
    """Without what it says: that is for this module alone."""
    standing: Standing
    because: tuple[Speaks, ...]
    """The strongest first."""
    doubt: str = ""
    """Why it is not sure; empty where it is."""
    identity: str = ""
    """Of nhi.toml, which has it."""


class _Link(Struct, frozen=True, order=True):
    by: PrincipalRef
    to: PrincipalRef
    basis: Basis
    why: str
    evidence: str


def weighed(found: Iterable[Candidate], home: str, mapped: Mapping[PrincipalRef, str]) -> tuple[Alike, ...]:
    """Each candidate once, the surest first. `mapped`: of which identity of the map a principal is; `home`: the one
    that is meant, empty where the map has none.
    """
    every = _once(found)
    links = _links(list(every.values()))
    twins = _twins(every)
    core = _joined(every, links, twins, home, mapped)
    shown = {r: c for r, c in every.items() if c.resembles or r in core or _touches(c, links, core)}
    told = [_alike(each, links, twins, core, shown, home, mapped) for each in shown.values()]
    return tuple(sorted(told, key=lambda a: (STANDINGS.index(a.standing), _nearness(a.principal), a.principal.ref)))


def bears(each: Candidate) -> bool:
    """Whether it is called so, letter by letter or but for separators and case."""
    return any(r.field == "name" and r.rule in ("exact", "same") for r in each.resembles)


def _nearness(each: Candidate) -> int:
    """What bears the name comes first, what is called otherwise last."""
    rules = ((r.field == "tag") + RULES.index(r.rule) for r in each.resembles if r.field != "text")
    return min(rules, default=len(RULES) + 1)


def _tagged(each: Candidate) -> bool:
    return any(r.field == "tag" and r.rule in ("exact", "same") for r in each.resembles)


def _once(found: Iterable[Candidate]) -> dict[PrincipalRef, Candidate]:
    """What several answers tell of one principal, together: an account may be connected twice."""
    kept: dict[PrincipalRef, list[Candidate]] = {}
    for each in found:
        kept.setdefault(each.ref, []).append(each)
    return {ref: _merged(kept[ref]) for ref in sorted(kept)}


def _merged(several: Sequence[Candidate]) -> Candidate:
    first = min(several, key=lambda c: (not c.unique_id, -len(c.aliases), repr(c)))
    return replace(
        first,
        resembles=_sorted(r for c in several for r in c.resembles),
        points=_sorted(p for c in several for p in c.points),
        says=_sorted(s for c in several for s in c.says),
        aliases=_sorted(a for c in several for a in c.aliases),
        marks=_sorted(m for c in several for m in c.marks),
        owner=max(c.owner for c in several),
        created=min((c.created for c in several if c.created), default=None),
        last_used=max((c.last_used for c in several if c.last_used), default=None),
        note=max(c.note for c in several),
    )


def _sorted(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(set(items)))


def _links(every: Sequence[Candidate]) -> tuple[_Link, ...]:
    found: set[_Link] = set()
    marks = [Mark(text, each.ref) for each in every for text in each.marks]
    for one in every:
        for pointer in one.points:
            named = [o for o in every if o.ref != one.ref and names(pointer.to, o.aliases)]
            found |= {_Link(one.ref, other.ref, "points", pointer.why, pointer.evidence) for other in named}
        for saying in one.says:
            for mark in marks_in(saying.text, (m for m in marks if m.of != one.ref)):
                found.add(_Link(one.ref, mark.of, "holds", f"{saying.where} holds {mark.text}", saying.evidence))
    return tuple(sorted(found))


def names(globs: Iterable[str], aliases: Iterable[str]) -> bool:
    """Whether one of them stands for this principal and for no other: up to its first `*` it says all that the alias
    says up to its own.
    """
    pairs = [(glob, alias) for glob in globs for alias in aliases]
    return any(_head(glob).startswith(_head(alias)) and overlap(glob, alias, fold=True) for glob, alias in pairs)


def _head(glob: str) -> str:
    return glob.partition("*")[0].partition("?")[0].casefold()


def _twins(every: Mapping[PrincipalRef, Candidate]) -> dict[PrincipalRef, tuple[Candidate, ...]]:
    """Those that bear the name with others of their provider and kind, each with the others."""
    sorts: dict[tuple[str, str], list[Candidate]] = {}
    for each in every.values():
        if bears(each):
            sorts.setdefault((each.ref.provider, each.kind), []).append(each)
    return {
        each.ref: tuple(o for o in several if o.ref != each.ref)
        for several in sorts.values()
        if len(several) > 1
        for each in several
    }


def _joined(
    every: Mapping[PrincipalRef, Candidate],
    links: Sequence[_Link],
    twins: Mapping[PrincipalRef, object],
    home: str,
    mapped: Mapping[PrincipalRef, str],
) -> frozenset[PrincipalRef]:
    """To the end: what has joined only ever lets more join, so that no order matters."""
    others = {ref for ref in every if mapped.get(ref, home) != home}
    core = {ref for ref in every if ref in mapped and ref not in others}
    core |= {r for r, c in every.items() if r not in others and (_tagged(c) or (bears(c) and r not in twins))}
    while True:
        more = {
            ref
            for ref, each in every.items()
            if ref not in core and ref not in others and _joins(each, links, core, ref in twins, every)
        }
        if not more:
            return frozenset(core)
        core |= more


def _joins(
    each: Candidate,
    links: Sequence[_Link],
    core: set[PrincipalRef],
    twin: bool,
    every: Mapping[PrincipalRef, Candidate],
) -> bool:
    named_by = {link.by for link in links if link.to == each.ref and link.by in core}
    names_them = {link.to for link in links if link.by == each.ref and link.to in core}
    if twin:
        return bool(named_by)
    if each.resembles:
        owned = bool(each.owner) and any(every[ref].owner == each.owner for ref in core)
        spoken = all(r.field == "text" for r in each.resembles)
        return bool(named_by or (names_them and not spoken)) or (owned and _near(each.resembles))
    return bool(named_by) and len(named_by) + len(names_them) >= JOINED_BY


def _near(resembles: Iterable[Resemblance]) -> bool:
    """Whether one owner is enough besides: not for another environment's, nor for one that is only spoken of."""
    return any(r.field != "text" and r.rule == "affix" and not r.environment for r in resembles)


def _touches(each: Candidate, links: Sequence[_Link], core: frozenset[PrincipalRef]) -> bool:
    return any((link.by == each.ref and link.to in core) or (link.to == each.ref and link.by in core) for link in links)


def _alike(
    each: Candidate,
    links: Sequence[_Link],
    twins: Mapping[PrincipalRef, tuple[Candidate, ...]],
    core: frozenset[PrincipalRef],
    shown: Mapping[PrincipalRef, Candidate],
    home: str,
    mapped: Mapping[PrincipalRef, str],
) -> Alike:
    ref, identity = each.ref, mapped.get(each.ref, "")
    because = [_by_name(r) for r in each.resembles]
    if identity:
        because.append(Speaks("map", f"nhi.toml has it as {identity}", "nhi.toml"))
    because += [Speaks(x.basis, x.why, x.evidence, None, x.to) for x in links if x.by == ref and x.to in shown]
    because += [Speaks(x.basis, x.why, x.evidence, x.by, ref) for x in links if x.to == ref and x.by in shown]
    same = sorted(r for r in core if r != ref and each.owner and shown[r].owner == each.owner)
    if same:
        more = f" and of {len(same) - 1} more" if len(same) > 1 else ""
        because.append(Speaks("owner", f"its owner is {each.owner}, as that of {same[0]}{more}", about=same[0]))
    standing: Standing = "sure" if ref in core else "ambiguous" if ref in twins else "maybe"
    doubt = "" if standing == "sure" else _doubt(home, each, links, core, twins.get(ref, ()), identity)
    # Descriptions and values of variables may hold anything, and are not shown.
    return Alike(replace(each, says=()), standing, _together(because), doubt, identity)


def _together(because: Iterable[Speaks]) -> tuple[Speaks, ...]:
    """What several APIs show is one."""
    shown: dict[Speaks, set[str]] = {}
    for each in because:
        shown.setdefault(replace(each, evidence=""), set()).add(each.evidence)
    whole = [replace(said, evidence=", ".join(sorted(filter(None, by)))) for said, by in shown.items()]
    return tuple(sorted(whole, key=lambda s: (BASES.index(s.basis), s.by is not None, s.why, str(s.by), str(s.about))))


def _by_name(r: Resemblance) -> Speaks:
    sure = r.field != "text" and r.rule in ("exact", "same")
    basis: Basis = "similar" if not sure else "tag" if r.field == "tag" else "name"
    how = {
        "exact": "exactly this name",
        "same": "this name but for separators and case",
        "affix": f"like it but for {' and '.join(r.differs)}",
        "contains": "it holds this name",
    }[r.rule]
    shown = "" if r.field == "text" else f" {r.text}"
    return Speaks(basis, f"{r.where}{shown}: {how}", r.evidence)


def _doubt(
    home: str,
    each: Candidate,
    links: Sequence[_Link],
    core: frozenset[PrincipalRef],
    others: Sequence[Candidate],
    identity: str,
) -> str:
    if identity and identity != home:
        return f"nhi.toml has it as {identity}"
    if others:
        return f"{len(others) + 1} of kind {each.kind} bear this name, and nothing sure names this one"
    if not each.resembles:
        named = any(link.to == each.ref and link.by in core for link in links)
        return "only one of the sure ones names it" if named else "it names a sure one, and none of them names it"
    if any(r.environment for r in each.resembles):
        return "it is called like another environment's, and nothing ties the two"
    if all(r.field == "text" for r in each.resembles):
        return "it is only spoken of in a description"
    return "it is called alike, which proves nothing"
