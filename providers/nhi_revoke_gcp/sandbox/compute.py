"""Virtual machines and what Cloud Run runs, here: each with the account that it is attached to. State alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Machine:
    """`status`: as Compute Engine tells it."""

    name: str
    project: str
    zone: str
    email: str
    created: datetime
    status: str = "RUNNING"
    group: str = ""
    """The managed instance group that made it."""


@dataclass
class RunService:
    """`sort`: `services`, `jobs` or `workerpools`. `email` may be empty: the project's default account."""

    sort: str
    name: str
    project: str
    region: str
    email: str
    created: datetime
    variables: list[dict[str, Any]] = field(default_factory=list)
    """`env` of its container, as the interface has it."""
    volumes: list[dict[str, Any]] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    """Of its template."""


class Workloads:
    """Of every project."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []
        self.runs: list[RunService] = []
        self.unreachable: dict[str, tuple[str, ...]] = {}
        """By `compute`, `services`, `jobs` or `workerpools`: zones and regions that do not answer, as the list tells.
        By `zones`: those that are told by a warning in the place of their rows.
        """

    def machine(self, name: str) -> Machine | None:
        """By its name."""
        return next((each for each in self.machines if each.name == name), None)

    def shown(self, sort: str, project: str) -> list[RunService]:
        """But for regions that do not answer."""
        away = self.unreachable.get(sort, ())
        return [each for each in self.runs if (each.sort, each.project) == (sort, project) and each.region not in away]
