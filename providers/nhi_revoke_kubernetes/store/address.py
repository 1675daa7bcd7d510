"""`NAMESPACE/SECRET[#key]`, and the names of what a run writes there. Pure.

Kubernetes docs: concepts/overview/working-with-objects/names, concepts/configuration/secret (keys of `data`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.merging import public_of

if TYPE_CHECKING:
    from nhi_revoke.model.ref import Json
    from nhi_revoke.model.step import Step
    from nhi_revoke.provider.io import Run
    from nhi_revoke.provider.secret import Secret

SCHEME = "kubernetes"
FORM = "NAMESPACE/SECRET: each of its fields a key of data, every other key kept; #key: the secret part alone there"
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
    """Takes the secret part alone; empty: each field is a key of its own."""

    @property
    def word(self) -> str:
        """In a sentence."""
        return f"Secret {self.namespace}/{self.name}"

    def fields(self, secret: Secret) -> dict[str, str]:
        """What is written, in clear: memory only."""
        return {self.key: secret.reveal()} if self.key else secret.fields()

    def keys(self, minted: Json) -> tuple[str, ...]:
        """Which keys that is, told by what the mint left; empty where that does not tell."""
        if self.key:
            return (self.key,)
        field = str(minted.get("field") or "")
        return (*public_of(minted), field) if field else ()


def parse_address(text: str) -> Address:
    """With or without the scheme. Raises Rejected for what is none."""
    place, hash_, key = text.removeprefix(f"{SCHEME}:").partition("#")
    namespace, _, name = place.partition("/")
    if (
        not A_NAMESPACE.fullmatch(namespace)
        or not A_SECRET.fullmatch(name)
        or bool(hash_) != bool(A_KEY.fullmatch(key))
    ):
        raise Rejected(f"{text!r} names no Secret of Kubernetes", hint=HINT)
    return Address(namespace, name, key)


def manager_of(run: Run) -> str:
    """Field manager: whoever last changed a key, as Kubernetes itself keeps it."""
    return f"nhi-revoke-{run.id}"


def former_of(at: Address, step: Step, run: Run) -> str:
    """Name of the Secret that keeps the former values. Carries the run and the mint: two deliveries never meet."""
    mark = hashlib.sha256(f"{step.takes or step.id}#{at.key}".encode()).hexdigest()[:8]
    end = f"-nhi-revoke-{re.sub(r'[^a-z0-9-]', '-', run.id.lower())}-{mark}"
    return at.name[: LONGEST - len(end)].rstrip(".-") + end


def field_of(step: Step, run: Run) -> str:
    """Key of the secret part, where each field has its own; empty where nothing tells it."""
    mint = step.takes or ""
    return run.take(mint).field if run.holds(mint) else str(run.left(mint).get("field") or "")
