"""Refresh tokens: every page, every server, all at once and again; what they minted dies with them, and nothing else.

facts okta-github.md 1.4: 5, 9, 15, 21.
"""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke_okta.access import refresh_token, server_token
from nhi_revoke_okta.sandbox import plant_app, routes_app_tokens, seed
from nhi_revoke_okta.sandbox.request import Context
from nhi_revoke_okta.sandbox.state import ORG_SERVER, App, RefreshToken, Server
from nhi_revoke_okta.scopes import APPS, SERVERS

from .conftest import APP, START, Bench, Whole

TERMINAL = f"okta:app/{plant_app.TERMINAL}"
KIND, AT_SERVER = refresh_token.KIND, server_token.KIND


def terminal(bench: Bench | Whole) -> App:
    org = bench.org if isinstance(bench, Bench) else bench.okta.org
    return next(a for a in org.apps.values() if a.label == plant_app.TERMINAL)


def more(bench: Bench, number: int = 1, server: Server | None = None) -> list[RefreshToken]:
    """Of the terminal, for its clerk."""
    scene, user = bench.sandbox.scene, next(iter(bench.org.refresh_tokens.values())).user
    with bench.org.lock:
        return [plant_app.add_refresh_token(scene, terminal(bench), user, server) for _ in range(number)]


def of_kind(steps: list[Step], kind: str) -> list[Step]:
    return [s for s in steps if s.does.startswith(f"{kind}/")]


# -- listing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000])
def test_every_page_is_read(bench: Bench, size: int) -> None:
    """Facts 1.4, 5: 20 a page where nobody says more, and 200 at most."""
    more(bench, 30)
    bench.sandbox.page_size(size)
    found = bench.accesses(TERMINAL, KIND)
    assert len(found) == 31
    assert {a.state for a in found.values()} == {"live"}
    if size > 1:
        assert [c.name for c in bench.sandbox.calls()].count("GET /api/v1/apps/<app>/tokens") == 1


def test_what_is_told_of_one(bench: Bench) -> None:
    [held] = [t for t in bench.org.refresh_tokens.values() if t.app == terminal(bench).id]
    [access] = bench.accesses(TERMINAL, KIND).values()
    assert access.id == f"{KIND}/{terminal(bench).id}/{held.id}"
    assert access.created == held.created.replace(microsecond=held.created.microsecond // 1000 * 1000)
    assert access.expires == access.created + timedelta(days=30)
    assert held.user in access.label
    assert access.before == {"issuer": "https://payments.okta.test/oauth2/default"}
    assert not [c for c in bench.sandbox.canaries() if c in repr(access)]


def test_an_app_without_any_has_none_and_nothing_is_planned(bench: Bench) -> None:
    assert bench.accesses(APP, KIND) == {}
    assert not of_kind(bench.steps(APP), KIND)


def test_revoked_and_expired_ones_are_not_live(bench: Bench) -> None:
    held, gone = more(bench, 2)
    with bench.org.lock:
        gone.status.set("GONE", START, 0)
    bench.sandbox.advance(31 * 24 * 3600)
    assert not [a for a in bench.accesses(TERMINAL, KIND).values() if a.state == "live"]
    assert held.id


def test_a_denied_list_names_the_scope(bench: Bench) -> None:
    bench.conn.named(PrincipalRef.parse(TERMINAL))
    bench.sandbox.fault("GET /api/v1/apps/<app>/tokens", "denied")
    with pytest.raises(Denied) as said:
        list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(TERMINAL), bench.io))
    assert said.value.needs == APPS.read


# -- revoking ----------------------------------------------------------------------------------------------------------


def test_all_are_revoked_at_once_and_what_they_minted(bench: Bench) -> None:
    more(bench, 2)
    before = bench.doors()
    end, seal = of_kind(bench.steps(TERMINAL), KIND)
    assert (end.phase, seal.phase, end.reversible, end.rearms) == (Phase.END, Phase.SEAL, False, "no")
    assert len(end.ends) == 3
    change = bench.do(end)
    assert isinstance(change, Done)
    assert bench.seen(end) == change.left
    assert bench.accesses(TERMINAL, KIND) == {}
    shut = {name for name, was in before.items() if was and not bench.doors()[name]}
    assert shut == {"refresh-token", "refreshed-token"}, "and nothing else"
    assert bench.writes() == ["DELETE /api/v1/apps/<app>/tokens"]
    assert bench.prove(end).proof is Proof.RECORDED


