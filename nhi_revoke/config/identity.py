"""The identity map: `[identity.NAME]` with its principals, deliveries and flushes."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from nhi_revoke.config.decode import Key, decode
from nhi_revoke.config.origin import masked
from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.ref import Json, NotAReference, PrincipalRef


class _DeliverTable(Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "from"}):
    kind: str
    to: str
    principal: str = ""
    argv: tuple[str, ...] = ()
    """The address of a store that starts a program, as a list beside `to = "STORE"`; with `timeout` and `cwd`."""
    timeout: float | None = None
    cwd: str | None = None
    format: str = ""


class _IdentityTable(Struct, frozen=True, forbid_unknown_fields=True):
    principals: tuple[str, ...]
    owner: str = ""
    tags: tuple[str, ...] = ()
    deliver: tuple[_DeliverTable, ...] = ()
    flush: tuple[dict[str, Any], ...] = ()


def identities(tables: object, file: str) -> dict[str, Identity]:
    """Every identity of the map, in the file's order. Raises Usage."""
    named = decode(tables, dict[str, dict[str, Any]], ("identity",), file)
    return {name: _identity(name, table, file) for name, table in named.items()}


def principal(text: str) -> PrincipalRef:
    """As written; without a provider's prefix the whole text becomes the id, for the registry to resolve.

    A bare native id may hold a colon itself: what stands before it is then no provider, which only the registry knows.
    """
    try:
        return PrincipalRef.parse(text)
    except NotAReference:
        return PrincipalRef("", "", text)


def _identity(name: str, table: dict[str, Any], file: str) -> Identity:
    at: tuple[Key, ...] = ("identity", name)
    if not name or name[0] in "-@" or ":" in name or "/" in name or not name.isprintable():
        raise Usage(
            "bad-name",
            f'{file}: an identity cannot be called "{name}": the name must not be empty, hold ":" or "/", '
            'or begin with "-" or "@".',
        )
    decoded = decode(table, _IdentityTable, at, file)
    if not decoded.principals or not all(text.strip() for text in decoded.principals):
        raise Usage(
            "bad-value",
            f"{file}: identity.{name}.principals is empty or holds an empty text: nothing of {name} could be ended.",
            "Name at least one principal, such as provider:kind/id.",
        )
    return Identity(
        name=name,
        principals=tuple(principal(text.strip()) for text in dict.fromkeys(decoded.principals)),
        owner=decoded.owner,
        deliver=tuple(_delivery(item, decoded, f"identity.{name}.deliver", file) for item in decoded.deliver),
        flush=tuple(_flush(item, f"identity.{name}.flush", file) for item in decoded.flush),
        tags=decoded.tags,
    )


def _delivery(item: _DeliverTable, of: _IdentityTable, where: str, file: str) -> Delivery:
    to = _address(item, where, file)
    for key, text, form in (("from", item.kind, "provider:kind"), ("to", to, "store:address")):
        before, colon, after = text.partition(":")
        if not (before and colon and after):
            raise Usage("bad-value", f'{file}: {where}: {key} = "{text}" does not have the form {form}.')
    if item.principal and item.principal not in of.principals:
        raise Usage(
            "bad-value",
            f'{file}: {where}: principal = "{item.principal}" is none of this identity\'s principals.',
            did_you_mean(item.principal, of.principals),
        )
    return Delivery(kind=item.kind, to=to, principal=item.principal, format=item.format)


def _address(item: _DeliverTable, where: str, file: str) -> str:
    """`to`, with what stands beside it as JSON: so a plan, a journal and `--deliver` have it in one text."""
    beside: dict[str, object] = {"timeout": item.timeout, "cwd": item.cwd}
    given = {key: value for key, value in beside.items() if value is not None}
    if not item.argv and not given:
        return item.to
    store, _, key = item.to.partition("#")
    if not item.argv or ":" in store or not store:
        raise Usage(
            "bad-value",
            f"{file}: {where}: argv, timeout and cwd belong together, beside a `to` that names the store alone, and "
            f'to = "{item.to}" does not.',
            'Write to = "exec" and argv = ["/path/to/program", "argument"], or all of it in `to`.',
        )
    address: object = {"argv": item.argv, **given} if given else item.argv
    return f"{store}:{msgspec.json.encode(address).decode()}{f'#{key}' if key else ''}"


def _flush(item: Json, where: str, file: str) -> FlushTarget:
    use = item.get("use")
    if not isinstance(use, str) or not use:
        raise Usage(
            "bad-value", f'{file}: {where}: every flush needs use = "NAME".', "`nhi-revoke providers` lists the names."
        )
    return FlushTarget(use=use, settings={key: masked(key, value) for key, value in item.items() if key != "use"})
