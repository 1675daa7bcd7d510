"""Secrets and parameters that hold a credential of the identity, as names, tags and descriptions tell it.

No value is read.

AWS docs: secretsmanager API_SecretListEntry (LastAccessedDate is cut to its day; OwningService, PrimaryRegion), ssm
API_ParameterMetadata. Tags of parameters would take a request each, and are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark
from nhi_revoke.model.identity import Delivery
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_aws.consumers.place import PARAMETER, SECRET, SUFFIX, Place, name_in_arn
from nhi_revoke_aws.consumers.sight import Sight
from nhi_revoke_aws.store.secretsmanager import SecretsManager
from nhi_revoke_aws.store.ssm import ParameterStore

SECRETS, PARAMETERS = "secretsmanager:ListSecrets", "ssm:DescribeParameters"
STORES = {SECRET: SecretsManager.name, PARAMETER: ParameterStore.name}
SORTS = {store: sort for sort, store in STORES.items()}
TITLES = {SECRET: "Secrets Manager secret", PARAMETER: "Parameter Store parameter"}
READS = {SECRET: SECRETS, PARAMETER: PARAMETERS}
AS_A_SENTENCE = {"where": "", "whose": "its ", "which": "it "}
"""What a place says of itself is a relative clause."""
LOOK = "see what it holds (this tool reads no value), and name it in the map where that is this identity's"


class Row(Struct, frozen=True):
    """One secret or parameter, as its list tells it."""

    sort: str
    name: str
    region: str
    arn: str
    texts: tuple[tuple[str, str], ...]
    """What says something of it ("description", "tag owner"), and the text."""
    ages: str
    rotated_by: str = ""
    """ARN of the function that Secrets Manager has it rotated by."""


def secret_rows(rows: Iterable[dict[str, Any]], region: str) -> Iterator[Row]:
    """Without those that another service of AWS keeps, and replicas: neither can be written here."""
    for row in rows:
        if row.get("OwningService") or str(row.get("PrimaryRegion") or region) != region:
            continue
        tags = ((f'tag "{tag.get("Key")}"', str(tag.get("Value") or "")) for tag in row.get("Tags") or ())
        ages = [
            f"{word} on {row[key]:%Y-%m-%d}"
            for word, key in (("last read", "LastAccessedDate"), ("changed", "LastChangedDate"))
            if row.get(key)
        ]
        yield Row(
            SECRET, str(row["Name"]), region, str(row["ARN"]),
            (("description", str(row.get("Description") or "")), *tags), ", ".join(ages),
            str(row.get("RotationLambdaARN") or "") if row.get("RotationEnabled") else "",
        )  # fmt: skip


def parameter_rows(rows: Iterable[dict[str, Any]], region: str, partition: str, account: str) -> Iterator[Row]:
    for row in rows:
        name = str(row["Name"])
        arn = f"arn:{partition}:ssm:{region}:{account}:parameter/{name.lstrip('/')}"
        when = row.get("LastModifiedDate")
        ages = f"changed on {when:%Y-%m-%d}" if when else ""
        yield Row(PARAMETER, name, region, arn, (("description", str(row.get("Description") or "")),), ages)


def delivered(sight: Sight) -> Sequence[Place]:
    """Where the map sends replacements already, whether a list shows it or not. A name leads to the operator's own."""
    found: dict[Place, None] = {}
    for delivery in sight.sought.delivered:
        sort = SORTS.get(delivery.to.partition(":")[0], "")
        address = delivery.to.partition(":")[2].partition("#")[0]
        _, name, account, region = name_in_arn(address)
        if not sort or not (name or sight.own):
            continue
        place = Place(
            sort,
            (SUFFIX.sub("", name) if sort == SECRET else name) or address,
            account or sight.account,
            region or sight.home,
            "reference",
            f"where nhi.toml delivers {delivery.kind}",
            address if name else "",
            _owners(delivery, sight),
        )
        found[place] = None
    return list(found)


