"""`aws-apigatewayv2`: an HTTP API forgets what its authorisers decided. A WebSocket API has nothing to reset.

AWS docs: apigatewayv2 ResetAuthorizersCache ("Supported only for HTTP APIs"). Its IAM actions are HTTP verbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Run
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.flush.apigateway import BURST, FLUSH, READ
from nhi_revoke_aws.flush.base import AwsFlush, Where, asked, each, incomplete

SERVICE = "apigatewayv2"
HTTP = "HTTP"


class HttpSettings(Where, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands beside `use = "aws-apigatewayv2"` in the map."""

    api: Annotated[str, Meta(min_length=1)]
    stages: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """All where none is named; the one without a name is `$default`."""


class HttpApi(AwsFlush[HttpSettings]):
    name: ClassVar[str] = "aws-apigatewayv2"
    permissions: ClassVar[tuple[str, ...]] = (READ, FLUSH)
    says: ClassVar[str] = "resets the authorisers' cache of an HTTP API's stages"
    survives: ClassVar[str] = "connections that are open; other APIs; other Regions"
    source: ClassVar[str] = "AWS docs: apigatewayv2 ResetAuthorizersCache"
    reversible: ClassVar[bool] = False
    shape: ClassVar[type[HttpSettings]] = HttpSettings
    example: ClassVar[str] = 'api = "a1b2c3", and if need be stages = ["$default"], regions = ["eu-west-1"]'

    def plainly(self, settings: HttpSettings) -> tuple[str, str]:
        stages = f"stages {', '.join(settings.stages)}" if settings.stages else "all stages"
        return f"reset the authorisers' cache of {stages} of HTTP API {settings.api} {settings.told}", BURST

    def unready(self, conn: AwsConnection, settings: HttpSettings) -> Impossible | None:
        for region in settings.at(conn):
            try:
                api = asked(conn, SERVICE, "GetApi", region, needs=READ, ApiId=settings.api)
                there = _stages(conn, settings.api, region)
            except Missing:
                by_hand = f"correct api and regions in the map: aws apigatewayv2 get-apis --region {region}"
                return Impossible(f"there is no HTTP API {settings.api} in {region}", by_hand)
            if api.get("ProtocolType") != HTTP:
                why = f"API {settings.api} is a {api.get('ProtocolType')} API: AWS resets the cache of HTTP APIs only"
                return Impossible(why, "wait until its authorisers' decisions have passed, or deploy it anew")
            if absent := [name for name in settings.stages if name not in there]:
                hint = f"correct stages in the map. {did_you_mean(absent[0], there)}"
                return Impossible(f"HTTP API {settings.api} has no stage {absent[0]} in {region}", hint)
        return None

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        settings = self.settings(step.before)
        found = [(region, s) for region in settings.at(conn) for s in _stages(conn, settings.api, region)]
        wanted = [slot for slot in found if not settings.stages or slot[1] in settings.stages]
        if not wanted:
            return Already({"api": settings.api, "flushed": []})

        def reset(slot: tuple[str, str]) -> None:
            region, stage = slot
            asked(
                conn, SERVICE, "ResetAuthorizersCache", region, needs=FLUSH, ApiId=settings.api, StageName=stage
            )  # fmt: skip

        if failed := incomplete(each(conn, wanted, reset), lambda slot: f"{slot[1]} ({slot[0]})"):
            return failed
        return Done({"api": settings.api, "flushed": [f"{stage} ({region})" for region, stage in wanted]}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        """Nothing shows a cache: that AWS accepted it is all that can be known."""
        left = run.left(step.id)
        return left if "flushed" in left else None

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        flushed = run.left(step.id).get("flushed")
        if not flushed:
            return Proven(Proof.RECORDED, "the API has no stage")
        return Proven(
            Proof.REQUESTED, f"AWS accepted the reset of {', '.join(flushed)}; no API shows what a cache holds"
        )


def _stages(conn: AwsConnection, api: str, region: str) -> Sequence[str]:
    out: list[str] = []
    token: Json = {}
    while True:
        page = asked(conn, SERVICE, "GetStages", region, needs=READ, ApiId=api, **token)
        out += [str(row["StageName"]) for row in page.get("Items") or ()]
        if not page.get("NextToken"):
            return out
        token = {"NextToken": page["NextToken"]}
