"""Whole runs into the stand-in, by the real command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nhi_revoke.testing.conformance.crash import Killed, kill_at
from tests.kubernetes.bench import NAME, NS, PATCH, START, Bench
from tests.kubernetes.desk import Desk
from tests.vault.desk import Ran

YES = ("--yes", "--allow-irreversible", "-o", "json")
BEFORE = {"id": "tok_0001", "token": "canary-of-before", "region": "eu"}
RESTARTED = f"PATCH /apis/apps/v1/namespaces/{NS}/deployments/api"


@pytest.fixture
def desk(kube: Bench, tmp_path: Path) -> Iterator[Desk]:
    kube.put(BEFORE)
    kube.deploy()
    with Desk(kube, tmp_path) as made:
        yield made
        made.check()


def results(ran: Ran) -> list[str]:
    return [each["result"] for each in ran.data["replacements"]]


class TestRotated:
    def test_delivered_restarted_finished(self, kube: Bench, desk: Desk) -> None:
        rotated = desk("rotate", "bot", *YES)
        assert results(rotated) == ["served"], rotated
        served = kube.data() or {}
        assert served["token"] in desk.secrets()
        assert (served["id"], served["region"]) == (desk.living()[-1], "eu")
        [former] = kube.kept
        assert f"Secret {NS}/{former} keeps the former values" in str(rotated.data)
        assert kube.data(former) == {k: v for k, v in BEFORE.items() if k != "region"}
        assert PATCH in kube.writes[: kube.writes.index(RESTARTED)], "restarted once the new one is there"
        assert kube.template()
        finished = desk("finish", "@last", *YES)
        assert finished.code in (0, 6, 8), finished
        assert kube.kept == []
        assert kube.data() == served

    def test_a_dry_run_changes_nothing(self, kube: Bench, desk: Desk) -> None:
        planned = desk("plan", "bot")
        assert "restart deployment/api in namespace prod" in planned.words, planned
        assert "connections and work in them end" in planned.words
        assert "deployment/api: 2 pods now" in planned.words
        assert "its former values are kept beside it in a Secret of their own, until finish" in planned.words
        desk("rotate", "bot", "--dry-run")
        desk("list", "bot")
        assert (kube.writes, kube.data(), kube.template()) == ([], BEFORE, {})

    def test_in_a_key_of_its_own(self, kube: Bench, desk: Desk) -> None:
        desk.key = "#BOT_TOKEN"
        assert results(desk("revoke", "bot", *YES, "--rotate", "now")) == ["served"]
        held = kube.data() or {}
        assert set(held) == {*BEFORE, "BOT_TOKEN"}
        assert held["token"] == BEFORE["token"]


class TestRollout:
    served = START
    """When the new one was written."""

    def rolls_after(self, kube: Bench, minutes: float) -> None:
        """New pods take so long to come up."""
        kube.cluster.rolls_at_once = False
        ready = START + timedelta(minutes=minutes)

        def before(what: str) -> None:
            if what.startswith(PATCH):
                self.served = kube.clock.now()
            made = kube.cluster.objects[NS, "deployments", "api"]
            made["status"]["observedGeneration"] = made["metadata"]["generation"]
            restarted = made["spec"]["template"]["metadata"].get("annotations")
            made["status"]["updatedReplicas"] = 0 if restarted and kube.clock.now() < ready else 2

        kube.cluster.before = before

    def test_the_old_one_ends_once_no_pod_holds_it(self, kube: Bench, desk: Desk) -> None:
        self.rolls_after(kube, 4)
        ran = desk("rotate", "bot", *YES)
        assert results(ran) == ["served"], ran
        assert kube.clock.now() >= START + timedelta(minutes=4)
        assert desk.living() == [(kube.data() or {})["id"]]

    def test_one_that_never_ends_ends_nothing_else(self, kube: Bench, desk: Desk) -> None:
        living = desk.living()
        self.rolls_after(kube, 60)
        ran = desk("rotate", "bot", *YES)
        assert ran.code not in (0, 6), ran
        assert set(living) < set(desk.living()), "pods of before still hold it"
        kube.clock.advance(3600)
        desk("resume", "@last", "-o", "json")
        assert desk.living() == [(kube.data() or {})["id"]]

    def test_a_containment_does_not_wait_for_pods_that_lack_the_new_one(self, kube: Bench, desk: Desk) -> None:
        self.rolls_after(kube, 60)
        ran = desk("revoke", "bot", *YES, "--rotate", "now")
        assert results(ran) == ["served"], ran
        assert kube.data() != BEFORE
        assert self.served < START + timedelta(minutes=5)


class TestRefused:
    def test_what_cannot_be_written_is_told_before_anything_is_minted(self, kube: Bench, desk: Desk) -> None:
        living, desk.token = desk.living(), "canary-reader"
        kube.cluster.tokens["canary-reader"] = {("get", "secrets"), ("get", "deployments"), ("patch", "deployments")}
        ran = desk("rotate", "bot", *YES)
        assert ran.code not in (0, 6), ran
        assert f"lacks patch secrets/{NAME} -n {NS}" in ran.words
        assert (kube.data(), desk.living()) == (BEFORE, living), "nothing was minted that nobody would get"

    def test_an_immutable_one(self, kube: Bench, desk: Desk) -> None:
        living = desk.living()
        kube.put(BEFORE, immutable=True)
        ran = desk("rotate", "bot", *YES)
        assert "it is immutable" in ran.words, ran
        assert (kube.data(), desk.living()) == (BEFORE, living)

    def test_without_a_login_the_containment_goes_on(self, kube: Bench, desk: Desk) -> None:
        desk.token = "canary-wrong"
        ran = desk("revoke", "bot", *YES, "--rotate", "now")
        assert "does not accept the operator's login" in ran.words, ran
        assert desk.living() == []
        assert (kube.data(), kube.writes) == (BEFORE, [])

    def test_a_paused_workload_holds_up_nothing_else(self, kube: Bench, desk: Desk) -> None:
        kube.cluster.objects[NS, "deployments", "api"]["spec"]["paused"] = True
        ran = desk("rotate", "bot", *YES)
        assert results(ran) == ["served"], ran
        assert "deployment/api is paused" in ran.words
        assert "kubectl rollout resume" in ran.words
        assert ran.code not in (0, 6)


class TestTroubled:
    def test_a_lost_answer(self, kube: Bench, desk: Desk) -> None:
        kube.cluster.lose_next(PATCH)
        assert results(desk("rotate", "bot", *YES)) == ["served"]
        assert kube.writes.count(PATCH) == 1, "never written twice"
        assert len(kube.kept) == 1

    def test_somebody_writes_between_the_look_and_the_write(self, kube: Bench, desk: Desk) -> None:
        kube.cluster.once_before(PATCH, lambda: kube.edit(theirs="kept"))
        assert results(desk("rotate", "bot", *YES)) == ["served"]
        held = kube.data() or {}
        assert (held["theirs"], held["id"]) == ("kept", desk.living()[-1])

    def test_killed_between_the_write_and_the_line_that_says_so(self, kube: Bench, desk: Desk) -> None:
        def die(_: int) -> None:
            if kube.data() != BEFORE:
                raise Killed

        with pytest.raises(Killed):
            desk("rotate", "bot", *YES, before_append=die)
        ran = desk("resume", "@last", "-o", "json")
        assert results(ran) == ["served"], ran
        held = kube.data() or {}
        assert kube.writes.count(PATCH) == 1, "never written twice"
        assert held["token"] in desk.secrets()
        assert desk.living() == [held["id"]], "the one that the workload reads, and no orphan"
        desk("finish", "@last", *YES)
        assert kube.kept == []

    def test_killed_at_journal_lines_and_resumed(self, tmp_path: Path) -> None:
        number = 0
        while True:
            life = tmp_path / f"life-{number}"
            life.mkdir()
            with Bench(life) as kube, Desk(kube, life) as desk:
                kube.put(BEFORE)
                kube.deploy()
                try:
                    desk("rotate", "bot", *YES, before_append=kill_at(number))
                except Killed:
                    pass
                else:
                    break
                ran = desk("resume", "@last", "-o", "json") if desk.journals else desk("rotate", "bot", *YES)
                held = kube.data() or {}
                if results(ran) == ["served"]:
                    assert held["token"] in desk.secrets()
                    assert held["id"] in desk.living()
                else:
                    assert held == BEFORE, (number, ran)
                assert kube.writes.count(PATCH) <= 1, (number, "never written twice")
                assert len(desk.living()) == 1, "no orphan is left"
                desk.check()
            number += 11
        assert number > 20

    def test_doctor_says_who_the_operator_is(self, kube: Bench, desk: Desk) -> None:
        ran = desk("doctor", "-o", "json")
        [row] = [each for each in ran.data["checked"] if each["provider"] == "kubernetes"]
        assert (row["state"], row["operator"]) == ("ok", ["kubernetes:user/ops@example.com"])
        assert row["scope"] == kube.cluster.url
        assert {"patch secrets", "patch deployments.apps"} <= {each["permission"] for each in ran.data["needs"]}
