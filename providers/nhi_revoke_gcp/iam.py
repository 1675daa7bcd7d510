"""The IAM API over gRPC, by Google's own client: service accounts, their keys and their policies.

facts gcp.md 3: google-cloud-iam has no REST, no timeout for some calls, and repeats others by itself: here every call
has a timeout, and none is repeated but by the engine. It prints whole answers at DEBUG, new private keys included.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from msgspec import json

from nhi_revoke.provider.counting import ask_counted, sends
from nhi_revoke.provider.quiet import hush
from nhi_revoke.provider.shared_reads import SharedReads
from nhi_revoke_gcp.login import Login

if TYPE_CHECKING:
    from google.cloud.iam_admin_v1 import IAMClient

    from nhi_revoke.provider.io import Io

TIMEOUT = 20.0
"""Seconds for each call (facts gcp.md 7, 26)."""
LOGS = (
    "google.cloud.iam_admin_v1.services.iam.client",
    "google.cloud.iam_admin_v1.services.iam.transports.grpc",
    "google.cloud.iam_admin_v1.services.iam.transports.grpc_asyncio",
)


class Iam:
    """Thread-safe. Made without I/O; the libraries are loaded at the first call."""

    def __init__(self, io: Io, login: Login, target: str, reads: SharedReads[Any], *, plain: bool) -> None:
        """`target`: host:port. `reads`: of the whole connection. `plain`: without TLS, for this machine alone."""
        self._io, self._login, self._target, self._plain = io, login, target, plain
        self._reads = reads
        self._lock = threading.Lock()
        self._client: IAMClient | None = None
        hush(LOGS)

    def read(self, method: str, request: dict[str, Any], needs: str) -> Any:
        """One read, by the client's own name of it. Whoever asks for what is asked for already hears that answer, and
        leaves it as it is. Raises the faults of the contract.
        """
        return self._reads.read(
            (method, json.encode(request, order="deterministic"), needs),
            lambda: ask_counted(self._io, lambda: self._called(method, request, needs, reads=True), repeatable=True),
        )

    def send(self, method: str, request: dict[str, Any], needs: str, *, again: bool) -> Any:
        """One change. `again`: it may happen twice without harm (a create never does)."""
        with self._reads.changing():
            return ask_counted(self._io, lambda: self._called(method, request, needs, reads=False), repeatable=again)

    def _called(self, method: str, request: dict[str, Any], needs: str, *, reads: bool) -> Any:
        # gRPC writes to stderr by itself, over whatever stands there, unless it is told not to before it is loaded.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from google.api_core import exceptions

        from nhi_revoke_gcp.grpc_faults import fault_of

        try:
            try:
                return self._once(method, request, needs)
            except exceptions.Unauthenticated:
                if not self._login.refused(401, {}):
                    raise
                return self._once(method, request, needs)
        except exceptions.GoogleAPICallError as error:
            fault = fault_of(error, f"iam {method}", needs, reads=reads)
        raise fault  # outside the handler: the library's exception holds the call, and its bearer

    def _once(self, method: str, request: dict[str, Any], needs: str) -> Any:
        signed = self._login.headers("POST", self._target, needs)
        metadata = tuple((name.lower(), value) for name, value in signed.items())
        call = getattr(self._opened(), method)
        sends(self._io)
        return call(request=request, retry=None, timeout=TIMEOUT, metadata=metadata)

    def _opened(self) -> IAMClient:
        with self._lock:
            if self._client is None:
                import grpc
                from google.cloud.iam_admin_v1 import IAMClient
                from google.cloud.iam_admin_v1.services.iam.transports.grpc import IAMGrpcTransport

                options = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0 if self._plain else 1)]
                channel = (
                    grpc.insecure_channel(self._target, options)
                    if self._plain
                    else grpc.secure_channel(self._target, grpc.ssl_channel_credentials(), options)
                )
                # With a channel of ours the client signs nothing: the login does, for REST and gRPC alike.
                self._client = IAMClient(transport=IAMGrpcTransport(channel=channel))
            return self._client
