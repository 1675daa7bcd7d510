"""`--fail-on`: what keeps an audit from passing."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from msgspec import Struct

from nhi_revoke.cli.spans import duration
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

LIVE, UNSEEN, STALE = "live", "unseen", "stale"
_PART_OF_LIVE = ("open", "planted")


class FailOn(Struct, frozen=True):
    """What was chosen, in order."""

    words: tuple[str, ...] = (LIVE, UNSEEN)
    """As typed: `stale:90d`."""
    stale: float | None = None
    """Seconds without a use after which a key, secret, certificate or password is called stale."""

    @property
    def live(self) -> bool:
        return LIVE in self.words

    @property
    def unseen(self) -> bool:
        return UNSEEN in self.words

    @property
    def usual(self) -> bool:
        """Whether it judges as an audit without `--fail-on` does."""
        return set(self.words) == {LIVE, UNSEEN}

    def fails(self, verdict: str) -> bool:
        """Whether this verdict keeps the audit from passing. What is stale or of unknown use is live besides."""
        if verdict in ("stale", "unknown-use"):
            return self.live or self.stale is not None
        if verdict in (LIVE, *_PART_OF_LIVE):
            return self.live
        return verdict == UNSEEN and self.unseen


def fail_on(given: Sequence[str]) -> FailOn:
    """From words, each of which may be a list with commas; none stands for `live,unseen`. Raises Usage."""
    words = [word.strip() for each in given for word in each.split(",") if word.strip()]
    if not words:
        if given:
            raise Usage("bad-fail-on", "--fail-on names nothing: nothing could fail. Nothing was looked at.", _valid())
        return FailOn()
    stale: float | None = None
    for word in words:
        if word in (LIVE, UNSEEN):
            continue
        span = _stale(word)
        if stale is not None and span != stale:
            raise Usage("bad-fail-on", "--fail-on names two times for stale. Nothing was looked at.", "Name one.")
        stale = span
    return FailOn(tuple(dict.fromkeys(words)), stale)


def _stale(word: str) -> float:
    name, colon, span = word.partition(":")
    if name != STALE:
        hint = f"{word} belongs to live." if word in _PART_OF_LIVE else did_you_mean(name, (LIVE, UNSEEN, STALE))
        raise Usage("bad-fail-on", f"--fail-on {word!r} is no verdict of an audit. Nothing was looked at.", hint)
    try:
        seconds = duration(span) if colon else 0.0
    except typer.BadParameter as wrong:
        raise Usage("bad-fail-on", f"--fail-on {word!r}: {wrong.message}. Nothing was looked at.", _valid()) from None
    if not seconds:
        raise Usage("bad-fail-on", f"--fail-on {word!r} needs a time. Nothing was looked at.", "Write stale:90d.")
    return seconds


def _valid() -> str:
    return "live (with open and planted), unseen, stale:90d; several with commas."
