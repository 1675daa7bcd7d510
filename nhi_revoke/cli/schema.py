"""`schema`: the JSON Schema of the envelope, with the data of each command."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.completion.table import COMMANDS
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

app = application()

Command = Annotated[str | None, typer.Argument(metavar="[COMMAND]", help="Only the output of this command.")]
_REF = "#/$defs/{name}"


@app.command()
@spread
def schema(session: Session, command: Command = None) -> Result:
    """JSON Schema of what -o json prints. Additive changes only.

    nhi-revoke schema report
    """
    check_format(session, ("table", "json"))
    names = [each.name for each in COMMANDS]
    if command is not None and command not in names:
        raise Usage("unknown-command", f"there is no command {command!r}.", did_you_mean(command, names))
    made = envelope_schema((command,) if command else names)

    import msgspec

    text = msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"
    return Result(made, list, text=text)


def envelope_schema(commands: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Draft 2020-12: the envelope, and under `data` whatever one of these commands prints; null after an error."""
    import msgspec

    from nhi_revoke.cli.envelope import Envelope

    types = data_types()
    wanted = [each for command in commands for each in types[command]]
    shapes, defs = msgspec.json.schema_components([Envelope, *wanted], ref_template=_REF)
    found: dict[str, Any] = dict(defs)
    found["Envelope"] = dict(found["Envelope"], additionalProperties=False)
    branches = []
    start = 1
    for command in commands:
        end = start + len(types[command])
        branches.append(
            {
                "properties": {
                    "command": {"const": command},
                    "data": {"anyOf": [*shapes[start:end], {"type": "null"}]},
                }
            }
        )
        start = end
    branches.append({"properties": {"command": {"const": ""}, "data": {"type": "null"}}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nhi-revoke",
        "allOf": [shapes[0], {"oneOf": branches}],
        "$defs": found,
    }


def data_types() -> dict[str, tuple[Any, ...]]:
    """What stands under `data`, by command. A plan where an acting command changed nothing."""
    from nhi_revoke.campaign.figures import Progress
    from nhi_revoke.campaign.merged import Merged
    from nhi_revoke.campaign.overview import Overview
    from nhi_revoke.cli.data import Approved, Diagnosis, Listed, Moved, Need, Topic
    from nhi_revoke.cli.demo import DemoData
    from nhi_revoke.cli.demo_rollover import RolloverData
    from nhi_revoke.config import Origin
    from nhi_revoke.engine.chain import ChainCheck
    from nhi_revoke.engine.service import FoundConsumers, FoundPrincipals, HeldByJobs, RunSummary
    from nhi_revoke.model.audit import Audited, AuditedMany
    from nhi_revoke.model.checkup import Finding
    from nhi_revoke.model.identity import Identity
    from nhi_revoke.model.plan import Plan
    from nhi_revoke.model.report import Report
    from nhi_revoke.model.right import Document
    from nhi_revoke.model.triage import Triaged
    from nhi_revoke.provider.registry import ProviderStatus

    acted = (Report, Plan)
    return {
        "list": (Listed,),
        "audit": (Audited, AuditedMany),
        "find": (FoundPrincipals, HeldByJobs, FoundConsumers),
        "triage": (Triaged, Report, Plan),
        "plan": (Plan,),
        "approve": (Approved,),
        "campaign": (Overview, Progress, Merged),
        "worker": (tuple[Progress, ...],),
        **dict.fromkeys(("revoke", "rotate", "apply", "release", "undo", "finish"), acted),
        **dict.fromkeys(("resume", "hold", "verify"), (Report,)),
        "report": (Report, ChainCheck),
        "runs": (tuple[RunSummary, ...], Moved),
        "identities": (tuple[Identity, ...], tuple[Finding, ...]),
        "providers": (tuple[ProviderStatus, ...],),
        "permissions": (tuple[Need, ...], Document),
        "doctor": (Diagnosis,),
        "config": (tuple[Origin, ...], str),
        "schema": (dict[str, Any],),
        "demo": (DemoData, RolloverData),
        "help": (Topic,),
    }
