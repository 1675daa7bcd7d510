"""What a key vault holds: secrets with all their versions, and names of deleted ones that can be recovered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class VaultVersion:
    id: str
    value: str
    at: datetime
    enabled: bool = True
    content_type: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    """`exp` and `nbf`, where they were set."""


@dataclass
class VaultSecret:
    """`versions`: the newest is the last, and the one that is read without a version."""

    versions: list[VaultVersion] = field(default_factory=list)
    deleted: bool = False
    managed: bool = False
    """It belongs to a certificate of the vault."""


@dataclass
class Vault:
    """`subscription`: in which it is listed; empty: in the first."""

    secrets: dict[str, VaultSecret] = field(default_factory=dict)
    """By name in small letters: names are told apart without their case."""
    by_policy: frozenset[str] | None = None
    """What its access policy lets the operator do; None: everything, by a role."""
    subscription: str = ""


def held(secret: VaultSecret) -> list[dict[str, Any]]:
    """Every version with all that it holds: what a test compares."""
    return [dict(vars(version)) for version in secret.versions]
