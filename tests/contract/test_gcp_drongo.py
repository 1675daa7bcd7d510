"""The sandbox beside drongo, a double of Google Cloud by other authors: one scenario, Google's clients, two answers.

What both have must look the same: statuses of refusals, which fields are set, the order of effects, what happens twice,
and what is there afterwards. Where they differ, Google's own words decide, and the difference is asserted with its
source: it is noticed when drongo changes. What drongo has not is asserted likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from drongo.core.backend import BackendDict
from drongo.services.iam import IAMBackend, IAMEmulator
from google.api_core import exceptions
from google.cloud.iam_admin_v1 import IAMClient, types
from google.cloud.iam_admin_v1.services.iam.transports.grpc import IAMGrpcTransport
from google.iam.v1 import iam_policy_pb2

from nhi_revoke_gcp.sandbox.sandbox import GcpSandbox
from tests.contract.gcp_compared import OTHER, PROJECT, compared, token

pytestmark = pytest.mark.contract

BOT = f"{PROJECT}/serviceAccounts/worker@compared-1.iam.gserviceaccount.com"
NOBODY = f"{PROJECT}/serviceAccounts/nobody@compared-1.iam.gserviceaccount.com"
FILE, RSA = types.ServiceAccountPrivateKeyType.TYPE_GOOGLE_CREDENTIALS_FILE, "KEY_ALG_RSA_2048"


def told(ask: Callable[[], Any]) -> Any:
    """The answer; or the status with which it was refused, as text."""
    try:
        return ask()
    except exceptions.GoogleAPICallError as error:
        code = error.grpc_status_code
    return str(code.name) if code is not None else "none"


class Iam:
    """One of the two, over gRPC."""

    def __init__(self, target: str, signed: tuple[tuple[str, str], ...] = ()) -> None:
        self._channel, self._signed = grpc.insecure_channel(target), signed
        self._client = IAMClient(transport=IAMGrpcTransport(channel=self._channel))

    def __call__(self, method: str, name: str, **more: Any) -> Any:
        """The answer; or the status with which it was refused, as text."""
        call = getattr(self._client, method)
        return told(lambda: call(request={"name": name, **more}, timeout=5, retry=None, metadata=self._signed))

    def names(self, method: str, name: str, **more: Any) -> list[str]:
        answer = self(method, name, **more)
        rows = answer.keys if method.endswith("keys") else answer
        return sorted(str(row.name) for row in rows)

    def policy(self) -> Any:
        asked = iam_policy_pb2.GetIamPolicyRequest(resource=BOT)
        return told(lambda: self._client.get_iam_policy(asked, timeout=5, metadata=self._signed))

    def close(self) -> None:
        self._channel.close()


def fields(message: Any) -> set[str]:
    """Those that are set."""
    return {field.name for field, _ in type(message).pb(message).ListFields()}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[GcpSandbox]:
    with compared(tmp_path) as made:
        yield made


@pytest.fixture
def ours(sandbox: GcpSandbox) -> Iterator[Iam]:
    made = Iam(sandbox.grpc.target, (("authorization", f"Bearer {token(sandbox)}"),))
    yield made
    made.close()


@pytest.fixture
def drongo() -> Iterator[Iam]:
    emulator = IAMEmulator(BackendDict(IAMBackend, "iam"))
    emulator.start()
    assert emulator.address is not None
    made = Iam(emulator.address)
    yield made
    made.close()
    # It is made to serve for as long as the process lives, and has no end of its own.
    emulator._server.stop(None).wait(5)


# -- accounts ----------------------------------------------------------------------------------------------------------


def created(iam: Iam, account: str = "worker", parent: str = PROJECT) -> Any:
    about = types.ServiceAccount(display_name="Worker", description="it works")
    return iam("create_service_account", parent, account_id=account, service_account=about)


def life_of_an_account(iam: Iam) -> Iterator[Any]:
    """Every value that Google does not choose itself, in order."""
    made = created(iam)
    yield fields(made), made.name, made.project_id, made.email, made.display_name, made.description
    assert made.unique_id.isdigit()
    assert (made.oauth2_client_id, len(made.unique_id)) == (made.unique_id, 21)
    by_id = f"{PROJECT}/serviceAccounts/{made.unique_id}"
    yield iam("get_service_account", BOT) == made, iam("get_service_account", by_id) == made
    yield created(iam), created(iam, parent=OTHER).email
    created(iam, "another")
    yield iam.names("list_service_accounts", PROJECT), iam.names("list_service_accounts", OTHER)
    for method in ("disable", "disable", "enable", "enable", "disable"):
        answer = iam(f"{method}_service_account", BOT)
        read = iam("get_service_account", by_id)
        listed = {row.name: row.disabled for row in iam("list_service_accounts", PROJECT)}
        yield method, answer, read.disabled, fields(read), listed
    yield iam("delete_service_account", by_id), iam("delete_service_account", by_id), iam("delete_service_account", BOT)
    yield [iam(f"{method}_service_account", BOT) for method in ("get", "disable", "enable")]
    yield iam.names("list_service_accounts", PROJECT)
    again = created(iam)
    yield again.email, again.disabled, again.unique_id != made.unique_id, iam("get_service_account", by_id)


def test_an_account_from_its_creation_to_its_end(ours: Iam, drongo: Iam) -> None:
    """A second disable changes nothing, a second delete is NOT_FOUND, and a new account of the name is another one
    (facts gcp.md 2, e; 7, 5).
    """
    mine, theirs = list(life_of_an_account(ours)), list(life_of_an_account(drongo))
    assert mine == theirs
    assert mine[2] == ("ALREADY_EXISTS", "worker@compared-2.iam.gserviceaccount.com")
    assert mine[-3] == ["NOT_FOUND"] * 3


@pytest.mark.parametrize(
    "method",
    [
        *(f"{verb}_service_account" for verb in ("get", "disable", "enable", "delete")),
        "create_service_account_key", "list_service_account_keys",
    ],
)  # fmt: skip
def test_of_what_is_not_there_each_call_says_the_same(ours: Iam, drongo: Iam, method: str) -> None:
    assert (ours(method, NOBODY), drongo(method, NOBODY)) == ("NOT_FOUND", "NOT_FOUND")


def test_where_drongo_takes_ids_that_google_refuses(ours: Iam, drongo: Iam) -> None:
    """Without one both refuse. 6 to 30 characters, small letters first (CreateServiceAccountRequest.account_id)."""
    assert created(ours, "") == created(drongo, "") == "INVALID_ARGUMENT"
    for bad in ("short", "Capital-first", "1-digit-first", "ends-with-dash-", "a" * 31):
        assert created(ours, bad) == "INVALID_ARGUMENT"
        assert fields(created(drongo, bad)), "known difference: drongo looks at no id"


def test_where_drongo_knows_no_wildcard_for_the_project(ours: Iam, drongo: Iam) -> None:
    """`projects/-` infers it from the account, and of one that is not there it is a denial (facts gcp.md 7, 7)."""
    for iam in (ours, drongo):
        created(iam)
    there, nobody = (name.replace(PROJECT, "projects/-") for name in (BOT, NOBODY))
    assert ours("get_service_account", there).name == BOT
    assert ours("get_service_account", nobody) == "PERMISSION_DENIED"
    assert drongo("get_service_account", there) == drongo("get_service_account", nobody) == "NOT_FOUND"


def test_where_drongo_has_one_page(ours: Iam, drongo: Iam) -> None:
    """20 on a page, 100 at most (ListServiceAccountsRequest.page_size)."""
    for iam in (ours, drongo):
        for number in range(21):
            created(iam, f"worker-{number:02}")

    def pages(iam: Iam, **asked: int) -> list[int]:
        return [len(page.accounts) for page in iam("list_service_accounts", PROJECT, **asked).pages]

    assert (pages(ours), pages(ours, page_size=8), pages(ours, page_size=500)) == ([20, 1], [8, 8, 5], [21])
    assert (pages(drongo), pages(drongo, page_size=8)) == ([21], [21])
    assert ours.names("list_service_accounts", PROJECT) == drongo.names("list_service_accounts", PROJECT)


def test_where_drongo_asks_nobody_who_it_is(sandbox: GcpSandbox, drongo: Iam) -> None:
    stranger = Iam(sandbox.grpc.target)
    assert stranger("get_service_account", BOT) == "UNAUTHENTICATED"
    stranger.close()
    assert fields(created(drongo))


# -- keys --------------------------------------------------------------------------------------------------------------


def key_of(iam: Iam, **asked: Any) -> Any:
    return iam("create_service_account_key", BOT, **asked)


def life_of_keys(iam: Iam) -> Iterator[Any]:
    created(iam)
    yield iam.names("list_service_account_keys", BOT)
    first, second = (key_of(iam, private_key_type=FILE, key_algorithm=RSA) for _ in range(2))
    ids = {key.name.rpartition("/")[2] for key in (first, second)}
    assert {len(each) for each in ids} == {40}
    yield [key.name.rpartition("/")[0] for key in (first, second)], len(ids), first.disabled
    yield first.private_key_type, first.key_algorithm, bool(first.private_key_data)
    both = sorted((first.name, second.name))
    yield iam.names("list_service_account_keys", BOT) == both, iam("get_service_account_key", first.name).name[:40]
    iam("disable_service_account", BOT)
    yield iam.names("list_service_account_keys", BOT) == both, isinstance(key_of(iam), types.ServiceAccountKey)
    yield iam("delete_service_account_key", first.name), iam("delete_service_account_key", first.name)
    yield iam("get_service_account_key", first.name), len(iam.names("list_service_account_keys", BOT))
    iam("enable_service_account", BOT)
    yield len(iam.names("list_service_account_keys", BOT)), iam("get_service_account_key", f"{BOT}/keys/none")
    iam("delete_service_account", BOT)
    yield iam("list_service_account_keys", BOT), iam("get_service_account_key", second.name)
    created(iam)
    yield iam.names("list_service_account_keys", BOT), iam("get_service_account_key", second.name)


def test_keys_from_their_creation_to_their_end(ours: Iam, drongo: Iam) -> None:
    """They stay through a disabling of their account, go with it, and do not come back with its name."""
    mine, theirs = list(life_of_keys(ours)), list(life_of_keys(drongo))
    assert mine == theirs
    assert mine[-1] == ([], "NOT_FOUND")


def test_where_drongo_tells_more_of_a_key_than_google_and_less(ours: Iam, drongo: Iam) -> None:
    """types.ServiceAccountKey: private data in a create's answer alone, public data in a get's that asks for it; the
    default private key is a credentials file, the default algorithm RSA of 2048 bits (keys.create).
    """
    secret, public = "private_key_data", "public_key_data"
    common = {"name", "key_algorithm", "key_type", "key_origin", "valid_after_time", "valid_before_time"}
    for iam in (ours, drongo):
        created(iam)
    name = key_of(ours).name
    assert fields(ours("get_service_account_key", name)) == common
    raw = ours("get_service_account_key", name, public_key_type="TYPE_RAW_PUBLIC_KEY")
    assert fields(raw) == common | {public}
    assert fields(ours("list_service_account_keys", BOT).keys[0]) == common
    assert fields(key_of(ours)) == common | {secret, "private_key_type"}

    known = {"name", secret, public}
    name = key_of(drongo).name
    assert fields(drongo("get_service_account_key", name)) == known
    assert fields(drongo("list_service_account_keys", BOT).keys[0]) == known
    assert fields(key_of(drongo)) == known


def test_where_drongo_has_no_keys_of_google_and_no_filter_for_them(sandbox: GcpSandbox, ours: Iam, drongo: Iam) -> None:
    """Without types both sorts are listed (facts gcp.md 1, row 2; 7, 3)."""
    account = sandbox.scene.account.resource
    system = ours.names("list_service_account_keys", account, key_types=["SYSTEM_MANAGED"])
    user = ours.names("list_service_account_keys", account, key_types=["USER_MANAGED"])
    assert system
    assert user
    assert ours.names("list_service_account_keys", account) == sorted(system + user)
    created(drongo)
    mine = [key_of(drongo).name]
    assert drongo.names("list_service_account_keys", BOT, key_types=["SYSTEM_MANAGED"]) == mine


def test_where_drongo_has_no_end_of_keys(ours: Iam, drongo: Iam) -> None:
    """Ten of an account (facts gcp.md 4)."""
    for iam in (ours, drongo):
        created(iam)
        assert all(fields(key_of(iam)) for _ in range(10))
    assert key_of(ours) == "RESOURCE_EXHAUSTED"
    assert fields(key_of(drongo))


def test_what_drongo_has_not(ours: Iam, drongo: Iam) -> None:
    """drongo 0.8 (facts gcp.md 5): these have nobody else's double to be compared with."""
    for iam in (ours, drongo):
        created(iam)
    mine, theirs = key_of(ours).name, key_of(drongo).name
    for method in ("disable_service_account_key", "enable_service_account_key"):
        assert (ours(method, mine), drongo(method, theirs)) == (None, "UNIMPLEMENTED")
    upload = {"public_key_data": b"no certificate"}
    assert ours("upload_service_account_key", BOT, **upload) == "INVALID_ARGUMENT"
    assert drongo("upload_service_account_key", BOT, **upload) == "UNIMPLEMENTED"
    assert (bool(ours.policy().etag), drongo.policy()) == (True, "UNIMPLEMENTED")
    assert ours("undelete_service_account", BOT) == drongo("undelete_service_account", BOT) == "UNIMPLEMENTED"
