"""Client secrets on both objects (facts entra.md 8: 1, 6, 17, 20, 29, 30)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.identity import Delivery, Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider import text as formatted
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.kind import View
from nhi_revoke_entra.sandbox import plant_keys, seed
from nhi_revoke_entra.sandbox.state import Directory

from .conftest import APP, START, Bench

KIND = "entra:client-secret"
ADD = "POST /v1.0/applications/<one>/addPassword"


def rows(bench: Bench) -> dict[str, str]:
    return {a.label: a.state for a in bench.accesses(APP, KIND).values()}


def replacing(bench: Bench, name: str) -> list[Draft]:
    """What the kind drafts for a run that replaces."""
    identity = Identity("payments-bot", (bench.resolve(name).ref,), deliver=(Delivery(KIND, "file:x"),))
    return list(bench.kinds[KIND].draft(bench.view(name, identity=identity), Intent(replace=(KIND,))))


def minting(bench: Bench) -> Step:
    """The step that mints, of a run that replaces."""
    [step] = [d for d in replacing(bench, APP) if isinstance(d, Step) and d.does == f"{KIND}/create"]
    return step


def test_retired_only_once_the_new_one_is_made(bench: Bench) -> None:
    retired = [d for d in replacing(bench, APP) if isinstance(d, Step) and d.does == f"{KIND}/retire"]
    assert len(retired) == 2
    assert all(s.phase is Phase.MINT and not s.reversible for s in retired)
    assert bench.doer(f"{KIND}/retire").needs == (f"{KIND}/create", "entra:certificate/create")


def test_both_objects_are_listed(bench: Bench) -> None:
    states = rows(bench)
    assert states["client secret production on the application"] == "live"
    assert states["client secret last year on the application"] == "expired"
    assert sum("on the service principal" in label for label in states) == 1
    hidden = next(a for a in bench.accesses(APP, KIND).values() if "on the service principal" in a.label)
    assert "does not show it" in hidden.note


def dressed(bench: Bench, thing: Directory, usage: str) -> str:
    """A secret, and a key that was given its id: whoever may write keyCredentials chooses ids. Its access id."""
    with bench.tenant.lock:
        made = seed.add_password(bench.tenant, thing, START, "dressed")
        key, _ = plant_keys.add_key(bench.tenant, thing, "dressed", START, usage)
        thing.keys[made.key_id] = thing.keys.pop(key.key_id)
        key.key_id = made.key_id
    return f"{KIND}/{thing.id}/{made.key_id}"


@pytest.mark.parametrize(("on", "usage"), [("principal", "Encrypt"), ("application", "Sign")])
def test_a_key_of_its_id_that_signs_no_single_sign_on_keeps_no_secret(bench: Bench, on: str, usage: str) -> None:
    """Facts entra.md 1, row 6: a signing key's password has its id. An intruder gives it to a key of another use."""
    access = dressed(bench, bench.principal if on == "principal" else bench.scene.application, usage)
    assert bench.accesses(APP, KIND)[access].opens
    ended = {e for s in bench.steps(APP, brake="off") if s.does == f"{KIND}/remove" for e in s.ends}
    assert access in ended


def test_the_password_of_a_signing_key_is_kept_and_said_to_be_taken_for_one(bench: Bench) -> None:
    """To remove it breaks single sign-on; that it is one nobody here can prove."""
    access = dressed(bench, bench.principal, "Sign")
    assert not bench.accesses(APP, KIND)[access].opens
    drafts = bench.draft(APP, brake="off")
    assert access not in {e for d in drafts if isinstance(d, Step) for e in d.ends}
    [said] = [d for d in drafts if isinstance(d, Notice) and "client secret dressed" in d.says]
    assert said.level == "warning"
    assert "remove it by hand" in said.says
    rotation = bench.draft(APP, order="rollover")
    assert not [d for d in rotation if isinstance(d, Notice) and "client secret dressed" in d.says]


def test_one_that_begins_later_counts_as_live(bench: Bench) -> None:
    with bench.tenant.lock:
        made = seed.add_password(bench.tenant, bench.scene.application, START + timedelta(days=2), "sleeper")
    [access] = [a for a in bench.accesses(APP, KIND).values() if made.key_id in a.id]
    assert access.state == "live"
    assert "works only from" in access.note


