"""Who asks: the signature is checked against what the data plane knows; Inactive keys are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nhi_revoke_aws.sandbox.answer import Refusal, iso
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.session import Session, SessionBook
from nhi_revoke_aws.sandbox.signature import signed_with
from nhi_revoke_aws.sandbox.state import Account, History, Role, User

UNKNOWN = Refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


@dataclass(frozen=True)
class Caller:
    account: str
    partition: str
    key_id: str
    governs: User | Role | None
    """Whose identity policies decide; None for the sandbox's own root."""
    session: Session | None = None

    @property
    def root(self) -> bool:
        return self.governs is None

    @property
    def arn(self) -> str:
        if self.governs is None:
            return f"arn:{self.partition}:iam::{self.account}:root"
        if self.session is not None and self.session.via in ("AssumeRole", "GetFederationToken"):
            return self.session.arn(self.partition)
        return self.governs.arn

    @property
    def user_id(self) -> str:
        if self.governs is None:
            return self.account
        if self.session is not None and self.session.is_role:
            return f"{self.governs.id}:{self.session.session_name}"
        if self.session is not None and self.session.via == "GetFederationToken":
            return f"{self.account}:{self.session.session_name}"
        return self.governs.id

    def context(self, now: datetime) -> dict[str, tuple[str, ...]]:
        """Condition keys of the request, in lower case. aws:TokenIssueTime only for temporary credentials."""
        found: dict[str, tuple[str, ...]] = {
            "aws:currenttime": (now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),),
            "aws:epochtime": (str(int(now.timestamp())),),
            "aws:userid": (self.user_id,),
            "aws:principalaccount": (self.account,),
            "aws:principalarn": (self.governs.arn if self.governs else self.arn,),
            "aws:principaltype": (self.kind,),
        }
        if isinstance(self.governs, User) and self.kind == "User":
            found["aws:username"] = (self.governs.name,)
        if self.session is not None:
            found["aws:tokenissuetime"] = (iso(self.session.issued),)
            found["aws:multifactorauthpresent"] = ("false",)
            if self.session.source_identity:
                found["aws:sourceidentity"] = (self.session.source_identity,)
        return found

    @property
    def kind(self) -> str:
        """As aws:PrincipalType has it."""
        if self.governs is None:
            return "Account"
        if isinstance(self.governs, Role):
            return "AssumedRole"
        return "FederatedUser" if self.session and self.session.via == "GetFederationToken" else "User"


class Authority:
    """Authentication. `root` is the sandbox's own credential, for setting up; it belongs to no principal."""

    def __init__(self, history: History, sessions: SessionBook, partition: str) -> None:
        self._history = history
        self._sessions = sessions
        self._partition = partition
        self.root: dict[str, tuple[str, str]] = {}
        """Key id -> (account, secret)."""

    def caller(self, asked: Asked, now: datetime, vendor_now: datetime) -> Caller:
        """Raises Refusal with the vendor's code. `now` counts the lag, `vendor_now` judges expiry."""
        if asked.signed is None:
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        key_id = asked.signed.key_id
        if key_id in self.root:
            account, secret = self.root[key_id]
            return self._checked(asked, secret, Caller(account, self._partition, key_id, None))
        session = self._sessions.get(key_id)
        if session is not None:
            return self._session(asked, session, self._history.obeyed(session.account, now), vendor_now)
        if asked.token:
            raise UNKNOWN
        for account in self._history.accounts():
            state = self._history.obeyed(account, now)
            if key_id in state.keys:
                return self._long_term(asked, state)
        raise UNKNOWN

    def _long_term(self, asked: Asked, state: Account) -> Caller:
        assert asked.signed is not None
        key = state.keys[asked.signed.key_id]
        caller = Caller(state.id, self._partition, key.id, state.users[key.user])
        self._checked(asked, key.secret, caller)
        if not key.active:
            raise UNKNOWN
        return caller

    def _session(self, asked: Asked, session: Session, state: Account, vendor_now: datetime) -> Caller:
        if asked.token != session.token:
            raise UNKNOWN
        governs: User | Role | None = (state.roles if session.is_role else state.users).get(session.name)
        if governs is None or governs.id != session.unique_id:
            raise UNKNOWN
        caller = self._checked(asked, session.secret, Caller(state.id, self._partition, session.id, governs, session))
        if session.expires <= vendor_now:
            raise Refusal("ExpiredToken", "The security token included in the request is expired", 403)
        return caller

    @staticmethod
    def _checked(asked: Asked, secret: str, caller: Caller) -> Caller:
        if not signed_with(asked, secret):
            message = "The request signature we calculated does not match the signature you provided."
            raise Refusal("SignatureDoesNotMatch", message, 403)
        return caller
