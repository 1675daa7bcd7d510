"""Every vendor's samples and look-alikes, found by the names of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from tests.triage.sample import LookAlike, Sample

VENDORS = ("aws", "entra", "gcp", "github", "kubernetes", "local", "okta", "vault", "example")


@cache
def modules() -> tuple[ModuleType, ...]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("samples_*.py"))
    return tuple(import_module(f"tests.triage.{name}") for name in names)


def samples() -> Sequence[Sample]:
    return [each for module in modules() for each in module.SAMPLES]


def lookalikes() -> Sequence[LookAlike]:
    return [each for module in modules() for each in module.LOOKALIKES]


@cache
def everybody() -> Registry:
    """All providers of this repository, and Example Cloud."""
    return Registry([Loaded(name, import_module(f"nhi_revoke_{name}").provider) for name in VENDORS])
