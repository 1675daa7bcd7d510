"""Every REST request of the Google Cloud provider, and every answer of its sandbox, against Google's descriptions."""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.certificate import new_pair
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.deny_policy import attached
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.gate import GcpGate
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.store.crc32c import crc32c
from nhi_revoke_local import provider as local
from tests.contract.discovery import Exchange, document, method_of, shaped, wrong

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.contract

OTHERS = ("gcp:hmac-key", "gcp:api-key")
HMAC = "/storage/v1/projects/shop-prod/hmacKeys"
API_KEYS = "/v2/projects/shop-prod/locations/global/keys"
UNDESCRIBED = ("/token", "/_xml/", "/_metadata/")
"""OAuth's own endpoint, Cloud Storage's XML interface and a machine's metadata server: no document describes them."""
EXCHANGE = "/v1/token"
"""The token service says no as OAuth does (RFC 6749, 5.2), which no document describes."""


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """A replacement, a containment and its doors, with pages of one row, denials and an API that is off."""
    found: list[Exchange] = []
    good = GcpGate.__call__

    def recorded(self: GcpGate, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body: bytes = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        said: list[str] = []

        def start(status: str, headers: Any, *more: Any) -> Any:
            said.append(status)
            return start_response(status, headers, *more)

        answer = b"".join(good(self, environ, start))
        refused = environ["PATH_INFO"] == EXCHANGE and not said[0].startswith("200")
        if not environ["PATH_INFO"].startswith(UNDESCRIBED) and not refused:
            url = f"http://{environ['SERVER_NAME']}{environ['RAW_URI']}"
            read = json.loads(body) if body else None
            found.append(
                Exchange(environ["REQUEST_METHOD"], url, read, int(said[0].split()[0]), json.loads(answer or b"{}"))
            )
        return [answer]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GcpGate, "__call__", recorded)
        github = f"{seed.POOL}/providers/{seed.FORGE}/attribute.repository/{seed.REPOSITORY}"
        cut = (f"gcp:workload-identity-provider/{github}",)
        for number, intent in enumerate((Intent(rotate="now", brake="off", cut_trust=cut), Intent(brake="on"))):
            folder = tmp_path_factory.mktemp(f"gcp-{number}")
            made = functools.partial(GcpSandbox, to=seed.TO_SECRET, planted=bool(number), workload=True)
            with World(gcp, folder, beside=(local,), intent=intent, make_sandbox=made) as world:
                _through(world)
                _cut_above(world)
        folder = tmp_path_factory.mktemp("gcp-others")
        others: dict[str, Any] = {"deliver": False, "also": OTHERS, "bound": False}
        with World(
            gcp, folder, beside=(local,), intent=Intent(rotate="now", brake="off"),
            make_sandbox=lambda: GcpSandbox(**others), leaked=_a_leaked_key,
        ) as world:  # fmt: skip
            _through_others(world)
        yield found


def _a_leaked_key(sandbox: Sandbox) -> str:
    assert isinstance(sandbox, GcpSandbox)
    return next(k.string for k in sandbox.cloud.api_keys.keys.values() if k.display_name)


def _through_others(world: World) -> None:
    """HMAC keys and API keys: replaced, taken back, refused."""
    sandbox = world.sandbox
    assert isinstance(sandbox, GcpSandbox)
    sandbox.cloud.api_keys.shows_string = False
    assert all(world.doors().values())
    report = world.run(world.plan(Intent(order="rollover", replace=OTHERS)), verb="rotate")
    assert {r.result for r in report.replacements} == {"served"}
    with world.engine() as engine:
        engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    world.clock.advance(600)
    ended = [o.access.id for o in report.outcomes if o.access.kind == "gcp:api-key" and o.fate == "ended"]
    world.undo(report.run, rearm=ended)
    sandbox.cloud.api_keys.off.add("shop-prod")
    sandbox.cloud.off.add("cloudresourcemanager")
    world.look()
    sandbox.allow_only(["iam.serviceAccounts.get"])
    world.look()
    sandbox.allow_only(None)
    for method, path, body in (
        ("POST", f"{HMAC}?serviceAccountEmail=nobody@example.com", None),
        ("POST", API_KEYS, {"serviceAccountEmail": sandbox.scene.account.email}),
        ("GET", f"{API_KEYS}/none/keyString", None),
        ("DELETE", f"{API_KEYS}/none?checkExistingUsage=SKIP&etag=old", None),
        ("POST", f"{API_KEYS}/none:undelete", {}),
        ("GET", "/v2/operations/none", None),
    ):
        _refused(sandbox, method, path, body)


