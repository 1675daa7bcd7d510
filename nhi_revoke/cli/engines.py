"""Engines by the settings file of an entry: one for each tenant that has credentials of its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.config import Config
    from nhi_revoke.engine.event import Tell
    from nhi_revoke.engine.lock import Locking
    from nhi_revoke.engine.service import Engine
    from nhi_revoke.engine.store import Journals

MOST_IDLE = 8
"""Engines that stay open though nobody uses them: each has threads and connections."""


class Engines:
    """Safe on threads. Closed at the end with all that it made."""

    def __init__(
        self,
        session: Session,
        folder: Path | None,
        tell: Tell,
        *,
        own: Engine | None = None,
    ) -> None:
        """`folder`: of the settings files. `own`: the session's own engine, where it has one; whoever made it closes
        it.
        """
        self._session, self._folder, self._tell, self._own = session, folder, tell, own
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Engine] = OrderedDict()
        self._users: dict[str, int] = {}
        self._stopped = False

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *exc: object) -> None:
        if not (self._session.interrupted and self._session.own_process):
            self.close()  # else the process ends now, and closing would wait for vendors that do not answer

    @contextmanager
    def using(self, config: str) -> Iterator[Engine]:
        """The same for a while: what nobody uses any more is closed. Raises Usage."""
        with self._lock:
            engine = self._taken(config)
        try:
            yield engine
        finally:
            with self._lock:
                if config in self._users:
                    self._users[config] -= 1
                idle = [name for name in self._open if not self._users[name]]
                closing = [self._open.pop(name) for name in idle[: max(0, len(idle) - MOST_IDLE)]]
            for each in closing:
                each.close()

    def config(self, name: str) -> Config:
        """What a settings file says, with what the session's own protects besides. Raises Usage."""
        return self._sub(name).config

    def interrupt(self) -> None:
        """Start nothing more, in any of them."""
        with self._lock:
            self._stopped = True
            for engine in self._open.values():
                engine.interrupt()

    def close(self) -> None:
        """All of them; waits for calls under way."""
        with self._lock:
            engines = list(self._open.values())
            self._open.clear()
        for engine in engines:
            engine.close()

    def _taken(self, config: str) -> Engine:
        if self._own is not None and not config:
            return self._own
        engine = self._open.get(config)
        if engine is None:
            session = self._sub(config)
            engine = session.make_engine(session, self._tell)
            if self._stopped:
                engine.interrupt()
            self._open[config] = engine
        self._open.move_to_end(config)
        self._users[config] = self._users.get(config, 0) + 1
        return engine

    def made(self, config: str, *, journals: Journals, locks: Locking | None = None) -> Engine:
        """A new one, for whoever closes it. `journals`, `locks`: where its runs and locks are kept. Raises Usage."""
        from nhi_revoke.engine.service import Engine

        sub = self._sub(config)
        return Engine(
            sub.registry,
            sub.config,
            self._tell,
            show=self._session.show,
            journals=journals,
            locks=locks,
            share=sub.share,
            settings_name=sub.settings_name,
        )

    def _sub(self, name: str) -> Session:
        if not name:
            return self._session
        from msgspec.structs import replace as with_changes

        from nhi_revoke.campaign.entries import settings_file
        from nhi_revoke.config import load_config

        session = self._session
        file = settings_file(self._folder, name)
        found = load_config(str(file), session.streams.environ, session.cwd, providers=session.registry.known())
        both = tuple(dict.fromkeys((*found.protect, *session.config.protect)))
        return replace(session, config_path=str(file), settings_name=name, _config=with_changes(found, protect=both))
