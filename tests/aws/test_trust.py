"""Who may begin sessions of a role: listed with what it means, cut on request, put back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access
from nhi_revoke_aws.trust import NOBODY, Trusted, same, trusted, without

from .conftest import WORKER, Bench
from .one_kind import bench_of

KIND = "aws:role-trust"
HOME, AWAY = "111122223333", "999900001111"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The worker trusts the user alone."""
    with bench_of(tmp_path) as made:
        yield made


def allow(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("principal", "lets_in", "exposure", "words"),
    [
        ("*", "*", "anyone", "anyone"),
        ({"AWS": "*"}, "*", "anyone", "anyone"),
        ({"AWS": HOME}, f"aws:account/{HOME}", "local", "this account"),
        ({"AWS": f"arn:aws:iam::{HOME}:root"}, f"aws:account/{HOME}", "local", "this account"),
        ({"AWS": f"arn:aws:iam::{AWAY}:root"}, f"aws:account/{AWAY}", "foreign", AWAY),
        ({"AWS": f"arn:aws:iam::{HOME}:user/a/b"}, f"aws:arn:aws:iam::{HOME}:user/a/b", "local", "user b"),
        ({"AWS": f"arn:aws:iam::{AWAY}:role/r"}, f"aws:arn:aws:iam::{AWAY}:role/r", "foreign", AWAY),
        (
            {"AWS": f"arn:aws:sts::{HOME}:assumed-role/r/one"},
            f"aws:arn:aws:sts::{HOME}:assumed-role/r/*",
            "local",
            "assumed-role r",
        ),
        ({"AWS": "AROAEXAMPLEDELETED1"}, "aws:AROAEXAMPLEDELETED1", "local", "deleted"),
        ({"Service": "ec2.amazonaws.com"}, "aws:service/ec2.amazonaws.com", "service", "ec2.amazonaws.com"),
        (
            {"Federated": f"arn:aws:iam::{HOME}:oidc-provider/token.actions.githubusercontent.com"},
            f"aws:federated/arn:aws:iam::{HOME}:oidc-provider/token.actions.githubusercontent.com",
            "foreign",
            "vouches",
        ),
    ],
)
def test_each_form_of_principal(principal: Any, lets_in: str, exposure: str, words: str) -> None:
    action = "sts:AssumeRoleWithWebIdentity" if "Federated" in principal else "sts:AssumeRole"
    (one,) = trusted(document(allow(principal, action)))
    assert (one.lets_in, one.exposure(HOME)) == (lets_in, exposure)
    assert words in one.means(HOME)


@pytest.mark.parametrize(
    ("action", "lets"),
    [("sts:AssumeRole", True), ("sts:*", True), ("*", True), ("sts:assumerole*", True), ("sts:TagSession", False),
     (["sts:TagSession", "sts:AssumeRole"], True)],
)  # fmt: skip
def test_only_statements_that_let_somebody_assume_it(action: Any, lets: bool) -> None:
    assert bool(trusted(document(allow({"AWS": HOME}, action)))) is lets
    assert not trusted(document({**allow({"AWS": HOME}, action), "Effect": "Deny"}))


def test_conditions_are_told_but_an_external_id_is_not() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "s3cr3t", "aws:PrincipalOrgID": "o-1"}}
    (one,) = trusted(document(allow({"AWS": AWAY}, Condition=condition)))
    assert "o-1" in one.means(HOME)
    assert "sts:ExternalId" in one.means(HOME)
    assert "s3cr3t" not in one.means(HOME)


