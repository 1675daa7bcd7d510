"""The parts of the sandbox, wired together: one clock, one state, one gate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.gate import Gate
from nhi_revoke_aws.sandbox.moto_world import MotoWorld
from nhi_revoke_aws.sandbox.own.all import services
from nhi_revoke_aws.sandbox.own.book import OwnBook
from nhi_revoke_aws.sandbox.session import Session, SessionBook
from nhi_revoke_aws.sandbox.state import History
from nhi_revoke_aws.sandbox.trail import Trail

HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class World:
    """Two accounts in one partition."""

    def __init__(self, clock: MovableClock, random: Random, account: str, other: str, partition: str) -> None:
        self.account = account
        self.other = other
        self.partition = partition
        self.region = HOME[partition]
        self.clock = clock
        self.skew = timedelta(0)
        self.sessions = SessionBook(random)
        self.history = History()
        self.trail = Trail(random, partition)
        self.own = OwnBook(services(random))
        self.moto = MotoWorld(partition, self.vendor_now, random, self.own)
        self.gate = Gate(
            self.moto, self.history, self.sessions, self.trail, self.now, self.vendor_now, random, self.own
        )
        self._ago = timedelta(0)
        self._secrets: set[str] = set()

    def open(self) -> None:
        """Raises RuntimeError when another AWS sandbox of this process is open."""
        self.moto.open()
        self.clear()

    def clear(self) -> None:
        """Two empty accounts, as new."""
        self.moto.reset()
        for book in (
            self.history, self.sessions, self.trail, self.gate.signin, self.gate.faults, self.gate.calls, self.own
        ):  # fmt: skip
            book.clear()
        self.gate.parties.stolen.clear()
        self.gate.parties.operator.clear()
        for account in (self.account, self.other):
            self.moto.equip(account)
        self.settle()

    # -- time ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The clock that tool and vendor share; it counts the lag."""
        return self.clock.now() - self._ago

    def vendor_now(self) -> datetime:
        """What the vendor's own clock shows: it may be wrong."""
        return self.now() + self.skew

    @contextmanager
    def earlier(self, ago: timedelta) -> Iterator[None]:
        """For setting up: what is done inside was done that long ago."""
        self._ago = ago
        try:
            yield
        finally:
            self._ago = timedelta(0)

    # -- state -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """What stands in the accounts now is obeyed at once: for setting up, past the lag."""
        for account in (self.account, self.other):
            self.history.record(self.now(), self.moto.snapshot(account))
        self.history.settle()

    def changed(self, account: str) -> None:
        """Somebody wrote past the gate: obeyed after the lag, like every write."""
        self.history.record(self.now(), self.moto.snapshot(account))

    def user_caller(self, account: str, name: str, key_id: str) -> Caller:
        return Caller(account, self.partition, key_id, self.history.recorded(account).users[name])

    def session_caller(self, session: Session) -> Caller:
        state = self.history.recorded(session.account)
        governs = state.roles[session.name] if session.is_role else state.users[session.name]
        return Caller(session.account, self.partition, session.id, governs, session)

    # -- secrets ---------------------------------------------------------------------------------------------------

    def remember(self, secret: str) -> str:
        """A secret that must appear nowhere."""
        self._secrets.add(secret)
        return secret

    def secrets(self) -> tuple[str, ...]:
        """Every secret there is or ever was, deleted ones too."""
        for account in self.history.accounts():
            for state in self.history.ever(account):
                self._secrets.update(key.secret for key in state.keys.values())
                self._secrets.update(user.password for user in state.users.values() if user.password)
        for session in self.sessions.all():
            self._secrets.update((session.secret, session.token))
        self._secrets.update(self.gate.signin.secrets())
        self._secrets.update(self.own.secrets())
        return tuple(sorted(self._secrets))
