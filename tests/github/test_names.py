"""From what is typed to the one principal that GitHub confirms."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing, Unauthenticated
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.finding import find
from nhi_revoke_github.naming import owner_of, parse_ref
from nhi_revoke_github.permissions import METADATA, ORG_ADMINISTRATION
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_tokens import RESPONDER
from nhi_revoke_github.sandbox.state import ORG
from nhi_revoke_github.settings import HeldApp

from .conftest import APP, START, Bench


def found(bench: Bench, name: str, **settings: Any) -> list[str]:
    conn = bench.connect(**settings) if settings else bench.conn
    return [str(ref) for ref in find(conn, name)]


def test_an_app_tells_its_ids_and_owner(bench: Bench) -> None:
    app = bench.sandbox.scene.app
    who = bench.resolve(APP)
    assert (who.unique_id, who.scope, who.untouchable) == (str(app.id), ORG, None)
    assert who.facts == {
        "app_id": str(app.id), "client_id": app.client_id, "owner": ORG, "owner_type": "Organization",
    }  # fmt: skip
    assert "github:user/payments-bot[bot]" in who.aliases


def test_a_private_app_is_known_by_its_installation(bench: Bench) -> None:
    """Its own page is hidden from everybody but its owner: facts 2.4, 13."""
    bench.sandbox.fault("GET /apps/<slug>", "denied", times=2)
    bench.sandbox.page_size(1)
    who = bench.resolve(APP)
    assert who.unique_id == str(bench.sandbox.scene.app.id)
    bench.sandbox.allow_only([ORG_ADMINISTRATION.read])
    assert bench.resolve(APP).unique_id == who.unique_id
    bench.sandbox.allow_only([])
    with pytest.raises(Missing, match="may not see it"):
        bench.resolve(APP)


@pytest.mark.parametrize("slug", ["github-actions", "dependabot"])
def test_githubs_own_apps_are_left_alone(bench: Bench, slug: str) -> None:
    seed.new_app(bench.hub, slug, START)
    assert "GitHub itself" in str(bench.resolve(f"github:app/{slug}").untouchable)


def test_an_app_as_a_user_is_known_as_the_app(bench: Bench) -> None:
    seed.new_account(bench.hub, "payments-bot[bot]", START, "Bot")
    assert bench.resolve("github:user/payments-bot[bot]").aliases == (APP,)
    assert bench.resolve("github:user/payments-machine").aliases == ()


def test_an_oauth_app_is_what_the_settings_say(bench: Bench) -> None:
    who = bench.resolve("github:oauth/0123456789abcdef0123")
    assert (who.name, who.facts["secret_held"]) == ("0123456789abcdef0123", False)
    app = bench.sandbox.scene.app
    held = bench.settings.apps[0].client_id
    assert held == app.client_id
    assert bench.resolve(f"github:oauth/{held}").facts["secret_held"]


def test_names_are_found_as_every_kind(bench: Bench) -> None:
    assert found(bench, "payments-bot") == [APP]
    assert found(bench, "Payments-Machine") == ["github:user/payments-machine"]
    assert found(bench, ORG) == [f"github:org/{ORG}"]
    assert found(bench, "SHOP") == [f"github:repo/{seed.SHOP}"]
    assert found(bench, "Example-Payments/Ledger") == [f"github:repo/{seed.LEDGER}"]
    seed.new_account(bench.hub, "payments-bot", START)
    assert found(bench, "payments-bot") == [APP, "github:user/payments-bot"], "the engine says that it is ambiguous"


def test_an_app_is_found_by_its_own_name_too(bench: Bench) -> None:
    bench.sandbox.scene.app.name = "Payments Bot"
    assert found(bench, "Payments Bot") == [APP]
    for other in ("payments Bot", "Payments  Bot", "Payments Bot ", "Payments/Bot", "payments bot"):
        assert found(bench, other) == []


def test_a_private_app_is_found_by_its_installation(bench: Bench) -> None:
    """Its own page is hidden from everybody but its owner."""
    bench.sandbox.page_size(1)
    bench.sandbox.scene.app.private = True
    assert found(bench, "payments-bot") == found(bench, "Payments-Bot") == [APP]
    assert found(bench, "payments") == []


def test_whether_a_private_app_has_this_name_is_not_called_no(bench: Bench) -> None:
    bench.sandbox.scene.app.private = True
    with pytest.raises(Denied, match="payments-bot is installed on example-payments") as said:
        found(bench, "Payments Bot")
    assert said.value.hint == "Look for payments-bot instead."


def test_apps_are_found_by_client_id(bench: Bench) -> None:
    held = bench.sandbox.scene.app.client_id
    assert set(found(bench, held)) == {APP}
    [other] = [a for a in bench.hub.apps.values() if a.slug == RESPONDER]
    assert found(bench, other.client_id) == [f"github:app/{RESPONDER}"], "by its installation"
    assert found(bench, other.client_id[:-1] + "x") == []
    oauth = "0123456789abcdef0123"
    assert found(bench, oauth) == []
    assert found(bench, oauth, apps=(HeldApp(client_id=oauth),)) == [f"github:oauth/{oauth}"]


def so_far(conn: GithubConnection, name: str) -> tuple[list[str], Exception]:
    """What was found before it was told that something could not be looked at."""
    refs: list[str] = []
    with pytest.raises((Denied, Unauthenticated)) as said:
        refs.extend(str(ref) for ref in find(conn, name))
    return refs, said.value


def test_what_may_not_be_looked_at_hides_nothing_else(bench: Bench) -> None:
    bench.sandbox.scene.app.private = True
    seed.new_account(bench.hub, "payments-bot", START)
    bench.sandbox.allow_only([METADATA])
    refs, said = so_far(bench.conn, "payments-bot")
    assert refs == ["github:user/payments-bot"]
    assert isinstance(said, Denied)
    assert said.needs == ORG_ADMINISTRATION.read.replace(":", "=")


def test_without_an_organisation_its_apps_and_repositories_are_not_called_none(bench: Bench) -> None:
    refs, said = so_far(bench.connect(org=""), "payments-machine")
    assert refs == ["github:user/payments-machine"]
    assert "no GitHub organisation is named" in str(said)


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "../user", "-x", "", "pay ments", "ü"])
def test_what_is_no_name_is_not_found(bench: Bench, name: str) -> None:
    assert found(bench, name) == []
    assert not [c for c in bench.sandbox.calls() if ".." in c.target]


@pytest.mark.parametrize(
    "text",
    ["repo/o/..", "repo/../x", "user/..", "app/.", "user/a/b", "org/", "oauth/short", "app/Upper/x", "x/y", "app"],
)
def test_what_would_be_another_path_is_no_reference(text: str) -> None:
    assert parse_ref(text) is None


def test_whose_connection_it_is() -> None:
    assert owner_of(PrincipalRef.parse("github:repo/acme/shop")) == "acme"
    assert owner_of(PrincipalRef.parse("github:org/acme")) == "acme"
    assert owner_of(PrincipalRef.parse(APP)) == ""
