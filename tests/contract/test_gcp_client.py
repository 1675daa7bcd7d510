"""Google's own clients on the sandbox, over sockets: google-cloud-iam for gRPC, google-api-python-client for REST.

What they read, and what their calls bring about; each error with its details.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.cloud.iam_admin_v1 import IAMClient, types
from google.cloud.iam_admin_v1.services.iam.transports.grpc import IAMGrpcTransport
from google.iam.v1 import iam_policy_pb2, options_pb2
from google.oauth2 import credentials, service_account
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from nhi_revoke.provider.certificate import new_pair
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from nhi_revoke_gcp.sandbox.state import Account
from nhi_revoke_gcp.store.crc32c import crc32c
from tests.contract.discovery import document

pytestmark = pytest.mark.contract


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[GcpSandbox]:
    sandbox = GcpSandbox(entropy=1)
    sandbox.start(MovableClock(datetime.now(UTC)))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


@pytest.fixture
def account(sandbox: GcpSandbox) -> Account:
    return sandbox.scene.account


@pytest.fixture
def signed(sandbox: GcpSandbox) -> tuple[tuple[str, str], ...]:
    """As the operator."""
    [member] = sandbox.gate.operators
    return (("authorization", f"Bearer {sandbox.cloud.new_token(member, sandbox.now()).value}"),)


@pytest.fixture
def client(sandbox: GcpSandbox) -> IAMClient:
    return IAMClient(transport=IAMGrpcTransport(channel=grpc.insecure_channel(sandbox.grpc.target)))


@contextmanager
def rest(sandbox: GcpSandbox, name: str, token: str) -> Iterator[Any]:
    """Google's other client, from its own description."""
    base = f"{sandbox.url}/{document(name)['servicePath']}"
    made = discovery.build_from_document(
        document(name), credentials=credentials.Credentials(token=token),
        client_options={"api_endpoint": base, "universe_domain": "googleapis.com"},
    )  # fmt: skip
    try:
        yield made
    finally:
        made.close()


def opened(sandbox: GcpSandbox) -> set[str]:
    return {d.id.removeprefix("gcp/") for d in sandbox.doors() if d.open()}


def test_a_disabled_account_is_read_as_such_and_enabled_again(
    sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any
) -> None:
    name = account.resource
    assert client.get_service_account(name=name, metadata=signed).disabled is False
    client.disable_service_account(request={"name": name}, timeout=5, metadata=signed)
    read = client.get_service_account(name=f"projects/-/serviceAccounts/{account.unique_id}", metadata=signed)
    assert (read.disabled, read.email, read.project_id) == (True, account.email, seed.PROJECT)
    assert opened(sandbox) == {"hmac-key", "reach", "api-key", "planted-api-key"}
    client.enable_service_account(request={"name": name}, timeout=5, metadata=signed)
    assert {"key-token", "become-token"} <= opened(sandbox), "tokens that were refused are accepted again"


def test_a_new_key_is_a_file_that_google_auth_signs_in_with(
    sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any
) -> None:
    made = client.create_service_account_key(name=account.resource, timeout=5, metadata=signed)
    assert made.key_type == types.ListServiceAccountKeysRequest.KeyType.USER_MANAGED
    info = json.loads(made.private_key_data)
    held = service_account.Credentials.from_service_account_info(info, scopes=["cloud-platform"])
    http = Request()
    held.refresh(http)
    assert held.token in sandbox.cloud.tokens
    client.disable_service_account_key(request={"name": made.name}, timeout=5, metadata=signed)
    with pytest.raises(RefreshError, match="invalid_grant"):
        held.refresh(http)
    client.enable_service_account_key(request={"name": made.name}, timeout=5, metadata=signed)
    held.refresh(http)
    client.delete_service_account_key(name=made.name, timeout=5, metadata=signed)
    assert made.name.rpartition("/")[2] not in {key.id for key in account.listed()}
    http.session.close()


@pytest.mark.parametrize(
    ("told_as", "error"),
    [("RESOURCE_EXHAUSTED", exceptions.ResourceExhausted), ("FAILED_PRECONDITION", exceptions.FailedPrecondition)],
)
def test_the_cap_in_both_forms(
    sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any, told_as: str, error: type[Exception]
) -> None:
    """facts gcp.md 4: RetryInfo of 86401 seconds is among the details of one of them."""
    sandbox.cloud.limit_told_as = told_as
    while len(account.listed()) < 11:
        sandbox.cloud.new_key(account, sandbox.now())
    with pytest.raises(error) as caught:
        client.create_service_account_key(name=account.resource, timeout=5, metadata=signed)
    details = getattr(caught.value, "details", [])
    assert [each.retry_delay.seconds for each in details] == ([86401] if told_as == "RESOURCE_EXHAUSTED" else [])


