"""Ending one session alone: by its name, beside every other session of its role or user."""

from __future__ import annotations

import json

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof
from nhi_revoke_aws.policy import read
from nhi_revoke_aws.sandbox.clients import Held

from .conftest import USER, WORKER, Bench, Notes
from .narrowed import narrowed
from .one_session_bench import ACCOUNT, FEDERATED, NIGHTLY, ROLE, role_policies, step
from .test_cutting import fill_quota

OURS = "NHIRevoke-session-nightly"


FOREIGN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def begin(bench: Bench, name: str, **more: str) -> Held:
    """A session of the worker role, begun with the user's own key as the workload does."""
    sts = bench.sandbox.client("sts", bench.sandbox.loot().key)
    role_arn = bench.resolve(WORKER).ref.id
    got = sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **more)["Credentials"]
    return Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def works(bench: Bench, held: Held) -> bool:
    s3 = bench.sandbox.client("s3", held)
    try:
        s3.list_buckets()
    except s3.exceptions.ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


# -- doing it ------------------------------------------------------------------------------------------------------


def test_one_session_of_a_role_ends_and_every_other_goes_on(bench: Bench) -> None:
    other = begin(bench, "daily")
    before, user_before = role_policies(bench), bench.state("payments-bot")
    one = step(bench, NIGHTLY)
    assert (one.does, one.phase, one.reversible, one.rearms) == ("aws:role-session/deny-session", "cut", True, 43200.0)
    assert "the workload's too" in one.breaks
    bench.sandbox.forget_calls()
    done = bench.do(one)
    assert isinstance(done, Done)
    assert bench.writes() == ["iam:PutRolePolicy"]
    assert bench.seen(one) == done.left
    bench.settle()

    assert not bench.doors()["assume-role"], "the stolen session is called nightly"
    assert works(bench, other)
    assert works(bench, begin(bench, "later")), "a new one of another name"
    assert not works(bench, begin(bench, "nightly")), "and one of the same name is denied at once"
    assert works(bench, begin(bench, "Nightly")), "names differ by case"
    doors = bench.doors()
    assert doors["active-key"]
    assert doors["get-session-token"]
    after = role_policies(bench)
    role_id = bench.resolve(WORKER).unique_id
    assert after.pop(OURS) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "20261123T120000Z7f3a", "Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:userid": f"{role_id}:nightly"}},
            }
        ],
    }  # fmt: skip
    assert after == before, "one policy of ours, and nothing else"
    assert bench.state("payments-bot") == user_before


def test_it_is_proven_by_the_simulator_with_that_name(bench: Bench) -> None:
    one = step(bench, NIGHTLY)
    assert bench.prove(one).proof is Proof.UNPROVEN, "nothing denies it yet"
    bench.do(one)
    proven = bench.prove(one)
    assert proven.proof is Proof.SIMULATED
    assert ":nightly" in proven.how
    assert bench.prove(msgspec.structs.replace(one, to=one.to.replace("nightly", "daily"))).proof is Proof.UNPROVEN
    bench.sandbox.allow_only(["iam:GetRolePolicy"])
    assert bench.prove(one).proof is Proof.RECORDED


def test_a_source_identity(bench: Bench) -> None:
    thief, other = begin(bench, "one", SourceIdentity="mallory"), begin(bench, "two", SourceIdentity="alice")
    plain = begin(bench, "three")
    one = step(bench, f"{ROLE}/source-identity=mallory")
    left = bench.do(one).left
    assert left["policy"] == "NHIRevoke-source-identity-mallory"
    assert left["doc"]["Statement"][0]["Condition"] == {"StringEquals": {"aws:SourceIdentity": "mallory"}}
    bench.settle()
    assert not works(bench, thief)
    assert works(bench, other)
    assert works(bench, plain)
    assert not works(bench, begin(bench, "another-name", SourceIdentity="mallory"))
    assert bench.prove(one).proof is Proof.SIMULATED


