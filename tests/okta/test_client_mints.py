"""A new client secret: when one is made, how it is handed over and proven, and whole runs under the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.found import Access, BlindSpot, State
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Notice, Phase, Step
from nhi_revoke.provider.fault import NoAnswer, Rejected
from nhi_revoke.provider.kind import View
from nhi_revoke.provider.secret import Secret
from nhi_revoke_okta.access.client_secret import ClientSecrets
from nhi_revoke_okta.sandbox import seed
from nhi_revoke_okta.sandbox.state import App

from .conftest import APP, START, Bench

KIND = "okta:client-secret"
CREATE = "POST /api/v1/apps/<app>/credentials/secrets"
REPLACE: dict[str, Any] = {"replace": (KIND,)}
WHO = Principal(PrincipalRef("okta", "app", "0oa1"), "app", "Payments Bot", "org", "0oa1", "okta:app/Payments Bot")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """These tests are about one kind."""
    bench.kinds = {KIND: ClientSecrets()}
    return bench


def app_of(bench: Bench) -> App:
    return bench.sandbox.scene.app


def states(app: App) -> dict[str, str]:
    """By id: what Okta shows."""
    return {s.id: s.status.shown for s in app.secrets.values() if s.status.shown != "GONE"}


def planned(bench: Bench, **intent: Any) -> dict[str, Step]:
    """By the last part of what they do; the mint waits for the rest, as in a plan."""
    steps = {s.does.rpartition("/")[2]: s for s in bench.steps(APP, **REPLACE, **intent)}
    others = tuple(s.id for name, s in steps.items() if name != "create")
    if "create" in steps:
        steps["create"] = msgspec.structs.replace(steps["create"], after=others)
    return steps


# -- when one is made, as a table --------------------------------------------------------------------------------------


def secret(name: str, state: State = "live", day: int = 1) -> Access:
    status = "ACTIVE" if state == "live" else "INACTIVE"
    created = START.replace(month=1, day=day)
    before = {"status": status}
    return Access(f"{KIND}/0oa1/{name}", WHO.ref, KIND, "secret", state, created=created, before=before)


def drafted(secrets: Sequence[Access], blind: Sequence[BlindSpot] = (), deliver: Any = (), **intent: Any) -> list[Any]:
    identity = Identity("bot", (WHO.ref,), deliver=deliver)
    inventory = Inventory(identity, START, (WHO,), tuple(secrets), blind=tuple(blind))
    return list(ClientSecrets().draft(View(WHO, inventory), Intent(**{**REPLACE, **intent})))


def told(drafts: list[Any]) -> list[str]:
    """What is done to which, in order."""
    out = []
    for d in drafts:
        if isinstance(d, Manual):
            out.append("manual")
        elif isinstance(d, Step):
            out.append(" ".join([d.does.rpartition("/")[2], *(a.rpartition("/")[2] for a in d.ends)]))
    return out


@pytest.mark.parametrize(
    ("secrets", "intent", "expected"),
    [
        ([], {}, []),
        ([secret("A")], {}, ["replace A", "create"]),
        ([secret("A")], {"order": "rollover"}, ["deactivate A", "create"]),
        ([secret("A")], {"order": "rollover", "replace": ()}, ["replace A"]),
        ([secret("A"), secret("B", "disabled")], {}, ["deactivate A", "delete B", "create"]),
        ([secret("A", "disabled", 2), secret("B", "disabled", 1)], {}, ["delete B", "create"]),
        ([secret("A", "disabled")], {}, ["create"]),
        ([secret("A"), secret("B")], {}, ["deactivate A", "deactivate B", "manual"]),
        (
            [secret("A"), secret("B")],
            {"free_slot": (f"{KIND}/0oa1/B",)},
            ["deactivate A", "deactivate B", "delete B", "create"],
        ),
        ([secret("A"), secret("B")], {"free_slot": ("other",)}, ["deactivate A", "deactivate B", "manual"]),
        ([secret("A"), secret("B")], {"scope": f"{KIND}/0oa1/A"}, ["deactivate A", "manual"]),
        ([secret("A")], {"rotate": "no"}, ["replace A"]),
        ([secret("A")], {"reason": Reason.OFFBOARDING}, ["replace A"]),
        ([secret("A")], {"replace": ()}, ["replace A"]),
        ([secret("A")], {"scope": "sessions"}, []),
    ],
)
def test_two_slots(secrets: list[Access], intent: dict[str, Any], expected: list[str]) -> None:
    drafts = drafted(secrets, **intent)
    assert told(drafts) == expected
    deletes = [d for d in drafts if isinstance(d, Step) and d.does.endswith("/delete")]
    assert all(not d.reversible and d.phase is Phase.MINT for d in deletes)


def test_full_slots_say_how_to_go_on() -> None:
    [manual] = [d for d in drafted([secret("A"), secret("B")]) if isinstance(d, Manual)]
    assert f"--free-slot {KIND}/0oa1/A or --free-slot {KIND}/0oa1/B" in manual.what


def test_an_unlisted_app_gets_no_secret_and_the_words_to_read() -> None:
    assert told(drafted([], [BlindSpot(WHO.ref, KIND, "denied")])) == ["manual"]


def test_a_delivery_for_another_principal_mints_nothing_here() -> None:
    other = (Delivery(KIND, "file:/x", "okta:app/other"),)
    assert told(drafted([secret("A")], deliver=other)) == ["replace A"]
    mine = (Delivery(KIND, "file:/x", WHO.typed),)
    assert told(drafted([secret("A")], deliver=mine)) == ["replace A", "create"]


def test_the_plan_says_who_can_read_a_new_secret() -> None:
    says = [d.says for d in drafted([secret("A", "disabled")]) if isinstance(d, Notice)]
    assert len(says) == 1
    assert "okta.apps.read" in says[0]
    assert "private_key_jwt" in says[0]


# -- one mint ----------------------------------------------------------------------------------------------------------


def test_the_throw_away_makes_room_and_the_new_one_goes_to_the_run_alone(bench: Bench) -> None:
    """Facts 1.4, 2: never a third one."""
    steps = planned(bench)
    bench.do(steps["replace"])
    aside = bench.run.left(steps["replace"].id)["throwaway"]
    made = bench.do(steps["create"])
    assert isinstance(made, Done)
    assert aside not in states(app_of(bench))
    assert sorted(states(app_of(bench)).values()) == ["ACTIVE", "INACTIVE"]
    new = bench.run.take(steps["create"].id)
    assert new.field == "client_secret"
    assert new.public == {"client_id": app_of(bench).client_id}
    assert new.reveal() in bench.sandbox.canaries()
    assert new.reveal() not in msgspec.json.encode(made).decode()
    assert bench.seen(steps["create"]) == made.left
    assert bench.seen(steps["replace"]) is not None, "the throw-away that is gone takes nothing back"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_the_new_one_is_proven_by_the_apps_own_method(bench: Bench, method: str) -> None:
    app_of(bench).auth_method = method
    steps = planned(bench)
    bench.do(steps["replace"])
    bench.do(steps["create"])
    secret, create = bench.run.take(steps["create"].id), bench.doer(f"{KIND}/create")
    # The engine proves with a step that has no `before` of its own.
    prove = msgspec.structs.replace(steps["create"], does=f"{KIND}/prove", phase=Phase.PROVE, before={})
    assert create.opens(bench.conn, prove, secret).proof is Proof.ENFORCED
    with bench.org.lock:
        app_of(bench).status.set("INACTIVE", bench.sandbox.now(), 0)
    assert create.opens(bench.conn, prove, secret).proof is Proof.UNPROVEN


def test_no_clear_answer_is_no_proof(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    create, secret = planned(bench)["create"], Secret("x" * 64, field="client_secret", public={"client_id": "c"})

    def unclear(*_: Any) -> None:
        raise Rejected("Okta refused POST /oauth2/v1/introspect (400)", code="invalid_request")

    monkeypatch.setattr(bench.conn, "ask_as", unclear)
    proven = bench.doer(create.does).opens(bench.conn, create, secret)
    assert proven.proof is Proof.UNPROVEN
    assert "no clear answer" in proven.how


def test_a_planted_secret_in_the_slot_is_not_deleted_for_ours(bench: Bench) -> None:
    steps = planned(bench)
    with bench.org.lock:
        planted = seed.add_secret(bench.org, app_of(bench), START)
    bench.do(steps["replace"])
    change = bench.do(steps["create"])
    assert isinstance(change, Failed)
    assert "--free-slot" in change.why
    assert planted.id in states(app_of(bench))


def test_a_named_one_is_deactivated_before_it_makes_room(bench: Bench) -> None:
    """Facts 1.4, 4: in a rollover it is active until then."""
    with bench.org.lock:
        other = seed.add_secret(bench.org, app_of(bench), START)
    named = (f"{KIND}/{app_of(bench).id}/{other.id}",)
    steps = planned(bench, order="rollover", free_slot=named)
    assert isinstance(bench.do(steps["delete"]), Done)
    assert other.id not in states(app_of(bench))
    assert isinstance(bench.do(steps["create"]), Done)


def test_a_lost_create_is_found_by_difference_and_destroyed(bench: Bench) -> None:
    steps = planned(bench)
    bench.do(steps["replace"])
    bench.sandbox.fault(CREATE, "lost")
    with pytest.raises(NoAnswer):
        bench.do(steps["create"])
    create = bench.doer(f"{KIND}/create")
    [orphan] = create.orphans(bench.conn, steps["create"])
    assert isinstance(create.destroy(bench.conn, steps["create"], orphan), Done)
    assert isinstance(create.destroy(bench.conn, steps["create"], orphan), Already)
    assert list(states(app_of(bench)).values()) == ["INACTIVE"]
    assert bench.writes().count(CREATE) == 2, "the throw-away and one secret"


def test_a_new_one_that_became_the_only_one_is_destroyed_all_the_same(bench: Bench) -> None:
    steps = planned(bench)
    bench.do(steps["replace"])
    made = bench.do(steps["create"])
    with bench.org.lock:
        for held in app_of(bench).secrets.values():
            if held.status.shown == "INACTIVE":
                held.status.set("GONE", START, 0)
    assert isinstance(bench.undo(steps["create"]), Done)
    assert made.left["id"].rpartition("/")[2] not in states(app_of(bench))
    assert "ACTIVE" not in states(app_of(bench)).values()


def test_undo_of_the_end_after_a_mint(bench: Bench) -> None:
    steps = planned(bench)
    bench.do(steps["replace"])
    bench.do(steps["create"])
    assert isinstance(bench.undo(steps["replace"]), Done)
    assert list(states(app_of(bench)).values()) == ["ACTIVE", "ACTIVE"]
