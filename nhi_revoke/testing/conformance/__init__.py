"""The conformance kit: eleven checks that every provider with principals and a sandbox runs (design.md, "Tests").

    from nhi_revoke.testing.conformance import Conformance, World

    class TestExample(Conformance):
        @pytest.fixture
        def world(self, tmp_path: Path) -> Iterator[World]:
            with World(provider, tmp_path) as world:
                yield world

Nothing sleeps: the world's clock is moved. Each check may start the world anew, as often as it needs to.
"""

from __future__ import annotations

from nhi_revoke.testing.conformance.crash import Killed, kill_at
from nhi_revoke.testing.conformance.kit import Conformance
from nhi_revoke.testing.conformance.world import World

__all__ = ["Conformance", "Killed", "World", "kill_at"]
