"""What a provider package exposes through the entry-point group `nhi_revoke.providers`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from msgspec import Struct

from nhi_revoke.provider.doer import C, Doer, Store
from nhi_revoke.provider.kind import AccessKind

if TYPE_CHECKING:
    from nhi_revoke.model.found import Leak
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.ref import PrincipalRef
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.sandbox.contract import Sandbox

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
    extra: ClassVar[str] = ""
    """Extra of the distribution that installs what it needs."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Import names that must be there; a missing one reads "not installed", not "broken"."""
    settings: ClassVar[type[Settings]] = Settings
    principal_kinds: ClassVar[tuple[str, ...]] = ()

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

    def recognise(self, text: str) -> Leak | None:
        """What the shape of a leaked credential says; offline; the core names no provider."""
        return None

    def on_loopback(self, settings: Any) -> bool:
        """Whether these settings reach this machine only. With a movable clock nothing else may be connected to."""
        return False

    def sandbox(self) -> Sandbox | None:
        """The vendor's behaviour on loopback, for the demo and the tests; not started yet."""
        return None
