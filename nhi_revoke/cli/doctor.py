"""`doctor`: whether providers load, who you are on each, and what you may do there for each stage. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.data import Checked, Diagnosis, Right
from nhi_revoke.cli.exit_code import ExitCode, worst
from nhi_revoke.cli.group import application
from nhi_revoke.cli.needs import needs_and_lacks
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import Trouble
from nhi_revoke.model.right import Stage, up_to
from nhi_revoke.provider.connection import SideBySide
from nhi_revoke.provider.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nhi_revoke.cli.data import Need
    from nhi_revoke.engine.connections import Connections
    from nhi_revoke.engine.rights import Asked
    from nhi_revoke.model.right import Holding
    from nhi_revoke.provider.connection import Connection
    from nhi_revoke.provider.registry import ProviderStatus, Registry
    from nhi_revoke.render.block import Block

app = application()
COLUMNS = ("provider", "scope", "state", "operator", "stage", "permission", "without", "why", "hint")

Providers = Annotated[list[str] | None, typer.Argument(metavar="[PROVIDER...]", help="Only these.")]
UpTo = Annotated[
    Stage | None, typer.Option("--stage", help="Only what this stage and those before it need.", show_default="all")
]


@app.command()
@spread
def doctor(session: Session, providers: Providers = None, stage: UpTo = None) -> Result:
    """Whether each provider loads, who you are there, and which permissions you have for each stage.

    Every check is the vendor's own, and changes nothing. Exit codes are those that a run with these permissions would
    end with: 8 where something would stay open, 9 where something would be unseen or a check told nothing.

    nhi-revoke doctor
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    registry = session.registry
    for name in providers or ():
        registry.provider(name)  # raises Usage for an unknown one
    with session.engine() as engine:
        statuses = [each for each in registry.status() if not providers or each.name in providers]
        places = {each.name: _places(engine.connections, session, each.name) for each in statuses if each.state == "ok"}
        found = _once(each for status in statuses for each in _check(engine.connections, status, places))
        checked = [each for each, _ in found]
        usable = dict.fromkeys(each.provider for each in checked if each.state == "ok")
        wanted = {name: _needed(registry, name, stage) for name in sorted(usable)}
        opened = [(each, conn) for each, conn in found if conn is not None]
        told = engine.holdings([_asked(each, conn, wanted[each.provider]) for each, conn in opened])
    rights = tuple(
        right for (each, _), of_it in zip(opened, told, strict=True) for right in _rights(each, of_it, wanted)
    )
    needs = tuple(need for each in wanted.values() for need, _ in each)

    def screen() -> list[Block]:
        from nhi_revoke.render.rights import doctor_screen

        return doctor_screen([_row(each) for each in checked], rights)

    rows = Rows(COLUMNS, lambda: [*(_row(each) for each in checked), *(_right_row(each) for each in rights)])
    return Result(Diagnosis(tuple(checked), needs, rights), screen, verdict_code(checked, rights), rows=rows)


def verdict_code(checked: Sequence[Checked], rights: Sequence[Right] = ()) -> int:
    """4 where nothing could start, or no permission is held anywhere. Else as a run would end: 8 where a change could
    not be made, 9 where something could not be reached, seen or told. A disabled provider is no fault, and what each
    plan asks by itself is none.
    """
    wanted = [each for each in checked if each.state != "disabled"]
    told = [each for each in rights if not each.later]
    if not any(each.state == "ok" and each.operator for each in wanted):
        return int(ExitCode.CANNOT_START)
    missing = [each for each in told if each.state == "missing"]
    if told and len(missing) == len(told):
        return int(ExitCode.CANNOT_START)
    opens = any(each.stage != "list" for each in missing)
    unseen = len(missing) > 0 or any(each.state == "unknown" for each in told)
    return worst(
        ExitCode.OPEN if opens else ExitCode.DONE,
        ExitCode.UNSEEN if unseen or any(each.state != "ok" for each in wanted) else ExitCode.DONE,
    )


