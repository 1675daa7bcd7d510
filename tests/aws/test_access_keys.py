"""Access keys and the console password: ended, minted, proven, freed, destroyed; and no other key touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Phase, Step
from nhi_revoke.provider.fault import Missing, NoAnswer
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws import provider
from nhi_revoke_aws.access.access_key import NEVER_USED, AccessKeys
from nhi_revoke_aws.probe import leaked_key_refused

from .conftest import USER, Bench

KEY = "aws:access-key"
REPLACE: dict[str, Any] = {"replace": (KEY,)}
WHO = Principal(PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bot"), "user", "bot", "111122223333", "AIDA1")


def active(bench: Bench) -> str:
    return next(str(k) for k, s in bench.state("payments-bot")["keys"].items() if s == "Active")


def test_disable_ends_the_key_and_undo_brings_it_back(bench: Bench) -> None:
    before = bench.state("payments-bot")
    step = bench.steps(USER)[f"{KEY}/disable"]
    assert step.rearms == "always"
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"Status": "Inactive"} == bench.run.left(step.id)
    bench.settle()
    doors = bench.doors()
    assert not doors["active-key"]
    assert doors["get-session-token"], "sessions outlive their key: they are another step's"
    after = bench.state("payments-bot")
    assert {k for k in after if after[k] != before[k]} == {"keys"}
    assert isinstance(bench.undo(step), Done)
    assert bench.state("payments-bot") == before
    assert isinstance(bench.undo(step), Already)


def test_undo_leaves_a_key_that_is_not_as_left(bench: Bench) -> None:
    step = bench.steps(USER)[f"{KEY}/disable"]
    bench.do(step)
    bench.sandbox.admin("iam").delete_access_key(UserName="payments-bot", AccessKeyId=active_before(step))
    assert isinstance(bench.undo(step), Failed)
    assert isinstance(bench.do(step), Already), "gone is ended"
    assert bench.seen(step) == {"Status": "gone"}


@pytest.mark.parametrize("decoy", [False, True])
def test_a_key_of_a_user_that_was_renamed_is_never_taken_for_gone(bench: Bench, *, decoy: bool) -> None:
    """The user keeps its keys. Whoever has its old name today, if anybody does, has none of them."""
    step = bench.steps(USER)[f"{KEY}/disable"]
    iam, key = bench.sandbox.admin("iam"), active_before(step)
    iam.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    if decoy:
        iam.create_user(UserName="payments-bot", Path="/bots/")
    before = bench.state("innocent-bot")
    change = bench.do(step)
    assert isinstance(change, Failed)
    assert f"key {key} is not gone: it belongs to user innocent-bot by now" in change.why
    if decoy:
        assert bench.seen(step) is None, "not there is not ended"
        finish = bench.doer(f"{KEY}/delete")
        assert isinstance(finish.apply(bench.conn, step, bench.run), Failed)
        assert finish.seen(bench.conn, step, bench.run) is None
        assert not bench.state("payments-bot")["inline"]
    assert bench.state("innocent-bot") == before
    assert bench.doors()["active-key"], "this test proves nothing if the door is shut"


@pytest.mark.parametrize("code", ["NoSuchEntity", "AccessDenied"])
def test_a_key_that_nobody_has_is_gone_whichever_way_aws_says_so(bench: Bench, code: str) -> None:
    step = bench.steps(USER)[f"{KEY}/disable"]
    key = active_before(step)
    spare = {other: state for other, state in bench.state("payments-bot")["keys"].items() if other != key}
    bench.sandbox.admin("iam").delete_access_key(UserName="payments-bot", AccessKeyId=key)
    if code == "AccessDenied":
        bench.sandbox.fault("iam:GetAccessKeyLastUsed", "denied", times=10)
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left == {"Status": "gone"}
    assert bench.seen(step) == {"Status": "gone"}
    assert bench.state("payments-bot")["keys"] == spare


def test_no_key_is_minted_for_whoever_was_given_the_name(bench: Bench) -> None:
    """The wait for the logs is long enough for a renaming; the workload would get the key of an intruder's decoy."""
    step, iam = bench.steps(USER, **REPLACE)[f"{KEY}/create"], bench.sandbox.admin("iam")
    assert bench.doer(f"{KEY}/create").check(bench.conn, step) is None
    iam.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    iam.create_user(UserName="payments-bot", Path="/bots/")
    wrong = bench.doer(f"{KEY}/create").check(bench.conn, step)
    assert isinstance(wrong, Impossible)
    assert "another user is called payments-bot by now" in wrong.why
    iam.delete_user(UserName="payments-bot")
    with pytest.raises(Missing):
        bench.doer(f"{KEY}/create").check(bench.conn, step)
    assert not bench.writes()