def test_a_constraint_is_told_as_a_violation(
    sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any
) -> None:
    sandbox.cloud.constraints["iam.disableServiceAccountKeyCreation"] = [{"enforce": True}]
    with pytest.raises(exceptions.FailedPrecondition) as caught:
        client.create_service_account_key(name=account.resource, timeout=5, metadata=signed)
    [violation] = caught.value.details[0].violations
    assert violation.type == "constraints/iam.disableServiceAccountKeyCreation"


def test_policies_by_version_and_etag(sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any) -> None:
    """facts gcp.md 7, 6: below version 3 conditions are not shown, and are lost to whoever writes that back."""
    old = client.get_iam_policy(request={"resource": account.resource}, metadata=signed)
    assert not [b for b in old.bindings if b.condition.expression]
    asked = iam_policy_pb2.GetIamPolicyRequest(
        resource=account.resource, options=options_pb2.GetPolicyOptions(requested_policy_version=3)
    )
    whole = client.get_iam_policy(request=asked, metadata=signed)
    assert [b.condition.title for b in whole.bindings if b.condition.expression] == ["until the audit"]
    written = client.set_iam_policy(request={"resource": account.resource, "policy": whole}, metadata=signed)
    assert written.etag != whole.etag
    with pytest.raises(exceptions.Aborted):
        client.set_iam_policy(request={"resource": account.resource, "policy": whole}, metadata=signed)


def test_refusals_of_each_sort(sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any) -> None:
    with pytest.raises(exceptions.Unauthenticated):
        client.get_service_account(name=account.resource, metadata=(("authorization", "Bearer no"),))
    with pytest.raises(exceptions.NotFound):
        client.get_service_account(name="projects/shop-prod/serviceAccounts/nobody@x", metadata=signed)
    with pytest.raises(exceptions.PermissionDenied):
        client.get_service_account(name="projects/-/serviceAccounts/nobody@x", metadata=signed)
    with pytest.raises(exceptions.MethodNotImplemented):
        client.undelete_service_account(request={"name": account.resource}, timeout=5, metadata=signed)


def test_the_rest_interface_by_googles_other_client(sandbox: GcpSandbox, account: Account, signed: Any) -> None:
    token = signed[0][1].removeprefix("Bearer ")
    with rest(sandbox, "iam.v1", token) as api:
        keys = api.projects().serviceAccounts().keys()
        every = keys.list(name=account.resource).execute()["keys"]
        own = keys.list(name=account.resource, keyTypes="USER_MANAGED").execute()["keys"]
    assert {row["keyType"] for row in every} == {"USER_MANAGED", "SYSTEM_MANAGED"}
    why = [row["disableReason"] for row in own if row.get("disabled")]
    assert why == ["SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED"]
    name = f"projects/{seed.PROJECT}/policies/iam.disableServiceAccountKeyCreation"
    with rest(sandbox, "orgpolicy.v2", token) as api:
        assert api.projects().policies().getEffectivePolicy(name=name).execute() == {"name": name, "spec": {}}


def test_pages_by_googles_other_client(sandbox: GcpSandbox, signed: Any) -> None:
    parent = f"projects/{seed.PROJECT}/locations/global/activityTypes/serviceAccountKeyLastAuthentication"
    rows = []
    with rest(sandbox, "policyanalyzer.v1", signed[0][1].removeprefix("Bearer ")) as api:
        activities = api.projects().locations().activityTypes().activities()
        request = activities.query(parent=parent, pageSize=1)
        while request is not None:
            page = request.execute()
            rows += page["activities"]
            request = activities.query_next(request, page)
    assert len(rows) == 2


def test_whoever_may_become_it_gets_a_token_by_googles_other_client(sandbox: GcpSandbox, account: Account) -> None:
    token = sandbox.cloud.new_token(f"serviceAccount:{sandbox.scene.runner.email}", sandbox.now()).value
    name = f"projects/-/serviceAccounts/{account.email}"
    asked = {"scope": ["cloud-platform"], "lifetime": "600s"}
    with rest(sandbox, "iamcredentials.v1", token) as api:
        made = api.projects().serviceAccounts().generateAccessToken(name=name, body=asked).execute()
    assert sandbox.cloud.tokens[made["accessToken"]].member == f"serviceAccount:{account.email}"


