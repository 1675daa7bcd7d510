"""Runs that together take every way of the GitHub provider: ended, replaced, braked, refused, taken back, finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.line import Resulted
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import permissions
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_github import provider
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.routes_tokens import new_pat
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.state import ORG
from nhi_revoke_local import provider as local

TOKENS_ARE_OVER = 2 * 3600
"""Seconds: an installation's token lives for one hour (GitHub docs)."""
A_LOT = 12
"""Fine-grained tokens, so many that they are asked for in a group."""


PLACES = (
    f"{seed.SHOP}/PAYMENTS_KEY", f"{seed.SHOP}/env/production/DEPLOY_KEY", f"dependabot/{seed.SHOP}/REGISTRY_TOKEN",
    f"org/{ORG}/SHARED_KEY",
)  # fmt: skip
"""Where a replacement may go, one of each namespace."""


class ByAppSandbox(GithubSandbox):
    """The operator is a GitHub App alone."""

    def __init__(self) -> None:
        super().__init__(sign_in="app")


class ByTokenSandbox(GithubSandbox):
    """The operator has a token alone: nobody tells it of fine-grained ones."""

    def __init__(self) -> None:
        super().__init__(sign_in="token")


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


def hub_of(world: World) -> Any:
    assert isinstance(world.sandbox, GithubSandbox)
    return world.sandbox.hub


def taken_back(world: World, report: Report) -> Iterator[Report]:
    """Nothing where nothing can be."""
    world.clock.advance(TOKENS_ARE_OVER)
    with suppress(Refused):
        yield world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])


def released(world: World, report: Report) -> Iterator[Report]:
    world.clock.advance(TOKENS_ARE_OVER)
    with world.engine() as engine, suppress(Refused):
        yield engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)


def finished(world: World, report: Report) -> Iterator[Report]:
    """Whatever is braked is released first."""
    if report.state == "held":
        yield from released(world, report)
    world.clock.advance(TOKENS_ARE_OVER)
    with world.engine() as engine, suppress(Refused):
        yield engine.act(report.run, "finish", engine.plan_finish(report.run), YES)


def plain(world: World) -> Iterator[Report]:
    """Looked at, contained, verified, taken back; small pages, so that links are followed."""
    world.sandbox.page_size(1)
    world.look()
    world.doors()
    report = world.run()
    yield report
    world.doors()
    world.verify(report.run)
    yield from taken_back(world, report)


def rollover(world: World) -> Iterator[Report]:
    report = world.run(world.plan(replace(world.intent, order="rollover")), verb="rotate")
    yield report
    yield from finished(world, report)


def braked(world: World) -> Iterator[Report]:
    report = world.run(world.plan(Intent(rotate="no", brake="on")))
    yield report
    if report.state == "held":
        yield from released(world, report)
    yield from taken_back(world, report)


def offboarded(world: World) -> Iterator[Report]:
    report = world.run(world.plan(Intent(rotate="no", reason=Reason.OFFBOARDING)))
    yield report
    yield from taken_back(world, report)


def all_replaced(world: World) -> Iterator[Report]:
    """Every kind of credential that can be made anew."""
    mints = sorted(k.name for k in provider.kinds() if k.mint is not None)
    config = world.config().identities[world.name]
    deliver = tuple(Delivery(kind, f"file:{world.folder}/{kind.partition(':')[2]}.json") for kind in mints)
    identity, intent = replace(config, deliver=deliver), Intent(rotate="now", replace=tuple(mints))
    with world.engine() as engine:
        report = engine.run(engine.plan(engine.inventory(identity, intent, logs=False), intent), "revoke", YES)
    yield report
    yield from finished(world, report)


def to_actions(world: World) -> Iterator[Report]:
    """Delivered to secrets of Actions, of each sort of place."""
    config = world.config().identities[world.name]
    kind = "github:deploy-key"
    for place in PLACES:
        at = Delivery(kind, f"github-actions:{place}", f"github:repo/{seed.SHOP}")
        identity = replace(config, deliver=(at,))
        intent = Intent(order="rollover", rotate="now", replace=(kind,))
        with world.engine() as engine:
            report = engine.run(engine.plan(engine.inventory(identity, intent, logs=False), intent), "rotate", YES)
        yield report
        yield from finished(world, report)