def active_before(step: Step) -> str:
    return step.ends[0].rpartition("/")[2]


def test_inactive_keys_are_listed_with_what_can_bring_them_back(bench: Bench) -> None:
    found = [a for a in bench.collect(USER) if isinstance(a, Access) and a.kind == KEY]
    assert sorted(a.state for a in found) == ["disabled", "live"]
    spare = next(a for a in found if a.state == "disabled")
    assert "iam:UpdateAccessKey" in spare.note
    assert spare.created is not None
    assert spare.before == {"Status": "Inactive"}
    assert [s.ends for k, s in bench.steps(USER).items() if k == f"{KEY}/disable"] != [(spare.id,)]


def test_every_page_is_read(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    assert len([a for a in bench.collect(USER) if isinstance(a, Access) and a.kind == KEY]) == 2


def test_last_use_is_told_and_never_used_is_said(bench: Bench) -> None:
    view = bench.view(USER)
    better = {a.state: a for a in bench.kinds[KEY].enrich(bench.conn, view.of(KEY), bench.io)}
    assert better["live"].last_used is not None
    assert NEVER_USED in better["disabled"].note
    assert [better[state].never_used for state in ("live", "disabled")] == [False, True]
    assert [(a.id, a.state, a.before) for a in better.values()] == [(a.id, a.state, a.before) for a in view.of(KEY)]


def test_rotation_frees_the_inactive_slot_mints_and_proves(bench: Bench) -> None:
    steps = bench.steps(USER, **REPLACE)
    free, create = steps[f"{KEY}/delete"], steps[f"{KEY}/create"]
    assert (free.phase, free.reversible, free.lock) == (Phase.MINT, False, create.lock)
    assert set(free.before) == {"Status", "CreateDate", "LastUsed"}, "its evidence is kept"
    assert bench.doer(f"{KEY}/create").needs == (f"{KEY}/delete",)
    assert isinstance(bench.do(create), Failed), "both slots are full"
    bench.do(free)
    assert bench.seen(free) == {"Status": "gone"}
    made = bench.do(create)
    assert isinstance(made, Done)
    assert set(made.left) == {"id", "field", "public"}
    secret = bench.run.take(create.id)
    assert secret.reveal() not in msgspec.json.encode(made).decode()
    assert bench.seen(create) == made.left
    bench.settle()
    proven = bench.doer(create.does).opens(bench.conn, create, secret)
    assert proven.proof is Proof.ENFORCED


def test_a_new_key_is_not_proven_under_our_own_brake(bench: Bench) -> None:
    steps = bench.steps(USER, **REPLACE)
    bench.do(steps["aws:user-session/deny-all"])
    bench.do(steps[f"{KEY}/delete"])
    bench.do(steps[f"{KEY}/create"])
    bench.settle()
    opens = bench.doer(f"{KEY}/create").opens
    secret = bench.run.take(steps[f"{KEY}/create"].id)
    said = opens(bench.conn, steps[f"{KEY}/create"], secret)
    assert said.proof is Proof.UNPROVEN, "GetCallerIdentity alone would have called it good"
    bench.do(steps["aws:user-session/seal"])
    bench.settle()
    assert opens(bench.conn, steps[f"{KEY}/create"], secret).proof is Proof.ENFORCED


def test_a_new_key_that_aws_does_not_know_yet_is_unproven(bench: Bench) -> None:
    bench.sandbox.lag(10, 0)
    steps = bench.steps(USER, **REPLACE)
    bench.do(steps[f"{KEY}/delete"])
    bench.do(steps[f"{KEY}/create"])
    secret = bench.run.take(steps[f"{KEY}/create"].id)
    opens = bench.doer(f"{KEY}/create").opens
    said = opens(bench.conn, steps[f"{KEY}/create"], secret)
    assert said.proof is Proof.UNPROVEN
    assert "yet" in said.how
    bench.sandbox.advance(11)
    assert opens(bench.conn, steps[f"{KEY}/create"], secret).proof is Proof.ENFORCED


def test_without_the_simulator_it_is_delivered_but_unproven(bench: Bench) -> None:
    steps = bench.steps(USER, **REPLACE)
    bench.do(steps[f"{KEY}/delete"])
    bench.do(steps[f"{KEY}/create"])
    bench.settle()
    bench.sandbox.allow_only(["iam:ListAccessKeys"])
    secret = bench.run.take(steps[f"{KEY}/create"].id)
    said = bench.doer(f"{KEY}/create").opens(bench.conn, steps[f"{KEY}/create"], secret)
    assert said.proof is Proof.UNPROVEN
    assert said.how.startswith("delivered, unproven")


def test_a_create_whose_answer_was_lost_is_never_repeated_and_its_orphan_is_found(bench: Bench) -> None:
    steps = bench.steps(USER, **REPLACE)
    create = steps[f"{KEY}/create"]
    bench.do(steps[f"{KEY}/delete"])
    bench.sandbox.fault("iam:CreateAccessKey", "lost")
    with pytest.raises(NoAnswer):
        bench.do(create)
    assert bench.writes().count("iam:CreateAccessKey") == 1
    orphans = bench.doer(create.does).orphans(bench.conn, create)
    assert len(orphans) == 1
    assert isinstance(bench.doer(create.does).destroy(bench.conn, create, orphans[0]), Done)
    assert isinstance(bench.doer(create.does).destroy(bench.conn, create, orphans[0]), Already)
    assert list(bench.state("payments-bot")["keys"].values()) == ["Active"], "never the old one"


def test_undo_of_a_mint_deletes_the_new_key_alone(bench: Bench) -> None:
    steps = bench.steps(USER, **REPLACE)
    bench.do(steps[f"{KEY}/delete"])
    old = bench.state("payments-bot")["keys"]
    bench.do(steps[f"{KEY}/create"])
    assert isinstance(bench.undo(steps[f"{KEY}/create"]), Done)
    assert bench.state("payments-bot")["keys"] == old


READ = Proven(Proof.RECORDED, "read twice")


def test_a_leaked_key_is_probed_with_its_own_secret(bench: Bench) -> None:
    loot = bench.sandbox.loot()
    secret, key = Secret(loot.key.secret, field="SecretAccessKey"), loot.key.key_id
    assert leaked_key_refused(bench.conn, key, secret, READ).proof is Proof.UNPROVEN
    bench.do(bench.steps(USER)[f"{KEY}/disable"])
    bench.settle()
    assert leaked_key_refused(bench.conn, key, secret, READ).proof is Proof.ENFORCED
    assert leaked_key_refused(bench.conn, loot.session_token.key_id, secret, READ).proof is Proof.RECORDED
    wrong = Secret("x" * 40, field="SecretAccessKey")
    bench.undo(bench.steps(USER, scope="keys").get(f"{KEY}/disable") or disable_of(bench))
    mistyped = leaked_key_refused(bench.conn, key, wrong, READ)
    assert mistyped.proof is Proof.RECORDED, "a typo proves nothing"
    assert "wrong secret?" in mistyped.how


def test_a_disabled_key_is_proven_by_what_was_handed_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    loot = bench.sandbox.loot()
    step = bench.steps(USER)[f"{KEY}/disable"]
    bench.do(step)
    bench.settle()
    assert bench.doer(step.does).prove(bench.conn, step, bench.run).proof is Proof.RECORDED
    public = {"AccessKeyId": loot.key.key_id}
    held = [Secret(loot.key.secret, field="SecretAccessKey", public=public)]
    monkeypatch.setattr(bench.io, "leaked", lambda kind: held if kind == KEY else ())
    proven = bench.doer(step.does).prove(bench.conn, step, bench.run)
    assert proven.proof is Proof.ENFORCED
    assert loot.key.secret not in repr(proven)
    held[0] = Secret(loot.key.secret, field="SecretAccessKey", public={"AccessKeyId": "AKIAANOTHERKEY234567"})
    assert bench.doer(step.does).prove(bench.conn, step, bench.run).proof is Proof.RECORDED


ID, SECRET = "AKIAQWERTYUIOPASDFGH", "wJalr/UtnFEMI+K7MDENGabPxRfiCYzzzzzzz123"
OTHER_ID, OTHER = "AKIAZXCVBNMASDFGHJKL", "abcde/UtnFEMI+K7MDENGabPxRfiCYzzzzzzz456"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n", [(ID, SECRET)]),
        (f"User name,Access key ID,Secret access key\nbot,{ID},{SECRET}\nb2,{OTHER_ID},{OTHER}\n",
         [(ID, SECRET), (OTHER_ID, OTHER)]),
        (f'{{"SecretAccessKey": "{SECRET}", "AccessKeyId": "{ID}"}}', [(ID, SECRET)]),
        (f"{ID}:{SECRET}", [(ID, SECRET)]),
        (ID, []),
        (SECRET, []),
        (f"{ID}{'.' * 500}{SECRET}", []),
        (f"{ID} {'a' * 40}", []),
        (f"{ID} {SECRET}{SECRET}", []),
        (f"ASIA{ID[4:]} {SECRET}", []),
        (f"{ID} {OTHER_ID} {OTHER}", [(OTHER_ID, OTHER)]),
    ],
)  # fmt: skip
def test_keys_are_found_with_their_secrets(text: str, pairs: list[tuple[str, str]]) -> None:
    told = list(provider.leaks(text))
    assert [(leak.public_id, secret.reveal()) for leak, secret in told] == pairs
    assert all(leak.kind == KEY and secret.public == {"AccessKeyId": leak.public_id} for leak, secret in told)
    assert SECRET not in repr(told)