def test_hmac_keys_by_googles_other_client(sandbox: GcpSandbox, account: Account, signed: Any) -> None:
    with rest(sandbox, "storage.v1", signed[0][1].removeprefix("Bearer ")) as api:
        keys = api.projects().hmacKeys()
        rows = keys.list(projectId=seed.PROJECT, serviceAccountEmail=account.email).execute()["items"]
        [active] = [row for row in rows if row["state"] == "ACTIVE"]
        named = {"projectId": seed.PROJECT, "accessId": active["accessId"]}
        with pytest.raises(HttpError, match="ACTIVE"):
            keys.delete(**named).execute()
        assert keys.update(**named, body={"state": "INACTIVE"}).execute()["state"] == "INACTIVE"
        assert "hmac-key" not in opened(sandbox)
        keys.delete(**named).execute()
        left = keys.list(projectId=seed.PROJECT, serviceAccountEmail=account.email).execute()["items"]
    assert active["accessId"] not in {row["accessId"] for row in left}


def test_secrets_by_googles_other_client(sandbox: GcpSandbox, signed: Any) -> None:
    """facts gcp.md 4: the text of what is disabled is FAILED_PRECONDITION, and so is a stale etag."""
    name = f"projects/{seed.PROJECT}/secrets/{seed.SECRET}"
    with rest(sandbox, "secretmanager.v1", signed[0][1].removeprefix("Bearer ")) as api:
        secrets = api.projects().secrets()
        payload = {"data": base64.b64encode(b"new").decode(), "dataCrc32c": str(crc32c(b"new"))}
        made = secrets.addVersion(parent=name, body={"payload": payload}).execute()
        assert made["clientSpecifiedPayloadChecksum"] is True
        with pytest.raises(HttpError, match="checksum"):
            secrets.addVersion(parent=name, body={"payload": {**payload, "dataCrc32c": "1"}}).execute()
        rows = secrets.versions().list(parent=name).execute()["versions"]
        assert [row["name"].rpartition("/")[2] for row in rows] == ["2", "1"]
        latest = secrets.versions().access(name=f"{name}/versions/latest").execute()
        assert latest["payload"] == payload
        first = rows[-1]["name"]
        off = secrets.versions().disable(name=first, body={"etag": rows[-1]["etag"]}).execute()
        assert off["state"] == "DISABLED"
        with pytest.raises(HttpError, match="is in DISABLED state"):
            secrets.versions().access(name=first).execute()
        with pytest.raises(HttpError, match="etag"):
            secrets.versions().enable(name=first, body={"etag": rows[-1]["etag"]}).execute()
        assert secrets.versions().enable(name=first, body={}).execute()["state"] == "ENABLED"


def test_an_uploaded_certificate_is_a_key_of_both_doors(
    sandbox: GcpSandbox, client: IAMClient, account: Account, signed: Any
) -> None:
    pair = new_pair("unused", sandbox.now(), sandbox.now() + timedelta(days=1), 2048)
    made = client.upload_service_account_key(
        request={"name": account.resource, "public_key_data": pair.public.encode()}, timeout=5, metadata=signed
    )
    info = {
        "type": "service_account", "client_email": account.email, "token_uri": f"{sandbox.url}/token",
        "private_key_id": made.name.rpartition("/")[2], "private_key": pair.private,
    }  # fmt: skip
    held = service_account.Credentials.from_service_account_info(info, scopes=["cloud-platform"])
    http = Request()
    held.refresh(http)
    assert held.token in sandbox.cloud.tokens
    http.session.close()
    with rest(sandbox, "iam.v1", signed[0][1].removeprefix("Bearer ")) as api:
        keys = api.projects().serviceAccounts().keys()
        body = {"publicKeyData": base64.b64encode(pair.public.encode()).decode()}
        again = keys.upload(name=account.resource, body=body).execute()
        assert again["keyOrigin"] == "USER_PROVIDED"
        rows = keys.list(name=account.resource, keyTypes="USER_MANAGED").execute()["keys"]
    assert {made.name, again["name"]} <= {row["name"] for row in rows if row["keyOrigin"] == "USER_PROVIDED"}


