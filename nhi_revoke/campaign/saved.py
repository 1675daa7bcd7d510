"""A campaign's plan on disk: a header line, a line for each item, and the sha256 of all before in the last.

Ten thousand plans fit no memory: it is written and read item by item.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from nhi_revoke.campaign.item import Header, Item
from nhi_revoke.model.error import Refused, Usage

VERSION = 1
_BEGIN = b'{"header":'
_END = b'{"sha256":"'
_AGAIN = "nhi-revoke campaign plan FILE --save SAVED  makes a new one."


class _HeaderLine(Struct, frozen=True):
    header: Header


class _ItemLine(Struct, frozen=True):
    item: Item


class _LastLine(Struct, frozen=True):
    sha256: str


def may_save(path: Path, *, overwrite: bool) -> None:
    """Before hours of looking: raises Usage where `save` would not write."""
    if not path.parent.is_dir():
        raise Usage("no-such-folder", f"--save {path}: its folder does not exist. Nothing was planned.")
    if path.exists() and not overwrite:
        raise Usage("plan-exists", f"{path} exists already; nothing was planned", "--overwrite, or another name.")


def save(path: Path, header: Header, items: Iterable[Item], *, overwrite: bool = False) -> str:
    """Whole or not at all, 0600; never over an existing file unless asked. `items` in the order of their numbers.

    Returns the sha256 of its last line. Raises Usage, OSError.
    """
    if not overwrite:
        _claim(path)
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
        with os.fdopen(descriptor, "wb") as out:
            digest = _written(out, header, items)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    except BaseException:
        for each in (name, "" if overwrite else str(path)):
            if each:
                Path(each).unlink(missing_ok=True)
        raise
    return digest


def read_header(path: Path) -> Header:
    """After all of the file was held against its last line. Raises Usage for what is no such plan, Refused (exit 7) for
    one that was changed or cut off.
    """
    with _checked(path) as (_, header):
        return header


def read_items(path: Path) -> Iterator[Item]:
    """In the order of their numbers, one at a time; the file is checked before the first. Raises as `read_header`."""
    with _checked(path) as (file, header):
        decoder = msgspec.json.Decoder(_ItemLine)
        for number in range(header.items):
            item = _item(decoder, file.readline(), path)
            if item.number != number:
                raise _tampered(path, f"item {number} is called {item.number}")
            yield item
        if not file.readline().startswith(_END):
            raise _tampered(path, f"it has more than its {header.items} items")


def is_campaign(path: Path) -> bool:
    """Whether this is the saved plan of a campaign, as far as its first bytes tell."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGIN)) == _BEGIN
    except OSError:
        return False


@contextmanager
def copied(path: Path) -> Iterator[tuple[Path, str]]:
    """A copy that nobody else can change (0600), and its sha256: what was signed is what is read afterwards."""
    hashed = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="nhi-revoke-") as folder:
        copy = Path(folder) / "campaign.plan"
        with path.open("rb") as file, os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
            while part := file.read(1 << 20):
                hashed.update(part)
                to.write(part)
        yield copy, hashed.hexdigest()


def _claim(path: Path) -> None:
    """An empty file under this name: nobody else's is written over, however long the plan takes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        raise Usage(
            "plan-exists", f"{path} exists already; nothing was written", "--overwrite, or another name."
        ) from None


def _written(out: BinaryIO, header: Header, items: Iterable[Item]) -> str:
    hashed, encoder = hashlib.sha256(), msgspec.json.Encoder()
    lines: Iterable[Struct] = chain((_HeaderLine(header),), (_ItemLine(item) for item in items))
    for line in lines:
        content = encoder.encode(line) + b"\n"
        hashed.update(content)
        out.write(content)
    digest = hashed.hexdigest()
    out.write(encoder.encode(_LastLine(digest)) + b"\n")
    return digest


@contextmanager
def _checked(path: Path) -> Iterator[tuple[BinaryIO, Header]]:
    """The file, behind its header: read twice through one descriptor, so that nobody exchanges it in between."""
    try:
        file = path.open("rb")
    except OSError as wrong:
        raise Usage("no-campaign-plan", f"{path} cannot be read: {wrong.strerror}. Nothing was done.", _AGAIN) from None
    with file:
        begins = file.readline()
        if not begins.startswith(_BEGIN):
            raise Usage("no-campaign-plan", f"{path} is no saved plan of a campaign. Nothing was done.", _AGAIN)
        hashed, last = hashlib.sha256(), begins
        for line in file:
            hashed.update(last)
            last = line
        if last != msgspec.json.encode(_LastLine(hashed.hexdigest())) + b"\n":
            raise _tampered(path, "its last line is not the sha256 of what stands before it")
        header = _header(begins, path)
        file.seek(len(begins))
        yield file, header


def _header(line: bytes, path: Path) -> Header:
    """An item or header that the right digest covers, and that this version cannot read, was written by another."""
    try:
        header = msgspec.json.decode(line, type=_HeaderLine).header
    except msgspec.DecodeError as wrong:
        raise _other_version(path, str(wrong)) from None
    if header.schema_version != VERSION:
        raise _other_version(path, f"it has version {header.schema_version}")
    return header


def _item(decoder: msgspec.json.Decoder[_ItemLine], line: bytes, path: Path) -> Item:
    try:
        return decoder.decode(line).item
    except msgspec.DecodeError as wrong:
        raise _other_version(path, str(wrong)) from None


def _other_version(path: Path, why: str) -> Usage:
    return Usage("plan-version", f"{path} cannot be read by this version ({why}). Nothing was done.", _AGAIN)


def _tampered(path: Path, why: str) -> Refused:
    return Refused(
        "tampered-plan",
        f"{path} is not what was saved: {why}. It was changed or cut off since. Nothing was done.",
        _AGAIN,
    )
