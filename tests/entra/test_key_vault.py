"""Delivery to Azure Key Vault: looked at, written as the newest version once proven, read back, taken back, told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.fault import Denied, NoAnswer, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.vault_state import VaultSecret, VaultVersion, held
from nhi_revoke_entra.store.address import parse_address
from nhi_revoke_entra.store.key_vault import KeyVaultSecrets
from nhi_revoke_entra.store.versions import KEY_ID, REPLACES, RUN, Version

from .conftest import START, Bench

STORE = KeyVaultSecrets()
TO = f"{seed.VAULT}/{seed.VAULT_SECRET}"
PUBLIC = {"client_id": "c", "tenant_id": "t", "key_id": "k-new"}
NEW = Secret("n" * 40, field="client_secret", public=PUBLIC)
WHO = PrincipalRef("entra", "app", "c")
PHASES = {"stage": Phase.DELIVER, "serve": Phase.SERVE, "forget": Phase.FINISH}
PUT = "PUT /_vault/<vault>/secrets/<name>"
PATCH = "PATCH /_vault/<vault>/secrets/<name>/<version>"


def step(verb: str, to: str = TO) -> Step:
    step_id = "finish-serve" if verb == "forget" else verb
    return Step(step_id, f"azure-keyvault/{verb}", WHO, PHASES[verb], "", takes="mint", to=to)


def minted(bench: Bench, key: str = "k-new", **more: str) -> None:
    bench.run.give("mint", NEW)
    bench.run.lefts["mint"] = {
        "id": f"entra:client-secret/app/{key}", "field": NEW.field, "public": NEW.public, **more
    }  # fmt: skip


def do(bench: Bench, verb: str, to: str = TO) -> Any:
    one = step(verb, to)
    change = getattr(STORE, verb).apply(bench.conn, one, bench.run)
    if hasattr(change, "left"):
        bench.run.lefts[one.id] = change.left
    return change


def seen(bench: Bench, verb: str, to: str = TO) -> Any:
    return getattr(STORE, verb).seen(bench.conn, step(verb, to), bench.run)


def undo(bench: Bench, verb: str, to: str = TO) -> Any:
    one = step(verb, to)
    return getattr(STORE, verb).undo(bench.conn, one, bench.run.left(one.id), bench.run)


def check(bench: Bench, to: str = TO) -> Impossible | None:
    return STORE.stage.check(bench.conn, step("stage", to))


def secret(bench: Bench, name: str = seed.VAULT_SECRET) -> VaultSecret:
    return bench.tenant.vaults[seed.VAULT].secrets[name]


def add(bench: Bench, name: str, value: str, **more: Any) -> VaultVersion:
    with bench.tenant.lock:
        return seed.add_vault_secret(bench.tenant, seed.VAULT, name, value, START, **more)


@pytest.mark.parametrize("address", [TO, f"azure-keyvault:{TO}", f"{seed.VAULT}.vault.azure.net/{seed.VAULT_SECRET}"])
def test_looked_at_written_read_back_and_taken_back(bench: Bench, address: str) -> None:
    end = START + timedelta(days=180)
    minted(bench, expires=end.isoformat())
    [old] = secret(bench).versions
    was = held(secret(bench))
    assert check(bench, address) is None
    looked = do(bench, "stage", address)
    assert isinstance(looked, Done)
    assert looked.left["unwritten"]
    assert seen(bench, "stage", address) == looked.left
    assert seen(bench, "serve", address) is None
    assert held(secret(bench)) == was, "whatever is written is read at once: nothing is, before the proof"

    served = do(bench, "serve", address)
    assert isinstance(served, Done)
    assert seen(bench, "serve", address) == served.left
    former, new = secret(bench).versions
    assert vars(former) == was[0], "the version before is as it was"
    assert new.value == NEW.reveal()
    assert new.tags == {"team": "payments", KEY_ID: "k-new", RUN: bench.run.id, REPLACES: old.id}
    assert new.times == {"exp": int(end.timestamp())}
    assert new.content_type == "text/plain"
    assert (served.left["version"], served.left["previous"]) == (new.id, old.id)
    assert f"version {old.id} of secret payments-entra of vault payments-kv still holds" in served.left["leaves"]
    assert isinstance(do(bench, "serve", address), Already)
    assert bench.writes() == [PUT]
    assert NEW.reveal() not in msgspec.json.encode([looked.left, served.left]).decode()

    assert isinstance(undo(bench, "serve", address), Done)
    back = secret(bench).versions[-1]
    assert (back.value, back.times, back.tags["team"]) == (old.value, {}, "payments")
    assert KEY_ID not in back.tags
    assert isinstance(undo(bench, "serve", address), Already)
    assert bench.writes() == [PUT, PUT]


def test_finish_disables_the_version_that_holds_the_old_one_and_no_other(bench: Bench) -> None:
    older = add(bench, seed.VAULT_SECRET, "older")
    secret(bench).versions.reverse()
    minted(bench)
    do(bench, "serve")
    before = secret(bench).versions[1]
    assert seen(bench, "forget") is None
    change = do(bench, "forget")
    assert isinstance(change, Done)
    assert seen(bench, "forget") == change.left
    assert "is disabled, and still holds the old credential" in change.left["leaves"]
    assert [(v.id, v.enabled) for v in secret(bench).versions[:2]] == [(older.id, True), (before.id, False)]
    assert secret(bench).versions[-1].enabled
    assert before.tags == {"team": "payments"}, "nothing of it but that"
    assert isinstance(do(bench, "forget"), Already)
    assert bench.writes() == [PUT, PATCH]
    assert isinstance(undo(bench, "forget"), Done)
    assert before.enabled


def test_what_somebody_put_back_is_never_disabled(bench: Bench) -> None:
    minted(bench)
    do(bench, "serve")
    with bench.tenant.lock:
        secret(bench).versions.pop()
    assert isinstance(do(bench, "forget"), Failed)
    assert [v.enabled for v in secret(bench).versions] == [True]


def test_content_type_and_tags_stay_as_the_workload_knows_them(bench: Bench) -> None:
    add(bench, "typed", "old", content_type="application/x-password", tags={"a": "b"}, times={"exp": 1})
    minted(bench)
    do(bench, "serve", f"{seed.VAULT}/typed")
    new = secret(bench, "typed").versions[-1]
    assert new.content_type == "application/x-password"
    assert new.tags["a"] == "b"
    assert new.times == {}, "the old one's end is not the new one's"


@pytest.mark.parametrize(
    ("key", "wanted"),
    [("#pw", {"host": "db", "pw": NEW.reveal()}), ("#*", {"host": "db", "pw": "old", **NEW.fields()})],
)
def test_in_a_json_object_every_other_field_is_kept(bench: Bench, key: str, wanted: dict[str, str]) -> None:
    add(bench, "whole", json.dumps({"host": "db", "pw": "old"}))
    minted(bench)
    to = f"{seed.VAULT}/whole{key}"
    assert check(bench, to) is None
    assert isinstance(do(bench, "serve", to), Done)
    assert seen(bench, "serve", to)
    new = secret(bench, "whole").versions[-1]
    assert json.loads(new.value) == wanted
    assert new.content_type == "application/json"


# -- what cannot work ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "key"), [('{"host": "db"}', ""), ("plain", "#pw"), ('["x"]', "#*")])
def test_another_form_than_the_workload_reads_is_impossible_beforehand(bench: Bench, value: str, key: str) -> None:
    add(bench, "other", value)
    to = f"{seed.VAULT}/other{key}"
    wrong = check(bench, to)
    assert isinstance(wrong, Impossible)
    assert value not in wrong.why
    assert "#json-key" in wrong.manual
    minted(bench)
    with pytest.raises(Rejected):
        do(bench, "serve", to)
    assert bench.writes() == []


def test_absent_deleted_disabled_and_managed_are_each_told(bench: Bench) -> None:
    absent = check(bench, f"{seed.VAULT}/nowhere")
    assert isinstance(absent, Impossible)
    assert "there is no secret nowhere" in absent.why
    assert "az keyvault secret set" in absent.manual
    add(bench, "gone", "x")
    secret(bench, "gone").deleted = True
    deleted = check(bench, f"{seed.VAULT}/gone")
    assert isinstance(deleted, Impossible)
    assert "is deleted" in deleted.why
    assert "az keyvault secret recover" in deleted.manual
    add(bench, "off", "x", enabled=False)
    disabled = check(bench, f"{seed.VAULT}/off")
    assert isinstance(disabled, Impossible)
    assert "is disabled" in disabled.why
    add(bench, "cert", "x")
    secret(bench, "cert").managed = True
    managed = check(bench, f"{seed.VAULT}/cert")
    assert isinstance(managed, Impossible)
    assert "certificate of the vault" in managed.why
    assert bench.writes() == []


@pytest.mark.parametrize(
    "address",
    ["payments-kv", "payments-kv/", "payments-kv/a_b", "payments-kv/a/b", "-x/name", "a--b/name", "ab/name",
     "payments-kv.evil.example/name", "payments-kv.vault.azure.net.evil.example/name", "user@payments-kv/name",
     "payments-kv:8443/name", "https://evil.example/name", f"{'x' * 25}/name", "payments-kv/../name"],
)  # fmt: skip
def test_what_is_no_address_is_never_asked(bench: Bench, address: str) -> None:
    with pytest.raises(Rejected):
        parse_address(address)
    assert isinstance(check(bench, address), Impossible)
    assert [c for c in bench.sandbox.calls() if "_vault" in c.name] == []


def test_a_vault_of_another_cloud_gets_no_token(bench: Bench) -> None:
    wrong = check(bench, "payments-kv.vault.azure.cn/name")
    assert isinstance(wrong, Impossible)
    assert "of another cloud" in wrong.why
    china = bench.connect(cloud="china", vault_url="")
    at = parse_address("payments-kv.vault.azure.cn/name")
    assert china.vaults.of(at.vault, at.suffix)._api.base_url == "https://payments-kv.vault.azure.cn"
    public = bench.connect(vault_url="")
    assert public.vaults.of("payments-kv")._api.base_url == "https://payments-kv.vault.azure.net"
    usgov = bench.connect(cloud="usgov", vault_url="")
    assert usgov.vaults.of("payments-kv")._api.base_url == "https://payments-kv.vault.usgovcloudapi.net"


def test_denied_by_role_or_by_policy_says_which_permission(bench: Bench) -> None:
    minted(bench)
    bench.sandbox.allow_only(["secrets/list"])
    with pytest.raises(Denied) as told:
        check(bench)
    assert (told.value.needs, told.value.code) == ("secrets/get", "ForbiddenByRbac")
    bench.sandbox.allow_only(None)
    bench.tenant.vaults[seed.VAULT].by_policy = frozenset({"secrets/get", "secrets/list"})
    assert check(bench) is None, "whether it may write cannot be told without writing"
    with pytest.raises(Denied) as told:
        do(bench, "serve")
    assert (told.value.needs, told.value.code) == ("secrets/set", "ForbiddenByPolicy")
    assert "access policies" in told.value.hint
    assert len(secret(bench).versions) == 1
    bench.tenant.vaults[seed.VAULT].by_policy = None
    bench.sandbox.allow_only(sorted({*STORE.serve.permissions}))
    assert isinstance(do(bench, "serve"), Done)


def test_every_page_of_versions_is_read(bench: Bench) -> None:
    for number in range(4):
        add(bench, seed.VAULT_SECRET, f"v{number}")
    minted(bench)
    bench.sandbox.page_size(1)
    do(bench, "serve")
    assert isinstance(do(bench, "serve"), Already)
    assert bench.writes() == [PUT]


def test_a_page_on_another_host_is_never_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    add(bench, seed.VAULT_SECRET, "second")
    bench.sandbox.page_size(1)
    good = type(bench.sandbox.gate)._page

    def elsewhere(gate: Any, asked: Any, reply: Any) -> Any:
        page = good(gate, asked, reply)
        page.body["nextLink"] = "https://payments-kv.evil.example/secrets/x/versions"
        return page

    monkeypatch.setattr(type(bench.sandbox.gate), "_page", elsewhere)
    with pytest.raises(Rejected, match=r"payments-kv\.evil\.example"):
        check(bench)
    assert bench.writes() == []


def test_a_token_of_graph_opens_no_vault(bench: Bench) -> None:
    bench.conn.whoami()
    login = bench.conn._login
    assert login is not None
    bearer = login.headers("GET", "", "")
    asked = bench.sandbox.client.get(
        f"{bench.settings.vault_url}/{TO.replace('/', '/secrets/')}?api-version=7.4", headers=dict(bearer)
    )
    assert asked.status_code == 401


def test_a_text_is_in_no_repr() -> None:
    assert "value" not in repr(Version({"id": "x/1", "value": "value"}))


# -- crashes -------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_found_by_its_tags_and_never_written_twice(bench: Bench) -> None:
    minted(bench)
    [old] = secret(bench).versions
    bench.sandbox.fault(PUT, "lost")
    with pytest.raises(NoAnswer):
        do(bench, "serve")
    assert bench.writes() == [PUT]
    found = seen(bench, "serve")
    assert (found["version"], found["previous"]) == (secret(bench).versions[-1].id, old.id)
    assert isinstance(do(bench, "serve"), Already)
    assert len(secret(bench).versions) == 2
    bench.run.lefts["serve"] = found
    assert isinstance(undo(bench, "serve"), Done)
    assert secret(bench).versions[-1].value == old.value


def test_a_request_that_never_arrived_is_seen_as_such(bench: Bench) -> None:
    minted(bench)
    bench.sandbox.fault(PUT, "timeout")
    with pytest.raises(NoAnswer):
        do(bench, "serve")
    assert seen(bench, "serve") is None
    assert len(secret(bench).versions) == 1
    assert isinstance(do(bench, "serve"), Done)


def test_a_version_that_somebody_wrote_over_ours_is_left(bench: Bench) -> None:
    minted(bench)
    bench.sandbox.fault(PUT, "lost")
    with pytest.raises(NoAnswer):
        do(bench, "serve")
    theirs = add(bench, seed.VAULT_SECRET, "theirs")
    assert seen(bench, "serve") is None
    change = do(bench, "serve")
    assert isinstance(change, Failed)
    assert theirs.id in change.why
    assert isinstance(undo(bench, "serve"), Already), "nothing of ours is current"
    assert secret(bench).versions[-1] is theirs


def test_undo_leaves_a_newer_version(bench: Bench) -> None:
    minted(bench)
    do(bench, "serve")
    theirs = add(bench, seed.VAULT_SECRET, "theirs")
    assert isinstance(undo(bench, "serve"), Failed)
    assert secret(bench).versions[-1] is theirs


def test_after_a_crash_the_vault_gives_back_what_this_run_wrote_and_nothing_else(bench: Bench) -> None:
    minted(bench)
    shape = Secret("", field=NEW.field, public=NEW.public)
    assert STORE.recall(bench.conn, step("stage"), bench.run, shape) is None, "never the old one"
    do(bench, "serve")
    bench.run.secrets.clear()
    back = STORE.recall(bench.conn, step("stage"), bench.run, shape)
    assert back is not None
    assert back.fingerprint() == NEW.fingerprint()
    assert seen(bench, "serve") is not None, "by its tags"
    minted(bench, key="k-second")
    assert STORE.recall(bench.conn, step("stage"), bench.run, shape) is None, "another mint of the same run"


def test_a_text_that_is_not_ours_under_our_tags_is_not_ours(bench: Bench) -> None:
    minted(bench)
    do(bench, "serve")
    with bench.tenant.lock:
        secret(bench).versions[-1].value = "meddled"
    assert seen(bench, "serve") is None
