"""One run at a time on a principal: two would undo each other's cuts.

flock: the kernel drops it with the process, so that a dead run blocks nobody. It does not reach over machines; the
run id in what we change at the vendor does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from nhi_revoke.engine.store import open_private, private_folder
from nhi_revoke.model.building import decoded
from nhi_revoke.model.error import NothingChanged, Refused
from nhi_revoke.model.ref import Utc


class Holder(Struct, frozen=True):
    """Who holds a lock; the content of its file."""

    ref: str
    run: str
    why: str
    pid: int
    host: str
    since: Utc


class Locking(Protocol):
    """One run at a time on a principal, wherever that is kept."""

    def take(self, refs: Iterable[str], run: str, why: str) -> AbstractContextManager[None]:
        """Hold all of these principals for the run, or none of them. Never waits.

        Entering raises Refused (`locked`) that names the run and the holder.
        """
        ...


def _utc() -> datetime:
    return datetime.now(UTC)


class Locks:
    """A folder with one file per canonical principal, named by the sha256 of its reference."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = _utc) -> None:
        self._folder = folder
        self._now = now

    def take(self, refs: Iterable[str], run: str, why: str) -> AbstractContextManager[None]:
        """Hold all of these principals for the run, or none of them. Never waits.

        Entering raises Refused (`locked`) that names the run, process and time of the holder, and NothingChanged where
        the folder cannot be written.
        """
        return self._held(sorted(set(refs)), run, why)

    @contextmanager
    def _held(self, refs: list[str], run: str, why: str) -> Iterator[None]:
        with ExitStack() as held:
            try:
                private_folder(self._folder, create=True)
                for ref in refs:
                    held.enter_context(self._one(ref, run, why))
            except OSError as wrong:  # a full disk, a read-only one: before anything was asked of a vendor
                raise NothingChanged(
                    "state",
                    f"{self._folder} cannot be written: {wrong.strerror or wrong}. Nothing was changed.",
                    "Make room, or set NHI_REVOKE_STATE to a folder that can be written; then try again.",
                ) from None
            yield

    @contextmanager
    def _one(self, ref: str, run: str, why: str) -> Iterator[None]:
        path = self._folder / f"{hashlib.sha256(ref.encode()).hexdigest()}.lock"
        # The file stays when the lock is released: removing it would let two processes lock two files of one name.
        descriptor, _ = open_private(path)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _refusal(ref, descriptor) from None
            holder = Holder(ref, run, why, os.getpid(), socket.gethostname(), self._now())
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(holder), 0)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)


def _refusal(ref: str, descriptor: int) -> Refused:
    """Who holds it, as far as the file says: its holder may be writing it at this moment."""
    text = os.pread(descriptor, 65536, 0)
    try:
        holder = decoded(text, Holder)
    except msgspec.MsgspecError:
        return Refused(
            "locked",
            f"Another run has just begun on {ref}. Two runs would undo each other's cuts. Nothing was changed.",
            "Wait for it; nhi-revoke runs shows it.",
        )
    since = holder.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Refused(
        "locked",
        f"Run {holder.run} ({holder.why}; process {holder.pid} on {holder.host}, since {since}) is at work on {ref}. "
        "Two runs would undo each other's cuts. Nothing was changed.",
        f"Wait for it, or stop that process and type: nhi-revoke resume {holder.run}",
    )
