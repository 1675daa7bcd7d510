"""What the intruder holds of secrets, tokens and rights: a secret of either object, two live tokens, an owner's
sign-in, and a user's refresh token for the app.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import GRAPH, Password, Token

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

A_DAY = timedelta(days=1)
REFRESH_LIVES = timedelta(days=90)


def plant(scene: Scene) -> None:
    """Six doors. Meddlings: `new-secret`, `enable`, `delete-secret`."""
    tenant, then = scene.tenant, scene.then
    old = seed.add_password(tenant, scene.application, then - seed.A_YEAR, "last year", timedelta(days=30))
    assert old.end < scene.now()
    first = seed.add_password(tenant, scene.application, then, seed.IN_USE)
    seed.add_vault_secret(tenant, seed.VAULT, seed.VAULT_SECRET, first.value, then, tags={"team": "payments"})
    hidden = seed.add_password(tenant, scene.principal, then, "")
    for name, password, where, says in (
        ("client-secret", first, scene.application.id, "the app's secret, copied from a build machine"),
        ("hidden-secret", hidden, scene.principal.id, "a secret that the intruder put on the service principal"),
    ):
        scene.steal(password.value)
        scene.door(
            name, "client-secret", says, f"entra:client-secret/{where}/{password.key_id}", scene.with_secret(password)
        )
    used = SignIn(tenant.new_id(), scene.now() - 3 * A_DAY, scene.principal.id, GRAPH, "clientSecret", first.key_id)
    tenant.sign_ins.append(used)
    _live_tokens(scene)
    _owner(scene)
    _user(scene)
    scene.meddlings["new-secret"] = lambda: _late_secret(scene)
    scene.meddlings["enable"] = lambda: scene.principal.enable(True, scene.now(), 0.0)
    scene.meddlings["delete-secret"] = lambda: _gone(first, scene)


def _gone(password: Password, scene: Scene) -> None:
    password.there.set(False, scene.now(), 0.0)


def _live_tokens(scene: Scene) -> None:
    tenant, now, app = scene.tenant, scene.now(), scene.principal
    roles = frozenset({"Application.ReadWrite.OwnedBy", "User.Read.All"})
    for name, token, kind, path in (
        (
            "graph-token",
            tenant.new_token(app, GRAPH, now, roles=frozenset({*roles, "Application.Read.All"}), cae=True),
            "cae-token",
            f"/v1.0/servicePrincipals/{app.id}",
        ),
        ("api-token", tenant.new_token(app, scene.ledger.app_id, now), "access-token",
         f"/_api/{scene.ledger.app_id}/balance"),
    ):  # fmt: skip
        scene.steal(token.value)
        where = (
            "Microsoft Graph, of a client with CAE" if kind == "cae-token" else "an API that checks tokens by itself"
        )
        scene.door(
            name, kind, f"a live access token for {where}", f"entra:{kind}/{scene.tenant_name}/{app.app_id}/*",
            scene.bearing(token, path),
        )  # fmt: skip


def _owner(scene: Scene) -> None:
    """A user of the intruder's, made an owner of the application; the rightful owner owns both."""
    tenant, then = scene.tenant, scene.then
    lead, mine = seed.new_user(tenant, seed.LEAD), seed.new_user(tenant, seed.INTRUDER)
    for thing in (scene.application, scene.principal):
        seed.add_owner(thing, lead.id, then)
    seed.add_owner(scene.application, mine.id, scene.now())
    graph = tenant.principal_of(GRAPH)
    assert graph is not None
    token = tenant.new_token(graph, GRAPH, scene.now(), user=mine.id)
    token.expires = scene.now() + seed.A_YEAR  # it signs in again each time
    scene.steal(token.value)
    path, headers = f"/v1.0/applications/{scene.application.id}", {"Authorization": f"Bearer {token.value}"}
    request = {"method": "PATCH", "url": f"{scene.url}{path}", "headers": headers, "json": {"notes": ""}}
    scene.door(
        "owner", "owner", "a user who owns the application, and may add credentials to it",
        f"entra:owner/{scene.application.id}/{mine.id}", lambda: [request],
    )  # fmt: skip


def _user(scene: Scene) -> None:
    """A clerk consented to the app, which runs on clerks' machines, too: one of them held the refresh token."""
    scene.application.public = True
    tenant, now, app = scene.tenant, scene.now(), scene.principal
    clerk = seed.new_user(tenant, seed.CLERK)
    grant = seed.add_grant(tenant, app, "User.Read offline_access", scene.then, clerk.id)
    value = f"0.A{tenant.new_secret(60)}"
    tenant.tokens[value] = Token(value, app.id, GRAPH, now, now + REFRESH_LIVES, user=clerk.id, refresh=True)
    tenant.secrets.append(value)
    scene.steal(value)
    form = {"grant_type": "refresh_token", "refresh_token": value, "scope": "https://graph.microsoft.com/.default"}
    scene.door(
        "refresh-token", "refresh-token", "a user's refresh token for the app, copied from the user's machine",
        f"entra:delegated-grant/{app.id}/{grant.id}",
        lambda: [scene.signing_in(**form)],
    )  # fmt: skip


def _late_secret(scene: Scene) -> None:
    """An owner adds one during the run, on the service principal."""
    made: Password = seed.add_password(scene.tenant, scene.principal, scene.now(), "late")
    scene.steal(made.value)
    scene.door(
        "late-secret", "client-secret", "a secret that was added during the run",
        f"entra:client-secret/{scene.principal.id}/{made.key_id}", scene.with_secret(made),
    )  # fmt: skip
