"""One secret of a vault: which version is current, which one this run wrote. Values stay in memory.

Microsoft docs: get-secret (without a version: the newest), get-secret-versions, set-secret, update-secret,
get-deleted-secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.merging import fields_of
from nhi_revoke.provider.times import moment
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import GET_SECRETS, LIST_SECRETS, SET_SECRETS
from nhi_revoke_entra.store.address import parse_address
from nhi_revoke_entra.vault import DISABLED

KEY_ID, RUN, REPLACES = "keyId", "nhi-revoke-run", "nhi-revoke-replaces"
"""Tags that this tool writes: of the credential, of the run, and of the version that was current before."""
PEM, OBJECT, TEXT = "application/x-pem-file", "application/json", "text/plain"


class Version:
    """One version; its text stays out of every `repr`."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.id = str(row["id"]).rstrip("/").rpartition("/")[2]
        self.text = str(row.get("value") or "")
        self.tags = {str(k): str(v) for k, v in (row.get("tags") or {}).items()}
        self.content_type = str(row.get("contentType") or "")
        self.attributes: dict[str, Any] = dict(row.get("attributes") or {})
        self.managed = bool(row.get("managed"))

    @property
    def enabled(self) -> bool:
        return self.attributes.get("enabled") is not False

    def marks(self, run: str, key_id: str) -> bool:
        """Whether this run wrote it, for this credential."""
        return bool(key_id) and self.tags.get(RUN) == run and self.tags.get(KEY_ID) == key_id


class VaultSecret:
    """One secret, as a delivery names it. Raises Rejected for what is no address."""

    def __init__(self, conn: EntraConnection, to: str) -> None:
        self.at = parse_address(to)
        self._vault = conn.vaults.of(self.at.vault, self.at.suffix)

    def read(self, version: str = "") -> Version | None:
        """The current version, or this one, with its text; None where there is none, or it is disabled."""
        path = f"{self.at.path}/{version}" if version else self.at.path
        try:
            return Version(self._vault.get(path, GET_SECRETS))
        except Missing:
            return None
        except Denied as denied:
            if denied.code != DISABLED:
                raise
            return None

    def listed(self) -> list[Version]:
        """Every version, without texts; none where there is no such secret."""
        try:
            return [Version(row) for row in self._vault.rows(f"{self.at.path}/versions", LIST_SECRETS)]
        except Missing:
            return []

    def is_deleted(self) -> bool:
        """Whether the name is a deleted secret's, which can be recovered. False where that may not be looked at."""
        try:
            self._vault.get(f"/deletedsecrets/{self.at.name}", GET_SECRETS)
        except (Missing, Denied):
            return False
        return True

    def ours(self, run: Run, mint: str) -> Version | None:
        """The version that this run wrote for what this step minted, with its text: found by its tags."""
        wanted = key_id_of(run, mint)
        found = next((each for each in self.listed() if each.marks(run.id, wanted)), None)
        return self.read(found.id) if found is not None else None

    def write(
        self, text: str, tags: Mapping[str, str], *, content_type: str = "", attributes: Mapping[str, Any] | None = None
    ) -> Version:
        """A new version, current at once. Never repeated blindly: each one is a version more."""
        body: dict[str, Any] = {
            "value": text,
            "tags": dict(tags),
            "attributes": {"enabled": True, **(attributes or {})},
        }
        if content_type:
            body["contentType"] = content_type
        made = self._vault.send("PUT", self.at.path, SET_SECRETS, body, again=False)
        return Version(made)

    def enable(self, version: str, *, enabled: bool) -> None:
        """Safe to repeat; its text and its other attributes stay. Raises Missing."""
        body = {"attributes": {"enabled": enabled}}
        self._vault.send("PATCH", f"{self.at.path}/{version}", SET_SECRETS, body, again=True)


def key_id_of(run: Run, mint: str) -> str:
    """The minted credential's own id: the last part of its access id."""
    return str(run.left(mint).get("id") or "").rpartition("/")[2]


def expiry_of(run: Run, mint: str) -> dict[str, int]:
    """As an attribute: seconds since 1970; empty where the new one does not end by itself."""
    end = moment(run.left(mint).get("expires"))
    return {"exp": int(end.timestamp())} if end is not None else {}


def content_type_of(text: str) -> str:
    """Of a secret that had none."""
    if fields_of(text) is not None:
        return OBJECT
    return PEM if text.startswith("-----BEGIN ") else TEXT
