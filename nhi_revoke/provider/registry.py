"""The one list of providers, access kinds and doers. Loads what a command needs, when it needs it, and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from msgspec import Struct

from nhi_revoke.model.error import NothingCanStart, Usage
from nhi_revoke.model.nearest import did_you_mean
from nhi_revoke.model.ref import NotAReference, PrincipalRef
from nhi_revoke.provider.contract import API_VERSION, Provider
from nhi_revoke.provider.doer import Doer, Mint, Store
from nhi_revoke.provider.missing import missing

if TYPE_CHECKING:
    from nhi_revoke.provider.kind import AccessKind

GROUP = "nhi_revoke.providers"
"""The entry-point group: ours use the same door as a stranger's."""

ProviderState = Literal["ok", "broken", "not-installed", "disabled", "wrong-api-version"]
Target = Store[Any] | Doer[Any]
T = TypeVar("T")


class Entry(Protocol):
    """An entry point, or a test's stand-in."""

    @property
    def name(self) -> str: ...

    def load(self) -> Any: ...


class ProviderStatus(Struct, frozen=True):
    """One provider, for `providers` and `doctor`."""

    name: str
    title: str
    state: ProviderState
    why: str = ""
    """What is wrong; empty for `ok`."""
    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    hint: str = ""
    """What to type."""


class _Loaded(Struct, frozen=True):
    """What came of loading one entry. `provider` is there for `ok` and `not-installed`: parsing needs no library."""

    state: ProviderState
    provider: Provider[Any] | None = None
    kinds: tuple[Any, ...] = ()
    targets: tuple[Any, ...] = ()
    why: str = ""
    hint: str = ""
    error: BaseException | None = None


