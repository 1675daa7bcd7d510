"""The Entra provider and its sandbox against Microsoft Graph's own schema and permissions (facts entra.md 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Resulted
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.sandbox.rest import Route
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.declared import doers, permissions
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_entra import provider
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.sandbox.plant_azure import SUBSCRIPTION
from nhi_revoke_entra.sandbox.policy_state import Policy, Restriction
from nhi_revoke_entra.sandbox.routes import tables
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.state import Application
from nhi_revoke_local import provider as local
from tests.contract.csdl import Meant, Schema
from tests.contract.entra_wire import Asked, recorded
from tests.contract.openapi import spec
from tests.entra.test_agents import planted

pytestmark = pytest.mark.contract

GRAPH = re.compile(r"/(v1\.0|beta)/")
TO_VAULT = f"azure-keyvault:{seed.VAULT}/{seed.VAULT_SECRET}"
CHANGES = {"PATCH": "entity", "POST": "collection"}
BETA_ALONE = {
    "claimsMatchingExpression": "of flexible federated credentials (facts entra.md 1, row 3)",
    **dict.fromkeys(
        ("clientCredentialType", "federatedCredentialId", "incomingTokenType", "servicePrincipalCredentialKeyId",
         "signInEventTypes", "uniqueTokenIdentifier"),
        "of sign-ins (facts entra.md 1b)",
    ),
}  # fmt: skip
"""Members that the schema of v1.0 does not have, and the beta is documented to: each with the reason."""
UNLISTED = {
    "/$batch": "what is asked in one is looked at by itself",
    "/users/microsoft.graph.agentUser": "agentuser-list names the path",
    "/directory/deletedItems": "directory-deleteditems-list and -restore name the permission",
    "/reports/appCredentialSignInActivities": "a report of beta (facts entra.md 1b and 6)",
    "/appManagementPolicies": "facts entra.md 2: Policy.Read.All; POST and DELETE alone are listed",
}
"""Paths that permissions.json leaves out, each with the reason why it is no mistake."""
NOWHERE = {"/reports/appcredentialsigninactivities"}
"""Those of them that the schema of v1.0 does not know either."""
WORDS = {"PATCH": (204,), "DELETE": (204,), "GET": (200,)}
"""Statuses of what went well (facts entra.md 2)."""
JOBS = Principal(
    PrincipalRef("forge", "repo", "x/y"), "repo", "x/y", "x", "1",
    aliases=("token.actions.githubusercontent.com/repo:x/y:*",),
)  # fmt: skip
FILTERED = re.compile(r"\b((?:\w+/)*\w+) eq '")
"""Names in a filter, with the members that lead to them."""
A_LAMBDA = re.compile(r"/any\([^)]*\)")
"""What is said there of a name of its own."""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema(spec("entra", "graph-v1.0.csdl"))


@pytest.fixture(scope="module")
def granted() -> dict[tuple[str, str], frozenset[str]]:
    """By method and path in small letters: the application permissions that allow it."""
    told = json.loads(spec("entra", "permissions.json").read_text())["permissions"]
    out: dict[tuple[str, str], frozenset[str]] = {}
    for name, permission in told.items():
        for group in permission["pathSets"]:
            if "Application" in group["schemeKeys"]:
                for path in group["paths"]:
                    for method in group["methods"]:
                        key = (method, path.lower())
                        out[key] = out.get(key, frozenset()) | {name}
    return out


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Asked], set[str]]:
    """Everything that the provider asks its sandbox; and the doers that did something."""
    with recorded() as seen:
        done = set(everything(tmp_path_factory.mktemp("entra")))
    return [asked for asked in seen if GRAPH.match(asked.path)], done


def everything(folder: Path) -> Iterator[str]:
    """Runs that together take every way: held and released, replaced, removed at once, rolled over, taken back."""
    for number, (intent, kind, to, after, abroad) in enumerate(
        [
            (Intent(rotate="now"), "", "", "release", False),
            (Intent(rotate="now"), "", "", "release", True),
            (Intent(rotate="now"), seed.SECRET, seed.TO_FILE, "undo", False),
            (Intent(brake="off"), "", "", "undo", False),
            (Intent(order="rollover"), seed.SECRET, TO_VAULT, "finish", False),
            (Intent(order="rollover"), "entra:certificate", seed.TO_FILE, "", False),
        ]
    ):
        place = folder / str(number)
        made_by = partial(EntraSandbox, deliver=bool(to), to=to, kind=kind, abroad=abroad)
        with World(provider, place, beside=(local,), make_sandbox=made_by) as world:
            made = world.sandbox
            assert isinstance(made, EntraSandbox)
            scene = made.scene
            matches = "claims['sub'] matches 'repo:x/*'"
            plant_keys.add_trust(made.tenant, scene.application, "any", scene.then, expression=matches)
            yield from others(world, number)
            seed.add_role_of(made.tenant, seed.add_group(made.tenant, "Bots", scene.principal.id), "Any", scene.then)
            seed.add_role_of(made.tenant, scene.users[0].id, "Any", scene.then, eligible=True)
            limits(made, scene.application)
            plan = world.plan(replace(intent, replace=world.intent.replace))
            with world.engine() as engine:
                conn = engine.connections.of_ref(plan.principals[0].ref)
                assert isinstance(conn, EntraConnection)
                assert list(provider.trusting(conn, JOBS))
            report = world.run(plan, verb="rotate" if intent.order == "rollover" else "revoke")
            if after == "undo":
                world.clock.advance(6000)
                world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])
            if after == "release":
                with world.engine() as engine:
                    engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
            if after == "finish":
                with world.engine() as engine:
                    engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
            does = {s.id: s.does for s in world.report(report.run).steps} | {s.id: s.does for s in plan.steps}
            yield from (does.get(line.step, "") for line in world.lines(report.run) if isinstance(line, Resulted))
            yield from (s.does for s in world.report(report.run).steps)


def others(world: World, number: int) -> Iterator[str]:
    """What agents and managed identities take besides: stopped and released, and what they lead to is looked at."""
    if number:
        return
    made = world.sandbox
    assert isinstance(made, EntraSandbox)
    family = planted(made.tenant)
    for name in (family.name, f"entra:agent/{family.agent.name}", f"entra:user/{family.user.id}"):
        world.look(name=name)
    identity = seed.add_identity(made.tenant, "vm-payments", SUBSCRIPTION, made.scene.then)
    identity.trusts["x"] = plant_keys.new_trust(made.tenant, "x", made.scene.then, subject="repo:x/y:pull_request")
    for name in (family.name, f"entra:app/{family.blueprint.app_id}", "entra:app/vm-payments"):
        report = world.run(world.plan(Intent(rotate="no"), name=name))
        yield from (s.does for s in report.steps)
        with world.engine() as engine:
            engine.act(report.run, "release", engine.plan_release(report.run, wait=False), YES)
    assert family.agent.enabled.shown


def limits(made: EntraSandbox, application: Application) -> None:
    """A policy of its own, the tenant's, and a lock: none of them in the way."""
    keys = [Restriction("asymmetricKeyLifetime", timedelta(days=400))]
    secrets = [Restriction("passwordLifetime", timedelta(days=90), since=application.created, exempts=True)]
    application.policies.append(Policy(made.tenant.new_id(), "Payments", True, secrets, keys))
    made.tenant.policy.secrets = [Restriction("passwordAddition", on=False)]
    application.lock = {"isEnabled": False, "allProperties": True}


