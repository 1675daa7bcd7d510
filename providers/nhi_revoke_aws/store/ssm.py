"""`aws-ssm:NAME[#json-key or format]`: staged in a parameter beside it, read back, proven, then the newest version.

Parameter Store has no pending stage: whoever reads a parameter reads its newest version, so that writing is serving.
What is staged is a SecureString under the same key; where that key is the customer's own, KMS is asked as well
(kms:Decrypt, and kms:Encrypt or kms:GenerateDataKey). AWS docs: API_PutParameter, API_GetParameter.
"""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.merging import holds, merged, public_of, start, taken, unfit
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.store.parameter import DELETE, DESCRIBE, HISTORY, NAME, PUT, READ, Parameter, Version
from nhi_revoke_aws.store.parameter_copies import copies_of, field_of, says
from nhi_revoke_aws.store.parameter_forget import Forget


class Stage(Doer[AwsConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (DESCRIBE, READ, PUT, DELETE)
    says: ClassVar[str] = "writes the new content into a SecureString parameter beside it and reads it back"
    undone: ClassVar[str] = "deletes the parameter beside it"
    survives: ClassVar[str] = "who reads all parameters of a path reads the staged one as well, until it is served"
    source: ClassVar[str] = "AWS docs: API_PutParameter"

    def check(self, conn: AwsConnection, step: Step) -> Impossible | None:
        place = Parameter(conn, step.to)
        name, told = place.at.name, place.described()
        present = place.read() if told else None
        if told is None or present is None:
            by_hand = (
                f"create it: aws ssm put-parameter --type SecureString --value '{start(place.at.key)}' --name {name}"
            )
            return Impossible(f"there is no parameter {name}", by_hand)
        if why := "it is a list" if told.get("Type") == "StringList" else unfit(present.text, place.at.key):
            return Impossible(
                f"the new key cannot be merged into what parameter {name} holds: {why}",
                f"store a text of that form in it ({start(place.at.key)} will do), or deliver to another parameter",
            )
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        place, secret = Parameter(conn, step.to), run.take(step.takes or "")
        kept, present = place.kept(), place.read()
        text = _merged(place, present, secret)
        name = place.pending(step, run)
        like = {k: v for k, v in kept.items() if k in ("KeyId", "Tier", "DataType", "AllowedPattern")}
        says = f"staged by nhi-revoke, run {run.id}"
        # Its name is this run's and mint's alone: written twice, it is the same.
        place.call(
            "PutParameter", repeatable=True, **like, Name=name, Description=says, Type="SecureString", Value=text,
            Overwrite=True,
        )  # fmt: skip
        return Done(_staged(place, name, present), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Once served, the parameter itself holds it: that counts as well."""
        place, left = Parameter(conn, step.to), run.left(step.id)
        name = place.pending(step, run)
        present = place.read()
        if place.minted(place.read(name), step, run) or (_newer(present, left) and place.minted(present, step, run)):
            return left or _staged(place, name, present)
        return None

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        place = Parameter(conn, step.to)
        gone = place.delete(str(left.get("pending") or place.pending(step, run)))
        return Done({"pending": None}, conn.now()) if gone else Already({"pending": None})


class Serve(Doer[AwsConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = (DESCRIBE, READ, PUT, DELETE, HISTORY)
    says: ClassVar[str] = "writes the new content as the newest version, under the same key and tier"
    undone: ClassVar[str] = "the value of the version before is written as the newest"
    survives: ClassVar[str] = "older versions still hold the old key: no API deletes one version alone"
    source: ClassVar[str] = "AWS docs: API_PutParameter, API_GetParameterHistory"

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        place = Parameter(conn, step.to)
        name, kept, present = place.pending(step, run), place.kept(), place.read()
        secret = _minted_secret(place, name, step, run)
        if secret is None:
            return Failed(f"what is staged for parameter {place.at.name} is not this run's: nothing was changed")
        if present and holds(present.text, secret, place.at.key):
            return Already(_served(place, kept, present.number, present.number - 1, step, run, pending=name))
        # It may have changed since it was staged: merged into what it holds now.
        number = place.put(_merged(place, present, secret), **kept)
        gone = False
        with suppress(Fault):  # it is served: what could not be removed is told, and removed at finish
            place.delete(name)
            gone = True
        before = present.number if present else 0
        return Done(_served(place, kept, number, before, step, run, pending="" if gone else name), conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        place, left = Parameter(conn, step.to), run.left(step.id)
        present = place.read()
        if present is None or not place.minted(present, step, run):
            return None
        if place.at.key and not run.holds(step.takes or "") and present.number != left.get("version"):
            return None  # nothing but our own version's number tells whose value it is
        name = place.pending(step, run)
        return left or _served(place, place.kept(), present.number, present.number - 1, step, run, pending=name)

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        place, before = Parameter(conn, step.to), int(left.get("previous") or 0)
        present, former = place.read(), place.read(version=before) if before else None
        after = {"parameter": place.at.name, "restored": before}
        if former is None:
            by_hand = "put the former value in from the workload's own backup"
            return Impossible(f"parameter {place.at.name} has no version {before or 'of before'} any more", by_hand)
        if present and present.text == former.text:
            return Already(after)
        if present is None or present.number != left.get("version"):
            return Failed(f"parameter {place.at.name} is not as this run left it: nothing was changed")
        return Done({**after, "version": place.put(former.text, **place.kept())}, conn.now())


class ParameterStore(Store[AwsConnection]):
    name: ClassVar[str] = NAME
    says: ClassVar[str] = "AWS Systems Manager Parameter Store: NAME or ARN, with #json-key for the secret part alone"
    unit: ClassVar[Unit] = "text"
    keeps: ClassVar[str] = "the versions before keep the old one: AWS deletes none alone"
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: AwsConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        place, left = Parameter(conn, step.to), run.left(step.id)
        staged = place.read(place.pending(step, run))
        if staged is not None:
            return taken(staged.text, shape, place.at.key)
        present = place.read()
        return taken(present.text, shape, place.at.key) if present and _newer(present, left) else None


def _merged(place: Parameter, present: Version | None, secret: Secret) -> str:
    former = present.text if present else None
    text = None if (why := unfit(former, place.at.key)) else merged(former, secret, place.at.key)
    if text is None:
        raise Rejected(f"parameter {place.at.name} does not take it: {why}. The new key was not delivered")
    return text


def _minted_secret(place: Parameter, name: str, step: Step, run: Run) -> Secret | None:
    """From memory; after a crash from what is staged."""
    mint = step.takes or ""
    if run.holds(mint):
        return run.take(mint) if place.minted(place.read(name) or place.read(), step, run) else None
    staged, left = place.read(name), run.left(mint)
    shape = Secret("", field=str(left.get("field", "")), public=public_of(left))
    return taken(staged.text, shape, place.at.key) if staged and place.minted(staged, step, run) else None


def _newer(present: Version | None, staged: Json) -> bool:
    """Whether it was written since this run staged: an older value under a key of its own may be anybody's."""
    return present is not None and "base" in staged and present.number > int(staged["base"])


def _staged(place: Parameter, name: str, present: Version | None) -> Json:
    return {"parameter": place.at.name, "pending": name, "base": present.number if present else 0}


def _served(place: Parameter, kept: Json, number: int, before: int, step: Step, run: Run, *, pending: str) -> Json:
    said = []
    if before > 0:
        copies = copies_of(place, before, number, field_of(step, run))
        said += [told] if (told := says(place, copies)) else []
    if number > before + 1:
        said.append(f"version {number - 1} was written by somebody else at this moment, and is not in the newest")
    if kept.get("Type") != "SecureString":
        said.append(f"it is of type {kept.get('Type')}: the new credential is stored unencrypted, as the old one was")
    left: Json = {"parameter": place.at.name, "version": number, "previous": before}
    left |= {"leaves": "; ".join(said)} if said else {}
    return {**left, "pending": pending} if pending else left
