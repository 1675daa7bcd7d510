"""Temporary credentials: minted by STS and sign-in, kept until they expire."""

from __future__ import annotations

import string
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from nhi_revoke_aws.sandbox.policy import Statement

Via = Literal["GetSessionToken", "GetFederationToken", "AssumeRole", "ConsoleLogin", "CreateOAuth2Token"]
KEY_LETTERS = string.ascii_uppercase + "234567"
SECRET_LETTERS = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True)
class Session:
    """One set of temporary credentials. Times are the vendor's, in whole seconds (measured: aws:TokenIssueTime)."""

    id: str
    account: str
    via: Via
    name: str
    """User or role that governs it."""
    unique_id: str
    """AIDA… or AROA… of that user or role: a re-created one of the same name does not govern it."""
    session_name: str
    issued: datetime
    expires: datetime
    parent: str
    """Key id it was minted with."""
    root: str
    """Key id at the head of the lineage."""
    secret: str = field(repr=False)
    token: str = field(repr=False)
    policy: tuple[Statement, ...] | None = None
    source_identity: str = ""

    @property
    def is_role(self) -> bool:
        return self.via == "AssumeRole"

    def arn(self, partition: str) -> str:
        """As GetCallerIdentity and CloudTrail show it; a role's path is not in it."""
        where = f"arn:{partition}:sts::{self.account}"
        if self.is_role:
            return f"{where}:assumed-role/{self.name}/{self.session_name}"
        return f"{where}:federated-user/{self.session_name}"


class SessionBook:
    """Every session ever minted. Randomness comes from outside, so that a test can set it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._all: dict[str, Session] = {}
        self._lock = threading.Lock()

    def mint(
        self,
        *,
        account: str,
        via: Via,
        name: str,
        unique_id: str,
        session_name: str,
        at: datetime,
        seconds: int,
        parent: str,
        policy: tuple[Statement, ...] | None = None,
        source_identity: str = "",
    ) -> Session:
        with self._lock:
            above = self._all.get(parent)
            issued = at.replace(microsecond=0)
            session = Session(
                id="ASIA" + "".join(self._random.choices(KEY_LETTERS, k=16)),
                account=account,
                via=via,
                name=name,
                unique_id=unique_id,
                session_name=session_name,
                issued=issued,
                expires=issued + timedelta(seconds=seconds),
                parent=parent,
                root=above.root if above else parent,
                secret=self.secret(),
                token="IQoJb3JpZ2luX2Vj" + b64encode(self._random.randbytes(180)).decode(),
                policy=policy,
                source_identity=source_identity,
            )
            self._all[session.id] = session
            return session

    def secret(self) -> str:
        return "".join(self._random.choices(SECRET_LETTERS, k=40))

    def get(self, key_id: str) -> Session | None:
        with self._lock:
            return self._all.get(key_id)

    def head(self, key_id: str) -> str:
        """The long-term key (or sign-in) at the head of this credential's lineage; itself where there is none."""
        session = self.get(key_id)
        return session.root if session else key_id

    def all(self) -> Iterator[Session]:
        with self._lock:
            return iter(tuple(self._all.values()))

    def clear(self) -> None:
        with self._lock:
            self._all.clear()
