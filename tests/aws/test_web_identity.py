"""Tokens for outside services: told where they may exist, with the time at which the last of them is worthless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.step import Notice, Residual, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.testing.conformance import World
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_aws.access.web_identity import KIND, LONGEST
from nhi_revoke_aws.sandbox.own.web_identity import FETCH
from nhi_revoke_aws.sandbox.seed import allow

from .conftest import USER, WORKER, Bench
from .one_kind import accesses, asked, bench_of, drafts, own, world_of

BOT = "arn:aws:iam::111122223333:user/bots/payments-bot"
ACCOUNT = "111122223333"
JWT_BOT = "aws:user/jwt-bot"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The feature is off, and nobody may fetch any."""
    with bench_of(tmp_path) as made:
        yield made


def enable(bench: Bench) -> None:
    bench.sandbox.admin("iam").enable_outbound_web_identity_federation()


def let(bench: Bench, document: str = allow(FETCH), name: str = "partner") -> None:
    bench.sandbox.admin("iam").put_user_policy(UserName="payments-bot", PolicyName=name, PolicyDocument=document)


def look(bench: Bench, text: str) -> list[str]:
    kind, ref = bench.kinds[KIND], bench.ref(text)
    return asked(bench, lambda: list(kind.collect(bench.conn, ref, bench.io)))


def test_where_the_feature_is_off_there_are_none(bench: Bench) -> None:
    let(bench)
    assert accesses(bench, KIND, USER) == []
    enable(bench)
    assert len(accesses(bench, KIND, USER)) == 1
    bench.sandbox.admin("iam").disable_outbound_web_identity_federation()
    assert accesses(bench, KIND, USER) == []


def test_who_may_not_fetch_any_has_none(bench: Bench) -> None:
    enable(bench)
    assert accesses(bench, KIND, USER) == []
    assert accesses(bench, KIND, WORKER) == []
    let(bench)
    assert accesses(bench, KIND, WORKER) == []
    [one] = accesses(bench, KIND, USER)
    assert one.id == f"{KIND}/{ACCOUNT}/payments-bot/*"
    assert (one.state, one.family, one.opens) == ("unknown", "token", False)
    assert one.door.startswith("https://")
    let(bench, allow(FETCH).replace("Allow", "Deny"), name="not-any-more")
    assert accesses(bench, KIND, USER) == []


def test_an_arn_is_read_in_one_wave_and_a_name_in_two(bench: Bench) -> None:
    enable(bench)
    info, judge = "iam:GetOutboundWebIdentityFederationInfo", "iam:SimulatePrincipalPolicy"
    assert look(bench, BOT) == [info, judge]
    assert look(bench, "user/payments-bot") == [info, "iam:GetUser", judge]
    bench.sandbox.admin("iam").disable_outbound_web_identity_federation()
    assert look(bench, "user/payments-bot") == [info, "iam:GetUser"]


def test_a_denied_read_is_raised_and_an_unread_right_is_told(bench: Bench) -> None:
    enable(bench)
    bench.sandbox.allow_only(["iam:GetUser", "iam:SimulatePrincipalPolicy"])
    with pytest.raises(Denied):
        accesses(bench, KIND, USER)
    bench.sandbox.allow_only(["iam:GetUser", "iam:GetOutboundWebIdentityFederationInfo"])
    [one] = accesses(bench, KIND, USER)
    assert "whether its policies allow that could not be asked" in one.note
    kind, ref = bench.kinds[KIND], bench.ref("user/payments-bot")
    bench.sandbox.allow_only(["iam:GetOutboundWebIdentityFederationInfo", "iam:SimulatePrincipalPolicy"])
    assert len(list(kind.collect(bench.conn, ref, bench.io))) == 1, "the name could not be looked up"


def test_a_condition_is_no_no(bench: Bench) -> None:
    enable(bench)
    document = json.loads(allow(FETCH))
    document["Statement"][0]["Condition"] = {"StringEquals": {"sts:IdentityTokenAudience": "https://ours.example"}}
    let(bench, json.dumps(document))
    [one] = accesses(bench, KIND, USER)
    assert "conditions that could not be judged" in one.note


def test_our_own_cut_off_neither_hides_nor_adds_any(bench: Bench) -> None:
    """What was issued before it is denied; new sessions may still fetch, and others still may not."""
    enable(bench)
    older = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    older["Condition"] = {"DateLessThan": {"aws:TokenIssueTime": "2026-11-23T12:00:02Z"}}  # type: ignore[assignment]  # a statement is JSON
    let(bench, json.dumps({"Version": "2012-10-17", "Statement": [older]}), name="NHIRevoke")
    assert accesses(bench, KIND, USER) == []
    let(bench)
    assert len(accesses(bench, KIND, USER)) == 1