def _through(world: World) -> None:
    sandbox = world.sandbox
    assert isinstance(sandbox, GcpSandbox)
    sandbox.page_size(1)
    report = world.run()
    world.doors()
    _found(world)
    if world.intent.brake == "off":
        with world.engine() as engine:
            engine.act(report.run, "release", engine.plan_release(report.run, wait=True), YES)
        with world.engine() as engine:
            engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    rule = {"values": {"allowedValues": [sandbox.scene.account.email]}}
    sandbox.cloud.constraints["iam.allowServiceAccountCredentialLifetimeExtension"] = [rule]
    sandbox.cloud.constraints["iam.disableServiceAccountKeyCreation"] = [{"enforce": True}]
    world.look()
    sandbox.cloud.workloads.unreachable = dict.fromkeys(("compute", "services", "jobs", "workerpools"), ("far-1",))
    sandbox.cloud.off |= {"orgpolicy", "policyanalyzer", "compute", "cloudresourcemanager"}
    world.look()
    sandbox.cloud.off.clear()
    project = "resourcemanager.projects"
    for more in ([], ["iam.workloadIdentityPools.get"], [f"{project}.get", f"{project}.getIamPolicy"]):
        sandbox.allow_only(["iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy", *more])
        world.look()
    _found(world)
    sandbox.allow_only(["resourcemanager.projects.get"])
    _found(world)
    sandbox.allow_only(None)
    for call in ("GET", "PUT", "DELETE"):
        _refused(sandbox, call, f"{HMAC}/GOOG1ENONE", {"state": "INACTIVE"} if call == "PUT" else None)
    for nothing in (f"{seed.POOL}-2", f"{seed.POOL}/providers/none"):
        _refused(sandbox, "PATCH", f"/v1/{nothing}?updateMask=disabled", {"disabled": True})
    _refused(sandbox, "GET", f"/v1/{seed.POOL}/providers/none", None)
    _secrets(sandbox)
    _uploads(sandbox)
    _denials(sandbox)


def _found(world: World) -> None:
    """Who lets in jobs of a repository, as `find --repo` asks."""
    jobs = f"token.actions.githubusercontent.com/repo:{seed.REPOSITORY}:*"
    who = Principal(PrincipalRef("github", "repo", "x"), "repo", "x", "", "1", aliases=(jobs,))
    with world.engine() as engine:
        conn = engine.connections.at("gcp", "")
        assert isinstance(conn, GcpConnection)
        with contextlib.suppress(Denied):
            list(gcp.trusting(conn, who))


def _cut_above(world: World) -> None:
    """At each level, and by somebody who was too slow."""
    seen = world.look(logs=False)
    mine = tuple(a.id for a in seen.accesses if a.kind == "gcp:inherited-impersonation")
    plan = world.plan(Intent(rotate="no", brake="off", cut_trust=mine))
    world.run(plan)
    sandbox = world.sandbox
    assert isinstance(sandbox, GcpSandbox)
    [member] = sandbox.gate.operators
    bearer = {"Authorization": f"Bearer {sandbox.cloud.new_token(member, sandbox.now()).value}"}
    asked = {"permissions": ["logging.privateLogEntries.list"]}
    for project, status in (("shop-prod", 200), ("none", 403)):
        url = f"{sandbox.url}/v3/projects/{project}:testIamPermissions"
        assert sandbox.client.request("POST", url, headers=bearer, json=asked).status_code == status
    for resource in ("projects/shop-prod", "folders/700000000007", "organizations/900000000009"):
        body = {"policy": {"version": 3, "etag": "b2xk", "bindings": []}}
        url = f"{sandbox.url}/v3/{resource}:setIamPolicy"
        assert sandbox.client.request("POST", url, headers=bearer, json=body).status_code == 409


def _refused(sandbox: GcpSandbox, method: str, path: str, body: Any) -> None:
    """What there is not, asked for as the operator."""
    [member] = sandbox.gate.operators
    bearer = {"Authorization": f"Bearer {sandbox.cloud.new_token(member, sandbox.now()).value}"}
    answer = sandbox.client.request(method, f"{sandbox.url}{path}", headers=bearer, json=body)
    assert answer.status_code in (403, 404), f"{method} {path}: {answer.text}"


def _signed(sandbox: GcpSandbox) -> dict[str, str]:
    [member] = sandbox.gate.operators
    return {"Authorization": f"Bearer {sandbox.cloud.new_token(member, sandbox.now()).value}"}


