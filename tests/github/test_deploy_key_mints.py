"""New deploy keys: made here, added once, handed over in memory, recorded at most; and whole runs."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.model.step import Manual, Notice, Step
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.kind import View
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_github.access.collaboration import Collaborations
from nhi_revoke_github.access.deploy_key import ADDED, KIND, AddedDeployKeys
from nhi_revoke_github.access.deploy_key_mint import DIES_WITH, DeployKeys
from nhi_revoke_github.access.membership import Memberships
from nhi_revoke_github.access.user_key import SigningKeys, SshKeys
from nhi_revoke_github.provider import GithubProvider
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_keys import new_pair
from nhi_revoke_github.sandbox.routes_keys import new_deploy_key, sign
from nhi_revoke_github.sandbox.state import ORG, Repository

from .conftest import START, Bench, Whole

SHOP = f"github:repo/{seed.SHOP}"
CREATE = "POST /repos/<owner>/<repo>/keys"
MINE = ("github:deploy-key/", f"{ADDED}/", "github:membership/", "github:ssh-key/")
DELIVER = """
[[identity.payments-bot.deliver]]
from = "github:deploy-key"
to = "file:{folder}/payments-deploy-key.json"
principal = "github:repo/example-payments/shop"
"""


def titles(where: Repository) -> list[str]:
    return sorted(k.title for k in where.keys.values() if k.status.shown != "gone")


def mint(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(SHOP, replace=(KIND,)) if s.does == f"{KIND}/create"]
    return step


def fetches(url: str, private: str, full_name: str) -> bool:
    """As a workload would: with the delivered private key alone."""
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    held = load_ssh_private_key(private.encode(), None)
    return httpx.get(f"{url}/_git/{full_name}", headers=sign(held, full_name)).status_code == 200


# -- the mint by itself ----------------------------------------------------------------------------------------------


def test_a_new_pair_is_added_and_opens_the_repository(bench: Bench) -> None:
    step = mint(bench)
    done = bench.do(step)
    assert isinstance(done, Done)
    secret = bench.run.take(step.id)
    assert secret.field == "private_key"
    assert secret.reveal().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert secret.public["repository"] == seed.SHOP
    assert secret.public["fingerprint"].startswith("SHA256:")
    assert bench.seen(step) == done.left
    proven = bench.doer(step.does).opens(bench.conn, step, secret)
    assert proven.proof is Proof.RECORDED
    assert fetches(bench.sandbox.url, secret.reveal(), seed.SHOP)
    assert not fetches(bench.sandbox.url, secret.reveal(), seed.LEDGER)
    assert titles(bench.sandbox.scene.shop) == ["deploy-key of the build", f"nhi-revoke {bench.run.id}"]


def test_no_private_key_is_in_what_is_left_or_drafted(bench: Bench) -> None:
    step = mint(bench)
    done = bench.do(step)
    lines = bench.run.take(step.id).reveal().splitlines()[1:-1]
    written = msgspec.json.encode([done, step]).decode() + repr(bench.run.take(step.id))
    assert "PRIVATE" not in written
    assert not any(line in written for line in lines)


def test_it_reads_or_writes_as_the_old_ones_did(bench: Bench) -> None:
    [old] = bench.sandbox.scene.shop.keys.values()
    assert mint(bench).before["read_only"] is False
    old.read_only = True
    step = mint(bench)
    assert step.before["read_only"] is True
    bench.do(step)
    assert all(k.read_only for k in bench.sandbox.scene.shop.keys.values())


def test_it_is_not_proven_while_it_is_not_listed_verified_or_enabled(bench: Bench) -> None:
    step = mint(bench)
    bench.do(step)
    secret = bench.run.take(step.id)
    key = list(bench.sandbox.scene.shop.keys.values())[-1]
    for status in ("suspended", "gone"):
        key.status.set(status, START, 0)
        assert bench.doer(step.does).opens(bench.conn, step, secret).proof is Proof.UNPROVEN


def test_a_lost_answer_is_found_by_the_public_key(bench: Bench) -> None:
    step = mint(bench)
    bench.sandbox.fault(CREATE, "lost")
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == [CREATE], "never asked twice"
    assert fetches(bench.sandbox.url, bench.run.take(step.id).reveal(), seed.SHOP)


def test_no_answer_and_nothing_there_is_lost(bench: Bench) -> None:
    bench.sandbox.fault(CREATE, "timeout")
    step = mint(bench)
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.doer(step.does).orphans(bench.conn, step) == []


def test_orphans_are_our_own_and_destroyed_once(bench: Bench) -> None:
    step = mint(bench)
    done = bench.do(step)
    _, public = new_pair(bench.hub)
    new_deploy_key(bench.hub, bench.sandbox.scene.shop, "somebody's", public, START, added_by="somebody")
    doer = bench.doer(step.does)
    assert doer.orphans(bench.conn, step) == [done.left["id"]], "another person's new key is nobody's orphan"
    assert isinstance(doer.destroy(bench.conn, step, done.left["id"]), Done)
    assert isinstance(doer.destroy(bench.conn, step, done.left["id"]), Already)
    assert isinstance(bench.undo(step), Already)
    assert titles(bench.sandbox.scene.shop) == ["deploy-key of the build", "somebody's"]


def test_whoever_needs_to_know_is_told_that_it_dies_with_the_operators_token(bench: Bench) -> None:
    """Facts 2.4, 20."""
    assert DIES_WITH in [d.says for d in bench.draft(SHOP, replace=(KIND,)) if isinstance(d, Notice)]


@pytest.mark.parametrize(
    "intent", [{"rotate": "no"}, {"replace": ()}, {"reason": Reason.OFFBOARDING}, {"scope": "sessions"}]
)
def test_nothing_is_minted_unasked(bench: Bench, intent: dict[str, Any]) -> None:
    steps = bench.steps(SHOP, **{"replace": (KIND,), **intent})
    assert [s for s in steps if s.does.endswith("/create")] == []


def test_where_none_is_left_the_new_one_reads_only_and_that_is_said(bench: Bench) -> None:
    """As after a containment that replaced nothing: the workload still needs one."""
    for key in bench.sandbox.scene.shop.keys.values():
        key.status.set("gone", START, 0)
    drafts = bench.draft(SHOP, replace=(KIND,), rotate="now")
    [mint] = [d for d in drafts if isinstance(d, Step) and d.does == f"{KIND}/create"]
    assert mint.before["read_only"] is True
    assert [d for d in drafts if isinstance(d, Notice) and "it reads only" in d.says]


def test_nothing_is_minted_where_the_list_is_hidden(bench: Bench) -> None:
    kind = bench.kinds[KIND]
    view = bench.view(SHOP)
    blind = msgspec.structs.replace(view.inventory, accesses=(), blind=(BlindSpot(view.who.ref, KIND, "denied"),))
    [said] = kind.draft(View(view.who, blind), Intent(replace=(KIND,)))
    assert isinstance(said, Manual)


# -- whole runs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Whole:
    """The engine, with keys and membership alone, and a delivery for the shop's deploy key."""
    monkeypatch.setattr(
        GithubProvider,
        "kinds",
        lambda _: (DeployKeys(), AddedDeployKeys(), Memberships(), Collaborations(), SshKeys(), SigningKeys()),
    )
    monkeypatch.setattr(seed, "MAP", seed.MAP + DELIVER)
    whole = request.getfixturevalue("whole")
    assert isinstance(whole, Whole)
    return whole


