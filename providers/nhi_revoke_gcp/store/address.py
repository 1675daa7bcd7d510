"""`PROJECT/NAME[#json-key or format]`, and how a credential stands in the text of a secret. Pure.

Values are compared in memory, by fingerprint; nothing here is ever written down.
"""

from __future__ import annotations

import re

from msgspec import Struct

from nhi_revoke.provider import merging
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.layout import JSON, split
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.naming import PROJECT as PROJECT_ID

SCHEME = "gcp-secretmanager"
FORM = "PROJECT/NAME: all its fields merged into a JSON object; #json-key: the secret part there; #-: it alone as text"
"""A format is the whole text, merged into the present one."""
PROJECT = re.compile(rf"(?:[a-z0-9.-]+:)?{PROJECT_ID}|\d{{6,20}}")
"""Its id, with its domain where it has one, or its number."""
NAME = re.compile(r"[0-9a-zA-Z_-]{1,255}")
"""Of a secret (discovery document secretmanager.v1: secretId)."""
ALONE = "-"


class Address(Struct, frozen=True):
    """Where it goes."""

    project: str
    name: str
    key: str = ""
    """JSON key that takes the secret part alone; `-`: the text is the secret part; a format; empty: all fields are
    merged.
    """

    @property
    def path(self) -> str:
        return f"/v1/projects/{segment(self.project)}/secrets/{segment(self.name)}"

    @property
    def word(self) -> str:
        """In a sentence."""
        return f"secret {self.name} of project {self.project}"

    @property
    def flags(self) -> str:
        """What gcloud's `secrets versions` takes after the number."""
        return f"--secret={self.name} --project={self.project}"

    @property
    def merges(self) -> bool:
        """Whether the new text keeps anything of the present one."""
        return self.key != ALONE

    # -- the text ----------------------------------------------------------------------------------------------------

    def unfit(self, text: str | None) -> str:
        """Why a new credential cannot stand in the place of this text as the address says; empty where it can. None:
        there is no version yet.
        """
        if text is None:
            return ""
        if self.merges and (why := merging.unfit(text, self.key)):
            return f"the new one cannot be merged into what {self.word} holds: {why}"
        if not self.merges and merging.fields_of(text) is not None:
            return f"{self.word} holds a JSON object, whose fields the new one alone would take away"
        return ""

    def written(self, present: str | None, secret: Secret) -> str:
        """The text that takes the present one's place. Raises Rejected where it does not fit."""
        if why := self.unfit(present):
            raise Rejected(f"{why}: nothing was written")
        text = merging.merged(present, secret, self.key) if self.merges else secret.reveal()
        assert text is not None
        return text

    def holds(self, text: str, secret: Secret) -> bool:
        """Whether it is this very credential that stands there."""
        if self.merges:
            return merging.holds(text, secret, self.key)
        return Secret(text, field=secret.field).fingerprint() == secret.fingerprint()

    def taken(self, text: str, shape: Secret) -> Secret | None:
        """The credential that stands there, or None where there is none of this shape."""
        if self.merges:
            return merging.taken(text, shape, self.key)
        return Secret(text, field=shape.field, public=shape.public) if text else None

    def secret_part(self, text: str, field: str) -> Secret | None:
        """The secret part alone, whosever it is. `field`: its name where all fields are merged."""
        return self.taken(text, Secret("", field=field))


def parse_address(text: str) -> Address:
    """With or without the scheme; also as the API names a secret. Raises Rejected for what is none."""
    rest, spelled = split(text.removeprefix(f"{SCHEME}:"))
    place, _, key = rest.partition("#")
    key = "" if spelled == JSON.spelled else spelled or key
    if "/locations/" in place:
        raise Rejected(f"{text!r} is a regional secret, which this version does not write", hint=f"{SCHEME}:{FORM}.")
    parts = place.split("/")
    if len(parts) == 4 and parts[::2] == ["projects", "secrets"]:
        parts = parts[1::2]
    if len(parts) != 2 or not PROJECT.fullmatch(parts[0]) or not NAME.fullmatch(parts[1]):
        raise Rejected(f"{text!r} names no secret of Secret Manager", hint=f"{SCHEME}:{FORM}.")
    return Address(parts[0], parts[1], key)


def project_in(text: str) -> str:
    """The project of an address; empty for what is none."""
    try:
        return parse_address(text).project
    except Rejected:
        return ""