def test_a_second_statement_without_condition_frees_the_first() -> None:
    bound = allow({"AWS": AWAY}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    (one,) = trusted(document(bound, allow({"AWS": AWAY})))
    assert one.conditions == ()


def test_not_principal_is_read_as_anyone() -> None:
    statement = allow({"AWS": AWAY})
    statement["NotPrincipal"] = statement.pop("Principal")
    (one,) = trusted(document(statement))
    assert one.exposure(HOME) == "anyone"
    assert without(document(statement), [one.text]) == NOBODY


PRINCIPALS = st.lists(
    st.sampled_from(["AWS:" + HOME, "AWS:" + AWAY, "AWS:*", "Service:ec2.amazonaws.com", "Service:ecs.amazonaws.com"]),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


@given(st.lists(PRINCIPALS, min_size=1, max_size=3), st.data())
def test_cutting_takes_out_these_and_nobody_else(groups: list[list[str]], data: st.DataObject) -> None:
    statements = []
    for group in groups:
        block: dict[str, Any] = {}
        for text in group:
            kind, _, value = text.partition(":")
            block.setdefault(kind, []).append(value)
        statements.append(allow(block))
    statements.append({"Sid": "Kept", "Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"})
    policy = document(*statements)
    every = {t.text for t in trusted(policy)}
    cut = data.draw(st.sets(st.sampled_from(sorted(every))))
    left = without(policy, cut)
    assert {t.text for t in trusted(left)} == every - cut
    assert statements[-1] in left["Statement"], "other statements stay"
    assert left["Statement"]
    assert same(without(policy, []), policy)
    assert {t.text for t in trusted(policy)} == every, "the document given is not changed"


def test_the_same_in_meaning_however_iam_stores_it() -> None:
    assert same(document(allow({"AWS": ["a"]})), document(allow({"AWS": "a"})))
    assert same(document(allow({"AWS": ["b", "a"]})), document(allow({"AWS": ["a", "b"]})))
    assert not same(document(allow({"AWS": "a"})), document(allow({"AWS": "b"})))


def test_hash_is_of_the_principal_alone() -> None:
    assert Trusted("AWS", "1", ("x",)).hash == Trusted("AWS", "1").hash != Trusted("AWS", "2").hash


# -- against the sandbox -----------------------------------------------------------------------------------------------


def trust_of(bench: Bench) -> Any:
    return bench.sandbox.admin("iam").get_role(RoleName="payments-worker")["Role"]["AssumeRolePolicyDocument"]


def set_trust(bench: Bench, policy: Any) -> None:
    bench.sandbox.admin("iam").update_assume_role_policy(RoleName="payments-worker", PolicyDocument=json.dumps(policy))


def listed(bench: Bench) -> list[Access]:
    return [a for a in bench.collect(WORKER) if isinstance(a, Access) and a.kind == KIND]


def test_nothing_is_cut_unless_named(bench: Bench) -> None:
    bench.sandbox.meddle("trust-anyone")
    assert sorted(a.exposure for a in listed(bench)) == ["anyone", "local"]
    assert not [k for k in bench.steps(WORKER) if k.startswith(KIND)]


def test_a_trust_is_cut_and_put_back(bench: Bench) -> None:
    bench.sandbox.meddle("trust-anyone")
    before = trust_of(bench)
    anyone = next(a for a in listed(bench) if a.exposure == "anyone")
    step = bench.steps(WORKER, cut_trust=(anyone.id,))[f"{KIND}/cut"]
    assert step.ends == (anyone.id,)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == bench.run.left(step.id)
    assert [a.exposure for a in listed(bench)] == ["local"]
    assert bench.writes() == ["iam:UpdateAssumeRolePolicy"]
    assert isinstance(bench.undo(step), Done)
    assert same(trust_of(bench), before)
    assert isinstance(bench.undo(step), Already)


def test_several_trusts_are_cut_in_one_step_and_the_last_leaves_a_deny(bench: Bench) -> None:
    bench.sandbox.meddle("trust-anyone")
    ids = tuple(a.id for a in listed(bench))
    step = bench.steps(WORKER, cut_trust=ids)[f"{KIND}/cut"]
    assert set(step.ends) == set(ids)
    bench.do(step)
    assert same(trust_of(bench), NOBODY)
    assert not listed(bench)
    bench.settle()
    assert not bench.doors()["assume-role-again"]


def test_undo_leaves_a_trust_that_somebody_changed(bench: Bench) -> None:
    (user,) = listed(bench)
    step = bench.steps(WORKER, cut_trust=(user.id,))[f"{KIND}/cut"]
    bench.do(step)
    theirs = document(allow({"Service": "ec2.amazonaws.com"}))
    set_trust(bench, theirs)
    assert bench.seen(step) is not None, "what was cut is still out"
    assert isinstance(bench.undo(step), Failed)
    assert same(trust_of(bench), theirs)
    set_trust(bench, document(allow({"AWS": f"arn:aws:iam::{HOME}:user/bots/payments-bot"})))
    assert bench.seen(step) is None, "somebody put it back"


def test_what_others_changed_since_the_plan_does_not_come_back(bench: Bench) -> None:
    """A colleague took the user out by hand meanwhile: our write replaces the whole policy, and must not let it in
    again; nor must an undo.
    """
    bench.sandbox.meddle("trust-anyone")
    anyone = next(a for a in listed(bench) if a.exposure == "anyone")
    step = bench.steps(WORKER, cut_trust=(anyone.id,))[f"{KIND}/cut"]
    theirs = document(allow({"AWS": "*"}), allow({"Service": "ec2.amazonaws.com"}))
    set_trust(bench, theirs)
    assert isinstance(bench.do(step), Done)
    bench.run.lefts[step.id] = bench.seen(step)
    assert same(trust_of(bench), document(allow({"Service": "ec2.amazonaws.com"})))
    assert bench.writes() == ["iam:UpdateAssumeRolePolicy"]
    set_trust(bench, theirs)
    assert bench.seen(step) is None, "somebody put it back"
    assert isinstance(bench.do(step), Done)
    assert isinstance(bench.undo(step), Done)
    assert same(trust_of(bench), theirs)


def test_a_trust_that_somebody_else_cut_is_left_out_by_an_undo_too(bench: Bench) -> None:
    bench.sandbox.meddle("trust-anyone")
    anyone = next(a for a in listed(bench) if a.exposure == "anyone")
    step = bench.steps(WORKER, cut_trust=(anyone.id,))[f"{KIND}/cut"]
    theirs = document(allow({"Service": "ec2.amazonaws.com"}))
    set_trust(bench, theirs)
    assert isinstance(bench.do(step), Already)
    bench.run.lefts[step.id] = bench.seen(step)
    assert isinstance(bench.undo(step), Already)
    assert same(trust_of(bench), theirs)
    assert not bench.writes()


def test_an_undo_leaves_what_changed_between_two_looks(bench: Bench) -> None:
    """A look tells what stands there; what this run wrote stays what an undo compares with."""
    (user,) = listed(bench)
    step = bench.steps(WORKER, cut_trust=(user.id,))[f"{KIND}/cut"]
    bench.do(step)
    theirs = document(allow({"Service": "ec2.amazonaws.com"}))
    set_trust(bench, theirs)
    bench.run.lefts[step.id] = bench.seen(step)
    assert isinstance(bench.undo(step), Failed)
    assert same(trust_of(bench), theirs)


def test_a_protected_roles_trust_is_impossible(bench: Bench) -> None:
    bench.sandbox.admin("iam").create_role(
        RoleName="AWSServiceRoleForX", Path="/aws-service-role/x.amazonaws.com/",
        AssumeRolePolicyDocument=json.dumps(document(allow({"Service": "x.amazonaws.com"}))),
    )  # fmt: skip
    ref = "role/AWSServiceRoleForX"
    (one,) = [a for a in bench.collect(ref) if isinstance(a, Access) and a.kind == KIND]
    assert one.exposure == "service"
    assert not bench.draft(ref, cut_trust=(one.id,))
    step = bench.steps(WORKER, cut_trust=(listed(bench)[0].id,))[f"{KIND}/cut"]
    import msgspec

    theirs = {**step.before, "cut": [one.door]}
    change = bench.do(msgspec.structs.replace(step, on=bench.resolve(ref).ref, before=theirs))
    assert isinstance(change, Impossible)


ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}"


@pytest.mark.parametrize(
    ("condition", "subjects"),
    [
        ({}, ("*",)),
        ({"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}, ("*",)),
        ({"StringEquals": {f"{ISSUER}:sub": "repo:o/n:ref:refs/heads/main"}}, ("repo:o/n:ref:refs/heads/main",)),
        ({"StringLike": {f"{ISSUER}:SUB": ["repo:o/n:*", "repo:o/m:*"]}}, ("repo:o/n:*", "repo:o/m:*")),
        ({"ForAnyValue:StringLike": {f"{ISSUER}:sub": "repo:o/*"}}, ("repo:o/*",)),
        ({"StringNotLike": {f"{ISSUER}:sub": "repo:evil/*"}}, ("*",)),
    ],
)
def test_an_oidc_provider_is_named_by_the_subjects_of_its_tokens(condition: Any, subjects: tuple[str, ...]) -> None:
    """By these another provider's principal (a repository) is told to begin sessions of the role."""
    statement = {
        "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }  # fmt: skip
    [one] = trusted({"Statement": [statement]})
    assert one.whoms == (f"aws:federated/{PROVIDER}", *(f"{ISSUER}/{s}" for s in subjects))


def test_of_two_statements_the_subjects_are_joined() -> None:
    both = [
        {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {"StringEquals": {f"{ISSUER}:sub": sub}}}
        for sub in ("repo:o/a:x", "repo:o/b:x")
    ]  # fmt: skip
    [one] = trusted({"Statement": both})
    assert one.subjects == ("repo:o/a:x", "repo:o/b:x")


def test_what_is_no_oidc_provider_has_no_subject() -> None:
    saml = {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{HOME}:saml-provider/x"}, "Action": "sts:*"}
    [one] = trusted({"Statement": [saml]})
    assert one.whoms == (one.lets_in,)
