"""A new HMAC key: made once, its secret shown once, and destroyed where nobody received it (facts gcp.md 4; 7: 14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Done, Impossible
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke_gcp.constraints import NO_HMAC

from .conftest import BOT, Bench, world

KIND = "gcp:hmac-key"
KEYS = "/storage/v1/projects/<project>/hmacKeys"
CREATE, PUT, DELETE = f"POST {KEYS}", f"PUT {KEYS}/<access_id>", f"DELETE {KEYS}/<access_id>"


def drafted(bench: Bench, **intent: Any) -> list[Draft]:
    delivery = Delivery(kind=KIND, to="file:/run/secrets/hmac.json")
    view = bench.view(BOT, identity=Identity("bot", (bench.resolve(BOT).ref,), deliver=(delivery,)))
    return list(bench.kinds[KIND].draft(view, Intent(**{"brake": "off", "replace": (KIND,), **intent})))


def mint(bench: Bench, **intent: Any) -> Step:
    [step] = [d for d in drafted(bench, **intent) if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return step


def unreplaced(bench: Bench, **intent: Any) -> str:
    found = drafted(bench, **intent)
    assert not [d for d in found if isinstance(d, Step) and d.phase is Phase.MINT]
    [said] = [d.what for d in found if isinstance(d, Manual)]
    return said


def test_the_new_one_is_handed_over_and_its_secret_is_nowhere(bench: Bench) -> None:
    step = mint(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    made = bench.cloud.hmac_keys[str(secret.fields()["accessId"])]
    assert (made.email, made.secret) == (bench.account.email, secret.reveal())
    told = json.dumps([change.left, step.before, repr(secret)])
    assert not [each for each in bench.sandbox.canaries() if each in told]
    assert bench.seen(step) == change.left
    proving = replace(step, before={})
    proven = bench.doer(step.does).opens(bench.conn, proving, secret)
    assert (proven.proof, "it was not tried" in proven.how) == (Proof.RECORDED, True)
    made.state.set("INACTIVE", bench.sandbox.now(), 0.0)
    assert bench.doer(step.does).opens(bench.conn, proving, secret).proof is Proof.UNPROVEN
    assert bench.writes() == [CREATE]


def test_a_rotation_ends_the_old_one_too(bench: Bench) -> None:
    does = [d.does for d in drafted(bench, order="rollover") if isinstance(d, Step)]
    assert does == [f"{KIND}/deactivate", f"{KIND}/create"]


def test_a_lost_create_is_found_by_difference_and_destroyed(bench: Bench) -> None:
    """Google deletes only what is inactive."""
    step = mint(bench)
    doer = bench.doer(step.does)
    assert doer.orphans(bench.conn, step) == []
    bench.sandbox.fault(CREATE, "lost", times=1)
    with pytest.raises(NoAnswer):
        bench.do(step)
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    assert doer.orphans(bench.conn, step) == []
    assert bench.writes() == [CREATE, PUT, DELETE]
    assert not isinstance(doer.destroy(bench.conn, step, orphan), Impossible), "it may be asked twice"


def test_ten_are_the_most_and_that_is_told_before_anything_is_ended(bench: Bench) -> None:
    step = mint(bench)
    while len(bench.accesses(BOT, KIND)) < 10:
        bench.cloud.new_hmac_key(bench.account, bench.sandbox.now())
    assert "ten HMAC keys" in unreplaced(bench)
    assert isinstance(bench.doer(step.does).check(bench.conn, step), Impossible)


def test_an_organisation_that_forbids_it_is_named(bench: Bench) -> None:
    """Facts gcp.md 4: the managed constraint forbids HMAC keys, too."""
    step = mint(bench)
    bench.cloud.constraints[NO_HMAC] = [{"enforce": True}]
    change = bench.do(step)
    assert isinstance(change, Impossible)
    assert f"constraints/{NO_HMAC}" in change.why
    bench.conn = bench.connect()
    assert f"constraints/{NO_HMAC}" in unreplaced(bench)


def test_the_older_constraint_forbids_none(bench: Bench) -> None:
    bench.cloud.constraints["iam.disableServiceAccountKeyCreation"] = [{"enforce": True}]
    bench.conn = bench.connect()
    assert isinstance(bench.do(mint(bench)), Done)


def test_while_the_account_is_disabled_nothing_is_made(bench: Bench) -> None:
    assert "release --wait" in unreplaced(bench, brake="auto")


def test_keys_that_could_not_be_listed_are_not_replaced(bench: Bench) -> None:
    assert not [d for d in drafted(bench, rotate="no") if isinstance(d, Step) and d.phase is Phase.MINT]


def test_rolled_over_the_new_one_is_delivered_before_the_old_one_is_made_inactive(tmp_path: Path) -> None:
    with world(tmp_path, intent=Intent(rotate="now", brake="off"), deliver=False, also=(KIND,)) as whole:
        report = whole.run(whole.plan(Intent(order="rollover", replace=(KIND,))), verb="rotate")
        assert [(r.result, r.proof) for r in report.replacements] == [("served", Proof.RECORDED)]
        assert [c.name for c in whole.sandbox.calls() if c.by == "operator" and c.mutates] == [CREATE, PUT]
        kept = json.loads((whole.folder / "payments-hmac-key.json").read_text())
        made = whole.gcp.cloud.hmac_keys[kept["accessId"]]
        assert (made.secret, made.state.shown) == (kept["secret"], "ACTIVE")
        assert "hmac-key" not in whole.open_doors()
        assert mispredicted(whole, report) == []
