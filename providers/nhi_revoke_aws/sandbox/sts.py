"""The Security Token Service: real temporary credentials, which moto does not hand out (AWS docs: STS API)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nhi_revoke_aws.sandbox import judge
from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.policy import Malformed, Statement, parse
from nhi_revoke_aws.sandbox.session import Session, SessionBook
from nhi_revoke_aws.sandbox.state import History, Role
from nhi_revoke_aws.sandbox.trust import trusted

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
ROLE_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):iam::(?P<account>\d{12}):role(?P<path>/(.+/)?)(?P<name>[^/]+)")
SHORTEST = 900
LONGEST_SESSION = 129_600
CHAINED = 3600


@dataclass(frozen=True)
class Minted:
    """What an STS call gave: the result, and what CloudTrail keeps of it."""

    result: dict[str, Any]
    session: Session | None = None
    role: Role | None = None
    account: str = ""
    """Account of the role, for the record that its owner sees."""


class Sts:
    def __init__(self, history: History, sessions: SessionBook, partition: str) -> None:
        self._history = history
        self._sessions = sessions
        self._partition = partition
        self._operations: dict[str, Callable[[Caller, Asked, datetime, datetime], Minted]] = {
            "GetCallerIdentity": self._identity,
            "GetSessionToken": self._session_token,
            "GetFederationToken": self._federation_token,
            "AssumeRole": self._assume_role,
            "GetAccessKeyInfo": self._key_info,
        }

    def knows(self, operation: str) -> bool:
        return operation in self._operations

    def do(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        """Raises Refusal. `now` counts the lag, `vendor_now` is written into what is minted."""
        return self._operations[asked.operation](caller, asked, now, vendor_now)

    def _identity(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        return Minted({"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn})

    def _key_info(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        judge.require(caller, asked, "*", vendor_now)
        key_id = str(asked.params.get("AccessKeyId", ""))
        session = self._sessions.get(key_id)
        if session is not None:
            return Minted({"Account": session.account})
        for account in self._history.accounts():
            if key_id in self._history.recorded(account).keys:
                return Minted({"Account": account})
        raise Refusal("ValidationError", "Access key id is not valid")

    def _session_token(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        self._long_term_only(caller, asked)
        seconds = _seconds(asked, 43_200, LONGEST_SESSION)
        session = self._mint(caller, "GetSessionToken", vendor_now, seconds, None, "")
        return Minted({"Credentials": credentials(session)}, session)

    def _federation_token(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        self._long_term_only(caller, asked)
        name = str(asked.params.get("Name", ""))
        if not 2 <= len(name) <= 32:
            raise Refusal("ValidationError", "Name must have 2 to 32 characters")
        arn = f"arn:{self._partition}:sts::{caller.account}:federated-user/{name}"
        judge.require(caller, asked, arn, vendor_now)
        seconds = _seconds(asked, 43_200, LONGEST_SESSION)
        session = self._mint(caller, "GetFederationToken", vendor_now, seconds, _session_policy(asked), name)
        user = {"FederatedUserId": f"{caller.account}:{name}", "Arn": arn}
        return Minted({"Credentials": credentials(session), "FederatedUser": user, "PackedPolicySize": 6}, session)

    def _assume_role(self, caller: Caller, asked: Asked, now: datetime, vendor_now: datetime) -> Minted:
        arn = str(asked.params.get("RoleArn", ""))
        name = str(asked.params.get("RoleSessionName", ""))
        if not 2 <= len(name) <= 64:
            raise Refusal("ValidationError", "RoleSessionName must have 2 to 64 characters")
        if caller.root:
            raise Refusal("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        if judge.outside_session(caller, asked):
            raise judge.denied(caller, asked.permission, arn, "no session policy allows it")
        role, account = self._role(arn, now)
        self._may_assume(caller, asked, role, account, vendor_now)
        assert role is not None
        chained = caller.session is not None and caller.session.is_role
        session = self._sessions.mint(
            account=account,
            via="AssumeRole",
            name=role.name,
            unique_id=role.id,
            session_name=name,
            at=vendor_now,
            seconds=_seconds(asked, CHAINED, CHAINED if chained else role.max_session, chained=chained),
            parent=caller.key_id,
            policy=_session_policy(asked),
            source_identity=str(asked.params.get("SourceIdentity", "")) or _inherited(caller),
        )
        user = {"AssumedRoleId": f"{role.id}:{name}", "Arn": session.arn(self._partition)}
        result = {"Credentials": credentials(session), "AssumedRoleUser": user, "PackedPolicySize": 6}
        return Minted(result, session, role, account)

    def _role(self, arn: str, now: datetime) -> tuple[Role | None, str]:
        hit = ROLE_ARN.fullmatch(arn)
        if hit is None or hit["partition"] != self._partition:
            raise Refusal("ValidationError", f"{arn} is invalid")
        role = self._history.obeyed(hit["account"], now).roles.get(hit["name"])
        return (role if role is not None and role.arn == arn else None), hit["account"]

    def _may_assume(self, caller: Caller, asked: Asked, role: Role | None, account: str, now: datetime) -> None:
        arn = str(asked.params["RoleArn"])
        decision = judge.judged(caller, "sts:AssumeRole", arn, caller.context(now))
        if decision.effect == "explicitDeny":
            raise judge.refused(caller, "sts:AssumeRole", arn, decision)
        how = "no" if role is None else trusted(role, caller, {k: str(v) for k, v in asked.params.items()}, now)
        enough = how == "named" and account == caller.account
        if how == "no" or not (enough or decision.allowed):
            raise judge.denied(caller, "sts:AssumeRole", arn, "")

    def _long_term_only(self, caller: Caller, asked: Asked) -> None:
        if caller.session is not None or caller.root:
            raise Refusal("AccessDenied", f"Cannot call {asked.operation} with session credentials", 403)

    def _mint(
        self,
        caller: Caller,
        via: Any,
        at: datetime,
        seconds: int,
        policy: tuple[Statement, ...] | None,
        session_name: str,
    ) -> Session:
        assert caller.governs is not None
        return self._sessions.mint(
            account=caller.account,
            via=via,
            name=caller.governs.name,
            unique_id=caller.governs.id,
            session_name=session_name,
            at=at,
            seconds=seconds,
            parent=caller.key_id,
            policy=policy,
        )


def credentials(session: Session) -> dict[str, Any]:
    return {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }


def _inherited(caller: Caller) -> str:
    return caller.session.source_identity if caller.session else ""


def _seconds(asked: Asked, default: int, limit: int, *, chained: bool = False) -> int:
    seconds = asked.number("DurationSeconds", min(default, limit))
    if seconds < SHORTEST:
        raise Refusal("ValidationError", f"DurationSeconds must be at least {SHORTEST}")
    if seconds <= limit:
        return seconds
    if chained:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise Refusal("ValidationError", message)
    if asked.operation == "AssumeRole":
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise Refusal("ValidationError", message)
    raise Refusal("ValidationError", f"DurationSeconds must be at most {limit}")


def _session_policy(asked: Asked) -> tuple[Statement, ...] | None:
    document = asked.params.get("Policy")
    if not document:
        return None
    try:
        return parse(str(document))
    except Malformed as error:
        raise Refusal("MalformedPolicyDocument", str(error)) from error
