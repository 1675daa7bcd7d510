"""Access tokens that clients got for a user at a custom server: no request ends them where nobody asks Okta, with a
refresh token beside them or without. facts okta-github.md 1.3 and 1.4, 8.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Residual, Step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import access_token
from nhi_revoke_okta.sandbox import plant_app, plant_user, seed
from nhi_revoke_okta.sandbox.scene import Scene
from nhi_revoke_okta.sandbox.state import AccessToken, App
from nhi_revoke_okta.scopes import SERVERS, USERS

from . import user_run
from .conftest import START, USER, Bench, Whole

KIND = access_token.KIND
LOCAL = "user-local-token"


def desk(scene: Scene) -> App:
    return next(a for a in scene.org.apps.values() if a.label == plant_user.CLIENT)


def signed_in(scene: Scene, server: str = "default") -> AccessToken:
    """Through a page in a browser, which asks for no refresh token."""
    with scene.org.lock:
        return scene.gate.issuer.mint(desk(scene), server, ("openid", "payments"), scene.now(), user=scene.user.id)


def stolen(scene: Scene) -> None:
    token = signed_in(scene)
    scene.steal(token.value)
    access = f"{KIND}/{scene.url.partition('://')[2]}/{scene.user.login}/*"
    says = "a service that checks tokens by itself takes one that a page in a browser was given"
    scene.door(LOCAL, "access-token", says, access, plant_app._bearing(scene, "local", token.value))


def standing(bench: Bench) -> Access:
    [access] = bench.accesses(USER, KIND).values()
    return access


def clear_of(bench: Bench) -> Step:
    return next(s for s in bench.steps(USER) if s.does == "okta:user-session/clear")


# -- what is said ------------------------------------------------------------------------------------------------------


def test_one_that_came_without_a_refresh_token_is_told_until_its_end(whole: Whole) -> None:
    """The intruder's token works on after every session, refresh token and API token of the user ended."""
    scene = whole.okta.scene
    stolen(scene)
    report = user_run.run(whole)
    assert user_run.mine(whole)[LOCAL], "nobody ends it"
    assert user_run.wrong(whole, report) == []
    assert user_run.still_open(report) == []
    standing = f"{KIND}/{whole.okta.url.removeprefix('http://')}/{scene.user.login}/*"
    assert whole.outcome(report, standing).fate == "lasts"
    assert report.residual_until is not None
    assert timedelta(minutes=59) < report.residual_until - scene.now() < timedelta(minutes=62)
    whole.clock.advance((report.residual_until - scene.now()).total_seconds() + 1)
    assert not any(user_run.mine(whole).values())


def test_the_clearing_tells_until_when_by_its_own_time(bench: Bench) -> None:
    step, access = clear_of(bench), standing(bench)
    assert step.before == {"tokens": access.id, "minutes": 60}
    change = bench.do(step)
    [(its, until)] = change.left["residuals"].items()
    assert its == access.id
    told = moment(until)
    assert told is not None
    assert timedelta(0) <= told - bench.conn.now() - timedelta(minutes=60) < timedelta(seconds=20)
    assert bench.seen(step) == change.left
    [residual] = [d for d in bench.draft(USER) if isinstance(d, Residual)]
    assert (residual.access, residual.why) == (access.id, access_token.OF_A_USER)
    enders = {s.does for s in bench.steps(USER) if access.id in s.ends}
    assert enders == {"okta:user-session/clear"}, "no more of them is made after it"


def test_where_sessions_are_kept_no_step_is_said_to_end_them(bench: Bench) -> None:
    assert not [s for s in bench.steps(USER, keep_sessions=True) if standing(bench).id in s.ends]


# -- how long ----------------------------------------------------------------------------------------------------------


def test_where_no_custom_server_mints_any_there_is_none(bench: Bench) -> None:
    """The org server's end with the clearing."""
    bench.org.servers.clear()
    assert bench.accesses(USER, KIND) == {}
    step = clear_of(bench)
    assert step.before == {}
    assert set(bench.do(step).left) == {"cutoff"}
    assert not [d for d in bench.draft(USER) if isinstance(d, Residual)]


@pytest.mark.parametrize("minutes", [5, 480])
def test_the_longest_rule_for_whichever_client_counts_and_no_more(bench: Bench, minutes: int) -> None:
    bench.org.servers["default"].minutes = minutes
    assert standing(bench).before == {"minutes": minutes}
    with bench.org.lock:
        seed.new_server(bench.org, "ledger", seed.long_ago(START), minutes=600)
    assert standing(bench).before == {"minutes": 600}


@pytest.mark.parametrize("absent", [True, False])
def test_where_servers_are_unseen_a_day_is_assumed(bench: Bench, absent: bool) -> None:
    """Facts 1.4, 21: a 404 is never "none"."""
    bench.resolve(USER)
    if absent:
        bench.org.api_access_management = False
    else:
        bench.sandbox.allow_only([USERS.read])
    access, spot = list(bench.kinds[KIND].collect(bench.conn, PrincipalRef.parse(USER), bench.io))
    assert isinstance(access, Access)
    assert isinstance(spot, BlindSpot)
    assert access.before == {"minutes": 1440}
    assert (spot.counts, spot.needs) == (False, "API Access Management" if absent else SERVERS.read)


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_shows_those_of_custom_servers_alone(bench: Bench) -> None:
    scene = bench.sandbox.scene
    for server, kind in (("default", access_token.BY_SERVER), ("org", access_token.BY_ORG)):
        token, client = signed_in(scene, server), desk(scene)
        actor = {"id": client.id, "type": "PublicClientApp", "alternateId": client.client_id}
        user, made = {"id": scene.user.id, "type": "User"}, {"id": token.jti, "type": "access_token"}
        with bench.org.lock:
            bench.org.log(kind, bench.sandbox.now(), actor, user, made, grantType="authorization_code")
    found = bench.observe(USER, KIND, START - timedelta(days=1))
    [told] = [f for f in found if isinstance(f, Access)]
    assert (told.elsewhere, told.state, "authorization_code" in told.label) == (True, "live", True)
    assert told.id.startswith(standing(bench).id.removesuffix("*"))
    [lag] = [f for f in found if isinstance(f, BlindSpot)]
    assert lag.covered_by == ("okta:user-session/clear",)
