"""`doctor` against every sandbox: what is held, what exactly is missing, what cannot be told; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_github.permissions import APP_ITSELF, CLIENT_ITSELF
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_local import provider as local
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.scopes import AGENTS, WANTED
from tests.cli.conftest import Cli
from tests.okta.responder import KID, Responder, pem_of
from tests.rights.printed import PROVIDERS, REGISTRY, printed

MAKE: dict[str, Any] = {
    "aws": lambda: AwsSandbox(planted=()),
    "entra": lambda: EntraSandbox(entropy=1),
    "gcp": lambda: GcpSandbox(entropy=1),
    "github": lambda: GithubSandbox(entropy=1, sign_in="app"),
    "okta": lambda: OktaSandbox(entropy=1),
}
LATER = {"entra": {"secrets/get", "secrets/list", "secrets/set"}}
"""Of each vault by itself."""
WITHHELD = {
    "aws": ("iam:PutUserPolicy", "iam:CreatePolicy"),
    "entra": ("User.RevokeSessions.All", "Microsoft.Authorization/roleAssignments/delete"),
    "gcp": ("iam.serviceAccounts.disable", "resourcemanager.folders.setIamPolicy"),
    "github": ("administration:write", "members:write"),
    "okta": ("okta.users.manage",),
}
READ = {
    "aws": "cloudtrail:LookupEvents",
    "entra": "AuditLog.Read.All",
    "gcp": "logging.logEntries.list",
    "github": "organization_personal_access_token_requests:read",
    "okta": "okta.logs.read",
}
"""Of the stage list alone."""
CUTS = {
    "aws": "aws:user-session/deny-all cannot cut",
    "entra": "entra:user-session/revoke cannot end",
    "gcp": "gcp:service-account/disable cannot cut",
    "github": "github:deploy-key/delete cannot end",
    "okta": "okta:user-session/clear cannot end",
}
CHECKS = {
    "aws": ("iam:SimulatePrincipalPolicy",),
    "entra": ("GET /subscriptions",),
    "gcp": ("POST /v3/projects/<name>:testIamPermissions", "POST /v1/projects/<project>:getAncestry"),
    "github": ("POST /app/installations/<int:installation>/access_tokens",),
    "okta": ("GET /oauth2/v1/clients/<client>/roles",),
}
Rights = dict[str, dict[str, Any]]


class Clinic:
    """One seeded sandbox, and `doctor` before it."""

    def __init__(self, name: str, cli: Cli) -> None:
        self.name, self.cli = name, cli

    @property
    def sandbox(self) -> Sandbox:
        return self.cli.world.sandbox

    def doctor(self, *words: str) -> tuple[int, Rights]:
        """The exit code, and rights by stage and permission."""
        before = len(self.sandbox.calls())
        ran = self.cli("doctor", self.name, "-o", "json", *words)
        asked = [call for call in self.sandbox.calls()[before:] if call.by == "operator"]
        assert asked
        assert [call.name for call in asked if call.mutates] == []
        told = ran.json["data"]
        assert [each["state"] for each in told["checked"]] == ["ok"] * len(told["checked"])
        rights = {f"{each['stage']} {each['permission']}": each for each in told["rights"]}
        assert {(each["stage"], each["permission"]) for each in told["needs"]} == {
            (each["stage"], each["permission"]) for each in rights.values()
        }
        return ran.code, rights

    def withhold(self, *names: str) -> None:
        self.sandbox.allow_only(sorted(printed(self.name) - set(names)))


@pytest.fixture(params=PROVIDERS, scope="module")
def clinic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    with World(REGISTRY.provider(name), folder, beside=(local,), make_sandbox=MAKE[name]) as world:
        if isinstance(world.sandbox, OktaSandbox):
            as_service_app(world.sandbox, folder)
        yield Clinic(name, Cli(world))


@pytest.fixture(autouse=True)
def everything(clinic: Clinic) -> None:
    clinic.sandbox.allow_only(None)


def as_service_app(sandbox: OktaSandbox, folder: Path) -> None:
    who = Responder(sandbox, scopes=(*WANTED, *AGENTS))
    file = folder / "responder-key"
    file.write_text(pem_of(who.key))
    sandbox.table |= {"client_id": who.app.client_id, "private_key_file": str(file), "key_id": KID}
    del sandbox.table["token_file"]


def states(rights: Rights) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"held": set(), "missing": set(), "unknown": set(), "later": set()}
    for each in rights.values():
        found["later" if each["later"] else each["state"]].add(each["permission"])
    return found


def test_everything_is_held_where_everything_is_allowed(clinic: Clinic) -> None:
    code, rights = clinic.doctor()
    found = states(rights)
    assert code == 0
    assert found["missing"] == found["unknown"] == set()
    assert found["later"] == LATER.get(clinic.name, set())
    assert all(each["check"] and not each["without"] for each in rights.values() if not each["later"])


def test_what_is_printed_is_found_to_be_held(clinic: Clinic) -> None:
    clinic.sandbox.allow_only(sorted(printed(clinic.name, "contain")))
    code, rights = clinic.doctor("--stage", "contain")
    found = states(rights)
    assert code == 0
    assert {each["stage"] for each in rights.values()} == {"list", "contain"}
    assert (found["missing"], found["unknown"]) == (set(), set())
    assert found["held"] >= {APP_ITSELF, CLIENT_ITSELF} if clinic.name == "github" else found["held"]


def test_exactly_what_is_withheld_is_missing_and_what_does_not_work_is_named(clinic: Clinic) -> None:
    withheld = WITHHELD[clinic.name]
    clinic.withhold(*withheld)
    code, rights = clinic.doctor()
    found = states(rights)
    assert code == 8, "a run would leave something open"
    assert found["missing"] == set(withheld)
    assert found["unknown"] == set()
    assert CUTS[clinic.name] in rights[f"contain {withheld[0]}"]["without"]
    assert all(each["without"] for each in rights.values() if each["state"] == "missing")


def test_what_cannot_be_listed_is_unseen(clinic: Clinic) -> None:
    name = READ[clinic.name]
    clinic.withhold(name)
    code, rights = clinic.doctor("--stage", "list")
    assert code == 9
    assert states(rights)["missing"] == {name}
    assert all(text.endswith((" is UNSEEN", "sees less")) for text in rights[f"list {name}"]["without"])


def test_a_check_that_is_denied_makes_nothing_held(clinic: Clinic) -> None:
    for name in CHECKS[clinic.name]:
        clinic.sandbox.fault(name, "denied")
    code, rights = clinic.doctor()
    found = states(rights)
    assert code == 9
    assert found["missing"] == set()
    unknown = [each for each in rights.values() if each["state"] == "unknown" and not each["later"]]
    assert len(unknown) > (10 if clinic.name == "entra" else 29)
    assert all(each["why"] for each in unknown)
    assert not found["unknown"] & found["held"]
