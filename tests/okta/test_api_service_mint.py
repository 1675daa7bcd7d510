"""A new client secret of an API service integration: the slot that it takes, its proof, its orphan."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Manual, Phase, Step
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke_okta.access.api_service_secret import KIND

from .conftest import START, Bench
from .test_api_services import POST, SERVICE, only_one, secrets, service


def rotating(bench: Bench, **intent: object) -> list[Step]:
    intent = {"replace": (KIND,), "rotate": "now", **intent}
    return [s for s in bench.steps(SERVICE, **intent) if s.phase is Phase.MINT]


def test_a_new_secret_takes_the_slot_of_the_idle_one(bench: Bench) -> None:
    """Facts 1.4, 2: never a third."""
    idle = next(i for i, s in secrets(bench).items() if s.status.shown == "INACTIVE")
    delete, create = rotating(bench)
    assert (delete.does, create.does) == (f"{KIND}/delete", f"{KIND}/create")
    assert delete.ends == (f"{KIND}/{service(bench).id}/{idle}",)
    assert not delete.reversible
    assert isinstance(bench.do(create), Failed), "before a slot is free"
    assert isinstance(bench.do(delete), Done)
    assert bench.seen(delete) == {"status": "gone"}
    assert isinstance(bench.do(delete), Already)
    made = bench.do(create)
    assert isinstance(made, Done)
    secret = bench.run.take(create.id)
    assert secret.field == "client_secret"
    assert secret.public == {"client_id": service(bench).id}
    assert secret.reveal() not in repr(made)
    assert bench.seen(create) == made.left
    minted = len(bench.org.access_tokens)
    proven = bench.doer(create.does).opens(bench.conn, create, secret)
    assert proven.proof is Proof.ENFORCED
    assert len(bench.org.access_tokens) == minted, "a proof mints nothing"
    assert isinstance(bench.undo(create), Done)
    assert len(secrets(bench)) == 1


def test_a_new_secret_that_okta_does_not_take_yet_is_unproven(bench: Bench) -> None:
    bench.do(rotating(bench)[0])
    bench.sandbox.lag(60, 0)
    create = rotating(bench)[-1]
    made = bench.do(create)
    secret = bench.run.take(create.id)
    with bench.org.lock:
        new = service(bench).client.secrets[str(made.left["id"]).rpartition("/")[2]]
        new.status.set("INACTIVE", bench.sandbox.now(), 0)
    proven = bench.doer(create.does).opens(bench.conn, create, secret)
    assert (proven.proof, proven.how) == (Proof.UNPROVEN, "Okta does not accept the new client secret yet")


def test_the_orphan_of_a_lost_create_is_found_and_destroyed(bench: Bench) -> None:
    delete, create = rotating(bench)
    bench.do(delete)
    create = replace(create, before={"ids": [a.id for a in bench.accesses(SERVICE, KIND).values()]})
    bench.sandbox.fault(POST, "lost")
    with pytest.raises(NoAnswer):
        bench.do(create)
    mint = bench.doer(create.does)
    [orphan] = mint.orphans(bench.conn, create)
    assert isinstance(mint.destroy(bench.conn, create, orphan), Done)
    assert isinstance(mint.destroy(bench.conn, create, orphan), Already)
    assert not mint.orphans(bench.conn, create)


def test_two_live_secrets_need_a_name_for_the_slot(bench: Bench) -> None:
    with bench.org.lock:
        for secret in secrets(bench).values():
            secret.status.set("ACTIVE", START, 0)
    assert not rotating(bench)
    [said] = [d for d in bench.draft(SERVICE, replace=(KIND,), rotate="now") if isinstance(d, Manual)]
    named = f"{KIND}/{service(bench).id}/{next(iter(secrets(bench)))}"
    assert f"--free-slot {named}" in said.what
    delete, create = rotating(bench, free_slot=(named,))
    assert delete.ends == (named,)
    assert isinstance(bench.do(delete), Done), "Okta deletes no active one: it is deactivated first (facts 1.4, 4)"
    assert isinstance(bench.do(create), Done)


def test_offboarding_and_a_blind_list_replace_nothing(bench: Bench) -> None:
    assert not rotating(bench, reason=Reason.OFFBOARDING)
    assert not rotating(bench, rotate="no")
    view = bench.view(SERVICE)
    view.blind = (BlindSpot(view.who.ref, KIND, "denied"),)
    drafted = list(bench.kinds[KIND].draft(view, Intent(replace=(KIND,))))
    assert [d.what for d in drafted if isinstance(d, Manual)] == [
        "not replaced: the integration's secrets could not be listed, so both slots may be taken"
    ]
    other = Identity("x", (view.who.ref,), deliver=(Delivery(KIND, "file:/x", principal="okta:api-service/other"),))
    assert not [
        s for s in bench.kinds[KIND].draft(bench.view(SERVICE, identity=other), Intent(replace=(KIND,)))
        if isinstance(s, Step) and s.phase is Phase.MINT
    ]  # fmt: skip


def test_in_a_rollover_the_new_one_stands_beside_the_only_one(bench: Bench) -> None:
    only_one(bench)
    for order, does in (("contain", f"{KIND}/replace"), ("rollover", f"{KIND}/deactivate")):
        steps = bench.steps(SERVICE, replace=(KIND,), rotate="now", order=order)
        assert [s.does for s in steps] == [does, f"{KIND}/create"]
    end, create = steps
    bench.do(create)
    assert isinstance(bench.do(end), Done)
    assert sorted(str(s.status.shown) for s in secrets(bench).values()) == ["ACTIVE", "INACTIVE"]