class Registry:
    """Cached per instance, safe on threads. A provider that fails to load never stops the others."""

    def __init__(self, entries: Iterable[Entry] | None = None, only: Sequence[str] | None = None) -> None:
        """`entries`: None asks the installed distributions, at the first use. `only`: no other may load."""
        self._given = None if entries is None else tuple(entries)
        self._only = None if only is None else tuple(only)
        self._by_name: dict[str, list[Entry]] | None = None
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.RLock()

    @classmethod
    def installed(cls, environ: Mapping[str, str]) -> Registry:
        """What is installed, limited by `NHI_REVOKE_PROVIDERS` (comma-separated; empty: all)."""
        only = [name.strip() for name in environ.get("NHI_REVOKE_PROVIDERS", "").split(",") if name.strip()]
        return cls(only=only or None)

    # -- providers -------------------------------------------------------------------------------------------------

    def known(self) -> tuple[str, ...]:
        """Names of all installed providers, disabled ones too. Imports none of them."""
        return tuple(sorted(self._entries()))

    def names(self) -> tuple[str, ...]:
        """Names of the providers that may be used. Imports none of them.

        Raises Usage where `only` names one that is not there.
        """
        known = self.known()
        if self._only is None:
            return known
        for name in self._only:
            if name not in known:
                raise Usage(
                    "unknown-provider",
                    f'NHI_REVOKE_PROVIDERS names "{name}", and no installed package provides it. '
                    "Nothing was looked at and nothing was changed.",
                    did_you_mean(name, known),
                )
        return tuple(name for name in known if name in self._only)

    def provider(self, name: str) -> Provider[Any]:
        """The provider of this name, ready to connect.

        Raises Usage (`unknown-provider`, `disabled-provider`) and NothingCanStart (`not-installed`,
        `broken-provider`, `wrong-api-version`).
        """
        return self._usable(name)[0]

    def status(self) -> tuple[ProviderStatus, ...]:
        """Every provider and what is wrong with it. Loads all that are enabled; raises nothing."""
        found = []
        for name in self.known():
            if self._only is not None and name not in self._only:
                found.append(ProviderStatus(name, "", "disabled", "NHI_REVOKE_PROVIDERS does not name it"))
                continue
            loaded = self._load(name)
            found.append(
                ProviderStatus(
                    name,
                    loaded.provider.title if loaded.provider else "",
                    loaded.state,
                    loaded.why,
                    tuple(kind.name for kind in loaded.kinds),
                    tuple(dict.fromkeys(target.name for target in loaded.targets)),
                    loaded.hint,
                )
            )
        for name in self._only or ():
            if name not in self.known():
                why = "NHI_REVOKE_PROVIDERS names it, and no installed package provides it"
                found.append(ProviderStatus(name, "", "not-installed", why, hint=did_you_mean(name, self.known())))
        return tuple(found)

    # -- references ------------------------------------------------------------------------------------------------

    def refs(self, text: str) -> tuple[PrincipalRef, ...]:
        """What a typed name may mean: `provider:rest` to that provider alone, a bare native id to all of them.

        Empty where no provider knows it. A provider whose library is missing still parses, so that the error
        comes from connecting and names what to install.

        Raises NothingCanStart where the text names a provider that does not load.
        """
        prefix, colon, rest = text.partition(":")
        if colon and prefix not in self.known():
            prefix = self._meant(prefix)
        if colon and prefix in self.names():
            loaded = self._load(prefix)
            if loaded.provider is None:
                raise self._trouble(prefix, loaded)
            ref = self._parse(loaded.provider, rest)
            if ref is None and (now := self._load(prefix)).provider is None:
                raise self._trouble(prefix, now)
            return (ref,) if ref else ()
        if _names_a_provider(text):
            return ()
        found = (self._parse(provider, text, bare=True) for provider in self._parsing())
        return tuple(ref for ref in found if ref is not None)

    # -- kinds and doers -------------------------------------------------------------------------------------------

    def kind(self, name: str) -> AccessKind[Any]:
        """The access kind of this name. Raises Usage with the nearest one, and what `provider` raises."""
        kinds = self._usable(name.partition(":")[0])[1]
        return _one("kind", name, {kind.name: kind for kind in kinds})

    def kinds(self, provider: str, principal_kinds: Sequence[str] | None = None) -> tuple[AccessKind[Any], ...]:
        """The kinds that belong to any of these principal kinds (None: all), in the provider's own order."""
        kinds: tuple[AccessKind[Any], ...] = self._usable(provider)[1]
        if principal_kinds is None:
            return kinds
        return tuple(kind for kind in kinds if set(kind.on) & set(principal_kinds))

    def doer(self, key: str) -> Doer[Any]:
        """`provider:kind/name` (remedies and the mint), `store/stage`, `store/serve`, or the name of a flush.

        Raises Usage with the nearest key, and what `provider` raises.
        """
        if key.partition(":")[0] in self.names() and ":" in key:
            kind = self.kind(key.rpartition("/")[0])
            doers: list[Doer[Any]] = [*kind.remedies, *([kind.mint] if kind.mint else [])]
            return _one("doer", key, {f"{kind.name}/{doer.name}": doer for doer in doers})
        name, slash, _ = key.partition("/")
        target = self._target(name, a_store=bool(slash))[1]
        return _one("doer", key, target_doers(target))

    def mint(self, kind: str) -> Mint[Any] | None:
        """What makes a replacement of this access kind, or None where it has none."""
        return self.kind(kind).mint

    def store(self, name: str) -> Store[Any]:
        """The store of this name, for example `file`. Raises Usage where there is none or it is a flush."""
        target = self._target(name, a_store=True)[1]
        if not isinstance(target, Store):
            raise Usage("unknown-store", f'"{name}" flushes; it cannot keep a credential.', "Put it under flush.")
        return target

    def targets(self) -> tuple[Target, ...]:
        """Stores and flushes of every provider that loads."""
        return tuple(target for name in self.names() for target in self._load(name).targets)

    def provider_of(self, key: str) -> str:
        """Name of the provider that owns a kind, a doer or a target. Raises Usage where nobody does.

        A store and a flush may have one name: `name/stage` asks for the store, the bare name for the flush.
        """
        prefix, colon, _ = key.partition(":")
        if colon and prefix in self.known():
            return prefix
        name, slash, _ = key.partition("/")
        return self._target(name, a_store=bool(slash))[0]

    # -- loading ---------------------------------------------------------------------------------------------------

    def _entries(self) -> dict[str, list[Entry]]:
        with self._lock:
            if self._by_name is None:
                entries: Iterable[Entry]
                if self._given is None:
                    from importlib.metadata import entry_points  # 85 ms: only where it is needed

                    entries = entry_points(group=GROUP)
                else:
                    entries = self._given
                by_name: dict[str, list[Entry]] = {}
                for entry in entries:
                    by_name.setdefault(entry.name, []).append(entry)
                self._by_name = by_name
            return self._by_name

    def _load(self, name: str) -> _Loaded:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = _load(name, self._entries()[name])
            return self._loaded[name]

    def _usable(self, name: str) -> tuple[Provider[Any], tuple[Any, ...], tuple[Any, ...]]:
        """A provider with its kinds and targets, or the reason why it cannot be used."""
        if name not in self.known():
            raise Usage("unknown-provider", f'No provider is called "{name}".', did_you_mean(name, self.names()))
        if name not in self.names():
            raise Usage(
                "disabled-provider",
                f'The provider "{name}" is switched off: NHI_REVOKE_PROVIDERS does not name it.',
                f"Add {name} to NHI_REVOKE_PROVIDERS, or unset it.",
            )
        loaded = self._load(name)
        if loaded.state != "ok" or loaded.provider is None:
            raise self._trouble(name, loaded)
        return loaded.provider, loaded.kinds, loaded.targets

    def _trouble(self, name: str, loaded: _Loaded) -> NothingCanStart:
        code = "broken-provider" if loaded.state == "broken" else loaded.state
        error = NothingCanStart(
            code,
            f'The provider "{name}" cannot be used: {loaded.why}. Nothing of it was looked at or changed; '
            "the other providers work.",
            loaded.hint,
        )
        error.__cause__ = loaded.error
        return error

    def _parsing(self) -> tuple[Provider[Any], ...]:
        loaded = (self._load(name).provider for name in self.names())
        return tuple(provider for provider in loaded if provider is not None)

    def _parse(self, provider: Provider[Any], text: str, *, bare: bool = False) -> PrincipalRef | None:
        """Ask one provider. One that raises is broken from then on, and is listed as such."""
        name = provider.name
        try:
            return provider.parse(text) if not bare or provider.native(text) else None
        except Exception as error:  # noqa: BLE001 - a stranger's code: it is told as broken, and the others go on
            with self._lock:
                self._loaded[name] = _broken(f"reading a name failed: {_said(error)}", error)
            return None

    def _ready(self, name: str, loaded: _Loaded) -> str:
        """The same name. Raises NothingCanStart where that provider cannot be used."""
        if loaded.state != "ok":
            raise self._trouble(name, loaded)
        return name

    def _meant(self, prefix: str) -> str:
        """The provider that answers to this word, too; the word itself where there is none."""
        return next((p.name for p in self._parsing() if prefix in p.aliases), prefix)

    def _target(self, name: str, *, a_store: bool) -> tuple[str, Target]:
        """The provider and the target of this bare name: loaded providers first, then the likeliest. Where there is
        none of the sort that is asked for, one of the other sort: whoever asked says what is wrong with it.
        """
        enabled = self.names()
        with self._lock:
            ready = [each for each in enabled if each in self._loaded]
        rest = sorted((each for each in enabled if each not in ready), key=lambda each: not name.startswith(each))
        offered: list[str] = []
        other: tuple[str, Target] | None = None
        for each in (*ready, *rest):
            loaded = self._load(each)
            for target in loaded.targets:
                if target.name != name:
                    offered.append(target.name)
                elif isinstance(target, Store) is a_store:
                    return self._ready(each, loaded), target
                else:
                    other = other or (each, target)
        if other is not None:
            return self._ready(other[0], self._load(other[0])), other[1]
        broken = [each for each in enabled if self._load(each).provider is None]
        also = f" Not looked at, because they do not load: {', '.join(broken)}." if broken else ""
        raise Usage("unknown-target", f'No store or flush is called "{name}".{also}', did_you_mean(name, offered))


