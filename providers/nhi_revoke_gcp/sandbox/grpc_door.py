"""The IAM API over gRPC, with google-cloud-iam's own messages: the other door of the same state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, NamedTuple

from nhi_revoke.provider.sandbox.server import HOST, HangUp
from nhi_revoke_gcp.sandbox.audited import audited
from nhi_revoke_gcp.sandbox.gate import GcpGate
from nhi_revoke_gcp.sandbox.grpc_accounts import ACCOUNT_CALLS
from nhi_revoke_gcp.sandbox.grpc_calls import CALLS
from nhi_revoke_gcp.sandbox.refusal import Refused, packed
from nhi_revoke_gcp.sandbox.state import Cloud

SERVED = CALLS | ACCOUNT_CALLS
SERVICE = "google.iam.admin.v1.IAM"
THREADS = 8


class Rpc(NamedTuple):
    """What a call works with."""

    cloud: Cloud
    now: datetime
    token_uri: str


class GrpcDoor:
    """Made without I/O."""

    def __init__(self, cloud: Cloud, gate: GcpGate, now: Callable[[], datetime]) -> None:
        self._cloud, self._gate, self._now = cloud, gate, now
        self._server: Any = None
        self._port = 0
        self._lock = threading.Lock()
        self.token_uri = ""
        """What new key files say."""
        self.around: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
        """What each call goes through, by its name: tests slow them down."""
        self.errors: list[BaseException] = []
        """Defects of the sandbox, which nobody was told of yet."""

    def start(self) -> None:
        """On a free port of this machine. Raises OSError where there is none."""
        import grpc

        methods = {name: self._method(name) for name in SERVED}
        self._server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox-grpc"))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        self._port = self._server.add_insecure_port(f"{HOST}:0")
        if not self._port:
            raise OSError("no port for the sandbox's gRPC door")
        self._server.start()

    @property
    def target(self) -> str:
        return f"{HOST}:{self._port}"

    def close(self) -> None:
        """Cuts what is under way. Safe to repeat."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop(None).wait(5)

    def _method(self, name: str) -> Any:
        import grpc

        call = SERVED[name]
        read, write = call.messages()

        def serve(request: Any, context: Any) -> Any:
            try:
                with self.around(name):
                    return self._served(name, request, context)
            except Refused as no:
                context.abort_with_status(_status(no))
            except HangUp:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            except Exception as defect:
                self.errors.append(defect)
                raise

        return grpc.unary_unary_rpc_method_handler(serve, read, write)

    def _served(self, name: str, request: Any, context: Any) -> Any:
        call = SERVED[name]
        headers = {str(key): str(value) for key, value in context.invocation_metadata()}
        with self._cloud.lock:
            fault = self._gate.rpc(
                f"iam.{name}", call.permission, headers,
                mutates=call.mutates, target=call.target(request),
            )  # fmt: skip
            rpc = Rpc(self._cloud, self._now(), self.token_uri)
            answer = audited(self._gate, name, call, request, headers, rpc.now, lambda: call.serve(rpc, request))
        if fault == "lost":
            raise HangUp
        return answer


def _status(no: Refused) -> Any:
    import grpc
    from google.rpc import code_pb2, status_pb2
    from grpc_status import rpc_status

    told = status_pb2.Status(
        code=code_pb2.Code.Value(no.code), message=no.says, details=[packed(each) for each in no.details]
    )
    made = rpc_status.to_status(told)
    assert isinstance(made, grpc.Status)
    return made
