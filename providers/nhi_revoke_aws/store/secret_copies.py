"""Which versions of a secret still hold the old credential: compared in memory, by fingerprint, and named by their ids.

botocore's description of secretsmanager: a version cannot be changed, disabled or deleted. One without a label is
"deprecated": it can be read by its id until Secrets Manager deletes it, which it does with those beyond the newest 100,
and never in their first 24 hours (PutSecretValue, UpdateSecret).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from nhi_revoke.model.step import Step
from nhi_revoke.provider import merging
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.store.secret import LIST, PREVIOUS, READ, Vault, Version

LOOKED = 100
"""How many versions are looked at, the newest first: as many as Secrets Manager keeps."""

_STAGE = "aws secretsmanager update-secret-version-stage"


class Copies(Struct, frozen=True):
    """Versions besides the new one, as far as was looked."""

    same: tuple[Version, ...] = ()
    """They hold the old credential."""
    unread: tuple[str, ...] = ()
    """What they hold could not be compared."""
    unseen: tuple[str, ...] = ()
    """Why not everything was seen, in words."""


def copies_of(vault: Vault, previous: str, served: str, field: str) -> Copies:
    """`previous`: the version whose secret part is the old one, whosever it is. `field`: its name where all fields are
    merged. Raises no Fault: what could not be looked at is told, and never taken for none.
    """
    listed, unseen = _listed(vault, previous)
    rows = [each for each in listed if each.id != served]
    if len(rows) > LOOKED:
        unseen.append(f"older than the {LOOKED} newest were not looked at")
    rows = rows[:LOOKED]
    labels = {each.id: each for each in listed}
    texts = vault.texts(list(dict.fromkeys([previous, *(each.id for each in rows)])))
    before, former = texts.pop(previous), labels.get(previous, Version(previous))
    others = [each for each in rows if each.id != previous]
    if before is None:
        return Copies((), tuple(each.id for each in others), tuple(unseen))
    key = vault.at.key
    if isinstance(before, Fault) or not (field or key):
        if isinstance(before, Fault):
            unseen.append(before.message)
        return Copies((former,), tuple(each.id for each in others), tuple(unseen))
    old = merging.taken(before, Secret("", field=field), key)
    if old is None:
        return Copies()  # no credential stood there before
    same, unread = [former], []
    for each in others:
        text = texts[each.id]
        if isinstance(text, Fault) or text == "":
            unread.append(each.id)
        elif _is(merging.taken(text, Secret("", field=field), key), old):
            same.append(each)
    return Copies(tuple(same), tuple(unread), tuple(unseen))


def served_says(vault: Vault, previous: str, copies: Copies) -> str:
    """Right after the new one was made current; empty where nothing holds the old one."""
    name, said = vault.at.secret, []
    if any(each.id == previous for each in copies.same):
        said.append(f"AWSPREVIOUS of secret {name} (version {previous}) still holds the old credential, until finish")
    for each in copies.same:
        if each.id != previous:
            told = ", ".join(each.labels) or "without a label"
            said.append(f"version {each.id} ({told}) of secret {name} holds it, too, and stays readable by its id")
    return "; ".join([*said, *_rest(vault, copies)])


def forgotten_says(vault: Vault, copies: Copies) -> str:
    """After AWSPREVIOUS was taken off; empty where nothing holds the old one."""
    name, said = vault.at.secret, []
    free = [each.id for each in copies.same if not each.labels]
    if free:
        verb, its = ("hold", "their ids read them") if len(free) > 1 else ("holds", "its id reads it")
        has = "have" if len(free) > 1 else "has"
        said.append(
            f"version {', '.join(free)} of secret {name} {verb} the old credential and {has} no label any more: {its} "
            "until Secrets Manager deletes it; no API deletes it at once (whether it is still there: aws "
            f"secretsmanager list-secret-version-ids --include-deprecated --secret-id {name})"
        )
    for each in copies.same:
        if each.labels:
            kept = ", ".join(each.labels)
            commands = " and ".join(label_off(name, each.id, label) for label in each.labels)
            said.append(
                f"version {each.id} of secret {name} holds the old credential and is kept by {kept}: its id and its "
                f"label read it (to take that off: {commands})"
            )
    if said:
        said.append(f"who may {READ} can")
    return "; ".join([*said, *_rest(vault, copies)])


def field_of(step: Step, run: Run) -> str:
    """Name of the secret part, as the mint left it."""
    return str(run.left(step.takes or "").get("field") or "")


def label_off(name: str, version: str, label: str) -> str:
    """What to type."""
    return f"{_STAGE} --secret-id {name} --version-stage {label} --remove-from-version-id {version}"


def label_on(name: str, version: str, label: str) -> str:
    """What to type, where no other version has it."""
    return f"{_STAGE} --secret-id {name} --version-stage {label} --move-to-version-id {version}"


def _listed(vault: Vault, previous: str) -> tuple[list[Version], list[str]]:
    """Where the list is refused: those that have a label, and why there may be more."""
    try:
        return vault.listed(), []
    except Fault as refused:
        why = f"versions without a label were not looked at ({refused.message}; {LIST} lets us)"
    try:
        return [Version(str(each), tuple(labels)) for each, labels in vault.stages().items() if labels], [why]
    except Fault as refused:
        return [Version(previous, (PREVIOUS,))], [f"no other version was looked at ({refused.message})"]


def _is(part: Secret | None, old: Secret) -> bool:
    return part is not None and part.fingerprint() == old.fingerprint()


def _rest(vault: Vault, copies: Copies) -> Iterable[str]:
    name = vault.at.secret
    if copies.unread:
        yield f"could not be compared, and may hold it: version {', '.join(copies.unread)} of secret {name}"
    for why in copies.unseen:
        yield f"unseen in secret {name}: {why}"
