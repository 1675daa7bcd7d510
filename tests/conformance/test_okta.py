"""The Okta provider under the conformance kit, with the store `file:` beside it, on the bundled sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_local import provider as local
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.seed import CONSOLE, OPERATOR_LOGIN

ENTROPY = 3


class TestOkta(Conformance):
    """The app with two secrets, as most have: one was deactivated before, and its slot is needed."""

    kill_points = 24
    processes = 6
    faults = 60
    withheld = 20

    old_secret = True

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with World(
            okta,
            tmp_path,
            beside=(local,),
            managed=f"okta:app/{CONSOLE}",
            environ={"NHI_REVOKE_PROVIDERS": "okta,local"},
            # The same ids and secrets in each life, so that two runs can be compared.
            make_sandbox=lambda: OktaSandbox(entropy=ENTROPY, old_secret=self.old_secret),
        ) as world:
            made = world.sandbox
            assert isinstance(made, OktaSandbox)
            world.operator = f"okta:user/{made.org.user(OPERATOR_LOGIN).id}"
            yield world


class TestOktaOnlySecret(TestOkta):
    """The app with the only secret, which Okta does not deactivate by itself."""

    kill_points = 12
    processes = 3
    faults = 24
    withheld = 6
    listings = 6

    old_secret = False
