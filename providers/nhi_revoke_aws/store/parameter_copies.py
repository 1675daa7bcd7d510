"""Which versions of a parameter still hold the old credential: compared in memory, by fingerprint, and named by number.

botocore's description of ssm: a version can be changed, disabled and deleted by nobody. GetParameterHistory shows them
all, GetParameter one by `NAME:VERSION` or `NAME:LABEL`. The newest 100 are kept; the oldest one is pushed out by a new
one unless it has a label, which then hinders the writing (ParameterMaxVersionLimitExceeded).
"""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.merging import taken
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.store.parameter import HISTORY, READ, Parameter, Version

KEPT_VERSIONS = 100
LOOKED = 25
"""How many versions are looked at one by one, the newest first, where the history may not be read."""


class Copies(Struct, frozen=True):
    """Versions besides the new one, as far as was looked."""

    same: tuple[int, ...] = ()
    """They hold the old credential."""
    labels: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Of those."""
    unseen: tuple[str, ...] = ()
    """Why not everything was seen, in words."""


def copies_of(place: Parameter, previous: int, served: int, field: str) -> Copies:
    """`previous`: the version whose secret part is the old one, whosever it is. `field`: its name where all fields are
    merged. Raises no Fault: what could not be looked at is told, and never taken for none.
    """
    versions, unseen = _versions(place, served)
    former = next((each for each in versions if each.number == previous), None)
    known = bool(field or place.at.key)
    if former is None or not known:
        if known and versions:
            unseen.append(f"version {previous} is not there any more, so that the others could not be compared")
            return Copies(unseen=tuple(unseen))
        return Copies((previous,), (), tuple(unseen))
    old = taken(former.text, Secret("", field=field), place.at.key)
    if old is None:
        return Copies()  # no credential stood there before
    same = [each for each in versions if each.number != served and _holds(place, each, old)]
    labels = tuple((each.number, each.labels) for each in same if each.labels)
    return Copies(tuple(sorted(each.number for each in same)), labels, tuple(unseen))


def says(place: Parameter, copies: Copies) -> str:
    """For the report, after `serve` and after `finish` alike: nothing that could be taken back ends a version. Empty
    where none holds the old credential."""
    name, said = place.at.name, []
    if copies.same:
        told, last = ", ".join(map(str, copies.same)), copies.same[-1]
        said.append(
            f"the history of SSM parameter {name} still holds the old credential in version {told}: who may {HISTORY}, "
            f"or {READ} ({name}:{last}), reads it; AWS keeps the newest {KEPT_VERSIONS} (the last of these goes when "
            f"version {last + KEPT_VERSIONS} is written) and deletes none alone, but with the parameter (for good, and "
            f"its name is free again after 30 seconds: aws ssm delete-parameter --name {name})"
        )
    for number, labels in copies.labels:
        stays = "these labels" if len(labels) > 1 else "this label"
        said.append(
            f"version {number} is read as {' and '.join(f'{name}:{label}' for label in labels)} as well, and with "
            f"{stays} it is never pushed out (take it off: aws ssm unlabel-parameter-version --name {name} "
            f"--parameter-version {number} --labels {' '.join(labels)})"
        )
    said += [f"unseen in the history of SSM parameter {name}: {why}" for why in copies.unseen]
    return "; ".join(said)


def field_of(step: Step, run: Run) -> str:
    """Name of the secret part, as the mint left it."""
    return str(run.left(step.takes or "").get("field") or "")


def _versions(place: Parameter, served: int) -> tuple[list[Version], list[str]]:
    """Where the history is refused: the newest ones, by their numbers, and what that does not show."""
    try:
        return place.history(), []
    except Fault as refused:
        why = f"labels, and versions older than the {LOOKED} before version {served} ({refused.message})"
    try:
        return place.numbered(range(served, max(0, served - LOOKED - 1), -1)), [why]
    except Fault as refused:
        return [], [f"other versions ({refused.message})"]


def _holds(place: Parameter, version: Version, old: Secret) -> bool:
    part = taken(version.text, Secret("", field=old.field), place.at.key)
    return part is not None and part.fingerprint() == old.fingerprint()