def test_access_tokens_of_client_credentials_are_not_affected(bench: Bench) -> None:
    """Facts 1.4, 8; OpenAPI: "access tokens issued without a refresh token aren't affected"."""
    with bench.org.lock:
        own = bench.sandbox.gate.issuer.mint(terminal(bench), "default", ("payments",), START)
    bench.do(of_kind(bench.steps(TERMINAL), KIND)[0])
    answer = httpx.get(f"{bench.sandbox.url}/_resource/introspecting", headers={"Authorization": f"Bearer {own.value}"})
    assert answer.status_code == 200
    assert bench.doors()["refreshed-token-local"], "whoever validates by itself takes it until it expires"


def test_it_tells_until_when_what_was_minted_lasts(bench: Bench) -> None:
    change = bench.do(of_kind(bench.steps(TERMINAL), KIND)[0])
    [(access, until)] = change.left["residuals"].items()
    assert access == f"okta:access-token/{bench.conn.scope}/{terminal(bench).id}/*"
    assert until.startswith("2026-11-28T13:00:")


def test_the_seal_ends_those_born_in_between(bench: Bench) -> None:
    end, seal = of_kind(bench.steps(TERMINAL), KIND)
    bench.do(end)
    bench.sandbox.advance(5)
    [born] = more(bench)
    assert bench.seen(end) is not None, "what is born later is another matter"
    assert isinstance(bench.do(seal), Done)
    assert bench.seen(seal) is not None
    assert born.status.shown == "GONE"


def test_the_cutoff_is_seen_not_to_hold_while_an_older_one_is_listed(bench: Bench) -> None:
    end, _ = of_kind(bench.steps(TERMINAL), KIND)
    bench.do(end)
    [older] = more(bench)
    older.created = START - timedelta(minutes=1)
    assert bench.seen(end) is None


def test_twice_is_already(bench: Bench) -> None:
    end, seal = of_kind(bench.steps(TERMINAL), KIND)
    bench.do(end)
    assert isinstance(bench.do(end), Already)
    assert isinstance(bench.do(seal), Already)
    assert of_kind(bench.steps(TERMINAL), KIND) == []


def test_it_cannot_be_taken_back(bench: Bench) -> None:
    end, _ = of_kind(bench.steps(TERMINAL), KIND)
    bench.do(end)
    assert "cannot be taken back" in bench.undo(end).why


def test_one_by_its_id_leaves_the_others(bench: Bench) -> None:
    other, *_ = more(bench)
    wanted = next(a for a in bench.accesses(TERMINAL, KIND) if not a.endswith(other.id))
    end, seal = of_kind(bench.steps(TERMINAL, scope=wanted), KIND)
    assert end.ends == seal.ends == (wanted,)
    assert isinstance(bench.do(end), Done)
    assert list(bench.accesses(TERMINAL, KIND)) == [f"{KIND}/{terminal(bench).id}/{other.id}"]
    assert bench.writes() == ["DELETE /api/v1/apps/<app>/tokens/<token>"]
    assert bench.seen(end) is not None
    assert isinstance(bench.do(end), Already)


def test_sessions_that_are_kept_keys_alone_and_rotation_plan_nothing_here(bench: Bench) -> None:
    assert of_kind(bench.steps(TERMINAL, keep_sessions=True), KIND) == []
    assert of_kind(bench.steps(TERMINAL, scope="keys"), KIND) == []
    assert of_kind(bench.steps(TERMINAL, scope="sessions"), KIND)


def test_an_app_that_is_deleted_meanwhile_has_no_tokens(bench: Bench) -> None:
    end, _ = of_kind(bench.steps(TERMINAL), KIND)
    with bench.org.lock:
        terminal(bench).status.set("GONE", START, 0)
    assert isinstance(bench.do(end), Already)
    assert bench.seen(end) is not None


def test_roles_and_scopes_go_first() -> None:
    for doer in (refresh_token.RevokeOfApp(), server_token.RevokeAtServer()):
        assert doer.needs == ("okta:app-role/unassign", "okta:app-grant/revoke")


# -- custom servers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def partial(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The app's own list leaves out what custom servers issued."""
    whole = routes_app_tokens.tokens_of

    def of_the_org(at: Context, app: App) -> list[RefreshToken]:
        return [t for t in whole(at, app) if t.server == ORG_SERVER]

    monkeypatch.setattr(routes_app_tokens, "tokens_of", of_the_org)
    return bench


def test_what_the_apps_own_list_shows_is_listed_once(bench: Bench) -> None:
    with bench.org.lock:
        ledger = seed.new_server(bench.org, "ledger", START)
    more(bench, 1, ledger)
    assert bench.accesses(TERMINAL, AT_SERVER) == {}
    assert len(bench.accesses(TERMINAL, KIND)) == 2