def test_a_federated_session_of_a_user(bench: Bench) -> None:
    sts = bench.sandbox.client("sts", bench.sandbox.loot().key)
    allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    got = sts.get_federation_token(Name="guest", Policy=allow)["Credentials"]
    guest = Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    before = bench.state("payments-bot")
    one = step(bench, FEDERATED, USER)
    assert (one.does, one.rearms) == ("aws:user-session/deny-session", 36 * 3600.0)
    left = bench.do(one).left
    assert left["doc"]["Statement"][0]["Condition"] == {"StringEquals": {"aws:userid": f"{ACCOUNT}:payments-bot"}}
    bench.settle()
    doors = bench.doors()
    assert not doors["get-federation-token"]
    assert works(bench, guest), "another name"
    for kind in ("active-key", "get-session-token", "console-session", "aws-login", "assume-role"):
        assert doors[kind], kind
    assert bench.prove(one).proof is Proof.SIMULATED
    assert isinstance(bench.undo(one), Done)
    assert bench.state("payments-bot") == before


# -- several policies ----------------------------------------------------------------------------------------------


def test_several_stand_side_by_side_and_beside_the_cut_by_issue_time(bench: Bench) -> None:
    before = role_policies(bench)
    one, two = step(bench, NIGHTLY, id="one"), step(bench, f"{ROLE}/daily", id="two")
    assert one.lock == two.lock
    first, second = bench.do(one).left, bench.do(two).left
    older = next(s for k, s in bench.steps(WORKER).items() if k == "aws:role-session/deny-older")
    bench.do(older)
    after = role_policies(bench)
    assert after[OURS] == first["doc"]
    assert after["NHIRevoke-session-daily"] == second["doc"]
    assert read(after["NHIRevoke"])
    assert bench.seen(one) == first
    assert bench.seen(two) == second
    assert bench.seen(older)
    assert isinstance(bench.undo(one), Done)
    assert role_policies(bench).keys() - before.keys() == {"NHIRevoke-session-daily", "NHIRevoke"}


def test_twice_is_already_and_the_run_that_wrote_it_takes_it_back(bench: Bench) -> None:
    before = role_policies(bench)
    one = step(bench, NIGHTLY)
    left = bench.do(one).left
    bench.run = Notes("run2")
    again = step(bench, NIGHTLY)
    bench.sandbox.forget_calls()
    assert bench.do(again) == Already(left)
    assert bench.writes() == []
    refused = bench.undo(again)
    assert isinstance(refused, Failed)
    assert "undo that run" in refused.why
    assert role_policies(bench)[OURS] == left["doc"]
    bench.run = Notes()
    bench.run.lefts["one"] = left
    assert isinstance(bench.undo(one), Done)
    assert isinstance(bench.undo(one), Already)
    assert role_policies(bench) == before


