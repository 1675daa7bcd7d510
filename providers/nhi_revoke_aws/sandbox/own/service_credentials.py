"""Service-specific credentials, which moto lacks (AWS docs: id_credentials_service-specific-creds).

They hang on moto's own users: with a user goes what it had.
"""

from __future__ import annotations

import string
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar

from nhi_revoke.provider.sandbox.contract import Door
from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.bearer import BEDROCK, GIT, admit, enrol, unknown
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page
from nhi_revoke_aws.sandbox.state import User

KEPT = "service_specific_credentials"
"""Attribute of moto's users."""
LETTERS = string.ascii_uppercase + "234567"
EACH = 2
"""Of one service, Inactive and expired ones too."""
PASSWORDS: dict[str, tuple[str, ...]] = {
    "codecommit.amazonaws.com": (GIT,),
    "cassandra.amazonaws.com": ("cassandra:Select",),
}
"""A user name and a password, and the actions that the data plane here asks for."""
API_KEYS: dict[str, tuple[str, ...]] = {
    "bedrock.amazonaws.com": BEDROCK,
    "logs.amazonaws.com": ("logs:CallWithBearerToken", "logs:PutLogEvents"),
}
"""A bearer token; the last service's name is not confirmed by a document that we have."""


@dataclass(frozen=True)
class Credential:
    id: str
    account: str
    user: str
    unique_id: str
    service: str
    public: str
    """Service user name, or alias of an API key."""
    created: datetime
    expires: datetime | None
    active: bool
    secret: str = field(repr=False)

    def row(self, now: datetime) -> dict[str, Any]:
        """As the list has it."""
        expired = self.expires is not None and self.expires <= now
        return {
            "UserName": self.user,
            "Status": "Expired" if expired else "Active" if self.active else "Inactive",
            self.named[0]: self.public,
            "CreateDate": self.created,
            "ExpirationDate": self.expires,
            "ServiceSpecificCredentialId": self.id,
            "ServiceName": self.service,
        }

    @property
    def named(self) -> tuple[str, str]:
        """What AWS calls its public and its secret part."""
        if self.service in PASSWORDS:
            return "ServiceUserName", "ServicePassword"
        return "ServiceCredentialAlias", "ServiceCredentialSecret"


