"""GitHubKit as a client of the sandbox, over a socket: what it reads, and what its calls bring about.

The vendor's clock is the machine's: the client signs JWTs by that one.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_app import CLERK, CLERK_TOO, pem_of
from nhi_revoke_github.sandbox.plant_keys import new_pair
from nhi_revoke_github.sandbox.plant_tokens import KEY_FILE, RESPONDER
from nhi_revoke_github.sandbox.routes_actions import CANCELS_IN
from nhi_revoke_github.sandbox.routes_runners import new_runner
from nhi_revoke_github.sandbox.routes_tokens import A_JOB, new_pat
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.state import ORG
from tests.contract.github_client import MODELS, client, fault, strategy

pytestmark = pytest.mark.contract

SHOP = {"owner": ORG, "repo": "shop"}
A_BIT_LATER = 3600
"""Seconds: events are in the log by then."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[GithubSandbox]:
    sandbox = GithubSandbox(entropy=1)
    sandbox.start(MovableClock(datetime.now(UTC)))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield sandbox
    sandbox.close()


@pytest.fixture
def kit(sandbox: GithubSandbox) -> Iterator[Any]:
    """Signed in by the operator's token: an owner."""
    with client(sandbox.url, Path(sandbox.settings()["token_file"]).read_text()) as made:
        yield made


@pytest.fixture
def app(sandbox: GithubSandbox) -> Iterator[Any]:
    """As the operator's App, which holds no token yet."""
    with client(sandbox.url, strategy("AppAuthStrategy", str(_responder(sandbox)), _key(sandbox))) as made:
        yield made


@pytest.fixture
def installed(sandbox: GithubSandbox, app: Any) -> Iterator[Any]:
    """The same at the organisation: its first request fetches a token."""
    [installation] = app.rest(MODELS).apps.list_installations().parsed_data
    with app.with_auth(app.auth.as_installation(installation.id)) as made:
        yield made


def _responder(sandbox: GithubSandbox) -> int:
    found = sandbox.hub.app_of(RESPONDER)
    assert found is not None
    return found.id


def _key(sandbox: GithubSandbox) -> str:
    return (Path(sandbox.scene.folder) / KEY_FILE).read_text()


def doors(sandbox: GithubSandbox) -> set[str]:
    return {d.id.removeprefix("github/") for d in sandbox.doors() if d.open()}


def refused(status: int) -> Any:
    """What it raises for an answer of that status, whatever was wrong."""
    return pytest.raises(fault("RequestFailed"), check=lambda e: vars(e)["response"].status_code == status)


# -- who asks ----------------------------------------------------------------------------------------------------------


def test_a_token_signs_in_and_a_wrong_one_does_not(sandbox: GithubSandbox, kit: Any) -> None:
    assert kit.rest(MODELS).users.get_authenticated().parsed_data.login == seed.OPERATOR
    with client(sandbox.url, "ghp_" + "a" * 36) as nobody, refused(401) as told:
        nobody.rest(MODELS).users.get_authenticated()
    assert vars(told.value)["response"].json()["message"] == "Bad credentials"


def test_an_app_signs_in_by_its_key_and_by_its_installations_token(
    sandbox: GithubSandbox, app: Any, installed: Any
) -> None:
    itself = app.rest(MODELS).apps.get_authenticated().parsed_data
    assert (itself.slug, itself.id) == (RESPONDER, _responder(sandbox))
    before = {t.id for t in sandbox.hub.tokens.values() if t.kind == "ghs"}
    names = {r.full_name for r in installed.rest(MODELS).repos.list_for_org(ORG, per_page=100).parsed_data}
    assert names == {n for n in sandbox.hub.repositories if n.startswith(f"{ORG}/")}
    [made] = [t for t in sandbox.hub.tokens.values() if t.kind == "ghs" and t.id not in before]
    assert made.last_used is not None
    with refused(403):  # an installation is no user
        installed.rest(MODELS).users.get_authenticated()


def test_another_key_is_no_app(sandbox: GithubSandbox) -> None:
    stranger = pem_of(seed.new_app(sandbox.hub, "stranger", datetime.now(UTC))[1])
    with client(sandbox.url, strategy("AppAuthStrategy", str(_responder(sandbox)), stranger)) as made, refused(401):
        made.rest(MODELS).apps.get_authenticated()


# -- pages -------------------------------------------------------------------------------------------------------------


