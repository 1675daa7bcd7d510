"""The IAM API over gRPC as Google serves it, with TLS: a certificate that nobody vouches for gets no bearer."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from nhi_revoke_gcp.sandbox.grpc_calls import CALLS
from nhi_revoke_gcp.sandbox.grpc_door import SERVICE
from nhi_revoke_gcp.sandbox.state import rsa

from .conftest import Bench

ASKS = """
import json, sys
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.sandbox.remote import RemoteClock
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.iam import Iam
from nhi_revoke_gcp.settings import GcpSettings

told = json.loads(sys.argv[1])
conn = GcpConnection("", GcpSettings(**told["settings"]), EngineIo(SandboxClock(RemoteClock(told["control"]))), {})
iam = Iam(conn.io, conn._login, told["target"], conn._reads, plain=False)
try:
    print(iam.read("get_service_account", {"name": told["name"]}, "x").email)
except Fault as fault:
    print(type(fault).__name__)
"""


def certificate() -> bytes:
    """Of this machine, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa(0).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(rsa(0), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


@pytest.fixture
def secured(bench: Bench, tmp_path: Path) -> Iterator[str]:
    """The sandbox's gRPC door once more, behind TLS: its host and port."""
    key = rsa(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = certificate()
    (tmp_path / "roots.pem").write_bytes(pem)
    server = grpc.server(ThreadPoolExecutor(2))
    methods = {name: bench.sandbox.grpc._method(name) for name in CALLS}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, pem)]))
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait(5)


def asked(bench: Bench, target: str, roots: str) -> str:
    """By a process of its own: gRPC reads the roots that it trusts once."""
    told = {
        "settings": bench.sandbox.settings(), "control": bench.sandbox.control, "target": target,
        "name": bench.account.resource,
    }  # fmt: skip
    environ = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": roots}
    done = subprocess.run(
        [sys.executable, "-c", ASKS, json.dumps(told)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_certificate_that_is_vouched_for_is_answered(bench: Bench, secured: str, tmp_path: Path) -> None:
    assert asked(bench, secured, str(tmp_path / "roots.pem")) == bench.account.email


def test_any_other_gets_no_bearer(bench: Bench, secured: str) -> None:
    assert asked(bench, secured, "") == "Unavailable"
    assert [call.name for call in bench.sandbox.calls()] == ["POST /token"]
