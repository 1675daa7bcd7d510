"""What became of a text that leaked: the credentials in it, and what nobody here knows. Never a value."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.found import Leak
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.model.ref import PrincipalRef, Utc

NOT_LOOKED = "not looked at: "
"""How `Suspect.unlooked` begins where the operator chose so; else something stood in the way."""


class Place(Struct, frozen=True, order=True):
    """Where it stood."""

    file: str = ""
    """As the scanner's report has it; empty: the text that was handed over."""
    line: int = 0
    """From 1; 0: not told."""
    commit: str = ""
    detector: str = ""
    """What the scanner calls it."""
    said: str = ""
    """What the scanner found when it ran: `verified`, `valid`, `invalid`. No look of ours."""


class OwnerLook(Struct, frozen=True):
    """The counts of a `list` of the owner."""

    live: int
    maybe: int
    open: int
    reach: int
    planted: int
    unseen: int
    logs: bool
    """Whether logs were read for it."""


class Suspect(Struct, frozen=True):
    """One credential, in all its places."""

    leak: Leak
    held: bool
    """Its value stands in the text; else only its public part, which can be named and not tried."""
    liveness: Liveness
    owner: PrincipalRef | None
    """The strongest that is known: looked up, else as the answer says, else as the shape says."""
    owner_by: str
    """What says so; empty where nobody does."""
    identity: str
    """The one of the map that the owner belongs to; empty: none, or several."""
    places: tuple[Place, ...]
    look: OwnerLook | None = None
    listed: str = ""
    """Its state as the list of its owner shows it (`live`, `disabled`, …); empty: not looked at, or not in it."""
    absent: bool = False
    """The owner is in no account that your logins reach: no command here does anything to it."""
    unlooked: str = ""
    """Why nothing is known of the owner's other accesses."""
    next: str = ""
    """The command to type; empty where only hands help."""
    by_hand: str = ""


class Strange(Struct, frozen=True):
    """What looks like a credential, or was reported as one, and was not recognised."""

    place: Place
    why: str
    censored: bool = False
    """The report holds no value: whoever wrote it took it out."""


class Triaged(Struct, frozen=True):
    """A text, triaged."""

    at: Utc
    format: str
    """`text`, or the scanner whose report it is: `trufflehog`, `gitleaks`, `ggshield`."""
    offline: bool
    """Nobody was asked."""
    suspects: tuple[Suspect, ...]
    strange: tuple[Strange, ...]
    unasked: tuple[str, ...] = ()
    """Providers that could not be asked whether they know any of it: not installed, or broken."""

    def count(self, state: str) -> int:
        """How many credentials are `alive`, `dead` or `unknown`."""
        return sum(each.liveness.state == state for each in self.suspects)
