"""A new certificate: added beside the others as they are, found again, proven, and destroyed where nobody got it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.certificate import new_pair
from nhi_revoke.provider.fault import NoAnswer, Rejected
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.secret import Secret
from nhi_revoke_entra.access.certificate_mint import LASTS
from nhi_revoke_entra.access.credential import NAME
from nhi_revoke_entra.sandbox import plant_keys
from nhi_revoke_entra.sandbox.policy_state import Restriction
from nhi_revoke_entra.sandbox.state import Directory

from .conftest import APP, START, Bench

KIND, SECRET, TRUST = "entra:certificate", "entra:client-secret", "entra:federated-credential"
PATCH = "PATCH /v1.0/applications/<one>"


def drafts(bench: Bench, *kinds: str, **intent: Any) -> list[Draft]:
    """What both kinds draft for a run that replaces these (by default the certificate alone)."""
    wanted = kinds or (KIND,)
    to = tuple(Delivery(kind, "file:x") for kind in wanted)
    view = bench.view(APP, identity=Identity("payments-bot", (bench.resolve(APP).ref,), deliver=to))
    asked = Intent(replace=wanted, **intent)
    return [d for kind in (SECRET, KIND) for d in bench.kinds[kind].draft(view, asked)]


def steps(drafted: list[Draft], does: str) -> list[Step]:
    return [d for d in drafted if isinstance(d, Step) and d.does == does]


def minting(bench: Bench, **intent: Any) -> Step:
    [step] = steps(drafts(bench, **intent), f"{KIND}/create")
    return step


def standing(thing: Directory) -> dict[str, tuple[str, str, Any, Any]]:
    """Every key that is there, whole."""
    return {k.key_id: (k.certificate, k.usage, k.start, k.end) for k in thing.keys.values() if k.there.shown}


def test_an_end_by_a_read_that_lags_does_not_lose_the_new_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts entra.md 2 ("Consistency"): the old one is retired by a list that never heard of the new one."""
    path, query = f"/applications/{bench.scene.application.id}", {"$select": "id,keyCredentials"}
    drafted = drafts(bench)
    good, lagging = bench.conn.get, [bench.conn.get(path, "", **query)]
    [made] = steps(drafted, f"{KIND}/create")
    [retire] = [s for s in steps(drafted, f"{KIND}/retire") if s.before["object"] == bench.scene.application.id]
    new = bench.do(replace(made, id="mint")).left["id"].rpartition("/")[2]

    def read(asked: str, needs: str, **more: Any) -> Any:
        return lagging.pop() if lagging and (asked, more) == (path, query) else good(asked, needs, **more)

    monkeypatch.setattr(bench.conn, "get", read)
    assert isinstance(bench.do(retire), Done)
    assert set(standing(bench.scene.application)) == {new}


