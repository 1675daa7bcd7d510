"""KMS grants: found on every key of every Region, kept unless named, revoked and made again with the same rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Denied, Rejected
from nhi_revoke_aws.access import kms_grant
from nhi_revoke_aws.access.kms_grant import KIND

from .conftest import USER, WORKER, Bench
from .one_kind import accesses, asked, bench_of, listed, own, steps, world_of

ACCOUNT = "111122223333"
BOT = f"arn:aws:iam::{ACCOUNT}:user/bots/payments-bot"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bots/payments-worker"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/payments-worker/nightly"
HOME, AWAY = "us-east-1", "eu-central-1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path) as made:
        yield made


def key(bench: Bench, region: str = HOME) -> str:
    return str(own(bench.sandbox, "kms-grant").key(ACCOUNT, region))


def grant(bench: Bench, arn: str, grantee: str = BOT, **more: Any) -> str:
    """Its id."""
    parts = {"GranteePrincipal": grantee, "Operations": ["Decrypt"], **more}
    return str(own(bench.sandbox, "kms-grant").give(arn, bench.sandbox.now(), parts).id)


def standing(bench: Bench) -> dict[str, dict[str, Any]]:
    return {g.id: dict(g.parts) for g in own(bench.sandbox, "kms-grant").grants.values()}


def step_of(bench: Bench, grant_id: str, text: str = USER) -> Step:
    [one] = [a for a in accesses(bench, KIND, text) if a.id.endswith(grant_id)]
    [step] = steps(bench, KIND, text, cut_trust=(one.id,))
    return step


def test_grants_of_the_user_of_the_role_and_of_its_sessions(bench: Bench) -> None:
    arn = key(bench)
    mine = grant(bench, arn, RetiringPrincipal="arn:aws:iam::111122223333:role/Retires")
    role, session = grant(bench, arn, ROLE), grant(bench, arn, SESSION)
    grant(bench, arn, "arn:aws:iam::444455556666:user/bots/payments-bot")
    grant(bench, arn, "ec2.us-east-1.amazonaws.com")
    own(bench.sandbox, "kms-grant").give(
        arn, bench.sandbox.now(), {"GranteeServicePrincipal": "ec2.amazonaws.com", "Operations": ["Decrypt"]}
    )
    [one] = accesses(bench, KIND, USER)
    assert one.id == f"{KIND}/{HOME}/{arn.rpartition('/')[2]}/{mine}"
    assert (one.state, one.family, one.opens) == ("live", "grant", False)
    assert one.created is not None
    assert timedelta(0) <= bench.sandbox.now() - one.created < timedelta(seconds=30)
    assert "role/Retires may retire it" in one.note
    assert {a.id.rpartition("/")[2] for a in accesses(bench, KIND, WORKER)} == {role, session}


@pytest.mark.parametrize("size", [1, 1000])
def test_every_page_of_every_key_of_every_region_is_read(bench: Bench, size: int) -> None:
    keys = [key(bench, region) for region in (HOME, HOME, AWAY)]
    made = {grant(bench, arn) for arn in keys for _ in range(3)}
    bench.sandbox.page_size(size)
    found = listed(bench, KIND, USER, bench.connect(regions=(HOME, AWAY)))
    assert {f.id.rpartition("/")[2] for f in found if not isinstance(f, BlindSpot)} == made  # type: ignore[union-attr]  # the others are accesses
    # With the default Regions the far ones are read, too, and what is switched off is said.
    found = listed(bench, KIND, USER, bench.connect(regions=()))
    assert len(found) == len(made) + 1


def test_a_list_cut_short_without_a_marker_is_not_the_whole_list() -> None:
    class Cut:
        def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"Grants": [], "Truncated": True}

    with pytest.raises(Rejected):
        list(kms_grant.rows(Cut(), "ListGrants", "Grants", HOME, 100))  # type: ignore[arg-type]  # stands in


def test_an_arn_needs_no_look_up(bench: Bench) -> None:
    key(bench), key(bench)
    bench.conn.regions()
    kind = bench.kinds[KIND]
    for text, first in ((BOT, []), ("user/payments-bot", ["iam:GetUser"])):
        ref = bench.ref(text)
        reads = asked(bench, lambda ref=ref: list(kind.collect(bench.conn, ref, bench.io)))  # type: ignore[misc]  # mypy infers no default of a lambda
        assert reads == [*first, "kms:ListGrants", "kms:ListGrants", "kms:ListKeys"]
    assert kind.late


def test_denied_keys_and_grants_are_blind_spots(bench: Bench) -> None:
    arns = [key(bench) for _ in range(5)]
    grant(bench, arns[0])
    bench.sandbox.allow_only(["iam:GetUser", "kms:ListKeys"])
    [spot] = listed(bench, KIND, USER)
    assert isinstance(spot, BlindSpot)
    assert spot.needs == "kms:ListGrants"
    assert "grants of 5 KMS key(s) could not be read" in spot.why
    again = listed(bench, KIND, USER)
    assert again == [spot], "the same reason reads the same: no request id is in it"
    bench.sandbox.allow_only(["iam:GetUser", "kms:ListGrants"])
    [spot] = listed(bench, KIND, USER)
    assert isinstance(spot, BlindSpot)
    assert spot.needs == "kms:ListKeys"


def test_one_unread_key_hides_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key's own policy may refuse its grants."""
    shut, open_ = key(bench), key(bench)
    made = grant(bench, open_)
    real = kms_grant.grants

    def some(conn: Any, arn: str, **filters: Any) -> Any:
        if arn == shut:
            raise Denied("kms:ListGrants is denied", needs="kms:ListGrants", code="AccessDeniedException")
        return real(conn, arn, **filters)

    monkeypatch.setattr(kms_grant, "grants", some)
    one, spot = listed(bench, KIND, USER)
    assert one.id.endswith(made)  # type: ignore[union-attr]  # it is an access
    assert isinstance(spot, BlindSpot)
    assert shut in spot.why
    assert open_ not in spot.why


