"""Names of every secret in the KV stores that the operator's token may list, folder by folder, without any value.

Vault docs: api-docs/secret/kv/kv-v2 (list secrets: folders end in a slash; an empty one answers 404; read secret
metadata: `custom_metadata`). Which mounts there are, `sys/internal/ui/mounts` tells whoever is signed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Missing, Unauthenticated
from nhi_revoke_vault.connection import Mount, VaultConnection, data_of
from nhi_revoke_vault.permissions import LIST_METADATA, READ_METADATA

MOUNTS = "/v1/sys/internal/ui/mounts"
KV = ("kv", "generic")
MOST_FOLDERS, MOST_READ = 500, 500
"""One request for each folder, and one for the metadata of each secret."""


class Entry(Struct, frozen=True):
    """One secret."""

    mount: Mount
    path: str
    custom: Mapping[str, str] = {}
    """Its custom metadata, where it was read."""

    @property
    def address(self) -> str:
        return f"{self.mount.path}/{self.path}"

    @property
    def told(self) -> str:
        return f"secret {self.path} of mount {self.mount.path}"


class Unseen(Struct, frozen=True):
    """What could not be looked at."""

    what: str
    why: str
    needs: str = ""


def mounts_of(conn: VaultConnection) -> list[Mount]:
    """KV stores alone. Raises the faults of the contract."""
    told = data_of(conn.asking("").get(MOUNTS)).get("secret")
    found = []
    for path, about in sorted((told if isinstance(told, dict) else {}).items()):
        options = about.get("options") if isinstance(about, dict) else None
        version = str((options if isinstance(options, dict) else {}).get("version") or "1")
        if isinstance(about, dict) and about.get("type") in KV:
            found.append(Mount(str(path).strip("/"), "kv", version))
    return found


def walk(conn: VaultConnection, mounts: Sequence[Mount]) -> tuple[list[Entry], list[Unseen]]:
    """Level by level, side by side; a folder that refuses hides no other. Raises Unauthenticated."""
    entries, unseen = list[Entry](), list[Unseen]()
    level = [(mount, "") for mount in mounts]
    asked = 0
    while level:
        now, left = level[: MOST_FOLDERS - asked], level[MOST_FOLDERS - asked :]
        asked, level = asked + len(now), []
        if left:
            why = f"{len(left)} folders, and what is below them, were not listed: more than {MOST_FOLDERS} there"
            unseen.append(Unseen(f"secrets below {left[0][0].path}/{left[0][1]}", why))
        for (mount, folder), told in zip(now, conn.io.map(lambda at: _listed(conn, *at), now), strict=True):
            if isinstance(told, Fault):
                needs = (told.needs if isinstance(told, Denied) else "") or LIST_METADATA
                unseen.append(Unseen(f"secrets below {mount.path}/{folder}", told.message, needs))
                continue
            level += [(mount, folder + name) for name in told if name.endswith("/")]
            entries += [Entry(mount, folder + name) for name in told if not name.endswith("/")]
    return entries, unseen


def with_metadata(conn: VaultConnection, entries: Sequence[Entry]) -> tuple[list[Entry], list[Unseen]]:
    """Of KV version 2, as many as are read; the others stay as they are. Raises Unauthenticated."""
    wanted = [entry for entry in entries if entry.mount.version == "2"]
    told = conn.io.map(lambda entry: _custom(conn, entry), wanted[:MOST_READ])
    custom, refused = dict[str, Mapping[str, str]](), list[tuple[Entry, Fault]]()
    for entry, found in zip(wanted, told, strict=False):
        if isinstance(found, Fault):
            refused.append((entry, found))
        else:
            custom[entry.address] = found
    unseen = []
    if refused:
        entry, fault = refused[0]
        what = f"custom metadata of {len(refused)} secrets ({entry.address} among them)"
        unseen.append(Unseen(what, fault.message, (fault.needs if isinstance(fault, Denied) else "") or READ_METADATA))
    if len(wanted) > MOST_READ:
        more = len(wanted) - MOST_READ
        unseen.append(Unseen(f"custom metadata of {more} secrets", "not read: one request for each"))
    return [Entry(entry.mount, entry.path, custom.get(entry.address, {})) for entry in entries], unseen


def _listed(conn: VaultConnection, mount: Mount, folder: str) -> list[str] | Fault:
    part = "metadata/" if mount.version == "2" else ""
    url = f"/v1/{quote(f'{mount.path}/{part}{folder}')}"
    try:
        keys = data_of(conn.asking(LIST_METADATA).get(url, params={"list": "true"})).get("keys")
    except Missing:
        return []  # empty
    except Unauthenticated:
        raise
    except Fault as fault:
        return fault
    return [str(key) for key in keys] if isinstance(keys, list) else []


def _custom(conn: VaultConnection, entry: Entry) -> dict[str, str] | Fault:
    url = f"/v1/{quote(f'{entry.mount.path}/metadata/{entry.path}')}"
    try:
        told: Any = data_of(conn.asking(READ_METADATA).get(url)).get("custom_metadata")
    except Missing:
        return {}  # it was deleted in between
    except Unauthenticated:
        raise
    except Fault as fault:
        return fault
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}
