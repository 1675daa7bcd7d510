"""How principals are typed, and the one that AWS confirms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import AmbiguousName, Denied, Missing, Unauthenticated
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import (
    account_in_key_id,
    account_of,
    canonical,
    kinds_of,
    parse_arn,
    parse_ref,
    signed_in_as,
    untouchable,
)
from nhi_revoke_aws.provider import AwsProvider
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.settings import Account, AwsSettings

from .conftest import START, USER, WORKER, Bench

ARN = "arn:aws:iam::111122223333:user/bots/payments-bot"
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (ARN, ("user",)),
        ("arn:aws-cn:iam::111122223333:role/a/b/c", ("role",)),
        ("arn:aws-us-gov:iam::111122223333:role/x", ("role",)),
        ("arn:aws:sts::111122223333:assumed-role/worker/session-1", ("role",)),
        ("arn:aws:sts::111122223333:federated-user/bob", ("user",)),
        ("arn:aws:iam::111122223333:root", ("root",)),
        ("AKIAIOSFODNN7EXAMPLE", ("user",)),
        ("ASIAIOSFODNN7EXAMPLE", ("user", "role")),
        ("user/ci-bot", ("user",)),
        ("role/path/to/ci-bot", ("role",)),
        ("ci-bot", ("user", "role")),
        ("sso-user/me@example.com", ("sso-user",)),
        ("sso-user/EXAMPLE\\me", ("sso-user",)),
        ("sso-user/0123456789-6c0b3f5e-1111-2222-3333-444455556666", ("sso-user",)),
        ("sso-user/6c0b3f5e-1111-2222-3333-444455556666", ("sso-user",)),
        ("sso-user/AKIAIOSFODNN7EXAMPLE", ("sso-user",)),
    ],
)
def test_every_form_is_taken_and_prints_back(text: str, kinds: tuple[str, ...]) -> None:
    ref = parse_ref(text)
    assert ref is not None
    assert str(ref) == f"aws:{text}"
    assert PrincipalRef.parse(str(ref)) == ref or not ref.kind
    assert kinds_of(ref) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user/",
        "user/a b",
        "sso-user/",
        "sso-user/a b",
        "app/x",
        "arn:aws:s3:::bucket",
        "arn:aws:iam::12:user/x",
        "a:b",
    ],
)
def test_what_is_not_ours_is_left(text: str) -> None:
    assert parse_ref(text) is None


@pytest.mark.parametrize(
    ("text", "native"), [(ARN, True), ("AKIAIOSFODNN7EXAMPLE", True), ("ci-bot", False), ("user/x", False)]
)
def test_bare_words_are_ours_only_behind_the_prefix(text: str, native: bool) -> None:
    assert AwsProvider().native(text) is native


def test_an_identity_center_user_tells_no_account_whatever_its_name() -> None:
    for name in (ARN, "AKIAIOSFODNN7EXAMPLE"):
        ref = parse_ref(f"sso-user/{name}")
        assert ref is not None
        assert account_of(ref) == ""


@pytest.mark.parametrize(
    ("arn", "who"),
    [
        ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/Me@Example.com", "me@example.com"),
        ("arn:aws-us-gov:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/me", "me"),
        ("arn:aws:sts::111122223333:assumed-role/Admin/me", None),
        ("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0a1b", None),
        ("arn:aws:iam::111122223333:user/me", None),
    ],
)
def test_a_session_of_identity_center_bears_its_users_name(arn: str, who: str | None) -> None:
    found = signed_in_as(arn)
    assert (str(found) if found else None) == (f"aws:sso-session-name/{who}" if who else None)


def test_importing_the_provider_loads_no_vendor_library() -> None:
    import subprocess
    import sys

    heavy = "('boto3', 'botocore', 'moto')"
    code = f"import sys, nhi_revoke_aws; sys.exit(any(m.split('.')[0] in {heavy} for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_A_1",
    ],
)
def test_what_nobody_may_change_has_a_way_by_hand(arn: str) -> None:
    parsed = parse_arn(arn)
    assert parsed
    assert "By hand:" in str(untouchable(parsed))
    assert str(parsed) == arn


def test_account_in_a_key_id() -> None:
    # the published example of the encoding
    assert account_in_key_id("ASIAQNZGKIQY56JQ7WML") == "029608264753"
    assert account_in_key_id("AKIA1") == ""


def test_scopes_need_no_request() -> None:
    provider = AwsProvider()
    settings = AwsSettings(accounts=(Account("444455556666"), Account("029608264753")))
    there, here = canonical("arn:aws:iam::444455556666:role/x"), canonical(ARN)
    assert provider.scope_of(there, settings) == "444455556666"
    assert provider.scope_of(here, settings) == ""
    assert provider.scope_of(PrincipalRef("aws", "", "AKIAQNZGKIQY56JQ7WML"), settings) == "029608264753"
    assert provider.scope_of(here, AwsSettings(assume_role="arn:aws:iam::{account}:role/R")) == "111122223333"
    assert provider.scopes(settings) == ("", "444455556666", "029608264753")
    secret = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:a/b-AbCdEf"
    assert provider.scope_of_target(f"{secret}#key", settings) == "444455556666"
    assert provider.scope_of_target("payments/aws", settings) == ""


@pytest.mark.parametrize("typed", ["payments-bot", "user/payments-bot", USER, ARN])
def test_a_user_is_found_by_every_name(bench: Bench, typed: str) -> None:
    who = bench.resolve(typed)
    assert who.ref == canonical(ARN)
    assert (who.kind, who.name, who.scope) == ("user", "payments-bot", "111122223333")
    assert set(who.aliases) == {f"aws:{ARN}", "aws:account/111122223333", f"aws:{who.unique_id}"}
    assert who.untouchable is None


def test_a_key_leads_to_its_user(bench: Bench) -> None:
    for key in bench.state("payments-bot")["keys"]:
        assert bench.resolve(key).ref == canonical(ARN)
        assert [a for a in bench.collect(key) if getattr(a, "kind", "") == "aws:access-key"]


def test_session_arns_and_keys_lead_to_role_and_user(bench: Bench) -> None:
    worker = bench.resolve(WORKER)
    assert bench.resolve("arn:aws:sts::111122223333:assumed-role/payments-worker/nightly").ref == worker.ref
    assert bench.resolve("arn:aws:sts::111122223333:federated-user/payments-bot").ref == canonical(ARN)
    loot = bench.sandbox.loot()
    bench.doors()  # what the sessions do is in the logs
    assert bench.resolve(loot.worker.key_id).ref == worker.ref
    assert bench.resolve(loot.session_token.key_id).ref == canonical(ARN)
    assert "aws:arn:aws:sts::111122223333:assumed-role/payments-worker/*" in worker.aliases


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("user/nobody", "no such user"),
        ("nobody", "no such user or role"),
        ("user/wrong/payments-bot", "another path"),
        ("arn:aws:iam::111122223333:user/payments-bot", "another path"),
        ("arn:aws:iam::999900001111:user/bots/payments-bot", "999900001111"),
        ("arn:aws-cn:iam::111122223333:user/bots/payments-bot", "partition"),
        ("AKIAAAAAAAAAAAAAAAAA", "no access key"),
        ("ASIAAAAAAAAAAAAAAAAA", "CloudTrail"),
        ("arn:aws:sts::111122223333:federated-user/nobody", "CloudTrail"),
    ],
)
def test_what_is_not_there_is_missing_in_plain_words(bench: Bench, typed: str, words: str) -> None:
    with pytest.raises(Missing, match=words) as told:
        bench.resolve(typed)
    assert told.value.hint or "AKIA" in typed
    if "path" in words:
        assert ARN in told.value.hint


def test_a_user_and_a_role_of_one_name_are_ambiguous(bench: Bench) -> None:
    bench.sandbox.admin("iam").create_role(RoleName="payments-bot", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(AmbiguousName) as told:
        bench.resolve("payments-bot")
    assert told.value.candidates == ("aws:user/payments-bot", "aws:role/payments-bot")
    refs = bench.provider.find(bench.conn, "payments-bot")
    assert sorted(str(r) for r in refs) == ["aws:arn:aws:iam::111122223333:role/payments-bot", f"aws:{ARN}"]


def test_a_denied_half_of_a_bare_name_is_denied_not_missing(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied) as told:
        bench.resolve("payments-bot")
    assert told.value.needs == "iam:GetRole"
    with pytest.raises(Denied):
        list(bench.provider.find(bench.conn, "payments-bot"))


def test_root_is_untouchable_and_asks_nothing(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    who = bench.resolve("arn:aws:iam::111122223333:root")
    assert who.kind == "root"
    assert who.untouchable
    assert not bench.sandbox.calls()


def test_a_recreated_user_has_another_unique_id(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.create_user(UserName="twice")
    first = bench.resolve("user/twice")
    iam.delete_user(UserName="twice")
    iam.create_user(UserName="twice")
    assert bench.resolve("user/twice").unique_id != first.unique_id
    assert bench.resolve("user/twice").ref == first.ref


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_other_partitions_end_to_end(tmp_path: Path, partition: str) -> None:
    sandbox = AwsSandbox(partition=partition, entropy=1)
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        bench = Bench(sandbox, sandbox.settings())
        assert str(bench.resolve(USER).ref) == f"aws:arn:{partition}:iam::111122223333:user/bots/payments-bot"
        steps = bench.steps(USER)
        bench.do(steps["aws:user-session/deny-all"])
        bench.do(steps["aws:access-key/disable"])
        bench.do(steps["aws:user-session/seal"])
        bench.settle()
        assert bench.prove(steps["aws:user-session/seal"]).proof == "simulated"
        doors = bench.doors()
        assert not any(doors[k] for k in ("active-key", "get-session-token", "aws-login"))
    finally:
        sandbox.close()


# -- other accounts ----------------------------------------------------------------------------------------------------

OTHER = "444455556666"
RESPONDER = "arn:aws:iam::{account}:role/IncidentResponder"


def test_another_account_is_reached_by_its_role(bench: Bench) -> None:
    bench.sandbox.admin("iam", OTHER).create_user(UserName="far")
    conn = bench.connect(OTHER, accounts=(Account(OTHER),), assume_role=RESPONDER)
    who = bench.provider.resolve(conn, bench.ref(f"arn:aws:iam::{OTHER}:user/far"))
    assert who.scope == OTHER
    conn.call("iam", "UpdateUser", UserName="far", NewPath="/x/")
    assert [str(r) for r in conn.whoami()] == [
        f"aws:arn:aws:iam::{OTHER}:role/IncidentResponder",
        "aws:arn:aws:iam::111122223333:user/incident-responder",
    ]


def test_the_template_is_not_used_for_the_operators_own_account(bench: Bench) -> None:
    conn = bench.connect("111122223333", assume_role=RESPONDER)
    assert bench.provider.resolve(conn, bench.ref(ARN)).ref == canonical(ARN)
    assert "sts:AssumeRole" not in [c.name for c in bench.sandbox.calls() if c.by == "operator"]


def test_a_role_that_cannot_be_assumed_is_no_login(bench: Bench) -> None:
    conn = bench.connect(OTHER, accounts=(Account(OTHER, assume_role=f"arn:aws:iam::{OTHER}:role/Nope"),))
    with pytest.raises(Unauthenticated, match="Nope"):
        conn.call("iam", "GetUser", UserName="far")


def test_assumed_credentials_are_renewed(bench: Bench) -> None:
    bench.sandbox.admin("iam", OTHER).create_user(UserName="far")
    conn = bench.connect(OTHER, accounts=(Account(OTHER, assume_role=RESPONDER),))
    conn.call("iam", "GetUser", UserName="far")
    bench.sandbox.advance(3500)
    conn.call("iam", "GetUser", UserName="far")
    assert [c.name for c in bench.sandbox.calls()].count("sts:AssumeRole") == 2


def test_credentials_of_the_wrong_account_write_nothing(bench: Bench) -> None:
    conn = bench.connect(OTHER)
    with pytest.raises(Unauthenticated, match=OTHER):
        conn.call("iam", "DeleteUser", UserName="payments-bot")
    assert not bench.writes()


@pytest.mark.parametrize("typed", ["user/Payments-Bot", "Payments-Bot", ARN.replace("payments-bot", "Payments-Bot")])
def test_a_name_in_other_letters_is_told_as_it_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """IAM minds no case of letters in a request. Other services' lists do, and would show "none"."""
    real = AwsConnection.entity

    def entity(conn: AwsConnection, kind: Any, name: str) -> dict[str, Any]:
        return real(conn, kind, name.lower())

    monkeypatch.setattr(AwsConnection, "entity", entity)
    with pytest.raises(Missing, match="is written payments-bot") as refused:
        bench.resolve(typed)
    assert f"aws:{ARN}" in refused.value.hint
    assert bench.resolve(USER).ref.id == ARN


