"""AWS Sign-In: the console's password login, and the refresh that `aws login` lives on (AWS docs: signin API).

The console has no API: `POST /_signin/console` stands for its login page.
"""

from __future__ import annotations

import hmac
import string
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.judge import judged
from nhi_revoke_aws.sandbox.session import Session, SessionBook
from nhi_revoke_aws.sandbox.state import History, User

CONSOLE = 12 * 3600
LOGIN_CREDENTIALS = 900
LOGIN_CHAIN = timedelta(hours=12)
CREATE_TOKEN = "signin:CreateOAuth2Token"
CONSOLE_PATH = "/_signin/console"
REFUSED = Refusal("AccessDenied", "Your authentication information is incorrect. Please try again.", 403)


@dataclass(frozen=True)
class Login:
    """One `aws login`: its refresh token mints 15-minute credentials until 12 hours after it began."""

    account: str
    user: str
    unique_id: str
    began: datetime
    token: str = field(repr=False)


class SignIn:
    def __init__(self, history: History, sessions: SessionBook, partition: str, random: Random) -> None:
        self._history = history
        self._sessions = sessions
        self._partition = partition
        self._random = random
        self._logins: dict[str, Login] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        with self._lock:
            self._logins.clear()

    def secrets(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._logins)

    def console(self, account: str, user: str, password: str, now: datetime, vendor_now: datetime) -> Session:
        """A console session. Raises Refusal without a login profile of that password."""
        found = self._history.obeyed(account, now).users.get(user)
        if found is None or found.password is None or not hmac.compare_digest(found.password, password):
            raise REFUSED
        return self._mint("ConsoleLogin", account, found, vendor_now, CONSOLE)

    def login(self, account: str, user: str, now: datetime, vendor_now: datetime) -> Login:
        """`aws login`, finished in the browser. Raises Refusal for an unknown user."""
        found = self._history.obeyed(account, now).users.get(user)
        if found is None:
            raise REFUSED
        token = "ASOR" + "".join(self._random.choices(string.ascii_letters + string.digits, k=200))
        login = Login(account, user, found.id, vendor_now, token)
        with self._lock:
            self._logins[token] = login
        return login

    def create_token(self, asked: Asked, now: datetime, vendor_now: datetime) -> tuple[Caller, Session, dict[str, Any]]:
        """signin:CreateOAuth2Token with a refresh token. Raises Refusal.

        Only the policies of the user can stop it: a deny by issue time does not (inferred: each token it mints has a
        later one), a deny of the action does.
        """
        with self._lock:
            login = self._logins.get(str(asked.params.get("refreshToken", "")))
        if asked.params.get("grantType") != "refresh_token" or login is None:
            raise Refusal("AccessDenied", "The refresh token is not valid", 403)
        user = self._history.obeyed(login.account, now).users.get(login.user)
        if user is None or user.id != login.unique_id or vendor_now >= login.began + LOGIN_CHAIN:
            raise Refusal("AccessDenied", "The refresh token has expired", 403)
        caller = Caller(login.account, self._partition, "", user)
        decision = judged(caller, CREATE_TOKEN, "*", caller.context(vendor_now))
        if not decision.allowed:
            raise Refusal("AccessDenied", f"User: {user.arn} is not authorized to perform: {CREATE_TOKEN}", 403)
        session = self._mint("CreateOAuth2Token", login.account, user, vendor_now, LOGIN_CREDENTIALS)
        result = {
            "accessToken": {
                "accessKeyId": session.id,
                "secretAccessKey": session.secret,
                "sessionToken": session.token,
            },
            "tokenType": "aws_sigv4",
            "expiresIn": LOGIN_CREDENTIALS,
            "refreshToken": login.token,
        }
        return caller, session, result

    def _mint(self, via: Any, account: str, user: User, at: datetime, seconds: int) -> Session:
        return self._sessions.mint(
            account=account,
            via=via,
            name=user.name,
            unique_id=user.id,
            session_name="",
            at=at,
            seconds=seconds,
            parent="",
        )