def test_api_keys_by_googles_other_client(sandbox: GcpSandbox, account: Account, signed: Any) -> None:
    """Each change is an operation; a deleted key is there for 30 days; a stale etag is refused."""
    parent = f"projects/{seed.PROJECT}/locations/global"
    with rest(sandbox, "apikeys.v2", signed[0][1].removeprefix("Bearer ")) as api:
        keys = api.projects().locations().keys()

        def named(**asked: Any) -> set[str]:
            return {row["name"] for row in keys.list(parent=parent, **asked).execute()["keys"]}

        body = {"serviceAccountEmail": account.email, "restrictions": seed.AI_ALONE}
        begun = keys.create(parent=parent, body=body).execute()
        made = api.operations().get(name=begun["name"]).execute()["response"]
        string = keys.getKeyString(name=made["name"]).execute()["keyString"]
        assert api.keys().lookupKey(keyString=string).execute()["name"] == made["name"]
        with pytest.raises(HttpError) as caught:
            keys.delete(name=made["name"], etag="old").execute()
        assert caught.value.status_code == 409
        keys.delete(name=made["name"], etag=made["etag"]).execute()
        assert made["name"] not in named()
        assert made["name"] in named(showDeleted=True)
        keys.undelete(name=made["name"], body={}).execute()
        assert made["name"] in named()


def test_an_operation_takes_its_time_and_then_tells_what_came_of_it(sandbox: GcpSandbox, signed: Any) -> None:
    sandbox.lag(60, 0)
    parent = f"projects/{seed.PROJECT}/locations/global"
    with rest(sandbox, "apikeys.v2", signed[0][1].removeprefix("Bearer ")) as api:
        begun = api.projects().locations().keys().create(parent=parent, body={}).execute()
        assert "done" not in begun
        sandbox.advance(2)
        assert api.operations().get(name=begun["name"]).execute()["response"]["uid"]


def test_levels_and_their_policies_by_googles_other_client(sandbox: GcpSandbox, signed: Any) -> None:
    token = signed[0][1].removeprefix("Bearer ")
    with rest(sandbox, "cloudresourcemanager.v1", token) as api:
        above = api.projects().getAncestry(projectId=seed.PROJECT, body={}).execute()["ancestor"]
    assert [each["resourceId"]["type"] for each in above] == ["project", "folder", "organization"]
    with rest(sandbox, "cloudresourcemanager.v3", token) as api:
        assert api.projects().get(name=f"projects/{seed.PROJECT}").execute()["name"] == "projects/111122223333"
        name = f"organizations/{above[-1]['resourceId']['id']}"
        asked = {"options": {"requestedPolicyVersion": 3}}
        policy = api.organizations().getIamPolicy(resource=name, body=asked).execute()
        written = api.organizations().setIamPolicy(resource=name, body={"policy": policy}).execute()
        assert written["etag"] != policy["etag"]
        with pytest.raises(HttpError, match="concurrent"):
            api.organizations().setIamPolicy(resource=name, body={"policy": policy}).execute()


def test_workloads_by_googles_other_client(sandbox: GcpSandbox, account: Account, signed: Any) -> None:
    """Two machines on pages of one, beside an empty zone; and what Cloud Run runs, of all regions at once."""
    token, machines = signed[0][1].removeprefix("Bearer "), []
    with rest(sandbox, "compute.v1", token) as api:
        request = api.instances().aggregatedList(project=seed.PROJECT, maxResults=1)
        while request is not None:
            page = request.execute()
            machines += [row for zone in page["items"].values() for row in zone.get("instances", ())]
            request = api.instances().aggregatedList_next(request, page)
    assert [m["serviceAccounts"][0]["email"] == account.email for m in machines] == [True, True, False]
    with rest(sandbox, "run.v1", token) as api:
        rows = api.namespaces().jobs().list(parent=f"namespaces/{seed.PROJECT}").execute()["items"]
    deep = [row["spec"]["template"]["spec"]["template"]["spec"] for row in rows]
    assert [spec.get("serviceAccountName", "") for spec in deep] == [account.email, ""]


def test_accounts_and_roles_by_googles_other_client(sandbox: GcpSandbox, account: Account, signed: Any) -> None:
    with rest(sandbox, "iam.v1", signed[0][1].removeprefix("Bearer ")) as api:
        rows = api.projects().serviceAccounts().list(name=f"projects/{seed.PROJECT}").execute()["accounts"]
        role = api.projects().roles().get(name=f"projects/{seed.PROJECT}/roles/tokenBroker").execute()
    assert account.email in {row["email"] for row in rows}
    assert "iam.serviceAccounts.getAccessToken" in role["includedPermissions"]