def test_a_key_that_is_gone_has_none(bench: Bench) -> None:
    assert kms_grant.grants(bench.conn, f"arn:aws:kms:{HOME}:{ACCOUNT}:key/gone") == []
    there = key(bench)
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied):
        kms_grant.grants(bench.conn, there)


def test_they_are_kept_unless_named(bench: Bench) -> None:
    """The workload needs its rights after the rotation, and an intruder without its credentials has no use for them."""
    made = grant(bench, key(bench))
    [one] = accesses(bench, KIND, USER)
    assert steps(bench, KIND, USER) == []
    for intent in ({"cut_trust": (one.id,)}, {"scope": one.id}):
        [step] = steps(bench, KIND, USER, **intent)
        assert step.ends == (one.id,)
        assert (step.reversible, step.rearms) == (True, "always")
        assert step.breaks
    assert list(standing(bench)) == [made]


def test_revoke_takes_that_grant_and_undo_makes_one_of_the_same_rights(bench: Bench) -> None:
    arn = key(bench)
    rights: dict[str, Any] = {
        "Constraints": {"EncryptionContextSubset": {"app": "ledger"}},
        "RetiringPrincipal": ROLE,
        "Name": "ledger",
    }
    mine = grant(bench, arn, **rights)
    others = {grant(bench, arn): 0, grant(bench, arn, ROLE, **rights): 0, grant(bench, key(bench), **rights): 0}
    before = standing(bench)
    door = next(a.door for a in accesses(bench, KIND, USER) if a.id.endswith(mine))
    step = step_of(bench, mine)
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["kms:RevokeGrant"]
    assert bench.seen(step) == {"Grant": "revoked"}
    assert standing(bench) == {i: p for i, p in before.items() if i != mine}
    assert isinstance(bench.do(step), Already)

    assert isinstance(bench.undo(step), Done)
    [new] = set(standing(bench)) - set(before)
    assert standing(bench)[new] == before[mine]
    assert set(others) < set(standing(bench))
    assert bench.seen(step) is None, "taken back is seen, although its id is another"
    assert door in {a.door for a in accesses(bench, KIND, USER)}
    assert isinstance(bench.undo(step), Already)
    assert len(standing(bench)) == len(before)


def test_a_twin_is_another_grant(bench: Bench) -> None:
    arn = key(bench)
    mine, twin = grant(bench, arn), grant(bench, arn)
    step = step_of(bench, mine)
    bench.do(step)
    assert list(standing(bench)) == [twin]
    assert bench.seen(step) == {"Grant": "revoked"}


def test_one_made_again_by_somebody_is_revoked_again(bench: Bench) -> None:
    arn = key(bench)
    step = step_of(bench, grant(bench, arn))
    bench.do(step)
    grant(bench, arn)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"Grant": "revoked"}
    assert standing(bench) == {}


def test_a_grant_in_another_region_is_revoked_there(bench: Bench) -> None:
    bench.conn = bench.connect(regions=(HOME, AWAY))
    made = grant(bench, key(bench, AWAY))
    step = step_of(bench, made)
    assert isinstance(bench.do(step), Done)
    assert standing(bench) == {}


# -- through the engine ------------------------------------------------------------------------------------------------


def test_a_run_keeps_a_grant_and_ends_it_where_it_is_named(tmp_path: Path) -> None:
    with world_of(tmp_path, "kms-grant") as world:
        [made] = own(world.sandbox, "kms-grant").grants.values()
        report = world.run()
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND]
        assert outcome.fate == "kept"
        assert "a right of this principal" in outcome.how
        assert list(own(world.sandbox, "kms-grant").grants) == [made.id]

        world.restart()
        service = own(world.sandbox, "kms-grant")
        [made] = service.grants.values()
        access = f"{KIND}/{HOME}/{made.key.rpartition('/')[2]}/{made.id}"
        started = world.clock.now()
        report = world.run(world.plan(replace(world.intent, cut_trust=(access,))))
        [outcome] = [o for o in report.outcomes if o.access.kind == KIND]
        assert (outcome.access.id, outcome.fate) == (access, "ended")
        assert outcome.proof is not None
        assert outcome.proof.proves
        assert (world.clock.now() - started).total_seconds() >= kms_grant.SETTLE, "KMS's own delay is waited out"
        assert service.grants == {}
        assert report.exit_code == 8, "a session of another role lives: that is the next plan's"

        world.clock.advance(36 * 3600 + 60)
        undone = world.undo(report.run, rearm=[o.access.id for o in report.outcomes if o.fate == "ended"])
        assert not [s for s in undone.steps if s.result in ("failed", "lost", "waiting")]
        [again] = service.grants.values()
        assert again.id != made.id
        assert (again.key, again.parts) == (made.key, made.parts)
