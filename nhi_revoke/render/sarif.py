"""An audit as SARIF 2.1.0 (OASIS), for code scanning and dashboards: a finding is a result, an accepted one suppressed.

Vendor text stands in messages of plain text alone. There "[text](target)" is a link (SARIF 2.1.0, 3.11.6) and "{0}" a
placeholder (3.11.5), so that brackets get a backslash and braces are doubled, as those sections say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nhi_revoke import __version__
from nhi_revoke.model.audit import Examined, Judged
from nhi_revoke.render.audit import because
from nhi_revoke.render.clean import clean, json_text

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "nhiRevoke/v1"
UNLOOKED = "not-looked-at"
_RULES = {
    "live": ("error", "A live way in", "A key, session, grant or trust of this identity works, or may be used now."),
    "open": ("error", "A door that others may open", "A trust through which somebody outside can begin new sessions."),
    "planted": ("error", "Planted", "Made by this identity elsewhere: a foothold unless somebody knows better."),
    "stale": ("warning", "A stale credential", "Live, and not used for as long as --fail-on stale:… says."),
    "unknown-use": ("warning", "A credential of unknown use", "Live, and nobody tells when it was used last."),
    "unseen": ("warning", "Not seen", "It could not be looked at, so that nobody knows what is there."),
    UNLOOKED: ("error", "An identity that was not looked at", "It was not found, or nobody here may look at it."),
}
_HELP = {
    "live": "End it (nhi-revoke plan IDENTITY), or accept it with a reason: --accept ID=REASON.",
    "open": "Close the trust (--cut-trust ID), or accept it with a reason.",
    "planted": "Look there (nhi-revoke list PRINCIPAL), and end what nobody wants.",
    "stale": "Ask its owner; end what nobody uses.",
    "unknown-use": "Find out who uses it (nhi-revoke find --consumers IDENTITY) before anybody calls it unused.",
    "unseen": "Grant what is missing (nhi-revoke doctor), and look again.",
    UNLOOKED: "Check the name and the login (nhi-revoke doctor), and look again.",
}


class _Struct(Struct, frozen=True, rename="camel", omit_defaults=False):
    pass


class Message(_Struct, frozen=True):
    text: str


class Settings(_Struct, frozen=True):
    level: str


class Rule(_Struct, frozen=True):
    id: str
    name: str
    short_description: Message
    full_description: Message
    help: Message
    default_configuration: Settings


class Driver(_Struct, frozen=True):
    name: str
    version: str
    rules: tuple[Rule, ...]


class Tool(_Struct, frozen=True):
    driver: Driver


class ArtifactLocation(_Struct, frozen=True):
    uri: str


class Region(_Struct, frozen=True):
    start_line: int


class PhysicalLocation(_Struct, frozen=True):
    artifact_location: ArtifactLocation
    region: Region


class LogicalLocation(_Struct, frozen=True):
    name: str
    fully_qualified_name: str
    kind: str


class Location(_Struct, frozen=True):
    logical_locations: tuple[LogicalLocation, ...]
    physical_location: PhysicalLocation | UnsetType = UNSET


class Suppression(_Struct, frozen=True):
    kind: str
    status: str
    justification: str


class SarifResult(_Struct, frozen=True):
    rule_id: str
    rule_index: int
    kind: str
    level: str
    message: Message
    locations: tuple[Location, ...]
    partial_fingerprints: dict[str, str]
    suppressions: tuple[Suppression, ...] | UnsetType = UNSET


class Notification(_Struct, frozen=True):
    level: str
    message: Message


class Invocation(_Struct, frozen=True):
    execution_successful: bool
    exit_code: int
    start_time_utc: str
    tool_execution_notifications: tuple[Notification, ...]


class AutomationDetails(_Struct, frozen=True):
    id: str


class SarifRun(_Struct, frozen=True):
    tool: Tool
    automation_details: AutomationDetails
    invocations: tuple[Invocation, ...]
    results: tuple[SarifResult, ...]


class Log(Struct, frozen=True, rename={"schema": "$schema"}):
    schema: str
    version: str
    runs: tuple[SarifRun, ...]


def sarif_json(each: Sequence[Examined], at: datetime, exit_code: int, places: Mapping[str, tuple[str, int]]) -> str:
    """`places`: path and line of an identity in a file of this folder, where there is one; no other file is named."""
    rules = tuple(_rule(verdict) for verdict in _RULES)
    unlooked = [one for one in each if one.inventory is None]
    run = SarifRun(
        Tool(Driver("nhi-revoke", __version__, rules)),
        AutomationDetails("nhi-revoke/audit/"),
        (
            Invocation(
                not unlooked,
                exit_code,
                at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                tuple(Notification("error", _message(f"{one.name}: {one.why}")) for one in unlooked),
            ),
        ),
        tuple(result for one in each for result in _results(one, places)),
    )
    log = Log(SCHEMA, "2.1.0", (run,))
    return json_text(msgspec.json.format(msgspec.json.encode(log), indent=2).decode()) + "\n"


def _results(one: Examined, places: Mapping[str, tuple[str, int]]) -> list[SarifResult]:
    if one.inventory is None:
        said = Judged(one.code, " ".join(filter(None, (one.why, one.hint))), UNLOOKED, on=one.name, fails=True)
        return [_result(one, said, UNLOOKED, places)]
    return [_result(one, judged, judged.would or judged.verdict, places) for judged in one.findings]


def _result(one: Examined, judged: Judged, verdict: str, places: Mapping[str, tuple[str, int]]) -> SarifResult:
    accepted = judged.verdict == "accepted"
    level = _RULES[verdict][0] if judged.fails or accepted else "note"
    said = f"{one.name}: {judged.id}: {judged.what}{f' ({judged.note})' if judged.note else ''}"
    suppressed = (Suppression("external", "accepted", clean(because(judged))),)
    return SarifResult(
        f"nhi-revoke/{verdict}",
        list(_RULES).index(verdict),
        "fail",
        level,
        _message(said),
        (_location(one, judged, places),),
        {FINGERPRINT: _fingerprint(one.name, judged)},
        suppressed if accepted else UNSET,
    )


def _location(one: Examined, judged: Judged, places: Mapping[str, tuple[str, int]]) -> Location:
    on = clean(judged.on or one.name)
    logical = LogicalLocation(clean(judged.id), f"{clean(one.name)}/{on}/{clean(judged.id)}", "resource")
    place = places.get(one.name)
    if place is None:
        return Location((logical,))
    return Location((logical,), PhysicalLocation(ArtifactLocation(place[0]), Region(place[1])))


def _fingerprint(name: str, judged: Judged) -> str:
    """Of what it is, and not of how it stands: the same over runs, whatever its labels, times and verdict."""
    which = judged.what if judged.sort == "lead" else ""  # one principal may have been planted on in several ways
    parts = (name, judged.sort, judged.on, judged.id, which)
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def _rule(verdict: str) -> Rule:
    level, short, full = _RULES[verdict]
    name = "".join(part.capitalize() for part in verdict.split("-"))
    help_text = Message(_HELP[verdict])
    return Rule(f"nhi-revoke/{verdict}", name, Message(short), Message(full), help_text, Settings(level))


def _message(text: str) -> Message:
    escaped = re.sub(r"([\[\]\\])", r"\\\1", clean(text))
    return Message(escaped.replace("{", "{{").replace("}", "}}"))