Needed = tuple[tuple["Need", tuple[str, ...]], ...]


def _needed(registry: Registry, provider: str, stage: Stage | None) -> Needed:
    stages = up_to(stage)
    return tuple((need, lacks) for need, lacks in needs_and_lacks(registry, provider) if need.stage in stages)


def _asked(checked: Checked, conn: Connection, needed: Needed) -> Asked:
    """A permission of several stages is asked for once."""
    from nhi_revoke.engine.rights import Asked

    return Asked(checked.provider, conn, tuple(dict.fromkeys(need.permission for need, _ in needed)))


def _rights(checked: Checked, told: dict[str, Holding], wanted: dict[str, Needed]) -> list[Right]:
    rights = []
    for need, lacks in wanted[checked.provider]:
        one = told[need.permission]
        without = () if one.state == "held" else tuple(f"{by} {lack}" for by, lack in zip(need.by, lacks, strict=True))
        where = (checked.provider, checked.scope, need.stage, need.permission)
        rights.append(Right(*where, one.state, one.later, one.check, one.why, without))
    return rights


Found = tuple[Checked, "Connection | None"]


def _places(connections: Connections, session: Session, name: str) -> tuple[str, ...] | Trouble:
    """Every account, project or organisation that the settings or the map's principals name."""
    try:
        named = connections.scopes(name)
        of_map = [
            connections.scope_of(ref)
            for identity in session.config.identities.values()
            for ref in identity.principals
            if ref.provider == name
        ]
    except Trouble as trouble:
        return trouble
    own = () if named == ("",) and of_map else named  # the map's principals say where, and the login is the same
    return tuple(dict.fromkeys((*own, *of_map)))


def _once(found: Iterable[Found]) -> list[Found]:
    """Two scopes may turn out to be one connection."""
    every = list(found)
    return [each for number, each in enumerate(every) if each[0] not in [one for one, _ in every[:number]]]


def _check(
    connections: Connections, status: ProviderStatus, places: Mapping[str, tuple[str, ...] | Trouble]
) -> list[Found]:
    name = status.name
    if status.state != "ok":
        return [(Checked(name, "", status.state, (), status.why, status.hint), None)]
    scopes = places[name]
    if isinstance(scopes, Trouble):
        return [(Checked(name, "", scopes.code, (), scopes.message, scopes.hint), None)]
    return [each for scope in scopes for each in _whoami(connections, name, scope)]


def _whoami(connections: Connections, name: str, scope: str) -> list[Found]:
    """Of several sign-ins side by side, those that do not work have lines of their own."""
    try:
        conn = connections.at(name, scope)
        chain = conn.whoami()
        failed = conn.not_signed_in() if isinstance(conn, SideBySide) else ()
    except Trouble as trouble:
        return [(Checked(name, scope, trouble.code, (), trouble.message, trouble.hint), None)]
    except Fault as fault:
        return [(_failed(name, scope, fault), None)]
    known = conn.scope or scope
    return [
        (Checked(name, known, "ok", tuple(str(ref) for ref in chain)), conn),
        *((_failed(name, known, fault), None) for fault in failed),
    ]


def _failed(name: str, scope: str, fault: Fault) -> Checked:
    return Checked(name, scope, type(fault).__name__.lower(), (), fault.message, fault.hint)


def _row(each: Checked) -> dict[str, str]:
    return {
        "provider": each.provider,
        "scope": each.scope,
        "state": each.state,
        "operator": " <- ".join(each.operator),
        "stage": "",
        "permission": "",
        "without": "",
        "why": each.why,
        "hint": each.hint,
    }


def _right_row(each: Right) -> dict[str, str]:
    return {
        "provider": each.provider,
        "scope": each.scope,
        "state": each.state,
        "operator": "",
        "stage": each.stage,
        "permission": each.permission,
        "without": "; ".join(each.without),
        "why": each.why,
        "hint": ""
        if each.state == "held" or each.later
        else f"nhi-revoke permissions {each.provider} --stage {each.stage}",
    }
