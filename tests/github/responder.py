"""The operator as a GitHub App with an installation of its own, and what every login must hold to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.permissions import METADATA
from nhi_revoke_github.sandbox import plant_app, seed
from nhi_revoke_github.sandbox.state import ORG, App, Installation
from tests.http_kit.conftest import everything_said

from .conftest import START, Bench

DOTCOM = "https://api.github.com"
SERVER = "https://git.acme.example/api/v3"
RESIDENT = "https://api.acme.ghe.com"


def token_of(bench: Bench) -> str:
    return Path(bench.settings.token_file).read_text()


def works(conn: GithubConnection) -> bool:
    return bool(conn.get("/orgs/example-payments", METADATA))


def refused(bench: Bench, conn: GithubConnection, *secrets: str) -> Unauthenticated:
    """It is, with a way to go, and nothing that is secret is told anywhere."""
    with pytest.raises(Unauthenticated) as said:
        conn.whoami()
    everything = everything_said(said.value)
    for secret in (*secrets, *bench.sandbox.canaries()):
        assert secret not in everything
    assert said.value.hint
    return said.value


class Responder:
    """The operator as a GitHub App with an installation on the organisation."""

    def __init__(self, bench: Bench, folder: Path, account: str = ORG) -> None:
        with bench.hub.lock:
            made = seed.new_app(bench.hub, "incident-response", START, metadata="read", contents="write")
            self.app: App = made[0]
            self.installation: Installation = seed.install(bench.hub, self.app, START, account)
        bench.sandbox.gate.operator.add(str(self.app.id))
        self.file = folder / "responder.pem"
        self.pem = plant_app.pem_of(made[1])
        self.file.write_text(self.pem)
        self.bench = bench

    def connect(self, **more: Any) -> GithubConnection:
        settings = {"token_file": "", "app_id": str(self.app.id), "private_key_file": str(self.file), **more}
        return self.bench.connect(**settings)

    def minted(self) -> list[str]:
        return [t.value for t in self.bench.hub.tokens.values() if t.installation == self.installation.id]
