"""`file:`: a replacement into a file of this machine, JSON or a format: staged beside, read back, renamed onto it."""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Conflict, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.store import content
from nhi_revoke_local.store.address import Address, of_step, parse
from nhi_revoke_local.store.copies import copies_of, says
from nhi_revoke_local.store.place import Place, Present, opened

_NEEDS = ("write to the file's folder",)


class Stage(Doer[LocalConnection]):
    """The whole new content, under a name that no workload reads."""

    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = _NEEDS
    says: ClassVar[str] = "writes the new content beside the file (0600) and reads it back"
    undone: ClassVar[str] = "removes what was staged"

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        return _check(step)

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        at, secret = of_step(step, run), _secret(step, run)
        with opened(at.folder, at.name) as place:
            present = place.read(at.name)
            place.check(present)
            place.write(at.pending, content.merged(present.content if present else None, secret, at.key), present)
            if not _holds(place.read(at.pending), secret, at.key):
                raise Rejected(f"{at.folder}/{at.pending} does not read back as it was written")
        return Done(_staged(at), conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """Once served, the staged file has become the file itself: that counts as well."""
        at = of_step(step, run)
        with opened(at.folder, at.name) as place:
            found = place.read(at.pending) or _served(place, at)
        if found is None or not _is_ours(found, step, run, at):
            return None
        return _staged(at)

    def undo(self, conn: LocalConnection, step: Step, left: Json, run: Run) -> Change:
        at = of_step(step, run, left)
        with opened(at.folder, at.name) as place:
            return Done({}, conn.now()) if place.remove(at.pending) else Already({})


class Serve(Doer[LocalConnection]):
    """Renames the staged file onto the file; what was there is kept until `finish`."""

    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = _NEEDS
    says: ClassVar[str] = "renames the new content onto the file and keeps the former as .previous (0600)"
    undone: ClassVar[str] = "puts the former content back"
    survives: ClassVar[str] = "the former content, in the .previous file, until finish; what a process has already read"

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        return _check(step)

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        at = of_step(step, run)
        with opened(at.folder, at.name) as place:
            pending, present = place.read(at.pending), place.read(at.name)
            place.check(present)
            if pending is None:
                served = _served(place, at)
                if served is None or not _is_ours(served, step, run, at):
                    raise Rejected(f"nothing is staged for {at.path}")
                return Already(_current(place, at, served, step, run))
            _freshen(place, at, step, run, pending, present)
            if not _kept(place, at):
                kept = at.previous if present else at.absent
                place.write(kept, present.content if present else b"", present)
            if present and not present.same_file(place.read(at.name)):
                raise Conflict(f"{at.path} was changed at this moment")
            place.move(at.pending, at.name, present.tight_mode if present else 0o600)
            now = place.read(at.name)
            if now is None:
                raise Conflict(f"{at.path} was removed at this moment")
            left = _current(place, at, now, step, run)
        if present:
            left["former_mode"] = f"{present.mode:04o}"
        return Done(left, conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        at = of_step(step, run)
        left = run.left(step.id)
        with opened(at.folder, at.name) as place:
            present = place.read(at.name)
            if present is not None and _is_as_left(present, left):
                return left
            served = None if place.has(at.pending) else _served(place, at)
            if served is None or not _is_ours(served, step, run, at):
                return None
            return _current(place, at, served, step, run)

    def undo(self, conn: LocalConnection, step: Step, left: Json, run: Run) -> Change:
        at = of_step(step, run, left)
        with opened(at.folder, at.name) as place:
            previous, present = place.read(at.previous), place.read(at.name)
            if not _kept(place, at):
                place.remove(at.previous)  # a part of it, where the process died while writing
                place.remove(at.absent)
                if not left:
                    return Already({})
                return Impossible(
                    f"what {at.path} held before is no longer kept", "Put it back from the workload's own backup."
                )
            if previous is not None and present is not None and previous.content == present.content:
                place.remove(at.previous)
                return Already({})
            if left and present is not None and not _is_as_left(present, left):
                return Failed(f"{at.path} was changed after this run wrote it; it was left alone")
            if previous is not None:
                place.move(at.previous, at.name, int(str(left.get("former_mode", "0600")), 8))
            else:
                place.remove(at.name)
                place.remove(at.absent)
            return Done({}, conn.now())


class Forget(Doer[LocalConnection]):
    """At `finish`: the former content, with the old secret in it, goes."""

    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = _NEEDS
    says: ClassVar[str] = "removes the .previous file, which holds the old secret, and names copies beside it"
    survives: ClassVar[str] = "what the disk, its snapshots and its backups keep; what a process has already read"
    reversible: ClassVar[bool] = False

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        at = _of_serve(step, run)
        with opened(at.folder, at.name) as place:
            told = _others(place, at, step, run)
            removed = [name for name in (at.previous, at.absent, at.pending) if place.remove(name)]
        left: Json = {"path": at.path, "forgotten": True, **({"leaves": told} if told else {})}
        return Done(left, conn.now()) if removed else Already(left)

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        at = _of_serve(step, run)
        with opened(at.folder, at.name) as place:
            if _kept(place, at):
                return None
            told = _others(place, at, step, run)
        return run.left(step.id) or {"path": at.path, "forgotten": True, **({"leaves": told} if told else {})}


class FileStore(Store[LocalConnection]):
    """A file, 0600 or stricter; what else it holds is kept. JSON, where no format is named; there `#json-key` takes the
    secret part alone.
    """

    name: ClassVar[str] = "file"
    says: ClassVar[str] = "a file on this machine: JSON, or a format"
    unit: ClassVar[Unit] = "text"
    keeps: ClassVar[str] = "the former content is kept beside it as .previous, until finish"

    def __init__(self) -> None:
        self.stage = Stage()
        self.serve = Serve()
        self.forget = Forget()

    def recall(self, conn: LocalConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        at = of_step(step, run)
        with opened(at.folder, at.name) as place:
            found = place.read(at.pending) or _served(place, at)
        return content.taken(found.content, shape, at.key) if found is not None else None


def _check(step: Step) -> Impossible | None:
    try:
        at = parse(step.to)
        with opened(at.folder, at.name) as place:
            present = place.read(at.name)
            place.check(present)
            content.check(present.content if present else None, at.key)
    except Rejected as why:
        return Impossible(why.message, why.hint)
    return None


def _secret(step: Step, run: Run) -> Secret:
    if step.takes is None or not run.holds(step.takes):
        raise Rejected("the new secret is not in this process: mint it anew")
    return run.take(step.takes)


def _freshen(place: Place, at: Address, step: Step, run: Run, pending: Present, present: Present | None) -> None:
    """The file may have changed since it was staged (another delivery of this run): merge into what it holds now."""
    if step.takes is not None and run.holds(step.takes):
        new = content.merged(present.content if present else None, run.take(step.takes), at.key)
        if new != pending.content:
            place.write(at.pending, new, present)
    elif present is not None and present.mtime_ns > pending.mtime_ns:
        raise Conflict(f"{at.path} was changed after the new content was staged")


def _kept(place: Place, at: Address) -> bool:
    """Whether a serve step of this run and mint has been here."""
    return place.has(at.previous) or place.has(at.absent)


def _served(place: Place, at: Address) -> Present | None:
    """The file, where this run's serve step made it; told by what that step keeps, before it renames."""
    if place.has(at.pending) or not _kept(place, at):
        return None
    present, previous = place.read(at.name), place.read(at.previous)
    if present is None or (previous is not None and previous.content == present.content):
        return None
    return present


def _is_ours(found: Present, step: Step, run: Run, at: Address) -> bool:
    """Compared in memory where this process holds the secret; otherwise the name alone tells."""
    if step.takes is None or not run.holds(step.takes):
        return True
    return _holds(found, run.take(step.takes), at.key)


def _holds(found: Present | None, secret: Secret, key: str) -> bool:
    value = content.extracted(found.content, secret.field, key) if found else None
    return value is not None and Secret(value, field=secret.field).fingerprint() == secret.fingerprint()


def _staged(at: Address) -> Json:
    return {"path": at.path, "pending": at.pending}


def _of_serve(step: Step, run: Run) -> Address:
    """Where the serve step wrote, from whatever folder `finish` is typed in; it names its steps after those."""
    return of_step(step, run, run.left(step.id.removeprefix("finish-")))


def _others(place: Place, at: Address, step: Step, run: Run) -> str:
    """What other files hold, for the report: what is looked for is known for as long as it is kept."""
    if run.left(step.id.removeprefix("finish-")).get("previous") and not place.has(at.previous):
        return f"{at.folder}: whether other files there hold the old credential was not seen, as it is gone by now"
    return says(at, copies_of(place, at, _field(step, run)), forgotten=True)


def _field(step: Step, run: Run) -> str:
    """Name of the secret part; empty where nothing tells it."""
    if step.takes is not None and run.holds(step.takes):
        return run.take(step.takes).field
    return str(run.left(step.takes or "").get("field") or "")


def _current(place: Place, at: Address, found: Present, step: Step, run: Run) -> Json:
    """Names and numbers only: a hash of what holds a secret is never written down."""
    previous = at.previous if place.has(at.previous) else ""
    told = says(at, copies_of(place, at, _field(step, run)), forgotten=False)
    return {
        **({"leaves": told} if told else {}),
        "path": at.path,
        "previous": previous,
        "ino": found.ino,
        "mtime_ns": found.mtime_ns,
        "mode": f"{found.mode:04o}",
    }


def _is_as_left(present: Present, left: Json) -> bool:
    return (present.ino, present.mtime_ns) == (left.get("ino"), left.get("mtime_ns"))
