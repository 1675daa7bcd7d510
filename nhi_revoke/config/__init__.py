"""Where the tool's settings come from: one `nhi.toml`, single values from the environment, and defaults."""

from __future__ import annotations

from nhi_revoke.config.load import load_config
from nhi_revoke.config.shape import Config, Origin

__all__ = ["Config", "Origin", "load_config"]
