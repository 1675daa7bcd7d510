"""Lambda functions that hold a credential, refer to where it is kept, or run with a role, in every Region.

AWS docs: lambda API_ListFunctions (environment variables are among what it tells), API_EnvironmentResponse (`Error`
where they could not be decrypted). Each published version keeps the environment that it was published with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nhi_revoke.model.consumer import Consumer
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import FlushTarget
from nhi_revoke_aws.access.function import LIST, UNPUBLISHED
from nhi_revoke_aws.consumers.configured import Runner, Seen, called, runs_as, seen_in, told
from nhi_revoke_aws.consumers.place import Place
from nhi_revoke_aws.consumers.sight import KIND, Sight
from nhi_revoke_aws.holding import listed

FLUSH = "aws-lambda"
BEYOND = "no flush of this tool reaches another account"


def users(
    rows: Iterable[dict[str, Any]], region: str, sight: Sight, places: Sequence[Place]
) -> Iterator[Consumer | BlindSpot]:
    """`rows`: of one Region, every version."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        versions.setdefault(str(row["FunctionName"]), []).append(row)
    hidden: list[str] = []
    for name, found in versions.items():
        here = _runner(name, region, sight)
        published: dict[tuple[Seen, str], list[str]] = {}
        for row in found:
            environment = row.get("Environment") or {}
            if environment.get("Error"):
                hidden.append(name)
            seen = seen_in(_pairs(environment), sight, places, region)
            role = str(row.get("Role") or "")
            if row.get("Version") in (None, UNPUBLISHED):
                yield from told(here, seen, sight)
                yield from runs_as(here, [("execution role", role)], sight)
                yield from called(here, name, sight)
            elif seen or sight.marked(role):
                published.setdefault((seen, role), []).append(str(row["Version"]))
        for (seen, role), numbers in published.items():
            there = _published(name, region, numbers)
            yield from told(there, seen, sight)
            yield from runs_as(there, [("execution role", role)], sight)
    if hidden:
        names = listed(hidden)
        why = f"the environment of Lambda functions in {region} that Lambda could not decrypt for this login: {names}"
        yield BlindSpot(sight.there, KIND, why, "kms:Decrypt")


def _pairs(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((str(name), str(value)) for name, value in (environment.get("Variables") or {}).items())


def _runner(name: str, region: str, sight: Sight) -> Runner:
    return Runner(
        what=f"Lambda function {name} in {region}",
        evidence=LIST,
        flush=FlushTarget(FLUSH, {"function": name, "region": region}) if sight.own else None,
        by_hand=f"replace its execution environments (change its configuration): {BEYOND}",
        anew="put the replacement into its environment",
    )


def _published(name: str, region: str, numbers: Sequence[str]) -> Runner:
    which = listed(numbers)
    many = "versions" if len(numbers) > 1 else "version"
    return Runner(
        what=f"Lambda function {name} in {region}",
        evidence=LIST,
        flush=None,
        by_hand=f"published {many} {which} keep what they hold: publish a new one and move its aliases",
        anew=f"published {many} {which} cannot be changed: publish one with the replacement and move its aliases",
        prefix=f"published {many} {which}: ",
    )
