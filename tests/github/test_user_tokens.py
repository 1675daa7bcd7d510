"""Tokens of users that authorised an app: no list, and three ways to end one whose value is known."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Manual
from nhi_revoke.provider.fault import Missing, NoAnswer, Rejected, Unauthenticated
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access import user_token
from nhi_revoke_github.sandbox.state import Token
from nhi_revoke_github.settings import HeldApp
from tests.http_kit.conftest import everything_said

from .conftest import APP, Bench

KIND = user_token.KIND


def token(bench: Bench) -> Token:
    [found] = [t for t in bench.hub.tokens.values() if t.kind == "ghu" and t.value in bench.sandbox.gate.stolen]
    return found


def more(bench: Bench, owner: str, client_id: str = "") -> Token:
    return bench.hub.new_token("ghu", owner, bench.sandbox.now(), client_id=client_id or held(bench).client_id)


def held(bench: Bench) -> HeldApp:
    return bench.settings.apps[0]


def secret(value: Token) -> Secret:
    return Secret(value.value, field=user_token.FIELD)


def alive(bench: Bench, *tokens: Token) -> list[bool]:
    return [bench.sandbox.gate.alive(t, bench.sandbox.now()) for t in tokens]


def test_no_list_exists_and_it_says_so(bench: Bench) -> None:
    [access] = bench.accesses(APP, KIND).values()
    assert (access.id, access.state) == (f"{KIND}/example-payments/payments-bot/*", "unknown")
    assert "no API lists" in access.note
    [manual] = [d for d in bench.draft(APP) if isinstance(d, Manual) and d.kind == KIND]
    assert f"DELETE /applications/{held(bench).client_id}/grant" in manual.what
    assert "/settings/applications" in manual.what


def test_pitfall_9_a_delete_has_its_body(bench: Bench) -> None:
    """And ends this token alone."""
    mine, second = token(bench), more(bench, "payments-clerk")
    assert user_token.lives(bench.conn, held(bench), secret(mine))
    assert isinstance(user_token.delete(bench.conn, held(bench), secret(mine)), Done)
    assert alive(bench, mine, second) == [False, True]
    assert not user_token.lives(bench.conn, held(bench), secret(mine))
    assert not bench.doors()["user-token"]
    assert bench.writes() == ["DELETE /applications/<client_id>/token"]
    assert isinstance(user_token.delete(bench.conn, held(bench), secret(mine)), Already)


def test_a_grant_takes_every_token_of_that_user_and_app(bench: Bench) -> None:
    other_app = "Iv23liotherotherother"
    mine, second = token(bench), more(bench, "payments-clerk")
    of_another, elsewhere = more(bench, "payments-machine"), more(bench, "payments-clerk", other_app)
    assert isinstance(user_token.delete_grant(bench.conn, held(bench), secret(mine)), Done)
    assert alive(bench, mine, second, of_another, elsewhere) == [False, False, True, True]
    assert isinstance(user_token.delete_grant(bench.conn, held(bench), secret(mine)), Already)


def test_a_reset_gives_another_and_the_old_one_is_dead_at_once(bench: Bench) -> None:
    mine = token(bench)
    new = user_token.reset(bench.conn, held(bench), secret(mine))
    assert alive(bench, mine) == [False]
    assert new.reveal() != mine.value
    assert user_token.lives(bench.conn, held(bench), new)
    assert new.reveal() not in repr(new)
    with pytest.raises(Missing):
        user_token.reset(bench.conn, held(bench), secret(mine))


def test_a_lost_reset_is_never_asked_again(bench: Bench) -> None:
    bench.sandbox.fault("PATCH /applications/<client_id>/token", "lost")
    with pytest.raises(NoAnswer):
        user_token.reset(bench.conn, held(bench), secret(token(bench)))
    assert bench.writes() == ["PATCH /applications/<client_id>/token"]


@pytest.mark.parametrize("fault", ["lost", "timeout", "500"])
def test_a_lost_delete_may_be_asked_again(bench: Bench, fault: FaultName) -> None:
    bench.sandbox.fault("DELETE /applications/<client_id>/token", fault)
    user_token.delete(bench.conn, held(bench), secret(token(bench)))
    assert alive(bench, token(bench)) == [False]


def test_without_the_secret_or_with_a_dead_one(bench: Bench) -> None:
    mine = secret(token(bench))
    with pytest.raises(Unauthenticated, match="not held"):
        user_token.delete(bench.conn, replace(held(bench), client_secret_file=""), mine)
    bench.sandbox.meddle("delete-app-secret")
    for do in (user_token.delete, user_token.delete_grant, user_token.reset, user_token.lives):
        with pytest.raises(Unauthenticated) as said:
            do(bench.conn, held(bench), mine)
        everything = everything_said(said.value)
        assert mine.reveal() not in everything
        assert Path(held(bench).client_secret_file).read_text() not in everything
    assert alive(bench, token(bench)) == [True]


def test_another_apps_path_is_not_let_in(bench: Bench) -> None:
    wrong = replace(held(bench), client_id="Iv23liwrongwrongwrong")
    with pytest.raises(Unauthenticated):
        user_token.delete(bench.conn, wrong, secret(token(bench)))
    assert alive(bench, token(bench)) == [True]


@respx.mock
@pytest.mark.parametrize(("lives", "known"), [(200, False), (404, True)])
def test_a_422_is_looked_after(bench: Bench, lives: int, known: bool) -> None:
    """The description has it for a token that is none, and a body that was lost gives it, too."""
    base = "https://api.github.com/applications/" + held(bench).client_id
    gone = respx.delete(f"{base}/token").respond(422, json={"message": "Validation Failed"})
    respx.post(f"{base}/token").respond(lives, json={})
    conn = bench.connect(api_url="https://api.github.com")
    if known:
        assert isinstance(user_token.delete(conn, held(bench), secret(token(bench))), Already)
    else:
        with pytest.raises(Rejected):
            user_token.delete(conn, held(bench), secret(token(bench)))
    sent = gone.calls.last.request
    assert sent.content == httpx.Request("DELETE", base, json={"access_token": token(bench).value}).content
    assert sent.headers["authorization"].startswith("Basic ")
    assert token(bench).value not in str(sent.url)
