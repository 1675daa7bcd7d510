"""Accounts that are made, listed and deleted over gRPC, and keys that are read there: this tool asks for none of them
so, but somebody else's client of the same interface does.

Google's own words stand in the messages of google.cloud.iam_admin_v1.types.iam: which ids are allowed, how long a page
is, that a private key is in no answer but a create's and a public one in none but a get's. What becomes of tokens of a
deleted account is documented nowhere (facts gcp.md 2): here they live on until they expire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp import permissions as p
from nhi_revoke_gcp.sandbox.grpc_calls import Call, account_row, empty, named, time_of
from nhi_revoke_gcp.sandbox.refusal import Refused
from nhi_revoke_gcp.sandbox.state import Account, Key

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.grpc_door import Rpc

ACCOUNT_ID = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]")
PROJECT = re.compile(r"projects/(?P<project>[^/]+)")
DEFAULT, MOST = 20, 100
"""Accounts on a page."""


def create_account(rpc: Rpc, request: Any) -> Any:
    """Of the account itself a display name and a description are taken, and nothing else."""
    project, account_id = _project(request.name), str(request.account_id)
    if not ACCOUNT_ID.fullmatch(account_id):
        raise Refused("INVALID_ARGUMENT", f"Invalid account_id: {account_id}")
    email = f"{account_id}@{project}.iam.gserviceaccount.com"
    if email in rpc.cloud.accounts:
        raise Refused("ALREADY_EXISTS", f"Service account {account_id} already exists within project {project}.")
    made = rpc.cloud.new_account(str(request.service_account.display_name), project, rpc.now, email)
    made.description = str(request.service_account.description)
    return account_row(made)


def list_accounts(rpc: Rpc, request: Any) -> Any:
    from google.cloud.iam_admin_v1 import types

    project = _project(request.name)
    every = [account for account in rpc.cloud.accounts.values() if account.project == project]
    start, size = int(request.page_token or 0), min(int(request.page_size) or DEFAULT, MOST)
    more = str(start + size) if start + size < len(every) else ""
    rows = [account_row(each) for each in every[start : start + size]]
    return types.ListServiceAccountsResponse(accounts=rows, next_page_token=more)


def delete_account(rpc: Rpc, request: Any) -> Any:
    """Its keys go with it, HMAC keys too (facts gcp.md 1, row 6)."""
    account = named(rpc, request.name)
    del rpc.cloud.accounts[account.email]
    for key in rpc.cloud.hmac_keys.values():
        if key.email == account.email:
            key.state.set("DELETED", rpc.now, rpc.cloud.write_lag)
    return empty()


def list_keys(rpc: Rpc, request: Any) -> Any:
    """Without types all of them, Google's own too. Not paged."""
    from google.cloud.iam_admin_v1 import types

    account, wanted = named(rpc, request.name), {each.name for each in request.key_types}
    rows = [_key_row(account, each) for each in account.listed() if not wanted or each.type in wanted]
    return types.ListServiceAccountKeysResponse(keys=rows)


def get_key(rpc: Rpc, request: Any) -> Any:
    """With its public half where that was asked for."""
    account = named(rpc, request.name)
    key = account.keys.get(str(request.name).rpartition("/")[2])
    if key is None or not key.there.shown:
        raise Refused("NOT_FOUND", "Service account key does not exist.")
    row = _key_row(account, key)
    if request.public_key_type.name == "TYPE_RAW_PUBLIC_KEY":
        row.public_key_data = key.public_pem().encode()
    return row


def _project(name: str) -> str:
    """Raises Refused."""
    found = PROJECT.fullmatch(name)
    if found is None:
        raise Refused("INVALID_ARGUMENT", "Invalid name.")
    return found["project"]


def _key_row(account: Account, key: Key) -> Any:
    from google.cloud.iam_admin_v1 import types

    return types.ServiceAccountKey(
        name=f"{account.resource}/keys/{key.id}",
        key_algorithm="KEY_ALG_RSA_2048",
        key_type=key.type,
        key_origin=key.origin,
        valid_after_time=time_of(stamp(key.created)),
        valid_before_time=time_of(stamp(key.expires)),
        disabled=key.disabled.shown,
    )


ACCOUNT_CALLS = {
    "CreateServiceAccount": Call(
        "iam.serviceAccounts.create", create_account, "CreateServiceAccountRequest", "ServiceAccount"
    ),
    "ListServiceAccounts": Call(
        p.LIST_ACCOUNTS, list_accounts, "ListServiceAccountsRequest", "ListServiceAccountsResponse", mutates=False
    ),
    "DeleteServiceAccount": Call(
        "iam.serviceAccounts.delete", delete_account, "DeleteServiceAccountRequest", "Empty"
    ),
    "ListServiceAccountKeys": Call(
        p.LIST_KEYS, list_keys, "ListServiceAccountKeysRequest", "ListServiceAccountKeysResponse", mutates=False
    ),
    "GetServiceAccountKey": Call(
        "iam.serviceAccountKeys.get", get_key, "GetServiceAccountKeyRequest", "ServiceAccountKey", mutates=False
    ),
}  # fmt: skip
