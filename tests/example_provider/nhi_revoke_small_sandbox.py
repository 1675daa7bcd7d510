"""Example Cloud with nothing but tokens: a world for the smallest provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from nhi_revoke.provider.sandbox.contract import Door, Seeded
from nhi_revoke_example.sandbox import ExampleSandbox
from nhi_revoke_example.sandbox.routes import OPERATOR

MAP = '[identity.ci]\nprincipals = ["small:bot/ci"]\n'


class SmallSandbox(ExampleSandbox):
    """One bot with a live and a disabled token."""

    def seed(self, folder: str) -> Seeded:
        born = self.now() - timedelta(days=90)
        for name in ("ci", OPERATOR):
            self.cloud.add_bot(name, born)
        tokens = [self.cloud.create_token("ci", label, born) for label in ("live", "old")]
        self.cloud.set_token("ci", tokens[1].id, "disabled", born + timedelta(days=60))
        self.cloud.stolen |= {token.id for token in tokens}
        self._doors = [self._door(t.label, "token", "his copy of it", f"small:token/{t.id}", t) for t in tokens]
        return Seeded("ci", ("small:bot/ci",), MAP)

    def doors(self) -> Sequence[Door]:
        return tuple(self._doors)
