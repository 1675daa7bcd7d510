"""What jobs of a repository could hold, as `find --repo` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from shlex import quote

from msgspec import Struct

from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Reason
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import Utc


class DeliveredThere(Struct, frozen=True):
    """An identity of the map whose secret lies where the repository's jobs read it."""

    identity: str
    owner: str
    kind: str
    """Of access: what is delivered."""
    to: str
    sure: bool
    """False: it may be read there, and that could not be seen."""
    evidence: str
    next: str
    """The command that looks there."""


class HeldByJobs(Struct, frozen=True):
    """What jobs of one repository could hold, and where nobody could look."""

    name: str
    """As typed."""
    at: Utc
    repository: Principal | None = None
    """None where it could not be looked at."""
    secrets: tuple[Access, ...] = ()
    """That its jobs read there: names and ages."""
    subjects: tuple[Access, ...] = ()
    """That its jobs sign in elsewhere with."""
    runners: tuple[Access, ...] = ()
    """Machines that take its jobs."""
    identities: tuple[DeliveredThere, ...] = ()
    trusts: tuple[Lead, ...] = ()
    """Principals elsewhere whose trust lets its jobs in."""
    machines: tuple[Lead, ...] = ()
    """Principals elsewhere whose credentials its runners' machines hold, as far as names tell."""
    asked: tuple[str, ...] = ()
    """Providers and accounts that answered for `trusts`: no others were looked at."""
    blind: tuple[BlindSpot, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    next: tuple[str, ...] = ()
    """The commands that would act."""

    @property
    def whole(self) -> bool:
        """Whether nothing that was looked for is unseen."""
        return not self.unreachable and not any(spot.counts for spot in self.blind)


def acting(who: Principal | None, leads: Iterable[Lead], identities: Iterable[DeliveredThere]) -> tuple[str, ...]:
    """One command for the repository and what is elsewhere, one for each identity of the map: no command takes both.

    Quoted: an intruder may have named what is pasted into a shell.
    """
    refs = dict.fromkeys(quote(str(ref)) for ref in (*([who.ref] if who else []), *(lead.to for lead in leads)))
    names = dict.fromkeys(quote(one.identity) for one in identities if one.sure)
    wanted: Sequence[str] = (" ".join(refs), *names)
    return tuple(f"nhi-revoke revoke {words} --reason {Reason.RUNNER_COMPROMISE.value}" for words in wanted if words)
