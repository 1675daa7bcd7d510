"""One connection for each provider and scope, made when first needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from nhi_revoke.config import Config
from nhi_revoke.model.error import Refused
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Step
from nhi_revoke.provider.connection import Connection
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.registry import Registry

KEPT = 64
"""Connections, 10 MB each: a worker of a campaign meets thousands of accounts with one engine."""


class Connections:
    """Looks providers up in the registry and keeps their connections: the last used ones, for the life of a command."""

    def __init__(self, registry: Registry, config: Config, io: Io) -> None:
        self.registry = registry
        self._config = config
        self._io = io
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, str], Connection] = OrderedDict()
        """The longest unused first."""

    def at(self, provider: str, scope: str) -> Connection:
        """Raises Trouble when the provider is unknown, broken or not installed, or its settings are wrong."""
        with self._lock:
            conn = self._open.get((provider, scope))
            if conn is None:
                plugin: Provider[Any] = self.registry.provider(provider)
                settings = self._config.settings(plugin)
                if self._config.sandbox and not plugin.on_loopback(settings):
                    raise Refused(
                        "sandbox-clock",
                        f"nhi.toml names a sandbox's clock, but [{provider}] does not point at this machine: "
                        "waits would be skipped against a live vendor. Nothing was looked at.",
                        "Remove [sandbox], or point the provider at the sandbox.",
                    )
                made: Connection = plugin.connect(scope, settings, self._io)
                conn = self._open[provider, scope] = made
                self._let_go()
            self._open.move_to_end((provider, scope))
            return conn

    def adopt(self, provider: str, scope: str, conn: Connection) -> None:
        """A connection by the operator's own scope turned out to be this one: no second login for it."""
        with self._lock:
            self._open.setdefault((provider, scope), conn)
            self._let_go()

    def _let_go(self) -> None:
        """Whoever still uses one keeps it until then; whoever needs it again logs in again."""
        while len(self._open) > KEPT:
            self._open.popitem(last=False)

    def of_ref(self, ref: PrincipalRef) -> Connection:
        """The connection that a typed or canonical reference needs."""
        return self.at(ref.provider, self.scope_of(ref))

    def scope_of(self, ref: PrincipalRef) -> str:
        plugin: Provider[Any] = self.registry.provider(ref.provider)
        return plugin.scope_of(ref, self._config.settings(plugin))

    def of_step(self, step: Step) -> Connection:
        """The connection of the doer that the step names: a store's own account, not the principal's."""
        return self.at(self.registry.provider_of(step.does), step.scope)

    def scope_of_target(self, key: str, address: str) -> str:
        plugin: Provider[Any] = self.registry.provider(self.registry.provider_of(key))
        return plugin.scope_of_target(address, self._config.settings(plugin))

    def scopes(self, provider: str) -> tuple[str, ...]:
        plugin: Provider[Any] = self.registry.provider(provider)
        return tuple(plugin.scopes(self._config.settings(plugin)))

    def each(self, do: Callable[[tuple[str, str], Connection], None]) -> None:
        """Calls `do` for every connection made so far."""
        with self._lock:
            made = dict(self._open)
        for key, conn in made.items():
            do(key, conn)