def kept_at(row: Row, sight: Sight, known: Sequence[Place]) -> Place | None:
    """None where nothing tells that it is this identity's. `known`: of `delivered`."""
    for place in known:
        named = (place.sort, place.name, place.account, place.region) == (row.sort, row.name, sight.account, row.region)
        if _is_arn_of(place.arn, row) or (named and not place.arn):
            return Place(row.sort, row.name, sight.account, row.region, "reference", place.why, row.arn, place.of)
    for what, text in row.texts:
        if marks := sight.marked(text):
            of = tuple(dict.fromkeys(mark.of for mark in marks))
            held = " and ".join(mark.text for mark in marks)
            why = f"whose {what} holds {held}"
            return Place(row.sort, row.name, sight.account, row.region, "id", why, row.arn, of)
    for what, text in (("name", row.name), *row.texts):
        if like := sight.named(text):
            why = f"which is called like {like}" if what == "name" else f"whose {what} names {like}"
            return Place(row.sort, row.name, sight.account, row.region, "name", why, row.arn)
    return None


def told(row: Row, place: Place, sight: Sight) -> Iterator[Consumer]:
    """The place itself, and what rotates it."""
    deliver = _deliveries(row, place, sight)
    first, _, rest = place.why.partition(" ")
    yield Consumer(
        what=f"{TITLES[row.sort]} {row.name} in {row.region}",
        scope=sight.account,
        basis=place.basis,
        why="; ".join(filter(None, (f"{AS_A_SENTENCE[first]}{rest}", row.ages))),
        evidence=READS[row.sort],
        of=place.of,
        deliver=deliver,
        by_hand="" if deliver else LOOK,
    )
    if row.rotated_by:
        basis: Basis = "name" if place.basis == "name" else "reference"
        function = row.rotated_by.rpartition(":function:")[2].partition(":")[0]
        yield Consumer(
            what=f"Lambda function {function} in {row.region}",
            scope=sight.account,
            basis=basis,
            why=f"Secrets Manager has it rotate {place.says}, {place.why}",
            evidence=SECRETS,
            of=place.of,
            by_hand=f"agree on who rotates {place.says}: it writes there, too",
        )


def _deliveries(row: Row, place: Place, sight: Sight) -> tuple[Delivery, ...]:
    """As the map has it; else for what its marks tell; for a name alone, where one kind alone could be meant."""
    address = row.name if sight.own and row.region == sight.home else row.arn
    to = f"{STORES[row.sort]}:{address}"
    if place.basis == "reference":
        return tuple(d for d in sight.sought.delivered if _leads_to(d, row, sight))
    if place.basis == "name":
        mine = sight.kinds_of(who.ref for who in sight.sought.principals if who.ref.provider == "aws")
        kinds = mine or sight.kinds_of(who.ref for who in sight.sought.principals)
        return (Delivery(kinds[0], to),) if len(kinds) == 1 else ()
    found: dict[Delivery, None] = {}
    for _, text in row.texts:
        for mark in sight.marked(text):
            kinds = (mark.kind,) if mark.kind else sight.kinds_of([mark.of])
            if len(kinds) == 1:
                found[Delivery(kinds[0], to, str(mark.of))] = None
    return tuple(found)


def _leads_to(delivery: Delivery, row: Row, sight: Sight) -> bool:
    store, _, address = delivery.to.partition(":")
    address = address.partition("#")[0]
    if SORTS.get(store) != row.sort:
        return False
    if not address.startswith("arn:"):
        return sight.own and (address, sight.home) == (row.name, row.region)
    return _is_arn_of(address, row)


def _is_arn_of(arn: str, row: Row) -> bool:
    """Whole, or without the six characters at the end of a secret's."""
    return bool(arn) and arn in (row.arn, SUFFIX.sub("", row.arn) if row.sort == SECRET else row.arn)


def _owners(delivery: Delivery, sight: Sight) -> tuple[PrincipalRef, ...]:
    """Whose credential goes there."""
    to = delivery.principal
    named = [who.ref for who in sight.sought.principals if to and to in (str(who.ref), who.typed, who.name)]
    marks: Iterable[Mark] = sight.sought.marks
    return tuple(dict.fromkeys(named or [mark.of for mark in marks if mark.kind == delivery.kind]))
