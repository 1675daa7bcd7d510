"""One secret of Secret Manager: its versions, their states, and their texts, which stay in memory.

facts gcp.md 4; discovery document secretmanager.v1: versions are numbered from 1 on, a list has the newest first,
`latest` is the newest one whatever its state. Google Cloud docs: secret-manager/reference/consistency: only to read by
number what was just added is consistent at once; a list and `latest` follow within minutes. So the newest one is looked
for by number, from the newest of the list on.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Conflict, Missing, NoAnswer, Rejected
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import (
    ACCESS_VERSION,
    ADD_VERSION,
    DISABLE_VERSION,
    ENABLE_VERSION,
    GET_SECRET,
    GET_VERSION,
    LIST_VERSIONS,
)
from nhi_revoke_gcp.store.address import parse_address
from nhi_revoke_gcp.store.crc32c import crc32c
from nhi_revoke_gcp.universe import SECRET_MANAGER

ENABLED, DISABLED, DESTROYED = "ENABLED", "DISABLED", "DESTROYED"
LOOKED = 25
"""How many versions are looked at, the newest first."""
MOST = 65536
"""Bytes of a version (discovery document secretmanager.v1: SecretPayload)."""
NOT_ENABLED = "FAILED_PRECONDITION"
"""How the text of a version that is disabled or destroyed is refused."""


class Version(Struct, frozen=True):
    """One version, without its text."""

    number: int
    state: str
    etag: str = ""


class GcpSecret:
    """One secret, as a delivery names it. Raises Rejected for what is no address."""

    def __init__(self, conn: GcpConnection, to: str) -> None:
        self.at = parse_address(to)
        self._conn = conn

    # -- reading ---------------------------------------------------------------------------------------------------

    def aliases(self) -> dict[int, list[str]]:
        """Names that stand for a version, by its number. Raises Missing where there is no such secret."""
        told = self._conn.get(SECRET_MANAGER, self.at.path, GET_SECRET).get("versionAliases") or {}
        found: dict[int, list[str]] = {}
        for alias, number in sorted(told.items()):
            found.setdefault(int(number), []).append(str(alias))
        return found

    def lacks(self, permissions: Sequence[str]) -> list[str]:
        """Which of these the operator has not."""
        path, body = f"{self.at.path}:testIamPermissions", {"permissions": list(permissions)}
        answer = self._conn.api(SECRET_MANAGER).call("POST", path, body=body, again=True).body
        allowed = set((answer if isinstance(answer, dict) else {}).get("permissions") or ())
        return [each for each in permissions if each not in allowed]

    def listed(self) -> list[Version]:
        """The newest first, as many as are looked at. Raises Missing where there is no such secret."""
        rows = self._conn.rows(SECRET_MANAGER, f"{self.at.path}/versions", "versions", LIST_VERSIONS, pageSize=LOOKED)
        return [_version(row) for row in islice(rows, LOOKED)]

    def version(self, number: int) -> Version | None:
        """As it is now; None where there is none."""
        try:
            return _version(self._conn.get(SECRET_MANAGER, self._path(number), GET_VERSION))
        except Missing:
            return None

    def newest(self) -> tuple[int, str | None]:
        """The number and the text of what `latest` is, or becomes within minutes. Zero: there is none yet; no text: it
        is disabled, destroyed, or no text.
        """
        listed = self.listed()
        number = listed[0].number if listed else 0
        first, second = self._conn.io.map(self._there, (number, number + 1))
        found = [each for each in (first, second) if each is not None]
        if second is not None:
            for later in range(number + 2, number + LOOKED):
                if (more := self._there(later)) is None:
                    break
                found.append(more)
        return found[-1] if found else (number, None)

    def text(self, number: int) -> str | None:
        """None where it cannot be read: no such version, disabled, destroyed, or no text."""
        found = self._there(number)
        return found[1] if found is not None else None

    def _there(self, number: int) -> tuple[int, str | None] | None:
        """With its text, where it can be read; None where there is no such version."""
        try:
            return (number, self._read(number)) if number else None
        except Missing:
            return None

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """Of those that can be read, side by side."""
        wanted = list(numbers)
        read = self._conn.io.map(self.text, wanted)
        return {number: text for number, text in zip(wanted, read, strict=True) if text is not None}

    def _read(self, number: int) -> str | None:
        """Checked by its sum. Raises Missing, and Rejected for what was damaged on its way."""
        try:
            body = self._conn.get(SECRET_MANAGER, f"{self._path(number)}:access", ACCESS_VERSION)
        except Rejected as refused:
            if refused.code != NOT_ENABLED:
                raise
            return None
        payload = body.get("payload") or {}
        data = _data(payload)
        if data is None or str(payload.get("dataCrc32c") or "") != str(crc32c(data)):
            raise Rejected(f"version {number} of {self.at.word} was damaged on its way (CRC32C): it was not used")
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    # -- writing ---------------------------------------------------------------------------------------------------

    def add(self, text: str) -> int:
        """Its number; it is what `latest` becomes. Never repeated: each one is a version more (facts gcp.md 7, 14)."""
        data = text.encode()
        if len(data) > MOST:
            raise Rejected(f"the new text of {self.at.word} has more than 64 KiB: nothing was written")
        payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(crc32c(data))}
        path = f"{self.at.path}:addVersion"
        made = self._conn.api(SECRET_MANAGER).call(
            "POST", path, needs=ADD_VERSION, body={"payload": payload}, again=False
        )
        return _version(made.body).number

    def disable(self, version: Version) -> bool:
        """With its etag: whoever touched it meanwhile is heard. False where it was off by then. Raises Conflict."""
        body = {"etag": version.etag} if version.etag else {}
        try:
            self._send(version.number, "disable", DISABLE_VERSION, body, again=False)
        except NoAnswer:
            # What was lost is the answer alone, where it is off now.
            now = self.version(version.number)
            if now is None or now.state == ENABLED:
                raise
        except (Rejected, Conflict) as refused:
            now = self.version(version.number)
            if now is not None and now.state == ENABLED:
                raise Conflict(
                    f"somebody else changed version {now.number} of {self.at.word}: it was left so"
                ) from None
            if now is None:
                raise refused from None
            return False
        return True

    def enable(self, number: int) -> None:
        """Safe to repeat. Raises Missing, and Rejected for a destroyed one."""
        self._send(number, "enable", ENABLE_VERSION, {}, again=True)

    def _send(self, number: int, verb: str, needs: str, body: Mapping[str, Any], *, again: bool) -> None:
        path = f"{self._path(number)}:{verb}"
        self._conn.api(SECRET_MANAGER).call("POST", path, needs=needs, body=dict(body), again=again)

    def _path(self, number: int) -> str:
        return f"{self.at.path}/versions/{number}"


def _version(row: Mapping[str, Any]) -> Version:
    number = str(row.get("name") or "").rpartition("/")[2]
    if not number.isdigit():
        raise Rejected("what Secret Manager answered names no version: it was not read")
    return Version(int(number), str(row.get("state") or ""), str(row.get("etag") or ""))


def _data(payload: Mapping[str, Any]) -> bytes | None:
    try:
        return base64.b64decode(str(payload.get("data") or ""), validate=True)
    except (binascii.Error, ValueError):
        return None
