"""What Google answers over gRPC: each call with its permission, its messages and what it does.

facts gcp.md 2, 3, 4 and 7 (2, 6, 14, 24).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp import permissions as p
from nhi_revoke_gcp.constraints import NO_KEYS
from nhi_revoke_gcp.sandbox.refusal import Refused, forbidden_by, full, no_account
from nhi_revoke_gcp.sandbox.state import LIMIT, USER_MANAGED, Account, Key, as_bytes
from nhi_revoke_gcp.sandbox.uploads import uploaded

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.grpc_door import Rpc

NAME = re.compile(r"projects/(?P<project>[^/]+)/serviceAccounts/(?P<account>[^/]+)(?:/keys/(?P<key>[^/]+))?")


class Call(Struct, frozen=True):
    """One method of the service."""

    permission: str
    serve: Callable[[Rpc, Any], Any]
    takes: str
    """Its message: a type of iam_admin_v1, or of google.iam.v1."""
    gives: str
    """`Empty`, or as `takes`."""
    mutates: bool = True

    def messages(self) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
        """How the request is read and the answer written."""
        from google.cloud.iam_admin_v1 import types
        from google.iam.v1 import iam_policy_pb2, policy_pb2
        from google.protobuf import empty_pb2

        plain = {
            "Empty": empty_pb2.Empty,
            "Policy": policy_pb2.Policy,
            "GetIamPolicyRequest": iam_policy_pb2.GetIamPolicyRequest,
            "SetIamPolicyRequest": iam_policy_pb2.SetIamPolicyRequest,
        }
        read = plain[self.takes].FromString if self.takes in plain else getattr(types, self.takes).deserialize
        write = plain[self.gives].SerializeToString if self.gives in plain else getattr(types, self.gives).serialize
        return read, write

    def target(self, request: Any) -> str:
        """What it is about."""
        return str(getattr(request, "name", "") or getattr(request, "resource", ""))


def named(rpc: Rpc, name: str) -> Account:
    """The account of a full name, or of a key's. Raises Refused."""
    found = NAME.fullmatch(name)
    if found is None:
        raise Refused("INVALID_ARGUMENT", "Invalid name.")
    account = rpc.cloud.account(found["project"], found["account"])
    if account is None:
        raise no_account(found["project"], found["account"])
    return account


def _key(rpc: Rpc, name: str) -> Key:
    """Raises Refused. Google's own are nobody's to change."""
    account = named(rpc, name)
    key = account.keys.get(name.rpartition("/")[2])
    if key is None or not key.there.shown:
        raise Refused("NOT_FOUND", "Service account key does not exist.")
    if key.type != USER_MANAGED:
        raise Refused("INVALID_ARGUMENT", "System-managed keys cannot be changed.")
    return key


def empty() -> Any:
    """The answer that tells nothing."""
    from google.protobuf import empty_pb2

    return empty_pb2.Empty()


def get_account(rpc: Rpc, request: Any) -> Any:
    return account_row(named(rpc, request.name))


def account_row(account: Account) -> Any:
    """As every answer of this interface shows it."""
    from google.cloud.iam_admin_v1 import types

    return types.ServiceAccount(
        name=account.resource,
        project_id=account.project,
        unique_id=account.unique_id,
        email=account.email,
        display_name=account.name,
        description=account.description,
        oauth2_client_id=account.unique_id,
        disabled=account.disabled.shown,
    )


def disable(rpc: Rpc, request: Any) -> Any:
    """Of one that is disabled it changes nothing (facts gcp.md 2, e)."""
    account = named(rpc, request.name)
    if not account.disabled.shown:
        account.disabled.set(True, rpc.now, rpc.cloud.write_lag)
    return empty()


def enable(rpc: Rpc, request: Any) -> Any:
    account = named(rpc, request.name)
    if account.by_google:
        raise Refused("FAILED_PRECONDITION", "The service account was disabled by Google.")
    if account.disabled.shown:
        account.disabled.set(False, rpc.now, rpc.cloud.write_lag)
    return empty()


def create_key(rpc: Rpc, request: Any) -> Any:
    from google.cloud.iam_admin_v1 import types

    account, cloud = named(rpc, request.name), rpc.cloud
    for constraint in NO_KEYS:
        if any(rule.get("enforce") for rule in cloud.constraints.get(constraint, ())):
            raise forbidden_by(constraint, account.project)
    if sum(key.type == USER_MANAGED for key in account.listed()) >= LIMIT:
        raise full(cloud.limit_told_as)
    key = cloud.new_key(account, rpc.now, cloud.write_lag)
    if cloud.keys_live is not None:
        key.expires = rpc.now + cloud.keys_live
    return types.ServiceAccountKey(
        name=f"{account.resource}/keys/{key.id}",
        private_key_type="TYPE_GOOGLE_CREDENTIALS_FILE",
        private_key_data=as_bytes(cloud.key_file(account, key, rpc.token_uri)),
        key_algorithm="KEY_ALG_RSA_2048",
        key_type="USER_MANAGED",
        key_origin=key.origin,
        valid_after_time=time_of(stamp(key.created)),
        valid_before_time=time_of(stamp(key.expires)),
    )


