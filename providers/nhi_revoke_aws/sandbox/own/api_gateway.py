"""Caches of API Gateway: what an authoriser decided is remembered for a token, also after the token's key is dead.

AWS docs: apigateway API_FlushStageAuthorizersCache, API_FlushStageCache; apigatewayv2 ResetAuthorizersCache; "Use API
Gateway Lambda authorizers" (a decision is cached for 300 s by default, 3600 s at most; 0 caches nothing).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door
    from nhi_revoke_aws.sandbox.doors import Burglar

API, STAGE = "paymentapi", "prod"
"""Of the API that `RestApis.plant` puts into the demo."""
DEFAULT_TTL = 300
Stage = tuple[str, str, str, str]
"""Account, Region, API and stage."""


class Decisions:
    """What authorisers allowed, by stage and token, until when."""

    def __init__(self) -> None:
        self._until: dict[tuple[Stage, str], datetime] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        with self._lock:
            self._until.clear()

    def flush(self, stage: Stage) -> None:
        """Everybody's, not one token's."""
        with self._lock:
            self._until = {slot: until for slot, until in self._until.items() if slot[0] != stage}

    def of(self, stage: Stage) -> int:
        """How many are remembered."""
        with self._lock:
            return sum(slot[0] == stage for slot in self._until)

    def use(self, stage: Stage, ttl: int, used: Used) -> None:
        """A call with a token (`key id:secret`). Raises Refusal where nothing is cached and the authoriser says no."""
        token = used.form["token"]
        with self._lock:
            until = self._until.get((stage, token))
            if until is not None and used.now < until:
                return
            _authorised(token, stage[0], used)
            self._until[stage, token] = used.now + timedelta(seconds=ttl)


def _authorised(token: str, account: str, used: Used) -> None:
    """The API's own authoriser, which takes the access key for the identity."""
    key_id, _, secret = token.partition(":")
    key = used.obeyed(account).keys.get(key_id)
    if key is None or not key.active or key.secret != secret:
        raise Refusal("AccessDenied", "User is not authorized to access this resource", 403)


class _Gateway(OwnService):
    """What both kinds of APIs have in common. Both are signed for as `apigateway` and authorised by HTTP verb."""

    signed_as: ClassVar[str] = "apigateway"

    def __init__(self) -> None:
        self.decisions = Decisions()

    def clear(self) -> None:
        self.decisions.clear()

    def permission(self, operation: str, params: Mapping[str, Any]) -> str:
        return "apigateway:DELETE"

    def mutates(self, operation: str) -> bool | None:
        return True

    def use(self, used: Used) -> None:
        form = used.form
        account, region = form["account"], form["region"]
        api, _ = self._stage(account, region, form["api"], form["stage"])
        ttls = [self._ttl(a) for a in api.authorizers.values()]
        self.decisions.use((account, region, form["api"], form["stage"]), max(ttls, default=0), used)

    def _stage(self, account: str, region: str, api_id: str, stage: str) -> tuple[Any, Any]:
        """moto's own. Raises Refusal."""
        api = self._apis(account, region).get(api_id)
        if api is None:
            raise Refusal("NotFoundException", "Invalid API identifier specified", 404)
        if stage not in api.stages:
            raise Refusal("NotFoundException", "Invalid stage identifier specified", 404)
        return api, api.stages[stage]

    def _apis(self, account: str, region: str) -> Mapping[str, Any]:
        raise NotImplementedError

    @staticmethod
    def _ttl(authorizer: Any) -> int:
        raise NotImplementedError


