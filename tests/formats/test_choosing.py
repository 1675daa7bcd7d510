"""What may be typed, by what every installed provider says of its mints and stores; and what makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.engine.formats import addressed, choices, layout_of
from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery
from nhi_revoke.provider.doer import Mint, Store
from nhi_revoke.provider.layout import layout_in, split
from nhi_revoke.provider.registry import Registry
from nhi_revoke_example.tokens import Create
from nhi_revoke_example.vault import Vault
from nhi_revoke_kubernetes.store.store import SecretStore
from nhi_revoke_local.store.file import FileStore
from nhi_revoke_vault.store.kv import VaultKv

REGISTRY = Registry.installed({})
MINTS: dict[str, Mint[Any]] = {
    kind.name: kind.mint for name in REGISTRY.names() for kind in REGISTRY.kinds(name) if kind.mint is not None
}
STORES = {target.name: target for target in REGISTRY.targets() if isinstance(target, Store)}
KIND = "example:token"


def refused(to: str, form: str, store: Store[Any], mint: Mint[Any] | None = None) -> Usage:
    with pytest.raises(Usage) as told:
        addressed(Delivery(KIND, to, format=form), mint or Create(), store)
    assert told.value.message.endswith("Nothing was done.")
    return told.value


def test_which_credentials_stand_in_which_formats() -> None:
    own = {kind: choices(mint) for kind, mint in MINTS.items()}
    assert all({"env:NAME", "json"} <= set(each) for each in own.values())
    assert {kind: sorted({*each} - {"env:NAME", "json"}) for kind, each in own.items() if len(each) > 2} == {
        "aws:access-key": ["aws-credentials[:SECTION]", "env"],
        "entra:client-secret": ["env"],
        "gcp:key": ["gcp-json"],
        "gcp:uploaded-key": ["gcp-json"],
        "okta:client-key": ["env"],
    }
    assert len(own) == 12


@pytest.mark.parametrize("kind", sorted(MINTS))
def test_every_choice_goes_through_an_address(kind: str) -> None:
    mint = MINTS[kind]
    for word in choices(mint):
        layout = layout_of(word.replace("[:SECTION]", ":prod.eu"), kind, mint)
        assert layout_in(split(f"/run/bot#{layout.spelled}")[1]) == layout
        address, said = addressed(
            Delivery(kind, "file:/run/bot", format=word.removesuffix("[:SECTION]")), mint, FileStore()
        )
        assert split(address)[0] == "/run/bot"
        assert said.startswith(f" as {word.partition('[')[0].partition(':')[0]}")


def test_every_store_takes_formats() -> None:
    assert {name: store.unit for name, store in STORES.items()} == {
        "aws-secretsmanager": "text",
        "aws-ssm": "text",
        "azure-keyvault": "text",
        "exec": "text",
        "file": "text",
        "gcp-secretmanager": "text",
        "github-actions": "text",
        "kubernetes": "keys",
        "vault": "keys",
    }


def test_a_variable_of_the_operators_own_takes_what_opens_something() -> None:
    assert layout_of("env:KEY", "gcp:key", MINTS["gcp:key"]).parts == (("KEY", "*"),), "a key file, whole"
    assert layout_of("env:KEY", "okta:client-secret", MINTS["okta:client-secret"]).parts == (("KEY", "-"),)


def test_without_a_format_an_address_is_as_it_was_typed() -> None:
    assert addressed(Delivery(KIND, "file:/a#key"), Create(), FileStore()) == ("/a#key", "")
    assert addressed(Delivery(KIND, "example-vault:x"), None, Vault()) == ("x", "")


@pytest.mark.parametrize("form", ["", "env"])
def test_a_format_typed_into_the_address_is_not_guessed_at(form: str) -> None:
    told = refused("file:/a#format=env", form, FileStore())
    assert "has a format in its address" in told.message
    assert "--format beside --deliver" in told.hint


def test_env_where_no_variables_are_known() -> None:
    told = refused("file:/a", "env", FileStore(), MINTS["okta:client-secret"])
    assert "no variables are known" in told.message
    assert "has to be named: env:NAME" in told.message
    assert told.hint.endswith(f"For {KIND}: env:NAME, json.")


def test_a_store_that_knows_no_formats() -> None:
    assert "example-vault writes no formats" in refused("example-vault:x", "env", Vault()).message


def test_a_part_and_a_format_exclude_each_other_in_a_text() -> None:
    told = refused("file:/a#key", "json", FileStore())
    assert "names a part of what it holds" in told.message


@pytest.mark.parametrize("store", [VaultKv(), SecretStore()])
def test_one_text_among_keys_needs_a_key(store: Store[Any]) -> None:
    mint = MINTS["aws:access-key"]
    told = refused(f"{store.name}:a/b", "aws-credentials", store, mint)
    assert "under which key is not said" in told.message
    assert told.hint == f"Write {store.name}:a/b#KEY."
    for form, to in (("aws-credentials", "a/b#credentials"), ("env", "a/b"), ("env", "a/b#.env"), ("json", "a/b")):
        address, _ = addressed(Delivery(KIND, f"{store.name}:{to}", format=form), mint, store)
        assert split(address)[0] == to


def test_what_cannot_be_made_anew_has_no_format() -> None:
    with pytest.raises(Usage, match="can be made anew by this tool, in no format"):
        addressed(Delivery(KIND, "file:/a", format="env"), None, FileStore())
