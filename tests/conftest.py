"""Makes the example provider importable, as if a stranger had put it on the path; and reads botocore's files once."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import botocore.loaders

EXAMPLE = str(Path(__file__).parent / "example_provider")
if EXAMPLE not in sys.path:
    sys.path.insert(0, EXAMPLE)

# Each session of botocore reads and parses the descriptions of its services anew: a fifth of what tests of AWS cost,
# which make hundreds of sessions where a user makes one. What a loader gives does not change.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
