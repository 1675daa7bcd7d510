"""What `find NAME` proposes for the map, as TOML. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from nhi_revoke.engine.likeness import LINKS, Alike, Speaks
from nhi_revoke.engine.proposal import AT_THE_END, NO_NAME, free_name
from nhi_revoke.engine.written import comment, key, value
from nhi_revoke.model.ref import PrincipalRef

NOT_SURE = "Not sure: take the # away where you know that it is so."
NONE_SURE = "Nothing is sure: take the # away, here and before those that you know."


def entry(name: str, home: str, found: Sequence[Alike], taken: Collection[str]) -> str:
    """`home`: the identity of the map that is meant, which lacks what is not in it; empty: a new one, called as none of
    `taken` is. Empty where nothing is to be added.
    """
    lacking = [each for each in found if not each.identity]
    sure = [each for each in lacking if each.standing == "sure"]
    doubted = [each for each in lacking if each.standing != "sure"]
    if not lacking or (home and not sure and not doubted):
        return ""
    these = {each.principal.ref for each in found if each.standing == "sure"}
    lines = [line for each in sure for line in _lines(each, these)]
    if doubted:
        lines += [f"  {line}" for line in comment(NOT_SURE)]
        lines += [line for each in doubted for line in _lines(each, these)]
    if home:
        into = f"Into principals of [identity.{key(home)}], which has the others:"
        return "\n".join([*comment(into), *lines]) + "\n"
    owners = {each.principal.owner for each in sure if each.principal.owner}
    owner = [f"owner = {value(one)}" for one in owners if len(owners) == 1]
    head = [f"[identity.{key(name_in_map(name, home, taken))}]", *owner]
    table = [*head, "principals = [", *lines, "]"]
    if sure:
        return "\n".join([*comment(AT_THE_END), *table]) + "\n"
    # An identity without a principal is an error: whoever pastes this unread changes nothing.
    whole = [line if line.lstrip().startswith("#") else f"# {line}" for line in table]
    return "\n".join([*comment(NONE_SURE), *whole]) + "\n"


def name_in_map(name: str, home: str, taken: Collection[str]) -> str:
    """What the identity is, or would be, called in the map."""
    return home or free_name(NO_NAME.sub("-", name).strip("-@") or "identity", taken)


def told(said: Speaks) -> str:
    """One piece of evidence, with whom it is about."""
    if said.basis == "points":
        return f"{said.by or said.about}, by {said.why}"
    if said.basis == "holds":
        return f"{said.by}: {said.why}" if said.by is not None else f"{said.why}, of {said.about}"
    return said.why


def _lines(each: Alike, these: Collection[PrincipalRef]) -> Iterable[str]:
    """What speaks for it, or against it, above it."""
    yield from (f"  {line}" for line in comment(f"{_summary(each, these)}."))
    yield f"  {'' if each.standing == 'sure' else '# '}{value(str(each.principal.ref))},"


def _summary(each: Alike, these: Collection[PrincipalRef]) -> str:
    """`these`: what is sure."""
    links = [s for s in each.because if s.basis in LINKS]
    names = len({s.about for s in links if s.by is None and s.about in these})
    named = len({s.by for s in links if s.by in these})
    parts = [s.why for s in each.because if s.basis not in LINKS][:1]
    parts += [f"it names {names} of these"] if names else []
    parts += [f"{named} of these {'names' if named == 1 else 'name'} it"] if named else []
    if each.doubt:
        parts = [f"{each.principal.name}: {each.doubt}"]
    return "; ".join(parts)
