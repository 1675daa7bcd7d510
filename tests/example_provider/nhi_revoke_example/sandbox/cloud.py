"""Example Cloud itself: bots, tokens, sessions, trusts, a vault and a gateway's cache. State and rules, no HTTP.

Rules: a disabled token neither signs in nor mints; sessions live an hour, whatever becomes of the token; a session
issued before the bot's cut-off is refused (strictly before); a token, or a session of a trusted bot, mints sessions;
a session never mints for its own bot. Writes are shown at once and obeyed after the lag.

The intruder is as fast as the vendor lets anybody be: whenever a write takes a way of minting from him, he has minted
one last session through it, a millisecond before the write was obeyed.
"""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged

LIFETIME = timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)
ORG = "org-1"


class Refusal(Exception):
    """An error answer: its status and the vendor's word for it."""

    def __init__(self, status: int, error: str, needs: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.needs = status, error, needs


class Token:
    def __init__(self, number: int, bot: str, label: str, at: datetime, state: Lagged[str]) -> None:
        self.id = f"tok_{number:04}"
        self.secret = f"{self.id}.canary-token-{number:04}-8c1f"
        self.bot, self.label, self.created, self.state = bot, label, at, state


class Session:
    def __init__(self, number: int, bot: str, issued: datetime) -> None:
        self.id = f"ses_{number:04}"
        self.secret = f"{self.id}.canary-session-{number:04}-51aa"
        self.bot, self.issued = bot, issued


class Bot:
    def __init__(self, number: int, name: str, at: datetime, *, managed: bool = False) -> None:
        self.id = f"bot_{number:04}"
        self.name, self.managed = name, managed
        self.cutoff: Lagged[tuple[str, str]] = Lagged(("", ""), at)
        self.trusts: dict[str, Lagged[bool]] = {}


class ExampleCloud:
    """One organisation. Every public method is one request, already signed in and permitted."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.bots: dict[str, Bot] = {}
        self.tokens: dict[str, Token] = {}
        self.sessions: dict[str, Session] = {}
        self.stolen: set[str] = set()
        """Ids of what the intruder holds."""
        self.hasty: set[str] = set()
        """Ids of the sessions that he minted in the last moment."""
        self.events: list[dict[str, Any]] = []
        self.vault: dict[str, dict[str, list[dict[str, str]]]] = {}
        self.cached: list[str] = []
        self.write_lag = 3.0
        self.log_lag = 20.0
        self._numbers = itertools.count(1)

    # -- who is it -------------------------------------------------------------------------------------------------

    def sign_in(self, secret: str, now: datetime) -> Token | Session:
        for token in self.tokens.values():
            if token.secret == secret and token.state.obeyed(now) == "active":
                return token
        for session in self.sessions.values():
            if session.secret == secret and self.alive(session, now):
                return session
        raise Refusal(401, "not-signed-in")

    def alive(self, session: Session, now: datetime) -> bool:
        cutoff, _ = self.bots[session.bot].cutoff.obeyed(now)
        born_after = not cutoff or session.issued >= datetime.fromisoformat(cutoff)
        return session.issued <= now < session.issued + LIFETIME and born_after

    def bot(self, name: str) -> Bot:
        for bot in self.bots.values():
            if name.lower() == bot.name or name == bot.id:
                return bot
        raise Refusal(404, "no-such-bot")

    # -- bots and trusts -------------------------------------------------------------------------------------------

    def add_bot(self, name: str, now: datetime, *, managed: bool = False) -> Bot:
        self.bots[name] = Bot(next(self._numbers), name, now, managed=managed)
        return self.bots[name]

    def trusts(self, name: str) -> list[dict[str, Any]]:
        return [{"bot": other} for other, there in self.bot(name).trusts.items() if there.shown]

    def reach(self, name: str) -> list[dict[str, Any]]:
        me = self.bot(name).name
        return [{"bot": b.name} for b in self.bots.values() if me in b.trusts and b.trusts[me].shown]

    def set_trust(self, name: str, other: str, there: bool, now: datetime) -> None:
        trusts = self.bot(name).trusts
        if not there and (other not in trusts or not trusts[other].shown):
            raise Refusal(404, "no-such-trust")
        trusts.setdefault(other, Lagged(False, now)).set(there, now, self.write_lag)

    # -- tokens ----------------------------------------------------------------------------------------------------

    def create_token(self, name: str, label: str, now: datetime, lag: float | None = None) -> Token:
        bot = self.bot(name)
        if len([t for t in self.tokens.values() if t.bot == bot.name]) >= 2:
            raise Refusal(400, "two-tokens-at-most")
        state = Lagged("absent", now)
        state.set("active", now, self.write_lag if lag is None else lag)
        token = Token(next(self._numbers), bot.name, label, now, state)
        self.tokens[token.id] = token
        return token

    def create_token_elsewhere(self, bot: str, now: datetime) -> Token:
        """A token of another organisation's bot: nothing here can end it."""
        token = Token(next(self._numbers), bot, "theirs", now, Lagged("active", now))
        self.tokens[token.id] = token
        return token

    def tokens_of(self, name: str) -> list[dict[str, Any]]:
        bot = self.bot(name)
        return [
            {"id": t.id, "state": t.state.shown, "label": t.label, "created": t.created.isoformat()}
            for t in self.tokens.values()
            if t.bot == bot.name
        ]

    def set_token(self, name: str, token_id: str, state: str, now: datetime) -> str:
        token = self._token(name, token_id)
        was = token.state.shown
        if was != state:
            effective = token.state.set(state, now, self.write_lag)
            if state == "disabled" and token.id in self.stolen:
                self._last_moment(token, effective)
        return was

    def delete_token(self, name: str, token_id: str, now: datetime) -> None:
        token = self._token(name, token_id)
        if token.state.obeyed(now) == "active" and token.id in self.stolen:
            self._last_moment(token, now + MOMENT)
        del self.tokens[token_id]

    def _token(self, name: str, token_id: str) -> Token:
        bot = self.bot(name)
        if token_id not in self.tokens or self.tokens[token_id].bot != bot.name:
            raise Refusal(404, "no-such-token")
        return self.tokens[token_id]

    # -- sessions --------------------------------------------------------------------------------------------------

    def mint_session(self, minter: Token | Session, name: str, now: datetime) -> Session:
        bot = self.bot(name)
        itself = minter.bot == bot.name
        if itself and isinstance(minter, Session):
            raise Refusal(403, "a-session-never-mints-for-its-own-bot")
        if not itself and not (minter.bot in bot.trusts and bot.trusts[minter.bot].obeyed(now)):
            raise Refusal(403, "not-trusted")
        session = Session(next(self._numbers), bot.name, now)
        self.sessions[session.id] = session
        if minter.id in self.stolen:
            self.stolen.add(session.id)
        self.log("mint-session", session.id, minter, bot.name, now)
        return session

    def cutoff(self, name: str) -> dict[str, Any]:
        cutoff, by = self.bot(name).cutoff.shown
        return {"cutoff": cutoff, "by": by}

    def set_cutoff(self, name: str, cutoff: str, by: str, now: datetime) -> None:
        bot = self.bot(name)
        effective = bot.cutoff.set((cutoff, by), now, self.write_lag)
        held = [s for s in self.sessions.values() if s.bot == bot.name and s.id in self.stolen]
        last = next((s for s in held if self.alive(s, effective - MOMENT)), None)
        if last is not None:
            self._last_moment(last, effective)

    def _last_moment(self, minter: Token | Session, effective: datetime) -> None:
        """The intruder mints everywhere he can, just before the door closes."""
        at = effective - MOMENT
        for bot in list(self.bots.values()):
            if (bot.name == minter.bot and isinstance(minter, Token)) or minter.bot in bot.trusts:
                try:
                    self.hasty.add(self.mint_session(minter, bot.name, at).id)
                except Refusal:
                    continue

    # -- events, vault, gateway ------------------------------------------------------------------------------------

    def log(self, what: str, made: str, by: Token | Session, on: str, at: datetime) -> None:
        event = {"what": what, "id": made, "with": by.id, "by": by.bot, "bot": on, "at": at.astimezone(UTC).isoformat()}
        self.events.append(event)

    def events_by(self, name: str, since: datetime, now: datetime) -> list[dict[str, Any]]:
        until = now - timedelta(seconds=self.log_lag)
        wanted = [e for e in self.events if e["by"] == self.bot(name).name]
        return [e for e in wanted if since <= datetime.fromisoformat(e["at"]) <= until]

    def held(self, entry: str, stage: str) -> dict[str, Any]:
        values = self.vault.get(entry, {}).get(stage, [])
        if not values:
            raise Refusal(404, "nothing-there")
        return dict(values[-1])

    def stage(self, entry: str, value: dict[str, str] | None) -> None:
        self.vault.setdefault(entry, {})["staged"] = [] if value is None else [value]

    def promote(self, entry: str, wanted: str) -> None:
        staged = self.held(entry, "staged")
        if staged["id"] != wanted:
            raise Refusal(409, "another-value-is-staged")
        self.vault[entry].setdefault("current", []).append(staged)
        self.vault[entry]["staged"] = []

    def rollback(self, entry: str, wanted: str) -> None:
        if self.held(entry, "current")["id"] != wanted:
            raise Refusal(409, "another-value-is-current")
        self.vault[entry]["current"].pop()

    def flush(self, match: str) -> int:
        stem = match.rstrip("*")
        gone = [entry for entry in self.cached if entry.startswith(stem)]
        self.cached = [entry for entry in self.cached if entry not in gone]
        return len(gone)
