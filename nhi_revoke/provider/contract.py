"""What a provider package exposes through the entry-point group `nhi_revoke.providers`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from msgspec import Struct

from nhi_revoke.model.alike import Candidate, Resemblance
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.doer import C, Doer, Store
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.recognised import Recognised

if TYPE_CHECKING:
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot, Found, Lead, Leak
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.rate import Rate
    from nhi_revoke.provider.sandbox.contract import Sandbox
    from nhi_revoke.provider.secret import Secret

API_VERSION = 1


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a provider's own table in nhi.toml (`[example]`, …). Unknown keys are errors."""


class Provider(ABC, Generic[C]):
    """Importing the package must be cheap: heavy libraries are imported inside `connect` and later.

    The entry point names an instance; making it does no I/O.
    """

    api_version: ClassVar[int] = API_VERSION
    name: ClassVar[str]
    title: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other words before the `:` of a reference that mean this provider."""
    extra: ClassVar[str] = ""
    """Extra of the distribution that installs what it needs."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Import names that must be there; a missing one reads "not installed", not "broken"."""
    settings: ClassVar[type[Settings]] = Settings
    principal_kinds: ClassVar[tuple[str, ...]] = ()
    experimental: ClassVar[tuple[str, ...]] = ()
    """Those of them whose interface the vendor may still change: looked at only where the operator asks for it."""
    finds: ClassVar[tuple[str, ...]] = ()
    """Permissions that `alike`, `linked`, `trusting`, `on_machines` and `consumers` need besides those of the kinds."""

    @abstractmethod
    def kinds(self) -> Sequence[AccessKind[C]]:
        """Every access kind, in the order in which a list shows them."""

    def targets(self) -> Sequence[Store[C] | Doer[C]]:
        """Stores, and flushes (doers of phase FLUSH)."""
        return ()

    @abstractmethod
    def parse(self, text: str) -> PrincipalRef | None:
        """A reference from what follows `provider:`, or from a bare native id; None where it is not ours.

        Pure, no vendor library.
        """

    def native(self, text: str) -> bool:
        """Whether a bare text, without `provider:` before it, says by itself that it is ours; pure.

        A provider whose `parse` also takes plain words (`provider:NAME`) says no to those here.
        """
        return self.parse(text) is not None

    @abstractmethod
    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        """The principal kinds that this reference may turn out to be; pure."""

    @abstractmethod
    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        """Which connection a reference needs; pure; empty: the operator's own."""

    def scope_of_target(self, address: str, settings: Any) -> str:
        """Which connection a store or flush address needs; pure; empty: the operator's own."""
        return ""

    @abstractmethod
    def connect(self, scope: str, settings: Any, io: Io) -> C:
        """One connection; no I/O yet."""

    @abstractmethod
    def resolve(self, conn: C, ref: PrincipalRef) -> Principal:
        """The one principal that the reference names. Raises Missing, AmbiguousName, Denied."""

    def find(self, conn: C, name: str) -> Iterable[PrincipalRef]:
        """Principals of exactly this name in the connected account."""
        return ()

    def scopes(self, settings: Any) -> Sequence[str]:
        """Every scope that the settings name, for `find`; the operator's own is the empty string."""
        return ("",)

    # -- principals that look like one identity (`find NAME`) ---------------------------------------------------------

    def alike(self, conn: C, name: str) -> Iterable[Candidate | BlindSpot]:
        """Principals of the connected account that resemble this name, and whom they name (provider/resembling.py).

        From listings that the account gives in pages; what costs a call for each is asked of candidates alone. Every
        listing or part of one that could not be read is a blind spot. Raises Denied where nothing could be listed: the
        engine makes it one. By default those that `find` gives.
        """
        for ref in self.find(conn, name):
            called = Resemblance("exact", "name", "its name", name)
            yield Candidate(ref, ref.kind, name, conn.scope, resembles=(called,))

    def linked(self, conn: C, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
        """Principals of the connected account, whatever they are called, that one of these names, or that name one of
        these, as far as a listing in pages tells it; of these themselves, whom they name. What names many at once (a
        whole account, `*`) names nobody. Raises Denied as above.
        """
        return ()

    # -- repositories whose jobs hold credentials (`find --repo`) --------------------------------------------------

    def repository(self, text: str) -> PrincipalRef | None:
        """The repository that `OWNER/NAME` may be here; pure. None where this provider keeps none of that form."""
        return None

    def kept_in(self, address: str, repository: PrincipalRef, found: Sequence[Found]) -> bool | None:
        """Whether jobs of that repository of this provider read what one of its stores keeps at `address`; pure.

        `found`: what its kinds `for_jobs` showed there. None: it may be, and that could not be seen.
        """
        return False

    def trusting(self, conn: C, who: Principal) -> Iterable[Lead | BlindSpot]:
        """Principals of the connected account whose trust lets in this one of another provider, by its aliases: each
        with why, and the command that looks there. Conditions count as met.

        Raises Denied where the trusts cannot be listed: the engine makes it a blind spot.
        """
        return ()

    def on_machines(self, conn: C, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
        """Principals whose credentials machines of these names hold, which run jobs of `who`. A match by name proves
        nothing: it is told as such. Raises Denied as above.
        """
        return ()

    # -- what uses a credential (`find --consumers`) -----------------------------------------------------------------

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        """What tells this principal's credentials wherever a configuration holds them; pure, and never a secret.

        Too short or too common a text is none: a mark must tell this principal from every other.
        """
        return ()

    def consumers(self, conn: C, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        """What uses these credentials, or may, in the connected account: from configurations and references, and never
        by reading what a store of secrets keeps.

        Every place that could not be looked at is a blind spot. Raises Denied where nothing could be listed at all: the
        engine makes it one.
        """
        return ()

    # -- what the operator may do (`permissions`, `doctor`) ----------------------------------------------------------

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        """What is handed to the vendor so that the operator may do `stage` and those before it, and no more; pure.

        `permissions`: all that they declare, once each. One that no document can give is named in a `hand_in`.
        """
        return ()

    def holds(self, conn: C, permissions: Sequence[str]) -> Iterable[Holding]:
        """Which of these the operator has on this connection, by the vendor's own check. Changes nothing.

        A check that is denied or does not cover one makes it `unknown`, never held. Raises the faults of the contract
        where nothing could be asked at all; one that is left out is unknown, too.
        """
        return ()

    # -- leaked credentials (`triage`, `--leaked-from`) --------------------------------------------------------------

    def recognise(self, text: str) -> Iterable[Recognised]:
        """Every credential of this vendor that stands in a text, by its shape (prefix, checksum, issuer); offline and
        pure: `triage`. What only looks like one is none: a kind without a shape of its own needs the words around it.

        Also what cannot be tried or ended by its value. By default what `leaks` knows, wherever its value stands.
        """
        for leak, value in self.leaks(text):
            start = text.find(value.reveal())
            yield Recognised(leak, value, max(start, 0), max(start, 0) + len(value.reveal()))

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        """One harmless call by that credential alone, never by the operator's: whether it still opens anything, and
        whose it is. Nothing is changed by it, and it goes to the vendor's own host or where the settings say, nowhere
        that the credential itself names.

        Never raises a fault for a refusal: that is an answer. Raises NoAnswer, Unavailable, Throttled.
        """
        return Liveness("unknown", "no harmless call tells of this kind")

    def leaks(self, text: str) -> Iterable[tuple[Leak, Secret]]:
        """Every credential of this vendor that stands in a text, by its shape, with its value; offline.

        Kinds get those of a `Leak.kind` by `Io.leaked`: to try them, and to end them by their value.
        """
        return ()

    def rate(self, settings: Any) -> Rate | None:
        """How fast one tenant may be asked, where the vendor's documents say so, whatever is asked; pure.

        None where they do not, or where the vendor tells it with each answer. Names the document.
        """
        return None

    def on_loopback(self, settings: Any) -> bool:
        """Whether these settings reach this machine only. With a movable clock nothing else may be connected to."""
        return False

    def sandbox(self) -> Sandbox | None:
        """The vendor's behaviour on loopback, for the demo and the tests; not started yet."""
        return None


class TargetProvider(Provider[C]):
    """Stores and flushes, and no principals: it says no to whatever would name one."""

    def kinds(self) -> Sequence[AccessKind[C]]:
        return ()

    def parse(self, text: str) -> PrincipalRef | None:
        return None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ()

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def resolve(self, conn: C, ref: PrincipalRef) -> Principal:
        raise Missing(f"{ref}: {self.title} has stores and flushes here, and no principals")
