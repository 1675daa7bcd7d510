"""Tables of the documentation that are made from the registry: what each provider can end, and where it delivers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nhi_revoke.engine.formats import choices
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.registry import Registry, target_doers
from nhi_revoke.render.document import markdown_table

_HEADS = ("access kind", "on", "how it is ended", "how that is undone", "what survives")


def capability_tables(registry: Registry) -> str:
    """One section for each provider that may be used. Raises what `Registry.provider` raises."""
    parts: list[str] = []
    for name in registry.names():
        provider = registry.provider(name)
        parts.append(f"### {provider.title} (`{name}`)")
        kinds = registry.kinds(name)
        if kinds:
            parts.append(markdown_table(_HEADS, [_kind_row(kind) for kind in kinds]))
        targets = [row for target in provider.targets() for row in _doer_rows(target_doers(target).items())]
        if targets:
            parts.append(markdown_table(("store or flush", "what it does", "how that is undone"), targets))
    return "\n\n".join(parts)


def _kind_row(kind: AccessKind[Any]) -> tuple[str, ...]:
    doers = [*kind.remedies, *([kind.mint] if kind.mint else [])]
    if not doers:
        how = f"by hand: {kind.manual}" if kind.manual else "listed only"
        return f"`{kind.name}`: {kind.title}", ", ".join(kind.on), how, "", kind.survives
    return (
        f"`{kind.name}`: {kind.title}",
        ", ".join(kind.on),
        _lines(f"`{doer.name}` ({doer.phase}): {doer.says}{_braking(doer)}{_formats(doer)}" for doer in doers),
        _lines(f"`{doer.name}`: {doer.undone if doer.reversible else '**irreversible**'}" for doer in doers),
        _lines(dict.fromkeys(each for each in (kind.survives, *(doer.survives for doer in doers)) if each)),
    )


def _doer_rows(doers: Iterable[tuple[str, Doer[Any]]]) -> list[tuple[str, ...]]:
    return [(f"`{key}`", doer.says, doer.undone if doer.reversible else "**irreversible**") for key, doer in doers]


def _braking(doer: Doer[Any]) -> str:
    return ", a brake until `release`" if doer.brake else ""


def _formats(doer: Doer[Any]) -> str:
    return f" (`--format` {', '.join(choices(doer))})" if isinstance(doer, Mint) else ""


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(text.replace("|", r"\|") for text in texts)