class RestApis(_Gateway):
    """REST APIs: the cache of authorisers, and the cache of responses where a stage has one."""

    model: ClassVar[str] = "apigateway"
    name: ClassVar[str] = "api-gateway"

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[str] = []
        """API and stage of each flush of responses."""

    def clear(self) -> None:
        super().clear()
        self.flushed.clear()

    def plant(self, scene: Scene) -> Door:
        """An API of the identity's, and the intruder's decision in its cache, by the leaked key.

        Not part of `seed`: the cache is in no list, so that only a map that flushes it makes a report of the key true
        of this door, too: `use = "aws-apigateway"`, `api = "paymentapi"`.
        """
        from moto.apigateway.models import apigateway_backends

        from nhi_revoke_aws.sandbox.doors import StolenDoor

        world, held = scene.world, scene.loot.key
        with world.moto.lock:
            backend: Any = apigateway_backends[world.account][world.region]
            api = backend.create_rest_api("payments", "", tags={"_custom_id_": API})
            api.create_deployment(STAGE, "")
            backend.create_authorizer(api.id, "by-key", "TOKEN", authorizer_result_ttl=3600)
        token = f"{held.key_id}:{held.secret}"

        def walk() -> None:
            knock(scene.burglar, self.name, world.account, world.region, API, STAGE, token)

        says = "an authoriser's cached decision for the leaked key"
        return StolenDoor("aws/cached-authorizer", "cached-authorizer", says, f"aws:access-key/{held.key_id}", walk)

    def operations(self) -> Mapping[str, Handler]:
        return {"FlushStageAuthorizersCache": self._authorizers, "FlushStageCache": self._responses}

    def resource(self, asking: Asking) -> str:
        what = "authorizers" if asking.operation == "FlushStageAuthorizersCache" else "data"
        path = f"/restapis/{asking.params['restApiId']}/stages/{asking.params['stageName']}/cache/{what}"
        return f"arn:{asking.partition}:apigateway:{asking.region}::{path}"

    def _apis(self, account: str, region: str) -> Mapping[str, Any]:
        from moto.apigateway.models import apigateway_backends

        found: Mapping[str, Any] = apigateway_backends[account][region].apis
        return found

    @staticmethod
    def _ttl(authorizer: Any) -> int:
        found = authorizer.authorizer_result_ttl
        return DEFAULT_TTL if found is None else int(found)

    def _authorizers(self, asking: Asking) -> dict[str, Any]:
        api, stage = str(asking.params["restApiId"]), str(asking.params["stageName"])
        self._stage(asking.account, asking.region, api, stage)
        self.decisions.flush((asking.account, asking.region, api, stage))
        return {}

    def _responses(self, asking: Asking) -> dict[str, Any]:
        """What AWS answers for a stage without a cache is not documented: nobody should ask."""
        api, stage = str(asking.params["restApiId"]), str(asking.params["stageName"])
        self._stage(asking.account, asking.region, api, stage)
        self.flushed.append(f"{api}/{stage}")
        return {}


class HttpApis(_Gateway):
    """HTTP APIs: the cache of authorisers. A WebSocket API has none to reset."""

    model: ClassVar[str] = "apigatewayv2"
    name: ClassVar[str] = "api-gateway-v2"

    def operations(self) -> Mapping[str, Handler]:
        return {"ResetAuthorizersCache": self._reset}

    def resource(self, asking: Asking) -> str:
        path = f"/apis/{asking.params['ApiId']}/stages/{asking.params['StageName']}/cache/authorizers"
        return f"arn:{asking.partition}:apigateway:{asking.region}::{path}"

    def _apis(self, account: str, region: str) -> Mapping[str, Any]:
        from moto.apigatewayv2.models import apigatewayv2_backends

        found: Mapping[str, Any] = apigatewayv2_backends[account][region].apis
        return found

    @staticmethod
    def _ttl(authorizer: Any) -> int:
        """An HTTP API caches only where it is told for how long (AWS docs: http-api-lambda-authorizer)."""
        return int(authorizer.auth_result_ttl or 0)

    def _reset(self, asking: Asking) -> dict[str, Any]:
        api, stage = str(asking.params["ApiId"]), str(asking.params["StageName"])
        self._stage(asking.account, asking.region, api, stage)
        self.decisions.flush((asking.account, asking.region, api, stage))
        return {}


def knock(burglar: Burglar, service: str, account: str, region: str, api: str, stage: str, token: str) -> None:
    """The intruder calls the API with the bot's token. Raises `doors.Refused` when it says no."""
    burglar.knock(service, account=account, region=region, api=api, stage=stage, token=token)