def test_the_key_of_a_session_lists_what_its_user_or_role_has(bench: Bench) -> None:
    """Whoever has nothing but a leaked ASIA… pastes that: an empty list would read as "nothing lives"."""
    loot = bench.sandbox.loot()
    bench.doors()
    for key, typed in ((loot.worker.key_id, WORKER), (loot.session_token.key_id, USER)):
        assert ids(bench.collect(key)) == ids(bench.collect(typed)) != set()
        assert not [one for one in bench.collect(key) if isinstance(one, BlindSpot) and one.counts]


def ids(found: list[Found]) -> set[str]:
    return {one.id for one in found if isinstance(one, Access)}


def test_the_key_of_a_session_is_looked_up_once_for_all_kinds(bench: Bench) -> None:
    bench.doors()
    asked = len(bench.sandbox.calls())
    bench.collect(bench.sandbox.loot().worker.key_id)
    assert [c.name for c in bench.sandbox.calls()[asked:]].count("cloudtrail:LookupEvents") == 1


def test_the_key_of_a_session_of_somebody_whose_name_another_has_is_not_taken_for_the_others(bench: Bench) -> None:
    bench.doors()
    iam = bench.sandbox.admin("iam")
    iam.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    iam.create_user(UserName="payments-bot", Path="/bots/")
    with pytest.raises(Missing, match="another has that name by now"):
        bench.resolve(bench.sandbox.loot().session_token.key_id)
