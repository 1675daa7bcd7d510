"""Who uses a credential in an organisation: variables that hold its id, and secrets, of which a name is all that shows.

GitHub gives no secret's value, and none is asked for. Workflow files are not read. GitHub docs: using secrets in GitHub
Actions, variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.fault import Fault, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.seeking import addresses, meant, name_like, owners, told, whose
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.consumers.shelves import KIND_OF_SECRETS, Row, every_row
from nhi_revoke_github.consumers.well_known import Known, known
from nhi_revoke_github.naming import ORG, canonical
from nhi_revoke_github.repositories import NAMED
from nhi_revoke_github.store.sealing import SCHEME, WHOLE, parse_address

LEFT_OUT = "workflow files, and secrets of Codespaces, agents and the organisation's Dependabot, are not looked at"
NO_VALUE = "GitHub shows no value of a secret"


def consumers(conn: GithubConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
    """Raises Denied where the organisation's repositories may not be listed."""
    rows = every_row(conn)
    yield from rows.spots
    mapped = {address.partition("#")[0].upper(): each for each, address in addresses(sought, SCHEME)}
    marked = {row: marks_in(row.value, sought.marks) for row in rows.found if row.shelf.variables}
    beside: dict[str, list[tuple[Row, Sequence[Mark]]]] = {}
    for row, marks in marked.items():
        if marks:
            beside.setdefault(row.shelf.address, []).append((row, marks))
    for row in rows.found:
        if row.shelf.variables:
            one = _variable(conn, row, marked[row], sought)
        else:
            one = _secret(conn, row, mapped.get(row.address.upper()), beside, sought)
        if one is not None:
            readers, unseen = _readers(conn, row)
            yield from unseen
            yield one if not readers else _read_by(one, readers)
    yield BlindSpot(canonical(ORG, conn.org), KIND_OF_SECRETS, LEFT_OUT, counts=False)


def _variable(conn: GithubConnection, row: Row, marks: Sequence[Mark], sought: Sought) -> Consumer | None:
    where = row.shelf.place if not row.address.startswith("org/") else f"--org {conn.org}"
    by_hand = f"Write the new id into it: {row.name}, in the settings of {where}"
    if marks:
        return _consumer(conn, row, "id", f"it holds {told(marks)}", owners(marks), by_hand=by_hand)
    like = name_like(row.name, sought)
    return _consumer(conn, row, "name", f"it is called like {like}; its value tells nothing") if like else None


def _secret(
    conn: GithubConnection,
    row: Row,
    mapped: Delivery | None,
    beside: Mapping[str, Sequence[tuple[Row, Sequence[Mark]]]],
    sought: Sought,
) -> Consumer | None:
    """By the map, by the identity's name, or by a name that every such credential has."""
    if mapped is not None:
        return _consumer(
            conn, row, "reference", f"the map delivers {mapped.kind} to it", whose(mapped, sought), (mapped,)
        )
    stands, like = known(row.name), name_like(row.name, sought)
    if stands is not None and stands.provider not in {who.ref.provider for who in sought.principals}:
        stands = None
    if stands is None and not like:
        return None
    why = f"it is called like {like}" if like else "it is called as such credentials are everywhere"
    for variable, marks in beside.get(row.shelf.address, ()) if stands else ():
        mine = [mark for mark in marks if mark.of.provider == (stands.provider if stands else "")]
        if mine:
            why += f", and beside it variable {variable.name} holds {told(mine)}"
    deliver = _delivery(row, stands, sought)
    by_hand = "" if deliver else f"Whoever knows what it holds writes the new one: {row.name} of {row.shelf.place}"
    return _consumer(conn, row, "name", f"{why}; {NO_VALUE}", (), deliver, by_hand)


def _delivery(row: Row, stands: Known | None, sought: Sought) -> tuple[Delivery, ...]:
    """Only where there is one kind that it can be; and the part that such a name holds."""
    marks = [mark for mark in sought.marks if mark.kind and (not stands or mark.of.provider == stands.provider)]
    kind, fields = meant((), replace(sought, marks=tuple(marks))), {mark.field for mark in marks}
    if not kind or parse_address(row.address) is None:
        return ()
    field = ""
    if stands is not None and stands.part == "id":
        field = fields.pop() if len(fields) == 1 else ""
        if not field:
            return ()
    elif stands is not None and stands.part == "document":
        if not stands.ours:
            return ()
        field = WHOLE
    return (Delivery(kind, f"{SCHEME}:{row.address}" + (f"#{field}" if field else "")),)


def _consumer(
    conn: GithubConnection, row: Row, basis: Basis, why: str, of: tuple[PrincipalRef, ...] = (),
    deliver: tuple[Delivery, ...] = (), by_hand: str = "",
) -> Consumer:  # fmt: skip
    return Consumer(
        what=row.told, scope=conn.scope, basis=basis, why=why, evidence=f"GET {row.shelf.path}", of=of, deliver=deliver,
        by_hand=by_hand,
    )  # fmt: skip


def _readers(conn: GithubConnection, row: Row) -> tuple[str, tuple[BlindSpot, ...]]:
    """Which repositories read what is the organisation's, in words; empty for a repository's own."""
    if not row.visibility:
        return "", ()
    if row.visibility != "selected":
        return "every repository" if row.visibility == "all" else "every private repository", ()
    path = org_path(conn.org, f"/actions/{row.shelf.under}/{segment(row.name)}/repositories")
    try:
        names = [str(r["full_name"]) for r in conn.rows(path, row.shelf.needs, under="repositories")]
    except Unauthenticated:
        raise
    except Fault as fault:
        why = f"which repositories read {row.told}: {fault.message}"
        return "", (BlindSpot(canonical(ORG, conn.org), row.shelf.kind, why, row.shelf.needs),)
    more = len(names) - NAMED
    return (", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")) or "no repository", ()


def _read_by(one: Consumer, readers: str) -> Consumer:
    return replace(one, why=f"{one.why}; read by {readers}")
