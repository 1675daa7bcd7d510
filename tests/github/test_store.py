"""`github-actions:…`: sealed for each namespace's own key, staged, written; what cannot be read back is never called
compared, and what cannot be taken back says so."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, Missing, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github import provider as github
from nhi_revoke_github.sandbox import routes_secrets as routes
from nhi_revoke_github.store.actions_secret import GithubActionsSecrets
from nhi_revoke_github.store.sealing import parse_address, sealed

from .conftest import Bench, Whole

STORE = GithubActionsSecrets()
SECRET = Secret("s3cr3t-canary-value", field="private_key", public={"id": "41"})
REPO = "example-payments/shop/PAYMENTS_KEY"
ENV = "example-payments/shop/env/production/DEPLOY_KEY"
DEPENDABOT = "dependabot/example-payments/shop/REGISTRY_TOKEN"
ORG = "org/example-payments/SHARED_KEY"
PUT = f"PUT {routes.ACTIONS}/<name>"


def step_of(to: str, verb: str = "stage") -> Step:
    phase = {"stage": Phase.DELIVER, "serve": Phase.SERVE}.get(verb, Phase.FINISH)
    return Step(
        id=f"{verb}-0", does=f"github-actions/{verb}", on=PrincipalRef("github", "repo", "example-payments/shop"),
        phase=phase, says="", takes="m1", to=to,
    )  # fmt: skip


def do(bench: Bench, to: str, verb: str = "stage") -> Any:
    step = step_of(to, verb)
    change = getattr(STORE, verb).apply(bench.conn, step, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[step.id] = change.left
    return change


def seen(bench: Bench, to: str, verb: str = "stage") -> Any:
    return getattr(STORE, verb).seen(bench.conn, step_of(to, verb), bench.run)


def shelf(bench: Bench, to: str) -> dict[str, dict[str, Any]]:
    kept = bench.hub.repositories["example-payments/shop"].secrets
    return {
        REPO: kept["actions"], ENV: kept["environments/production"], DEPENDABOT: kept["dependabot"],
        ORG: bench.hub.org_secrets,
    }[to]  # fmt: skip


@pytest.fixture
def ready(bench: Bench) -> Bench:
    bench.run.give("m1", SECRET)
    return bench


EVERYWHERE = pytest.mark.parametrize("to", [REPO, ENV, DEPENDABOT, ORG])


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_addresses() -> None:
    folders = {to: parse_address(f"github-actions:{to}") for to in (REPO, ENV, DEPENDABOT, ORG)}
    assert {to: at.folder for to, at in folders.items() if at} == {
        REPO: "/repos/example-payments/shop/actions/secrets",
        ENV: "/repos/example-payments/shop/environments/production/secrets",
        DEPENDABOT: "/repos/example-payments/shop/dependabot/secrets",
        ORG: "/orgs/example-payments/actions/secrets",
    }
    slashed = parse_address("o/r/env/a%2Fb/N")
    assert slashed
    assert slashed.folder == "/repos/o/r/environments/a%2Fb/secrets"
    for wrong in ("", "N", "o/N", "o/r/1N", "o/r/GITHUB_TOKEN", "o/r/N-N", "o/../N", "o/r/env/../N", "o/r/x/y/N"):
        assert parse_address(wrong) is None, wrong


def test_which_login_an_address_needs(bench: Bench) -> None:
    assert github.scope_of_target(REPO, bench.settings) == "example-payments"
    assert github.scope_of_target("org/others/N", bench.settings) == "others"
    assert github.scope_of_target("nonsense", bench.settings) == "example-payments"


# -- one delivery ------------------------------------------------------------------------------------------------------


@EVERYWHERE
def test_staged_then_served_everywhere(ready: Bench, to: str) -> None:
    """Pitfall 11: each namespace has a key of its own; the sandbox opens the box, or answers 422."""
    before = set(shelf(ready, to))
    assert STORE.stage.check(ready.conn, step_of(to)) is None
    change = do(ready, to)
    assert isinstance(change, Done)
    [staged] = set(shelf(ready, to)) - before
    assert staged == change.left["staged"]
    assert shelf(ready, to)[staged]["value"] == SECRET.reveal()
    assert seen(ready, to)
    name = to.rpartition("/")[2]
    assert shelf(ready, to)[name]["value"] == "", "nothing that a workflow reads has changed"
    assert isinstance(do(ready, to, "serve"), Done)
    assert shelf(ready, to)[name]["value"] == SECRET.reveal()
    assert set(shelf(ready, to)) == before
    assert seen(ready, to, "serve")


@EVERYWHERE
def test_what_was_staged_is_taken_away(ready: Bench, to: str) -> None:
    before = dict(shelf(ready, to))
    do(ready, to)
    undone = STORE.stage.undo(ready.conn, step_of(to), ready.run.left("stage-0"), ready.run)
    assert isinstance(undone, Done)
    assert shelf(ready, to) == before
    assert isinstance(STORE.stage.undo(ready.conn, step_of(to), {}, ready.run), Already)
    assert seen(ready, to) is None


def test_it_is_recorded_at_most(ready: Bench) -> None:
    for verb in ("stage", "serve"):
        do(ready, REPO, verb)
        proven = getattr(STORE, verb).prove(ready.conn, step_of(REPO, verb), ready.run)
        assert proven.proof is Proof.RECORDED
        assert "gives no secret back" in proven.how


def test_serving_cannot_be_taken_back(ready: Bench) -> None:
    assert not STORE.serve.reversible
    do(ready, REPO, "serve")
    undone = STORE.serve.undo(ready.conn, step_of(REPO, "serve"), ready.run.left("serve-0"), ready.run)
    assert isinstance(undone, Impossible)
    assert "gh secret set" in undone.manual
    assert STORE.recall(ready.conn, step_of(REPO), ready.run, SECRET) is None


def test_a_new_name_is_made_in_a_repository(ready: Bench) -> None:
    to = "example-payments/shop/NEW_KEY"
    assert STORE.stage.check(ready.conn, step_of(to)) is None
    do(ready, to)
    do(ready, to, "serve")
    assert shelf(ready, REPO)["NEW_KEY"]["value"] == SECRET.reveal()


def test_one_field_or_all_of_them(ready: Bench) -> None:
    do(ready, f"{REPO}#id", "serve")
    assert shelf(ready, REPO)["PAYMENTS_KEY"]["value"] == "41"
    do(ready, f"{REPO}#*", "serve")
    assert json.loads(shelf(ready, REPO)["PAYMENTS_KEY"]["value"]) == SECRET.fields()
    with pytest.raises(Rejected, match="no field 'other'"):
        do(ready, f"{REPO}#other", "serve")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_pitfall_11_a_key_that_is_out_of_date_is_fetched_again_once(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = ready.conn.get, []

    def get(path: str, needs: str, **more: Any) -> Any:
        told = real(path, needs, **more)
        asked.append(path)
        if len(asked) == 1:
            routes.rotate(ready.hub, "example-payments/shop actions")
        return told

    monkeypatch.setattr(ready.conn, "get", get)
    assert isinstance(do(ready, REPO), Done)
    assert len(asked) == 2
    assert ready.writes() == [PUT, PUT]


def test_a_key_that_stays_wrong_is_told(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {"key_id": "1", "key": "A" * 43 + "="}
    monkeypatch.setattr(ready.conn, "get", Mock(return_value=told))
    with pytest.raises(Rejected):
        do(ready, REPO)
    told["key"] = "none"
    with pytest.raises(Rejected) as fault:
        do(ready, REPO)
    assert SECRET.reveal() not in str(fault.value)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    key = "A" * 42 + "E="
    assert sealed(key, "v") != sealed(key, "v")


# -- an organisation's ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("visibility", "chosen"), [("selected", True), ("private", False), ("all", False)])
def test_pitfall_12_who_may_read_it_stays_as_it_was(ready: Bench, visibility: str, chosen: bool) -> None:
    kept = ready.hub.org_secrets["SHARED_KEY"]
    both = [r.id for r in ready.hub.repositories.values()]
    kept["visibility"], kept["repositories"] = visibility, both if chosen else []
    ready.sandbox.page_size(1)
    do(ready, ORG)
    [staged] = [v for n, v in ready.hub.org_secrets.items() if "STAGED" in n]
    assert (staged["visibility"], staged["repositories"]) == ("selected", [])
    do(ready, ORG, "serve")
    after = ready.hub.org_secrets["SHARED_KEY"]
    assert (after["visibility"], after["repositories"]) == (visibility, both if chosen else [])
    assert after["value"] == SECRET.reveal()


def test_an_organisation_has_no_new_ones(ready: Bench) -> None:
    told = STORE.stage.check(ready.conn, step_of("org/example-payments/NOBODYS"))
    assert isinstance(told, Impossible)
    with pytest.raises(Missing):
        do(ready, "org/example-payments/NOBODYS", "serve")


# -- what may go wrong -------------------------------------------------------------------------------------------------


def test_no_address(ready: Bench) -> None:
    assert isinstance(STORE.stage.check(ready.conn, step_of("nonsense")), Impossible)


def test_denied_before_anything_is_minted(ready: Bench) -> None:
    ready.sandbox.fault(f"GET {routes.ACTIONS}", "denied", times=2)
    with pytest.raises(Denied):
        STORE.stage.check(ready.conn, step_of(REPO))


def test_served_though_the_staged_one_could_not_be_removed(ready: Bench) -> None:
    do(ready, REPO)
    ready.sandbox.fault(f"DELETE {routes.ACTIONS}/<name>", "denied")
    change = do(ready, REPO, "serve")
    assert isinstance(change, Done)
    assert "still holds the new credential" in change.left["leaves"]
    assert isinstance(do(ready, REPO, "forget"), Done)
    assert isinstance(do(ready, REPO, "forget"), Already)
    assert not [n for n in shelf(ready, REPO) if "STAGED" in n]


def test_written_by_somebody_else_since(ready: Bench) -> None:
    do(ready, REPO, "serve")
    ready.sandbox.advance(60)
    routes.new_secret(shelf(ready, REPO), "PAYMENTS_KEY", "other", ready.sandbox.now())
    assert seen(ready, REPO, "serve") is None


def test_a_staged_one_counts_as_seen_once_it_is_served(ready: Bench) -> None:
    do(ready, REPO)
    ready.run.lefts["stage-0"] = seen(ready, REPO)
    do(ready, REPO, "serve")
    assert seen(ready, REPO)


def test_after_a_crash_what_was_written_since_ours_was_staged_counts_as_served(ready: Bench) -> None:
    """A new one in its place would break the workflows that have this one."""
    do(ready, REPO)
    ready.run.lefts["stage-0"] = seen(ready, REPO)
    ready.sandbox.advance(60)
    do(ready, REPO, "serve")
    served = ready.run.lefts.pop("serve-0")
    assert seen(ready, REPO, "serve") is None, "whoever has the secret writes it again"
    ready.run.secrets.clear()
    found = seen(ready, REPO, "serve")
    assert found == {"unheard": True, **{k: served[k] for k in ("secret", "written", "overwritten")}}
    ready.run.lefts["serve-0"] = found
    proven = STORE.serve.prove(ready.conn, step_of(REPO, "serve"), ready.run)
    assert (proven.proof, "nobody can tell" in proven.how) == (Proof.REQUESTED, True)


def test_after_a_crash_what_was_written_before_ours_was_staged_is_not_ours(ready: Bench) -> None:
    ready.sandbox.advance(60)
    do(ready, REPO)
    ready.run.lefts["stage-0"] = seen(ready, REPO)
    ready.run.secrets.clear()
    assert seen(ready, REPO, "serve") is None


def test_no_value_anywhere(ready: Bench) -> None:
    do(ready, REPO)
    do(ready, REPO, "serve")
    assert SECRET.reveal() not in f"{ready.run.lefts} {ready.sandbox.calls()}"


# -- a whole run -------------------------------------------------------------------------------------------------------


def test_a_whole_rotation_into_a_secret(whole: Whole) -> None:
    """A deploy key of the shop, delivered to its own workflows."""
    seeded = whole.seeded
    deliver = f'\n[[identity.{seeded.name}.deliver]]\nfrom = "github:deploy-key"\nto = "github-actions:{REPO}"\n'
    deliver += 'principal = "github:repo/example-payments/shop"\n'
    whole._seeded = replace(seeded, map=seeded.map + deliver)
    intent = Intent(rotate="now", replace=("github:deploy-key",))
    plan = whole.plan(intent)
    serves = [s for s in plan.steps if s.does == "github-actions/serve"]
    assert serves
    assert not any(s.reversible for s in serves)
    report = whole.run(plan)
    assert [(r.result, r.to) for r in report.replacements] == [("served", f"github-actions:{REPO}")]
    assert "not read back (GitHub gives no secret back)" in report.replacements[0].why
    kept = whole.hub.hub.repositories["example-payments/shop"].secrets["actions"]
    assert set(kept) == {"PAYMENTS_KEY"}
    value = kept["PAYMENTS_KEY"]["value"]
    assert "PRIVATE KEY" in value
    whole.heard.files(whole.state)
    assert not whole.heard.holding(value.splitlines()[1])