@pytest.mark.parametrize("size", [1, 1000])
def test_every_custom_server_is_asked(partial: Bench, size: int) -> None:
    """Facts 1.4, 9 and 15: `default` and all the others, by client id, which is not the app's id here."""
    with partial.org.lock:
        ledger = seed.new_server(partial.org, "ledger", START)
        seed.new_server(partial.org, "unused", START)
    more(partial, 2, ledger)
    partial.sandbox.page_size(size)
    assert partial.accesses(TERMINAL, KIND) == {}
    found = partial.accesses(TERMINAL, AT_SERVER)
    servers = sorted(a.split("/")[1] for a in found)
    assert servers == sorted(["default", ledger.id, ledger.id])
    assert {a.split("/")[2] for a in found} == {"payments-terminal"}


def test_they_are_revoked_at_each_server(partial: Bench) -> None:
    with partial.org.lock:
        ledger = seed.new_server(partial.org, "ledger", START)
    more(partial, 2, ledger)
    before = partial.doors()
    steps = of_kind(partial.steps(TERMINAL), AT_SERVER)
    assert [(s.phase, len(s.ends)) for s in steps] == [(Phase.END, 1), (Phase.SEAL, 1), (Phase.END, 2), (Phase.SEAL, 2)]
    assert len({s.lock for s in steps}) == 2
    for step in steps:
        change = partial.do(step)
        assert isinstance(change, Done if step.phase is Phase.END else Already)
        assert partial.seen(step) is not None
    assert partial.accesses(TERMINAL, AT_SERVER) == {}
    assert {n for n, was in before.items() if was and not partial.doors()[n]} == {"refresh-token", "refreshed-token"}


def test_one_at_a_server_by_its_id_leaves_the_others(partial: Bench) -> None:
    other, *_ = more(partial, 1, partial.org.servers["default"])
    wanted = next(a for a in partial.accesses(TERMINAL, AT_SERVER) if not a.endswith(other.id))
    end, _ = of_kind(partial.steps(TERMINAL, scope=wanted), AT_SERVER)
    partial.do(end)
    assert [a.rpartition("/")[2] for a in partial.accesses(TERMINAL, AT_SERVER)] == [other.id]


def test_a_server_that_is_deleted_meanwhile_has_no_tokens(partial: Bench) -> None:
    end, _ = of_kind(partial.steps(TERMINAL), AT_SERVER)
    with partial.org.lock:
        del partial.org.servers["default"]
    assert isinstance(partial.do(end), Already)
    assert partial.seen(end) is not None
    assert partial.accesses(TERMINAL, AT_SERVER) == {}


@pytest.mark.parametrize("missing", [True, False])
def test_servers_that_cannot_be_listed_are_unseen_never_none(bench: Bench, missing: bool) -> None:
    """Facts 1.4, 21: a 404 may mean that API Access Management is not sold here."""
    if missing:
        bench.org.api_access_management = False
    else:
        bench.sandbox.allow_only([APPS.read])
    [spot] = bench.collect(TERMINAL, AT_SERVER)
    assert isinstance(spot, BlindSpot)
    assert spot.counts
    assert spot.needs == ("API Access Management" if missing else SERVERS.read)
    assert spot.covered_by == (f"{KIND}/revoke",), "Okta documents that the app's own list is all of them"


def test_while_servers_are_unseen_all_of_the_app_are_revoked_though_none_is_listed(bench: Bench) -> None:
    bench.org.api_access_management = False
    [seal] = of_kind(bench.steps(APP), KIND)
    assert (seal.phase, seal.ends) == (Phase.SEAL, ())
    assert isinstance(bench.do(seal), Already)
    assert bench.writes() == ["DELETE /api/v1/apps/<app>/tokens"]
    assert of_kind(bench.steps(APP, scope="keys"), KIND) == []


# -- whole runs --------------------------------------------------------------------------------------------------------


def test_a_run_closes_the_blind_spot_of_unseen_servers(whole: Whole) -> None:
    whole.okta.org.api_access_management = False
    report = whole.run(whole.plan(name=TERMINAL))
    assert AT_SERVER not in {b.kind for b in report.blind}
    assert {o.fate for o in report.outcomes if o.access.kind == KIND} == {"ended"}


def test_what_appears_during_the_run_is_ended_in_a_round(whole: Whole) -> None:
    plan = whole.plan(name=TERMINAL)
    done: list[str] = []

    def meddle(line: int) -> None:
        """Once the seal has been asked for."""
        deletes = [c for c in whole.okta.calls() if re.fullmatch(r"DELETE .*/tokens", c.name)]
        if len(deletes) >= 2 and not done:
            done.append("once")
            whole.clock.advance(5)
            whole.okta.meddle("new-refresh-token")

    report = whole.run(plan, before_append=meddle)
    assert done
    appeared = [o for o in report.outcomes if o.appeared and o.access.kind == KIND]
    assert [o.fate for o in appeared] == ["ended"]
    assert "new-refresh-token" not in whole.open_doors()
    assert {b.kind for b in report.blind if b.counts} <= {"okta:planted"}
