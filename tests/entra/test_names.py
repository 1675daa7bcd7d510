"""Names, and the principal behind them: one app, two objects, three GUIDs (facts entra.md 8, 4 and 22)."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import tomli_w

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_entra import provider
from nhi_revoke_entra.naming import is_native, parse_ref
from nhi_revoke_entra.permissions import READ_GRANTS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import GRAPH, MICROSOFT

from .conftest import APP, START, Bench, Whole


@pytest.mark.parametrize("size", [1, 1000])
def test_an_app_by_app_id_either_object_id_and_exact_name(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    with bench.tenant.lock:
        seed.new_app(bench.tenant, "Payments Bot archive", START)
    scene = bench.scene
    typed = (scene.principal.app_id, scene.principal.app_id.upper(), scene.application.id, scene.principal.id)
    found = {bench.resolve(f"entra:app/{each}").ref for each in (*typed, "Payments Bot")}
    assert found == {PrincipalRef("entra", "app", scene.principal.app_id)}
    with pytest.raises(Missing):
        bench.resolve("entra:app/Payments")
    with pytest.raises(Missing):
        bench.resolve("entra:app/00000000-0000-4000-8000-000000000000")


def test_two_apps_of_one_name_are_ambiguous(bench: Bench) -> None:
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, seed.NAME, START)
    with pytest.raises(AmbiguousName) as said:
        bench.resolve(APP)
    assert set(said.value.candidates) == {f"entra:app/{bench.principal.app_id}", f"entra:app/{other.app_id}"}


def test_two_objects_of_one_name_are_one_app(bench: Bench) -> None:
    """And a service principal of another name is found by the application's."""
    with bench.tenant.lock:
        bench.principal.name = "Payments Bot (renamed)"
    assert bench.resolve(APP).ref.id == bench.principal.app_id
    bench.conn = bench.connect()
    assert bench.resolve("entra:app/Payments Bot (renamed)").ref.id == bench.principal.app_id


def test_a_quote_in_a_name_ends_no_filter(bench: Bench) -> None:
    with bench.tenant.lock:
        made, _ = seed.new_app(bench.tenant, "Bob's bot", START)
    assert bench.resolve("entra:app/Bob's bot").ref.id == made.app_id
    with pytest.raises(Missing):
        bench.resolve("entra:app/x' or displayName eq 'Payments Bot")


def test_a_vendors_app_has_no_application_here(bench: Bench) -> None:
    """Facts entra.md 8, 9."""
    with bench.tenant.lock:
        made = seed.new_principal(bench.tenant, "Vendor", START, bench.tenant.new_id(), owner_tenant="a-vendor")
        seed.add_password(bench.tenant, made, START, "")
    who = bench.resolve(f"entra:app/{made.id}")
    assert who.ref.id == made.app_id
    assert who.facts["application"] == ""
    assert who.untouchable is None
    assert [a.label for a in bench.accesses(f"entra:app/{made.app_id}", "entra:client-secret").values()]


def test_microsofts_own_app_is_left_alone(bench: Bench) -> None:
    """Facts entra.md 8, 10."""
    who = bench.resolve(f"entra:app/{GRAPH}")
    assert who.facts["owner_tenant"] == MICROSOFT
    assert who.untouchable
    assert "Microsoft" in who.untouchable


def test_who_may_not_read_is_told_so(bench: Bench) -> None:
    bench.sandbox.allow_only([READ_GRANTS])
    with pytest.raises(Denied) as said:
        bench.resolve(APP)
    assert said.value.needs == "Application.Read.All"


def test_what_is_typed_prints_back_and_bare_guids_are_entras() -> None:
    guid = "9ae085bf-0b50-4a3f-9e71-5c0bdf6da8e1"
    for text in ("app/Payments Bot", f"app/{guid}", "app/a/b"):
        assert str(parse_ref(text)) == f"entra:{text}"
    assert str(parse_ref(guid)) == f"entra:app/{guid}"
    assert is_native(guid)
    assert is_native(guid.upper())
    assert not is_native("payments-bot")
    assert parse_ref("group/x") is None
    assert parse_ref("app/ ") is None


@pytest.mark.parametrize("word", ["entra", "azure", "azure-ad"])
def test_azure_is_another_word_for_it(word: str) -> None:
    registry = Registry([Loaded(provider.name, provider)])
    assert registry.refs(f"{word}:app/Payments Bot") == (PrincipalRef("entra", "app", "Payments Bot"),)
    assert registry.refs("azur:app/x") == ()


def test_find_names_each_app_once(bench: Bench) -> None:
    with bench.tenant.lock:
        other, _ = seed.new_app(bench.tenant, seed.NAME, START)
    found = {str(ref) for ref in bench.provider.find(bench.conn, seed.NAME)}
    assert found == {f"entra:app/{bench.principal.app_id}", f"entra:app/{other.app_id}"}
    assert list(bench.provider.find(bench.conn, "nobody")) == []


def test_looking_changes_nothing(bench: Bench) -> None:
    assert bench.collect(APP)
    assert bench.writes() == []


def test_the_operator_is_known_by_its_app(bench: Bench) -> None:
    assert [str(ref) for ref in bench.conn.whoami()] == [f"entra:app/{bench.settings.client_id}"]


@pytest.mark.parametrize("named", ["appId", "application", "principal", "name"])
def test_the_operators_own_app_is_never_acted_on(whole: Whole, named: str) -> None:
    """Facts entra.md 8, 13: whichever of its names was typed."""
    tenant = whole.entra.tenant
    own = next(p for p in tenant.principals.values() if p.name == seed.RESPONDER)
    application = tenant.application_of(own.app_id)
    assert application is not None
    names = {"appId": own.app_id, "application": application.id, "principal": own.id, "name": own.name}
    plan = whole.plan(Intent(), name=f"entra:app/{names[named]}")
    with pytest.raises(Refused, match="is you"):
        whole.run(plan)
    assert own.enabled.shown
    assert [c for c in whole.entra.calls() if c.mutates and c.by == "operator"] == []


def test_a_name_with_a_space_is_quoted_in_the_next_command(whole: Whole, tmp_path: Path) -> None:
    out = io.StringIO()
    config = tmp_path / "nhi.toml"
    config.write_text(tomli_w.dumps({"entra": whole.entra.settings(), "sandbox": {"control": whole.entra.control}}))
    environ = {
        "NHI_REVOKE_CONFIG": str(config), "NHI_REVOKE_STATE": str(tmp_path / "s"), "NHI_REVOKE_PROVIDERS": "entra",
    }  # fmt: skip
    run(Session(Streams(io.StringIO(), out, io.StringIO(), environ), ("list", APP, "--no-logs"), tmp_path))
    assert "Next: nhi-revoke plan 'entra:app/Payments Bot'" in out.getvalue()