def bare(place: str) -> str:
    """As permissions.json writes a path."""
    named = re.sub(r"\((\w+)='[^']*'\)", lambda m: f"({m.group(1).lower()}={{value}})", place)
    parts = named.removesuffix("/$ref").strip("/").split("/")
    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{43}|<\w+>")
    return "/" + "/".join("{id}" if ids.fullmatch(part) else part.lower() for part in parts)


def test_the_incidents_take_every_way(traffic: tuple[list[Asked], set[str]]) -> None:
    """Else the other tests prove little."""
    seen, done = traffic
    assert {key for key, _ in doers(provider)} - done == set()
    assert {a.method for a in seen} == {"GET", "POST", "PATCH", "DELETE"}


def test_every_request_is_as_described(traffic: tuple[list[Asked], set[str]], schema: Schema) -> None:
    wrong: set[str] = set()
    for asked in traffic[0]:
        meant = schema.meant(asked.place)
        if meant is None and bare(asked.place) in NOWHERE:
            continue
        if meant is None:
            wrong.add(f"{asked.told}: leads nowhere")
            continue
        wrong |= {f"{asked.method} {bare(asked.place)}: {line}" for line in wrong_query(asked, meant, schema)}
        if asked.method in CHANGES:
            wrong |= {f"{asked.method} {bare(asked.place)}: {line}" for line in wrong_body(asked, meant, schema)}
    assert wrong == set(), "\n".join(sorted(wrong))


def wrong_query(asked: Asked, meant: Meant, schema: Schema) -> Iterator[str]:
    known = {**schema.members(meant.what), **schema.navigations(meant.what)}
    for name, value in asked.query.items():
        if name in ("$select", "$expand"):
            yield from (f"{name} of {each}" for each in value.split(",") if each not in known)
        elif name == "$filter":
            yield from (f"{name} of {each}" for each in _filtered(value) if not leads(each, meant.what, schema))
        elif name not in ("$top", "$skiptoken"):
            yield f"{name} is no word of a query"


def _filtered(value: str) -> list[str]:
    return FILTERED.findall(A_LAMBDA.sub("", value))


