"""What stands where a secret stood, in whatever is shown or written down."""

from __future__ import annotations

MASK = "•••"
