"""Where in nhi.toml each identity stands, for formats that show a finding beside a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nhi_revoke.config import Config

_TAIL = ".principals"


def places(config: Config, cwd: Path) -> dict[str, tuple[str, int]]:
    """Path and line by identity. Nothing where the file does not lie under this folder: nobody else has that path."""
    file = Path(config.path).resolve() if config.path else None
    if file is None or not file.is_relative_to(cwd.resolve()):
        return {}
    uri = file.relative_to(cwd.resolve()).as_posix()
    found: dict[str, tuple[str, int]] = {}
    for origin in config.origins():
        if origin.key.startswith("identity.") and origin.key.endswith(_TAIL):
            name = origin.key.removeprefix("identity.").removesuffix(_TAIL)
            line = origin.source.rpartition(":")[2]
            if line.isdigit():
                found[name] = (uri, int(line))
    return found
