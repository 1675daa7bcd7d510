"""Ending one session only: what the plan says of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.kind import View
from nhi_revoke_aws.brake import RIGHTS

from .conftest import USER, WORKER, Bench
from .narrowed import narrowed
from .one_session_bench import ACCOUNT, FEDERATED, NIGHTLY, ROLE, role_policies, step


@pytest.fixture
def bench(bench: Bench) -> Bench:
    return narrowed(bench)


def seen_in_logs(bench: Bench, key: str, who: str = WORKER, **before: Any) -> Access:
    """As lineage tells a session."""
    on = bench.resolve(who)
    kind = "aws:role-session" if on.kind == "role" else "aws:user-session"
    parent = before.pop("parent", f"aws:access-key/{bench.sandbox.loot().key.key_id}")
    label = f"session {before.get('session') or key} of {on.name}"
    return Access(f"{kind}/{key}", on.ref, kind, "session", "live", label=label, parent=parent, door=key, before=before)


def drafted(bench: Bench, scope: str, *logs: Access, who: str = WORKER, **intent: Any) -> list[Draft]:
    """What the session kind drafts where the logs showed these."""
    view = bench.view(who)
    inventory = msgspec.structs.replace(view.inventory, accesses=(*view.inventory.accesses, *logs))
    kind = bench.kinds["aws:role-session" if view.who.kind == "role" else "aws:user-session"]
    return list(kind.draft(View(view.who, inventory), Intent(scope=scope, **intent)))


# -- what the plan says --------------------------------------------------------------------------------------------


def test_the_plan_says_that_another_name_is_free_to_take(bench: Bench) -> None:
    [said] = [d for d in drafted(bench, NIGHTLY) if isinstance(d, Notice)]
    assert said.level == "danger"
    assert "whoever may assume role payments-worker can begin another session under another name at once" in said.says
    assert f"--scope {ROLE}/* ends all of them" in said.says
    [said] = [d for d in drafted(bench, FEDERATED, who=USER) if isinstance(d, Notice)]
    assert "whoever holds a key of user payments-bot can begin another session" in said.says


def test_it_ends_all_that_carries_the_name_and_names_it(bench: Bench) -> None:
    logs = (
        seen_in_logs(bench, "ASIA1", session="nightly"),
        seen_in_logs(bench, "ASIA2", session="nightly"),
        seen_in_logs(bench, "ASIA3", session="daily"),
        msgspec.structs.replace(seen_in_logs(bench, "ASIA4", session="nightly"), state="expired"),
        seen_in_logs(bench, "ASIA5"),
    )
    for scope, others in (
        (NIGHTLY, {"aws:role-session/ASIA1", "aws:role-session/ASIA2"}),
        ("aws:role-session/ASIA1", {"aws:role-session/ASIA2"}),
    ):
        drafts = drafted(bench, scope, *logs)
        [one] = [d for d in drafts if isinstance(d, Step)]
        assert one.ends == ("aws:role-session/ASIA1", "aws:role-session/ASIA2")
        assert one.to == f"aws:userid={bench.resolve(WORKER).unique_id}:nightly"
        [told] = [d for d in drafts if isinstance(d, Notice) and "which end, too" in d.says]
        assert told.says.count("session nightly of payments-worker") == len(others)
    drafts = drafted(bench, "aws:role-session/ASIA3", *logs)
    assert not [d for d in drafts if isinstance(d, Notice) and "which end, too" in d.says]


def test_a_session_and_those_begun_with_it(bench: Bench) -> None:
    """`--scope` of a session means its children, too: each by its own name."""
    logs = (
        seen_in_logs(bench, "ASIA1", session="nightly"),
        seen_in_logs(bench, "ASIA2", session="again", parent="aws:role-session/ASIA1"),
    )
    found = [d for d in drafted(bench, "aws:role-session/ASIA1", *logs) if isinstance(d, Step)]
    assert [s.ends for s in found] == [("aws:role-session/ASIA1",), ("aws:role-session/ASIA2",)]
    assert {s.does for s in found} == {"aws:role-session/deny-session"}


def test_without_logs_it_works_by_name_alone(bench: Bench) -> None:
    one = step(bench, NIGHTLY)
    assert one.ends == ()
    assert bench.do(one).left["only"] == {"session": "nightly"}


@pytest.mark.parametrize("wrong", ["night*", "n", "${aws:username}", "source-identity=*"])
def test_what_no_session_is_called_is_by_hand(bench: Bench, wrong: str) -> None:
    [draft] = drafted(bench, f"{ROLE}/{wrong}")
    assert isinstance(draft, Manual)
    assert draft.what.startswith("nothing is denied")
    [draft] = drafted(bench, f"aws:user-session/{ACCOUNT}/payments-bot/nightly", who=USER)
    assert isinstance(draft, Manual)
    assert "federated:NAME" in draft.what


def test_a_session_that_has_no_name_is_by_hand(bench: Bench) -> None:
    """GetSessionToken: AWS has no condition that tells it from the user's other sessions."""
    token = seen_in_logs(bench, "ASIA1", USER)
    [draft] = drafted(bench, token.id, token, who=USER)
    assert isinstance(draft, Manual)
    assert draft.ends == (token.id,)
    assert "no condition that tells it" in draft.what
    assert f"--scope aws:user-session/{ACCOUNT}/payments-bot/*" in draft.what
    nameless = seen_in_logs(bench, "ASIA2")
    [draft] = drafted(bench, nameless.id, nameless)
    assert isinstance(draft, Manual)
    assert "the logs do not tell its session name" in draft.what


