"""From a name to one principal: labels, logins, ids; several of one name; what Okta itself runs."""

from __future__ import annotations

import pytest

from nhi_revoke.engine import guard
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke_okta import provider as okta
from nhi_revoke_okta.naming import canonical, is_native, parse_ref
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.scopes import APPS, SERVICES, USERS

from .conftest import APP, START, USER, Bench


def found(bench: Bench, name: str) -> set[str]:
    return {str(ref) for ref in okta.find(bench.conn, name)}


@pytest.mark.parametrize("size", [1, 1000])
def test_find_by_exactly_this_name(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    app, user = bench.resolve(APP).ref, bench.resolve(USER).ref
    assert found(bench, "Payments Bot") == {str(app)}
    assert found(bench, "payments-bot@example.com") == {str(user)}
    assert found(bench, "payments-bot") == {str(user)}
    assert found(bench, "Payments") == set()
    assert found(bench, "payments bot") == set()
    assert found(bench, 'quo"te\\') == set()


@pytest.mark.parametrize("pattern", ["okta:app/Payments Bot", "okta:app/Payments*"])
def test_an_app_that_is_protected_by_its_label_is_so_where_its_id_is_typed(bench: Bench, pattern: str) -> None:
    """Nobody protects an app by its id; and the map, or a lead's command, names it by that."""
    who = bench.resolve(str(bench.resolve(APP).ref))
    assert "Payments Bot" not in f"{who.ref} {who.typed} {who.aliases}"
    assert guard.protected(who, ("okta:app/Break Glass", pattern)) == pattern
    assert guard.protected(who, (pattern.replace("okta:", "other:"), "okta:app/Payment", "okta:user/*")) is None


@pytest.mark.parametrize("pattern", ["okta:api-service/Acme Backup", "okta:api-service/Acme*"])
def test_an_integration_that_is_protected_by_its_name_is_so_where_its_id_is_typed(bench: Bench, pattern: str) -> None:
    with bench.org.lock:
        [service] = bench.org.services.values()
        service.name = "Acme Backup"
    who = bench.resolve(f"okta:api-service/{service.id}")
    assert guard.protected(who, (pattern,)) == pattern


def test_find_shows_each_of_several(bench: Bench) -> None:
    with bench.org.lock:
        seed.new_app(bench.org, "payments-bot", START)
        seed.new_user(bench.org, "payments-bot@other.example", START)
    assert len(found(bench, "payments-bot")) == 3


@pytest.mark.parametrize("size", [1, 1000])
def test_find_shows_an_integration_by_exactly_this_name(bench: Bench, size: int) -> None:
    bench.sandbox.page_size(size)
    [service] = bench.org.services.values()
    assert found(bench, service.name) == {f"okta:api-service/{service.id}"}
    assert found(bench, service.name.upper()) == found(bench, service.name[:-1]) == set()


@pytest.mark.parametrize("missing", [APPS.read, USERS.read, SERVICES.read])
def test_find_that_may_not_look_is_not_nobody(bench: Bench, missing: str) -> None:
    """And it hides nothing of what could be looked at."""
    [service] = bench.org.services.values()
    with bench.org.lock:
        app = seed.new_app(bench.org, service.name, START)
        user = seed.new_user(bench.org, f"{service.name}@other.example".replace(" ", "-"), START)
        service.name = user.login.partition("@")[0]
        app.label = service.name
    mine = {APPS.read: app.id, USERS.read: user.id, SERVICES.read: service.id}
    bench.sandbox.allow_only([scope for scope in mine if scope != missing])
    refs: list[str] = []
    with pytest.raises(Denied) as said:
        refs.extend(ref.id for ref in okta.find(bench.conn, service.name))
    assert said.value.needs == missing
    assert set(refs) == {unique for scope, unique in mine.items() if scope != missing}


@pytest.mark.parametrize("name", sorted({"saasure", "okta_browser_plugin"}))
def test_what_okta_runs_is_untouchable(bench: Bench, name: str) -> None:
    with bench.org.lock:
        app = seed.new_app(bench.org, "Okta Something", START, name=name)
    assert bench.resolve(f"okta:app/{app.id}").untouchable
    assert bench.resolve(APP).untouchable is None


@pytest.mark.parametrize("kind", ["app", "user", "api-service"])
def test_ids_and_names_that_do_not_exist(bench: Bench, kind: str) -> None:
    prefix = {"app": "0oa", "user": "00u", "api-service": "0oa"}[kind]
    for name in (prefix + "x" * 17, "no such", "a/b", "nobody@example.com", "ü", "%2e%2e", "a?b=c"):
        with pytest.raises(Missing):
            bench.resolve(f"okta:{kind}/{name}")


def test_a_client_id_in_the_form_of_an_id(bench: Bench) -> None:
    client_id = "0oa" + "c" * 17
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger", START, client_id=client_id)
    assert bench.resolve(f"okta:app/{client_id}").unique_id == app.id


def test_a_label_is_no_path(bench: Bench) -> None:
    """It may hold what a path gives a meaning to; it is looked for, never asked for as if it were an id."""
    for label in ("a/b", "..", "a?b", "100%", "ü"):
        with bench.org.lock:
            app = seed.new_app(bench.org, label, START)
        assert bench.resolve(f"okta:app/{label}").unique_id == app.id


def test_a_client_id_is_an_alias(bench: Bench) -> None:
    """Facts 1.4, 15."""
    with bench.org.lock:
        app = seed.new_app(bench.org, "Ledger", START, client_id="ledger-client")
    who = bench.resolve("okta:app/ledger-client")
    assert who.ref == canonical("app", app.id)
    assert {"okta:app/ledger-client", "ledger-client"} <= set(who.aliases)
    assert who.typed == "okta:app/ledger-client"
    assert bench.conn.named(PrincipalRef.parse("okta:app/Ledger")).client_id == "ledger-client"


@pytest.mark.parametrize("text", ["", "app/", "app/ ", "/x", "group/x", "0oa", "00u" + "x" * 18, "https://x"])
def test_what_is_not_oktas(text: str) -> None:
    assert parse_ref(text) is None
    assert not is_native(text)


def test_bare_ids() -> None:
    assert parse_ref("0oa" + "b" * 17) == canonical("app", "0oa" + "b" * 17)
    assert parse_ref("00u" + "b" * 17) == canonical("user", "00u" + "b" * 17)
