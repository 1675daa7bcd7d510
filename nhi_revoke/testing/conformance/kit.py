"""All eleven checks as one test class."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.testing.conformance.acting import Acting
from nhi_revoke.testing.conformance.crashing import Crashing
from nhi_revoke.testing.conformance.faulting import Faulting
from nhi_revoke.testing.conformance.looking import Looking
from nhi_revoke.testing.conformance.permitted import Permitted
from nhi_revoke.testing.conformance.secrecy import Secrecy


class Conformance(Looking, Acting, Crashing, Faulting, Secrecy, Permitted):
    """Inherit it in a class whose name begins with `Test`, and give it the fixture `world`."""

    @pytest.fixture
    def world(self) -> Any:
        """A started world of the provider under test. Each check gets its own."""
        raise NotImplementedError("override the fixture `world`: see nhi_revoke.testing.conformance")
