"""One login at one AWS account. Every request of this provider goes through `AwsConnection.call`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.counting import ask_counted
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Unauthenticated
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.together import Looks, Together
from nhi_revoke.provider.vendor_clock import VendorClock
from nhi_revoke_aws.calls import STILL_EXPIRED, fault_of, permission, reads
from nhi_revoke_aws.login import SESSION_NAME, Keys, Login
from nhi_revoke_aws.naming import Arn, canonical, parse_arn, signed_in_as
from nhi_revoke_aws.regions import Regions, enabled
from nhi_revoke_aws.settings import AwsSettings

T = TypeVar("T")
LONG_ENOUGH = 3600
"""Seconds that an assumed role is asked for; it is renewed when it runs out."""


class Caller(Struct, frozen=True):
    """Who AWS says that one credential is."""

    arn: str
    account: str
    unique_id: str


class AwsConnection:
    """Thread-safe. The first call logs in."""

    def __init__(self, scope: str, settings: AwsSettings, io: Io) -> None:
        self.settings = settings
        self.io = io
        self._asked_scope = scope
        listed = settings.account(scope)
        self._login = Login(settings, listed.profile if listed else "", io)
        # One lock each: who waits for a throttled answer must not hold up another's.
        self._caller_lock = threading.Lock()
        self._base_lock, self._role_lock, self._owner_lock = threading.Lock(), threading.Lock(), threading.Lock()
        self._region_lock, self._memory_lock = threading.Lock(), threading.RLock()
        self._memory: dict[str, Any] = {}
        self._regions: Regions | None = None
        self._clock = VendorClock(io.now)
        self._caller: Caller | None = None
        self._base: Caller | None = None
        self._assumed: Keys | None = None
        self._owners: dict[str, str] = {}
        self.together: Together[Any] = Together()
        self.walks: Looks[Any] = Looks()
        """Through CloudTrail."""
        self._last_change = object()

    # -- who and when ----------------------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The account; empty until it is known."""
        return self._caller.account if self._caller else self._asked_scope

    def now(self) -> datetime:
        """AWS's clock: this machine's, corrected by the Date headers of the answers."""
        return self._clock.now()

    def region(self) -> str:
        """Where regional services are asked. Raises Unauthenticated for an unknown profile."""
        return str(self._own("sts", "GetCallerIdentity", self._login.region))

    def regions(self) -> Regions:
        """Where regional services are read: asked once. Raises Unauthenticated."""
        with self._region_lock:
            if self._regions is None:
                self._regions = enabled(self)
            return self._regions

    def caller(self) -> Caller:
        """Who this connection acts as: asked once. Raises Unauthenticated."""
        with self._caller_lock:
            if self._caller is None:
                self._caller = self._identify(self._keys())
            return self._caller

    def account(self) -> str:
        """Raises Unauthenticated where these credentials are for another account than the plan's."""
        caller = self.caller()
        if self._asked_scope not in ("", caller.account):
            raise Unauthenticated(
                f"the operator's credentials are for account {caller.account}, not for {self._asked_scope}: "
                "nothing was changed there",
                hint=f'Add to nhi.toml:  [[aws.accounts]]  id = "{self._asked_scope}"  with assume_role or profile.',
            )
        return caller.account

    def own(self) -> bool:
        """Whether this is the operator's own account, where addresses lead that name none. Raises Unauthenticated."""
        listed = self.settings.account(self._asked_scope)
        if listed and listed.profile and listed.profile != self.settings.profile:
            return False  # another login, whose account alone does not tell
        return not self._asked_scope or self._base_caller().account == self.account()

    def whoami(self) -> Sequence[PrincipalRef]:
        """The operator's whole chain: what it is, what it assumed, the profile's roles, what it all started from."""
        first: list[Any] = [self.caller]
        roles, sources = self._own("sts", "GetCallerIdentity", self._login.chain)
        if self.settings.role_in(self._asked_scope):
            first.append(self._base_caller)
        first += [partial(self._identify, keys) for keys in sources]
        callers: Sequence[Caller] = self.io.map(lambda ask: ask(), first)
        arns = dict.fromkeys([c.arn for c in callers] + list(roles))
        people = [who for arn in arns if (who := signed_in_as(arn))]
        return tuple(dict.fromkeys([*(canonical(arn) for arn in self.io.map(self._role_behind, arns)), *people]))

    def _role_behind(self, arn: str) -> str:
        """The role of an assumed-role ARN, which does not tell the role's path."""
        known = parse_arn(arn)
        if known is None or known.kind != "assumed-role":
            return arn
        if self._caller and known.account == self._caller.account:
            try:
                return str(self.call("iam", "GetRole", RoleName=known.name)["Role"]["Arn"])
            except (Denied, Missing):
                pass  # whoever may not read roles resolves none either: there is no plan to guard against
        return str(Arn(known.partition, known.account, "role", "/", known.name))

    # -- asking ----------------------------------------------------------------------------------------------------

    def call(
        self,
        service: str,
        operation: str,
        /,
        *,
        region: str = "",
        repeatable: bool | None = None,
        turn: Callable[[], None] | None = None,
        **params: Any,
    ) -> dict[str, Any]:
        """One API operation by AWS's own name. Raises the faults of the contract. `turn`: waits for it, before each
        try: whoever asks again takes no other's.

        Reads and writes that may happen twice are repeated by the engine; a `Create…` never blindly. Who reads what is
        being read already hears the same answer, which nobody may write into, unless this connection has changed
        anything since: whoever looks at what it did looks by a request that began after it.
        """
        again = repeatable if repeatable is not None else not operation.startswith("Create")

        def attempt() -> dict[str, Any]:
            keys = self._keys()
            if turn is not None:
                turn()
            return self._ask(service, operation, region, params, keys)

        def ask() -> dict[str, Any]:
            return ask_counted(self.io, attempt, repeatable=again)

        if reads(operation):
            same = (service, operation, region, repr(sorted(params.items())), self._last_change)
            answer: dict[str, Any] = self.together.once(same, ask)
            return answer
        self.account()
        try:
            return ask()
        finally:  # refused or unanswered, too: it may have happened
            self._last_change = object()

    def pages(self, service: str, operation: str, field: str, **params: Any) -> Iterator[Any]:
        """Every row of a paged IAM listing. A page may be empty and yet not the last."""
        marker: dict[str, Any] = {}
        while True:
            page = self.call(service, operation, **params, **marker)
            yield from page.get(field) or ()
            if not page.get("IsTruncated"):
                return
            if not page.get("Marker"):
                raise Rejected(f"{permission(service, operation)}: AWS cut the list short and gave no marker")
            marker = {"Marker": str(page["Marker"])}

    def entity(self, kind: Literal["user", "role"], name: str) -> dict[str, Any]:
        """A user or role as iam:GetUser or iam:GetRole tells it: many kinds of access need it in the same wave. Raises
        Missing, Denied.
        """
        word = kind.capitalize()
        named: dict[str, Any] = {f"{word}Name": name}
        found: dict[str, Any] = self.call("iam", f"Get{word}", **named)[word]
        return found

    def identify(self, key_id: str, secret: str, token: str = "") -> Caller:
        """Who AWS says that an explicit credential is, by a client of its own: never the default chain.

        Raises Unauthenticated with the vendor's code where it is refused.
        """
        return self._identify(Keys(key_id, secret, token), kept=False)

    def owner_of_key(self, key_id: str) -> str:
        """The user that an access key belongs to. Raises Missing, Denied."""
        with self._owner_lock:
            if key_id not in self._owners:
                found = self.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_id)
                self._owners[key_id] = str(found.get("UserName") or "")
            return self._owners[key_id]

    def remembered(self, what: str, ask: Callable[[], T]) -> T:
        """What is once and for all, asked once: all kinds of access want it of one key id. A fault is asked again."""
        with self._memory_lock:
            if what not in self._memory:
                self._memory[what] = ask()
            found: T = self._memory[what]
            return found

    # -- inside ----------------------------------------------------------------------------------------------------

    def _ask(
        self, service: str, operation: str, region: str, params: dict[str, Any], keys: Keys | None, *, kept: bool = True
    ) -> dict[str, Any]:
        def send() -> dict[str, Any]:
            from botocore import xform_name

            if kept:
                client = self._login.client(service, region, keys)
            else:
                client = self._login.fresh_client(service, region or self._login.region(), keys)
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**params)
            self._learn_clock(answer)
            return answer

        return self._own(service, operation, send, params)

    def _own(self, service: str, operation: str, do: Callable[[], T], params: dict[str, Any] | None = None) -> T:
        """Runs what touches botocore, and tells its exceptions in the contract's words."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return do()
        except (BotoCoreError, ClientError, ResponseParserError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and STILL_EXPIRED not in str(error):
                raise
            self._learn_clock(getattr(error, "response", None))
            fault: Fault = fault_of(error, service, operation, params or {})
        raise fault  # outside the handler: the vendor's own text may quote a token

    def _learn_clock(self, answer: Any) -> None:
        headers = ((answer or {}).get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
        self._clock.learn(str(headers.get("date", "")))

    def _identify(self, keys: Keys | None, *, kept: bool = True) -> Caller:
        def ask() -> dict[str, Any]:
            return self._ask("sts", "GetCallerIdentity", "", {}, keys, kept=kept)

        found = ask_counted(self.io, ask, repeatable=True)
        return Caller(str(found["Arn"]), str(found["Account"]), str(found["UserId"]))

    def _base_caller(self) -> Caller:
        with self._base_lock:
            if self._base is None:
                self._base = self._identify(None)
            return self._base

    def _keys(self) -> Keys | None:
        """The role assumed for this account, renewed before it expires; None: the operator's own credentials."""
        role = self.settings.role_in(self._asked_scope)
        if not role:
            return None
        listed = self.settings.account(self._asked_scope)
        by_template = not (listed and listed.assume_role)
        if by_template and self._base_caller().account == self._asked_scope:
            return None  # the operator's own account needs no role
        with self._role_lock:
            if self._assumed is None or not self._assumed.fresh(self.now()):
                if self._assumed:
                    self._login.forget(self._assumed)
                self._assumed = self._assume(role)
            return self._assumed

    def _assume(self, role: str) -> Keys:
        params: dict[str, Any] = {"RoleArn": role, "RoleSessionName": SESSION_NAME, "DurationSeconds": LONG_ENOUGH}
        if self.settings.external_id:
            params["ExternalId"] = self.settings.external_id
        try:
            told = ask_counted(self.io, lambda: self._ask("sts", "AssumeRole", "", params, None), repeatable=True)
        except (Denied, Missing, Rejected) as fault:
            raise Unauthenticated(
                f"the operator cannot assume {role}: nothing of account {self._asked_scope} was looked at "
                f"({fault.message})",
                code=fault.code,
                hint="Check [[aws.accounts]] in nhi.toml, the role's trust policy and external_id.",
            ) from None
        got = told["Credentials"]
        return Keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], got["Expiration"])