def leads(path: str, kind: str, schema: Schema) -> bool:
    """Whether there is such a member, or a member of a member."""
    first, _, rest = path.partition("/")
    found = {**schema.members(kind), **schema.navigations(kind)}.get(first)
    return found is not None and (not rest or leads(rest, found, schema))


def wrong_body(asked: Asked, meant: Meant, schema: Schema) -> Iterator[str]:
    if meant.sort == "reference":
        sent = asked.sent
        if list(sent) != ["@odata.id"] or not str(sent["@odata.id"]).startswith("https://graph.microsoft.com/v1.0/"):
            yield "no reference"
    elif meant.sort == "action":
        yield from schema.wrong_members(asked.sent or {}, schema.parameters(meant))
    elif meant.sort != CHANGES[asked.method]:
        yield f"is no {CHANGES[asked.method]}"
    else:
        known = BETA_ALONE if asked.version == "beta" else {}
        yield from schema.wrong({k: v for k, v in asked.sent.items() if k not in known}, meant.what)


def test_every_answer_is_as_described(traffic: tuple[list[Asked], set[str]], schema: Schema) -> None:
    wrong: set[str] = set()
    for asked in traffic[0]:
        meant = schema.meant(asked.place)
        if meant is None:
            continue
        told = f"{asked.method} {bare(asked.place)} {asked.status}"
        if asked.status >= 400:
            error = (asked.got or {}).get("error") or {}
            wrong |= set() if {"code", "message", "innerError"} <= set(error) else {f"{told}: no error of Graph"}
            continue
        if asked.status not in WORDS.get(asked.method, (200, 201, 204)):
            wrong.add(f"{told}: no status of it")
        wrong |= {f"{told}: {line}" for line in wrong_answer(asked, meant, schema)}
    assert wrong == set(), "\n".join(sorted(wrong))


def wrong_answer(asked: Asked, meant: Meant, schema: Schema) -> Iterator[str]:
    got: Any = asked.got
    if asked.status == 204:
        if got is not None:
            yield "a body"
        return
    known = BETA_ALONE if asked.version == "beta" else {}
    kind = schema.returned(meant) if meant.sort == "action" else meant.what
    if kind.startswith("Edm."):  # one value is told in an object
        yield from schema.wrong_members(got, {"value": kind})
        return
    rows = got["value"] if meant.sort == "collection" and asked.method == "GET" else [got]
    for row in rows:
        typed = str(row.get("@odata.type", "")).removeprefix("#")
        kept = {name: value for name, value in row.items() if name not in known}
        yield from schema.wrong(kept, typed or kind)


def test_every_permission_is_one_that_allows_the_call(granted: dict[tuple[str, str], frozenset[str]]) -> None:
    wrong = []
    for route in routes():
        path = route.path.removeprefix("/v1.0").removeprefix("/beta")
        allow = granted.get((route.method, bare(path.replace("'<app>'", "'x'"))), frozenset())
        if route.permission not in allow:
            wrong.append(f"{route.name}: {route.permission} is none of {sorted(allow)}")
    assert wrong == []


def test_every_declared_permission_exists(granted: dict[tuple[str, str], frozenset[str]]) -> None:
    every = frozenset().union(*granted.values())
    of_azure = ("Microsoft.", "secrets/")
    of_graph = {name for name in permissions(provider) if not name.startswith(of_azure)}
    assert of_graph <= every
    assert len(permissions(provider) - of_graph) == 14, "those of Azure and of its vaults are in no file here"


def test_what_is_in_no_file_is_asked_and_needs_its_place_here(
    traffic: tuple[list[Asked], set[str]], schema: Schema, granted: dict[tuple[str, str], frozenset[str]]
) -> None:
    assert {bare(a.place) for a in traffic[0] if schema.meant(a.place) is None} == NOWHERE
    assert not {path for _, path in granted} & NOWHERE


def routes() -> list[Route]:
    found = [route for table in tables() for route in table.routes if GRAPH.match(route.path)]
    return [route for route in found if not any(part in route.path for part in UNLISTED)]


def test_the_schema_would_tell(schema: Schema) -> None:
    """What others got wrong (facts entra.md 6 and 8, 6)."""
    application = "microsoft.graph.application"
    assert list(schema.wrong({"accountEnabled": False}, application)) == [".accountEnabled is unknown"]
    assert list(schema.wrong({"isDisabled": "yes"}, application)) == [".isDisabled: no Edm.Boolean"]
    assert schema.meant("/servicePrincipals/x/revokeSignInSessions") is None
    remove = schema.meant("/applications/x/removePassword")
    assert remove is not None
    assert list(schema.wrong_members({"key_id": "x"}, schema.parameters(remove))) == [".key_id is unknown"]
    assert list(schema.wrong_members({"keyId": "x"}, schema.parameters(remove))) == [".keyId: no Edm.Guid"]