def target_doers(target: Target) -> dict[str, Doer[Any]]:
    """The doers of a store or flush, by registry key."""
    if not isinstance(target, Store):
        return {target.name: target}
    doers = {f"{target.name}/{target.stage.name}": target.stage, f"{target.name}/{target.serve.name}": target.serve}
    if target.forget is not None:
        doers[f"{target.name}/{target.forget.name}"] = target.forget
    return doers


def _load(name: str, entries: list[Entry]) -> _Loaded:
    """Import one provider's package and ask it what it has; every failure becomes a state."""
    if len(entries) > 1:
        return _broken("more than one installed package provides it", hint="Uninstall all but one of them.")
    try:
        provider = entries[0].load()
        version = getattr(provider, "api_version", None)
        if version != API_VERSION:
            why = f"it is written for version {version} of the provider contract, and this is version {API_VERSION}"
            return _Loaded("wrong-api-version", why=why, hint="Install versions that fit each other.")
        if not isinstance(provider, Provider):
            return _broken(f"its entry point names {_article(provider)}, not a Provider")
        if provider.name != name:
            return _broken(f'it calls itself "{provider.name}"')
        kinds, targets = tuple(provider.kinds()), tuple(provider.targets())
        absent = missing(provider.requires)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code must not stop the others
        return _broken(_said(error), error)
    for kind in kinds:
        if not kind.name.startswith(f"{name}:"):
            return _broken(f'its access kind "{kind.name}" does not begin with "{name}:"')
    if absent:
        extra = f"nhi-revoke[{provider.extra}]" if provider.extra else " ".join(absent)
        why = f"not installed: {', '.join(absent)}"
        return _Loaded("not-installed", provider, kinds, targets, why, f"pip install '{extra}'")
    return _Loaded("ok", provider, kinds, targets)


def _broken(why: str, error: BaseException | None = None, hint: str = "") -> _Loaded:
    return _Loaded(
        "broken", why=why, hint=hint or "--debug shows where; reinstall or remove that package.", error=error
    )


def _said(error: BaseException) -> str:
    """Class and first line of an exception, without its traceback."""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__


def _article(thing: object) -> str:
    return f"a {type(thing).__name__}" if not isinstance(thing, type) else f"the class {thing.__name__}"


def _names_a_provider(text: str) -> bool:
    """`word:kind/id`: it names a provider, known or not. A native id with a colon before its first `/` does not."""
    try:
        return bool(PrincipalRef.parse(text).kind)
    except NotAReference:
        return False


def _one(what: str, name: str, among: Mapping[str, T]) -> T:
    if name not in among:
        raise Usage(f"unknown-{what}", f'There is no {what} "{name}".', did_you_mean(name, among))
    return among[name]
