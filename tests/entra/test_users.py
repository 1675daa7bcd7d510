"""Service users: disabled, signed out, their passwords and passes (facts entra.md 8: 12, 14; 1, rows 14 and 15)."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.step import Manual, Notice, Phase, Step
from nhi_revoke.provider.fault import Missing
from nhi_revoke_entra.sandbox.plant_user import LOGIN
from nhi_revoke_entra.sandbox.state import User, stamp

from .conftest import START, Bench

NAME = f"entra:user/{LOGIN}"
USER, PASSWORD, PASSES = "entra:user", "entra:user-password", "entra:temporary-access-pass"
SESSION, FACTOR = "entra:user-session", "entra:authentication-method"


def mine(bench: Bench) -> User:
    return bench.scene.users[0]


def open_doors(bench: Bench) -> set[str]:
    return {name for name, is_open in bench.doors().items() if is_open and name.startswith("user-")}


def step_of(bench: Bench, does: str, **intent: str) -> Step:
    [step] = [s for s in bench.steps(NAME, **intent) if s.does == does]
    return step


def test_by_principal_name_and_object_id(bench: Bench) -> None:
    who = bench.resolve(NAME)
    assert str(who.ref) == f"entra:user/{mine(bench).id}"
    assert who.name == LOGIN
    assert bench.resolve(f"entra:user/{mine(bench).id}").ref == who.ref
    assert who.ref in set(bench.provider.find(bench.conn, LOGIN))
    with pytest.raises(Missing, match="no such user"):
        bench.resolve("entra:user/nobody@example.com")


def test_everything_that_lets_in_is_listed(bench: Bench) -> None:
    kinds = {a.kind: a for a in bench.accesses(NAME).values()}
    assert {USER, PASSWORD, PASSES, SESSION, FACTOR, "entra:access-token", "entra:cae-token"} <= set(kinds)
    assert kinds[PASSES].family == "password"
    assert kinds[FACTOR].family == "factor"
    assert "fido2" in kinds[FACTOR].label
    assert kinds[SESSION].id.endswith("/*")


def test_sessions_alone_keep_nobody_out_who_knows_the_password(bench: Bench) -> None:
    """Pitfall 12; what stays is said in red."""
    bench.sandbox.advance(1)  # its sessions began before they are ended
    steps = bench.steps(NAME, scope="sessions")
    assert [s.does for s in steps] == [f"{SESSION}/revoke"]
    assert isinstance(bench.do(steps[0]), Done)
    assert bench.seen(steps[0])
    assert open_doors(bench) == {"user-password", "user-graph-token"}
    said = [d for d in bench.draft(NAME, scope="sessions") if isinstance(d, Notice) and d.level == "danger"]
    assert said


def test_disabled_and_signed_out_nothing_but_tokens_lives(bench: Bench) -> None:
    cut, revoke = step_of(bench, f"{USER}/disable"), step_of(bench, f"{SESSION}/revoke")
    assert cut.phase is Phase.CUT
    assert bench.doer(revoke.does).needs == (f"{USER}/disable",)
    assert {a.partition("/")[0] for a in cut.ends} == {USER, PASSWORD, PASSES}
    for step in (cut, revoke):
        assert bench.seen(step) is None
        assert isinstance(bench.do(step), Done)
        assert bench.seen(step)
    assert isinstance(bench.do(cut), Done), "asked once more it is the same"
    assert isinstance(bench.do(step_of(bench, f"{USER}/disable")), Already), "listed as disabled, it is left as it is"
    assert open_doors(bench) == {"user-graph-token"}
    bench.sandbox.advance(15 * 60 + 1)
    assert open_doors(bench) == set()
    assert bench.doors()["client-secret"], "nothing else was ended"


def test_sessions_are_revoked_again_before_it_is_enabled(bench: Bench) -> None:
    """Else what was issued before may come back."""
    bench.sandbox.advance(1)
    cut = step_of(bench, f"{USER}/disable")
    bench.do(cut)
    release = msgspec.structs.replace(cut, id="r", does=f"{USER}/enable", phase=Phase.RELEASE, replaces=cut.id)
    assert isinstance(bench.do(release), Done)
    assert bench.seen(release)
    assert bench.writes()[-2:] == ["POST /v1.0/users/<one>/revokeSignInSessions", "PATCH /v1.0/users/<one>"]
    assert "user-refresh-token" not in open_doors(bench)
    assert isinstance(bench.do(release), Already)


def test_undo_enables_it_and_only_where_it_was(bench: Bench) -> None:
    cut = step_of(bench, f"{USER}/disable")
    bench.do(cut)
    assert isinstance(bench.undo(cut), Done)
    assert isinstance(bench.undo(cut), Already)
    assert "user-password" in open_doors(bench)
    bench.do(cut)
    bench.run.lefts.clear()
    assert isinstance(bench.undo(cut), Failed)
    with bench.tenant.lock:
        del bench.tenant.users[mine(bench).id]
    assert isinstance(bench.undo(cut), Impossible)


def test_a_new_password_is_nobodys_and_asks_for_no_change(bench: Bench) -> None:
    step = step_of(bench, f"{PASSWORD}/replace", brake="off")
    old = mine(bench).password
    assert bench.seen(step) is None
    change = bench.do(step)
    assert isinstance(change, Done)
    assert bench.seen(step)
    assert mine(bench).password != old
    assert mine(bench).password not in repr(change)
    assert open_doors(bench) == {"user-refresh-token", "user-graph-token"}


def test_a_password_that_was_replaced_without_an_answer_is_seen(bench: Bench) -> None:
    step = step_of(bench, f"{PASSWORD}/replace", brake="off")
    bench.do(step)
    bench.run.lefts.clear()
    assert bench.seen(step)


def test_a_pass_is_deleted_and_no_other_method(bench: Bench) -> None:
    step = step_of(bench, f"{PASSES}/delete", brake="off")
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step)
    assert isinstance(bench.do(step), Already)
    assert [m["@odata.type"].rpartition(".")[2] for m in mine(bench).methods] == [
        "passwordAuthenticationMethod",
        "fido2AuthenticationMethod",
    ]


def test_a_synced_user_is_told_to_be_ended_elsewhere(bench: Bench) -> None:
    with bench.tenant.lock:
        mine(bench).synced = True
    drafts = bench.draft(NAME)
    assert not [d for d in drafts if isinstance(d, Step) and d.does in (f"{USER}/disable", f"{PASSWORD}/replace")]
    told = [d for d in drafts if isinstance(d, Manual)]
    assert any("Active Directory" in d.what for d in told)
    assert [d for d in drafts if isinstance(d, Step) and d.does == f"{SESSION}/revoke"], "sessions are revoked here"


def test_a_guests_sessions_are_its_home_tenants(bench: Bench) -> None:
    with bench.tenant.lock:
        mine(bench).type = "Guest"
    drafts = bench.draft(NAME)
    assert not [d for d in drafts if isinstance(d, Step) and d.does == f"{SESSION}/revoke"]
    assert any(isinstance(d, Manual) and "home tenant" in d.what for d in drafts)


def test_its_directory_roles_are_taken_away(bench: Bench) -> None:
    step = step_of(bench, "entra:directory-role/remove")
    assert isinstance(bench.do(step), Done)
    assert isinstance(bench.undo(step), Done)


def test_no_password_is_told(bench: Bench) -> None:
    assert mine(bench).password not in repr(bench.collect(NAME)) + repr(bench.steps(NAME, brake="off"))


def new_pass(bench: Bench, **more: object) -> str:
    """Somebody made another one; its id."""
    row = {"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "id": bench.tenant.new_id(),
           "isUsable": True, "lifetimeInMinutes": 480, "startDateTime": stamp(START), **more}  # fmt: skip
    with bench.tenant.lock:
        mine(bench).methods.append(row)
    return str(row["id"])


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"isUsable": False, "methodUsabilityReason": "NotYetValid"}, "live"),
        ({"isUsable": False, "methodUsabilityReason": "DisabledByPolicy"}, "live"),
        ({"isUsable": False, "startDateTime": stamp(START + timedelta(days=9))}, "live"),
        ({"isUsable": False, "methodUsabilityReason": "Expired"}, "expired"),
        ({"isUsable": False, "methodUsabilityReason": "OneTimeUsed"}, "expired"),
        ({"isUsable": False, "startDateTime": stamp(START - timedelta(days=9))}, "expired"),
    ],
)
def test_a_pass_that_is_not_usable_yet_is_none_that_has_expired(
    bench: Bench, told: dict[str, object], state: str
) -> None:
    """Docs: temporaryaccesspassauthenticationmethod (methodUsabilityReason): an intruder's own may begin in a week."""
    access = f"{PASSES}/{mine(bench).id}/{new_pass(bench, **told)}"
    found = bench.accesses(NAME, PASSES)[access]
    assert found.state == state
    ended = {e for s in bench.steps(NAME, brake="off") if s.does == f"{PASSES}/delete" for e in s.ends}
    assert (access in ended) is (state == "live")


def test_a_pass_that_was_made_while_it_was_disabled_keeps_it_so(bench: Bench) -> None:
    cut = step_of(bench, f"{USER}/disable")
    bench.do(cut)
    release = msgspec.structs.replace(cut, id="r", does=f"{USER}/enable", phase=Phase.RELEASE, replaces=cut.id)
    late = new_pass(bench)
    refused = bench.do(release)
    assert isinstance(refused, Failed)
    assert f"temporary access pass {late} was made since the plan was" in refused.why
    assert bench.writes() == ["PATCH /v1.0/users/<one>"], "it was disabled, and nothing else was done"
    with bench.tenant.lock:
        mine(bench).methods[-1] |= {"isUsable": False, "methodUsabilityReason": "OneTimeUsed"}
    assert isinstance(bench.do(release), Done)
