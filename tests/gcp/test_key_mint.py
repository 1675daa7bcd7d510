"""A new key: made once, shown once, proven by a token, and destroyed where nobody received it (facts gcp.md 4, 7)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke_gcp.sandbox.scene import first_key
from nhi_revoke_gcp.sandbox.state import LIMIT

from .conftest import BOT, Bench

KIND = "gcp:key"
CREATE = "iam.CreateServiceAccountKey"
NO_KEYS = "iam.disableServiceAccountKeyCreation"
MANAGED = "iam.managed.disableServiceAccountKeyCreation"


def drafted(bench: Bench, **intent: Any) -> list[Draft]:
    """With a delivery, and without the brake, so that a key can be proven at once."""
    delivery = Delivery(kind=KIND, to="file:/run/secrets/bot.json")
    view = bench.view(BOT, identity=Identity("bot", (bench.resolve(BOT).ref,), deliver=(delivery,)))
    asked = Intent(**{"brake": "off", "replace": (KIND,), **intent})
    return list(bench.kinds[KIND].draft(view, asked))


def mint(bench: Bench, **intent: Any) -> Step:
    [step] = [d for d in drafted(bench, **intent) if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return step


def unreplaced(bench: Bench, **intent: Any) -> str:
    """Why nothing is made: told by hand, before anything is ended."""
    found = drafted(bench, **intent)
    assert not [d for d in found if isinstance(d, Step) and d.phase is Phase.MINT]
    [said] = [d.what for d in found if isinstance(d, Manual)]
    return said


def fill(bench: Bench) -> None:
    """Ten keys of its owner's, all in use."""
    first = first_key(bench.account)
    while sum(key.type == "USER_MANAGED" for key in bench.account.listed()) < LIMIT:
        bench.cloud.new_key(bench.account, first.created)
    for key in bench.account.keys.values():
        key.disabled.set(False, bench.sandbox.now(), 0.0)


def opens(bench: Bench, step: Step) -> Any:
    return bench.doer(step.does).opens(bench.conn, step, bench.run.take(step.id))


