"""`VAULT/NAME[#json-key]`, and how a credential stands in the text of a secret. Pure.

Values are compared in memory, by fingerprint; nothing here is ever written down.
"""

from __future__ import annotations

import re

from msgspec import Struct

from nhi_revoke.provider import merging
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.cloud import CLOUDS
from nhi_revoke_entra.vault import VAULT

SCHEME = "azure-keyvault"
FORM = "VAULT/NAME: the secret part alone; VAULT/NAME#json-key: in a JSON object; VAULT/NAME#*: all its fields merged"
NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
"""Names of secrets (Microsoft docs: set-secret); their length is recalled."""
WHOLE = "*"
SUFFIXES = frozenset(cloud.vault for cloud in CLOUDS.values())


class Address(Struct, frozen=True):
    """Where it goes."""

    vault: str
    name: str
    suffix: str = ""
    """Of the vault's host, where that was typed."""
    key: str = ""
    """JSON key that takes the secret part alone; `*`: all fields are merged; empty: the text is the secret part."""

    @property
    def path(self) -> str:
        return f"/secrets/{self.name}"

    @property
    def word(self) -> str:
        """In a sentence."""
        return f"secret {self.name} of vault {self.vault}"

    # -- the text ----------------------------------------------------------------------------------------------------

    def unfit(self, text: str) -> str:
        """Why a new credential cannot stand in the place of this text as the address says; empty where it can."""
        is_object = merging.fields_of(text) is not None
        if self.key and not is_object:
            return f"{self.word} does not hold a JSON object, which the new one could be merged into"
        if not self.key and is_object:
            return f"{self.word} holds a JSON object, whose other fields the new one alone would take away"
        return ""

    def written(self, present: str, secret: Secret) -> str:
        """The text that takes the present one's place. Raises Rejected where it does not fit."""
        if why := self.unfit(present):
            raise Rejected(f"{why}: nothing was written")
        text = merging.merged(present, secret, self._inner) if self.key else secret.reveal()
        assert text is not None
        return text

    def holds(self, text: str, secret: Secret) -> bool:
        """Whether it is this very credential that stands there."""
        if self.key:
            return merging.holds(text, secret, self._inner)
        return Secret(text, field=secret.field).fingerprint() == secret.fingerprint()

    def taken(self, text: str, shape: Secret) -> Secret | None:
        """The credential that stands there, or None where there is none of this shape."""
        if self.key:
            return merging.taken(text, shape, self._inner)
        return Secret(text, field=shape.field, public=shape.public) if text else None

    @property
    def _inner(self) -> str:
        return "" if self.key == WHOLE else self.key


def parse_address(text: str) -> Address:
    """With or without the scheme; the vault by its name, or by its whole host. Raises Rejected for what is none."""
    place, _, key = text.removeprefix(f"{SCHEME}:").partition("#")
    host, slash, name = place.removeprefix("https://").partition("/")
    vault, _, suffix = host.partition(".")
    if not slash or not VAULT.fullmatch(vault) or (suffix and suffix.lower() not in SUFFIXES):
        raise Rejected(f"{text!r} names no vault of Azure Key Vault", hint=f"{SCHEME}:{FORM}.")
    if not NAME.fullmatch(name):
        raise Rejected(f"{text!r} names no secret: letters, digits and hyphens alone", hint=f"{SCHEME}:{FORM}.")
    return Address(vault.lower(), name, suffix.lower(), key)
