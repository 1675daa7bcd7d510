"""The vendor's own client, with explicit credentials, on the sandbox: for doors, tests and setting up."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Held:
    """Credentials that somebody holds."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Clients:
    """boto3's clients, never from a default chain; one for each set of credentials, closed together."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._session: Any = None
        self._made: dict[tuple[str, Held | None, str], Any] = {}

    def client(self, service: str, held: Held | None, region: str) -> Any:
        """Unsigned calls only where `held` is None. Tries each call once: what it answers is what is told."""
        with self._lock:
            wanted = (service, held, region)
            if wanted not in self._made:
                self._made[wanted] = self._make(service, held, region)
            return self._made[wanted]

    def close(self) -> None:
        """Closes their connections."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()

    def _make(self, service: str, held: Held | None, region: str) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        settings: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "proxies": {}}
        if held is None:
            settings["signature_version"] = UNSIGNED
        if service == "s3":
            settings["s3"] = {"addressing_style": "path"}
        if self._session is None:
            self._session = isolated_session()
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            aws_access_key_id=held.key_id if held else None,
            aws_secret_access_key=held.secret if held else None,
            aws_session_token=held.token if held else None,
            config=Config(connect_timeout=5, read_timeout=20, **settings),
        )


def isolated_session() -> Any:
    """Of botocore: neither the environment nor files of the machine have a say."""
    import botocore.session

    names = {
        "profile": (None, None, None, None),
        "config_file": (None, None, "", None),
        "credentials_file": (None, None, "", None),
        "ca_bundle": (None, None, None, None),
    }
    session = botocore.session.Session(session_vars=names)
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    """The vendor's service models: slow to read, and the same for every sandbox of the process."""
    from botocore.loaders import Loader

    return Loader()
