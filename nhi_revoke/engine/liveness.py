"""Whether leaked credentials still open anything: each by one harmless call of its own, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from nhi_revoke.config import Config
from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.registry import Registry

PUBLIC_ALONE = "only its public part stands in the text: there is nothing to try"


def ask_alive(
    found: Sequence[tuple[str, Recognised]], registry: Registry, config: Config, io: EngineIo, pool: ThreadPoolExecutor
) -> tuple[Liveness, ...]:
    """Of each, with the name of the provider that recognised it, in their order. What cannot be told is `unknown`, with
    the reason; a fault of one hides nothing of the others.

    Raises Interrupted: what nobody asked must not read like an answer.
    """

    def ask(one: tuple[str, Recognised]) -> Liveness:
        name, each = one
        if each.value is None:
            return Liveness("unknown", PUBLIC_ALONE)
        try:
            provider: Provider[Any] = registry.provider(name)
            settings = config.settings(provider)
            if config.sandbox and not provider.on_loopback(settings):
                return Liveness("unknown", f"not asked: nhi.toml names a sandbox, and [{name}] does not point at it")
            return provider.alive(each, settings, io)
        except Interrupted:
            raise
        except (Fault, Trouble) as fault:
            return Liveness("unknown", f"no clear answer: {fault.message}")
        except Exception as bug:  # noqa: BLE001 - its text may hold the credential
            return Liveness("unknown", f"{type(bug).__name__} in the provider (a bug: report it)")

    jobs = [pool.submit(ask, one) for one in found]
    answers = []
    for number, job in enumerate(jobs, 1):
        answers.append(job.result())
        io.progress("credentials", number, len(jobs))
    if io.stop.is_set():
        raise Interrupted
    return tuple(answers)