def disable_of(bench: Bench) -> Step:
    """The step of before, whose key is inactive now."""
    step_id, _ = next((i, left) for i, left in bench.run.lefts.items() if left == {"Status": "Inactive"})
    key = bench.sandbox.loot().key.key_id
    ends, before = (f"{KEY}/{key}",), {"Status": "Active"}
    return Step(step_id, f"{KEY}/disable", bench.resolve(USER).ref, Phase.END, "", ends=ends, before=before)


# -- the two-slot rules, as a table ------------------------------------------------------------------------------------


def key(name: str, state: str = "live", note: str = "", day: int = 1) -> Access:
    return Access(
        f"{KEY}/{name}", WHO.ref, KEY, "key", state, created=datetime(2026, 1, day, tzinfo=UTC), note=note,  # type: ignore[arg-type]
        before={"Status": "Active" if state == "live" else "Inactive"},
    )  # fmt: skip


def drafted(keys: Sequence[Access], blind: Sequence[BlindSpot] = (), deliver: Any = (), **intent: Any) -> list[Any]:
    inventory = Inventory(
        Identity("bot", (WHO.ref,), deliver=deliver), datetime(2026, 2, 1, tzinfo=UTC), (WHO,), tuple(keys),
        blind=tuple(blind),
    )  # fmt: skip
    return list(AccessKeys().draft(View(WHO, inventory), Intent(**{**REPLACE, **intent})))