def deleted_by_hand(world: World) -> Iterator[Report]:
    """What no API ends is seen to be dead."""
    for what in ("delete-app-key", "delete-app-secret"):
        world.sandbox.meddle(what)
    report = world.run(world.plan(Intent(rotate="no")))
    yield report


def selected_actions(world: World) -> Iterator[Report]:
    """A repository that lets a few actions run: switched off, and on again as it was."""
    shop = hub_of(world).repository(seed.SHOP)
    shop.allowed_actions = "selected"
    shop.selected_actions = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": ["a/b@*"]}
    report = world.run(world.plan(Intent(rotate="no", brake="on"), name=f"github:repo/{seed.SHOP}"))
    yield report
    yield from released(world, report)
    yield from taken_back(world, report)


def outside(world: World) -> Iterator[Report]:
    """The machine user is no member, and works in repositories all the same."""
    hub = hub_of(world)
    with hub.lock:
        hub.members.pop(seed.LOGIN, None)
        hub.repository(seed.SHOP).collaborators[seed.LOGIN] = "push"
    report = world.run(world.plan(Intent(rotate="no")))
    yield report
    yield from taken_back(world, report)


def many_tokens(world: World) -> Iterator[Report]:
    hub = hub_of(world)
    with hub.lock:
        for number in range(A_LOT):
            new_pat(hub, seed.LOGIN, seed.long_ago(world.clock.now()), f"bulk {number}", contents="read")
    yield world.run(world.plan(Intent(rotate="no"), name=f"github:user/{seed.LOGIN}"))


def one_by_one(world: World) -> Iterator[Report]:
    """Each way in by its own name: what a whole containment ends by something else's end is ended by itself."""
    world.look()
    for access in [a.id for a in world.look(logs=False).accesses if a.state in ("live", "unknown")]:
        yield world.run(world.plan(Intent(rotate="no", scope=access)))


def refused(world: World) -> Iterator[Report]:
    """Throttled once, and without the right to change anything; and somebody who is not there."""
    world.sandbox.fault("GET /orgs/<org>/credential-authorizations", "429")
    world.sandbox.allow_only([p for p in permissions(provider) if not p.endswith(":write")])
    yield world.run(world.plan(Intent(rotate="no")))
    world.sandbox.allow_only(None)
    missing = Identity("nobody", (PrincipalRef("github", "user", "nobody-0"),))
    with world.engine() as engine, suppress(NotFound):
        engine.inventory(missing, Intent(), logs=False)


def without_the_plan(world: World) -> Iterator[Report]:
    """An organisation without Enterprise Cloud: 404 where single sign-on and the audit log are."""
    hub_of(world).enterprise_plan = False
    yield world.run(world.plan(Intent(rotate="no")))


def planted(world: World) -> Iterator[Report]:
    """What is found after the run."""
    world.sandbox.meddle("plant-key")
    report = world.run(world.plan(Intent(rotate="no")))
    world.clock.advance(600)
    yield world.verify(report.run)


def leaked(world: World) -> Iterator[Report]:
    """The operator was handed what the intruder holds, a refresh token among it."""
    sandbox = world.sandbox
    assert isinstance(sandbox, GithubSandbox)
    hub = sandbox.hub
    with hub.lock:
        refresh = hub.new_token("ghr", seed.LOGIN, world.clock.now()).value
        stolen = [t.value for t in hub.tokens.values() if t.value in sandbox.gate.stolen]
    identity = world.config().identities[world.name]
    with world.engine() as engine:
        engine.hold_leaked("\n".join((*stolen, refresh)))
        inventory = engine.inventory(identity, Intent(rotate="no"), logs=False, enrich=True)
        yield engine.run(engine.plan(inventory, Intent(rotate="no")), "revoke", YES)


INCIDENTS: tuple[tuple[Incident, Callable[[], GithubSandbox]], ...] = (
    (plain, GithubSandbox),
    (plain, ByTokenSandbox),
    (rollover, GithubSandbox),
    (braked, GithubSandbox),
    (offboarded, ByAppSandbox),
    (all_replaced, GithubSandbox),
    (to_actions, GithubSandbox),
    (deleted_by_hand, GithubSandbox),
    (selected_actions, GithubSandbox),
    (outside, GithubSandbox),
    (many_tokens, GithubSandbox),
    (one_by_one, ByAppSandbox),
    (refused, ByTokenSandbox),
    (without_the_plan, GithubSandbox),
    (planted, GithubSandbox),
    (leaked, GithubSandbox),
)
