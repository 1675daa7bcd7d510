"""One secret of a KV store, version 2: its versions, and their texts (JSON objects), which stay in memory.

Vault docs: api-docs/secret/kv/kv-v2: versions are numbered from 1 on, and a write is one more; `cas` lets it happen
only where the newest has that number (0: where there is none). A version that is deleted can be undeleted, one that is
destroyed cannot; both are still counted. `max_versions`: 0 is the mount's, whose 0 is ten; older ones are lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Missing, Rejected
from nhi_revoke.provider.times import moment, stamp
from nhi_revoke_vault.adapter import library
from nhi_revoke_vault.connection import VaultConnection, data_of
from nhi_revoke_vault.permissions import (
    DELETE_VERSIONS,
    READ,
    READ_CONFIG,
    READ_METADATA,
    UNDELETE_VERSIONS,
    UPDATE,
)
from nhi_revoke_vault.store.address import HINT, Located, located, parse_address
from nhi_revoke_vault.words import GONE, NO_MOUNT, NO_NAMESPACE

KV = "kv"
BY_DEFAULT = 10
"""Versions that are kept where neither the secret nor the mount says how many."""
DELETED, DESTROYED, LOST = "deleted", "destroyed", "lost"
"""Why a version has no text: `lost` is one that never was, or was dropped for newer ones."""


class Version(Struct, frozen=True):
    """One version as it was read. `text` stays out of every `repr`."""

    number: int
    """Zero: there is none."""
    text: str | None
    """A JSON object; None where it cannot be read."""
    state: str = ""
    """Why not."""

    def __repr__(self) -> str:
        return f"Version({self.number}, {self.state or '…'})"


class Written(Struct, frozen=True):
    """What Vault says of a write."""

    number: int
    deleted_at: str = ""
    """When it deletes that version by itself (`delete_version_after`); empty: never."""


class VaultSecret:
    """One secret, as a delivery names it. Raises Rejected for what is no address, or no KV store of version 2, and
    Denied where Vault tells no mount for it."""

    def __init__(self, conn: VaultConnection, to: str) -> None:
        self.address = parse_address(to)
        self._conn = conn
        mount = conn.mount_of(self.address.path)
        if mount.kind != KV:
            raise Rejected(f"{mount.path} is a mount of kind {mount.kind or 'unknown'}, and no KV store", hint=HINT)
        if mount.version != "2":
            raise Rejected(
                f"mount {mount.path} is a KV store of version {mount.version}: it keeps nothing of what it held",
                hint=f"vault kv enable-versioning {mount.path}/ makes it version 2; whoever reads it has to know.",
            )
        self.at: Located = located(self.address, mount.path)
        self.word = self.at.word

    # -- reading ---------------------------------------------------------------------------------------------------

    def newest(self) -> Version:
        """Raises Denied."""
        return self._read(None)

    def version(self, number: int) -> Version:
        """As it is now. Raises Denied."""
        return self._read(number) if number > 0 else Version(number, None, LOST)

    def versions(self, numbers: Iterable[int]) -> dict[int, Version]:
        """Side by side."""
        return {each.number: each for each in self._conn.io.map(self.version, list(numbers))}

    def kept(self) -> int | None:
        """How many versions are kept; None where that may not be read."""
        try:
            own = int(self._about("metadata").get("max_versions") or 0)
            return own or int(self._about("config").get("max_versions") or 0) or BY_DEFAULT
        except Denied:
            return None

    def capabilities(self) -> frozenset[str] | None:
        """What the token may do with the secret's text; None where that may not be asked."""
        path = self.at.api("data")
        try:
            return self._conn.capabilities([path])[path]
        except Denied:
            return None

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, text: str, over: int) -> Written:
        """A new version, read by everybody at once. `over`: the number that the newest still has to have. Raises
        Conflict where it has another, and NoAnswer: it is never sent twice.
        """
        told = data_of(
            self._kv(UPDATE, again=False).create_or_update_secret(
                self.at.path, json.loads(text), cas=over, mount_point=self.at.mount
            )
        )
        end = moment(told.get("deletion_time"))
        return Written(int(told.get("version") or 0), stamp(end) if end else "")

    def delete(self, numbers: Iterable[int]) -> None:
        """They can be undeleted. Safe to repeat."""
        kv, at = self._kv(DELETE_VERSIONS, again=True), self.at
        kv.delete_secret_versions(at.path, list(numbers), mount_point=at.mount)

    def undelete(self, numbers: Iterable[int]) -> None:
        """Safe to repeat. What was destroyed stays so, and nothing says it."""
        kv, at = self._kv(UNDELETE_VERSIONS, again=True), self.at
        kv.undelete_secret_versions(at.path, list(numbers), mount_point=at.mount)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _read(self, number: int | None) -> Version:
        try:
            told = data_of(
                self._kv(READ).read_secret_version(
                    self.at.path, number, mount_point=self.at.mount, raise_on_deleted_version=True
                )
            )
        except Missing as missing:
            if missing.code in (NO_MOUNT, NO_NAMESPACE):
                raise
            gone = GONE.fullmatch(missing.code)
            return Version(int(gone[2]), None, gone[1]) if gone else Version(number or 0, None, LOST)
        held, about = told.get("data"), told.get("metadata")
        if not isinstance(held, dict) or not isinstance(about, dict):
            raise Rejected(f"what Vault answered of {self.word} is no secret of KV version 2: it was not used")
        return Version(int(about.get("version") or 0), json.dumps(held))

    def _about(self, part: str) -> dict[str, Any]:
        """Of the secret (`metadata`), or of its mount (`config`); nothing where there is none."""
        try:
            if part == "metadata":
                return data_of(self._kv(READ_METADATA).read_secret_metadata(self.at.path, mount_point=self.at.mount))
            return data_of(self._kv(READ_CONFIG).read_configuration(mount_point=self.at.mount))
        except Missing:
            return {}

    def _kv(self, needs: str, *, again: bool | None = None) -> Any:
        return library().api.secrets_engines.KvV2(adapter=self._conn.asking(needs, again=again))
