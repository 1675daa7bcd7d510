"""What holds of the look before a delivery, and of who delivers, whichever Vault it is: run by the suite against the
stand-in, and by the contract tests against OpenBao. A test module has a fixture `vault`, and a class of its own that
inherits from this one.
"""

from __future__ import annotations

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.provider.fault import Denied, Rejected, Unauthenticated
from nhi_revoke_vault import permissions as p
from tests.vault.bench import NEW, STORE, Bench, pair

BESIDE = {"region": "eu", "n": {"x": [1, 1.5, None, True]}}
"""What else a secret holds."""
POST_DATA = "POST /v1/secret/data/"


class LookBehaviour:
    # -- the look ------------------------------------------------------------------------------------------------------

    def test_the_look_changes_nothing_and_says_that_nothing_is_written(self, vault: Bench) -> None:
        vault.put(pair())
        assert vault.check() is None
        vault.minted()
        assert vault.do("stage").left["unwritten"].startswith("Vault has no place beside")
        assert vault.seen("stage") == vault.run.left("stage")
        assert isinstance(vault.undo("stage"), Already)
        assert (vault.newest, vault.data()) == (1, pair())
        assert vault.writes == []

    def test_a_secret_that_is_not_there_is_made(self, vault: Bench) -> None:
        assert vault.check() is None
        vault.minted()
        assert "there is no secret" in vault.do("stage").left["unwritten"]
        left = vault.do("serve").left
        assert (left["version"], left["previous"]) == (1, 0)
        assert "leaves" not in left
        assert vault.data() == NEW.fields()
        assert isinstance(vault.undo("serve"), Done)
        assert vault.data() is None, "as before there is nothing to read"
        assert isinstance(vault.undo("serve"), Already)

    def test_a_mount_whose_name_has_slashes(self, vault: Bench) -> None:
        mount = vault.mount("2", below="team/")
        to = f"{mount}/{vault.path}"
        assert vault.check(to) is None
        vault.minted()
        left = vault.do("serve", to).left
        assert left["secret"] == f"secret {vault.path} of mount {mount}"
        assert vault.asked("GET", f"{mount}/data/{vault.path}")["data"]["data"] == NEW.fields()

    def test_a_store_of_version_1_is_not_written(self, vault: Bench) -> None:
        """It would take what is written to data/PATH for one more secret of that name."""
        mount = vault.mount("1")
        found = vault.check(f"{mount}/{vault.path}")
        assert found is not None
        assert "version 1" in found.why
        assert f"enable-versioning {mount}/" in found.manual
        vault.minted()
        with pytest.raises(Rejected):
            vault.do("serve", f"{mount}/{vault.path}")
        assert vault.writes == []

    def test_a_mount_that_is_not_there(self, vault: Bench) -> None:
        with pytest.raises(Denied, match="no mount for nothere/x") as caught:
            vault.check("nothere/x")
        assert "vault secrets list" in caught.value.hint

    @pytest.mark.parametrize("rest", ["data/x", "metadata/x", "data", "config"])
    def test_the_path_of_the_api_is_ambiguous(self, vault: Bench, rest: str) -> None:
        found = vault.check(f"secret/{rest}")
        assert found is not None
        assert "ambiguous" in found.why
        assert "vault:secret/" in found.manual

    @pytest.mark.parametrize(
        ("granted", "lacking"),
        [
            (["read"], "update"),
            (["create", "update"], "read"),
            (["read", "create"], "update"),
            (["list"], "read, update"),
        ],
    )
    def test_what_the_token_may_not_do_is_named_before_anything_is_made(
        self, vault: Bench, granted: list[str], lacking: str
    ) -> None:
        vault.put(pair())
        path = f"secret/data/{vault.path}"
        vault.conn = vault.connect(vault.token({path: granted}))
        found = vault.check()
        assert found is not None
        assert f"lacks {lacking} on {path}" in found.why
        assert f'path "{path}" {{ capabilities = ["read", "update"] }}' in found.manual
        assert vault.writes == []

    def test_one_that_is_not_there_needs_create(self, vault: Bench) -> None:
        path = f"secret/data/{vault.path}"
        vault.conn = vault.connect(vault.token({path: ["read", "update"]}))
        found = vault.check()
        assert found is not None
        assert "lacks create" in found.why

    def test_a_token_that_may_not_ask_what_it_may_is_denied_when_it_writes(self, vault: Bench) -> None:
        vault.put(pair())
        path = f"secret/data/{vault.path}"
        vault.conn = vault.connect(vault.token({path: ["read"]}, default=False))
        assert vault.check() is None, "nothing says that it may not"
        vault.minted()
        with pytest.raises(Denied) as caught:
            vault.do("serve")
        assert caught.value.needs == p.UPDATE
        assert vault.data() == pair()
        vault.conn = vault.connect(vault.token({path: ["update"]}, default=False))
        with pytest.raises(Denied) as caught:
            vault.check()
        assert caught.value.needs == p.READ

    def test_with_exactly_the_permissions_that_are_declared_all_of_it_works(self, vault: Bench) -> None:
        rules: dict[str, list[str]] = {}
        for declared in {each for doer in (STORE.stage, STORE.serve, STORE.forget) for each in doer.permissions}:
            verb, _, path = declared.partition(" ")
            rules.setdefault(path.replace("MOUNT", "secret").replace("PATH", vault.path), []).append(verb)
        vault.conn = vault.connect(vault.token(rules, default=False))
        assert vault.check() is None
        vault.minted()
        vault.put(pair())
        for verb in ("stage", "serve", "forget"):
            assert isinstance(vault.do(verb), Done), verb
            assert vault.seen(verb) == vault.run.left(vault.step(verb).id)
        for verb in ("forget", "serve"):
            assert isinstance(vault.undo(verb), Done), verb
        assert vault.data() == pair()

    @pytest.mark.parametrize(
        ("verb", "by_hand"),
        [("delete", "vault kv undelete -versions=2 -mount=secret"), ("destroy", "vault kv rollback")],
    )
    def test_a_newest_version_that_cannot_be_read_is_not_merged_into(
        self, vault: Bench, verb: str, by_hand: str
    ) -> None:
        vault.put(pair(), pair(more="x"))
        vault.versions(verb, 2)
        found = vault.check()
        assert found is not None
        assert "what else it holds would be lost" in found.why
        assert by_hand in found.manual
        vault.minted()
        assert isinstance(vault.do("serve"), Failed)
        assert vault.seen("serve") is None
        assert vault.newest == 2

    # -- who -----------------------------------------------------------------------------------------------------------

    def test_a_token_of_nobody(self, vault: Bench) -> None:
        vault.conn = vault.connect("canary-wrong-token")
        for ask in (vault.conn.whoami, vault.check):
            with pytest.raises(Unauthenticated) as caught:
                ask()
            assert "canary" not in caught.value.message
            assert "vault login" in caught.value.hint

    def test_who_the_token_is_and_never_the_token(self, vault: Bench) -> None:
        told = [str(each) for each in vault.conn.whoami()]
        assert told == ["vault:token/token"]
        vault.conn = vault.connect(vault.token({"secret/data/x": ["read"]}, default=False))
        with pytest.raises(Denied) as caught:
            vault.conn.whoami()
        assert caught.value.needs == p.LOOKUP_SELF

    def test_a_namespace(self, vault: Bench) -> None:
        vault.asked("POST", "sys/namespaces/team-a", {})
        vault.asked("POST", f"sys/mounts/{(mount := 'apps')}", {"type": "kv", "options": {"version": "2"}}, "team-a")
        vault.conn = vault.connect(namespace="team-a")
        vault.minted()
        assert vault.check(f"{mount}/{vault.path}") is None
        assert isinstance(vault.do("serve", f"{mount}/{vault.path}"), Done)
        assert {each["x-vault-namespace"] for each in vault.between.headers} == {"team-a"}
        assert vault.conn.scope == f"{vault.between.url}/team-a"
        vault.conn = vault.connect(namespace="nobodys")
        with pytest.raises(Denied, match="no such namespace"):
            vault.check(f"{mount}/{vault.path}")
