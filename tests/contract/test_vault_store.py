"""The store before a real OpenBao: what holds before the stand-in holds there, and what only a real one can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.provider.fault import Unavailable
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_vault.connection import VaultConnection
from nhi_revoke_vault.settings import VaultSettings
from nhi_revoke_vault.store.versions import VaultSecret
from tests.contract.openbao import OpenBao
from tests.vault.bench import START, Bench, pair
from tests.vault.looks import LookBehaviour
from tests.vault.writes import WriteBehaviour

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def vault(openbao: OpenBao) -> Iterator[Bench]:
    with Bench(openbao) as bench:
        yield bench


class TestOpenBaoLooked(LookBehaviour):
    """All of it."""


class TestOpenBaoWritten(WriteBehaviour):
    """All of it."""


def test_sealed_it_answers_nothing_and_nothing_is_changed(openbao: OpenBao, vault: Bench) -> None:
    vault.put(pair())
    vault.minted()
    openbao.seal()
    try:
        with pytest.raises(Unavailable, match="sealed") as caught:
            vault.check()
        assert openbao.root not in caught.value.message
    finally:
        openbao.unseal()
    assert vault.data() == pair()
    vault.do("serve")
    assert vault.newest == 2


def test_over_tls_by_its_own_ca_and_not_without(tmp_path: Path) -> None:
    io = EngineIo(SandboxClock(MovableClock(START, running=False)))
    with OpenBao(tmp_path, tls=True) as server:
        token = {"VAULT_TOKEN": server.root, "VAULT_ADDR": server.url}
        with pytest.raises(Unavailable, match="nothing was asked"):
            VaultConnection("", VaultSettings(), io, token).whoami()
        conn = VaultConnection("", VaultSettings(), io, {**token, "VAULT_CACERT": str(server.ca)})
        assert [str(each) for each in conn.whoami()] == ["vault:token/token"]
        assert VaultSecret(conn, "secret/x").newest().number == 0
    io.close()
