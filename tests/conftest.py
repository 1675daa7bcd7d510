"""Makes the example provider importable, as if a stranger had put it on the path; and spares what all tests pay: files
of botocore and keys are read once, and requests to a sandbox of the same process need no socket.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore.loaders
import pytest

from tests.parsed_keys import parse_once
from tests.shortcut import SHORTCUT

HERE = Path(__file__).parent
EXAMPLE = str(HERE / "example_provider")
if EXAMPLE not in sys.path:
    sys.path.insert(0, EXAMPLE)

# Each session of botocore reads and parses the descriptions of its services anew: a fifth of what tests of AWS cost,
# which make hundreds of sessions where a user makes one. What a loader gives does not change.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
parse_once()
SHORTCUT.install()

ACROSS = ("aws", "entra", "gcp", "github", "incident", "okta")
"""Folders whose tests need no socket to the sandbox, but for what is about connections, logins and other processes."""
WIRE = ("test_connection", "test_login", "test_operator", "test_device_code", "test_managed_identity", "test_killed")
MANY = ("test_02_", "test_06_killed_", "test_07_", "test_08_", "test_10_")
"""Checks of the conformance kit that try many runs. The others, of one run or a few, go over sockets: each provider is
seen both ways, and ends the same.
"""


@pytest.fixture(autouse=True)
def across(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether a test's requests to sandboxes go without sockets: told by where it stands, and by its name."""
    folder, name = request.path.relative_to(HERE).parts[0], request.node.name
    many = folder == "conformance" and name.startswith(MANY)
    if not many and (folder not in ACROSS or request.path.stem.startswith(WIRE)):
        yield
        return
    with SHORTCUT.open():
        yield
