"""`--scope` of one session: the thief's ends, the workload's others go on, and the report claims no more than that."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.config.load import load_config
from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.event import Event, HoldEvent, WaitEvent
from nhi_revoke.engine.service import Consent, Engine
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_aws import provider as aws_provider
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from tests.incident.conftest import BOT, USER_REF, WORKER, WORKER_REF, YES, Incident

ROLE = f"aws:role-session/{ACCOUNT}/{WORKER}"
NIGHTLY = ("--scope", f"{ROLE}/nightly")
GUEST = ("--scope", f"aws:user-session/{ACCOUNT}/{BOT}/federated:{BOT}")
OURS = "NHIRevoke-session-nightly"
NO_ROTATION = (*YES, "--rotate", "no", "-o", "json")
TWELVE_HOURS = 12 * 3600 + 120


def begin(incident: Incident, name: str) -> Held:
    """The workload assumes its role with its own key, as it does every day."""
    sts = incident.aws.client("sts", incident.aws.loot().key)
    got = sts.assume_role(RoleArn=WORKER_REF.removeprefix("aws:"), RoleSessionName=name)["Credentials"]
    return Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def works(incident: Incident, held: Held) -> bool:
    s3 = incident.aws.client("s3", held)
    try:
        s3.list_buckets()
    except s3.exceptions.ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def children(ran_data: dict[str, Any]) -> dict[str, str]:
    """Fate of each session of the worker role that the logs show, by its name."""
    found: dict[str, str] = {}
    for outcome in ran_data["outcomes"]:
        access = outcome["access"]
        if access["id"].startswith("aws:role-session/ASIA") and "session" in access["before"]:
            found[access["before"]["session"]] = outcome["fate"]
    return found


def test_the_thiefs_session_ends_and_the_workloads_go_on(incident: Incident) -> None:
    running = begin(incident, "daily")
    incident.aws.advance(400)
    incident.settled()
    before, doors_before = incident.inline(WORKER, role=True), incident.doors()
    user_before = incident.now().users[BOT]
    assert doors_before["assume-role"], "this test proves nothing if the door is shut"
    incident.aws.forget_calls()
    ran = incident("revoke", BOT, *NIGHTLY, *NO_ROTATION)

    assert incident.mutations == ["iam:PutRolePolicy"]
    doors = incident.doors()
    assert {d for d, is_open in doors_before.items() if is_open} - {d for d, is_open in doors.items() if is_open} == {
        "assume-role"
    }
    assert works(incident, running)
    assert works(incident, begin(incident, "tomorrow"))
    assert not works(incident, begin(incident, "nightly"))
    after = incident.inline(WORKER, role=True)
    assert after.pop(OURS)
    assert after == before
    assert incident.now().users[BOT] == user_before

    [done] = ran.data["steps"]
    assert (done["does"], done["result"], done["proof"]) == ("aws:role-session/deny-session", "done", "simulated")
    assert children(ran.data) == {"nightly": "ended", "daily": "left"}
    assert ran.fate(f"role-session/{ACCOUNT}/{WORKER}/*") == "left"
    assert ran.fate(incident.leaked) == "left"
    assert (ran.code, ran.data["headline"]) == (8, "NOT PROVEN OUT")
    said = [n["says"] for n in ran.data["notices"]]
    assert any("begin another session under another name at once" in s for s in said)
    assert any(s.endswith(f"every session of role {WORKER} working, but for what it names") for s in said)


def test_the_plan_changes_nothing_and_says_what_breaks(incident: Incident) -> None:
    screen = incident("plan", BOT, *NIGHTLY)
    assert "every session of this role named nightly, the workload's too" in screen.words
    assert f"deny every session of role {WORKER} named nightly" in screen.words
    assert incident.mutations == []


def test_a_saved_plan_is_applied(incident: Incident) -> None:
    incident("plan", BOT, *NIGHTLY, "--save", "plan.json")
    ran = incident("apply", "plan.json", "-o", "json")
    assert incident.mutations == ["iam:PutRolePolicy"], ran
    assert not incident.doors()["assume-role"]
    assert children(ran.data)["nightly"] == "ended"


def test_a_federated_session_of_the_user(incident: Incident) -> None:
    before = incident.doors()
    assert before["get-federation-token"]
    ran = incident("revoke", USER_REF, *GUEST, *NO_ROTATION)
    assert incident.mutations == ["iam:PutUserPolicy"]
    doors = incident.doors()
    assert {d for d, is_open in before.items() if is_open != doors[d]} == {"get-federation-token"}
    assert [s["proof"] for s in ran.data["steps"]] == ["simulated"]
    assert ran.code == 8


def test_undo_waits_for_the_longest_session_and_finish_removes_it(incident: Incident) -> None:
    before = incident.inline(WORKER, role=True)
    incident("revoke", BOT, *NIGHTLY, *NO_ROTATION)
    refused = incident("undo", "@last", "--yes")
    assert refused.code == 7
    assert "brings older sessions back to life" in refused.words
    assert OURS in incident.inline(WORKER, role=True)
    incident.aws.advance(TWELVE_HOURS)
    assert incident("finish", "@last", *YES, "-o", "json").code == 0
    assert incident.inline(WORKER, role=True) == before


def test_undo_takes_it_back(incident: Incident) -> None:
    before = incident.inline(WORKER, role=True)
    incident("revoke", BOT, *NIGHTLY, *NO_ROTATION)
    incident.aws.advance(TWELVE_HOURS)
    assert incident("undo", "@last", "--yes", "-o", "json").code == 0
    assert incident.inline(WORKER, role=True) == before


def test_hold_puts_it_back(incident: Incident) -> None:
    incident("revoke", BOT, *NIGHTLY, *NO_ROTATION)
    acts = iter(["detach-cut"])

    def heard(event: Event) -> None:
        if isinstance(event, HoldEvent) and (what := next(acts, "")):
            incident.aws.meddle(what)

    ran = incident("hold", "@last", "--for", "5m", "-o", "json", on_event=heard)
    assert next(acts, "none left") == "none left"
    assert "somebody took back" in ran.err
    assert OURS in incident.inline(WORKER, role=True)
    assert not incident.doors()["assume-role"]


def test_taken_off_while_it_settles(incident: Incident) -> None:
    taken: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, WaitEvent) and not taken:
            taken.append("once")
            incident.aws.meddle("detach-cut")

    incident("revoke", BOT, *NIGHTLY, *NO_ROTATION, on_event=heard)
    assert taken
    assert OURS in incident.inline(WORKER, role=True)
    assert not incident.doors()["assume-role"]


def test_a_refused_write_ends_nothing_and_is_not_told_as_done(incident: Incident) -> None:
    incident.aws.fault("iam:PutRolePolicy", "denied", times=9)
    ran = incident("revoke", BOT, *NIGHTLY, *NO_ROTATION)
    assert ran.code == 1
    assert ran.data["headline"] == "NOTHING CHANGED"
    assert children(ran.data)["nightly"] != "ended"
    assert incident.doors()["assume-role"]


@pytest.mark.parametrize("rest", ["night*", f"ASIA{'A' * 16}/x"])
def test_what_names_no_session_changes_nothing_and_is_open(incident: Incident, rest: str) -> None:
    ran = incident("revoke", BOT, "--scope", f"{ROLE}/{rest}", *NO_ROTATION)
    assert ran.code == 8, "nothing was ended: no zero"
    assert incident.mutations == []
    assert "nothing is denied" in ran.words


def test_a_key_id_that_only_logs_show(incident: Incident) -> None:
    """The engine plans it where the logs were read; the command line reads none before it acts, and says so."""
    thief = incident.aws.loot().worker.key_id
    scope = f"aws:role-session/{thief}"
    ran = incident("revoke", BOT, "--scope", scope, *NO_ROTATION)
    if not incident.mutations:
        assert ran.code == 8
        assert f"--scope {ROLE}/SESSION-NAME" in ran.words
    settings = load_config(None, incident.environ(), incident.folder)
    registry = Registry([Loaded("aws", aws_provider)])
    engine = Engine(registry, settings, lambda _: None, clock=SandboxClock(incident.clock))
    try:
        identity = engine.resolve([BOT])
        intent = Intent(scope=scope)
        plan = engine.plan(engine.inventory(identity, intent, logs=True), intent)
        [one] = plan.steps
        assert one.ends == (scope,)
        report = engine.run(plan, "revoke", Consent("--yes", allow_irreversible=True))
    finally:
        engine.close()
    [told] = [o for o in report.outcomes if o.access.id == scope]
    assert (told.fate, told.proof and told.proof.value) == ("ended", "simulated")
    assert not incident.doors()["assume-role"]
    assert works(incident, begin(incident, "tomorrow"))
