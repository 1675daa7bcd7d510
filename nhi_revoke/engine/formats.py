"""What `--format` means for one kind of credential in one store. Pure; raises Usage before anything is looked at."""

from __future__ import annotations

from typing import Any

from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.nearest import nearest
from nhi_revoke.provider.doer import Mint, Store
from nhi_revoke.provider.dotenv import NAME
from nhi_revoke.provider.inifile import SECTION
from nhi_revoke.provider.layout import ALONE, FORMAT, JSON, WHOLE, Layout, in_section

ENV = "env"
OWN = f"{ENV}:NAME"
"""A variable of the operator's own."""
NOTHING_DONE = "Nothing was done."


def addressed(delivery: Delivery, mint: Mint[Any] | None, store: Store[Any]) -> tuple[str, str]:
    """The address that a step of this delivery gets, and what the plan's sentence says of its format.

    Raises Usage for a target that is none, and for a format that does not go with the credential or the store.
    """
    _, colon, address = delivery.to.partition(":")
    if not colon or not address:
        raise Usage("bad-delivery", f"delivery target {delivery.to!r} must be STORE:ADDRESS")
    if f"#{FORMAT}" in address:
        raise Usage(
            "bad-format",
            f"{delivery.to} has a format in its address, where plans alone keep it, spelled out. {NOTHING_DONE}",
            "Write --format beside --deliver; in nhi.toml format beside to.",
        )
    if not delivery.format:
        return address, ""
    if mint is None:
        raise Usage("bad-format", f"no {delivery.kind} can be made anew by this tool, in no format. {NOTHING_DONE}")
    layout = layout_of(delivery.format, delivery.kind, mint)
    _fits(layout, delivery, address, store)
    return f"{address}#{layout.spelled}", f" {layout.says}"


def layout_of(typed: str, kind: str, mint: Mint[Any]) -> Layout:
    """What was typed, for credentials of this kind. Raises Usage with the valid ones and the nearest."""
    name, colon, argument = typed.partition(":")
    own = next((layout for layout in mint.layouts if layout.name == name), None)
    if name == ENV and colon:
        if not NAME.fullmatch(argument):
            raise _wrong(
                f"{argument!r} is no name of a variable: letters, digits and _, no digit first", typed, kind, mint
            )
        whole = any(layout.sort == "document" for layout in mint.layouts)
        return Layout(ENV, "variables", ((argument, WHOLE if whole else ALONE),))
    if name == JSON.name and not colon:
        return JSON
    if own is None:
        why = f"no credential of {kind} is written as {typed!r}"
        if name == ENV:
            why = f"no variables are known that whoever uses a {kind} reads, so that one has to be named: {OWN}"
        raise _wrong(why, typed, kind, mint)
    if not colon:
        return own
    if own.sort != "section" or not SECTION.fullmatch(argument):
        raise _wrong(f"{argument!r} cannot follow {name}:", typed, kind, mint)
    return in_section(own, argument)


def choices(mint: Mint[Any]) -> tuple[str, ...]:
    """What may be typed for credentials of this mint."""
    words = [f"{each.name}[:SECTION]" if each.sort == "section" else each.name for each in mint.layouts]
    return tuple(sorted({*words, OWN, JSON.name}))


def _fits(layout: Layout, delivery: Delivery, address: str, store: Store[Any]) -> None:
    if not store.unit:
        raise Usage("bad-format", f"the store {store.name} writes no formats: {delivery.to}. {NOTHING_DONE}")
    keyed = "#" in address
    if store.unit == "text" and keyed:
        raise Usage(
            "bad-format",
            f"{delivery.to} names a part of what it holds, and a format ({delivery.format}) is the whole of it. "
            f"{NOTHING_DONE}",
            "Leave out what stands behind the #, or the format.",
        )
    if store.unit == "keys" and not keyed and layout.sort in ("section", "document"):
        raise Usage(
            "bad-format",
            f"{delivery.to} holds keys, and {delivery.format} is one text: under which key is not said. {NOTHING_DONE}",
            f"Write {delivery.to}#KEY.",
        )


def _wrong(why: str, typed: str, kind: str, mint: Mint[Any]) -> Usage:
    valid = choices(mint)
    close = nearest(typed, valid)
    meant = f'Did you mean "{close}"? ' if close else ""
    return Usage("bad-format", f"{why}. {NOTHING_DONE}", f"{meant}For {kind}: {', '.join(valid)}.")