def test_a_key_id_that_nothing_shows_is_by_hand_with_the_way_to_name_it(bench: Bench) -> None:
    [draft] = drafted(bench, "aws:role-session/ASIA1")
    assert isinstance(draft, Manual)
    assert f"--scope {ROLE}/SESSION-NAME" in draft.what
    assert not drafted(bench, "aws:role-session/ASIA1", who=USER), "no session of a user"
    elsewhere = msgspec.structs.replace(seen_in_logs(bench, "ASIA1", session="x"), on=bench.resolve(USER).ref)
    assert not drafted(bench, "aws:role-session/ASIA1", elsewhere), "it is known, and of another principal"


def test_a_session_of_another_role_is_not_ours_to_end(bench: Bench) -> None:
    assert not drafted(bench, f"aws:role-session/{ACCOUNT}/payments-ledger/nightly")
    assert not drafted(bench, NIGHTLY, who=USER)


def test_the_standing_access_is_cut_where_the_scope_means_all_of_them(bench: Bench) -> None:
    logs = (seen_in_logs(bench, "ASIA1", session="nightly"),)
    found = [d for d in drafted(bench, f"{ROLE}/*", *logs) if isinstance(d, Step)]
    assert [s.does for s in found] == ["aws:role-session/deny-older"] * 2
    key = f"aws:access-key/{bench.sandbox.loot().key.key_id}"
    found = [d for d in drafted(bench, key, *logs) if isinstance(d, Step)]
    assert [s.does for s in found] == ["aws:role-session/deny-older"] * 2, "sessions of a key have no name in common"


def test_a_brake_is_not_put_on_for_one_session_and_that_is_said(bench: Bench) -> None:
    who = bench.resolve(WORKER).ref
    rights = Access(
        "aws:iam-rights/x", who, RIGHTS, "grant", "live", before={"actions": ["iam:PutRolePolicy"]}, opens=False
    )
    drafts = drafted(bench, NIGHTLY, rights)
    [one] = [d for d in drafts if isinstance(d, Step)]
    assert not one.brake
    assert any("iam:PutRolePolicy" in d.says for d in drafts if isinstance(d, Notice) and d.level == "danger")
    drafts = drafted(bench, NIGHTLY, brake="on")
    assert not any(d.brake for d in drafts if isinstance(d, Step))
    assert any("--brake on stops nothing" in d.says for d in drafts if isinstance(d, Notice))


def test_a_plan_that_was_changed_by_hand_changes_nothing(bench: Bench) -> None:
    from nhi_revoke.provider.fault import Rejected

    before = role_policies(bench)
    with pytest.raises(Rejected, match="names no session"):
        bench.do(msgspec.structs.replace(step(bench, NIGHTLY), to="aws:username=x"))
    assert role_policies(bench) == before


def test_it_is_declared_with_what_it_needs(bench: Bench) -> None:
    for key in ("aws:role-session/deny-session", "aws:user-session/deny-session"):
        doer = bench.doer(key)
        assert doer.phase is Phase.CUT
        assert {f"iam:Put{w}Policy" for w in ("Role", "User")} & set(doer.permissions)
        assert "another name" in doer.survives