def _denials(sandbox: GcpSandbox) -> None:
    """What there is not; a policy that is none; and keys that a live token makes, or does not."""
    for method, path in (("GET", "/none"), ("DELETE", "/none?etag=x"), ("GET", "/none/operations/none")):
        _refused(sandbox, method, f"{attached(seed.PROJECT)}{path}", None)
    bad = {
        "rules": [{"denyRule": {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["x"]}}]
    }
    url = f"{sandbox.url}{attached(seed.PROJECT)}?policyId=nhi-bad"
    assert sandbox.client.post(url, headers=_signed(sandbox), json=bad).status_code == 400
    scene = sandbox.scene
    bearer = {"Authorization": f"Bearer {sandbox.cloud.new_token(scene.member, sandbox.now()).value}"}
    if not scene.account.disabled.shown:
        for named, status in (("ledger", 200), (seed.NAME, 403)):
            keys = f"/v1/projects/{seed.PROJECT}/serviceAccounts/{named}@{seed.PROJECT}.iam.gserviceaccount.com/keys"
            assert sandbox.client.post(f"{sandbox.url}{keys}", headers=bearer, json={}).status_code == status


def _secrets(sandbox: GcpSandbox) -> None:
    """Each call of Secret Manager, of a secret that is there and of one that is not."""
    bearer = _signed(sandbox)
    payload = {"data": base64.b64encode(b"x").decode(), "dataCrc32c": str(crc32c(b"x"))}
    for name, good in ((seed.SECRET, True), ("none", False)):
        whole = f"{sandbox.url}/v1/projects/{seed.PROJECT}/secrets/{name}"
        for method, path, body in (
            ("GET", "", None),
            ("POST", ":addVersion", {"payload": payload}),
            ("GET", "/versions?pageSize=1", None),
            ("GET", "/versions/1", None),
            ("POST", "/versions/1:disable", {"etag": '"stale"'}),
            ("POST", "/versions/1:disable", {}),
            ("GET", "/versions/1:access", None),
            ("POST", "/versions/1:enable", {}),
            ("GET", "/versions/1:access", None),
            ("POST", "/versions/1:destroy", {}),
        ):
            status = sandbox.client.request(method, f"{whole}{path}", headers=bearer, json=body).status_code
            assert (status < 400) is good or (good and status == 400), f"{method} {path}: {status}"
    tested = {"permissions": ["secretmanager.versions.add"]}
    url = f"{sandbox.url}/v1/projects/{seed.PROJECT}/secrets/{seed.SECRET}:testIamPermissions"
    assert sandbox.client.post(url, headers=bearer, json=tested).json() == tested
    assert sandbox.client.post(url, json=tested).status_code == 401


def _uploads(sandbox: GcpSandbox) -> None:
    pem = new_pair("unused", sandbox.now(), sandbox.now() + timedelta(days=1), 2048).public.encode()
    url = f"{sandbox.url}/v1/{sandbox.scene.account.resource}/keys:upload"
    for data, status in ((pem, 200), (b"no", 400)):
        body = {"publicKeyData": base64.b64encode(data).decode()}
        assert sandbox.client.post(url, headers=_signed(sandbox), json=body).status_code == status


def test_every_request_and_every_answer_is_as_google_describes_it(traffic: list[Exchange]) -> None:
    said = sorted({line for exchange in traffic for line in wrong(exchange)})
    assert not said, "\n".join(said)


