"""The GitHub provider under the conformance kit, with the store `file:` beside it, on the bundled sandbox.

The operator has a token and a GitHub App side by side: what only Apps may list is listed then.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_github import provider as github
from nhi_revoke_github.sandbox.plant_tokens import RESPONDER
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.seed import GITHUBS
from nhi_revoke_local import provider as local

ENTROPY = 3


class TestGithub(Conformance):
    kill_points = 20
    processes = 4
    faults = 48
    withheld = 16

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with World(
            github,
            tmp_path,
            beside=(local,),
            managed=f"github:app/{GITHUBS}",
            operator=f"github:app/{RESPONDER}",
            environ={"NHI_REVOKE_PROVIDERS": "github,local"},
            # The same ids and secrets in each life, so that two runs can be compared.
            make_sandbox=lambda: GithubSandbox(entropy=ENTROPY),
        ) as world:
            yield world
