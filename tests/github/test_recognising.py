"""Tokens in a text, each with its place and checksum; and whether one works, by one read with it alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from nhi_revoke.model.liveness import Alive, Liveness
from nhi_revoke.provider.fault import Fault
from nhi_revoke_github import provider as github
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.state import Token
from nhi_revoke_github.settings import GithubSettings
from nhi_revoke_github.token_forms import checksum
from tests.triage.asking import ODD, judged, sighted
from tests.triage.sample import Sample
from tests.triage.samples_github import SAMPLES, stateless, token

from .conftest import START, Bench, seeded

DOTCOM = "https://api.github.com"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with seeded(tmp_path_factory.mktemp("github"), "token") as made:
        yield made


def asked(bench: Bench, made: Token) -> Liveness:
    return github.alive(sighted(github, f"token={made.value}"), bench.settings, bench.io)


def changes(bench: Bench) -> list[str]:
    return [each.name for each in bench.sandbox.calls() if each.mutates]


# -- shapes --------------------------------------------------------------------------------------------------------


def test_the_checksum_is_github_s_own() -> None:
    """Two tokens that are published as examples of it, without what they opened."""
    assert checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"
    assert checksum("QdwULL38u41vs1OcAjhKqcaSZ9W63r") == "0Zu4ln"


@pytest.mark.parametrize("around", ["{}", "a {} b", '"{}"', "x={};", "({})", "{}.", "https://{}@example.com", "{}\n{}"])
def test_each_sighting_has_its_place(around: str) -> None:
    value = token("ghp")
    text = around.replace("{}", value)
    found = list(github.recognise(text))
    assert [text[each.start : each.end] for each in found] == [value] * text.count(value)
    assert value not in repr(found)


def test_several_prefixes_in_one_text() -> None:
    values = [token(prefix) for prefix in ("ghp", "gho", "ghu", "ghs", "ghr")] + [stateless()]
    found = list(github.recognise("\n".join(values)))
    assert [each.value.reveal() for each in found if each.value] == values
    assert [each.leak.note.split(":")[0].removesuffix(" by its shape") for each in found][-1].startswith(
        "an installation"
    )


def test_an_installation_s_token_that_is_a_jwt_is_handed_over_whole() -> None:
    """`--leaked-from` took what stands before the first dot for the token."""
    value = stateless()
    [(leak, secret)] = github.leaks(f"token {value}, and more")
    assert secret.reveal() == value
    assert leak == sighted(github, value).leak


# -- whether it works: the sandbox ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_github_does_not_know_what_was_made_up(world: Bench, sample: Sample) -> None:
    told = github.alive(sighted(github, sample.text), world.settings, world.io)
    assert told.state == sample.state, told.how
    assert sample.value not in repr(told)
    assert not changes(world)


def test_a_user_s_token_tells_whose_it_is_what_it_reaches_and_when_it_ends(bench: Bench) -> None:
    ends = START + timedelta(days=3)
    made = bench.hub.new_token("ghp", seed.LOGIN, START, permissions={"*": "write"}, expires=ends)
    told = asked(bench, made)
    assert (told.state, str(told.owner), told.reaches) == ("alive", f"github:user/{seed.LOGIN}", ("admin:org", "repo"))
    assert told.expires == ends
    made.status.set("gone", bench.sandbox.now(), 0.0)
    told = asked(bench, made)
    assert (told.state, told.owner, told.reaches, told.expires) == ("dead", None, (), None)
    assert told.how.startswith("GitHub does not accept the token for GET /user (401 bad-credentials)")
    assert not changes(bench)


@pytest.mark.parametrize("kind", ["github_pat", "gho", "ghu"])
def test_other_tokens_of_users(world: Bench, kind: str) -> None:
    made = world.hub.new_token(kind, seed.LOGIN, START)
    told = asked(world, made)
    assert (told.state, str(told.owner)) == ("alive", f"github:user/{seed.LOGIN}")
    assert told.reaches == (("repo",) if kind == "gho" else ())


def test_an_installation_s_token_tells_where_it_is_installed(world: Bench) -> None:
    [made] = [t for t in world.hub.tokens.values() if t.kind == "ghs" and t.installation]
    told = asked(world, made)
    count = len([r for r in world.hub.repositories.values() if r.owner == "example-payments"])
    assert (told.state, told.owner, told.scope) == ("alive", None, "example-payments")
    assert told.reaches == (f"{count} repositories of example-payments",)


def test_a_job_s_token_works_until_the_job_has_ended(bench: Bench) -> None:
    made = next(t for t in bench.hub.tokens.values() if t.run and bench.sandbox.gate.alive(t, bench.sandbox.now()))
    told = asked(bench, made)
    assert (told.state, told.reaches) == ("alive", (f"1 repository of {told.scope}",))
    job = next(j for r in bench.hub.repositories.values() for j in r.jobs.values() if j.id == made.run)
    job.status.set("completed", bench.sandbox.now(), 0.0)
    assert asked(bench, made).state == "dead"


def test_a_refresh_token_is_never_tried(world: Bench) -> None:
    made = world.hub.new_token("ghr", seed.LOGIN, START)
    before = len(world.sandbox.calls())
    told = asked(world, made)
    assert (told.state, len(world.sandbox.calls())) == ("unknown", before)
    assert "without using it up" in told.how


# -- whether it works: other answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "outcome"), ODD)
@pytest.mark.parametrize("value", [token("ghp"), token("ghs")], ids=["user", "installation"])
def test_an_odd_answer_tells_nothing(
    answer: httpx.Response | Exception, outcome: Alive | type[Fault], value: str
) -> None:
    with respx.mock(assert_all_called=False) as web:
        route = web.route(host="api.github.com").mock(
            side_effect=answer if isinstance(answer, Exception) else None,
            return_value=answer if isinstance(answer, httpx.Response) else None,
        )
        judged(github, sighted(github, value), GithubSettings(api_url=DOTCOM), outcome)
        assert route.called
        assert {call.request.url.host for call in web.calls} == {"api.github.com"}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (401, {"message": "Bad credentials"}, "dead"),
        (403, {"message": "Sorry. Your account was suspended"}, "unknown"),
        (404, {"message": "Not Found"}, "unknown"),
        (200, {"login": "octo"}, "alive"),
        (200, {"login": "</td> no login"}, "alive"),
        (200, [], "alive"),
    ],
)
def test_what_answers_mean(status: int, body: Any, state: Alive) -> None:
    with respx.mock as web:
        web.get(f"{DOTCOM}/user").respond(status, json=body)
        said = judged(github, sighted(github, token("gho")), GithubSettings(api_url=DOTCOM), state)
    assert "no login" not in said


def test_nothing_but_the_token_itself_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """To github.com where nobody says otherwise; the operator's own token stays where it is."""
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "the-operators-own")
    value = token("ghp")
    with respx.mock as web:
        route = web.get(f"{DOTCOM}/user").respond(200, json={"login": "octo"}, headers={
            "github-authentication-token-expiration": "2026-12-31 01:00:00 +0100", "x-oauth-scopes": "repo, <b>, gist",
        })  # fmt: skip
        said = judged(github, sighted(github, value), GithubSettings(token_file="/nowhere"), "alive")
    assert [call.request.headers["authorization"] for call in route.calls] == [f"Bearer {value}"]
    assert "reaches=('repo', 'gist')" in said
    assert "datetime.datetime(2026, 12, 31, 0, 0" in said


@pytest.mark.parametrize("header", ["", "soon", "2026-13-41 00:00:00 UTC", "2026-12-31T00:00:00Z"])
def test_an_end_that_cannot_be_read_is_none(header: str) -> None:
    with respx.mock as web:
        web.get(f"{DOTCOM}/user").respond(
            200, json={"login": "octo"}, headers={"github-authentication-token-expiration": header}
        )
        assert "expires=None" in judged(github, sighted(github, token("ghp")), GithubSettings(api_url=DOTCOM), "alive")


def test_a_setting_that_is_no_api_s_address_is_asked_nothing() -> None:
    with respx.mock(assert_all_called=False) as web:
        judged(github, sighted(github, token("ghp")), GithubSettings(api_url="http://example.com"), "unknown")
        assert not web.calls
