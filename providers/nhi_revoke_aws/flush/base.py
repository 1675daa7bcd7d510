"""What the flushes share: settings of the map, faults in the contract's words, several targets at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from nhi_revoke.model.change import Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, NoAnswer, Rejected
from nhi_revoke.provider.flush_settings import read_settings
from nhi_revoke_aws.connection import AwsConnection

S = TypeVar("S", bound="Where")
T = TypeVar("T")
R = TypeVar("R")

ABSENT = ("NotFoundException", "ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException")
CLASHES = ("ConflictException", "PreconditionFailedException", "ResourceConflictException")


class Where(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Regions, as every table of these flushes may name them."""

    region: str = ""
    regions: tuple[str, ...] = ()

    def at(self, conn: AwsConnection) -> tuple[str, ...]:
        """Where it is done: as named, else where the operator's configuration points."""
        return self.regions or (self.region or conn.region(),)

    @property
    def told(self) -> str:
        """For the plan."""
        named = self.regions or ((self.region,) if self.region else ())
        return f"in {', '.join(named)}" if named else "in the Region of the operator's configuration"


class Target(Struct, frozen=True):
    """One function or service in one Region."""

    name: str
    region: str

    @property
    def told(self) -> str:
        return f"{self.name} ({self.region})"


class AwsFlush(Doer[AwsConnection], Generic[S]):
    """Its settings are the step's before-state: what stands beside `use` in the map."""

    phase: ClassVar[Phase] = Phase.FLUSH
    again: ClassVar[bool] = True
    shape: ClassVar[type[Any]]
    """Of its settings."""
    example: ClassVar[str]
    """What to write in the map."""

    def settings(self, given: Json) -> S:
        """Raises Rejected, with what to write."""
        read: S = read_settings(self.name, given, self.shape, self.example)
        if read.region and read.regions:
            raise Rejected(f"{self.name}: region and regions are both there", hint=f"Write one: {self.example}.")
        self.weigh(read)
        return read

    def weigh(self, settings: S) -> None:
        """What types alone do not tell. Raises Rejected."""

    @abstractmethod
    def plainly(self, settings: S) -> tuple[str, str]:
        """What it does with these settings, and what breaks meanwhile."""

    @abstractmethod
    def unready(self, conn: AwsConnection, settings: S) -> Impossible | None:
        """Whether the targets are there. Changes nothing."""

    def tells(self, settings: Json) -> tuple[str, str]:
        try:
            return self.plainly(self.settings(settings))
        except Rejected as wrong:
            return f"{wrong.message} (it will not be done: {wrong.hint.rstrip('.')})", ""

    def check(self, conn: AwsConnection, step: Step) -> Impossible | None:
        try:
            return self.unready(conn, self.settings(step.before))
        except Rejected as wrong:
            if wrong.hint:
                return Impossible(wrong.message, wrong.hint)
            raise


def asked(
    conn: AwsConnection,
    service: str,
    operation: str,
    region: str,
    /,
    *,
    needs: str = "",
    repeatable: bool | None = None,
    **params: Any,
) -> dict[str, Any]:
    """One call, with the codes of these services told as the faults that they mean. `needs`: the IAM action, where it
    is named otherwise than the operation."""
    try:
        return conn.call(service, operation, region=region, repeatable=repeatable, **params)
    except Denied as denied:
        raise Denied(f"{denied.message} in {region}", needs=needs or denied.needs, code=denied.code) from None
    except Rejected as fault:
        kind = Missing if fault.code in ABSENT else Conflict if fault.code in CLASHES else Rejected
        raise kind(f"{fault.message} in {region}", code=fault.code) from None


def each(conn: AwsConnection, items: Iterable[T], do: Callable[[T], R]) -> list[tuple[T, R | Fault]]:
    """Side by side. A fault at one hides no other."""

    def one(item: T) -> R | Fault:
        try:
            return do(item)
        except Fault as fault:
            return fault

    known = list(items)
    return list(zip(known, conn.io.map(one, known), strict=True))


def incomplete(answers: Sequence[tuple[T, Any]], label: Callable[[T], str]) -> Failed | None:
    """None where all were done. Raises the fault where none was, and NoAnswer for any: a flush may be repeated."""
    failed = [(item, answer) for item, answer in answers if isinstance(answer, Fault)]
    if not failed:
        return None
    lost = next((fault for _, fault in failed if isinstance(fault, NoAnswer)), None)
    if lost is not None:
        raise lost
    if len(failed) == len(answers):
        raise failed[0][1]
    done = [label(item) for item, answer in answers if not isinstance(answer, Fault)]
    said = "; ".join(f"{label(item)}: {fault.message}" for item, fault in failed)
    needs = next((fault.needs for _, fault in failed if isinstance(fault, Denied)), "")
    return Failed(f"not everywhere: {said} (done: {', '.join(done)})", needs)
