"""`MOUNT/PATH[#json-key]` as `vault kv get MOUNT/PATH` takes it, and how a credential stands in a secret. Pure.

Where the mount ends is told by Vault itself, as it tells the `vault kv` commands: a mount's name may have slashes. The
API's own path, which has `data` in between and is what policies name, is refused: it is another secret's name here.
"""

from __future__ import annotations

import json
import re

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.keyed import Keyed
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.merging import fields_of
from nhi_revoke.provider.secret import Secret

SCHEME = "vault"
FORM = (
    "MOUNT/PATH: all its fields merged into what the secret holds; #json-key: the secret part there; in a format: its "
    "variables as keys, or its text in #json-key"
)
HINT = f"{SCHEME}:{FORM}. As in vault kv get MOUNT/PATH, without data/ in between."
A_PART = re.compile(r"[^\s#?%*\\\x00-\x1f\x7f](?:[^#?%*\\\x00-\x1f\x7f]*[^\s#?%*\\\x00-\x1f\x7f])?")
"""Of a path: nothing that a shell, a URL or a policy would read as something else, and no blank at its ends."""
OF_THE_API = frozenset({"data", "metadata", "delete", "undelete", "destroy", "config", "subkeys", "detailed-metadata"})
"""What comes right after the mount in the paths of the API (Vault docs: api-docs/secret/kv/kv-v2)."""


class Address(Struct, frozen=True):
    """Where it goes."""

    path: str
    """Mount and path."""
    key: str = ""
    """Takes the secret part alone, or a text in the format; empty: every part is a key of its own."""
    spelled: str = ""
    """The format, if any: variables are keys of the secret, as Vault's agent and envconsul read them."""

    # -- the text ----------------------------------------------------------------------------------------------------

    def unfit(self, present: str | None) -> str:
        """Why no credential can stand beside what the present text has; empty where one can. Before there is one."""
        return self._keyed.unfit(fields_of(present) or {})

    def written(self, present: str | None, secret: Secret) -> str:
        """The text that takes the present one's place; every other field is kept. Raises Rejected where it does not
        fit.
        """
        fields = fields_of(present)
        assert fields is not None, "what KV v2 holds is always an object"
        return json.dumps({**fields, **self._keyed.changes(fields, secret)})

    def holds(self, text: str | None, secret: Secret) -> bool:
        """Whether it is this very credential that stands there."""
        return text is not None and self._keyed.holds(fields_of(text) or {}, secret)

    def taken(self, text: str | None, shape: Secret) -> Secret | None:
        """The credential that stands there, or None where there is none of this shape."""
        return self._keyed.taken(fields_of(text) or {}, shape)

    @property
    def plain(self) -> bool:
        """Whether every field stands there by its own name, so that public parts tell whose it is."""
        return not self.key and not self.spelled

    @property
    def _keyed(self) -> Keyed:
        return Keyed(self.key, self.spelled)

    def same(self, one: str | None, other: str | None, field: str) -> bool:
        """Whether both hold the same secret part, whosever it is. `field`: its name where all fields are merged."""
        shape = Secret("", field=field)
        first, second = self.taken(one, shape), self.taken(other, shape)
        return first is not None and second is not None and first.fingerprint() == second.fingerprint()


class Located(Struct, frozen=True):
    """A secret, by its mount and its path below it."""

    mount: str
    path: str

    @property
    def word(self) -> str:
        """In a sentence."""
        return f"secret {self.path} of mount {self.mount}"

    @property
    def flags(self) -> str:
        """What `vault kv` takes at its end."""
        return f"-mount={self.mount} {self.path}"

    def api(self, part: str) -> str:
        """Its path in policies. `part`: `data`, `metadata`, …"""
        return f"{self.mount}/{part}/{self.path}"


def parse_address(text: str) -> Address:
    """With or without the scheme. Raises Rejected for what is none."""
    place, spelled = split(text.removeprefix(f"{SCHEME}:"))
    path, hash_, key = place.partition("#")
    parts = path.split("/")
    fit = all(A_PART.fullmatch(part) and part not in (".", "..") for part in parts)
    if len(parts) < 2 or not fit or (hash_ and not key):
        raise Rejected(f"{text!r} names no secret of Vault", hint=HINT)
    return Address(path, key, spelled if key or spelled != JSON.spelled else "")


def located(at: Address, mount: str) -> Located:
    """`mount`: where Vault says that it ends. Raises Rejected for a mount alone, and for the API's own path."""
    path = at.path.removeprefix(f"{mount}/")
    if path == at.path:
        raise Rejected(f"{at.path!r} names a mount of Vault, and no secret in it", hint=HINT)
    first, _, rest = path.partition("/")
    if first in OF_THE_API:
        named = f"{SCHEME}:{mount}/{rest or 'PATH'}"
        raise Rejected(
            f"{at.path!r} is a path of Vault's API: of which secret it speaks is ambiguous",
            hint=f"Write {named}. A secret whose own path begins with {first}/ cannot be named here.",
        )
    return Located(mount, path)
