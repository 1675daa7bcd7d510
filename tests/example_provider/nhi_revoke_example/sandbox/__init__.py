"""Example Cloud on loopback: seeded, with an intruder inside (nhi_revoke/provider/sandbox/contract.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke.provider.sandbox.contract import Call, Door, FaultName, Seeded
from nhi_revoke.provider.sandbox.control import PREFIX, ControlDoor
from nhi_revoke.provider.sandbox.server import LoopbackServer
from nhi_revoke_example.sandbox.cloud import LIFETIME, ORG, ExampleCloud, Session, Token
from nhi_revoke_example.sandbox.intruder import ExampleDoor
from nhi_revoke_example.sandbox.routes import OPERATOR, Routes

OPERATOR_TOKEN = "tok_operator.canary-operator-77d0"
MAP = """
[identity.payments-bot]
owner = "payments team"
principals = ["example:bot/Payments-Bot", "example:bot/ledger-bot"]
[[identity.payments-bot.deliver]]
from = "example:token"
principal = "example:bot/Payments-Bot"
to = "example-vault:payments"
[[identity.payments-bot.flush]]
use = "example-cache"
match = "payments-bot:*"
"""


class ExampleSandbox:
    """`payments-bot` has a live and a disabled token and may mint sessions on `ledger-bot` and `deploy-bot`.

    meddle: `new-token` (the intruder creates one on payments-bot), `lift-cutoff`, `enable-token` (takes back what was
    done to his token).
    """

    def __init__(self) -> None:
        self.cloud = ExampleCloud()
        self._routes = Routes(self.cloud, self.now, OPERATOR_TOKEN)
        self._server = LoopbackServer(ControlDoor(self, self._routes), self.now)
        self._clock: MovableClock | None = None
        self._skew = timedelta(0)
        self._client = httpx.Client(verify=False, trust_env=False)  # noqa: S501 - loopback without TLS
        self._doors: list[ExampleDoor] = []
        self._stolen: Token | None = None

    def start(self, clock: MovableClock) -> None:
        self._clock = clock
        self._server.start()

    def seed(self, folder: str) -> Seeded:
        """Writes nothing to `folder`: Example Cloud needs no files."""
        cloud, born = self.cloud, self.now() - timedelta(days=90)
        for name in ("payments-bot", "ledger-bot", "deploy-bot", "helper-bot", OPERATOR):
            cloud.add_bot(name, born)
        cloud.add_bot("example-billing", born, managed=True)
        for name, other in (
            ("ledger-bot", "payments-bot"), ("deploy-bot", "payments-bot"), ("payments-bot", "partner:sync-bot"),
        ):  # fmt: skip
            cloud.set_trust(name, other, True, born)
        old, live = (cloud.create_token("payments-bot", label, born) for label in ("old", "ci"))
        cloud.set_token("payments-bot", old.id, "disabled", born + timedelta(days=60))
        ledger = cloud.create_token("ledger-bot", "nightly", born)
        partner = cloud.create_token_elsewhere("partner:sync-bot", born)
        cloud.stolen |= {old.id, live.id, ledger.id, partner.id}
        cloud.cached += [f"payments-bot:{live.id}", f"ledger-bot:{ledger.id}"]
        cloud.vault["payments"] = {"current": [{"id": live.id, "token": live.secret, "by": "payments team"}]}
        self._stolen = live
        self._doors = [*self._key_doors(old, live, ledger, partner), *self._session_doors(live)]
        return Seeded("payments-bot", ("example:bot/payments-bot", "example:bot/ledger-bot"), MAP)

    def _key_doors(self, old: Token, live: Token, ledger: Token, partner: Token) -> Sequence[ExampleDoor]:
        planted = self.cloud.create_token("helper-bot", "backup", self.now() - timedelta(minutes=30), lag=0)
        self.cloud.stolen.add(planted.id)
        self.cloud.log("create-token", planted.id, live, "helper-bot", self.now() - timedelta(minutes=30))
        mint = "/bots/payments-bot/sessions"
        return [
            self._door("live", "live-token", "his copy of the live token", f"example:token/{live.id}", live),
            self._door("old", "disabled-token", "his copy of the disabled token", f"example:token/{old.id}", old),
            self._door("mint", "mint", "a new session with it", f"example:token/{live.id}", live, "POST", mint),
            self._door("ledger", "live-token", "the ledger's token", f"example:token/{ledger.id}", ledger),
            self._door("planted", "planted-token", "a token he made on a helper", "example:bot/helper-bot", planted),
            self._door(
                "partner", "foreign-trust", "a session through a partner's trust",
                f"example:trust/{ORG}/payments-bot/partner:sync-bot", partner, "POST", mint,
            ),
        ]  # fmt: skip

    def _session_doors(self, live: Token) -> Sequence[ExampleDoor]:
        cloud, now = self.cloud, self.now()
        first = cloud.mint_session(live, "payments-bot", now - timedelta(minutes=20))
        dead = cloud.mint_session(live, "payments-bot", now - LIFETIME - timedelta(minutes=5))
        chained = cloud.mint_session(first, "ledger-bot", now - timedelta(minutes=10))
        beyond = cloud.mint_session(first, "deploy-bot", now - timedelta(minutes=10))

        def late(bot: str) -> Callable[[], Sequence[tuple[str, str, str]]]:
            """What he minted since: each time a way of minting was about to close."""
            return lambda: [
                ("GET", f"{self._server.url}/v1/me", s.secret)
                for s in list(cloud.sessions.values())
                if s.bot == bot and s.id in cloud.hasty
            ]

        def standing(bot: str) -> str:
            return f"example:session/{ORG}/{bot}/*"

        says = "every session he minted while it was being closed"
        return [
            self._door("session", "session", "a session minted with the token", standing("payments-bot"), first),
            self._door(
                "expired",
                "expired-session",
                "a session that ran out",
                standing("payments-bot").replace("*", dead.id),
                dead,
            ),
            self._door("chained", "chained-session", "a session on the ledger bot", standing("ledger-bot"), chained),
            self._door("beyond", "lead-session", "a session on the deploy bot", "example:bot/deploy-bot", beyond),
            ExampleDoor("late", "minted-after", says, standing("payments-bot"), self._client, late("payments-bot")),
            ExampleDoor("late-chained", "minted-after", says, standing("ledger-bot"), self._client, late("ledger-bot")),
        ]

    def _door(
        self,
        name: str,
        kind: str,
        says: str,
        access: str,
        held: Token | Session,
        method: str = "GET",
        path: str = "/me",
    ) -> ExampleDoor:
        url, secret = f"{self._server.url}/v1{path}", held.secret
        return ExampleDoor(name, kind, says, access, self._client, lambda: [(method, url, secret)])

    def settings(self) -> dict[str, Any]:
        return {"url": self._server.url, "token": OPERATOR_TOKEN}

    @property
    def control(self) -> str:
        return self._server.url + PREFIX

    def doors(self) -> Sequence[Door]:
        return tuple(self._doors)

    def calls(self) -> Sequence[Call]:
        return self._routes.calls.all()

    def canaries(self) -> Sequence[str]:
        """Every secret there is by now."""
        with self.cloud.lock:
            held: list[Token | Session] = [*self.cloud.tokens.values(), *self.cloud.sessions.values()]
            return (OPERATOR_TOKEN, *(h.secret for h in held))

    def fault(self, call: str, fault: FaultName, times: int = 1, after: int = 0) -> None:
        self._routes.faults.add(call, fault, times, after)

    def pending(self) -> int:
        """Faults that have not come yet."""
        return self._routes.faults.pending()

    def allow_only(self, permissions: Sequence[str] | None) -> None:
        self._routes.permissions.allow_only(permissions)

    def page_size(self, size: int) -> None:
        self._routes.page = size

    def lag(self, writes: float, logs: float) -> None:
        self.cloud.write_lag, self.cloud.log_lag = writes, logs

    def skew(self, seconds: float) -> None:
        self._skew = timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        self._moving().advance(seconds)

    def now(self) -> datetime:
        """The vendor's clock."""
        return self._moving().now() + self._skew

    def _moving(self) -> MovableClock:
        if self._clock is None:
            raise RuntimeError("the sandbox is not started")
        return self._clock

    def meddle(self, what: str) -> None:
        assert self._stolen is not None
        with self.cloud.lock:
            if what == "new-token":
                old = next(t for t in self.cloud.tokens.values() if t.label == "old")
                self.cloud.delete_token("payments-bot", old.id, self.now())
                self.cloud.stolen.add(self.cloud.create_token("payments-bot", "ci-2", self.now()).id)
            elif what == "lift-cutoff":
                self.cloud.set_cutoff("payments-bot", "", "", self.now())
            elif what == "enable-token":
                self.cloud.set_token("payments-bot", self._stolen.id, "active", self.now())
            else:
                raise ValueError(f"the intruder does not know how to {what!r}")

    def close(self) -> None:
        errors = self._server.errors
        self._server.close()
        self._client.close()
        if errors:
            raise errors[0]
