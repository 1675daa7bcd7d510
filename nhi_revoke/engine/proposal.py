"""What `find --consumers` proposes for the map, as TOML. Pure but for the registry's look-ups.

Everything in it may be named by an intruder: texts are quoted, and comments keep to their line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import count

from msgspec.structs import replace

from nhi_revoke.engine.written import comment, key, pairs, value
from nhi_revoke.model.consumer import Consumer
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity, Principal
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.registry import Registry

NO_NAME = re.compile(r"[^A-Za-z0-9_.@+-]+")
AT_THE_END = "Paste this at the end of nhi.toml."
BY_NAME = "By name alone, which proves nothing: take the # away where you know that it is so."
BY_HAND = "By hand: no store or flush of this tool reaches it."
Entry = Delivery | FlushTarget


class Map:
    """The identity as the map has it, or would."""

    def __init__(
        self,
        identity: Identity,
        written: Identity | None,
        principals: Sequence[Principal],
        name: str,
        registry: Registry,
        taken: Collection[str] = (),
    ) -> None:
        """`written`: as the map has it; None where it has no such identity. `name`: for a new one, unless `taken`."""
        self.written = written
        self.name = written.name if written else free_name(NO_NAME.sub("-", name).strip("-@") or "identity", taken)
        self._identity = written or identity
        self._principals = principals
        self._registry = registry
        # What was typed may be the id of a key, which a rotation ends.
        known = {who.typed: str(who.ref) for who in principals}
        typed = [known.get(str(ref), str(ref)) for ref in identity.principals]
        self.principals: Sequence[str] = spelled(written) if written else tuple(dict.fromkeys(typed))
        """As they stand in the map, or would."""

    def fitted(self, each: Consumer) -> Consumer:
        """Without what no step of this tool could do, and with the principal named where several could be meant."""
        deliver = tuple(fit for one in each.deliver for fit in self._deliveries(one, each))
        return replace(each, deliver=deliver, flush=tuple(one for one in each.flush if self._is_flush(one)))

    def delivers(self, wanted: Delivery) -> bool:
        """Whether the map has it."""
        return any(
            (one.kind, one.to) == (wanted.kind, wanted.to)
            and (wanted.principal in (one.principal, "") or not one.principal)
            for one in self._identity.deliver
        )

    def flushes(self, wanted: FlushTarget) -> bool:
        """Whether the map has it, alone or with others: `services = ["a", "b"]` holds `service = "a"`."""
        asked = _settings(wanted.settings)
        same = (_settings(one.settings) for one in self._identity.flush if one.use == wanted.use)
        return any(all(values <= there.get(key, set()) for key, values in asked.items()) for there in same)

    def _deliveries(self, one: Delivery, of: Consumer) -> Iterable[Delivery]:
        if one in self._identity.deliver:
            yield one
            return
        try:
            kind = self._registry.kind(one.kind)
            self._registry.store(one.to.partition(":")[0])
        except Trouble:
            return
        provider = one.kind.partition(":")[0]
        could = [p for p in self._principals if p.ref.provider == provider and p.kind in kind.on]
        if kind.mint is None or not could:
            return
        meant = one.principal
        known = [p for p in could if p.ref in of.of or (meant and meant in (*words_for(p), p.name))]
        if len(could) == 1 and len(self.principals) == len(self._principals):
            yield replace(one, principal="")
            return
        # Whose it is nobody can tell where a name alone speaks for it: all are shown, and commented out.
        for who in known or (could if of.basis == "name" else ()):
            yield replace(
                one, principal=next((text for text in self.principals if text in words_for(who)), str(who.ref))
            )

    def _is_flush(self, one: FlushTarget) -> bool:
        try:
            return self._registry.doer(one.use).phase is Phase.FLUSH
        except Trouble:
            return False


def spelled(identity: Identity) -> tuple[str, ...]:
    """Its principals as the file has them: a bare native id has no provider before it."""
    return tuple(str(ref) if ref.provider else ref.id for ref in identity.principals)


def words_for(who: Principal) -> tuple[str, ...]:
    """How the map may spell this principal."""
    return str(who.ref), who.ref.id, who.typed, who.typed.partition(":")[2]


def proposal(known: Map, consumers: Sequence[Consumer]) -> str:
    """TOML of what the map lacks; empty where nothing can be proposed.

    `consumers`: not merged, so that what a name alone says is told from what is surer.
    """
    sure: list[tuple[Entry, list[Consumer]]] = []
    for each in consumers:
        wanted: tuple[Entry, ...] = (
            *(d for d in each.deliver if not known.delivers(d)),
            *(f for f in each.flush if not known.flushes(f)),
        )
        for entry in wanted:
            by = next((said for there, said in sure if there == entry), None)
            if by is None:
                sure.append((entry, [each]))
            else:
                by.append(each)
    entries = sorted(sure, key=lambda pair: isinstance(pair[0], FlushTarget))
    told = [_block(known, entry, by) for entry, by in entries]
    plain = [lines for lines, named in told if not named]
    doubted = [lines for lines, named in told if named]
    hands = [
        comment(f"{_subject(each)}: {each.by_hand.rstrip('.')}.", bullet="- ") for each in consumers if each.by_hand
    ]
    parts: list[list[str]] = []
    if plain or doubted:
        parts.append(comment(AT_THE_END))
        if known.written is None:
            parts.append(_identity(known))
    parts += plain
    if doubted:
        parts += [comment(BY_NAME), *doubted]
    if hands:
        parts.append([*comment(BY_HAND), *(line for lines in _distinct(hands) for line in lines)])
    return "".join("\n".join(lines) + "\n\n" for lines in parts).removesuffix("\n")


def _block(known: Map, entry: Entry, by: Sequence[Consumer]) -> tuple[list[str], bool]:
    """Its lines, and whether a name alone speaks for it."""
    named = all(each.basis == "name" for each in by)
    where = "flush" if isinstance(entry, FlushTarget) else "deliver"
    lines = [f"[[identity.{key(known.name)}.{where}]]"]
    if isinstance(entry, FlushTarget):
        lines += pairs({"use": entry.use, **entry.settings})
    else:
        more = {"principal": entry.principal, "format": entry.format}
        lines += pairs({"from": entry.kind, "to": entry.to, **{name: text for name, text in more.items() if text}})
    said = [f"{_subject(each)}: {each.why} ({each.evidence})." for each in by]
    comments = [line for text in dict.fromkeys(said) for line in comment(text)]
    return [*comments, *(f"# {line}" if named else line for line in lines)], named


def free_name(name: str, taken: Collection[str]) -> str:
    return next(each for number in count(1) if (each := f"{name}-{number}" if number > 1 else name) not in taken)


def _identity(known: Map) -> list[str]:
    return [f"[identity.{key(known.name)}]", f"principals = {value(list(known.principals))}"]


def _subject(each: Consumer) -> str:
    return f"{each.what} ({each.scope})" if each.scope else each.what


def _distinct(blocks: Sequence[list[str]]) -> list[list[str]]:
    return list({tuple(lines): lines for lines in blocks}.values())


def _settings(settings: Json) -> dict[str, set[str]]:
    """One and several are written by two names: `service = "a"` is `services = ["a"]`."""
    return {
        key.removesuffix("s"): {str(each) for each in (value if isinstance(value, list | tuple) else [value])}
        for key, value in settings.items()
    }
