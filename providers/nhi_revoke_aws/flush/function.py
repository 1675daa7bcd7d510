"""`aws-lambda`: functions that hold the old credential in memory begin anew.

An execution environment keeps what it has cached. A change of the function's configuration replaces the environments
of $LATEST (AWS docs: API_UpdateFunctionConfiguration, "Lambda function states"). The least harmful one is taken: a mark
in the description is put on, or taken off where it is there, so that two flushes leave the function as it was. AWS
sends environment variables with each answer, which may hold secrets: they are neither kept nor sent back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.flush.base import AwsFlush, Target, Where, asked, each, incomplete

SERVICE = "lambda"
LONGEST = 256
"""Characters of a description."""
READ, WRITE, ALIASES = "lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration", "lambda:ListAliases"
MARK = re.compile(r" ?\[nhi-revoke [^\]]*\]$")
Name = Annotated[str, Meta(min_length=1)]


class FunctionSettings(Where, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "aws-lambda"` in the map."""

    function: str = ""
    functions: tuple[Name, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Names or ARNs."""
        return self.functions or (self.function,)


class Configured(Struct, frozen=True):
    """Of a function's configuration what is needed here, and nothing else."""

    description: str
    revision: str
    status: str

    @property
    def marked(self) -> bool:
        return bool(MARK.search(self.description))


class Functions(AwsFlush[FunctionSettings]):
    name: ClassVar[str] = "aws-lambda"
    permissions: ClassVar[tuple[str, ...]] = (READ, WRITE, ALIASES)
    says: ClassVar[str] = "replaces a function's execution environments, by a mark in its description"
    undone: ClassVar[str] = "the mark is taken off the description"
    survives: ClassVar[str] = "environments of published versions; calls that run, until they end (15 minutes at most)"
    source: ClassVar[str] = "AWS docs: lambda API_UpdateFunctionConfiguration"
    shape: ClassVar[type[FunctionSettings]] = FunctionSettings
    example: ClassVar[str] = 'functions = ["payments-api"], and if need be regions = ["eu-west-1"]'

    def weigh(self, settings: FunctionSettings) -> None:
        if bool(settings.function) == bool(settings.functions):
            raise Rejected(f"{self.name}: it needs function or functions", hint=f"Write {self.example}.")
        for name in settings.named:
            if _qualifier(name):
                why = f"{self.name}: {name} names a version or alias, which cannot be changed"
                raise Rejected(why, hint="Name the function alone, and publish a new version behind the alias by hand.")

    def plainly(self, settings: FunctionSettings) -> tuple[str, str]:
        names = ", ".join(settings.named)
        return (
            f"replace the execution environments of Lambda {names} {settings.told} (a mark in the description)",
            "the next calls start cold; nobody else can change the functions for up to a minute",
        )

    def unready(self, conn: AwsConnection, settings: FunctionSettings) -> Impossible | None:
        for target in _targets(conn, settings):
            account = target.name.split(":")[4] if target.name.startswith("arn:") else ""
            if account and account != conn.account():
                why = f"function {target.name} is in account {account}, and this login is for {conn.account()}"
                return Impossible(why, f"restart it there: aws lambda update-function-configuration ({account})")
            try:
                found = _configured(conn, target)
            except Missing:
                by_hand = (
                    f"correct functions and regions in the map: aws lambda list-functions --region {target.region}"
                )
                return Impossible(f"there is no function {target.name} in {target.region}", by_hand)
            if not found.marked and len(found.description) + len(_mark("")) + 32 > LONGEST:
                why = f"the description of function {target.name} has no room for a mark ({LONGEST} characters)"
                return Impossible(why, "shorten it, or change another setting by hand")
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        targets = _targets(conn, self.settings(step.before))
        answers = each(conn, targets, lambda target: _toggle(conn, target, run.id))
        if failed := incomplete(answers, lambda target: target.told):
            return failed
        return Done({"marked": {target.told: marked for target, marked in answers}}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """The mark as it was left, and the update at its end: LastUpdateStatus."""
        left = run.left(step.id)
        if "marked" not in left:
            return None
        for target in _targets(conn, self.settings(step.before)):
            found = _configured(conn, target)
            if found.status not in ("", "Successful") or found.marked != left["marked"].get(target.told):
                return None
        return left

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        targets = _targets(conn, self.settings(step.before))
        aliases = [f"{t.told}: {alias}" for t in targets for alias in _published(conn, t)]
        if aliases:
            why = f"$LATEST began anew, but these serve a published version, which did not: {', '.join(aliases)}"
            return Proven(Proof.UNPROVEN, f"{why}. Publish a new version and move them")
        return Proven(Proof.RECORDED, "AWS shows the update as successful: calls are served by the new configuration")

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        """Only the mark can be taken back; the environments begin anew once more."""
        marked = [t for t in _targets(conn, self.settings(step.before)) if left.get("marked", {}).get(t.told)]
        still = [t for t in marked if _configured(conn, t).marked]
        if not still:
            return Already({"marked": {}})
        answers = each(conn, still, lambda target: _toggle(conn, target, run.id))
        return incomplete(answers, lambda target: target.told) or Done({"marked": {}}, conn.now())


def _mark(run_id: str) -> str:
    return f" [nhi-revoke {run_id}]"


def _toggle(conn: AwsConnection, target: Target, run_id: str) -> bool:
    """Whether it has the mark now. The revision keeps somebody else's change from being overwritten."""
    found = _configured(conn, target)
    plain = MARK.sub("", found.description)
    mark = _mark(run_id) if plain else _mark(run_id).strip()
    description = plain if found.marked else plain + mark
    asked(
        conn, SERVICE, "UpdateFunctionConfiguration", target.region, repeatable=False, FunctionName=target.name,
        Description=description, **({"RevisionId": found.revision} if found.revision else {}),
    )  # fmt: skip
    return not found.marked


def _configured(conn: AwsConnection, target: Target) -> Configured:
    told = asked(conn, SERVICE, "GetFunctionConfiguration", target.region, FunctionName=target.name)
    words = (str(told.get(key) or "") for key in ("Description", "RevisionId", "LastUpdateStatus"))
    return Configured(*words)


def _published(conn: AwsConnection, target: Target) -> list[str]:
    """Aliases whose calls go to published versions, in part or whole."""
    out: list[str] = []
    mark: dict[str, Any] = {}
    while True:
        page = asked(conn, SERVICE, "ListAliases", target.region, FunctionName=target.name, **mark)
        for row in page.get("Aliases") or ():
            more = (row.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            if any(version != "$LATEST" for version in (row.get("FunctionVersion"), *more)):
                out.append(f"alias {row['Name']} -> {row['FunctionVersion']}")
        if not page.get("NextMarker"):
            return out
        mark = {"Marker": page["NextMarker"]}


def _targets(conn: AwsConnection, settings: FunctionSettings) -> Sequence[Target]:
    """An ARN tells its own Region."""
    out: list[Target] = []
    for name in settings.named:
        regions = (name.split(":")[3],) if name.startswith("arn:") else settings.at(conn)
        out += [Target(name, region) for region in regions]
    return out


def _qualifier(name: str) -> str:
    """`name:PROD`, or `arn:…:function:name:7`."""
    return name.rpartition(":function:")[2].partition(":")[2]