def test_each_method_was_seen_good_and_refused(traffic: list[Exchange]) -> None:
    seen = {(m.id, exchange.status < 400) for exchange in traffic if (m := method_of(exchange)) is not None}
    for method in (
        "cloudresourcemanager.projects.search",
        "iam.projects.serviceAccounts.list",
        "iam.projects.serviceAccounts.keys.list",
        "iam.projects.serviceAccounts.keys.upload",
        "iam.projects.serviceAccounts.keys.create",
        "iam.policies.createPolicy",
        "iam.policies.get",
        "iam.policies.listPolicies",
        "iam.policies.delete",
        "iam.policies.operations.get",
        "secretmanager.projects.secrets.get",
        "secretmanager.projects.secrets.addVersion",
        "secretmanager.projects.secrets.testIamPermissions",
        "secretmanager.projects.secrets.versions.list",
        "secretmanager.projects.secrets.versions.get",
        "secretmanager.projects.secrets.versions.access",
        "secretmanager.projects.secrets.versions.disable",
        "secretmanager.projects.secrets.versions.enable",
        "secretmanager.projects.secrets.versions.destroy",
        "iam.projects.locations.workloadIdentityPools.get",
        "iam.projects.locations.workloadIdentityPools.providers.list",
        "iam.projects.locations.workloadIdentityPools.patch",
        "iam.projects.locations.workloadIdentityPools.providers.get",
        "iam.projects.locations.workloadIdentityPools.providers.patch",
        "orgpolicy.projects.policies.getEffectivePolicy",
        "policyanalyzer.projects.locations.activityTypes.activities.query",
        "iamcredentials.projects.serviceAccounts.generateAccessToken",
        "iam.projects.serviceAccounts.list",
        "iam.projects.roles.get",
        "iam.organizations.roles.get",
        "cloudresourcemanager.projects.getAncestry",
        "cloudresourcemanager.projects.get",
        "cloudresourcemanager.projects.getIamPolicy",
        "cloudresourcemanager.projects.testIamPermissions",
        "cloudresourcemanager.folders.getIamPolicy",
        "cloudresourcemanager.organizations.getIamPolicy",
        "cloudresourcemanager.projects.setIamPolicy",
        "cloudresourcemanager.folders.setIamPolicy",
        "cloudresourcemanager.organizations.setIamPolicy",
        "compute.instances.aggregatedList",
        "run.namespaces.services.list",
        "run.namespaces.jobs.list",
        "run.namespaces.workerpools.list",
        "storage.objects.list",
        "storage.projects.hmacKeys.list",
        "storage.projects.hmacKeys.get",
        "storage.projects.hmacKeys.update",
        "storage.projects.hmacKeys.delete",
        "storage.projects.hmacKeys.create",
        "cloudresourcemanager.projects.search",
        "apikeys.projects.locations.keys.list",
        "apikeys.projects.locations.keys.create",
        "apikeys.projects.locations.keys.delete",
        "apikeys.projects.locations.keys.undelete",
        "apikeys.projects.locations.keys.getKeyString",
        "apikeys.operations.get",
        "apikeys.keys.lookupKey",
        "aiplatform.publishers.models.get",
        "aiplatform.publishers.models.generateContent",
        "logging.entries.list",
    ):
        assert {(method, True), (method, False)} <= seen, f"{method}: {seen}"


def test_what_audit_logs_hold_is_as_google_describes_it(traffic: list[Exchange]) -> None:
    """`protoPayload` may be anything in Cloud Logging's own document: another one describes an audit log."""
    rows = [row for e in traffic if e.url.partition("?")[0].endswith(":list") for row in e.answer.get("entries") or ()]
    payloads = [{k: v for k, v in row["protoPayload"].items() if k != "@type"} for row in rows]
    whole = document("servicecontrol.v1")
    said = {line for each in payloads for line in shaped(each, {"$ref": "AuditLog"}, whole, "AuditLog")}
    assert not said, "\n".join(sorted(said))
    names = {row["logName"].rpartition("%2F")[2] for row in rows}
    assert names == {"activity", "data_access"}
    assert {"CreateServiceAccount", "CreateServiceAccountKey"} <= {p["methodName"].rpartition(".")[2] for p in payloads}


KEYS = "http://x/v1/projects/p/serviceAccounts/a@b/keys"


@pytest.mark.parametrize(
    ("exchange", "says"),
    [
        (Exchange("GET", f"{KEYS}?keyTypes=MINE", None, 200, {}), "may not be"),
        (Exchange("GET", f"{KEYS}?key_types=USER_MANAGED", None, 200, {}), "no query key_types"),
        (Exchange("GET", KEYS, None, 200, {"keys": [{"key_type": "USER_MANAGED"}]}), "no field key_type"),
        (Exchange("GET", KEYS, None, 200, {"keys": [{"keyType": "MINE"}]}), "may not be 'MINE'"),
        (Exchange("GET", KEYS, None, 200, {"keys": [{"validAfterTime": "yesterday"}]}), "is no time"),
        (Exchange("GET", KEYS, None, 200, {"keys": [{"disabled": "yes"}]}), "str and not boolean"),
        (Exchange("GET", KEYS, None, 403, {"error": "denied"}), "is told as"),
        (Exchange("PUT", f"{KEYS}/k:disable", {}, 200, {}), "no such method"),
        (Exchange("POST", f"{KEYS}/k:disable", {"reason": "x"}, 200, {}), "no field reason"),
    ],
)
def test_the_check_can_fail(exchange: Exchange, says: str) -> None:
    assert any(says in line for line in wrong(exchange)), list(wrong(exchange))


def test_paths_without_a_document_are_named_here_alone(traffic: list[Exchange]) -> None:
    assert {urlsplit(e.url).path for e in traffic if method_of(e) is None} == set()