def test_the_new_key_is_a_whole_key_file_and_never_in_what_is_left(bench: Bench) -> None:
    """Facts gcp.md 7, 15: ids alone are journaled."""
    step = mint(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    file = secret.fields()
    made = bench.account.keys[str(file["private_key_id"])]
    assert file == bench.cloud.key_file(bench.account, made, bench.sandbox.grpc.token_uri)
    assert change.left["id"] == f"{KIND}/{bench.account.email}/{made.id}"
    told = json.dumps([change.left, step.before, repr(secret)])
    assert not [each for each in bench.sandbox.canaries() if each in told]
    assert bench.seen(step) == change.left


def test_it_is_proven_by_a_token_and_unproven_until_there_is_one(bench: Bench) -> None:
    """Facts gcp.md 4: a new key may need seconds to minutes."""
    bench.sandbox.lag(60, 0)
    step = mint(bench)
    bench.do(step)
    early = opens(bench, step)
    assert early.proof is Proof.UNPROVEN
    assert "(invalid_grant)" in early.how
    bench.sandbox.advance(61)
    assert opens(bench, step).proof is Proof.ENFORCED


def test_a_key_that_ends_by_itself_says_when(bench: Bench) -> None:
    """Facts gcp.md 4: iam.serviceAccountKeyExpiryHours. Stores keep such a time."""
    bench.cloud.keys_live = timedelta(hours=8)
    left = bench.do(mint(bench)).left
    assert left["expires"].startswith("2026-11-28T20:00:")
    bench.cloud.keys_live = None
    assert "expires" not in bench.do(mint(bench)).left


def test_a_disabled_account_proves_nothing(bench: Bench) -> None:
    step = mint(bench)
    bench.do(step)
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert opens(bench, step).proof is Proof.UNPROVEN


@pytest.mark.parametrize("told_as", ["RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"])
def test_the_cap_is_impossible_in_both_of_its_forms_and_no_pause(bench: Bench, told_as: str) -> None:
    """Facts gcp.md 4: RetryInfo of 86401 seconds is no time to wait for."""
    step = mint(bench)
    fill(bench)
    bench.cloud.limit_told_as = told_as
    before = bench.sandbox.now()
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert "ten keys" in change.why
    assert "--free-slot" in change.manual
    assert bench.sandbox.now() - before < timedelta(minutes=1)
    assert bench.writes() == [CREATE]


def test_full_slots_are_told_before_anything_is_ended(bench: Bench) -> None:
    step = mint(bench)
    fill(bench)
    assert "all ten slots are full" in unreplaced(bench)
    assert "--free-slot gcp:key/" in unreplaced(bench)
    found = bench.doer(step.does).check(bench.conn, step)
    assert isinstance(found, Impossible)


def test_a_key_that_was_inactive_before_makes_room(bench: Bench) -> None:
    fill(bench)
    old = first_key(bench.account)
    old.disabled.set(True, bench.sandbox.now(), 0.0)
    steps = [d for d in drafted(bench) if isinstance(d, Step) and d.phase is Phase.MINT]
    assert [s.does for s in steps] == [f"{KIND}/delete", f"{KIND}/create"]
    freed, made = steps
    assert freed.ends == (f"{KIND}/{bench.account.email}/{old.id}",)
    assert not freed.reversible
    assert freed.before["created"], "its metadata is kept"
    assert freed.lock == made.lock
    assert bench.doer(made.does).check(bench.conn, made) is None, "its room is still to be made"


def test_a_named_key_makes_room(bench: Bench) -> None:
    fill(bench)
    access = f"{KIND}/{bench.account.email}/{first_key(bench.account).id}"
    steps = [d for d in drafted(bench, free_slot=(access,)) if isinstance(d, Step) and d.phase is Phase.MINT]
    assert steps[0].ends == (access,)


@pytest.mark.parametrize("constraint", [NO_KEYS, MANAGED])
def test_an_organisation_that_forbids_keys_is_named_before_anything_is_ended(bench: Bench, constraint: str) -> None:
    """Facts gcp.md 4: with the ways out."""
    bench.cloud.constraints[constraint] = [{"enforce": True}]
    bench.conn = bench.connect()
    said = unreplaced(bench)
    assert f"constraints/{constraint}" in said
    assert "workload identity federation" in said


def test_one_that_forbids_them_meanwhile_is_impossible_with_its_name(bench: Bench) -> None:
    step = mint(bench)
    bench.cloud.constraints[NO_KEYS] = [{"enforce": True}]
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert f"constraints/{NO_KEYS}" in change.why


def test_one_that_forbids_them_somewhere_else_is_tried(bench: Bench) -> None:
    bench.cloud.constraints[NO_KEYS] = [{"enforce": True, "condition": {"expression": "resource.matchTag('a', 'b')"}}]
    bench.conn = bench.connect()
    assert mint(bench).does.endswith("/create")


def test_a_lost_create_is_found_by_difference_and_destroyed(bench: Bench) -> None:
    """Facts gcp.md 7, 14."""
    step = mint(bench)
    doer = bench.doer(step.does)
    assert doer.orphans(bench.conn, step) == []
    bench.sandbox.fault(CREATE, "lost", times=1)
    with pytest.raises(NoAnswer):
        bench.do(step)
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    assert doer.orphans(bench.conn, step) == []
    assert bench.writes() == [CREATE, "iam.DeleteServiceAccountKey"]


def test_while_the_account_is_disabled_nothing_is_made(bench: Bench) -> None:
    """Facts gcp.md 7, 2: to prove a new key the account would be enabled, and stolen tokens with it."""
    assert "release --wait" in unreplaced(bench, brake="auto")
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    assert "disabled before" in unreplaced(bench)


def test_keys_that_could_not_be_listed_are_not_replaced(bench: Bench) -> None:
    view = bench.view(BOT)
    assert [d for d in bench.kinds[KIND].draft(view, Intent(brake="off", replace=(KIND,))) if isinstance(d, Step)]
    assert not [d for d in drafted(bench, rotate="no") if isinstance(d, Step) and d.phase is Phase.MINT]


def test_as_gcp_json_it_is_the_file_that_google_gives(bench: Bench) -> None:
    step = mint(bench)
    bench.do(step)
    secret, [layout] = bench.run.take(step.id), bench.doer(step.does).layouts
    text = formatted.written(None, secret, layout)
    made = bench.account.keys[secret.public["private_key_id"]]
    file = bench.cloud.key_file(bench.account, made, bench.sandbox.grpc.token_uri)
    assert json.loads(text) == file
    assert list(json.loads(text)) == [name for name, _ in layout.parts if name in file]
    assert set(file) <= {name for name, _ in layout.parts}, "one of its own kind gives way to it"