def upload_key(rpc: Rpc, request: Any) -> Any:
    """Of its private half nothing is here."""
    from google.cloud.iam_admin_v1 import types

    account = named(rpc, request.name)
    key = uploaded(rpc.cloud, account, bytes(request.public_key_data), rpc.now)
    return types.ServiceAccountKey(
        name=f"{account.resource}/keys/{key.id}",
        key_algorithm="KEY_ALG_RSA_2048",
        key_type="USER_MANAGED",
        key_origin="USER_PROVIDED",
        valid_after_time=time_of(stamp(key.created)),
        valid_before_time=time_of(stamp(key.expires)),
    )


def time_of(text: str) -> Any:
    """A time as gRPC writes it, from how REST does."""
    from google.protobuf import timestamp_pb2

    out = timestamp_pb2.Timestamp()
    out.FromJsonString(text)
    return out


def disable_key(rpc: Rpc, request: Any) -> Any:
    key = _key(rpc, request.name)
    if not key.disabled.shown:
        key.disabled.set(True, rpc.now, rpc.cloud.write_lag)
    return empty()


def enable_key(rpc: Rpc, request: Any) -> Any:
    key = _key(rpc, request.name)
    if key.disabled.shown:
        key.disabled.set(False, rpc.now, rpc.cloud.write_lag)
        key.reason = ""
    return empty()


def delete_key(rpc: Rpc, request: Any) -> Any:
    _key(rpc, request.name).there.set(False, rpc.now, rpc.cloud.write_lag)
    return empty()


def get_policy(rpc: Rpc, request: Any) -> Any:
    """Below version 3 conditions are not told, and are lost to whoever writes that back (facts gcp.md 7, 6)."""
    policy = named(rpc, request.resource).policy.shown
    out = type(policy)()
    out.CopyFrom(policy)
    if request.options.requested_policy_version < 3:
        for binding in out.bindings:
            binding.ClearField("condition")
        out.version = 1
    return out


def set_policy(rpc: Rpc, request: Any) -> Any:
    account = named(rpc, request.resource)
    if request.policy.etag and request.policy.etag != account.policy.shown.etag:
        says = "There were concurrent policy changes."
        raise Refused("ABORTED", says)
    if _conditions(request.policy.bindings) and request.policy.version < 3:
        raise Refused("INVALID_ARGUMENT", "A policy with conditions is of version 3.")
    return rpc.cloud.write_policy(account, request.policy, rpc.now, rpc.cloud.write_lag)


def _conditions(bindings: Iterable[Any]) -> bool:
    return any(binding.condition.expression for binding in bindings)


CALLS = {
    "GetServiceAccount": Call(p.GET_ACCOUNT, get_account, "GetServiceAccountRequest", "ServiceAccount", mutates=False),
    "DisableServiceAccount": Call(p.DISABLE_ACCOUNT, disable, "DisableServiceAccountRequest", "Empty"),
    "EnableServiceAccount": Call(p.ENABLE_ACCOUNT, enable, "EnableServiceAccountRequest", "Empty"),
    "CreateServiceAccountKey": Call(p.CREATE_KEY, create_key, "CreateServiceAccountKeyRequest", "ServiceAccountKey"),
    "UploadServiceAccountKey": Call(p.CREATE_KEY, upload_key, "UploadServiceAccountKeyRequest", "ServiceAccountKey"),
    "DisableServiceAccountKey": Call(p.DISABLE_KEY, disable_key, "DisableServiceAccountKeyRequest", "Empty"),
    "EnableServiceAccountKey": Call(p.ENABLE_KEY, enable_key, "EnableServiceAccountKeyRequest", "Empty"),
    "DeleteServiceAccountKey": Call(p.DELETE_KEY, delete_key, "DeleteServiceAccountKeyRequest", "Empty"),
    "GetIamPolicy": Call(p.GET_POLICY, get_policy, "GetIamPolicyRequest", "Policy", mutates=False),
    "SetIamPolicy": Call(p.SET_POLICY, set_policy, "SetIamPolicyRequest", "Policy"),
}
