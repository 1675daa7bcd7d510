"""Whole runs into a Vault, whichever it is; used as `looks.py` is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance.crash import Killed, kill_at
from tests.vault.bench import Bench
from tests.vault.desk import Desk

YES = ("--yes", "--allow-irreversible", "-o", "json")
BEFORE = {"id": "tok_0001", "token": "canary-of-before", "region": "eu"}


class RunBehaviour:
    every: int = 1
    """Runs are killed before every so-many-th line of their journal."""

    @pytest.fixture
    def desk(self, vault: Bench, tmp_path: Path) -> Iterator[Desk]:
        vault.put(BEFORE)
        with Desk(vault, tmp_path) as made:
            yield made
            made.check()

    def test_rotated_finished_and_taken_back(self, vault: Bench, desk: Desk) -> None:
        rotated = desk("rotate", "bot", *YES)
        [one] = rotated.data["replacements"]
        assert one["result"] == "served", rotated
        served = vault.data()
        assert served["token"] in desk.secrets()
        assert (served["id"], served["region"]) == (desk.living()[-1], "eu")
        assert vault.newest == 2
        assert "version 1 of secret" in str(rotated.data), "what is left of the old one is told"
        finished = desk("finish", "@last", *YES)
        assert finished.code in (0, 6, 8), finished
        assert vault.data(1) is None, "deleted, and not destroyed:"
        assert "vault kv destroy -versions=1" in str(finished.data)
        vault.versions("undelete", 1)
        assert vault.data(1) == BEFORE

    @pytest.mark.parametrize(("key", "form"), [("", "env"), ("#bot.env", "env"), ("", "env:BOT_TOKEN"), ("#f", "json")])
    def test_in_a_format(self, vault: Bench, desk: Desk, key: str, form: str) -> None:
        to = ("--deliver", f"example:token=vault:{vault.to}{key}", "--format", form)
        rotated = desk("rotate", "bot", *to, *YES)
        [one] = rotated.data["replacements"]
        assert one["result"] == "served", rotated
        assert one["to"].startswith(f"vault:{vault.to}{key} as {form.partition(':')[0]}")
        new, held = desk.living()[-1], {k: v for k, v in vault.data().items() if k not in BEFORE}
        token = desk.cloud.cloud.tokens[new].secret
        assert (
            held
            == {
                "": {"EXAMPLE_TOKEN_ID": new, "EXAMPLE_TOKEN": token} if form == "env" else {"BOT_TOKEN": token},
                "#bot.env": {"bot.env": f"EXAMPLE_TOKEN_ID={new}\nEXAMPLE_TOKEN={token}\n"},
                "#f": {"f": f'{{\n  "id": "{new}",\n  "token": "{token}"\n}}\n'},
            }[key]
        )
        assert {k: vault.data()[k] for k in BEFORE} == BEFORE, "what else is there stays"

    @pytest.mark.parametrize("line", [8, 11, 12, 13, 14, 16])
    def test_killed_in_a_format_and_resumed(self, vault: Bench, desk: Desk, line: int) -> None:
        to = ("--deliver", f"example:token=vault:{vault.to}", "--format", "env")
        with pytest.raises(Killed):
            desk("rotate", "bot", *to, *YES, before_append=kill_at(line))
        [one] = desk("resume", "@last", "-o", "json").data["replacements"]
        [living] = desk.living()
        new = {k: v for k, v in vault.data().items() if k not in BEFORE}
        assert one["result"] == "served"
        assert new == {"EXAMPLE_TOKEN_ID": living, "EXAMPLE_TOKEN": desk.cloud.cloud.tokens[living].secret}
        assert vault.newest == 2, "never written twice"

    def test_in_a_key_of_its_own(self, vault: Bench, desk: Desk) -> None:
        desk.key = "#BOT_TOKEN"
        rotated = desk("revoke", "bot", *YES, "--rotate", "now")
        assert [r["result"] for r in rotated.data["replacements"]] == ["served"], rotated
        assert set(vault.data()) == {*BEFORE, "BOT_TOKEN"}
        assert vault.data()["token"] == BEFORE["token"]

    def test_what_cannot_be_written_is_told_before_anything_is_minted(self, vault: Bench, desk: Desk) -> None:
        living = desk.living()
        desk.token = vault.token({f"secret/data/{vault.path}": ["read"]})
        ran = desk("rotate", "bot", *YES)
        assert ran.code not in (0, 6), ran
        assert f"lacks update on secret/data/{vault.path}" in ran.words
        assert (vault.newest, desk.living()) == (1, living), "nothing was minted that nobody would get"

    def test_without_a_login_the_containment_goes_on(self, vault: Bench, desk: Desk) -> None:
        desk.token = "canary-wrong"
        ran = desk("revoke", "bot", *YES, "--rotate", "now")
        assert "Vault does not accept the operator's token" in ran.words, ran
        assert "canary-wrong" not in ran.words
        assert desk.living() == []
        assert vault.newest == 1

    def test_a_lost_answer(self, vault: Bench, desk: Desk) -> None:
        vault.between.lose_next("POST /v1/secret/data/")
        rotated = desk("rotate", "bot", *YES)
        assert [r["result"] for r in rotated.data["replacements"]] == ["served"], rotated
        assert vault.newest == 2
        assert len(vault.writes) == 1, "never written twice"

    def test_somebody_writes_between_the_look_and_the_write(self, vault: Bench, desk: Desk) -> None:
        vault.between.once_before("POST /v1/secret/data/", lambda: vault.put({**BEFORE, "theirs": "kept"}))
        rotated = desk("rotate", "bot", *YES)
        assert [r["result"] for r in rotated.data["replacements"]] == ["served"], rotated
        assert vault.data()["theirs"] == "kept"
        assert vault.data()["id"] == desk.living()[-1]

    def test_killed_between_the_write_and_the_line_that_says_so(self, vault: Bench, desk: Desk) -> None:
        def die(_: int) -> None:
            if vault.newest == 2:
                raise Killed

        with pytest.raises(Killed):
            desk("rotate", "bot", *YES, before_append=die)
        ran = desk("resume", "@last", "-o", "json")
        assert [r["result"] for r in ran.data["replacements"]] == ["served"], ran
        assert vault.newest == 2, "never written twice"
        assert vault.data()["token"] in desk.secrets()
        assert desk.living() == [vault.data()["id"]], "the one that the workload reads, and no orphan"
        desk("finish", "@last", *YES)
        assert vault.data(1) is None

    def test_doctor_says_who_the_token_is(self, desk: Desk) -> None:
        ran = desk("doctor", "-o", "json")
        [row] = [each for each in ran.data["checked"] if each["provider"] == "vault"]
        assert (row["state"], row["operator"], row["scope"]) == ("ok", ["vault:token/token"], desk.addr)
        assert "update MOUNT/data/PATH" in {each["permission"] for each in ran.data["needs"]}
        desk.token = "canary-wrong"
        ran = desk("doctor", "-o", "json")
        [row] = [each for each in ran.data["checked"] if each["provider"] == "vault"]
        assert (row["state"], ran.code) == ("unauthenticated", 9)
        assert "vault login" in row["hint"]

    def test_killed_at_journal_lines_and_resumed(self, vault: Bench, tmp_path: Path) -> None:
        number = 0
        while True:
            with Bench(vault.server) as fresh, Desk(fresh, tmp_path / f"life-{number}") as desk:
                fresh.put(BEFORE)
                try:
                    desk("rotate", "bot", *YES, before_append=kill_at(number))
                except Killed:
                    pass
                else:
                    break
                ran = desk("resume", "@last", "-o", "json") if desk.journals else desk("rotate", "bot", *YES)
                [one] = ran.data["replacements"]
                held = fresh.data()
                if one["result"] == "served":
                    assert held["token"] in desk.secrets()
                    assert held["id"] in desk.living()
                else:
                    assert held == BEFORE, (number, ran)
                assert fresh.newest <= 2, (number, "never written twice")
                assert len(desk.living()) == 1, "no orphan is left"
                desk.check()
            number += self.every
        assert number > 20
