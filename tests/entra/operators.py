"""Other operators than the sandbox's own app: a managed identity, a user through az, a user through a public client.

Each may do everything in the sandbox's tenant, as that app may.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nhi_revoke.testing.conformance.world import World
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.gate import EVERYTHING
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.state import ARM, GRAPH, MICROSOFT, TENANT, ServicePrincipal, User
from tests.cli.conftest import Cli

AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""appId of the Azure CLI (Azure/azure-cli#22775)."""
RESPONDER = "responder@example.com"


def machine(sandbox: EntraSandbox, *, user_assigned: bool = False) -> ServicePrincipal:
    """The machine that the operator works on has this managed identity."""
    with sandbox.lock:
        tenant = sandbox.tenant
        made = seed.new_principal(tenant, "responder-vm", sandbox.now(), app_id=tenant.new_id())
        made.type = "ManagedIdentity"
        tenant.hosted[made.app_id if user_assigned else ""] = made.id
        sandbox.gate.operator.add(made.app_id)
    return made


def person(sandbox: EntraSandbox, app: ServicePrincipal) -> User:
    """A responder who signs in through this client."""
    with sandbox.lock:
        user = seed.new_user(sandbox.tenant, RESPONDER)
        seed.add_grant(sandbox.tenant, app, "Directory.AccessAsUser.All offline_access", sandbox.now(), user.id)
        sandbox.gate.operator.add(app.app_id)
    return user


def public_client(sandbox: EntraSandbox) -> ServicePrincipal:
    with sandbox.lock:
        application, principal = seed.new_app(sandbox.tenant, "Responders", sandbox.now())
        application.public = True
    return principal


def az_app(sandbox: EntraSandbox) -> ServicePrincipal:
    with sandbox.lock:
        return seed.new_principal(
            sandbox.tenant, "Microsoft Azure CLI", sandbox.now(), app_id=AZ, owner_tenant=MICROSOFT
        )


def az_answers(sandbox: EntraSandbox, app: ServicePrincipal, user: User) -> dict[str, str]:
    """What `az account get-access-token` prints, by resource."""
    out = {}
    with sandbox.lock:
        for resource, audience in (("https://graph.microsoft.com", GRAPH), ("https://management.azure.com", ARM)):
            token = sandbox.tenant.new_token(app, audience, sandbox.now(), user=user.id, roles=frozenset({EVERYTHING}))
            ends = int(token.expires.timestamp())
            told = {"accessToken": token.value, "expires_on": ends, "tenant": TENANT, "tokenType": "Bearer"}
            out[resource] = json.dumps(told)
    return out


def az(folder: Path, body: str) -> str:
    """A PATH with a program `az` on it, which does what the shell lines say; and what a shell needs."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    program = place / "az"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> {folder}/az.asked\n{body}\n")
    program.chmod(0o755)
    return f"{place}:/usr/bin:/bin"


def answering(answers: dict[str, str]) -> str:
    """Shell lines: by the resource that is asked for."""
    cases = "\n".join(f"*\"--resource {resource} \"*) echo '{told}';;" for resource, told in answers.items())
    return f'case "$*" in\n{cases}\n*) echo "ERROR: unknown resource" >&2; exit 1;;\nesac'


def asked_of_az(folder: Path) -> list[str]:
    file = folder / "az.asked"
    return file.read_text().splitlines() if file.exists() else []


def typed_by(user: User, *, after: int = 1) -> Callable[[Any], None]:
    """The person types the code in a browser, once their device has asked so often."""

    def browse(flow: Any) -> None:
        if flow.polls >= after:
            flow.user = user.id

    return browse


class EntraCli(Cli):
    """The real command line against the sandbox, with the operator that `[entra]` names."""

    def __init__(self, world: World, **entra: Any) -> None:
        super().__init__(world)
        made = world.sandbox
        assert isinstance(made, EntraSandbox)
        bare = {k: v for k, v in made.table.items() if k not in ("client_id", "client_secret_file")}
        made.table = {**bare, **entra}
