"""Sessions of users and roles: cut, sealed, proven, taken back; and nobody else's policy touched."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Notice, OpenDoor, Residual, Step
from nhi_revoke.provider.kind import View
from nhi_revoke_aws.policy import Deny, compact, moment, read, sid_of, stamp

from .conftest import USER, WORKER, Bench, Notes
from .narrowed import narrowed

CUT, SEAL, OLDER = "aws:user-session/deny-all", "aws:user-session/seal", "aws:user-session/deny-older"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def test_cut_settle_seal_ends_sessions_and_lets_a_new_key_work(bench: Bench) -> None:
    before = bench.state("payments-bot")
    steps = bench.steps(USER)
    bench.sandbox.forget_calls()

    cut = bench.do(steps[CUT])
    assert isinstance(cut, Done)
    assert bench.writes() == ["iam:PutUserPolicy"], "the cut is one write and waits for no read"
    assert bench.seen(steps[CUT]) == cut.left
    bench.settle()
    assert bench.prove(steps[CUT]).proof is Proof.SIMULATED
    assert not bench.doors()["active-key"], "a deny-all stops the key itself, too"

    seal = bench.do(steps[SEAL])
    assert isinstance(seal, Done)
    bench.settle()
    assert bench.seen(steps[SEAL]) == seal.left
    assert bench.prove(steps[SEAL]).proof is Proof.SIMULATED
    doors = bench.doors()
    assert doors["active-key"], "nobody disabled it here: the seal denies sessions alone"
    for kind in ("get-session-token", "get-federation-token", "console-session", "aws-login", "minted-after"):
        assert not doors[kind], kind
    after = bench.state("payments-bot")
    ours = after["inline"].pop("NHIRevoke")
    assert read(ours) is not None
    assert after == before, "one policy of ours, and nothing else"


def test_cutoff_is_past_the_vendors_clock_and_strictly_later_than_every_session(bench: Bench) -> None:
    bench.sandbox.skew(600)
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    cutoff = moment(bench.do(steps[SEAL]).left["cutoff"])
    vendor = bench.sandbox.now() + timedelta(seconds=600)
    assert timedelta(0) < cutoff - vendor <= timedelta(seconds=3), "the vendor's clock counts, not this machine's"


def test_sealed_policy_has_the_exact_shape(bench: Bench) -> None:
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    left = bench.do(steps[SEAL]).left
    sid = "20261123T120000Z7f3a"
    until = (moment(left["cutoff"]) + timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert left["doc"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": {"DateLessThan": {"aws:TokenIssueTime": left["cutoff"]}},
            },
            {
                "Sid": f"{sid}Login", "Effect": "Deny", "Resource": "*",
                "Action": ["signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"],
                "Condition": {"DateLessThan": {"aws:CurrentTime": until}},
            },
        ],
    }  # fmt: skip


def test_a_password_that_is_gone_leaves_refreshes_which_are_denied_all_the_same(bench: Bench) -> None:
    """Whoever deleted it left `aws login` alive for up to 12 hours."""
    bench.sandbox.admin("iam").delete_login_profile(UserName="payments-bot")
    drafts = bench.draft(USER)
    assert not [d for d in drafts if isinstance(d, Residual)], "nothing shows that there was one"
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    assert len(bench.do(steps[SEAL]).left["doc"]["Statement"]) == 2
    bench.settle()
    assert not bench.doors()["aws-login"]


@pytest.mark.parametrize(("hours", "unproven"), [(1, 1), (13, 0)])
def test_a_password_used_lately_is_told_though_it_is_gone(bench: Bench, hours: int, unproven: int) -> None:
    """A refresh chain lives 12 hours, and that a deny ends it is inferred."""
    bench.sandbox.admin("iam").delete_login_profile(UserName="payments-bot")
    view = bench.view(USER)
    facts = {**view.who.facts, "PasswordLastUsed": (view.inventory.at - timedelta(hours=hours)).isoformat()}
    view = View(msgspec.structs.replace(view.who, facts=facts), view.inventory)
    drafts = bench.kinds["aws:user-session"].draft(view, Intent())
    assert len([d for d in drafts if isinstance(d, Residual) and d.access.endswith("/aws-login")]) == unproven


def test_a_denied_look_at_the_password_counts_as_one(bench: Bench) -> None:
    view = bench.view(USER)
    blind = msgspec.structs.replace(
        view.inventory,
        accesses=tuple(a for a in view.accesses if a.kind != "aws:login-profile"),
        blind=(BlindSpot(view.who.ref, "aws:login-profile", "denied"),),
    )
    kind = bench.kinds["aws:user-session"]
    [cut] = [d for d in kind.draft(View(view.who, blind), Intent()) if isinstance(d, Step)]
    assert (cut.brake, cut.to) == (True, "aws:login-profile/111122223333/payments-bot"), "release denies `aws login`"
    drafts = list(kind.draft(View(view.who, blind), Intent(brake="off")))
    [residual] = [d for d in drafts if isinstance(d, Residual)]
    assert residual.access == "aws:user-session/111122223333/payments-bot/aws-login"
    assert any(isinstance(d, Notice) and "--brake off lets it" in d.says for d in drafts)
    assert [d.does for d in drafts if isinstance(d, Step)] == [CUT, SEAL]


def test_undo_puts_back_exactly_what_was_there(bench: Bench) -> None:
    before = bench.state("payments-bot")
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    bench.do(steps[SEAL])
    assert isinstance(bench.undo(steps[SEAL]), Done)
    assert bench.state("payments-bot") == before
    assert isinstance(bench.undo(steps[SEAL]), Already)


def test_undo_leaves_what_somebody_changed_since(bench: Bench) -> None:
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    theirs = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    bench.sandbox.admin("iam").put_user_policy(
        UserName="payments-bot", PolicyName="NHIRevoke", PolicyDocument=json.dumps(theirs)
    )
    assert isinstance(bench.undo(steps[CUT]), Failed)
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == theirs


def test_an_earlier_cut_of_ours_comes_back_on_undo_and_never_moves_backwards(bench: Bench) -> None:
    first = bench.steps(USER)
    bench.do(first[CUT])
    former = bench.do(first[SEAL]).left
    bench.sandbox.advance(3600)
    bench.run = Notes("run2")
    again = bench.steps(USER)
    bench.do(again[CUT])
    later = bench.do(again[SEAL]).left
    assert moment(later["cutoff"]) > moment(former["cutoff"])
    bench.undo(again[SEAL])
    assert bench.state("payments-bot")["inline"]["NHIRevoke"] == former["doc"]


@pytest.mark.parametrize("name", ["NHIRevoke", "AWSRevokeOlderSessions"])
def test_a_cutoff_in_the_future_is_never_moved_back(bench: Bench, name: str) -> None:
    future = "2030-01-01T00:00:00Z"
    condition = {"DateLessThan": {"aws:TokenIssueTime": future}}
    statement = {"Sid": "earlier", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam = bench.sandbox.admin("iam")
    iam.put_user_policy(UserName="payments-bot", PolicyName=name, PolicyDocument=json.dumps(document))
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    assert bench.do(steps[SEAL]).left["cutoff"] == future
    after = bench.state("payments-bot")["inline"]
    if name == "AWSRevokeOlderSessions":
        assert after[name] == document, "the console's own is never edited"


def test_a_foreign_policy_of_our_name_keeps_it_and_is_told_as_open(bench: Bench) -> None:
    bench.sandbox.meddle("foreign-policy")
    theirs = bench.state("payments-bot")["inline"]["NHIRevoke"]
    opened = [d for d in bench.draft(USER) if isinstance(d, OpenDoor)]
    assert len(opened) == 1
    assert "NHIRevoke-2" in opened[0].why
    steps = bench.steps(USER)
    assert bench.do(steps[CUT]).left["policy"] == "NHIRevoke-2"
    bench.do(steps[SEAL])
    after = bench.state("payments-bot")["inline"]
    assert after["NHIRevoke"] == theirs
    assert read(after["NHIRevoke-2"])
    bench.undo(steps[SEAL])
    assert "NHIRevoke-2" not in bench.state("payments-bot")["inline"]


def test_written_over_between_cut_and_seal_the_seal_takes_another_name(bench: Bench) -> None:
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    bench.sandbox.meddle("foreign-policy")
    theirs = bench.state("payments-bot")["inline"]["NHIRevoke"]
    left = bench.do(steps[SEAL]).left
    after = bench.state("payments-bot")["inline"]
    assert after["NHIRevoke"] == theirs
    assert after[left["policy"]] == left["doc"]
    assert left["policy"] == f"NHIRevoke-{bench.run.id}"


def test_a_detached_cut_is_no_longer_seen_and_the_seal_stands_anyway(bench: Bench) -> None:
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    bench.sandbox.meddle("detach-cut")
    assert bench.seen(steps[CUT]) is None
    bench.do(steps[SEAL])
    bench.settle()
    assert bench.seen(steps[SEAL]) is not None
    assert not bench.doors()["get-session-token"]


def fill_quota(bench: Bench, room: int = 20) -> None:
    """Leaves less room among the inline policies than ours needs; `room` characters."""
    iam = bench.sandbox.admin("iam")
    used = sum(len(json.dumps(d, separators=(",", ":"))) for d in bench.state("payments-bot")["inline"].values())
    statement = {"Sid": "", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    empty = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    full = empty.replace('"Sid":""', f'"Sid":"{"a" * (2048 - used - len(empty) - room)}"')
    iam.put_user_policy(UserName="payments-bot", PolicyName="large", PolicyDocument=full)


def test_a_full_inline_quota_falls_back_to_a_managed_policy(bench: Bench) -> None:
    fill_quota(bench)
    before = bench.state("payments-bot")
    steps = bench.steps(USER)
    cut = bench.do(steps[CUT])
    assert cut.left["mechanism"] == "managed"
    assert bench.seen(steps[CUT]) == cut.left
    bench.settle()
    assert not bench.doors()["active-key"]
    seal = bench.do(steps[SEAL])
    assert seal.left["mechanism"] == "managed"
    assert seal.left["policy"] == cut.left["policy"]
    assert bench.seen(steps[SEAL]) == seal.left
    bench.settle()
    doors = bench.doors()
    assert doors["active-key"]
    assert not doors["get-session-token"]
    assert bench.state("payments-bot")["inline"] == before["inline"]
    assert isinstance(bench.undo(steps[SEAL]), Done)
    assert bench.state("payments-bot") == before, "detached, and deleted with all its versions"


@pytest.mark.parametrize("earlier", [False, True])
def test_a_seal_that_no_longer_fits_inline_takes_the_deny_all_with_it(bench: Bench, *, earlier: bool) -> None:
    """The deny-all is shorter than the seal. Left in its place, it would deny a new key for ever, and no undo knows of
    it.
    """
    if earlier:  # an older version's, without the words about `aws login`
        older = Deny("run1", stamp(bench.sandbox.now())).document()
        bench.sandbox.admin("iam").put_user_policy(
            UserName="payments-bot", PolicyName="NHIRevoke", PolicyDocument=compact(older)
        )
    fill_quota(bench, 0 if earlier else len(compact(Deny(sid_of(bench.run.id)).document())))
    before = bench.state("payments-bot")
    steps = bench.steps(USER)
    assert bench.do(steps[CUT]).left["mechanism"] == "inline"
    bench.settle()
    assert not bench.doors()["active-key"]
    seal = bench.do(steps[SEAL])
    assert (seal.left["mechanism"], bench.seen(steps[SEAL])) == ("managed", seal.left)
    assert bench.state("payments-bot")["inline"] == before["inline"]
    bench.settle()
    doors = bench.doors()
    assert doors["active-key"], "a deny-all that nobody lifts"
    assert not doors["get-session-token"]
    assert isinstance(bench.undo(steps[SEAL]), Done)
    assert bench.state("payments-bot") == before


def test_a_managed_policy_left_by_a_crash_is_taken_up(bench: Bench) -> None:
    fill_quota(bench)
    steps = bench.steps(USER)
    first = bench.do(steps[CUT])
    bench.run.lefts.clear()
    assert bench.seen(steps[CUT])["policy"] == first.left["policy"], "looked for in both places"
    assert isinstance(bench.do(steps[CUT]), Done)
    assert bench.state("payments-bot")["managed"].count(first.left["policy"]) == 1
    bench.run.lefts.clear()
    assert bench.do(steps[SEAL]).left["policy"] == first.left["policy"]


def test_a_managed_policy_keeps_at_most_five_versions(bench: Bench) -> None:
    fill_quota(bench)
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    for _ in range(7):
        bench.sandbox.advance(5)
        assert isinstance(bench.do(steps[SEAL]), Done)
    assert bench.seen(steps[SEAL]) == bench.run.left(steps[SEAL].id)


def test_no_room_at_all_is_impossible_with_the_way_by_hand(bench: Bench) -> None:
    fill_quota(bench)
    iam = bench.sandbox.admin("iam")
    for n in range(10):
        arn = iam.create_policy(
            PolicyName=f"p{n}",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
            ),
        )["Policy"]["Arn"]
        iam.attach_user_policy(UserName="payments-bot", PolicyArn=arn)
    change = bench.do(bench.steps(USER)[CUT])
    assert isinstance(change, Impossible)
    assert "detach" in change.manual


def test_scope_sessions_denies_by_issue_time_and_the_key_goes_on(bench: Bench) -> None:
    steps = bench.steps(USER, scope="sessions")
    assert list(steps) == [OLDER]
    bench.do(steps[OLDER])
    bench.settle()
    doors = bench.doors()
    assert doors["active-key"]
    assert not doors["get-session-token"]
    assert not doors["aws-login"]


def test_scope_keys_touches_no_session(bench: Bench) -> None:
    assert not [k for k in bench.steps(USER, scope="keys") if k.startswith("aws:user-session")]


def test_rearm_times_are_the_longest_lives(bench: Bench) -> None:
    assert {s.rearms for k, s in bench.steps(USER).items() if "user-session" in k} == {36 * 3600.0}
    assert {s.rearms for s in bench.steps(WORKER).values()} == {12 * 3600.0}


def test_denied_reads_leave_a_blind_spot_and_the_cut_a_name_of_its_own(bench: Bench) -> None:
    bench.sandbox.meddle("foreign-policy")
    theirs = bench.state("payments-bot")["inline"]["NHIRevoke"]
    allowed = ["iam:GetUser", "iam:ListAccessKeys", "iam:GetLoginProfile", "iam:PutUserPolicy"]
    bench.sandbox.allow_only([*allowed, "sts:GetCallerIdentity"])
    found = bench.collect(USER)
    blind = {f.needs for f in found if isinstance(f, BlindSpot)}
    assert blind == {"iam:GetUserPolicy", "iam:ListAttachedUserPolicies"}
    steps = bench.steps(USER)
    assert bench.do(steps[CUT]).left["policy"] == f"NHIRevoke-{bench.run.id}"
    bench.settle()
    assert not bench.doors()["active-key"]
    assert isinstance(bench.do(steps[SEAL]), Done), "writing needs no reading"
    after = bench.state("payments-bot")["inline"]
    assert after["NHIRevoke"] == theirs


def test_a_denied_simulator_leaves_it_recorded(bench: Bench) -> None:
    steps = bench.steps(USER)
    bench.do(steps[CUT])
    bench.sandbox.allow_only(["iam:GetUserPolicy"])
    proven = bench.prove(steps[CUT])
    assert proven.proof is Proof.RECORDED
    assert "denied" in proven.how


def test_quarantine_is_reported_and_never_detached(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    arn = iam.create_policy(
        PolicyName="AWSCompromisedKeyQuarantineV3",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]}
        ),
    )["Policy"]["Arn"]
    iam.attach_user_policy(UserName="payments-bot", PolicyArn=arn)
    assert any(isinstance(d, Notice) and "AWSCompromisedKeyQuarantineV3" in d.says for d in bench.draft(USER))
    for step in bench.steps(USER).values():
        bench.do(step)
    assert bench.state("payments-bot")["attached"] == ["AWSCompromisedKeyQuarantineV3"]
