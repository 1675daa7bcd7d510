"""moto's own server application, in this process: it keeps the state; authentication and lag are ours."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nhi_revoke_aws.sandbox.answer import Answer, Refusal
from nhi_revoke_aws.sandbox.clients import isolated_session
from nhi_revoke_aws.sandbox.managed import VENDOR_POLICIES
from nhi_revoke_aws.sandbox.own.book import OwnBook
from nhi_revoke_aws.sandbox.policy import Malformed, Policy, parse
from nhi_revoke_aws.sandbox.state import Account, Key, Role, User

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

IN_USE = threading.Lock()
"""moto's state is the process's: one sandbox at a time."""
ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class MotoWorld:
    """Import, clock, requests, and the state as our snapshots.

    moto is not written for threads: one request at a time, all behind `lock`.
    """

    def __init__(self, partition: str, now: Callable[[], datetime], random: Random, own: OwnBook) -> None:
        self.partition = partition
        self.lock = threading.RLock()
        self._now = now
        self._random = random
        self._own = own
        self._app: Any = None
        self._iam: Any = None
        self._secrets: Any = None
        self._kept: list[tuple[Any, str, Any]] = []

    def open(self) -> None:
        """Raises RuntimeError when another sandbox of this process is open."""
        if not IN_USE.acquire(blocking=False):
            raise RuntimeError("another AWS sandbox is open in this process: close it first (moto's state is global)")
        try:
            self._import()
        except BaseException:
            IN_USE.release()
            raise

    def _import(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from moto import backends
            from moto.core import base_backend
            from moto.core import utils as moto_utils
            from moto.iam import models as iam
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
            from moto.secretsmanager import models as secretsmanager

            self._app = DomainDispatcherApplication(create_backend_app)
        self._iam, self._secrets = iam, secretsmanager
        # An AWS_PROFILE of the machine must not break the sandbox.
        self._put(base_backend, "Session", _boto3_session)
        self._put(moto_utils, "Session", isolated_session)
        modules = tuple(backends.list_of_moto_modules())  # moto reads its folder anew for each request
        self._put(backends, "list_of_moto_modules", lambda: modules)
        self._put(iam, "utcnow", lambda: self._now().replace(tzinfo=None, microsecond=0))  # IAM tells whole seconds
        self._put(iam, "random_resource_id", self._resource_id)
        self._put(iam.IAMBackend, "update_user", _with_its_keys(iam.IAMBackend.update_user))
        self._put(secretsmanager, "utcnow", lambda: self._now().replace(tzinfo=None))
        self._put(secretsmanager, "time", SimpleNamespace(time=lambda: self._now().timestamp(), sleep=time.sleep))
        self.reset()

    def _put(self, module: Any, name: str, value: Any) -> None:
        """moto reads the time where it likes: it gets ours for as long as the sandbox is open."""
        self._kept.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    def _resource_id(self, size: int = 21) -> str:
        """As AWS's ids of users begin; moto's own are in small letters."""
        return "AIDA" + "".join(self._random.choices(ID_LETTERS, k=max(size, 21) - 4))

    def close(self) -> None:
        if self._app is None:
            return
        self.reset()
        for module, name, value in reversed(self._kept):
            setattr(module, name, value)
        self._kept.clear()
        self._app = None
        IN_USE.release()

    def reset(self) -> None:
        from moto.core.base_backend import BackendDict

        with self.lock:
            BackendDict.reset()

    # -- state -----------------------------------------------------------------------------------------------------

    def iam(self, account: str) -> Any:
        """moto's own backend, for seeding."""
        return self._iam.iam_backends[account][self.partition]

    def equip(self, account: str) -> None:
        """AWS's own managed policies that matter here; moto has none by default."""
        backend = self.iam(account)
        region = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[self.partition]
        for name, document in VENDOR_POLICIES.items():
            data = {"Path": "/", "DefaultVersionId": "v1", "Document": document}
            data |= {"CreateDate": "2020-08-05T00:00:00+00:00", "UpdateDate": "2020-08-05T00:00:00+00:00"}
            policy = self._iam.AWSManagedPolicy.from_data(name, account, region, data)
            backend.managed_policies[policy.arn] = policy

    def snapshot(self, account: str) -> Account:
        """The account as it is recorded now."""
        with self.lock:
            backend = self.iam(account)
            users = {name: self._user(backend, user) for name, user in backend.users.items()}
            roles = {role.name: self._role(backend, role) for role in backend.roles.values()}
            keys = {
                key.access_key_id: Key(key.access_key_id, name, key.status == "Active", key.secret_access_key)
                for name, user in backend.users.items()
                for key in user.access_keys
            }
            return Account(account, users, roles, keys, self._own.snapshot(account, backend))

    def _user(self, backend: Any, user: Any) -> User:
        policies = [*_inline("user", user), *_managed(user)]
        for group in backend.groups.values():
            if user in group.users:
                policies += [*_inline("group", group), *_managed(group)]
        arn = (getattr(user, "permissions_boundary", None) or {}).get("PermissionsBoundaryArn", "")
        boundary = backend.managed_policies.get(arn)
        limit = None if boundary is None else (_attached(boundary),)
        return User(user.name, user.arn, user.id, tuple(policies), limit, user.password)

    def _role(self, backend: Any, role: Any) -> Role:
        boundary = backend.managed_policies.get(role.permissions_boundary_arn or "")
        return Role(
            name=role.name,
            arn=role.arn,
            id=role.id,
            path=role.path,
            trust=parse(role.assume_role_policy_document),
            max_session=int(role.max_session_duration or 3600),
            policies=(*_inline("role", role), *_managed(role)),
            boundary=None if boundary is None else (_attached(boundary),),
        )

    def role_used(self, account: str, name: str, region: str) -> None:
        """moto does not know our sessions: tell it when one is used."""
        with self.lock:
            for role in self.iam(account).roles.values():
                if role.name == name:
                    role.last_used, role.last_used_region = self._now().replace(tzinfo=None), region

    def key_used(self, account: str, key_id: str, service: str, region: str) -> None:
        """Writes a key's last use, as moto does for the requests that reach it."""
        with self.lock:
            self._iam.mark_account_as_visited(account, key_id, service, region)

    def put_secret(self, account: str, region: str, name: str, value: str) -> None:
        """Creates a secret in Secrets Manager."""
        with self.lock:
            self._secrets.secretsmanager_backends[account][region].create_secret(
                name=name,
                secret_string=value,
                secret_binary=None,
                description=None,
                tags=[],
                kms_key_id=None,
                client_request_token=None,
                replica_regions=[],
                force_overwrite=False,
            )

    def secret_arn(self, account: str, region: str, name: str) -> str | None:
        """Of a secret that exists, by name or ARN."""
        with self.lock:
            found = self._secrets.secretsmanager_backends[account][region].secrets.get(name)
            return None if found is None else str(found.arn)

    # -- requests --------------------------------------------------------------------------------------------------

    def forward(self, environ: WSGIEnvironment, account: str) -> Answer:
        """Let moto answer for that account. Raises Refusal where moto has nothing for it."""
        got: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], None]:
            got["status"], got["headers"] = int(status.split()[0]), tuple(headers)
            return got.setdefault("written", []).append  # type: ignore[no-any-return]  # moto is untyped

        asked = {**environ, "HTTP_X_MOTO_ACCOUNT_ID": account}
        with self.lock, quiet():
            try:
                app = self._app.get_application(asked)
                result = app(asked, start)
                body = b"".join(result)
                close = getattr(result, "close", None)
                if close is not None:
                    close()
            except NotImplementedError as error:
                raise Refusal("NotImplemented", f"this sandbox does not have it: {error}", 501) from error
        return Answer(got["status"], got["headers"], body)

    def route(self, service: str, environ: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Which operation a REST request asks for. Raises Refusal for none."""
        from botocore.exceptions import UnknownServiceError
        from moto.core.request import Request

        routing: Any = import_module("moto.core.routing")
        try:
            with self.lock:  # routes are compiled at the first use, which CPython 3.11 cannot do in two threads at once
                operation, params = routing.get_service_router(service).match(Request(dict(environ)))
        except (routing.NotFound, UnknownServiceError) as error:
            raise Refusal("InvalidAction", f"no operation of {service} at this path", 404) from error
        return str(operation.name), dict(params)


def _boto3_session() -> Any:
    from boto3 import Session

    return Session(botocore_session=isolated_session(), region_name="us-east-1")


@contextmanager
def quiet() -> Iterator[None]:
    """moto's deprecation warnings are moto's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _inline(kind: Any, holder: Any) -> Iterator[Policy]:
    for name, document in holder.policies.items():
        yield Policy(name, f"{kind}_{holder.name}_{name}", kind, _parsed(document))


def _managed(holder: Any) -> Iterator[Policy]:
    for policy in holder.managed_policies.values():
        yield _attached(policy)


def _attached(policy: Any) -> Policy:
    document = next(v.document for v in policy.versions if v.version_id == policy.default_version_id)
    kind: Any = "aws-managed" if ":iam::aws:" in policy.arn else "user-managed"
    return Policy(policy.name, policy.name, kind, _parsed(document))


def _parsed(document: str) -> Any:
    """Raises RuntimeError: the gate lets no malformed document through, so this one was planted past it."""
    try:
        return parse(document)
    except Malformed as error:
        raise RuntimeError(f"a malformed policy was stored past the gate: {error}") from error


def _with_its_keys(update_user: Callable[..., None]) -> Callable[..., None]:
    """A key belongs to its user under each name (AWS docs: id_users_rename); moto's keys keep the old one."""

    def update(backend: Any, user_name: str, new_path: str | None = None, new_user_name: str | None = None) -> None:
        update_user(backend, user_name, new_path, new_user_name)
        if new_user_name:
            for key in backend.users[new_user_name].access_keys:
                key.user_name = new_user_name

    return update