def test_seven_digits_after_the_second_are_read(bench: Bench) -> None:
    """Facts entra.md 8, 34."""
    for access in bench.accesses(APP, KIND).values():
        assert access.created is not None
        assert access.expires is not None


def test_no_value_and_no_hint_is_kept(bench: Bench) -> None:
    told = repr(bench.collect(APP, KIND))
    for password in (*bench.scene.application.passwords.values(), *bench.principal.passwords.values()):
        assert password.value not in told
        assert f"'{password.value[:3]}'" not in told


def test_a_password_of_a_signing_key_is_no_way_in(bench: Bench) -> None:
    """Facts entra.md 1, row 6."""
    with bench.tenant.lock:
        key = next(k for k in bench.principal.keys.values() if k.usage == "Sign")
        made = seed.add_password(bench.tenant, bench.principal, START, "")
        del bench.principal.passwords[made.key_id]
        made.key_id = key.key_id
        bench.principal.passwords[key.key_id] = made
    [access] = [a for a in bench.accesses(APP, KIND).values() if key.key_id in a.id]
    assert not access.opens
    assert access.id not in {a for s in bench.steps(APP, brake="off") for a in s.ends}


@pytest.mark.parametrize("brake", ["off", "auto"])
def test_removed_at_once_only_where_no_brake_holds_it(bench: Bench, brake: str) -> None:
    steps = [s for s in bench.steps(APP, brake=brake) if s.does == f"{KIND}/remove"]
    if brake == "auto":
        assert not steps
        [cut] = [s for s in bench.steps(APP, brake=brake) if s.brake]
        assert sum(a.startswith(KIND) for a in cut.ends) == 2
        return
    assert len(steps) == 2
    assert not any(s.reversible for s in steps)
    for step in steps:
        assert isinstance(bench.do(step), Done)
        assert bench.seen(step)
    assert {"client-secret": False, "hidden-secret": False}.items() <= bench.doors().items()
    assert bench.doors()["certificate"], "nothing else was ended"
    for step in steps:
        assert isinstance(bench.do(step), Already)


def test_removed_by_somebody_else_is_already(bench: Bench) -> None:
    [step] = [s for s in bench.steps(APP, brake="off") if "production" in s.says]
    bench.sandbox.meddle("delete-secret")
    change = bench.do(step)
    assert isinstance(change, Already)
    assert change.left["state"] == "gone"


def test_a_lost_answer_is_found_out(bench: Bench) -> None:
    [step] = [s for s in bench.steps(APP, brake="off") if "production" in s.says]
    bench.sandbox.fault("POST /v1.0/applications/<one>/removePassword", "lost")
    assert isinstance(bench.do(step), Already), "asked again: the second answer says that there is none"
    assert bench.seen(step)


def test_an_app_of_other_tenants_is_not_held_by_a_brake_here(bench: Bench) -> None:
    """Facts entra.md 8, 9: its own credentials work there, too."""
    with bench.tenant.lock:
        bench.scene.application.audience = bench.principal.audience = "AzureADMultipleOrgs"
    drafts = bench.draft(APP)
    removed = [d for d in drafts if isinstance(d, Step) and d.does == f"{KIND}/remove"]
    assert ["production" in d.says for d in removed] == [True]
    [cut] = [d for d in drafts if isinstance(d, Step) and d.does == "entra:service-principal/disable"]
    assert [a.rpartition("/")[0] for a in cut.ends if a.startswith(KIND)] == [f"{KIND}/{bench.principal.id}"]
    assert any(isinstance(d, Manual) and "other tenants" in d.what for d in drafts)


def test_scope_leaves_it_enabled_and_removes_keys_alone(bench: Bench) -> None:
    steps = bench.steps(APP, scope="keys")
    assert not any(s.brake for s in steps)
    kinds = {s.does.partition("/")[0] for s in steps}
    assert kinds == {KIND, "entra:certificate", "entra:federated-credential"}
    assert bench.steps(APP, scope="sessions") == []


