"""`doctor`: whether providers load, who you are on each, what each stage would need. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke.cli.data import Checked, Diagnosis
from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.needs import declared_needs
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Trouble
from nhi_revoke.provider.connection import SideBySide
from nhi_revoke.provider.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nhi_revoke.engine.connections import Connections
    from nhi_revoke.provider.registry import ProviderStatus
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("provider", "scope", "state", "operator", "why", "hint")


@app.command()
@spread
def doctor(session: Session) -> Result:
    """Whether each provider loads, who you are there, and the permissions that each stage needs."""
    check_format(session, ("table", "json", "ndjson", "csv"))
    with session.engine() as engine:
        statuses = session.registry.status()
        checked = [each for status in statuses for each in _check(engine.connections, status)]
    usable = {each.provider for each in checked if each.state == "ok"}
    needs = [need for name in sorted(usable) for need in declared_needs(session.registry, name)]

    def screen() -> list[Block]:
        from nhi_revoke.render.records import doctor_screen

        return doctor_screen([_row(each) for each in checked], [(n.provider, n.stage, n.permission) for n in needs])

    rows = Rows(COLUMNS, lambda: [_row(each) for each in checked])
    return Result(Diagnosis(tuple(checked), tuple(needs)), screen, verdict_code(checked), rows=rows)


def verdict_code(checked: Sequence[Checked]) -> int:
    """4 where nothing could start, 9 where something could not be reached, else 0. A disabled one is no fault."""
    wanted = [each for each in checked if each.state != "disabled"]
    if not any(each.state == "ok" and each.operator for each in wanted):
        return int(ExitCode.CANNOT_START)
    return int(ExitCode.DONE if all(each.state == "ok" for each in wanted) else ExitCode.UNSEEN)


def _check(connections: Connections, status: ProviderStatus) -> list[Checked]:
    name = status.name
    if status.state != "ok":
        return [Checked(name, "", status.state, (), status.why, status.hint)]
    try:
        scopes = connections.scopes(name)
    except Trouble as trouble:
        return [Checked(name, "", trouble.code, (), trouble.message, trouble.hint)]
    return [each for scope in scopes for each in _whoami(connections, name, scope)]


def _whoami(connections: Connections, name: str, scope: str) -> list[Checked]:
    """Of several sign-ins side by side, those that do not work have lines of their own."""
    try:
        conn = connections.at(name, scope)
        chain = conn.whoami()
        failed = conn.not_signed_in() if isinstance(conn, SideBySide) else ()
    except Trouble as trouble:
        return [Checked(name, scope, trouble.code, (), trouble.message, trouble.hint)]
    except Fault as fault:
        return [_failed(name, scope, fault)]
    known = conn.scope or scope
    return [
        Checked(name, known, "ok", tuple(str(ref) for ref in chain)),
        *(_failed(name, known, fault) for fault in failed),
    ]


def _failed(name: str, scope: str, fault: Fault) -> Checked:
    return Checked(name, scope, type(fault).__name__.lower(), (), fault.message, fault.hint)


def _row(each: Checked) -> dict[str, str]:
    return {
        "provider": each.provider,
        "scope": each.scope,
        "state": each.state,
        "operator": " <- ".join(each.operator),
        "why": each.why,
        "hint": each.hint,
    }
