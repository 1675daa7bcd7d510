"""`aws-apigateway`: a REST API forgets what its authorisers decided, and the responses that it has kept.

AWS docs: API_FlushStageAuthorizersCache, API_FlushStageCache ("If the action is successful, the service sends back an
HTTP 202"), API_Stage. Its IAM actions are HTTP verbs. A stage's cache is everybody's: no single caller's entry can go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.flush.base import AwsFlush, Where, asked, each, incomplete

SERVICE = "apigateway"
READ, FLUSH = "apigateway:GET", "apigateway:DELETE"
NO_CACHE = (None, "", "NOT_AVAILABLE")
UNDER_WAY = "FLUSH_IN_PROGRESS"
BURST = "every caller is authorised anew: a burst of calls to the authoriser"
COLD = "responses are made anew: a burst of calls to what is behind the API"


class RestSettings(Where, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "aws-apigateway"` in the map."""

    api: Annotated[str, Meta(min_length=1)]
    stages: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """All where none is named."""
    what: Literal["authorizers", "responses", "both"] = "both"


class Stage(Struct, frozen=True):
    """One stage as GetStages shows it."""

    region: str
    name: str
    cached: bool = False
    """It has a cache of responses."""
    flushing: bool = False
    canary: str = ""
    """Where a canary release has a cache of its own: what is not known of it."""

    @property
    def told(self) -> str:
        return f"{self.name} ({self.region})"


class RestApi(AwsFlush[RestSettings]):
    name: ClassVar[str] = "aws-apigateway"
    permissions: ClassVar[tuple[str, ...]] = (READ, FLUSH)
    says: ClassVar[str] = "flushes the caches of a REST API's stages: authorisers' decisions, responses"
    survives: ClassVar[str] = "connections and responses that clients and CDNs keep; other APIs; other Regions"
    source: ClassVar[str] = "AWS docs: API_FlushStageAuthorizersCache, API_FlushStageCache"
    reversible: ClassVar[bool] = False
    shape: ClassVar[type[RestSettings]] = RestSettings
    example: ClassVar[str] = 'api = "a1b2c3", and if need be stages = ["prod"], regions = ["eu-west-1"], what = "both"'

    def plainly(self, settings: RestSettings) -> tuple[str, str]:
        caches = {"authorizers": "authorisers' cache", "responses": "response cache"}
        what = caches.get(settings.what, "authorisers' and response caches")
        stages = f"stages {', '.join(settings.stages)}" if settings.stages else "all stages"
        bursts = {"authorizers": BURST, "responses": COLD}
        return (
            f"flush the {what} of {stages} of REST API {settings.api} {settings.told}",
            bursts.get(settings.what, f"{BURST}; {COLD}"),
        )

    def unready(self, conn: AwsConnection, settings: RestSettings) -> Impossible | None:
        for region in settings.at(conn):
            try:
                there = {stage.name for stage in _stages(conn, settings.api, region)}
            except Missing:
                by_hand = f"correct api and regions in the map: aws apigateway get-rest-apis --region {region}"
                return Impossible(f"there is no REST API {settings.api} in {region}", by_hand)
            if absent := [name for name in settings.stages if name not in there]:
                hint = f"correct stages in the map. {did_you_mean(absent[0], there)}"
                return Impossible(f"REST API {settings.api} has no stage {absent[0]} in {region}", hint)
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        settings = self.settings(step.before)
        stages = _wanted(conn, settings)
        calls = list(_calls(stages, settings))
        if not calls:
            return Already({"api": settings.api, "flushed": [], "stages": [s.told for s in stages]})

        def flush(call: tuple[Stage, str, str]) -> None:
            stage, operation, _ = call
            asked(
                conn, SERVICE, operation, stage.region, needs=FLUSH, restApiId=settings.api, stageName=stage.name
            )  # fmt: skip

        answers = each(conn, calls, flush)
        if failed := incomplete(answers, lambda call: f"{call[2]} of {call[0].told}"):
            return failed
        left = {"api": settings.api, "flushed": [f"{what} of {stage.told}" for stage, _, what in calls]}
        if unsure := [f"{stage.told}: {stage.canary}" for stage in stages if stage.canary]:
            left["unsure"] = unsure
        return Done(left, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Nothing shows a cache of decisions: that AWS accepted it is all. A cache of responses shows its flush."""
        left, settings = run.left(step.id), self.settings(step.before)
        if "flushed" not in left:
            return None
        if settings.what != "authorizers" and any(s.flushing for s in _wanted(conn, settings)):
            return None
        return left

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        left = run.left(step.id)
        if not left.get("flushed"):
            return Proven(Proof.RECORDED, "no stage has such a cache")
        said = f"AWS accepted the flush of {', '.join(left['flushed'])}; no API shows what a cache holds"
        unsure = "".join(f"; {each}" for each in left.get("unsure") or ())
        return Proven(Proof.REQUESTED, said + unsure)


def _stages(conn: AwsConnection, api: str, region: str) -> list[Stage]:
    """In one answer: GetStages has no pages."""
    rows = asked(conn, SERVICE, "GetStages", region, needs=READ, restApiId=api).get("item") or ()
    return [
        Stage(
            region,
            str(row["stageName"]),
            bool(row.get("cacheClusterEnabled")) or row.get("cacheClusterStatus") not in NO_CACHE,
            row.get("cacheClusterStatus") == UNDER_WAY,
            _canary(row),
        )
        for row in rows
    ]


def _canary(row: Json) -> str:
    canary = row.get("canarySettings") or {}
    if not canary or canary.get("useStageCache"):
        return ""
    return "its canary release has a cache of its own, and whether the flush reaches that is not documented"


def _wanted(conn: AwsConnection, settings: RestSettings) -> Sequence[Stage]:
    found = (stage for region in settings.at(conn) for stage in _stages(conn, settings.api, region))
    return [stage for stage in found if not settings.stages or stage.name in settings.stages]


def _calls(stages: Iterable[Stage], settings: RestSettings) -> Iterable[tuple[Stage, str, str]]:
    """What AWS answers for a stage without a cache of responses is not documented: it is not asked."""
    for stage in stages:
        if settings.what != "responses":
            yield stage, "FlushStageAuthorizersCache", "authorizers"
        if settings.what != "authorizers" and stage.cached:
            yield stage, "FlushStageCache", "responses"
