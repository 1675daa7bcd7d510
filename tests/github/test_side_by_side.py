"""The operator signs in by a token and as a GitHub App side by side: which of them asks what, and what is left where
one of them does not work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing, Throttled, Unauthenticated, Unavailable
from nhi_revoke_github.access.deploy_key import KIND as DEPLOY_KEY
from nhi_revoke_github.access.pat import KIND as PAT
from nhi_revoke_github.access.pat import held
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.permissions import METADATA
from nhi_revoke_github.repositories import walk
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_tokens import RESPONDER
from nhi_revoke_github.sandbox.routes_apps import stop
from nhi_revoke_github.sandbox.state import ORG, App, Hub, Installation
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, USER, Bench
from .responder import token_of, works
from .sent import ME, MY_APP, Sent, log_of

PATS = f"/orgs/{ORG}/personal-access-token"
REPOS = org_path(ORG, "/repos")


@pytest.fixture
def sent(both: Bench, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    return log_of(both.sandbox.gate, monkeypatch)


def my_app(hub: Hub) -> App:
    found = hub.app_of(RESPONDER)
    assert found is not None
    return found


def installed(hub: Hub) -> Installation:
    return next(i for i in hub.installations.values() if i.app == my_app(hub).id)


def end_token(bench: Bench) -> None:
    found = bench.hub.by_value(token_of(bench))
    assert found is not None
    found.status.set("gone", bench.sandbox.now(), 0)


def spots(conn: GithubConnection, bench: Bench, kind: str, on: str = USER) -> list[BlindSpot]:
    found = bench.kinds[kind].collect(conn, PrincipalRef.parse(on), bench.io)
    return [f for f in found if isinstance(f, BlindSpot)]


# -- which asks what -----------------------------------------------------------------------------------------------


def test_both_are_the_operator(both: Bench) -> None:
    assert both.conn.whoami() == (ME, MY_APP)
    assert both.conn.not_signed_in() == ()
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": seed.SHOP}
    assert [str(r) for r in both.connect(environ).whoami()] == [str(ME), str(MY_APP), f"github:repo/{seed.SHOP}"]


def test_the_app_asks_for_fine_grained_tokens_and_the_token_for_everything_else(both: Bench, sent: list[Sent]) -> None:
    both.conn.whoami()
    found = both.collect(USER)
    assert [a.id for a in found if isinstance(a, Access) and a.kind == PAT and a.state == "live"]
    assert [f for f in found if isinstance(f, BlindSpot) and f.kind == PAT] == []
    for repository in ("shop", "ledger"):
        both.collect(f"github:repo/{ORG}/{repository}")
    about_pats = {s.by for s in sent if s.path.startswith(PATS)}
    everything_else = {s.by for s in sent if not s.path.startswith((PATS, "/app"))}
    assert (about_pats, everything_else) == ({"app"}, {"token"})
    assert {s.call for s in sent if s.by == "jwt" and not s.path.startswith("/app/")} == {"GET /app"}


def test_later_pages_are_asked_by_the_same(both: Bench, sent: list[Sent]) -> None:
    from nhi_revoke_github.sandbox.routes_tokens import new_pat

    with both.hub.lock:
        for number in range(3):
            new_pat(both.hub, seed.LOGIN, START, f"bulk {number}", contents="read")
    both.sandbox.page_size(1)
    assert len(held(both.conn, seed.LOGIN)) == 4
    assert len(list(both.conn.rows(REPOS, METADATA))) == 2
    assert [s.by for s in sent if s.path.startswith(PATS)] == ["app"] * 4
    assert [s.by for s in sent if s.path == REPOS] == ["token"] * 2


def test_it_is_asked_once_whose_the_token_is(both: Bench, sent: list[Sent]) -> None:
    """By a whole look of many threads at once; a token alone is not asked before it is used."""
    both.io.map(lambda _: list(both.conn.rows(REPOS, METADATA)), range(8))
    both.conn.whoami()
    both.conn.whoami()
    assert [s.call for s in sent].count("GET /user") == 1
    alone = both.connect(app_id="", private_key_file="")
    sent.clear()
    works(alone)
    assert [s.call for s in sent] == ["GET /orgs/<org>"]


def test_a_token_of_the_environment_is_not_used_beside_an_app(both: Bench, sent: list[Sent]) -> None:
    """Nobody named it: what it may, and whose it is, would be a surprise."""
    conn = both.connect({"GH_ENTERPRISE_TOKEN": token_of(both), "GH_TOKEN": token_of(both)}, token_file="")
    assert conn.whoami() == (MY_APP,)
    works(conn)
    held(conn, seed.LOGIN)
    assert "token" not in {s.by for s in sent}
    alone = both.connect({"GH_ENTERPRISE_TOKEN": token_of(both)}, token_file="", app_id="", private_key_file="")
    assert alone.whoami() == (ME,)


def test_each_has_a_limit_of_its_own(both: Bench) -> None:
    both.sandbox.gate.limit = 20
    for _ in range(17):
        works(both.conn)
    began = both.io.now()
    assert held(both.conn, seed.LOGIN)
    assert (both.io.now() - began).total_seconds() < 1, "a wait would have moved the clock"
    with pytest.raises(Throttled):
        works(both.conn)
    assert held(both.conn, seed.LOGIN), "the token's own is used up, and the App's is not"


@pytest.mark.parametrize("broken", [False, True])
def test_which_repositories_are_shown_is_said_of_whoever_lists_them(both: Bench, broken: bool) -> None:
    """An App on one repository is no matter where the token lists all."""
    installed(both.hub).selected = frozenset((seed.SHOP,))
    conn = both.connect(token_file="/nowhere") if broken else both.conn
    held(conn, seed.LOGIN)
    walked = walk(conn, both.io, "keys", METADATA, lambda name: name)
    assert conn.repository_selection == ("selected" if broken else "")
    assert [name for name, _ in walked.found] == ([seed.SHOP] if broken else [seed.LEDGER, seed.SHOP])
    assert walked.missing == (1 if broken else 0)


# -- what is refused -----------------------------------------------------------------------------------------------


def test_a_denial_says_which_of_them_was_denied(both: Bench) -> None:
    both.sandbox.fault("GET /orgs/<org>/repos", "denied")
    with pytest.raises(Denied, match="to the operator's token") as said:
        list(both.conn.rows(REPOS, METADATA))
    assert "App" not in said.value.message
    both.sandbox.fault("GET /orgs/<org>/personal-access-tokens", "denied")
    [spot] = spots(both.conn, both, PAT)
    assert "to the operator's GitHub App" in spot.why
    both.sandbox.fault("GET /orgs/<org>", "denied")
    with pytest.raises(Missing) as missing:
        both.conn.get(org_path(ORG), METADATA, known=True)
    assert "there is none" in missing.value.message


def test_where_there_is_one_alone_nothing_is_said_of_another(bench: Bench) -> None:
    bench.sandbox.fault("GET /orgs/<org>/repos", "denied")
    with pytest.raises(Denied) as said:
        list(bench.conn.rows(REPOS, METADATA))
    assert "the operator" not in said.value.message


def tampered(bench: Bench, folder: Path, how: str) -> GithubConnection:
    """A connection whose token does not sign in."""
    if how == "revoked":
        end_token(bench)
        return bench.connect()
    if how == "expired":
        token = bench.hub.by_value(token_of(bench))
        assert token is not None
        token.expires = bench.sandbox.now()
        return bench.connect()
    file = folder / "another-token"
    if how == "nobody's":
        file.write_text(bench.hub.new_token("ghs", "some-app", START, permissions={"*": "write"}).value)
    elif how == "no token":
        file.write_text("what is this")
    return bench.connect(token_file=str(file))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing", "the file that token_file of GitHub names cannot be read"),
        ("no token", "what token_file holds is no GitHub token"),
        ("revoked", "GitHub does not accept the operator's token"),
        ("expired", "GitHub does not accept the operator's token"),
        ("nobody's", "whose token this is cannot be told"),
    ],
)
def test_without_the_token_the_app_asks_everything(
    both: Bench, sent: list[Sent], tmp_path: Path, how: str, why: str
) -> None:
    conn = tampered(both, tmp_path, how)
    assert conn.whoami() == (MY_APP,)
    [fault] = conn.not_signed_in()
    assert why in fault.message
    assert fault.hint
    assert works(conn)
    assert held(conn, seed.LOGIN)
    asked_by_token = [s.call for s in sent if s.by == "token" or s.call == "GET /user"]
    assert asked_by_token == ([] if how in ("missing", "no token") else ["GET /user"]), "it is used for nothing"
    both.sandbox.fault("GET /orgs/<org>/repos", "denied")
    with pytest.raises(Denied, match="to the operator's GitHub App, which asks instead of the token") as said:
        list(conn.rows(REPOS, METADATA))
    assert why in said.value.message
    for secret in both.sandbox.canaries():
        assert secret not in everything_said(said.value)


def test_without_the_token_no_user_is_ended_since_it_may_be_the_operator(both: Bench, tmp_path: Path) -> None:
    both.conn = tampered(both, tmp_path, "missing")
    who = both.resolve(f"github:user/{seed.OPERATOR}")
    assert who.untouchable is not None
    assert "it may be you" in who.untouchable
    assert "token_file" in who.untouchable
    assert both.resolve(USER).untouchable is not None
    for touchable in (APP, f"github:repo/{seed.SHOP}"):
        assert both.resolve(touchable).untouchable is None
    both.conn = both.connect()
    assert both.resolve(USER).untouchable is None


def test_a_token_that_dies_later_is_refused_and_nobody_takes_its_place_unseen(both: Bench, sent: list[Sent]) -> None:
    works(both.conn)
    end_token(both)
    with pytest.raises(Unauthenticated, match="the operator's token for GET /orgs") as said:
        works(both.conn)
    assert "token_file" in said.value.hint
    assert held(both.conn, seed.LOGIN)
    assert {s.by for s in sent if s.call == "GET /orgs/<org>"} == {"token"}


def test_a_github_that_does_not_answer_is_no_refusal(both: Bench, sent: list[Sent]) -> None:
    both.sandbox.fault("GET /user", "500", 20)
    with pytest.raises(Unavailable):
        works(both.conn)
    with pytest.raises(Unavailable):
        both.conn.whoami()
    assert {s.call for s in sent if s.by != "jwt"} == {"GET /user"}
    conn = both.connect()
    both.sandbox.gate.faults = type(both.sandbox.gate.faults)()
    assert conn.whoami() == (ME, MY_APP)


def no_key(bench: Bench) -> GithubConnection:
    return bench.connect(private_key_file="/nowhere")


def dead_key(bench: Bench) -> GithubConnection:
    my_app(bench.hub).keys.clear()
    return bench.connect()


def not_installed(bench: Bench) -> GithubConnection:
    del bench.hub.installations[installed(bench.hub).id]
    return bench.connect()


def suspended(bench: Bench) -> GithubConnection:
    stop(installed(bench.hub), "an-owner", START)
    return bench.connect()


@pytest.mark.parametrize(
    ("broken", "why", "is_known"),
    [
        (no_key, "the file that private_key_file of GitHub names cannot be read", False),
        (dead_key, "GitHub does not accept the operator's GitHub App", False),
        (not_installed, f"the operator's GitHub App is not installed on {ORG}", True),
        (suspended, f"the operator's GitHub App is suspended on {ORG}", True),
    ],
)
def test_without_the_app_fine_grained_tokens_alone_are_unseen(
    both: Bench, sent: list[Sent], broken: Callable[[Bench], GithubConnection], why: str, is_known: bool
) -> None:
    conn = broken(both)
    assert conn.whoami() == ((ME, MY_APP) if is_known else (ME,))
    assert len(conn.not_signed_in()) == (0 if is_known else 1)
    [spot] = spots(conn, both, PAT)
    assert why in spot.why
    assert spot.counts
    assert "app_id and private_key_file" in spot.needs
    assert spot.covered_by == ("github:membership/remove",)
    both.conn = conn
    assert both.resolve(USER).untouchable is None
    assert [a for a in both.collect(f"github:repo/{seed.SHOP}", DEPLOY_KEY) if isinstance(a, Access)]
    assert not [s for s in sent if s.path.startswith(PATS)], "the token is not tried where Apps alone are told"


@pytest.mark.parametrize("named_by", ["id", "client_id"])
def test_an_app_that_does_not_sign_in_is_known_by_its_number(both: Bench, named_by: str) -> None:
    mine = str(getattr(my_app(both.hub), named_by))
    both.conn = both.connect(app_id=mine, private_key_file="/nowhere")
    who = both.resolve(str(MY_APP))
    assert who.untouchable is not None
    assert "it may be you" in who.untouchable
    assert both.resolve(APP).untouchable is None
    with both.hub.lock:
        seed.new_account(both.hub, f"{RESPONDER}[bot]", START, "Bot")
    assert both.resolve(f"github:user/{RESPONDER}[bot]").untouchable is not None


def test_without_either_nothing_can_start_and_both_reasons_are_told(both: Bench, tmp_path: Path) -> None:
    end_token(both)
    conn = both.connect(private_key_file="/nowhere")
    asks: tuple[Callable[[], object], ...] = (conn.whoami, lambda: works(conn))
    for ask in asks:
        with pytest.raises(Unauthenticated) as said:
            ask()
        assert "the operator's token" in said.value.message
        assert "private_key_file" in said.value.message
        assert "token_file" in said.value.hint
        assert token_of(both) not in everything_said(said.value)
