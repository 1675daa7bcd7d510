"""One folder, held open: every file operation goes through its descriptor, so that no path can be swapped meanwhile.

All errors of the operating system become Rejected (nothing was changed), without any content.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from msgspec import Struct

from nhi_revoke.provider.fault import NoAnswer, Rejected

_PART = ".part"


class Present(Struct, frozen=True):
    """A regular file that is there."""

    content: bytes
    ino: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int

    def same_file(self, other: Present | None) -> bool:
        """Nobody replaced it or wrote to it between the two looks."""
        return (
            other is not None
            and (self.ino, self.mtime_ns) == (other.ino, other.mtime_ns)
            and self.content == other.content
        )

    @property
    def tight_mode(self) -> int:
        """Its mode as far as it lets in nobody but the owner, who must be able to read."""
        return (self.mode & 0o600) | 0o400


class Place:
    """An open folder. Made by `opened`."""

    def __init__(self, folder: str, descriptor: int, trusted: frozenset[int]) -> None:
        self.folder = folder
        self._fd = descriptor
        self.trusted = trusted
        """Users whose files count: in a shared folder, anybody may plant one under our names."""

    def names(self) -> list[str]:
        """Of all that the folder holds. Raises Rejected where it may not be listed."""
        with self._told(""):
            return sorted(os.listdir(self._fd))

    def read(self, name: str, largest: int | None = None) -> Present | None:
        """None where there is no such file. Raises Rejected for a link, for anything but a regular file of one name,
        and for one of more than `largest` bytes.
        """
        with self._told(name):
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._fd)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                raise self._unfit(name, "is a symbolic link", "Deliver to the file that it points to.") from None
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise self._unfit(name, "is no regular file", "Deliver to a regular file.")
                if found.st_nlink > 1:
                    why = f"has {found.st_nlink} names (hard links); the others would keep the old secret"
                    raise self._unfit(name, why, "Remove the other names, or deliver to a file of its own.")
                self._check_owner(name, found)
                if largest is not None and found.st_size > largest:
                    raise self._unfit(name, f"has more than {largest} bytes", "")
                return Present(
                    file.read(),
                    found.st_ino,
                    found.st_mtime_ns,
                    stat.S_IMODE(found.st_mode),
                    found.st_uid,
                    found.st_gid,
                )

    def write(self, name: str, content: bytes, like: Present | None) -> None:
        """A whole new file of 0600 under this name, synced; whatever had the name is replaced in one step.

        `like`: whose owner and group it gets.
        """
        part = name + _PART
        with self._told(name):
            self._remove(part)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(part, flags, 0o600, dir_fd=self._fd)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    os.fchmod(descriptor, 0o600)  # whatever the umask took away
                    _own(descriptor, like)
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                os.rename(part, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            except BaseException:
                self._remove(part)
                raise
            os.fsync(self._fd)

    def move(self, name: str, onto: str, mode: int) -> None:
        """Rename in one step, with this mode. Raises NoAnswer where it happened but may not survive a power cut."""
        with self._told(onto):
            os.chmod(name, mode, dir_fd=self._fd)  # `name` is ours: a regular file that this run wrote
            os.rename(name, onto, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self._sync(onto)

    def remove(self, name: str) -> bool:
        """Whether it was there. A left-over part of it goes, too."""
        with self._told(name):
            self._remove(name + _PART)
            there = self._remove(name)
        if there:
            self._sync(name)
        return there

    def has(self, name: str) -> bool:
        with self._told(name):
            try:
                found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                return False
            self._check_owner(name, found)
            return True

    def check(self, present: Present | None) -> None:
        """Whether files can be put here safely. Raises Rejected with what to do."""
        with self._told(""):
            found = os.fstat(self._fd)
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            why = "can be written by everybody, who could then swap the file"
            raise self._unfit("", why, f"chmod o-w {self.folder}")
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=self._fd):
            raise self._unfit(
                "", "cannot be written by this user", "Run as the user who owns it, or deliver elsewhere."
            )
        if present is not None and present.uid != os.geteuid() != 0:
            why = f"belongs to user {present.uid}, and a replacement by user {os.geteuid()} would shut that user out"
            raise self._unfit("", f"holds the file, which {why}", "Run as that user or as root, or deliver elsewhere.")

    def _check_owner(self, name: str, found: os.stat_result) -> None:
        if found.st_uid not in self.trusted:
            why = f"belongs to user {found.st_uid}, who is neither this user nor the file's or the folder's owner"
            raise self._unfit(name, why, "Find out who put it there; remove it; deliver to a folder of your own.")

    def _remove(self, name: str) -> bool:
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return False
        return True

    def _sync(self, name: str) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise NoAnswer(
                f"{self._path(name)} was replaced, but the disk did not confirm it: {error.strerror}"
            ) from None

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name) if name else self.folder

    def _unfit(self, name: str, why: str, hint: str) -> Rejected:
        return Rejected(f"{self._path(name)} {why}", hint=hint)

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Rejected(
                f"{self._path(name)}: {error.strerror}", code=errno.errorcode.get(error.errno or 0, "")
            ) from None


@contextlib.contextmanager
def opened(folder: str, name: str) -> Iterator[Place]:
    """The folder of the file of this name. Raises Rejected where the folder is not there."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Rejected(
            f"{folder}: {error.strerror}", hint="Make the folder first, 0700, for the workload's user."
        ) from None
    try:
        trusted = {os.geteuid(), os.fstat(descriptor).st_uid}
        with contextlib.suppress(FileNotFoundError):
            trusted.add(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_uid)
        yield Place(folder, descriptor, frozenset(trusted))
    finally:
        os.close(descriptor)


def _own(descriptor: int, like: Present | None) -> None:
    """Owner and group of the former file. Only root may give a file away; at 0600 the group decides nothing."""
    if like is None:
        return
    if os.geteuid() == 0:
        os.fchown(descriptor, like.uid, like.gid)
    else:
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, like.gid)
