"""What holds of a delivery once it writes, whichever Vault it is; used as `looks.py` is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke_vault.store.forget import LOOKED
from nhi_revoke_vault.store.kv import MERGED_ANEW
from tests.vault.bench import NEW, OLD, Bench, pair

BESIDE = {"region": "eu", "n": {"x": [1, 1.5, None, True]}}
"""What else a secret holds."""
POST_DATA = "POST /v1/secret/data/"


class WriteBehaviour:
    # -- written, read back, taken back --------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("key", "before", "after"),
        [
            ("", {**pair(), **BESIDE}, {**NEW.fields(), **BESIDE}),
            ("#token", {"token": "old", "user": "x"}, {"token": NEW.reveal(), "user": "x"}),
        ],
    )
    def test_written_read_back_and_taken_back(self, vault: Bench, key: str, before: Any, after: Any) -> None:
        to = f"{vault.to}{key}"
        vault.put(before)
        vault.minted()
        vault.do("stage", to)
        change = vault.do("serve", to)
        assert isinstance(change, Done)
        assert "version 1 of secret" in change.left["leaves"]
        assert vault.data() == after
        assert vault.seen("serve", to) == change.left
        assert json.loads(vault.between.bodies[vault.between.asked.index(vault.writes[0])])["options"] == {"cas": 1}
        assert isinstance(vault.undo("serve", to), Done)
        assert vault.data() == before
        assert (vault.data(1), vault.data(2)) == (before, after), "nothing of before was touched"
        assert vault.seen("serve", to) is None
        assert isinstance(vault.undo("serve", to), Already), "once is enough"
        assert vault.newest == 3
        assert "canary" not in vault.told()

    def test_an_undo_of_nothing(self, vault: Bench) -> None:
        vault.put(pair())
        assert isinstance(vault.undo("serve"), Already)
        assert vault.writes == []

    def test_a_secret_that_takes_no_write_without_its_number(self, vault: Bench) -> None:
        vault.put(pair())
        vault.asked("POST", f"secret/metadata/{vault.path}", {"cas_required": True})
        vault.minted()
        assert isinstance(vault.do("serve"), Done)
        assert isinstance(vault.undo("serve"), Done)
        assert vault.data() == pair()

    def test_one_version_alone_is_kept(self, vault: Bench) -> None:
        vault.put(pair())
        vault.asked("POST", f"secret/metadata/{vault.path}", {"max_versions": 1})
        vault.minted()
        assert "the one of before is lost then" in vault.do("stage").left["unwritten"]
        assert "leaves" not in vault.do("serve").left, "nothing of it is left"
        assert vault.data(1) is None
        found = vault.undo("serve")
        assert isinstance(found, Impossible)
        assert "version 1" in found.why
        assert isinstance(vault.do("forget"), Already)
        assert vault.data() == NEW.fields()

    def test_the_mount_says_how_many_are_kept(self, vault: Bench) -> None:
        mount = vault.mount("2")
        vault.asked("POST", f"{mount}/config", {"max_versions": 1})
        vault.asked("POST", f"{mount}/data/{vault.path}", {"data": pair()})
        vault.minted()
        assert "lost" in vault.do("stage", f"{mount}/{vault.path}").left["unwritten"]

    def test_a_version_that_vault_deletes_by_itself_is_told(self, vault: Bench) -> None:
        vault.put(pair())
        vault.asked("POST", f"secret/metadata/{vault.path}", {"delete_version_after": "1h"})
        vault.minted()
        assert "Vault deletes version 2" in vault.do("serve").left["leaves"]

    def test_a_secret_without_an_old_credential_leaves_none(self, vault: Bench) -> None:
        vault.put({"region": "eu"})
        vault.minted()
        assert "leaves" not in vault.do("serve").left
        assert isinstance(vault.do("forget"), Already)
        assert vault.data(1) == {"region": "eu"}

    # -- others write at the same time ---------------------------------------------------------------------------------

    def test_somebody_writes_between_the_look_and_the_write(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("stage")
        vault.between.once_before(POST_DATA, lambda: vault.put(pair(theirs="kept")))
        left = vault.do("serve").left
        assert (left["version"], left["previous"]) == (3, 2)
        assert vault.data() == {**NEW.fields(), "theirs": "kept"}, "merged anew: nothing of theirs is lost"
        assert len(vault.writes) == 2

    def test_somebody_makes_the_secret_first(self, vault: Bench) -> None:
        vault.minted()
        vault.between.once_before(POST_DATA, lambda: vault.put({"theirs": "kept"}))
        assert vault.do("serve").left["previous"] == 1
        assert vault.data() == {**NEW.fields(), "theirs": "kept"}

    def test_others_who_write_all_the_time_are_not_written_over(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.between.before = lambda what: vault.put(pair()) if what.startswith(POST_DATA) else None
        found = vault.do("serve")
        assert isinstance(found, Failed)
        assert vault.newest == 1 + MERGED_ANEW
        assert vault.data() == pair()

    def test_somebody_writes_before_the_undo(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        vault.between.once_before(POST_DATA, lambda: vault.put(pair("x")))
        assert isinstance(vault.undo("serve"), Failed)
        assert vault.data() == pair("x")
        assert isinstance(vault.undo("serve"), Failed)
        assert vault.newest == 3

    def test_somebody_made_it_anew_before_it_is_unmade(self, vault: Bench) -> None:
        vault.minted()
        vault.do("serve")
        vault.put(pair("x"))
        assert isinstance(vault.undo("serve"), Failed)
        assert vault.data() == pair("x")

    def test_somebody_wrote_another_one_after_this_run(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        vault.put(pair("x", "AKIAOTHER"))
        assert vault.seen("serve") is None
        found = vault.do("serve")
        assert isinstance(found, Failed)
        assert "after this run did (version 2)" in found.why
        vault.run.secrets.clear()
        assert vault.seen("serve") is None, "in a later process, too"
        assert vault.newest == 3

    def test_what_somebody_added_is_no_other_credential(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        left = vault.do("serve").left
        vault.put({**NEW.fields(), "theirs": "kept"})
        assert vault.seen("serve") == left
        vault.run.secrets.clear()
        assert vault.seen("serve") == left, "in a later process, too"
        assert isinstance(vault.undo("serve"), Failed), "to take it back would take theirs away"

    def test_two_deliveries_into_one_secret(self, vault: Bench) -> None:
        first, second = f"{vault.to}#one", f"{vault.to}#two"
        vault.put({"one": "old", "two": "old"})
        vault.minted()
        lefts = {to: vault.do("serve", to).left for to in (first, second)}
        assert vault.data() == {"one": NEW.reveal(), "two": NEW.reveal()}
        for to in (first, second):
            assert vault.seen("serve", to)
        for to in (second, first):
            vault.run.lefts["serve"] = lefts[to]
            assert isinstance(vault.undo("serve", to), Done)
        assert vault.data() == {"one": "old", "two": "old"}

    # -- lost answers and crashes --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("key", ["", "#token"])
    def test_after_a_lost_answer_it_is_looked_for_before_anything_is_written_again(
        self, vault: Bench, key: str
    ) -> None:
        to = f"{vault.to}{key}"
        vault.put({**pair(), "token": "old"})
        vault.minted()
        vault.between.lose_next(POST_DATA)
        with pytest.raises(NoAnswer, match="it may have happened"):
            vault.do("serve", to)
        assert vault.seen("serve", to)["version"] == 2
        change = vault.do("serve", to)
        assert isinstance(change, Already)
        assert (change.left["version"], change.left["previous"]) == (2, 1)
        assert vault.newest == 2
        assert len(vault.writes) == 1

    def test_a_lost_answer_of_a_delete_is_asked_again(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        vault.between.lose_next("POST /v1/secret/delete/")
        assert isinstance(vault.do("forget"), Done)
        assert vault.data(1) is None

    def test_after_a_crash_it_is_taken_up_from_the_secret(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        assert vault.recall() is None, "it did not look yet"
        vault.do("stage")
        assert vault.recall() is None
        vault.do("serve")
        found = vault.recall()
        assert found is not None
        assert found.fingerprint() == NEW.fingerprint()
        vault.run.secrets.clear()
        assert vault.seen("serve") == vault.run.left("serve")
        vault.run.lefts.pop("serve")
        assert vault.seen("serve")["version"] == 2, "by its public parts"

    def test_a_write_whose_answer_died_with_the_process_is_taken_back(self, vault: Bench) -> None:
        """The credential is destroyed where nobody can take it up again: no workload may go on reading it."""
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        vault.run.lefts.pop("serve")
        vault.run.secrets.clear()
        assert isinstance(vault.undo("serve"), Done)
        assert vault.data() == pair()
        assert isinstance(vault.undo("serve"), Already)
        assert vault.newest == 3

    def test_the_old_one_is_never_recalled_as_the_new_one(self, vault: Bench) -> None:
        """Somebody wrote another field since this run looked: what stands under the key is as old as before."""
        to = f"{vault.to}#token"
        vault.put({"token": "old"})
        vault.minted()
        vault.do("stage", to)
        vault.put({"token": "old", "theirs": "x"})
        assert vault.recall(to) is None
        vault.run.secrets.clear()
        assert vault.seen("serve", to) is None

    # -- finish --------------------------------------------------------------------------------------------------------

    def test_finish_deletes_every_version_that_holds_the_old_one_and_destroys_none(self, vault: Bench) -> None:
        vault.put(pair("older"), pair(), pair(theirs="x"))
        vault.minted()
        vault.do("serve")
        change = vault.do("forget")
        assert isinstance(change, Done)
        assert change.left["deleted"] == [2, 3]
        assert "vault kv destroy -versions=2,3 -mount=secret" in change.left["leaves"]
        assert [vault.data(n) for n in (1, 2, 3)] == [pair("older"), None, None]
        assert "older, holding another secret in that place, left so: version 1" in change.left["leaves"]
        assert vault.data() == {**NEW.fields(), "theirs": "x"}
        assert vault.seen("forget") == change.left
        assert isinstance(vault.do("forget"), Already)
        vault.run.lefts["finish-serve"] = change.left
        assert isinstance(vault.undo("forget"), Done)
        assert [vault.data(n) for n in (2, 3)] == [pair(), pair(theirs="x")]
        assert vault.seen("forget") is None
        assert "canary" not in vault.told()

    def test_finish_tells_what_it_left(self, vault: Bench) -> None:
        vault.put(pair("gone"), pair())
        vault.versions("delete", 1)
        vault.minted()
        vault.do("serve")
        vault.put(pair(theirs="rolled back"))
        said = vault.do("forget").left["leaves"]
        assert "written later, holding it, left so: 4" in said
        assert "deleted before, can be undeleted, not compared: version 1" in said
        assert vault.data() == pair(theirs="rolled back"), "what is read now is left"

    def test_finish_after_a_crash_knows_what_it_deleted(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        left = vault.do("forget").left
        vault.run.lefts.pop("finish-serve")
        assert vault.seen("forget")["deleted"] == left["deleted"] == [1]

    def test_finish_without_the_name_of_the_field_deletes_the_version_before(self, vault: Bench) -> None:
        vault.put(pair(), pair())
        vault.minted()
        vault.run.lefts["finish-serve"] = {}
        vault.run.lefts["serve"] = {**vault.do("serve").left, "field": ""}
        assert vault.do("forget").left["deleted"] == [2]

    def test_finish_says_how_far_it_looked(self, vault: Bench) -> None:
        vault.asked("POST", f"secret/metadata/{vault.path}", {"max_versions": 40})
        vault.put(*[pair()] * (LOOKED + 2))
        vault.minted()
        vault.do("serve")
        left = vault.do("forget").left
        assert left["deleted"] == list(range(4, LOOKED + 3))
        assert f"older than the {LOOKED} newest were not looked at" in left["leaves"]
        assert vault.data(3) == pair()

    def test_a_version_that_was_destroyed_is_not_undeleted(self, vault: Bench) -> None:
        vault.put(pair())
        vault.minted()
        vault.do("serve")
        vault.do("forget")
        vault.versions("destroy", 1)
        found = vault.undo("forget")
        assert isinstance(found, Impossible)
        assert "destroyed" in found.why
        found = vault.undo("serve")
        assert isinstance(found, Impossible)
        assert vault.data() == NEW.fields()

    def test_finish_where_there_was_none_before(self, vault: Bench) -> None:
        vault.minted()
        vault.do("serve")
        assert isinstance(vault.do("forget"), Already)
        assert isinstance(vault.undo("forget"), Already)
        assert vault.data() == NEW.fields()

    def test_no_secret_is_told(self, vault: Bench) -> None:
        """The token, its accessor, the old and the new value: neither in what is kept, nor in a `repr`."""
        vault.put(pair())
        vault.minted()
        for verb in ("stage", "serve", "forget"):
            vault.do(verb)
        text = vault.told() + repr(vault.conn) + json.dumps([str(each) for each in vault.conn.whoami()])
        for secret in (OLD, NEW.reveal(), vault.server.root, "accessor"):
            assert secret not in text