def test_a_new_secret_is_made_handed_over_and_proven(bench: Bench) -> None:
    step = minting(bench)
    change = bench.do(step)
    assert isinstance(change, Done)
    secret = bench.run.take(step.id)
    assert secret.field == "client_secret"
    assert secret.public["client_id"] == bench.principal.app_id
    made = bench.scene.application.passwords[secret.public["key_id"]]
    assert made.value == secret.reveal()
    assert made.name == f"nhi-revoke {bench.run.id}"
    assert made.end - START < timedelta(days=181)
    assert secret.reveal() not in repr(change)
    assert bench.seen(step)
    proven = bench.doer(step.does).opens(bench.conn, step, secret)
    assert proven.proof is Proof.ENFORCED


def test_one_lucky_answer_is_no_proof(bench: Bench) -> None:
    """Facts entra.md 8, 19: success, failure, success while it is replicated."""
    bench.sandbox.lag(20, 0)
    step = minting(bench)
    bench.do(step)
    secret, doer = bench.run.take(step.id), bench.doer(step.does)
    for _ in range(3):
        proven = doer.opens(bench.conn, step, secret)
        assert proven.proof is Proof.UNPROVEN
        assert "AADSTS7000215" in proven.how
    bench.sandbox.advance(21)
    assert doer.opens(bench.conn, step, secret).proof is Proof.ENFORCED


def test_a_lost_addpassword_leaves_an_orphan_that_is_found(bench: Bench) -> None:
    """Facts entra.md 8, 20: never asked again blindly."""
    step = minting(bench)
    bench.sandbox.fault(ADD, "lost")
    with pytest.raises(NoAnswer):
        bench.do(step)
    assert bench.writes().count(ADD) == 1
    doer = bench.doer(step.does)
    with bench.tenant.lock:
        seed.add_password(bench.tenant, bench.scene.application, START, "somebody else's, added in this moment")
    [orphan] = doer.orphans(bench.conn, step)
    assert isinstance(doer.destroy(bench.conn, step, orphan), Done)
    assert doer.orphans(bench.conn, step) == []
    assert isinstance(doer.destroy(bench.conn, step, orphan), Already)


def test_undo_of_a_mint_removes_it(bench: Bench) -> None:
    step = minting(bench)
    bench.do(step)
    assert isinstance(bench.undo(step), Done)
    assert bench.seen(step) is None


def test_a_disabled_app_gets_no_secret_that_nobody_could_prove(bench: Bench) -> None:
    with bench.tenant.lock:
        bench.principal.enable(False, START, 0)
    drafts = replacing(bench, APP)
    assert any(isinstance(d, Manual) and "disabled before" in d.what for d in drafts)
    assert not any(isinstance(d, Step) for d in drafts), "the brake holds them, and is not released"


def test_where_secrets_could_not_be_listed_none_is_made(bench: Bench) -> None:
    who = bench.resolve(APP)
    blind = (BlindSpot(who.ref, KIND, "denied"),)
    identity = Identity("x", (who.ref,), deliver=(Delivery(KIND, "file:x"),))
    view = View(who, Inventory(identity=identity, at=START, principals=(who,), accesses=(), blind=blind))
    [said] = bench.kinds[KIND].draft(view, Intent(replace=(KIND,)))
    assert isinstance(said, Manual)
    assert "could not be listed" in said.what


def test_a_vendors_app_gets_no_secret(bench: Bench) -> None:
    with bench.tenant.lock:
        made = seed.new_principal(bench.tenant, "Vendor", START, bench.tenant.new_id(), owner_tenant="a-vendor")
        seed.add_password(bench.tenant, made, START, "")
    name = f"entra:app/{made.app_id}"
    drafts = replacing(bench, name)
    assert any(isinstance(d, Manual) and "another tenant" in d.what for d in drafts)
    assert not any(isinstance(d, Step) and d.phase is Phase.MINT for d in drafts)


def test_as_env_it_has_all_that_a_sign_in_needs(bench: Bench) -> None:
    step = minting(bench)
    bench.do(step)
    secret, [layout] = bench.run.take(step.id), bench.doer(step.does).layouts
    assert formatted.written(None, secret, layout) == (
        f"AZURE_CLIENT_ID={secret.public['client_id']}\nAZURE_TENANT_ID={secret.public['tenant_id']}\n"
        f"AZURE_CLIENT_SECRET={secret.reveal()}\n"
    )