def test_links_lead_through_every_page(sandbox: GithubSandbox, kit: Any) -> None:
    sandbox.gate.calls.clear()
    rest = kit.rest(MODELS)
    repositories = [r.full_name for r in kit.rest.paginate(rest.repos.list_for_org, org=ORG, per_page=1)]
    assert Counter(repositories) == Counter(n for n in sandbox.hub.repositories if n.startswith(f"{ORG}/"))
    assert len(sandbox.calls()) == len(repositories) > 1

    def rows(answer: Any) -> list[Any]:
        assert answer.parsed_data.total_count == len(sandbox.hub.installations)
        found: list[Any] = answer.parsed_data.installations
        return found

    installations = kit.rest.paginate(rest.orgs.list_app_installations, rows, org=ORG, per_page=1)
    assert sorted(i.id for i in installations) == sorted(sandbox.hub.installations)


def test_the_audit_log_is_read_by_its_cursor(sandbox: GithubSandbox, kit: Any) -> None:
    rest = kit.rest(MODELS)
    for _ in range(3):
        sandbox.hub.log("hook.create", sandbox.now(), seed.LOGIN, repo=seed.SHOP)
    sandbox.advance(A_BIT_LATER)
    phrase = f"actor:{seed.LOGIN} action:hook"
    found = list(kit.rest.paginate(rest.orgs.get_audit_log, org=ORG, phrase=phrase, per_page=2, include="all"))
    assert {(e.action, e.actor) for e in found} == {("hook.create", seed.LOGIN)}
    assert len({e.document_id for e in found}) == len(found) > 2


# -- what it changes ---------------------------------------------------------------------------------------------------


def test_deploy_keys_are_added_listed_and_deleted(sandbox: GithubSandbox, kit: Any) -> None:
    repos, before = kit.rest(MODELS).repos, doors(sandbox)
    [stolen] = repos.list_deploy_keys(**SHOP).parsed_data
    assert (stolen.read_only, stolen.enabled, stolen.added_by) == (False, True, seed.OPERATOR)
    _, public = new_pair(sandbox.hub)
    made = repos.create_deploy_key(**SHOP, title="anew", key=public, read_only=True).parsed_data
    held = sandbox.scene.shop.keys[made.id]
    assert (held.title, held.key, held.read_only, held.added_by) == ("anew", public, True, seed.OPERATOR)
    with refused(422):
        repos.create_deploy_key(**SHOP, title="the same", key=public)
    assert repos.delete_deploy_key(**SHOP, key_id=stolen.id).status_code == 204
    with refused(404):
        repos.delete_deploy_key(**SHOP, key_id=stolen.id)
    assert [k.id for k in repos.list_deploy_keys(**SHOP).parsed_data] == [made.id]
    assert before - doors(sandbox) == {"deploy-key"}


def test_a_member_is_removed(sandbox: GithubSandbox, kit: Any) -> None:
    orgs, before = kit.rest(MODELS).orgs, doors(sandbox)
    member = orgs.get_membership_for_user(ORG, seed.LOGIN).parsed_data
    assert (member.user.login, member.role, member.state) == (seed.LOGIN, "member", "active")
    with refused(422):  # a member is no outside collaborator
        orgs.remove_outside_collaborator(ORG, seed.LOGIN)
    orgs.remove_membership_for_user(ORG, seed.LOGIN)
    with refused(404):
        orgs.get_membership_for_user(ORG, seed.LOGIN)
    assert not sandbox.hub.members[seed.LOGIN].shown
    assert before - doors(sandbox) == {"classic-token", "pat", "sso-token"}
    assert orgs.get_membership_for_user(ORG, seed.OPERATOR).parsed_data.role == "admin"


def test_runs_are_cancelled_and_end_a_while_later(sandbox: GithubSandbox, kit: Any) -> None:
    actions, before = kit.rest(MODELS).actions, doors(sandbox)
    [run] = actions.list_workflow_runs_for_repo(**SHOP, status="in_progress").parsed_data.workflow_runs
    assert (run.actor.login, run.repository.full_name) == (seed.LOGIN, seed.SHOP)
    assert actions.cancel_workflow_run(**SHOP, run_id=run.id).status_code == 202
    assert doors(sandbox) == before, "accepted is not ended"
    sandbox.advance(CANCELS_IN + 1)
    ended = actions.get_workflow_run(**SHOP, run_id=run.id).parsed_data
    assert (ended.status, ended.conclusion) == ("completed", "cancelled")
    with refused(409):
        actions.cancel_workflow_run(**SHOP, run_id=run.id)
    assert before - doors(sandbox) == {"job-token"}


