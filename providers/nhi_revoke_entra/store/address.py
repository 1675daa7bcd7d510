"""`VAULT/NAME[#json-key or format]`, and how a credential stands in the text of a secret. Pure.

Values are compared in memory, by fingerprint; nothing here is ever written down.
"""

from __future__ import annotations

import re

from msgspec import Struct

from nhi_revoke.provider import merging
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.cloud import CLOUDS
from nhi_revoke_entra.vault import VAULT

SCHEME = "azure-keyvault"
FORM = "VAULT/NAME: the secret part alone; VAULT/NAME#json-key: in a JSON object; VAULT/NAME#*: all its fields merged"
"""A format is the whole text, merged into the present one."""
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
    """JSON key that takes the secret part alone; `*`: all fields are merged; a format; empty: the text is the secret
    part.
    """

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
        if self.key and (why := merging.unfit(text, self._inner)):
            return f"the new one cannot be merged into what {self.word} holds: {why}"
        if not self.key and merging.fields_of(text) is not None:
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
    def start(self) -> str:
        """A text that fits, for somebody who has to make the secret by hand."""
        return merging.start(self._inner) if self.key else "none"

    @property
    def _inner(self) -> str:
        return "" if self.key == WHOLE else self.key


def parse_address(text: str) -> Address:
    """With or without the scheme; the vault by its name, or by its whole host. Raises Rejected for what is none."""
    rest, spelled = split(text.removeprefix(f"{SCHEME}:"))
    place, _, key = rest.partition("#")
    key = WHOLE if spelled == JSON.spelled else spelled or key
    host, slash, name = place.removeprefix("https://").partition("/")
    vault, _, suffix = host.partition(".")
    if not slash or not VAULT.fullmatch(vault) or (suffix and suffix.lower() not in SUFFIXES):
        raise Rejected(f"{text!r} names no vault of Azure Key Vault", hint=f"{SCHEME}:{FORM}.")
    if not NAME.fullmatch(name):
        raise Rejected(f"{text!r} names no secret: letters, digits and hyphens alone", hint=f"{SCHEME}:{FORM}.")
    return Address(vault.lower(), name, suffix.lower(), key)
