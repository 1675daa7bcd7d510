"""What holds of who uses a credential, whichever Vault it is: run by the suite against the stand-in, and by the
contract tests against OpenBao. A test module has a fixture `vault`, and a class of its own that inherits from this one.

Every test has a mount of its own, and looks at what is found there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from nhi_revoke.model.consumer import Consumer, Mark, Sought
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke_vault import provider, walk
from nhi_revoke_vault.store.address import parse_address
from tests.vault.bench import Bench

BOT = PrincipalRef("aws", "user", "payments-bot")
KEY, OTHER, CANARY = "AKIAEXAMPLEKEY000001", "AKIASOMEBODYELSE0001", "canary-value-of-a-secret"
KIND = "aws:access-key"
MARK = Mark(KEY, BOT, "aws:access-key/1/x", KIND, "AccessKeyId")
SOUGHT = Sought("payments-bot", (Principal(BOT, "user", "payments-bot", "1", "AIDA1"),), (MARK,))
LIST, READ = "list MOUNT/metadata/PATH", "read MOUNT/metadata/PATH"


def put(vault: Bench, path: str, custom: Mapping[str, str] | None = None) -> None:
    """In KV version 2."""
    mount, _, name = path.partition("/")
    vault.asked("POST", f"{mount}/data/{name}", {"data": {"k": CANARY}})
    if custom:
        vault.asked("POST", f"{mount}/metadata/{name}", {"custom_metadata": dict(custom)})


def planted(vault: Bench) -> str:
    """One of everything, and beside each something of somebody else; the mount."""
    mount = vault.mount("2")
    put(vault, f"{mount}/apps/deep/told", {"key_id": KEY})
    put(vault, f"{mount}/apps/deep/others", {"key_id": OTHER})
    put(vault, f"{mount}/payments/bot")
    put(vault, f"{mount}/apps/payments-bot/aws")
    put(vault, f"{mount}/apps/bot-payments")
    put(vault, f"{mount}/mapped")
    return mount


FOUND = {"apps/deep/told": "id", "payments/bot": "name", "apps/payments-bot/aws": "name", "mapped": "reference"}


def look(
    vault: Bench, mount: str, sought: Sought | None = None, token: str = ""
) -> tuple[dict[str, Consumer], list[BlindSpot]]:
    """By its path there. Nothing changes anything, and no value is read or comes out."""
    conn = vault.connect(token) if token else vault.conn
    mapped = Delivery(KIND, f"vault:{mount}/mapped#k")
    found = list(provider.consumers(conn, sought or msgspec.structs.replace(SOUGHT, delivered=(mapped,))))
    assert vault.writes == []
    assert not any("/data/" in asked for asked in vault.between.asked)
    assert CANARY not in msgspec.json.encode(found).decode()
    end = f" of mount {mount}"
    rows = [each for each in found if isinstance(each, Consumer) and each.what.endswith(end)]
    spots = [each for each in found if isinstance(each, BlindSpot) and each.counts]
    return {each.what.removesuffix(end).removeprefix("secret "): each for each in rows}, spots


class SeekBehaviour:
    def test_everything_that_may_hold_it_and_nothing_else(self, vault: Bench) -> None:
        mount = planted(vault)
        found, unseen = look(vault, mount)
        assert {path: each.basis for path, each in found.items()} == FOUND
        assert unseen == []
        assert {path: each.of for path, each in found.items()} == {
            path: () if basis == "name" else (BOT,) for path, basis in FOUND.items()
        }
        assert found["apps/deep/told"].why == f"its custom metadata key_id holds {KEY}"

    def test_a_secret_takes_the_replacement(self, vault: Bench) -> None:
        mount = planted(vault)
        found, _ = look(vault, mount)
        to = {path: [each.to for each in one.deliver] for path, one in found.items()}
        assert to == {
            path: [f"vault:{mount}/{path}" + ("#k" if path == "mapped" else "")] for path in FOUND
        }  # fmt: skip
        assert all(parse_address(each).path for places in to.values() for each in places)

    def test_where_nobody_can_tell_the_kind_nothing_is_proposed(self, vault: Bench) -> None:
        mount = planted(vault)
        two = (MARK, Mark("x-x-x-x", BOT, kind="aws:other"))
        found, _ = look(vault, mount, msgspec.structs.replace(SOUGHT, marks=two))
        assert {path for path, each in found.items() if each.deliver} == {"apps/deep/told"}, "its own mark tells"
        assert "vault kv patch" in found["payments/bot"].by_hand

    def test_version_1_is_listed_by_names_and_not_written(self, vault: Bench) -> None:
        mount = vault.mount("1")
        vault.asked("POST", f"{mount}/a/payments-bot", {"k": CANARY})
        vault.asked("POST", f"{mount}/a/other", {"k": CANARY})
        found, unseen = look(vault, mount)
        assert {path: each.basis for path, each in found.items()} == {"a/payments-bot": "name"}
        assert found["a/payments-bot"].deliver == ()
        assert "KV version 1" in found["a/payments-bot"].by_hand
        assert unseen == []

    def test_an_empty_store_is_no_blind_spot(self, vault: Bench) -> None:
        assert look(vault, vault.mount("2")) == ({}, [])

    def test_a_folder_that_may_not_be_listed_hides_no_other(self, vault: Bench) -> None:
        mount = planted(vault)
        folders = ("", "apps/", "payments/", "apps/payments-bot/")
        reads = {f"{mount}/metadata/{path}": ["read"] for path in ("payments/bot", "apps/payments-bot/aws", "mapped")}
        rules = {**{f"{mount}/metadata/{each}": ["list"] for each in folders}, **reads}
        token = vault.token({**rules, f"{mount}/metadata/apps/bot-payments": ["read"]})
        found, unseen = look(vault, mount, token=token)
        assert set(found) == set(FOUND) - {"apps/deep/told"}
        assert [(f"below {mount}/apps/deep/" in each.why, each.needs) for each in unseen] == [(True, LIST)]

    def test_a_store_that_may_not_be_listed_at_all(self, vault: Bench) -> None:
        mount = planted(vault)
        token = vault.token({f"{mount}/metadata/payments/bot": ["read"]})
        found, unseen = look(vault, mount, token=token)
        assert found == {}
        assert [(f"below {mount}/" in each.why, each.needs) for each in unseen] == [(True, LIST)]

    def test_metadata_that_may_not_be_read(self, vault: Bench) -> None:
        mount = planted(vault)
        folders = ("", "apps/", "payments/", "apps/payments-bot/", "apps/deep/")
        token = vault.token({f"{mount}/metadata/{each}": ["list"] for each in folders})
        found, unseen = look(vault, mount, token=token)
        assert set(found) == set(FOUND) - {"apps/deep/told"}
        assert [("custom metadata of 6 secrets" in each.why, each.needs) for each in unseen] == [(True, READ)]

    def test_a_token_that_is_shown_no_store_sees_nothing_and_says_so(self, vault: Bench) -> None:
        mount = planted(vault)
        found, unseen = look(vault, mount, token=vault.token({}))
        assert found == {}
        assert len(unseen) == 1

    def test_a_token_that_is_not_valid_is_no_blind_spot(self, vault: Bench) -> None:
        with pytest.raises(Unauthenticated):
            list(provider.consumers(vault.connect("canary-not-valid"), SOUGHT))

    def test_more_folders_and_secrets_than_are_read(self, vault: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        mount = planted(vault)
        token = vault.token({f"{mount}/metadata/": ["list"], f"{mount}/metadata/mapped": ["read"]})
        monkeypatch.setattr(walk, "MOST_FOLDERS", 1)
        monkeypatch.setattr(walk, "MOST_READ", 0)
        found, unseen = look(vault, mount, token=token)
        assert set(found) == {"mapped"}
        said = " ".join(each.why for each in unseen)
        assert "2 folders, and what is below them, were not listed" in said
        assert "custom metadata of 1 secrets: not read" in said

    def test_what_is_declared_is_what_is_asked_for(self, vault: Bench) -> None:
        assert set(provider.finds) == {LIST, READ}
