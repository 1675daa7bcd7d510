"""What one file of this folder offers: operations of one AWS service, its state, and how its credentials are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from nhi_revoke_aws.sandbox.answer import Refusal

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door
    from nhi_revoke_aws.sandbox.caller import Caller
    from nhi_revoke_aws.sandbox.doors import Burglar
    from nhi_revoke_aws.sandbox.seed import Loot
    from nhi_revoke_aws.sandbox.state import Account
    from nhi_revoke_aws.sandbox.world import World


class Asking(Struct, frozen=True):
    """One request to an own operation, read by the vendor's own service model."""

    operation: str
    params: dict[str, Any]
    caller: Caller
    region: str
    now: datetime
    """The vendor's clock, UTC."""
    iam: Any
    """moto's IAM backend of the account."""
    page_size: int
    """The most that a page may hold."""

    @property
    def account(self) -> str:
        return self.caller.account

    @property
    def partition(self) -> str:
        return self.caller.partition


Handler = Callable[[Asking], dict[str, Any]]
"""Gives the members of the operation's output structure, or raises Refusal with the vendor's code."""


class Used(Struct, frozen=True):
    """A credential of this service, used at its data plane (`POST /_use/SERVICE`)."""

    form: dict[str, str]
    obeyed: Callable[[str], Account]
    """What the data plane knows of an account: writes are obeyed after the lag only."""
    now: datetime
    """The vendor's clock, UTC."""
    accounts: tuple[str, ...]


class Scene(Struct, frozen=True):
    """What the demo's identity is made of, for whoever plants more on it."""

    world: World
    burglar: Burglar
    loot: Loot
    user: str
    """Name of the user."""
    worker: str
    """Name of the role."""


class OwnService:
    """One at a time in a sandbox; made anew with it."""

    model: ClassVar[str]
    """botocore's name of the service, for example `rolesanywhere`."""
    name: ClassVar[str]
    """Unique among the services here: several may share a model (`iam`)."""
    signed_as: ClassVar[str] = ""
    """Service in the credential scope of a signature, where it is another than the model's name."""
    prefix: ClassVar[str] = ""
    """Of its IAM actions, where it is another than the model's name."""

    def operations(self) -> Mapping[str, Handler]:
        """By AWS's own name."""
        return {}

    def permission(self, operation: str, params: Mapping[str, Any]) -> str:
        """The IAM action that an operation needs."""
        return f"{self.prefix or self.model}:{operation}"

    def mutates(self, operation: str) -> bool | None:
        """Whether it changes anything; None: as its name says."""
        return None

    def resource(self, asking: Asking) -> str:
        """ARN that policies are judged by."""
        return "*"

    def clear(self) -> None:
        """As new."""

    def snapshot(self, account: str, iam: Any) -> Any:
        """Its state in this account, unchangeable: what the data plane obeys after the lag. `iam`: moto's backend."""
        return None

    def use(self, used: Used) -> None:
        """A credential of this service is tried. Raises Refusal where the data plane does not take it."""
        raise Refusal("AccessDenied", "this service takes no credential of its own", 403)

    def secrets(self) -> Sequence[str]:
        """All that must appear nowhere."""
        return ()

    def seed(self, scene: Scene) -> Sequence[Door]:
        """What the demo's identity has of this, and the intruder's doors to it."""
        return ()

    def principals(self) -> Sequence[str]:
        """References that the demo's identity has besides, once this was seeded."""
        return ()

    def meddlings(self, scene: Scene) -> Mapping[str, Callable[[], None]]:
        """What the intruder can do here while the responder works."""
        return {}


def page(
    rows: Sequence[Any], asking: Asking, *, token: str, size: str, default: int, most: int
) -> tuple[list[Any], str | None]:
    """One page and the next token. `token` and `size`: names of the request's members. Raises Refusal for a token
    that this list did not give.
    """
    wanted = min(int(asking.params.get(size) or default), most, asking.page_size)
    mark = str(asking.params.get(token) or "")
    head, _, skip = mark.partition(".")
    if mark and (head != asking.operation or not skip.isdigit()):
        raise Refusal("ValidationException", f"Invalid {token}")
    start = int(skip or 0)
    more = start + wanted < len(rows)
    return list(rows[start : start + wanted]), f"{asking.operation}.{start + wanted}" if more else None