def test_one_is_added_and_every_other_stays_as_it_was(bench: Bench) -> None:
    with bench.tenant.lock:
        plant_keys.add_key(bench.tenant, bench.scene.application, "other", START)
        plant_keys.add_key(bench.tenant, bench.scene.application, "sso", START, "Sign")
    before, beside = standing(bench.scene.application), standing(bench.principal)
    step = minting(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    after = standing(bench.scene.application)
    [key] = set(after) - set(before)
    assert {k: v for k, v in after.items() if k != key} == before
    assert standing(bench.principal) == beside
    assert bench.writes() == [PATCH]
    assert change.left["id"] == f"{KIND}/{bench.scene.application.id}/{key}"
    assert secret.public == {
        "client_id": bench.principal.app_id, "tenant_id": bench.conn.scope, "key_id": key,
        "thumbprint": bench.scene.application.keys[key].thumbprint,
    }  # fmt: skip
    assert bench.scene.application.keys[key].name == f"{NAME}{bench.run.id}"
    assert bench.seen(step) == change.left
    assert "leaves" not in change.left


def test_what_is_handed_over_is_a_key_and_its_certificate(bench: Bench) -> None:
    step = minting(bench)
    change = bench.do(step)
    secret = bench.run.take(step.id)
    private = load_pem_private_key(secret.reveal().encode(), None)
    certificate = x509.load_pem_x509_certificate(secret.reveal().partition("-----END PRIVATE KEY-----")[2].encode())
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.key_size == 3072
    assert certificate.public_key() == private.public_key()
    assert certificate.not_valid_before_utc <= START
    assert timedelta(days=364) < certificate.not_valid_after_utc - START <= LASTS
    line = secret.reveal().splitlines()[5]
    assert line not in repr(change)
    assert line not in repr(secret)
    assert line not in repr(list(bench.sandbox.calls())) + repr(bench.run.lefts)
    assert "PRIVATE" not in repr(new_pair("x", START, START + LASTS))


def test_proven_by_three_tokens_in_a_row(bench: Bench) -> None:
    bench.sandbox.lag(20, 0)
    step = minting(bench)
    bench.do(step)
    secret, doer = bench.run.take(step.id), bench.doer(step.does)
    for _ in range(3):
        proven = doer.opens(bench.conn, step, secret)
        assert proven.proof is Proof.UNPROVEN
        assert "AADSTS700027" in proven.how
    bench.sandbox.advance(21)
    with bench.tenant.lock:
        before = len(bench.tenant.sign_ins)
    proven = doer.opens(bench.conn, step, secret)
    assert proven.proof is Proof.ENFORCED
    new = bench.tenant.sign_ins[before:]
    assert [(s.by, s.key) for s in new] == [("certificate", secret.public["key_id"])] * 3


def test_what_holds_no_key_is_unproven(bench: Bench) -> None:
    step = minting(bench)
    proven = bench.doer(step.does).opens(bench.conn, step, Secret("x", field="f", public={"client_id": "c"}))
    assert proven.proof is Proof.UNPROVEN


# -- lost answers, races -------------------------------------------------------------------------------------------


def test_a_lost_answer_is_resolved_by_difference(bench: Bench) -> None:
    """This process holds the key: what was added is ours, and is kept."""
    before = standing(bench.scene.application)
    step = minting(bench)
    bench.sandbox.fault(PATCH, "lost")
    assert isinstance(bench.do(step), Done)
    assert len(standing(bench.scene.application)) == len(before) + 1
    assert bench.writes() == [PATCH]
    assert bench.run.holds(step.id)


def test_a_request_that_never_arrived_leaves_nothing(bench: Bench) -> None:
    before = standing(bench.scene.application)
    step = minting(bench)
    bench.sandbox.fault(PATCH, "timeout")
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert standing(bench.scene.application) == before
    assert bench.doer(step.does).orphans(bench.conn, step) == []
    assert not bench.run.holds(step.id)


def test_what_cannot_be_read_again_is_in_doubt_and_its_orphan_is_destroyed(bench: Bench) -> None:
    before = standing(bench.scene.application)
    step = minting(bench)
    bench.sandbox.fault("GET /v1.0/applications/<one>", "denied", after=1)
    with pytest.raises(NoAnswer, match="could not be read"):
        bench.do(step)
    doer = bench.doer(step.does)
    with bench.tenant.lock:
        plant_keys.add_key(bench.tenant, bench.scene.application, "somebody", START)
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Already)
    left = standing(bench.scene.application)
    assert before.items() <= left.items()
    assert [bench.scene.application.keys[k].name for k in left if k not in before] == ["CN=somebody"]


def test_what_is_gone_besides_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    step = minting(bench)
    [old] = bench.scene.application.keys.values()
    good = bench.conn.send

    def raced(*arguments: Any, **more: Any) -> Any:
        answer = good(*arguments, **more)
        old.there.set(False, START, 0)
        return answer

    monkeypatch.setattr(bench.conn, "send", raced)
    change = bench.do(step)
    assert isinstance(change, Done)
    assert old.key_id in change.left["leaves"]


