"""Starts every provider's sandbox on loopback, on one clock, and writes the nhi.toml that reaches them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from nhi_revoke.model.error import NothingCanStart, Trouble
from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Door, Sandbox
from nhi_revoke.provider.sandbox.workload import Employs, Workload


class DemoWorld:
    """`with` starts it and leaves nothing behind but the folder it was given."""

    def __init__(self, registry: Registry, folder: Path, start: datetime) -> None:
        self._registry = registry
        self.folder = folder
        self.clock = MovableClock(start)
        self.sandboxes: dict[str, Sandbox] = {}
        self.identity = ""

    @property
    def config(self) -> Path:
        return self.folder / "nhi.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def __enter__(self) -> DemoWorld:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        troubles: list[Trouble] = []
        for name in self._registry.names():
            try:
                sandbox = self._registry.provider(name).sandbox()
            except Trouble as wrong:
                troubles.append(wrong)
                continue
            if sandbox is not None:
                sandbox.start(self.clock)
                self.sandboxes[name] = sandbox
        if not self.sandboxes:
            why = troubles[0].message if troubles else "no installed provider has a sandbox"
            raise NothingCanStart("no-sandbox", f"The demo cannot start: {why}", "pip install 'nhi-revoke[demo]'")
        self._write(self._seed())

    def _seed(self) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, sandbox in self.sandboxes.items():
            seeded = sandbox.seed(str(self.folder))
            self.identity = self.identity or seeded.name
            merge(document, tomllib.loads(seeded.map))
            document[name] = sandbox.settings()
        document["sandbox"] = {"control": next(iter(self.sandboxes.values())).control}
        return document

    def _write(self, document: dict[str, Any]) -> None:
        import tomli_w

        self.config.write_text(tomli_w.dumps(document))

    def doors(self) -> Sequence[tuple[str, Door]]:
        """The intruder's ways in, with the provider of each."""
        return [(name, door) for name, sandbox in self.sandboxes.items() for door in sandbox.doors()]

    def workloads(self) -> Sequence[tuple[str, Workload]]:
        """Who may use the identity's credentials, with the provider of each."""
        employers = ((name, sandbox) for name, sandbox in self.sandboxes.items() if isinstance(sandbox, Employs))
        return [(name, sandbox.workload(str(self.folder))) for name, sandbox in employers]

    def close(self) -> None:
        """Stops every sandbox."""
        for sandbox in self.sandboxes.values():
            sandbox.close()
        self.sandboxes.clear()


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Tables are joined and lists appended: one identity may have principals in several sandboxes."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        else:
            into[key] = value
