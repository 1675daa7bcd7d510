"""Leaked tokens by value (facts okta-github.md 2.1, 2.4: 1 to 4, 9, 18, 20, 22): tried, ended, tried again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.kind import View
from nhi_revoke_github.access import leaked_end
from nhi_revoke_github.access.leaked_token import KIND, MOST
from nhi_revoke_github.access.leaked_value import LEAK, mark
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.sandbox import plant_app, seed
from nhi_revoke_github.sandbox.plant_keys import new_pair
from nhi_revoke_github.sandbox.routes_keys import new_deploy_key
from nhi_revoke_github.sandbox.state import Token

from .conftest import APP, START, USER, Bench

REVOKE = "POST /credentials/revoke"
CLERK = f"github:user/{plant_app.CLERK}"


def leak(bench: Bench, *values: str) -> None:
    """Hands them over, as `--leaked-from` does."""
    for kind, value in bench.provider.leaks("\n".join(values)):
        bench.io.hold(kind, value)


def new(bench: Bench, kind: str, owner: str = seed.LOGIN, **more: Any) -> Token:
    made = bench.hub.new_token(kind, owner, START, **more)
    bench.sandbox.scene.steal(made.value)
    return made


def stolen(bench: Bench, kind: str) -> Token:
    [found] = [t for t in bench.hub.tokens.values() if t.kind == kind and t.value in bench.sandbox.gate.stolen]
    return found


def ends(bench: Bench, text: str) -> list[Step]:
    return [s for s in bench.steps(text) if s.does.startswith(KIND)]


def living(bench: Bench, tokens: Iterable[Token]) -> list[str]:
    return [t.kind for t in tokens if bench.sandbox.gate.alive(t, bench.sandbox.now())]


def found(bench: Bench, text: str) -> list[Access]:
    return list(bench.accesses(text, KIND).values())


def test_every_prefix_is_recognised_with_its_value(bench: Bench) -> None:
    values = [f"{prefix}_{'a1' * 18}" for prefix in ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat")]
    text = "\n".join(f'{{"token": "{value}"}}, ghx_{"b" * 36}' for value in values)
    told = list(bench.provider.leaks(text))
    assert [secret.reveal() for _, secret in told] == values
    assert {leak.kind for leak, _ in told} == {LEAK}
    assert not any(value in repr(told) or value in str(told) for value in values)


def test_nothing_is_tried_where_nothing_was_handed_over(bench: Bench) -> None:
    before = len(bench.sandbox.calls())
    for text in (USER, APP):
        assert bench.collect(text, KIND) == []
    asked = [c.name for c in bench.sandbox.calls()[before:]]
    assert [name for name in asked if name not in ("GET /users/<login>", "GET /apps/<slug>")] == []


def test_a_users_tokens_are_reported_without_signing_in_and_proven_by_trying(bench: Bench) -> None:
    """Pitfalls 1 and 3: any Authorization header is a 403; a 202 is no end."""
    classic, other = new(bench, "ghp"), new(bench, "ghp")
    leak(bench, classic.value, stolen(bench, "github_pat").value)
    assert {(a.state, a.before["way"]) for a in found(bench, USER)} == {("live", "value")}
    [step] = ends(bench, USER)
    assert len(step.ends) == 2
    assert not step.reversible
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) is None, "GitHub only accepted it"
    assert bench.prove(step).proof is Proof.REQUESTED
    bench.sandbox.advance(10)
    assert bench.seen(step) == {"refused": True}
    assert bench.prove(step).proof is Proof.ENFORCED
    assert living(bench, [classic, stolen(bench, "github_pat")]) == []
    assert living(bench, [other]) == ["ghp"]
    assert bench.writes() == [REVOKE]
    assert {a.state for a in found(bench, USER)} == {"expired"}
    assert ends(bench, USER) == []


def test_a_signed_report_is_refused_by_the_sandbox_as_by_github(bench: Bench) -> None:
    with pytest.raises(Denied):
        bench.conn.send("POST", "/credentials/revoke", "", {"credentials": [new(bench, "ghp").value]})


def test_the_owner_and_what_dies_with_it_are_told_before(bench: Bench) -> None:
    """Pitfall 20."""
    token = new(bench, "ghp")
    _, public = new_pair(bench.hub)
    key = new_deploy_key(
        bench.hub, bench.sandbox.scene.ledger, "made", public, START, added_by=seed.LOGIN, made_with=token.id
    )
    leak(bench, token.value)
    told = [d.says for d in bench.draft(USER) if isinstance(d, Notice)]
    assert [t for t in told if "deletes the deploy keys" in t and "tells the owner" in t]
    bench.do(ends(bench, USER)[0])
    bench.sandbox.advance(10)
    assert key.status.shown == "gone"


def test_another_users_token_is_a_lead_and_is_left_alone(bench: Bench) -> None:
    token = new(bench, "ghp", plant_app.CLERK)
    leak(bench, token.value)
    [lead] = bench.collect(USER, KIND)
    assert isinstance(lead, Lead)
    assert str(lead.to) == CLERK
    assert lead.next == f"nhi-revoke revoke {CLERK} --leaked-from FILE"
    assert token.value not in repr(lead)
    assert ends(bench, USER) == []
    assert [a.state for a in found(bench, CLERK)] == ["live"]


def test_a_token_that_github_refuses_is_nobodys_and_needs_no_step(bench: Bench) -> None:
    leak(bench, f"ghp_{'dead' * 9}")
    [dead] = found(bench, USER)
    assert dead.state == "expired"
    assert "nobody knows" in dead.note
    assert ends(bench, USER) == []


@pytest.mark.parametrize("fault", ["denied", "500"])
def test_one_that_cannot_be_tried_is_a_blind_spot_and_hides_no_other(bench: Bench, fault: Any) -> None:
    first, second = new(bench, "ghp"), new(bench, "ghp")
    leak(bench, first.value, second.value)
    bench.sandbox.fault("GET /user", fault, times=1)
    told = bench.collect(USER, KIND)
    if fault == "denied":
        assert sorted(type(f).__name__ for f in told) == ["Access", "BlindSpot"]
        [blind] = [f for f in told if isinstance(f, BlindSpot)]
        assert "could not be tried" in blind.why
    else:
        assert [type(f).__name__ for f in told] == ["Access", "Access"], "asked again"


def test_the_operators_own_token_is_never_ended(bench: Bench) -> None:
    """Pitfall 18."""
    [mine] = [t for t in bench.hub.tokens.values() if t.value in bench.sandbox.gate.operator]
    leak(bench, mine.value)
    owner = f"github:user/{seed.OPERATOR}"
    assert [a.before["own"] for a in found(bench, owner)] == [True]
    drafts, ids = bench.draft(owner), tuple(found(bench, owner)[0].id for _ in range(1))
    assert [d.ends for d in drafts if isinstance(d, Manual) and d.kind == KIND] == [ids]
    assert not [d for d in drafts if isinstance(d, Step) and d.does.startswith(KIND)]


def test_an_installations_token_ends_itself(bench: Bench) -> None:
    """Pitfall 2: it is not for the report."""
    token, other = stolen(bench, "ghs"), new(bench, "ghs", seed.SLUG, installation=bench.sandbox.scene.installation.id)
    leak(bench, token.value)
    [mine] = found(bench, APP)
    assert (mine.state, mine.before["way"]) == ("live", "itself")
    assert "GitHub does not tell" in mine.note
    [step] = ends(bench, APP)
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"refused": True}
    assert bench.prove(step).proof is Proof.ENFORCED
    assert living(bench, [token, other]) == ["ghs"]
    assert isinstance(bench.do(step), Already)
    assert bench.writes() == ["DELETE /installation/token"], "a dead token is turned away at the door"
    assert bench.doors()["installation-token"] is False


def test_a_users_token_of_the_app_ends_with_the_whole_grant(bench: Bench) -> None:
    """By the app's secret; every token of that user and this app, and no other user's (pitfall 9: a body on DELETE)."""
    app = bench.sandbox.scene.app
    token = stolen(bench, "ghu")
    twin = new(bench, "ghu", plant_app.CLERK, client_id=app.client_id)
    others = new(bench, "ghu", seed.LOGIN, client_id=app.client_id)
    leak(bench, token.value)
    [mine] = found(bench, APP)
    assert (mine.before["way"], mine.before["login"]) == ("grant", plant_app.CLERK)
    [step] = ends(bench, APP)
    assert plant_app.CLERK in step.says
    assert isinstance(bench.do(step), Done)
    assert living(bench, [token, twin, others]) == ["ghu"]
    assert bench.prove(step).proof is Proof.ENFORCED
    assert isinstance(bench.do(step), Already)


def test_of_the_operators_own_authorisation_one_token_alone_is_ended(bench: Bench) -> None:
    """Pitfall 18: the whole of it may hold what the operator signs in with."""
    app = bench.sandbox.scene.app
    leaked = new(bench, "ghu", seed.OPERATOR, client_id=app.client_id)
    mine = new(bench, "ghu", seed.OPERATOR, client_id=app.client_id)
    leak(bench, leaked.value)
    [access] = found(bench, APP)
    assert access.before["way"] == "value"
    assert "its user is you" in access.note
    bench.do(ends(bench, APP)[0])
    bench.sandbox.advance(10)
    assert living(bench, [leaked, mine]) == ["ghu"]


def test_without_the_apps_secret_it_is_reported_by_its_value(bench: Bench) -> None:
    plant_app.forget_key(bench.sandbox.scene)
    bare = bench.connect(apps=())
    token = stolen(bench, "ghu")
    leak(bench, token.value)
    bench.conn = bare
    [mine] = found(bench, APP)
    assert mine.before["way"] == "value"
    assert "taken for this one's" in mine.note
    bench.do(ends(bench, APP)[0])
    bench.sandbox.advance(10)
    assert living(bench, [token]) == []


def test_a_secret_that_is_refused_hides_no_token(bench: Bench) -> None:
    bench.sandbox.meddle("delete-app-secret")
    first, second = stolen(bench, "ghu"), new(bench, "ghs", seed.SLUG, installation=bench.sandbox.scene.installation.id)
    leak(bench, first.value, second.value)
    assert {a.before["way"] for a in found(bench, APP)} == {"value", "itself"}


def test_a_token_of_another_app_is_not_this_apps(bench: Bench) -> None:
    token = new(bench, "ghu", plant_app.CLERK, client_id="Iv23another")
    leak(bench, token.value)
    [lead] = bench.collect(APP, KIND)
    assert isinstance(lead, Lead)
    assert str(lead.to) == CLERK


def test_a_refresh_token_is_reported_and_never_used(bench: Bench) -> None:
    token = new(bench, "ghr", plant_app.CLERK)
    before = len(bench.sandbox.calls())
    leak(bench, token.value)
    [mine] = found(bench, APP)
    assert mine.state == "unknown"
    [step] = ends(bench, APP)
    left = bench.do(step)
    assert isinstance(left, Done)
    bench.run.lefts[step.id] = left.left
    assert bench.seen(step) == {"accepted": True}
    assert bench.prove(step).proof is Proof.REQUESTED
    tried = [c.name for c in bench.sandbox.calls()[before:] if c.name in ("GET /user", "GET /rate_limit")]
    assert tried == []
    bench.sandbox.advance(10)
    assert token.status.obeyed(bench.sandbox.now()) == "gone"


def test_at_most_a_thousand_go_into_one_report(bench: Bench) -> None:
    """Pitfall 4."""
    leak(bench, *(new(bench, "ghp").value for _ in range(3)))
    [one] = found(bench, USER)[:1]
    many = tuple(replace(one, id=f"{KIND}/{n:016x}") for n in range(MOST + 1))
    view = bench.view(USER)
    drafts = bench.kinds[KIND].draft(View(view.who, replace(view.inventory, accesses=many)), Intent())
    assert [len(d.ends) for d in drafts if isinstance(d, Step)] == [MOST, 1]


def test_without_the_value_nothing_is_claimed(bench: Bench) -> None:
    """Another process, without the file: the plan names the token by a hash alone."""
    token = new(bench, "ghp")
    leak(bench, token.value)
    [step] = ends(bench, USER)
    assert token.value not in repr(step)
    assert step.ends[0].endswith(mark(next(iter(bench.io.leaked(LEAK)))))
    bench.conn = GithubConnection("", bench.settings, EngineIo(bench.io.clock), {})
    for ask in (bench.seen, bench.do, bench.prove):
        with pytest.raises(Denied) as said:
            ask(step)
        assert "--leaked-from" in said.value.needs
    assert living(bench, [token]) == ["ghp"]
    assert bench.writes() == []


def test_a_github_without_the_report_says_what_to_do(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Enterprise Server may not have it."""
    leak(bench, new(bench, "ghp").value)
    [step] = ends(bench, USER)
    monkeypatch.setattr(leaked_end, "PATH", "/credentials/unknown-here")
    said = bench.do(step)
    assert isinstance(said, Failed)
    assert "Personal access tokens" in said.why


def test_the_audit_log_tells_its_last_use_by_its_hash(bench: Bench) -> None:
    """Pitfall 22."""
    from nhi_revoke_github.audit import hashed

    token, other = new(bench, "ghp"), new(bench, "ghp")
    leak(bench, token.value)
    bench.hub.log("git.clone", START, seed.LOGIN, hashed_token=hashed(token.value), actor_ip="192.0.2.7")
    bench.hub.log("git.clone", START, seed.LOGIN, hashed_token=hashed(other.value))
    bench.sandbox.advance(60)
    [seen] = bench.kinds[KIND].enrich(bench.conn, found(bench, USER), bench.io)
    assert seen.last_used == START
    assert "1 events in the audit log from 1 addresses" in seen.note


def test_the_standing_tokens_of_other_principals_are_untouched(bench: Bench) -> None:
    doors = bench.doors()
    leak(bench, stolen(bench, "github_pat").value)
    bench.do(ends(bench, USER)[0])
    bench.sandbox.advance(10)
    assert {name for name, open_ in bench.doors().items() if open_ != doors[name]} == {"pat"}