def test_undo_removes_it_and_nothing_else(bench: Bench) -> None:
    before = standing(bench.scene.application)
    step = minting(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None
    assert standing(bench.scene.application) == before
    assert isinstance(bench.undo(step), Already)


# -- what is drafted -----------------------------------------------------------------------------------------------


def test_never_beside_a_removal_from_the_same_list(bench: Bench) -> None:
    drafted = drafts(bench)
    locks = {d.lock for d in drafted if isinstance(d, Step) and d.does.startswith(KIND)}
    assert locks == {f"{bench.scene.application.id}:keys"}
    retired = [*steps(drafted, f"{KIND}/retire"), *steps(drafted, f"{SECRET}/retire")]
    assert len(retired) == 3, "one certificate, two secrets: the brake held them"
    assert all(s.phase is Phase.MINT for s in retired)


def test_each_kind_has_its_own_delivery(bench: Bench) -> None:
    both = drafts(bench, KIND, SECRET)
    assert len(steps(both, f"{KIND}/create")) == len(steps(both, f"{SECRET}/create")) == 1
    one = drafts(bench, SECRET)
    assert steps(one, f"{KIND}/create") == []
    assert len(steps(drafts(bench), f"{KIND}/create")) == 1


def test_where_nobody_may_add_a_secret_a_certificate_takes_its_place(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.scene.application.keys.clear()
        bench.tenant.policy.enabled, bench.tenant.policy.secrets = True, [Restriction("passwordAddition")]
    both = drafts(bench, KIND, SECRET)
    assert len(steps(both, f"{KIND}/create")) == 1
    assert steps(both, f"{SECRET}/create") == []
    assert any(isinstance(d, Manual) and "deliver a certificate instead" in d.what for d in both)
    assert len(steps(both, f"{SECRET}/retire")) == 2, "the brake is released for the certificate"
    assert steps(drafts(bench, order="rollover"), f"{KIND}/create") == [], "a rollover replaces what there is"


@pytest.mark.parametrize(
    ("unseen", "order"), [(SECRET, "contain"), (KIND, "contain"), (TRUST, "contain"), (KIND, "rollover")]
)
def test_what_nobody_saw_is_not_freed_for_it(bench: Bench, unseen: str, order: Literal["contain", "rollover"]) -> None:
    """In a containment the brake would be released over it; a rollover ends what it replaces alone."""
    identity = Identity("payments-bot", (bench.resolve(APP).ref,), deliver=(Delivery(KIND, "file:x"),))
    seen = bench.view(APP, identity=identity)
    blind = (*seen.blind, BlindSpot(seen.who.ref, unseen, "denied"))
    view = View(seen.who, replace(seen.inventory, blind=blind))
    drafted = list(bench.kinds[KIND].draft(view, Intent(replace=(KIND,), order=order)))
    assert steps(drafted, f"{KIND}/create") == []
    assert any(isinstance(d, Manual) and "could not be listed" in d.what for d in drafted)


def test_a_shorter_lifetime_is_obeyed_and_told(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.tenant.policy.enabled = True
        bench.tenant.policy.keys = [Restriction("asymmetricKeyLifetime", lasts=timedelta(days=30))]
    step = minting(bench)
    assert "allows 30 days at most" in step.says
    assert isinstance(bench.do(step), Done), "the sandbox refuses what lasts longer"
    made = bench.scene.application.keys[bench.run.take(step.id).public["key_id"]]
    assert timedelta(days=29) < made.end - made.start <= timedelta(days=30)


def test_what_lasts_too_long_is_refused_and_nothing_is_changed(bench: Bench) -> None:
    """What the sandbox does."""
    step, before = minting(bench), standing(bench.scene.application)
    with bench.tenant.lock:
        bench.tenant.policy.enabled = True
        bench.tenant.policy.keys = [Restriction("asymmetricKeyLifetime", lasts=timedelta(days=30))]
    with pytest.raises(Rejected):
        bench.do(step)
    assert standing(bench.scene.application) == before


def test_a_restriction_that_is_not_known_is_told(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.tenant.policy.enabled = True
        bench.tenant.policy.keys = [Restriction("trustedCertificateAuthority")]
    drafted = drafts(bench)
    assert len(steps(drafted, f"{KIND}/create")) == 1
    assert any(isinstance(d, Notice) and "of a new sort" in d.says for d in drafted)


def test_a_survivor_that_was_changed_would_be_refused(bench: Bench) -> None:
    """What the sandbox does (facts entra.md 5, 6): a known keyId is sent back as it is, or not at all."""
    application = bench.scene.application
    before = standing(application)
    rows = bench.conn.get(f"/applications/{application.id}", "x", **{"$select": "id,keyCredentials"})["keyCredentials"]
    changed = [{**row, "endDateTime": "2030-01-01T00:00:00Z"} for row in rows]
    with pytest.raises(Rejected):
        bench.conn.send("PATCH", f"/applications/{application.id}", "x", {"keyCredentials": changed}, again=False)
    assert standing(application) == before