def wrong(whole: Whole, report: Report) -> list[str]:
    """Doors of these kinds that are not as the report says."""
    return [line for line in mispredicted(whole, report) if any(mine in line for mine in MINE)]


def delivered(whole: Whole) -> str:
    return str(json.loads((whole.folder / "payments-deploy-key.json").read_text())["private_key"])


def test_a_run_ends_keys_and_membership_and_serves_a_new_key(narrow: Whole) -> None:
    before = narrow.open_doors()
    assert {"classic-token", "deploy-key", "added-deploy-key", "user-ssh-key"} <= before
    report = narrow.run()
    after = narrow.open_doors()
    assert not {"classic-token", "deploy-key", "added-deploy-key"} & after
    assert "user-ssh-key" in after, "nobody's to end but the user's"
    assert wrong(narrow, report) == []
    member = narrow.outcome(report, f"github:membership/{ORG}/{seed.LOGIN}")
    assert (member.fate, member.proof) == ("ended", Proof.RECORDED)
    assert narrow.outcome(report, f"github:ssh-key/{seed.LOGIN}/").fate == "left"
    [replaced] = [r for r in report.replacements if r.kind == KIND]
    assert (replaced.result, replaced.proof) == ("served", Proof.RECORDED)
    assert fetches(narrow.hub.url, delivered(narrow), seed.SHOP)
    narrow.heard.files(narrow.state)
    held = [*narrow.hub.canaries(), *delivered(narrow).splitlines()[1:-1]]
    assert [c for c in held if narrow.heard.holding(c)] == []
    verified = narrow.verify(report.run)
    assert wrong(narrow, verified) == []
    assert not any(o.appeared for o in verified.outcomes)


