"""What the intruder holds of a multi-tenant app in another tenant, whose service principal nobody here sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import GRAPH, OTHER_TENANT, ServicePrincipal

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

AUDIENCE = "AzureADMultipleOrgs"


def plant(scene: Scene) -> None:
    """Makes the identity's app a multi-tenant one. Three doors. Meddling: `activate`."""
    tenant, then, app = scene.tenant, scene.then, scene.principal
    scene.application.audience = app.audience = AUDIENCE
    foreign = ServicePrincipal(
        tenant.new_id(), app.app_id, app.name, then, enabled=Lagged(True, then), heard=Lagged(True, then)
    )
    tenant.foreign[foreign.id] = foreign
    mine = seed.add_password(tenant, scene.application, then, "for customers")
    theirs = seed.add_password(tenant, foreign, then, "")
    for name, password, access, says in (
        ("abroad-secret", mine, f"entra:client-secret/{scene.application.id}/{mine.key_id}",
         "the application's secret, in another tenant"),
        ("abroad-hidden-secret", theirs, f"entra:application/{scene.application.id}",
         "a secret that the intruder put on the app's service principal in another tenant"),
    ):  # fmt: skip
        scene.steal(password.value)
        form = scene.signing_in(client_secret=password.value)
        request = {**form, "url": f"{scene.url}/{OTHER_TENANT}/oauth2/v2.0/token"}
        scene.door(name, "client-secret", says, access, _asking(request))
    token = tenant.new_token(foreign, GRAPH, scene.now(), cae=True)
    scene.steal(token.value)
    scene.door(
        "abroad-token", "foreign-token", "a live access token of a client with CAE, in another tenant",
        f"entra:foreign-token/{scene.tenant_name}/{app.app_id}/*",
        scene.bearing(token, f"/_api/{GRAPH}/balance"),
    )  # fmt: skip
    scene.meddlings["activate"] = lambda: _activate(scene)


def _asking(request: Mapping[str, Any]) -> Callable[[], Sequence[Mapping[str, Any]]]:
    return lambda: [request]


def _activate(scene: Scene) -> None:
    """An owner does."""
    scene.application.disabled.set(False, scene.now(), 0.0)