def told(drafts: list[Any]) -> list[str]:
    """`delete A`, `create`, `manual`, in order; what ends keys as usual is left out."""
    out = []
    for d in drafts:
        if isinstance(d, Manual):
            out.append("manual")
        elif d.does.endswith("/delete"):
            out.append(f"delete {d.ends[0].rpartition('/')[2]}")
        elif d.does.endswith("/create"):
            out.append("create")
    return out


@pytest.mark.parametrize(
    ("keys", "intent", "expected"),
    [
        ([], {}, []),
        ([key("A")], {}, ["create"]),
        ([key("A"), key("B", "disabled")], {}, ["delete B", "create"]),
        ([key("A", "disabled", day=2), key("B", "disabled", day=1)], {}, ["delete B", "create"]),
        ([key("A"), key("B", "expired")], {}, ["delete B", "create"]),
        ([key("A"), key("B", note=NEVER_USED)], {}, ["delete B", "create"]),
        ([key("A", note=NEVER_USED), key("B", "disabled")], {}, ["delete B", "create"]),
        ([key("A"), key("B")], {}, ["manual"]),
        ([key("A"), key("B")], {"free_slot": (f"{KEY}/A",)}, ["delete A", "create"]),
        ([key("A"), key("B")], {"free_slot": (f"{KEY}/other",)}, ["manual"]),
        ([key("A"), key("B", "disabled")], {"rotate": "no"}, []),
        ([key("A"), key("B", "disabled")], {"reason": Reason.OFFBOARDING}, []),
        ([key("A")], {"replace": ()}, []),
        ([key("A")], {"scope": "sessions"}, []),
        ([key("A")], {"order": "rollover"}, ["create"]),
    ],
)
def test_two_slots(keys: list[Access], intent: dict[str, Any], expected: list[str]) -> None:
    drafts = drafted(keys, **intent)
    assert told(drafts) == expected
    deletes = [d for d in drafts if isinstance(d, Step) and d.does.endswith("/delete")]
    assert all(not d.reversible and d.phase is Phase.MINT for d in deletes)
    assert len(deletes) <= 1


def test_an_unlisted_user_gets_no_key_and_the_words_to_read() -> None:
    drafts = drafted([key("A")], [BlindSpot(WHO.ref, KEY, "page two was denied")])
    assert told(drafts) == ["manual"]


def test_a_delivery_for_another_principal_mints_nothing_here() -> None:
    other = (Delivery(KEY, "file:/x", "aws:user/other"),)
    assert told(drafted([key("A"), key("B", "disabled")], deliver=other)) == []
    mine = (Delivery(KEY, "file:/x", str(WHO.ref)),)
    assert told(drafted([key("A")], deliver=mine)) == ["create"]


# -- the console password ----------------------------------------------------------------------------------------------


def test_the_password_is_deleted_for_good(bench: Bench) -> None:
    before = bench.state("payments-bot")
    step = bench.steps(USER)["aws:login-profile/delete"]
    assert not step.reversible
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    bench.settle()
    assert bench.seen(step) is not None
    assert not bench.doors()["login-profile"]
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    assert bench.state("payments-bot") == before