def test_secrets_are_sealed_for_the_place_that_they_go_to(sandbox: GithubSandbox, kit: Any) -> None:
    actions, held = kit.rest(MODELS).actions, sandbox.scene.shop.secrets["actions"]
    key = actions.get_repo_public_key(**SHOP).parsed_data
    sealed = {"encrypted_value": _sealed(key.key, "new-value"), "key_id": key.key_id}
    assert actions.create_or_update_repo_secret(**SHOP, secret_name="ANEW", **sealed).status_code == 201
    assert actions.create_or_update_repo_secret(**SHOP, secret_name="PAYMENTS_KEY", **sealed).status_code == 204
    assert {name: kept["value"] for name, kept in held.items()} == {"ANEW": "new-value", "PAYMENTS_KEY": "new-value"}
    listed = actions.list_repo_secrets(**SHOP).parsed_data
    assert (listed.total_count, {s.name for s in listed.secrets}) == (2, {"ANEW", "PAYMENTS_KEY"})
    with refused(422):  # another place's key
        kit.rest(MODELS).dependabot.create_or_update_repo_secret(**SHOP, secret_name="REGISTRY_TOKEN", **sealed)
    assert sandbox.scene.shop.secrets["dependabot"]["REGISTRY_TOKEN"]["value"] == ""


def test_an_organisations_secret_is_shown_to_the_repositories_that_are_named(sandbox: GithubSandbox, kit: Any) -> None:
    actions, shop = kit.rest(MODELS).actions, sandbox.scene.shop
    key = actions.get_org_public_key(ORG).parsed_data
    answer = actions.create_or_update_org_secret(
        ORG, "SHARED_KEY", encrypted_value=_sealed(key.key, "shared"), key_id=key.key_id, visibility="selected",
        selected_repository_ids=[shop.id],
    )  # fmt: skip
    assert (answer.status_code, sandbox.hub.org_secrets["SHARED_KEY"]["value"]) == (204, "shared")
    shown = actions.list_selected_repos_for_org_secret(ORG, "SHARED_KEY").parsed_data
    assert [r.full_name for r in shown.repositories] == [seed.SHOP]


def _sealed(key: str, value: str) -> str:
    from nacl.public import PublicKey, SealedBox

    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(value.encode())).decode()


def test_runners_are_removed_unless_they_work(sandbox: GithubSandbox, kit: Any) -> None:
    actions, shop = kit.rest(MODELS).actions, sandbox.scene.shop
    working = new_runner(sandbox.hub, shop.runners, "busy", next(j.id for j in shop.jobs.values() if j.token))
    listed = actions.list_self_hosted_runners_for_repo(**SHOP).parsed_data.runners
    assert {r.name: r.busy for r in listed} == {"shop-runner-1": False, "busy": True}
    [idle] = [r.id for r in listed if not r.busy]
    actions.delete_self_hosted_runner_from_repo(**SHOP, runner_id=idle)
    with refused(422):
        actions.delete_self_hosted_runner_from_repo(**SHOP, runner_id=working)
    assert set(shop.runners) == {working}
    [of_org] = actions.list_self_hosted_runners_for_org(ORG).parsed_data.runners
    actions.delete_self_hosted_runner_from_org(ORG, of_org.id)
    assert sandbox.hub.org_runners == {}


def test_fine_grained_tokens_are_an_apps_to_end(sandbox: GithubSandbox, kit: Any, installed: Any) -> None:
    orgs, before = installed.rest(MODELS).orgs, doors(sandbox)
    more = [new_pat(sandbox.hub, seed.LOGIN, sandbox.now(), f"bulk {n}", contents="read") for n in range(2)]
    with refused(403):
        kit.rest(MODELS).orgs.list_pat_grants(ORG)
    listed = orgs.list_pat_grants(ORG, owner=[seed.LOGIN]).parsed_data
    assert {t.token_name for t in listed} == {"nightly export", "bulk 0", "bulk 1"}
    assert all(t.id != t.token_id for t in listed)
    waiting = orgs.list_pat_grant_requests(ORG).parsed_data
    assert [t.token_name for t in waiting] == ["backup"]
    [nightly] = [t for t in listed if t.token_name == "nightly export"]
    orgs.update_pat_access(ORG, nightly.id, action="revoke")
    assert before - doors(sandbox) == {"pat"}
    group = [t.credential_id for t in more]
    assert orgs.update_pat_accesses(ORG, action="revoke", pat_ids=group).status_code == 202
    assert {t.id for t in orgs.list_pat_grants(ORG).parsed_data} == set(group), "accepted is not done"
    sandbox.advance(A_JOB.total_seconds() + 1)
    assert orgs.list_pat_grants(ORG).parsed_data == []


def test_single_sign_on_lets_a_credential_in_no_more(sandbox: GithubSandbox, kit: Any) -> None:
    orgs, before = kit.rest(MODELS).orgs, doors(sandbox)
    listed = orgs.list_saml_sso_authorizations(ORG, login=seed.LOGIN).parsed_data
    assert {a.credential_type for a in listed} == {"personal access token", "SSH key"}
    [token] = [a for a in listed if a.credential_type == "personal access token"]
    assert token.scopes == ["repo"]
    orgs.remove_saml_sso_authorization(ORG, token.credential_id)
    left = orgs.list_saml_sso_authorizations(ORG, login=seed.LOGIN).parsed_data
    assert [a.credential_type for a in left] == ["SSH key"]
    assert before - doors(sandbox) == {"sso-token"}