def test_a_foreign_policy_of_that_name_is_never_written_over(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.put_role_policy(RoleName="payments-worker", PolicyName=OURS, PolicyDocument=json.dumps(FOREIGN))
    before = role_policies(bench)
    one = step(bench, NIGHTLY)
    left = bench.do(one).left
    assert left["policy"] == f"{OURS}-{bench.run.id}"
    assert bench.seen(one) == left
    bench.settle()
    assert not bench.doors()["assume-role"]
    after = role_policies(bench)
    assert after.pop(left["policy"]) == left["doc"]
    assert after == before
    assert isinstance(bench.undo(one), Done)
    assert role_policies(bench) == before


def test_where_every_name_is_taken_it_fails_and_nothing_is_changed(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    for name in (OURS, f"{OURS}-{bench.run.id}"):
        iam.put_role_policy(RoleName="payments-worker", PolicyName=name, PolicyDocument=json.dumps(FOREIGN))
    before = role_policies(bench)
    change = bench.do(step(bench, NIGHTLY))
    assert isinstance(change, Failed)
    assert "somebody else wrote" in change.why
    assert role_policies(bench) == before


def test_a_deny_of_another_session_under_that_name_is_left_too(bench: Bench) -> None:
    """The role was made anew since: that policy names the id of the one before."""
    document = step(bench, NIGHTLY)
    left = bench.do(document).left
    stale = json.loads(json.dumps(left["doc"]).replace(bench.resolve(WORKER).unique_id, "AROAFORMERFORMER"))
    iam = bench.sandbox.admin("iam")
    iam.put_role_policy(RoleName="payments-worker", PolicyName=OURS, PolicyDocument=json.dumps(stale))
    bench.run = Notes("run2")
    again = bench.do(step(bench, NIGHTLY)).left
    assert again["policy"] == f"{OURS}-run2"
    assert role_policies(bench)[OURS] == stale


def test_written_over_since_it_is_not_seen_and_put_again_beside_it(bench: Bench) -> None:
    one = step(bench, NIGHTLY)
    bench.do(one)
    iam = bench.sandbox.admin("iam")
    iam.put_role_policy(RoleName="payments-worker", PolicyName=OURS, PolicyDocument=json.dumps(FOREIGN))
    assert bench.seen(one) is None
    assert isinstance(bench.undo(one), Failed)
    left = bench.do(one).left
    assert left["policy"] == f"{OURS}-{bench.run.id}"
    assert role_policies(bench)[OURS] == FOREIGN
    assert bench.seen(one) == left


def test_taken_off_it_is_not_seen_and_put_back_where_it_was(bench: Bench) -> None:
    one = step(bench, NIGHTLY)
    left = bench.do(one).left
    bench.sandbox.meddle("detach-cut")
    assert OURS not in role_policies(bench)
    assert bench.seen(one) is None
    assert isinstance(bench.undo(one), Already)
    assert bench.do(one).left == left
    assert bench.seen(one) == left
    bench.settle()
    assert not bench.doors()["assume-role"]


def test_a_crash_that_ate_the_answer(bench: Bench) -> None:
    one = step(bench, NIGHTLY)
    left = bench.do(one).left
    bench.run.lefts.clear()
    assert bench.seen(one) == left
    assert bench.do(one) == Already(left)


def test_without_the_right_to_read_it_is_written_under_a_name_that_nobody_knows(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.put_role_policy(RoleName="payments-worker", PolicyName=OURS, PolicyDocument=json.dumps(FOREIGN))
    one = step(bench, NIGHTLY)
    bench.sandbox.allow_only(["iam:PutRolePolicy"])
    left = bench.do(one).left
    assert left["policy"] == f"{OURS}-{bench.run.id}"
    assert role_policies(bench)[OURS] == FOREIGN


# -- quotas and roles that AWS owns ----------------------------------------------------------------------------------


def test_a_full_inline_quota_falls_back_to_a_managed_policy_of_its_own(bench: Bench) -> None:
    fill_quota(bench)
    before = bench.state("payments-bot")
    one = step(bench, FEDERATED, USER, id="one")
    two = step(bench, FEDERATED.replace(":payments-bot", ":guest"), USER, id="two")
    first, second = bench.do(one).left, bench.do(two).left
    cut = bench.steps(USER)["aws:user-session/deny-all"]
    third = bench.do(cut).left
    assert {first["mechanism"], second["mechanism"], third["mechanism"]} == {"managed"}
    assert len({first["policy"], second["policy"], third["policy"]}) == 3, "none writes over another"
    assert all(len(x["policy"]) <= 128 for x in (first, second, third))
    assert bench.seen(one) == first
    assert bench.seen(two) == second
    bench.undo(cut)
    bench.settle()
    doors = bench.doors()
    assert not doors["get-federation-token"]
    assert doors["active-key"]
    bench.run.lefts.clear()
    assert bench.seen(one) == first, "a crash ate the answer: looked for in every place"
    bench.run.lefts = {"one": first, "two": second}
    assert isinstance(bench.undo(one), Done)
    assert isinstance(bench.undo(two), Done)
    assert bench.state("payments-bot") == before, "detached, and deleted with all versions"


def test_no_room_at_all_is_impossible_with_the_way_by_hand(bench: Bench) -> None:
    fill_quota(bench)
    iam = bench.sandbox.admin("iam")
    for n in range(10):
        arn = iam.create_policy(PolicyName=f"p{n}", PolicyDocument=json.dumps(FOREIGN))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="payments-bot", PolicyArn=arn)
    change = bench.do(step(bench, FEDERATED, USER))
    assert isinstance(change, Impossible)
    assert "detach" in change.manual


@pytest.mark.parametrize("path", ["/aws-reserved/sso.amazonaws.com/", "/aws-service-role/x.amazonaws.com/"])
def test_roles_that_aws_owns_stay_untouched(bench: Bench, path: str) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    iam = bench.sandbox.admin("iam")
    iam.create_role(RoleName="Theirs", Path=path, AssumeRolePolicyDocument=json.dumps(trust))
    assert bench.resolve("role/Theirs").untouchable
    assert not bench.draft("role/Theirs", scope=f"aws:role-session/{ACCOUNT}/Theirs/nightly")
    forced = msgspec.structs.replace(step(bench, NIGHTLY), on=bench.resolve("role/Theirs").ref)
    assert isinstance(bench.do(forced), Impossible)
