"""Whether the map holds: principals exist, stores and flushes would work, and no two identities share one unnoticed.

Reads alone, all side by side. A shared principal is found by what the vendor calls it, however it is spelled; a shared
store by its address (facts standards.md: OWASP NHI9, reuse).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nhi_revoke.engine.clock import Interrupted
from nhi_revoke.engine.connections import Connections
from nhi_revoke.engine.formats import addressed
from nhi_revoke.engine.resolve import one_ref
from nhi_revoke.model.checkup import Finding
from nhi_revoke.model.error import Ambiguous, NotFound, Trouble, Usage
from nhi_revoke.model.identity import Delivery, FlushTarget, Identity
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import AmbiguousName, Denied, Fault, Missing, Rejected


class Checked(Struct, frozen=True):
    """One part, and by what it is known to be the same as another identity's."""

    finding: Finding
    same: str = ""
    kind: str = ""
    """Of a principal that was resolved."""


def check_identities(
    identities: Sequence[Identity], connections: Connections, pool: ThreadPoolExecutor
) -> tuple[Finding, ...]:
    """Each line of these identities. Raises Interrupted."""
    checker = _Checker(connections)
    principals = [pool.submit(checker.principal, who, ref) for who in identities for ref in who.principals]
    flushes = [pool.submit(checker.flush, who, target) for who in identities for target in who.flush]
    known = [each.result() for each in principals]
    kinds = {who.name: {c.kind for c in known if c.finding.identity == who.name and c.kind} for who in identities}
    delivers = [pool.submit(checker.delivery, who, each, kinds[who.name]) for who in identities for each in who.deliver]
    found = [*known, *(each.result() for each in delivers), *(each.result() for each in flushes)]
    order = {who.name: number for number, who in enumerate(identities)}
    return tuple(sorted(_shared(found), key=lambda each: order[each.identity]))


def _shared(found: Sequence[Checked]) -> list[Finding]:
    owners: dict[str, list[str]] = {}
    for each in found:
        if each.same and each.finding.identity not in owners.setdefault(each.same, []):
            owners[each.same].append(each.finding.identity)
    out: list[Finding] = []
    for each in found:
        others = [name for name in owners.get(each.same, ()) if name != each.finding.identity]
        if others and each.finding.state == "ok":
            why = f"{', '.join(others)} has it, too: what is done to one is done to the other"
            out.append(replace(each.finding, state="shared", why=why, hint="Give each identity its own."))
        else:
            out.append(each.finding)
    return out


class _Checker:
    """Never raises a Fault."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._registry = connections.registry

    def principal(self, who: Identity, ref: PrincipalRef) -> Checked:
        typed = str(ref) if ref.provider else ref.id

        def look() -> Checked:
            asked = one_ref(typed, self._registry)
            plugin = self._registry.provider(asked.provider)
            found = plugin.resolve(self._connections.of_ref(asked), asked)
            why = f"it can be listed, and not ended: {found.untouchable}" if found.untouchable else ""
            line = Finding(who.name, "principal", typed, "wrong" if why else "ok", why)
            return Checked(line, f"{found.ref}", found.kind)

        return self._told(Finding(who.name, "principal", typed, "ok"), look)

    def delivery(self, who: Identity, delivery: Delivery, kinds: set[str]) -> Checked:
        """`kinds`: of principals of this identity that were resolved."""
        line = Finding(who.name, "deliver", f"{delivery.kind}={delivery.to}", "ok")

        def look() -> Checked:
            kind = self._registry.kind(delivery.kind)
            if kind.mint is None:
                return Checked(replace(line, state="wrong", why=f"no {kind.title} can be made anew by this tool"))
            if kinds and not kinds & set(kind.on):
                why = f"none of its principals is a {' or '.join(kind.on)}: nothing would ever be delivered there"
                return Checked(replace(line, state="wrong", why=why))
            name, colon, address = delivery.to.partition(":")
            if not colon or not address:
                return Checked(replace(line, state="wrong", why="it must be STORE:ADDRESS"))
            store = self._registry.store(name)
            to, _ = addressed(delivery, kind.mint, store)
            step = self._step(f"{name}/stage", who, store.stage.phase, to=to, address=address)
            return Checked(self._preflight(line, store.stage, step), f"{name}:{address}")

        return self._told(line, look)

    def flush(self, who: Identity, target: FlushTarget) -> Checked:
        line = Finding(who.name, "flush", target.use, "ok")

        def look() -> Checked:
            doer = self._registry.doer(target.use)
            if doer.phase is not Phase.FLUSH:
                return Checked(replace(line, state="wrong", why=f"{target.use} is no flush"))
            step = self._step(target.use, who, doer.phase, address=str(target.settings.get("url", "")))
            return Checked(self._preflight(line, doer, replace(step, before=dict(target.settings))))

        return self._told(line, look)

    def _step(self, does: str, who: Identity, phase: Phase, *, to: str = "", address: str) -> Step:
        on = who.principals[0] if who.principals else PrincipalRef("", "", who.name)
        scope = self._connections.scope_of_target(does, address)
        return Step(id="check", does=does, on=on, phase=phase, says="", scope=scope, to=to)

    def _preflight(self, line: Finding, doer: Any, step: Step) -> Finding:
        wrong = doer.check(self._connections.of_step(step), step)
        return replace(line, state="wrong", why=wrong.why, hint=wrong.manual) if wrong is not None else line

    def _told(self, line: Finding, look: Callable[[], Checked]) -> Checked:
        try:
            return look()
        except (Missing, AmbiguousName, Rejected) as wrong:
            return Checked(replace(line, state="wrong", why=wrong.message, hint=wrong.hint))
        except Denied as denied:
            return Checked(replace(line, state="unseen", why=denied.message, hint=denied.needs or denied.hint))
        except Fault as fault:
            return Checked(replace(line, state="unseen", why=fault.message, hint=fault.hint))
        except Interrupted:
            raise
        except (Usage, NotFound, Ambiguous) as wrong:
            return Checked(replace(line, state="wrong", why=wrong.message, hint=wrong.hint))
        except Trouble as trouble:
            return Checked(replace(line, state="unseen", why=trouble.message, hint=trouble.hint))
        except Exception as bug:  # noqa: BLE001 - one provider's bug hides nothing of the others
            return Checked(replace(line, state="unseen", why=f"{type(bug).__name__} in the provider: report it"))
