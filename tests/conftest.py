"""Makes the example provider importable, as if a stranger had put it on the path."""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLE = str(Path(__file__).parent / "example_provider")
if EXAMPLE not in sys.path:
    sys.path.insert(0, EXAMPLE)
