"""Runs that together take every way of the Okta provider: ended, replaced, braked, refused, taken back, finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.error import NotFound
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.line import Resulted
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_local import provider as local
from nhi_revoke_okta import provider
from nhi_revoke_okta.sandbox import plant_ai_agent, plant_user, routes_app_tokens, seed
from nhi_revoke_okta.sandbox.request import Context
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.state import ORG_SERVER, App, RefreshToken
from nhi_revoke_okta.scopes import WANTED

TOKENS_ARE_OVER = 25 * 3600
"""Seconds: no access token lives longer than 24 hours (Okta docs: manage-user-creds)."""


class OnlySecret(OktaSandbox):
    """The app has one client secret."""

    def __init__(self) -> None:
        super().__init__(old_secret=False)


class BySandbox(OktaSandbox):
    """The operator is a service app with private_key_jwt; `dpop`: its tokens are bound to a key."""

    dpop = False

    def seed(self, folder: str) -> Any:
        seeded = super().seed(folder)
        then = seed.long_ago(self.now())
        with self.org.lock:
            app = seed.new_app(self.org, "Incident response", then)
            _, private = seed.add_key(self.org, app, then, "responder")
            seed.add_role(self.org, app.roles, "SUPER_ADMIN", then)
            for scope in WANTED:
                seed.add_grant(self.org, app, scope, then)
        from jwt.algorithms import ECAlgorithm

        key = {**json.loads(ECAlgorithm(ECAlgorithm.SHA256).to_jwk(private)), "kid": "responder", "alg": "ES256"}
        file = Path(folder) / "responder.jwk"
        file.write_text(json.dumps(key))
        self.gate.operator.add(app.client_id)
        self._app = {"client_id": app.client_id, "private_key_file": str(file)}
        return seeded

    def settings(self) -> dict[str, Any]:
        kept = {k: v for k, v in super().settings().items() if k != "token_file"}
        return {**kept, **self._app, "dpop": self.dpop}


class BoundSandbox(BySandbox):
    dpop = True


Incident = Callable[[World], Iterator[Report]]


def everything(folder: Path) -> tuple[set[str], list[Report]]:
    """Keys of doers whose change was accepted, and the reports."""
    done: set[str] = set()
    reports: list[Report] = []
    for number, (incident, sandbox) in enumerate(INCIDENTS):
        with World(provider, folder / str(number), beside=(local,), make_sandbox=sandbox) as world:
            for report in incident(world):
                reports.append(report)
                done |= changed(world, report.run)
    return done, reports


def changed(world: World, run: str) -> set[str]:
    """Doers that did something in this run, undo and release among them."""
    with world.engine() as engine:
        steps = {s.id: s.does for s in engine.report(run).steps}
    results = [line for line in world.lines(run) if isinstance(line, Resulted)]
    return {steps[line.step] for line in results if type(line.change).__name__ in ("Done", "Already")}


def org_of(world: World) -> Any:
    assert isinstance(world.sandbox, OktaSandbox)
    return world.sandbox.org


def taken_back(world: World, report: Report) -> Report:
    world.clock.advance(TOKENS_ARE_OVER)
    return world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])


def finished(world: World, report: Report) -> Report:
    """Whatever is braked is released first."""
    if report.state == "held":
        released(world, report)
    world.clock.advance(TOKENS_ARE_OVER)
    with world.engine() as engine:
        return engine.act(report.run, "finish", engine.plan_finish(report.run), YES)


def released(world: World, report: Report) -> Report:
    world.clock.advance(TOKENS_ARE_OVER)
    with world.engine() as engine:
        return engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)


def plain(world: World) -> Iterator[Report]:
    """Looked at, contained, replaced, verified, taken back; small pages, so that links are followed."""
    world.sandbox.page_size(1)
    world.look()
    world.doors()
    report = world.run()
    yield report
    world.doors()
    world.verify(report.run)
    yield taken_back(world, report)


def rollover(world: World) -> Iterator[Report]:
    report = world.run(world.plan(replace(world.intent, order="rollover")), verb="rotate")
    yield report
    yield finished(world, report)


def braked(world: World) -> Iterator[Report]:
    report = world.run(world.plan(Intent(rotate="no", brake="on")))
    yield report
    report = released(world, report)
    yield report
    yield finished(world, report)


def offboarded(world: World) -> Iterator[Report]:
    report = world.run(world.plan(Intent(rotate="no", reason=Reason.OFFBOARDING)))
    yield report
    yield released(world, report)
    yield taken_back(world, report)


def all_replaced(world: World) -> Iterator[Report]:
    """Every kind of credential that can be made anew, two full slots among them."""
    mints = sorted(k.name for k in provider.kinds() if k.mint is not None)
    config = world.config().identities[world.name]
    deliver = tuple(Delivery(kind, f"file:{world.folder}/{kind.partition(':')[2]}.json") for kind in mints)
    identity = replace(config, deliver=deliver)
    intent = Intent(rotate="now", replace=tuple(mints))
    with world.engine() as engine:
        report = engine.run(engine.plan(engine.inventory(identity, intent, logs=False), intent), "revoke", YES)
    yield report
    yield finished(world, report)


def only_secrets(world: World) -> Iterator[Report]:
    """Where Okta deactivates none by itself."""
    org = org_of(world)
    with org.lock:
        for client in [s.client for s in org.services.values()]:
            idle = [i for i, s in client.secrets.items() if s.status.shown == "INACTIVE"]
            for secret in idle:
                del client.secrets[secret]
    report = world.run(world.plan(Intent(rotate="no")))
    yield report
    yield taken_back(world, report)


def two_secrets(world: World) -> Iterator[Report]:
    org = org_of(world)
    with org.lock:
        for app in [a for a in org.apps.values() if a.label == seed.LABEL]:
            seed.add_secret(org, app, seed.long_ago(world.clock.now()))
    report = world.run(world.plan(Intent(rotate="no")))
    yield report
    yield finished(world, report)


def refused(world: World) -> Iterator[Report]:
    """Throttled once, and without the right to change anything."""
    world.sandbox.fault("GET /api/v1/apps/<app>", "429")
    world.sandbox.allow_only([p for p in permissions(provider) if not p.endswith(".manage")])
    yield world.run(world.plan(Intent(rotate="no")))
    world.sandbox.allow_only(None)
    missing = Identity("nobody", (PrincipalRef("okta", "user", "nobody@example.com"),))
    with world.engine() as engine, suppress(NotFound):
        engine.inventory(missing, Intent(), logs=False)


def without_servers(world: World) -> Iterator[Report]:
    """An org without API Access Management: 404 where custom servers are."""
    org_of(world).api_access_management = False
    yield world.run(world.plan(Intent(rotate="no")))


def elsewhere(world: World) -> Iterator[Report]:
    """Tokens that a custom server alone lists, and an app that takes part in Universal Logout."""
    org = org_of(world)
    with pytest.MonkeyPatch.context() as patch:
        whole = routes_app_tokens.tokens_of

        def of_the_org(at: Context, app: App) -> list[RefreshToken]:
            return [t for t in whole(at, app) if t.server == ORG_SERVER]

        patch.setattr(routes_app_tokens, "tokens_of", of_the_org)
        with org.lock:
            now = world.clock.now()
            mail = seed.new_app(org, "Mail", seed.long_ago(now), application_type="web")
            mail.universal_logout = {"status": "ENABLED", "supportType": "FULL", "protocol": "GLOBAL_TOKEN_REVOCATION"}
            user = next(u for u in org.users.values() if u.login == seed.LOGIN)
            plant_user.begin_app_session(org, mail, user, now)
        yield world.run(world.plan(Intent(rotate="no")))


def planted(world: World) -> Iterator[Report]:
    """What is found after the run by whoever looks at everything in the org."""
    world.sandbox.meddle("plant-app")
    report = world.run(world.plan(Intent(rotate="no")))
    world.clock.advance(600)
    yield world.verify(report.run)


def experimental(world: World) -> Iterator[Report]:
    """An AI agent: no description knows it, and the sandbox is made from the same notes as the provider."""
    assert isinstance(world.sandbox, OktaSandbox)
    with world.sandbox.org.lock:
        agent = plant_ai_agent.plant(world.sandbox.scene)
    name = f"okta:ai-agent/{agent.id}"
    doors = {door.access for door in world.sandbox.doors()}
    for access in sorted(each for each in doors if f"/{agent.id}/" in each):
        report = world.run(world.plan(Intent(rotate="no", brake="on", scope=access, experimental=True), name=name))
        yield report
        yield taken_back(world, report)


INCIDENTS: tuple[tuple[Incident, Callable[[], OktaSandbox]], ...] = (
    (plain, OktaSandbox),
    (plain, OnlySecret),
    (rollover, OktaSandbox),
    (braked, OktaSandbox),
    (offboarded, BySandbox),
    (all_replaced, OktaSandbox),
    (only_secrets, BoundSandbox),
    (two_secrets, OktaSandbox),
    (refused, OktaSandbox),
    (without_servers, OktaSandbox),
    (elsewhere, OktaSandbox),
    (planted, OktaSandbox),
    (experimental, OktaSandbox),
)