def test_the_walk_is_left_to_the_run_where_nobody_asks_and_ended_in_a_round(narrow: Whole) -> None:
    with narrow.engine() as engine:
        found = engine.inventory(engine.resolve([narrow.name]), narrow.intent, logs=False, late=False)
        plan = engine.plan(found, narrow.intent)
    assert not any(a.kind == ADDED for a in plan.accesses)
    assert any(a.kind == KIND for a in plan.accesses)
    report = narrow.run(plan)
    assert "added-deploy-key" not in narrow.open_doors()
    assert wrong(narrow, report) == []


def test_undo_brings_the_named_key_back_and_no_membership(narrow: Whole) -> None:
    report = narrow.run()
    old = narrow.outcome(report, f"{KIND}/{seed.SHOP}/").access.id
    undone = narrow.undo(report.run, rearm=[old])
    doors = narrow.open_doors()
    assert "deploy-key" in doors
    assert not {"added-deploy-key", "classic-token"} & doors
    assert narrow.hub.hub.members[seed.LOGIN].shown == ""
    assert undone.run == report.run


@pytest.mark.parametrize("fault", ["lost", "timeout", "500"])
def test_a_lost_create_leaves_no_orphan(narrow: Whole, fault: Any) -> None:
    narrow.hub.fault(CREATE, fault)
    report = narrow.run()
    assert len(titles(narrow.hub.scene.shop)) == 1
    assert fetches(narrow.hub.url, delivered(narrow), seed.SHOP)
    assert wrong(narrow, report) == []


def test_what_the_intruder_adds_during_the_run_is_ended_too(narrow: Whole) -> None:
    done: list[int] = []

    def meddle(line: int) -> None:
        if line == 6 and not done:
            done.append(line)
            narrow.hub.meddle("new-deploy-key")

    report = narrow.run(before_append=meddle)
    assert done
    assert "late-deploy-key" not in narrow.open_doors()
    assert wrong(narrow, report) == []
    assert any(o.appeared for o in report.outcomes)


def test_whoever_comes_back_is_seen(narrow: Whole) -> None:
    """Facts 2.4, 24: after the removal it looks again."""
    report = narrow.run()
    narrow.hub.meddle("back-in")
    again = narrow.verify(report.run)
    assert "classic-token" in narrow.open_doors()
    assert wrong(narrow, again) == []
    assert narrow.outcome(again, f"github:membership/{ORG}/{seed.LOGIN}").fate != "ended"


def test_a_second_run_finds_nothing_of_these_to_do_but_by_hand(narrow: Whole) -> None:
    narrow.run(narrow.plan(msgspec.structs.replace(narrow.intent, rotate="no")))
    before = narrow.mutations()
    plan = narrow.plan(msgspec.structs.replace(narrow.intent, rotate="no"))
    assert [s.does for s in plan.steps] == []
    assert {m.kind for m in plan.manual} == {"github:ssh-key", "github:signing-key"}
    assert narrow.mutations() == before
