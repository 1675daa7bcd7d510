"""Where journals are kept: two methods, a folder now, a database for campaigns."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path
from typing import Protocol

from nhi_revoke.model.error import Refused

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SUFFIX = ".jsonl"
_NEVER_A_LINK = os.O_NOFOLLOW | os.O_NONBLOCK
"""Nor waiting for the other end of a pipe that somebody put there."""
_TAIL = 65536
"""Bytes read at a time, from the end, to find the last whole line."""


class RunStore(Protocol):
    """Keeps the bytes of each run's journal. Knows nothing of lines but that each ends with a newline."""

    def append(self, run: str, line: bytes) -> None:
        """Add one line, which ends with a newline. Durable when it returns; nothing is added when it raises."""
        ...

    def read(self, run: str) -> bytes:
        """Everything, a torn last line included; empty for an unknown run."""
        ...


class Journals(RunStore, Protocol):
    """What an engine keeps all its runs in."""

    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, sorted."""
        ...

    def close(self) -> None:
        """Lets go of what is open; a later append opens it again."""
        ...


class RunFolder:
    """`<run>.jsonl` each, 0600, in a folder of 0700 that belongs to this user. Safe on threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, tuple[int, int]] = {}
        """Per run: the descriptor, and how long the file must be."""

    def append(self, run: str, line: bytes) -> None:
        """Write, fdatasync, and only then return; a torn tail of a former process is cut off first.

        Raises Refused for a file or folder that others could write, or that grew behind our back, and OSError (disk
        full, …) with the file as it was before.
        """
        if not line.endswith(b"\n"):
            raise ValueError("a journal line ends with a newline")
        with self._lock:
            descriptor, size = self._descriptor(run)
            now = os.fstat(descriptor)
            if now.st_size != size or now.st_nlink != 1:
                raise Refused(
                    "journal-moved",
                    f"The journal of run {run} was changed or removed by somebody else while this run was writing it. "
                    "Nothing more is started: what is not journaled cannot be undone.",
                    f"Look at {self._path(run)}, then nhi-revoke resume {run}.",
                )
            try:
                _write(descriptor, line)
                os.fdatasync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, size)
                raise
            self._open[run] = (descriptor, size + len(line))

    def read(self, run: str) -> bytes:
        """Raises Refused for a file or folder that others could write."""
        path = self._path(run)
        if not private_folder(self._folder, create=False):
            return b""
        try:
            descriptor = os.open(path, os.O_RDONLY | _NEVER_A_LINK)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unsafe(path, error.strerror or "it cannot be opened") from None
        try:
            _check_file(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, sorted. Raises Refused for a folder that others could write.

        A file without one whole line is no run: a full disk or a crash came before its first line, and so before the
        first change.
        """
        if not private_folder(self._folder, create=False):
            return ()
        journals = (e for e in os.scandir(self._folder) if _is_journal(e.name) and _began(e.path))
        names = (entry.name.removesuffix(_SUFFIX) for entry in journals)
        return tuple(sorted(name for name in names if _RUN.fullmatch(name)))

    def close(self) -> None:
        """Closes the descriptors; a later append opens its file again."""
        with self._lock:
            for descriptor, _ in self._open.values():
                os.close(descriptor)
            self._open.clear()

    def _path(self, run: str) -> Path:
        if not _RUN.fullmatch(run):
            raise Refused("bad-run-id", f"{run!r} is no run id: letters, digits, '.', '_' and '-' only.")
        return self._folder / f"{run}{_SUFFIX}"

    def _descriptor(self, run: str) -> tuple[int, int]:
        if run in self._open:
            return self._open[run]
        path = self._path(run)
        private_folder(self._folder, create=True)
        descriptor, new = open_private(path, os.O_APPEND)
        try:
            size = _cut_torn_tail(descriptor)
            if new:
                os.fsync(descriptor)
                sync_folder(self._folder)
        except BaseException:
            os.close(descriptor)
            if new:
                path.unlink()  # the next append makes it anew, and its name durable
            raise
        self._open[run] = (descriptor, size)
        return descriptor, size


def private_folder(folder: Path, *, create: bool) -> bool:
    """Whether the folder is there, after making it (0700) where wanted.

    Raises Refused where it is a link or no folder, belongs to somebody else, or others may write in it.
    """
    if create:
        _make(folder)
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise _unsafe(folder, "it is a link or a file, not a folder")
    _check_owner(found, folder)
    return True


def _make(folder: Path) -> None:
    """Each missing folder of the path, 0700, and durable: a journal in a lost folder is a lost journal."""
    if folder.exists():
        return
    _make(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return  # a dangling link, or another process was faster: judged by the caller like any other
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: Path, more: int = 0) -> tuple[int, bool]:
    """A descriptor to read and write the file of 0600, and whether it is new; `more`: flags of open(2).

    Raises Refused for a link, for no regular file, and for one that others may write.
    """
    flags = os.O_RDWR | _NEVER_A_LINK | more
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        pass
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _unsafe(path, error.strerror or "it cannot be opened") from None
    try:
        _check_file(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, False


def _check_file(descriptor: int, path: Path) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise _unsafe(path, "it is no regular file")
    _check_owner(found, path)


def _check_owner(found: os.stat_result, path: Path) -> None:
    if found.st_uid != os.geteuid():
        raise _unsafe(path, f"it belongs to user {found.st_uid}, and this is user {os.geteuid()}")
    if found.st_mode & 0o022:
        raise _unsafe(path, f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o})", f"chmod go-w {path}")


def _unsafe(path: Path, why: str, hint: str = "") -> Refused:
    return Refused(
        "unsafe-state",
        f"{path} cannot be trusted: {why}. Somebody else could rewrite what this tool undoes, or take its locks away. "
        "Nothing was changed.",
        hint or "Set NHI_REVOKE_STATE to a folder of your own.",
    )


def _is_journal(name: str) -> bool:
    return name.endswith(_SUFFIX)


def _began(path: str) -> bool:
    """Whether it holds a whole line. What cannot be opened is told by whoever reads it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NEVER_A_LINK)
    except OSError:
        return True
    try:
        return any(b"\n" in part for part in iter(lambda: os.read(descriptor, _TAIL), b""))
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _write(descriptor: int, line: bytes) -> None:
    """All of it: a write may be cut short by a limit or a nearly full disk."""
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _cut_torn_tail(descriptor: int) -> int:
    """Truncate after the last newline; the length that is left."""
    size = end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _TAIL)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)
    return end