@pytest.mark.parametrize(
    ("who", "intent", "timed"),
    [
        ("role", {}, True),
        ("role", {"scope": "sessions"}, True),
        ("role", {"scope": "keys"}, False),
        ("role", {"order": "rollover", "keep_sessions": True}, False),
        ("user", {}, True),
        ("user", {"scope": "sessions"}, False),
        ("user", {"scope": "keys"}, False),
    ],
)
def test_a_time_is_told_only_where_new_ones_are_stopped(
    bench: Bench, who: str, intent: dict[str, Any], timed: bool
) -> None:
    enable(bench)
    let(bench)
    iam = bench.sandbox.admin("iam")
    iam.put_role_policy(RoleName="payments-worker", PolicyName="partner", PolicyDocument=allow(FETCH))
    text = USER if who == "user" else WORKER
    drafted = drafts(bench, KIND, text, **intent)
    [residual] = [d for d in drafted if isinstance(d, Residual)]
    assert not [d for d in drafted if isinstance(d, Step)]
    assert residual.access.endswith("/issued")
    assert residual.counts is timed
    if timed:
        assert residual.until is not None
        assert residual.until >= bench.conn.now() + LONGEST + timedelta(seconds=60)
        assert any(isinstance(d, Notice) for d in drafted)
    else:
        assert residual.until is None


# -- through the engine ------------------------------------------------------------------------------------------------


def jwt_bot(world: World) -> str:
    """A user with a key who may fetch tokens, and a token that it fetched with that key."""
    iam = world.sandbox.admin("iam")  # type: ignore[attr-defined]  # it is AWS's own sandbox
    iam.create_user(UserName="jwt-bot")
    iam.put_user_policy(UserName="jwt-bot", PolicyName="partner", PolicyDocument=allow(FETCH))
    iam.create_access_key(UserName="jwt-bot")
    world.sandbox.world.settle()  # type: ignore[attr-defined]  # it is AWS's own sandbox
    issuer = own(world.sandbox, "outbound-jwt").issuer
    arn = f"arn:aws:iam::{ACCOUNT}:user/jwt-bot"
    return str(issuer.token(ACCOUNT, arn, ("https://ours.example",), world.clock.now(), 3600))


def accepted(world: World, token: str) -> bool:
    """What the service outside says."""
    from nhi_revoke_aws.sandbox.doors import Refused

    burglar = world.sandbox._intruder._burglar  # type: ignore[attr-defined]  # seeded, so it is there
    try:
        burglar.knock("outbound-jwt", token=token)
    except Refused:
        return False
    return True


def test_a_run_ends_with_6_until_the_last_token_is_worthless_and_with_0_then(tmp_path: Path) -> None:
    with world_of(tmp_path, "outbound-jwt") as world:
        token = jwt_bot(world)
        assert accepted(world, token)
        report = world.run(world.plan(name=JWT_BOT))
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND]
        assert outcome.fate == "kept", "nothing ended it, and the report must not say so"
        [residual] = report.residuals
        assert residual.access == f"{KIND}/{ACCOUNT}/jwt-bot/issued"
        assert (report.exit_code, report.residual_until) == (6, residual.until)
        assert predicted_open(report, residual.access)
        assert accepted(world, token)
        writes = {c.name for c in world.sandbox.calls() if c.by == "operator" and c.mutates}
        assert writes == {"iam:PutUserPolicy", "iam:UpdateAccessKey"}, "the account's feature is left alone"
        assert own(world.sandbox, "outbound-jwt").issuer.enabled == {ACCOUNT}

        assert residual.until is not None
        world.clock.advance((residual.until - world.clock.now()).total_seconds() + 1)
        later = world.verify(report.run)
        assert (later.exit_code, later.residuals) == (0, ())
        assert not predicted_open(later, residual.access)
        assert not accepted(world, token)


def test_new_ones_are_stopped_by_the_cut(tmp_path: Path) -> None:
    with world_of(tmp_path, "outbound-jwt") as world:
        held = world.sandbox.loot().worker  # type: ignore[attr-defined]  # it is AWS's own sandbox
        client = world.sandbox.client("sts", held)  # type: ignore[attr-defined]  # it is AWS's own sandbox
        wanted = {"Audience": ["https://ours.example"], "SigningAlgorithm": "ES384", "DurationSeconds": 60}
        assert client.get_web_identity_token(**wanted)["WebIdentityToken"].count(".") == 2
        world.run()
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            client.get_web_identity_token(**wanted)


@pytest.mark.parametrize(
    "intent", [{}, {"scope": "sessions"}, {"scope": "keys"}, {"brake": "on"}], ids=["all", "sessions", "keys", "brake"]
)
def test_the_door_is_as_the_report_says(tmp_path: Path, intent: dict[str, Any]) -> None:
    with world_of(tmp_path, "outbound-jwt") as world:
        report = world.run(world.plan(replace(world.intent, **intent)))
        assert world.doors()["aws/outbound-jwt"]
        assert predicted_open(report, f"{KIND}/{ACCOUNT}/payments-worker/issued")
        assert not mispredicted(world, report)
        assert {o.access.id for o in report.outcomes if o.access.kind == KIND} == {
            f"{KIND}/{ACCOUNT}/payments-worker/*"
        }, "a principal that may fetch none does not get any by our own policies"


def test_accesses_carry_no_token(tmp_path: Path) -> None:
    with world_of(tmp_path, "outbound-jwt") as world:
        found = [a for a in world.look().accesses if a.kind == KIND]
        assert found
        token = own(world.sandbox, "outbound-jwt").issuer.issued[0]
        assert token in world.sandbox.canaries()
        assert not any(token in repr(access) for access in found)
