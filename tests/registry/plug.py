"""Providers made to measure, and entries that count how often they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change
from nhi_revoke.model.found import Family
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer, Mint, Store
from nhi_revoke.provider.kind import AccessKind


class Act(Doer[Any]):
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def apply(self, conn: Any, step: Any, run: Any) -> Change:
        return Already({})

    def seen(self, conn: Any, step: Any, run: Any) -> Json | None:
        return {}


class Create(Mint[Any]):
    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = ()

    def apply(self, conn: Any, step: Any, run: Any) -> Change:
        return Already({})

    def seen(self, conn: Any, step: Any, run: Any) -> Json | None:
        return {}

    def orphans(self, conn: Any, step: Any) -> Sequence[str]:
        return ()

    def destroy(self, conn: Any, step: Any, access: str) -> Change:
        return Already({})

    def opens(self, conn: Any, step: Any, secret: Any) -> Any: ...


class Shelf(Store[Any]):
    def __init__(self, name: str, forget: bool = False) -> None:
        self.__dict__["name"] = name
        self.stage, self.serve = Act("stage"), Act("serve")
        self.forget = Act("forget") if forget else None

    def recall(self, conn: Any, step: Any, run: Any, shape: Any) -> None: ...


class Kind(AccessKind[Any]):
    title: ClassVar[str] = "Kind"
    family: ClassVar[Family] = "key"
    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, on: tuple[str, ...] = ("user",)) -> None:
        self.__dict__.update(name=name, on=on)
        self.remedies = (Act("disable"), Act("delete"))
        self.mint = Create() if name.endswith(":key") else None

    def collect(self, conn: Any, ref: Any, io: Any) -> Any: ...


class Plug(Provider[Any]):
    """A provider made to measure."""

    def __init__(self, name: str, **more: Any) -> None:
        self.__dict__.update(name=name, title=name.title(), **more)

    def kinds(self) -> Sequence[AccessKind[Any]]:
        name = self.__dict__.get("says_kind", f"{self.name}:key")
        return (Kind(name), Kind(f"{self.name}:session", ("user", "role")))

    def targets(self) -> Sequence[Store[Any] | Doer[Any]]:
        return tuple(self.__dict__.get("offers", ()))

    def parse(self, text: str) -> PrincipalRef | None:
        reads: Callable[[str], str] | None = self.__dict__.get("reads")
        if reads is not None:
            reads(text)
        kind, slash, name = text.partition("/")
        if slash and kind == "user":
            return PrincipalRef(self.name, "user", name)
        return PrincipalRef(self.name, "", text) if text.startswith(f"id-{self.name}") else None

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return ("user",)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return ""

    def connect(self, scope: str, settings: Any, io: Any) -> Any: ...

    def resolve(self, conn: Any, ref: PrincipalRef) -> Any: ...


class Entry:
    """Counts how often it is loaded."""

    def __init__(self, name: str, load: Any) -> None:
        self.name = name
        self.loads = 0
        self._load = load

    def load(self) -> Any:
        self.loads += 1
        if isinstance(self._load, BaseException):
            raise self._load
        return self._load


def entry(name: str, **more: Any) -> Entry:
    return Entry(name, Plug(name, **more))