def test_an_app_ends_its_users_tokens_by_a_delete_with_a_body(sandbox: GithubSandbox) -> None:
    owner, before = sandbox.scene.app, doors(sandbox)
    [token] = [t for t in sandbox.hub.tokens.values() if t.client_id == owner.client_id and t.owner == CLERK]
    auth = strategy("OAuthAppAuthStrategy", owner.client_id, owner.client_secret)
    with client(sandbox.url, auth) as made:
        apps = made.rest(MODELS).apps
        checked = apps.check_token(owner.client_id, access_token=token.value).parsed_data
        assert (checked.user.login, checked.token) == (token.owner, token.value)
        new = apps.reset_token(owner.client_id, access_token=token.value).parsed_data.token
        assert before - doors(sandbox) == {"user-token"}
        with refused(404):
            apps.check_token(owner.client_id, access_token=token.value)
        assert apps.delete_token(owner.client_id, access_token=new).status_code == 204
        with refused(404):
            apps.check_token(owner.client_id, access_token=new)
    alive = {t.owner for t in sandbox.hub.tokens.values() if t.client_id and sandbox.gate.alive(t, sandbox.now())}
    assert alive == {CLERK_TOO}, "another user's token was not touched"


def test_a_suspended_installation_gets_no_token_until_its_app_takes_that_back(sandbox: GithubSandbox) -> None:
    scene, before = sandbox.scene, doors(sandbox)
    auth = strategy("AppAuthStrategy", str(scene.app.id), pem_of(scene.private_key))
    with client(sandbox.url, auth) as made:
        apps, number = made.rest(MODELS).apps, scene.installation.id
        apps.suspend_installation(number)
        shown = apps.get_installation(number).parsed_data
        assert (shown.suspended_by.login, shown.account.login) == (f"{scene.app.slug}[bot]", ORG)
        assert shown.suspended_at is not None
        with refused(403):
            apps.create_installation_access_token(number)
        assert before - doors(sandbox) == {"minted-token"}, "a token that was there lives on, in the worse case"
        apps.unsuspend_installation(number)
        assert apps.create_installation_access_token(number).parsed_data.token.startswith("ghs_")
    assert doors(sandbox) == before


# -- what it is refused ------------------------------------------------------------------------------------------------


def test_what_may_not_be_seen_is_not_there(sandbox: GithubSandbox) -> None:
    weak = sandbox.hub.new_token("github_pat", seed.LOGIN, sandbox.now(), permissions={"metadata": "read"})
    with client(sandbox.url, weak.value) as made:
        rest = made.rest(MODELS)
        assert rest.repos.get(**SHOP).parsed_data.full_name == seed.SHOP
        with refused(404) as told:
            rest.repos.list_deploy_keys(**SHOP)
        needed = vars(told.value)["response"].headers["X-Accepted-GitHub-Permissions"]
        assert needed == "administration=read"
        with refused(403):
            rest.repos.delete_deploy_key(**SHOP, key_id=next(iter(sandbox.scene.shop.keys)))
    assert [k.status.shown for k in sandbox.scene.shop.keys.values()] == ["active"]


def test_too_fast_is_the_secondary_limit(sandbox: GithubSandbox, kit: Any) -> None:
    sandbox.fault("GET /orgs/<org>/repos", "429")
    with pytest.raises(fault("SecondaryRateLimitExceeded")) as told:
        kit.rest(MODELS).repos.list_for_org(ORG)
    assert vars(told.value)["retry_after"].total_seconds() == 2
    assert kit.rest(MODELS).repos.list_for_org(ORG).status_code == 200


def test_too_much_is_the_primary_limit(sandbox: GithubSandbox, kit: Any) -> None:
    sandbox.gate.limit = 2
    left = [kit.rest(MODELS).repos.list_for_org(ORG).headers["X-RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    with pytest.raises(fault("PrimaryRateLimitExceeded")) as told:
        kit.rest(MODELS).repos.list_for_org(ORG)
    assert 0 <= vars(told.value)["retry_after"].total_seconds() <= 3600
    reset = int(vars(told.value)["response"].headers["X-RateLimit-Reset"])
    assert 0 < reset - sandbox.now().timestamp() <= 3600
    sandbox.advance(3600)
    assert kit.rest(MODELS).repos.list_for_org(ORG).status_code == 200
