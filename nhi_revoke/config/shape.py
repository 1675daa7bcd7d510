"""What was configured, decoded and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nhi_revoke.config.approval import Approving
from nhi_revoke.config.decode import decode
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.ref import Json

if TYPE_CHECKING:
    from nhi_revoke.provider.contract import Provider, Settings


class Origin(Struct, frozen=True):
    """One value, and where it came from: for `config show`."""

    key: str
    """Dotted, as in the file: `identity.payments-bot.owner`."""
    value: str
    """As JSON; `•••` where the key or the value looks like a secret."""
    source: str
    """`nhi.toml:12`, `NHI_REVOKE_STATE`, `default`, …"""


class Config(Struct, frozen=True, kw_only=True):
    """All settings of one command. `load_config` makes it; a test may build one by hand."""

    state: Path
    """The tool's own folder: `$NHI_REVOKE_STATE`, else `$XDG_STATE_HOME/nhi-revoke`. Runs and locks lie in it."""
    path: str | None = None
    """The file that was read, or None."""
    identities: dict[str, Identity] = {}
    """The identity map. A principal without a provider's prefix has an empty provider and kind:
    the registry resolves it."""
    protect: tuple[str, ...] = ()
    """Globs over principals, canonical or as typed, that no run may touch."""
    only: tuple[str, ...] | None = None
    """The only providers that may load (`NHI_REVOKE_PROVIDERS`), or None for all."""
    approval: Approving = Approving()
    """What more than one person must agree to."""
    sandbox: str = ""
    """Base URL of a sandbox's control door, always on loopback; empty for the real world."""
    tables: dict[str, Json] = {}
    """The raw table of each provider, as in the file."""
    sources: Callable[[], tuple[Origin, ...]] = tuple
    """What `origins` returns: worked out by the few who ask."""

    @property
    def runs(self) -> Path:
        """The folder of the journals."""
        return self.state / "runs"

    @property
    def locks(self) -> Path:
        """The folder of the locks."""
        return self.state / "locks"

    def settings(self, provider: Provider[Any]) -> Settings:
        """The provider's own table, decoded.

        Raises Usage for an unknown key (with the nearest valid one) and for a value of the wrong type.
        """
        return decode(self.tables.get(provider.name, {}), provider.settings, (provider.name,), self.path or "nhi.toml")

    def shared(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Principals that more than one identity names, with those identities: worth a warning, no error.

        Compares what was typed; two spellings of one principal show only after resolving.
        """
        owners: dict[str, list[str]] = {}
        for identity in self.identities.values():
            for ref in identity.principals:
                owners.setdefault(str(ref) if ref.provider else ref.id, []).append(identity.name)
        return tuple((ref, tuple(names)) for ref, names in sorted(owners.items()) if len(names) > 1)

    def origins(self) -> tuple[Origin, ...]:
        """Every value with its source, in the order of the file; nothing that looks like a secret."""
        return self.sources()
