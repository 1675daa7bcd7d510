"""The operator as whoever is logged in to the Azure CLI. Here `az` is a small program that answers as az does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Notice, Step
from nhi_revoke.provider.fault import Denied, Fault, Missing, Unauthenticated, Unavailable
from nhi_revoke_entra import az as module
from nhi_revoke_entra.connection import EntraConnection
from nhi_revoke_entra.permissions import READ_APPS, READ_ROLES, WRITE_APPS
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import TENANT, User
from tests.http_kit.conftest import everything_said

from .conftest import APP, START, Bench, Whole
from .operators import AZ, EntraCli, answering, asked_of_az, az, az_answers, az_app, person

GRAPH, ARM = "https://graph.microsoft.com", "https://management.azure.com"
OWNERS = "entra:owner"


def logged_in(bench: Bench, folder: Path) -> tuple[EntraConnection, User]:
    app = az_app(bench.sandbox)
    user = person(bench.sandbox, app)
    return connected(bench, az(folder, answering(az_answers(bench.sandbox, app, user)))), user


def connected(bench: Bench, path: str, **more: str) -> EntraConnection:
    return bench.connect({"PATH": path}, sign_in="az", client_id="", client_secret_file="", **more)


def failed(bench: Bench, folder: Path, body: str, kind: type[Fault] = Unauthenticated, **more: str) -> Fault:
    """Without a word of what az printed, and asked once for all who want it."""
    conn = connected(bench, az(folder, body), **more)
    with pytest.raises(kind) as said:
        conn.whoami()
    with pytest.raises(kind):
        conn.get("/applications", "")
    assert len(asked_of_az(folder)) == 1
    everything = everything_said(said.value)
    assert "whispered" not in everything
    for secret in bench.sandbox.canaries():
        assert secret not in everything
    assert not bench.sandbox.calls()
    return said.value


def test_the_whole_of_list_and_of_a_revoke(whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = az_app(whole.entra)
    user = person(whole.entra, app)
    monkeypatch.setenv("PATH", az(tmp_path, answering(az_answers(whole.entra, app, user))))
    cli = EntraCli(whole, sign_in="az")
    ran = cli("list", APP)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("LIVE 10  OPEN 0"), ran.out
    assert "Azure role Contributor" in ran.out
    doctor = cli("doctor")
    assert f"entra:user/{user.id} <- entra:app/{AZ}" in doctor.out
    done = cli("revoke", APP, "--yes", "--allow-irreversible", "--force", "--scope", "keys", "-o", "json")
    assert done.code in (6, 8), done.err
    assert "certificate" not in whole.open_doors()
    assert "owner" in whole.open_doors(), "nothing else was ended"
    for name in (f"entra:user/{user.id}", f"entra:user/{user.login}", f"entra:app/{AZ}"):
        own = cli("revoke", name, "--yes")
        assert own.code == 7, own.out + own.err
        assert "is you, or in the chain that you log in through" in own.err
    assert user.enabled.shown
    assert app.enabled.shown
    said = "".join(r.out + r.err for r in (ran, doctor, done))
    for secret in whole.entra.canaries():
        assert secret not in said
        assert secret not in "".join(file.read_text() for file in whole.state.rglob("*") if file.is_file())


def test_az_is_asked_once_for_each_api_with_the_tenant_and_without_a_shell(bench: Bench, tmp_path: Path) -> None:
    conn, user = logged_in(bench, tmp_path)
    for _ in range(3):
        assert [str(ref) for ref in conn.whoami()] == [f"entra:user/{user.id}", f"entra:app/{AZ}"]
        list(conn.azure.rows("/subscriptions", ""))
    assert asked_of_az(tmp_path) == [
        f"account get-access-token --resource {resource} --tenant {TENANT} -o json" for resource in (GRAPH, ARM)
    ]


def test_a_service_principal_that_is_logged_in_to_az_is_an_app(bench: Bench, tmp_path: Path) -> None:
    with bench.tenant.lock:
        mine = bench.tenant.principal_of(bench.settings.client_id)
        assert mine is not None
        token = bench.tenant.new_token(mine, "00000003-0000-0000-c000-000000000000", START, roles=frozenset({"*"}))
    told = json.dumps({"accessToken": token.value, "expires_on": str(int(token.expires.timestamp()))})
    conn = connected(bench, az(tmp_path, f"echo '{told}'"))
    assert [str(ref) for ref in conn.whoami()] == [f"entra:app/{mine.app_id}"]
    bench.sandbox.allow_only([])
    with pytest.raises(Denied) as said:
        conn.get("/applications", READ_APPS)
    assert said.value.needs == READ_APPS, "it is given to that app as to any other"
    bench.sandbox.allow_only(None)
    older = json.dumps({"accessToken": token.value, "expiresOn": "2026-11-28 13:30:00.000000"})
    assert connected(bench, az(tmp_path, f"echo '{older}'")).whoami(), "an older az tells the end in local time alone"


def test_there_is_no_az(bench: Bench, tmp_path: Path) -> None:
    for path in (str(tmp_path), ""):
        with pytest.raises(Unauthenticated, match="there is no az here") as said:
            connected(bench, path).whoami()
        assert f"az login --tenant {TENANT}" in said.value.hint


def test_az_is_not_logged_in(bench: Bench, tmp_path: Path) -> None:
    said = failed(bench, tmp_path, "echo \"ERROR: Please run 'az login' to setup account. whispered\" >&2; exit 1")
    assert f"az is not logged in to tenant {TENANT}: nothing was looked at" in said.message
    assert said.hint.startswith(f"az login --tenant {TENANT}")


def test_the_login_of_az_has_expired(bench: Bench, tmp_path: Path) -> None:
    body = "echo 'ERROR: AADSTS700082: The refresh token has expired. whispered' >&2; exit 1"
    assert "not logged in" in failed(bench, tmp_path, body).message


def test_az_is_logged_in_to_another_tenant(bench: Bench, tmp_path: Path) -> None:
    said = failed(bench, tmp_path, "echo 'ERROR: AADSTS50020: User account whispered does not exist' >&2; exit 1")
    assert f"nobody in tenant {TENANT} (AADSTS50020)" in said.message
    assert "tenant_id" in said.hint


def test_there_is_no_such_tenant(bench: Bench, tmp_path: Path) -> None:
    body = "echo \"ERROR: AADSTS90002: Tenant 'x' not found. whispered. Please run: az login\" >&2; exit 1"
    assert "no such tenant" in failed(bench, tmp_path, body, Missing).message


def test_az_answers_for_another_tenant_than_was_asked(bench: Bench, tmp_path: Path) -> None:
    app = az_app(bench.sandbox)
    answers = az_answers(bench.sandbox, app, person(bench.sandbox, app))
    other = bench.tenant.new_id()
    conn = connected(bench, az(tmp_path, answering(answers)), tenant_id=other)
    with pytest.raises(Unauthenticated, match=f"{TENANT}, and {other} is meant"):
        conn.whoami()
    assert not bench.sandbox.calls()


def test_any_other_failure_is_told_by_its_exit_code(bench: Bench, tmp_path: Path) -> None:
    said = failed(bench, tmp_path, "echo whispered; echo whispered >&2; exit 3")
    assert "exit code 3" in said.message
    assert "-o none" in said.hint, "to read why, and not the token"


@pytest.mark.parametrize(
    "printed", ["whispered", '{"accessToken": ""}', '{"accessToken": "whispered"}', "[]", '{"expires_on": 1}', ""]
)
def test_what_is_no_token_is_not_repeated(bench: Bench, tmp_path: Path, printed: str) -> None:
    assert "what az printed is no token" in failed(bench, tmp_path, f"printf '%s' '{printed}'").message


def test_az_that_does_not_answer_is_ended(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.3)
    said = failed(bench, tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait", Unavailable)
    assert "was ended" in said.message
    child = int((tmp_path / "child").read_text())
    assert not alive(child), "its children, too"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_az_that_cannot_be_started(bench: Bench, tmp_path: Path) -> None:
    path = az(tmp_path, "")
    (tmp_path / "bin" / "az").write_text("#!/nowhere/at/all\n")
    with pytest.raises(Unavailable, match="did not start"):
        connected(bench, path).whoami()


def test_a_failure_holds_for_a_minute_and_no_longer(bench: Bench, tmp_path: Path) -> None:
    failed(bench, tmp_path, "echo 'Please run az login' >&2; exit 1")
    conn = connected(bench, az(tmp_path, "exit 1"))
    with pytest.raises(Unauthenticated):
        conn.whoami()
    app = az_app(bench.sandbox)
    az(tmp_path, answering(az_answers(bench.sandbox, app, person(bench.sandbox, app))))
    with pytest.raises(Unauthenticated):
        conn.whoami()
    bench.sandbox.advance(61)
    assert conn.whoami()


def test_a_permission_that_az_lacks_is_told_to_need_an_app_of_ones_own(bench: Bench, tmp_path: Path) -> None:
    """Azure/azure-cli#22775."""
    conn, _ = logged_in(bench, tmp_path)
    bench.sandbox.allow_only(["Application.Read.All"])
    with pytest.raises(Denied) as said:
        list(conn.rows("/roleManagement/directory/roleAssignments", READ_ROLES, **{"$filter": "principalId eq 'x'"}))
    assert (
        said.value.needs == f"{READ_ROLES}, by an app of your own: what az's may do is fixed, and your roles bound it"
    )
    assert "signed in by az as a user" in said.value.hint
    with pytest.raises(Denied) as write:
        conn.send(
            "PATCH", f"/servicePrincipals/{bench.principal.id}", WRITE_APPS, {"accountEnabled": False}, again=True
        )
    assert write.value.needs.startswith(f"{WRITE_APPS}, by an app of your own")
    assert bench.principal.enabled.shown
    with pytest.raises(Denied) as plain:
        list(bench.conn.rows("/roleManagement/directory/roleAssignments", READ_ROLES))
    assert (plain.value.needs, plain.value.hint) == (READ_ROLES, "")


def test_the_operator_as_an_owner_stays(bench: Bench, tmp_path: Path) -> None:
    conn, user = logged_in(bench, tmp_path)
    with bench.tenant.lock:
        seed.add_owner(bench.scene.application, user.id, START)
    view = bench.view(APP, operator=tuple(conn.whoami()))
    drafts = list(bench.kinds[OWNERS].draft(view, Intent()))
    assert user.id not in {d.before["owner"] for d in drafts if isinstance(d, Step)}
    assert any(isinstance(d, Notice) and "it is you" in d.says for d in drafts)
    assert len([d for d in drafts if isinstance(d, Step)]) == 3
