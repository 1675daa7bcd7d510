"""`NAMESPACE/SECRET[#key]`, with a format or without, and the names of what a run writes there. Pure.

Kubernetes docs: concepts/overview/working-with-objects/names, concepts/configuration/secret (keys of `data`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.keyed import Keyed
from nhi_revoke.provider.layout import JSON, split

if TYPE_CHECKING:
    from nhi_revoke.model.ref import Json
    from nhi_revoke.model.step import Step
    from nhi_revoke.provider.io import Run

SCHEME = "kubernetes"
FORM = (
    "NAMESPACE/SECRET: each of its fields a key of data, every other key kept; #key: the secret part alone there; in a "
    "format: its variables as keys (envFrom), or its text in #key (a file, where it is mounted)"
)
HINT = f"{SCHEME}:{FORM}."
A_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
A_SECRET = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
A_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
LONGEST = 253


class Address(Struct, frozen=True):
    """Where it goes."""

    namespace: str
    name: str
    key: str = ""
    """Takes the secret part alone, or a text in the format (a file, where it is mounted); empty: each part is a key of
    its own.
    """
    spelled: str = ""
    """The format, if any: variables are keys of the Secret, as `envFrom` reads them."""

    @property
    def word(self) -> str:
        """In a sentence."""
        return f"Secret {self.namespace}/{self.name}"

    @property
    def keyed(self) -> Keyed:
        """What stands under which key."""
        return Keyed(self.key, self.spelled)

    def keys(self, minted: Json) -> tuple[str, ...]:
        """Which keys are written, told by what the mint left; empty where that does not tell."""
        return self.keyed.keys(minted)


def parse_address(text: str) -> Address:
    """With or without the scheme. Raises Rejected for what is none."""
    rest, spelled = split(text.removeprefix(f"{SCHEME}:"))
    place, hash_, key = rest.partition("#")
    namespace, _, name = place.partition("/")
    if (
        not A_NAMESPACE.fullmatch(namespace)
        or not A_SECRET.fullmatch(name)
        or bool(hash_) != bool(A_KEY.fullmatch(key))
    ):
        raise Rejected(f"{text!r} names no Secret of Kubernetes", hint=HINT)
    return Address(namespace, name, key, spelled if key or spelled != JSON.spelled else "")


def manager_of(run: Run) -> str:
    """Field manager: whoever last changed a key, as Kubernetes itself keeps it."""
    return f"nhi-revoke-{run.id}"


def former_of(at: Address, step: Step, run: Run) -> str:
    """Name of the Secret that keeps the former values. Carries the run and the mint: two deliveries never meet."""
    mark = hashlib.sha256(f"{step.takes or step.id}#{at.key}{at.spelled}".encode()).hexdigest()[:8]
    end = f"-nhi-revoke-{re.sub(r'[^a-z0-9-]', '-', run.id.lower())}-{mark}"
    return at.name[: LONGEST - len(end)].rstrip(".-") + end


def field_of(step: Step, run: Run) -> str:
    """Key of the secret part, where each field has its own; empty where nothing tells it."""
    mint = step.takes or ""
    return run.take(mint).field if run.holds(mint) else str(run.left(mint).get("field") or "")
