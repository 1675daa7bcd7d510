"""Who uses a credential in a tenant: secrets of vaults, apps in Azure, and from where it signs in; nothing else."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Principal
from nhi_revoke_entra.consumers import sites, used
from nhi_revoke_entra.consumers.sites import Pointer, pointer
from nhi_revoke_entra.sandbox import routes_sites as routes
from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.azure_state import WebSite
from nhi_revoke_entra.sandbox.sign_in_state import SignIn
from nhi_revoke_entra.sandbox.state import KEY_VAULT
from nhi_revoke_entra.sandbox.vault_state import Vault
from nhi_revoke_entra.store.address import parse_address

from .conftest import APP, START, Bench

HERE, THERE = "1c0d7a52-0000-4000-8000-00000000ab01", "1c0d7a52-0000-4000-8000-00000000ab02"
SECRET = "entra:client-secret"
CANARY = "canary-value-of-a-setting"
NAMES = "GET /_vault/<vault>/secrets"
URI = "https://payments-kv.vault.azure.net/secrets"


def sought(bench: Bench, *delivered: str, **more: str) -> Sought:
    """payments-bot, which has a client secret alone."""
    who = bench.resolve(APP)
    marks = tuple(m for m in bench.provider.marks(who, ()) if m.text != "")
    kinds = tuple(msgspec.structs.replace(m, kind=SECRET if m.field == "client_id" else "") for m in marks)
    return Sought("payments-bot", (who,), kinds, tuple(Delivery(SECRET, each) for each in delivered))


def site(bench: Bench, name: str, subscription: str = HERE, kind: str = "app,linux", **settings: str) -> WebSite:
    path = f"/subscriptions/{subscription}/resourceGroups/shop{routes.SITES}/{name}"
    made = WebSite(path, kind, {**settings, "PASSWORD": CANARY})
    with bench.tenant.lock:
        bench.tenant.subscriptions.setdefault(subscription, "Payments")
        bench.tenant.sites[path.lower()] = made
    return made


def plant(bench: Bench) -> None:
    """One of everything, and beside each something of somebody else."""
    who, tenant = bench.resolve(APP), bench.tenant
    with tenant.lock:
        tenant.subscriptions.setdefault(HERE, "Payments")
        tenant.subscriptions.setdefault(THERE, "Other")
        tenant.vaults["other-kv"] = Vault(subscription=THERE)
        for vault, name, tags in (
            ("payments-kv", "tagged", {"appId": who.unique_id}),
            ("payments-kv", "others", {"appId": KEY_VAULT}),
            ("other-kv", "payments-bot-key", {}),
            ("other-kv", "bot", {}),
        ):
            seed.add_vault_secret(tenant, vault, name, CANARY, START, tags=tags)
    site(bench, "by-id", AZURE_CLIENT_ID=who.unique_id.upper())
    site(bench, "by-reference", THERE, "functionapp", DB=f"@Microsoft.KeyVault(SecretUri={URI}/tagged/)")
    site(bench, "by-name", DB="@Microsoft.KeyVault(VaultName=other-kv;SecretName=payments-bot-key)")
    site(bench, "others", DB=f"@Microsoft.KeyVault(SecretUri={URI}/others/)", AZURE_CLIENT_ID=KEY_VAULT)
    site(bench, "runs-as").principal = bench.principal.id
    site(bench, "runs-as-another").identities["/…/x"] = {"principalId": tenant.new_id(), "clientId": KEY_VAULT}
    with tenant.lock:
        tenant.sign_ins.clear()
        for days, error, address in ((1, 0, "198.51.100.1"), (2, 0, "198.51.100.1"), (1, 7000215, "198.51.100.2")):
            made = SignIn(tenant.new_id(), START - timedelta(days=days), bench.principal.id, KEY_VAULT, "clientSecret")
            made.error, made.address = error, address
            tenant.sign_ins.append(made)
        tenant.sign_ins.sort(key=lambda each: each.at)


ALL = {
    "secret tagged of vault payments-kv": "id",
    "secret payments-bot-key of vault other-kv": "name",
    "App Service by-id": "id",
    "Function app by-reference": "reference",
    "App Service by-name": "name",
    "App Service runs-as": "reference",
    "whatever signs in from 198.51.100.1": "use",
}


def look(bench: Bench, what: Sought | None = None) -> tuple[dict[str, Consumer], list[BlindSpot]]:
    """By what each is called. Nothing changes anything, and no value comes out."""
    found = list(bench.provider.consumers(bench.conn, what or sought(bench)))
    assert bench.writes() == []
    assert CANARY not in msgspec.json.encode(found).decode()
    rows = [each for each in found if isinstance(each, Consumer)]
    assert len({each.what for each in rows}) == len(rows)
    return {each.what: each for each in rows}, [each for each in found if isinstance(each, BlindSpot) and each.counts]


class TestMarks:
    def test_an_app_is_told_by_its_three_ids(self, bench: Bench) -> None:
        who = bench.resolve(APP)
        found = {mark.text for mark in bench.provider.marks(who, ())}
        assert found == {who.unique_id, who.facts["application"], who.facts["service_principal"]}

    def test_its_kind_is_told_where_it_has_one_sort_of_credential_alone(self, bench: Bench) -> None:
        who = bench.resolve(APP)
        accesses = [a for a in bench.accesses(APP, SECRET).values() if a.state != "expired"]
        certificates = list(bench.accesses(APP, "entra:certificate").values())
        assert accesses
        assert certificates
        for held, kind in ((accesses, SECRET), ([*accesses, *certificates], ""), ([], "")):
            of_app = next(m for m in bench.provider.marks(who, held) if m.text == who.unique_id)
            assert (of_app.kind, of_app.field) == (kind, "client_id")

    def test_each_credential_is_told_by_its_own_id(self, bench: Bench) -> None:
        who, accesses = bench.resolve(APP), list(bench.accesses(APP, SECRET).values())
        found = {m.access: m for m in bench.provider.marks(who, accesses) if m.access}
        assert set(found) == {access.id for access in accesses}
        assert {m.kind for m in found.values()} == {SECRET}
        assert not any(secret in m.text for m in found.values() for secret in bench.sandbox.canaries())

    def test_a_user_is_told_by_its_name(self, bench: Bench) -> None:
        user = next(iter(bench.tenant.users.values()))
        who = bench.resolve(f"entra:user/{user.login}")
        assert {m.text for m in bench.provider.marks(who, ())} == {user.id, user.login}


class TestFound:
    def test_everything_that_uses_it_and_nothing_else(self, bench: Bench) -> None:
        plant(bench)
        found, unseen = look(bench)
        assert {what: each.basis for what, each in found.items()} == ALL
        assert unseen == []
        who = bench.resolve(APP).ref
        assert {each.of for each in found.values() if each.basis != "name"} == {(who,)}
        assert {each.of for each in found.values() if each.basis == "name"} == {()}

    def test_what_refers_to_a_secret_that_the_map_delivers_to(self, bench: Bench) -> None:
        plant(bench)
        site(bench, "mapped", DB=f"@Microsoft.KeyVault(SecretUri={URI}/OTHERS/)")
        site(bench, "unlisted", DB="@Microsoft.KeyVault(VaultName=elsewhere-kv;SecretName=x)")
        found, _ = look(bench, sought(bench, "azure-keyvault:payments-kv/others", "azure-keyvault:elsewhere-kv/x"))
        more = {
            "secret others of vault payments-kv",
            "App Service others",
            "App Service mapped",
            "App Service unlisted",
        }
        assert set(found) == {*ALL, *more}
        assert {found[each].basis for each in more} == {"reference"}

    def test_how_it_signed_in_and_when_last(self, bench: Bench) -> None:
        plant(bench)
        one = look(bench)[0]["whatever signs in from 198.51.100.1"]
        assert "by clientSecret, last at 2026-11-27T12:00:00" in one.why

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (f"@Microsoft.KeyVault(SecretUri={URI}/a)", Pointer("S", "payments-kv", "a")),
            (f"@Microsoft.KeyVault(SecretUri={URI}/A/)", Pointer("S", "payments-kv", "a")),
            (f"@Microsoft.KeyVault(SecretUri={URI}/a/77)", Pointer("S", "payments-kv", "a", "77")),
            ("@Microsoft.KeyVault(VaultName=V;SecretName=A)", Pointer("S", "v", "a")),
            ("@microsoft.keyvault(VaultName=V; SecretName=A; SecretVersion=7)", Pointer("S", "v", "a", "7")),
            ("@Microsoft.KeyVault(VaultName=V)", None),
            ("@Microsoft.KeyVault()", None),
            ("https://payments-kv.vault.azure.net/secrets/a", None),
            ("", None),
        ],
    )
    def test_references_as_azure_writes_them(self, text: str, found: Pointer | None) -> None:
        assert pointer("S", text) == found


class TestProposed:
    def test_a_secret_takes_the_replacement_as_its_content_is(self, bench: Bench) -> None:
        plant(bench)
        with bench.tenant.lock:
            seed.add_vault_secret(
                bench.tenant, "payments-kv", "payments-bot", CANARY, START, content_type="application/json"
            )
        found, _ = look(bench)
        to = [each.to for one in found.values() for each in one.deliver]
        assert to == [
            "azure-keyvault:payments-kv/tagged",
            "azure-keyvault:payments-kv/payments-bot#*",
            "azure-keyvault:other-kv/payments-bot-key",
        ]
        assert [parse_address(each).name for each in to] == ["tagged", "payments-bot", "payments-bot-key"]

    def test_where_nobody_can_tell_the_kind_nothing_is_proposed(self, bench: Bench) -> None:
        plant(bench)
        what = sought(bench)
        more = Mark("x-x-x-x", what.principals[0].ref, kind="entra:certificate")
        found, _ = look(bench, msgspec.structs.replace(what, marks=(*what.marks, more)))
        tagged = "secret tagged of vault payments-kv"
        assert [what for what, one in found.items() if one.deliver] == [tagged], "its own mark tells the kind"
        assert "az keyvault secret set" in found["secret payments-bot-key of vault other-kv"].by_hand

    def test_what_belongs_to_a_certificate_is_not_written(self, bench: Bench) -> None:
        plant(bench)
        bench.tenant.vaults["payments-kv"].secrets["tagged"].managed = True
        one = look(bench)[0]["secret tagged of vault payments-kv"]
        assert one.deliver == ()
        assert "certificate" in one.by_hand

    def test_what_a_person_does_in_an_app(self, bench: Bench) -> None:
        plant(bench)
        site(bench, "pinned", DB=f"@Microsoft.KeyVault(SecretUri={URI}/tagged/77)")
        found, _ = look(bench)
        assert "az functionapp restart -g shop -n by-reference" in found["Function app by-reference"].by_hand
        assert "its settings AZURE_CLIENT_ID" in found["App Service by-id"].by_hand
        assert "its settings DB" in found["App Service pinned"].by_hand
        assert "settings" not in found["Function app by-reference"].by_hand
        assert found["App Service runs-as"].by_hand == ""


class TestUnseen:
    @pytest.mark.parametrize(
        ("call", "hidden", "needs"),
        [
            (f"GET {routes.LIST_VAULTS}", {"secret", "by-reference", "by-name"}, "Microsoft.KeyVault/vaults/read"),
            (NAMES, {"secret", "by-reference", "by-name"}, "secrets/list"),
            (f"GET {routes.LIST_SITES}", {"app", "App"}, "Microsoft.Web/sites/read"),
            (f"POST {routes.SETTINGS}", {"by-id"}, "Microsoft.Web/sites/config/list/action"),
            ("GET /beta/auditLogs/signIns", {"signs in"}, "AuditLog.Read.All"),
        ],
    )
    def test_each_listing_denied_is_a_blind_spot_and_hides_no_other(
        self, bench: Bench, call: str, hidden: set[str], needs: str
    ) -> None:
        plant(bench)
        bench.sandbox.fault(call, "denied", times=99)
        found, unseen = look(bench)
        assert set(found) == {what for what in ALL if not any(each in what for each in hidden)}
        assert unseen
        assert all(needs in each.needs for each in unseen)
        assert all(any(part in needs for needs in bench.provider.finds) for part in [needs])

    def test_no_subscription_may_be_listed(self, bench: Bench) -> None:
        plant(bench)
        bench.sandbox.fault("GET /subscriptions", "denied", times=9)
        found, unseen = look(bench)
        assert set(found) == {"whatever signs in from 198.51.100.1"}
        assert len(unseen) == 1

    def test_no_subscription_shows_itself(self, bench: Bench) -> None:
        with bench.tenant.lock:
            bench.tenant.subscriptions.clear()
            bench.tenant.sign_ins.clear()
        found, unseen = look(bench)
        assert found == {}
        assert ["no Azure subscription shows itself" in each.why for each in unseen] == [True]

    def test_neither_settings_nor_references_may_be_read(self, bench: Bench) -> None:
        plant(bench)
        for call in (f"POST {routes.SETTINGS}", f"GET {routes.REFERENCES}"):
            bench.sandbox.fault(call, "denied", times=99)
        found, unseen = look(bench)
        assert {what for what in ALL if "app" in what.lower()} - set(found) == {
            "App Service by-id", "Function app by-reference", "App Service by-name"
        }  # fmt: skip
        assert ["nor which secrets they refer to" in each.why for each in unseen] == [True]

    def test_one_vault_that_refuses_hides_no_other(self, bench: Bench) -> None:
        plant(bench)
        bench.tenant.vaults["other-kv"].by_policy = frozenset()
        found, unseen = look(bench)
        assert set(found) == set(ALL) - {"secret payments-bot-key of vault other-kv", "App Service by-name"}
        assert ["secrets of vault other-kv could not be listed" in each.why for each in unseen] == [True]

    def test_more_apps_than_are_read(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        plant(bench)
        monkeypatch.setattr(sites, "MOST", 1)
        found, unseen = look(bench)
        assert "App Service runs-as" in found
        assert ["settings of 5 of 6 apps were not read" in each.why for each in unseen] == [True]

    def test_more_sign_ins_than_are_read(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        plant(bench)
        monkeypatch.setattr(used, "MOST", 1)
        assert ["sign-ins before the last 1" in each.why for each in look(bench)[1]] == [True]

    @pytest.mark.parametrize("size", [1, 1000])
    def test_any_size_of_page_finds_the_same(self, bench: Bench, size: int) -> None:
        plant(bench)
        bench.sandbox.page_size(size)
        assert set(look(bench)[0]) == set(ALL)

    def test_with_exactly_what_it_declares_it_sees_all(self, bench: Bench) -> None:
        plant(bench)
        what = sought(bench)
        bench.sandbox.allow_only(bench.provider.finds)
        found, unseen = look(bench, what)
        assert set(found) == set(ALL)
        assert unseen == []


def test_another_providers_principals_are_looked_for_by_their_marks_alone(bench: Bench) -> None:
    plant(bench)
    who = Principal(bench.resolve(APP).ref, "user", "ci", "1", "AIDA1")
    other = msgspec.structs.replace(who, ref=msgspec.structs.replace(who.ref, provider="aws"))
    found, _ = look(bench, Sought("ci-deployer", (other,), (Mark(KEY_VAULT, other.ref),)))
    assert set(found) == {"App Service others", "secret others of vault payments-kv"}