class ServiceCredentials(OwnService):
    """Five operations of IAM, and the two data planes behind them."""

    model: ClassVar[str] = "iam"
    name: ClassVar[str] = "service-credential"

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ever: list[str] = []
        self.empty_first = False
        """A test's switch: the first page holds nothing, and is not the last (AWS docs: API_ListUsers, IsTruncated)."""

    def clear(self) -> None:
        self._ever.clear()
        self.empty_first = False

    def secrets(self) -> Sequence[str]:
        return tuple(self._ever)

    def snapshot(self, account: str, iam: Any) -> tuple[Credential, ...]:
        return tuple(c for user in iam.users.values() for c in held_by(user).values())

    def operations(self) -> Mapping[str, Handler]:
        return {
            "CreateServiceSpecificCredential": self._create,
            "DeleteServiceSpecificCredential": self._delete,
            "ListServiceSpecificCredentials": self._list,
            "ResetServiceSpecificCredential": self._reset,
            "UpdateServiceSpecificCredential": self._update,
        }

    def resource(self, asking: Asking) -> str:
        user = asking.iam.users.get(_user_name(asking))
        return str(user.arn) if user is not None else "*"

    # -- operations ------------------------------------------------------------------------------------------------

    def _create(self, asking: Asking) -> dict[str, Any]:
        user, service = _user(asking), str(asking.params["ServiceName"])
        days = asking.params.get("CredentialAgeDays")
        if service not in PASSWORDS and service not in API_KEYS:
            raise Refusal("NotSupportedService", f"{service} does not support service-specific credentials", 404)
        if days is not None and service in PASSWORDS:
            raise Refusal("ValidationError", f"credentials of {service} do not expire")
        mine = [c for c in held_by(user).values() if c.service == service]
        if len(mine) >= EACH:
            raise Refusal("LimitExceeded", f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {EACH}", 409)
        made = self.make(asking.account, user, service, asking.now, int(days) if days is not None else None)
        return {"ServiceSpecificCredential": {**made.row(asking.now), made.named[1]: made.secret}}

    def make(self, account: str, user: Any, service: str, now: datetime, days: int | None = None) -> Credential:
        """One more on moto's user."""
        born = now.replace(microsecond=0)
        made = Credential(
            id="ACCA" + "".join(self._random.choices(LETTERS, k=17)),
            account=account,
            user=user.name,
            unique_id=user.id,
            service=service,
            public=self._public(account, user, service),
            created=born,
            expires=born + timedelta(days=days) if days is not None else None,
            active=True,
            secret=self._secret(service),
        )
        held_by(user)[made.id] = made
        return made

    def _public(self, account: str, user: Any, service: str) -> str:
        if service in API_KEYS:
            return f"{user.name}-{self._random.randrange(10**6):06d}"
        taken = {c.public for c in held_by(user).values() if c.service == service}
        first = f"{user.name}-at-{account}"
        return f"{user.name}+1-at-{account}" if first in taken else first

    def _secret(self, service: str) -> str:
        secret = b64encode(self._random.randbytes(32)).decode()
        secret = f"ABSK{secret}" if service in API_KEYS else secret
        self._ever.append(secret)
        return secret

    def _list(self, asking: Asking) -> dict[str, Any]:
        service, everybody = asking.params.get("ServiceName"), bool(asking.params.get("AllUsers"))
        if everybody and asking.params.get("UserName"):
            raise Refusal("ValidationError", "AllUsers cannot be specified together with UserName")
        if service and service not in PASSWORDS and service not in API_KEYS:
            raise Refusal("NotSupportedService", f"{service} does not support service-specific credentials", 404)
        users = list(asking.iam.users.values()) if everybody else [_user(asking)]
        found = [c for user in users for c in held_by(user).values() if service in (None, c.service)]
        rows = [c.row(asking.now) for c in found]
        some, token = page(rows, asking, token="Marker", size="MaxItems", default=100, most=1000)
        if self.empty_first and rows and not asking.params.get("Marker"):
            some, token = [], f"{asking.operation}.0"
        return {"ServiceSpecificCredentials": some, "IsTruncated": token is not None, "Marker": token}

    def _update(self, asking: Asking) -> dict[str, Any]:
        user, found = _found(asking)
        held_by(user)[found.id] = replace(found, active=asking.params["Status"] == "Active")
        return {}

    def _delete(self, asking: Asking) -> dict[str, Any]:
        user, found = _found(asking)
        del held_by(user)[found.id]
        return {}

    def _reset(self, asking: Asking) -> dict[str, Any]:
        """The old password dies with the answer: there is no overlap."""
        user, found = _found(asking)
        new = held_by(user)[found.id] = replace(found, secret=self._secret(found.service))
        return {"ServiceSpecificCredential": {**new.row(asking.now), new.named[1]: new.secret}}

    # -- data plane ------------------------------------------------------------------------------------------------

    def use(self, used: Used) -> None:
        """`at` (the service), and `username` with `password`, or `key`."""
        service = used.form.get("at", "")
        name, given = used.form.get("username", ""), used.form.get("password") or used.form.get("key") or ""
        for account in used.accounts:
            held: tuple[Credential, ...] = used.obeyed(account).own.get(self.name) or ()
            for one in held:
                if one.service == service and one.secret == given and (service in API_KEYS or one.public == name):
                    if one.row(used.now)["Status"] != "Active":
                        raise unknown("the credential")
                    actions = {**PASSWORDS, **API_KEYS}[service]
                    admit(used, account, one.user, one.unique_id, one.id, actions)
                    return
        raise unknown("the credential")

    # -- the demo --------------------------------------------------------------------------------------------------

    def seed(self, scene: Scene) -> Sequence[Door]:
        """A Git password and a Bedrock API key that never expires, both stolen."""
        world, knock = scene.world, scene.burglar.knock
        enrol(scene)
        user = world.moto.iam(world.account).users[scene.user]
        with world.earlier(timedelta(days=300)):
            born = world.vendor_now()
        git = self.make(world.account, user, "codecommit.amazonaws.com", born)
        key = self.make(world.account, user, "bedrock.amazonaws.com", born)

        def clone() -> None:
            knock(self.name, at=git.service, username=git.public, password=git.secret)

        def ask_model() -> None:
            knock(self.name, at=key.service, key=key.secret)

        access = "aws:service-credential/"
        return (
            StolenDoor("aws/git-credential", "git-credential", "a password for Git", access + git.id, clone),
            StolenDoor("aws/bedrock-api-key", "bedrock-api-key", "an API key of Bedrock", access + key.id, ask_model),
        )


def held_by(user: Any) -> dict[str, Credential]:
    """Of one of moto's users, by id."""
    if not hasattr(user, KEPT):
        setattr(user, KEPT, {})
    found: dict[str, Credential] = getattr(user, KEPT)
    return found


def _user_name(asking: Asking) -> str:
    """Without a name it is the caller's own user (AWS docs: API_ListServiceSpecificCredentials)."""
    own = asking.caller.governs
    return str(asking.params.get("UserName") or (own.name if isinstance(own, User) else ""))


def _user(asking: Asking) -> Any:
    name = _user_name(asking)
    user = asking.iam.users.get(name)
    if user is None:
        raise Refusal("NoSuchEntity", f"The user with name {name} cannot be found.", 404)
    return user


def _found(asking: Asking) -> tuple[Any, Credential]:
    user, wanted = _user(asking), str(asking.params["ServiceSpecificCredentialId"])
    found = held_by(user).get(wanted)
    if found is None:
        raise Refusal("NoSuchEntity", f"No such credential {wanted} exists.", 404)
    return user, found
