"""`python -m benchmarks.delayed_sandbox PROVIDER FOLDER SECONDS`: one provider's sandbox behind a delay, in a process.

Each line on its standard input is answered by one of JSON. `again`: a new world, as {"table": of nhi.toml, "map",
"name", "control": of its clock}. `told`: what passed since then, as [[name, began, ended], …] in seconds of this
machine's clock. `cpu`: seconds of the processor that this process has taken so far.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nhi_revoke.provider.registry import Registry
from nhi_revoke.provider.sandbox.clock import MovableClock
from tests.figures.delay_proxy import DelayProxy


@contextmanager
def world(provider: str, folder: Path, delay: float) -> Iterator[tuple[DelayProxy, dict[str, Any]]]:
    """The demo's identity as this provider has it, reached through the proxy."""
    sandbox: Any = Registry.installed({}).provider(provider).sandbox()
    sandbox.start(MovableClock(datetime.now(UTC)))
    try:
        seeded = sandbox.seed(str(folder))
        sandbox.lag(0, 0)
        target = sandbox.endpoint if hasattr(sandbox, "endpoint") else sandbox.url
        with DelayProxy(target, delay) as proxy:
            if hasattr(sandbox, "grpc"):
                sandbox.grpc.around = _slowed(proxy, delay)
            table = {
                key: value.replace(target, proxy.url) if isinstance(value, str) else value
                for key, value in sandbox.settings().items()
            }
            yield proxy, {"table": table, "map": seeded.map, "name": seeded.name, "control": sandbox.control}
    finally:
        sandbox.close()


def _slowed(proxy: DelayProxy, delay: float) -> Any:
    """The gRPC door, as the proxy slows down the other one."""

    @contextmanager
    def slowly(name: str) -> Iterator[None]:
        began = time.monotonic()
        time.sleep(delay)
        yield
        proxy.note(f"grpc {name}", began)

    return slowly


def serve(provider: str, folder: Path, delay: float) -> None:
    """Until the input ends."""
    with ExitStack() as stack:
        proxy: DelayProxy | None = None
        for number, line in enumerate(sys.stdin):
            answer: Any
            if line.strip() == "again":
                stack.close()
                own = folder / str(number)
                own.mkdir()
                proxy, answer = stack.enter_context(world(provider, own, delay))
            elif line.strip() == "cpu":
                answer = time.process_time()
            else:
                answer = [p[:3] for p in proxy.passed] if proxy is not None else []
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
