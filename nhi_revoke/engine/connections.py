"""One connection for each provider and scope, made when first needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from nhi_revoke.config import Config
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.sharing import Share, SharedIo
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

    def __init__(
        self, registry: Registry, config: Config, io: EngineIo, share: Share | None = None, settings_name: str = ""
    ) -> None:
        """`share`: what tenants may be asked, by all workers. `settings_name`: what the settings are called there."""
        self.registry = registry
        self._config = config
        self._io = io
        self._share, self._settings_name = share, settings_name
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, str], Connection] = OrderedDict()
        """The longest unused first."""
        self._lent: WeakValueDictionary[int, SharedIo] = WeakValueDictionary()
        """By the id of its connection, which holds it."""

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
                conn = self._open[provider, scope] = self._made(plugin, scope, settings)
                self._let_go()
            self._open.move_to_end((provider, scope))
            return conn

    def _made(self, plugin: Provider[Any], scope: str, settings: Any) -> Connection:
        if self._share is None:
            alone: Connection = plugin.connect(scope, settings, self._io)
            return alone
        rate = plugin.rate(settings)
        io = SharedIo(self._io, self._share, plugin.name, scope, self._settings_name, rate)
        made: Connection = plugin.connect(scope, settings, io)
        io.bind(made)
        self._lent[id(made)] = io
        return made

    def io(self, conn: Connection) -> Io:
        """What is lent to whatever works with this connection besides it."""
        lent = self._lent.get(id(conn))
        return lent if lent is not None and lent.is_of(conn) else self._io

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
