"""Somebody works against the run: our cut is taken off, keys appear, and whoever keeps doing it is told as open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from nhi_revoke.engine.event import Event, StepEvent, WaitEvent
from nhi_revoke.model.line import Extended, Vanished
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.seed import allow
from tests.incident.conftest import BOT, USER_REF, WORKER, WORKER_REF, YES, Incident

NO_ROTATION = (*YES, "--rotate", "no", "-o", "json")


def at_settle(*numbers: int, do: Callable[[], None]) -> Callable[[Event], None]:
    """Does it when the run begins to wait for the nth time."""
    seen = [0]

    def heard(event: Event) -> None:
        if isinstance(event, WaitEvent):
            seen[0] += 1
            if seen[0] in numbers:
                do()

    return heard


def open_doors(incident: Incident) -> set[str]:
    return {kind for kind, is_open in incident.doors().items() if is_open}


def stamp_of(policy: dict[str, Any]) -> str:
    """The cut-off that stands in our policy."""
    return str(policy["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"])


# -- a policy of our name ------------------------------------------------------------------------------------------


def test_a_policy_of_our_name_that_somebody_else_wrote(incident: Incident) -> None:
    incident.aws.meddle("foreign-policy")
    incident.aws.world.settle()
    theirs = incident.inline(BOT)["NHIRevoke"]
    screen = incident("plan", BOT)
    assert "a policy named NHIRevoke that this tool did not write stands on it: ours is NHIRevoke-2" in screen.words
    ran = incident("revoke", BOT, *NO_ROTATION)
    assert ran.code == 8
    assert incident.inline(BOT)["NHIRevoke"] == theirs
    assert incident.inline(WORKER, role=True)["NHIRevoke"] == theirs
    assert set(incident.inline(BOT)) == {"payments-data", "payments-reach", "NHIRevoke", "NHIRevoke-2"}
    assert "NHIRevoke-2" in incident.inline(WORKER, role=True)
    assert sum("did not write" in door["why"] for door in ran.data["open"]) == 2
    assert ran.data["headline"] == "NOT PROVEN OUT"
    assert open_doors(incident) == {"chained"}

    again = incident("revoke", BOT, *NO_ROTATION)
    assert again.code == 8
    assert set(incident.inline(BOT)) == {"payments-data", "payments-reach", "NHIRevoke", "NHIRevoke-2"}
    assert incident.inline(BOT)["NHIRevoke"] == theirs


def test_a_policy_of_our_name_written_over_ours_during_the_run(incident: Incident) -> None:
    heard = at_settle(1, do=lambda: incident.aws.meddle("foreign-policy"))
    ran = incident("revoke", USER_REF, *NO_ROTATION, on_event=heard)
    names = incident.inline(BOT)
    theirs = incident.inline(WORKER, role=True)["NHIRevoke"]  # the same, on a role that this run does not touch
    assert names["NHIRevoke"] == theirs, "theirs stays as it is"
    assert any(n.startswith("NHIRevoke-") for n in names), "ours was not put back"
    assert ran.code == 8
    assert "foreign" not in open_doors(incident)
    assert not {"active-key", "get-session-token", "console-session", "aws-login"} & open_doors(incident)


# -- our cut is taken off ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [1, 2, 3], ids=["cut-settles", "seal-settles", "second-seal-settles"])
def test_our_cut_is_detached_during_the_run(incident: Incident, when: int) -> None:
    heard = at_settle(when, do=lambda: incident.aws.meddle("detach-cut"))
    ran = incident("revoke", BOT, *NO_ROTATION, on_event=heard)
    assert ran.code == 8  # the ledger's session is the next plan
    assert open_doors(incident) == {"chained"}
    assert "NHIRevoke" in incident.inline(BOT)
    assert "NHIRevoke" in incident.inline(WORKER, role=True)
    assert any(isinstance(line, Vanished) for line in incident.lines())
    assert ran.fate(f"{BOT}/*") == ran.fate(f"{WORKER}/*") == "ended"
    assert ran.data["state"] == "contained"


def test_our_cut_is_detached_when_everything_seemed_done(incident: Incident) -> None:
    """Between the last seal and the look of the next round: said in words, and put back."""
    done: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, StepEvent) and event.what == "settled" and event.phase == "seal":
            done.append(event.step)
            if len(done) == 2:
                incident.aws.meddle("detach-cut")

    ran = incident("revoke", BOT, *NO_ROTATION, on_event=heard)
    assert "somebody took back: " in ran.err
    assert "Doing it again." in ran.err
    assert ran.code == 8
    assert open_doors(incident) == {"chained"}
    assert "NHIRevoke" in incident.inline(BOT)
    assert "NHIRevoke" in incident.inline(WORKER, role=True)


def test_an_intruder_who_keeps_taking_it_off(incident: Incident) -> None:
    """More often than the rounds allow: told as open, never as ended."""

    def heard(event: Event) -> None:
        if isinstance(event, WaitEvent):
            incident.aws.meddle("detach-cut")

    ran = incident("revoke", USER_REF, *NO_ROTATION, on_event=heard)
    assert ran.code in (5, 8)
    assert ran.data["headline"] == "NOT PROVEN OUT"
    assert ran.fate(f"{BOT}/*") in ("open", "failed")
    assert "somebody keeps taking it back" in ran.err
    assert "get-session-token" in open_doors(incident), "this test proves nothing if the door is shut"


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_new_key_appears_during_the_run(incident: Incident, when: int) -> None:
    heard = at_settle(when, do=lambda: incident.aws.meddle("new-key"))
    ran = incident("revoke", BOT, *NO_ROTATION, on_event=heard)
    [new] = [k for k in incident.key_states() if k not in incident.before_keys()]
    assert f"appeared during the run: access key {new}" in ran.err
    assert not any(incident.key_states().values())
    assert ran.fate(new) == "ended"
    [told] = [o for o in ran.data["outcomes"] if o["access"]["id"] == f"aws:access-key/{new}"]
    assert told["appeared"] is True
    assert open_doors(incident) == {"chained"}
    extended = [line for line in incident.lines() if isinstance(line, Extended)]
    assert extended, "sealed again after it was ended"
    assert any(s.phase == "seal" for line in extended for s in line.steps)
    ended = max(s["at"] for s in ran.data["steps"] if new in s["says"])
    cutoff = stamp_of(incident.inline(BOT)["NHIRevoke"])
    assert datetime.fromisoformat(cutoff) > datetime.fromisoformat(ended), "no seal is later than its end"


def test_a_new_key_is_only_told_with_follow_none(incident: Incident) -> None:
    heard = at_settle(1, do=lambda: incident.aws.meddle("new-key"))
    ran = incident("revoke", BOT, *NO_ROTATION, "--follow", "none", on_event=heard)
    [new] = [k for k in incident.key_states() if k not in incident.before_keys()]
    assert incident.key_states()[new] is True
    assert ran.code == 8
    assert ran.fate(new) in ("left", "open")
    assert f"appeared during the run: access key {new}" in ran.err


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_key_is_enabled_again_during_the_run(incident: Incident, when: int) -> None:
    heard = at_settle(when, do=lambda: incident.aws.meddle("reenable-key"))
    ran = incident("revoke", BOT, *NO_ROTATION, on_event=heard)
    assert incident.key_states()[incident.leaked] is False
    assert ran.fate(incident.leaked) == "ended"
    assert any(isinstance(line, Vanished) for line in incident.lines())
    assert open_doors(incident) == {"chained"}


def test_the_disabled_key_is_enabled_during_the_run(incident: Incident) -> None:
    """It was inactive when the plan was made, so that no step ends it: it appeared, too."""

    def enable() -> None:
        incident.aws.admin("iam").update_access_key(UserName=BOT, AccessKeyId=incident.spare, Status="Active")

    ran = incident("revoke", BOT, *NO_ROTATION, on_event=at_settle(2, do=enable))
    assert incident.key_states() == {incident.leaked: False, incident.spare: False}
    assert ran.fate(incident.spare) == "ended"
    assert open_doors(incident) == {"chained"}


def test_an_intruder_who_keeps_making_keys(incident: Incident) -> None:
    """Three rounds at most, then OPEN: the tool does not run for ever, and does not claim what is not so."""
    made: list[str] = []

    def heard(event: Event) -> None:
        if not isinstance(event, WaitEvent):
            return
        iam = incident.aws.admin("iam")
        known = incident.key_states()
        idle = [k for k, active in known.items() if not active]
        if len(known) == 2 and not idle:
            return  # two waits in a row: what was made last is not ended yet
        if len(known) == 2:
            iam.delete_access_key(UserName=BOT, AccessKeyId=idle[0])
        made.append(iam.create_access_key(UserName=BOT)["AccessKey"]["AccessKeyId"])

    ran = incident("revoke", USER_REF, *NO_ROTATION, on_event=heard)
    assert ran.code in (5, 8)
    assert ran.data["headline"] == "NOT PROVEN OUT"
    last = made[-1]
    assert incident.key_states()[last] is True
    assert ran.fate(last) in ("open", "left", "failed"), "the last key is live, and the report must say so"
    assert len(made) < 20


def test_a_session_minted_while_the_run_works_is_dead_after_the_seal(incident: Incident) -> None:
    ran = incident("revoke", BOT, *NO_ROTATION, before_append=_once(4, lambda: incident.aws.meddle("mint-session")))
    assert ran.code == 8
    assert "minted-meanwhile" in incident.doors()
    assert open_doors(incident) == {"chained"}


def _once(line: int, do: Callable[[], None]) -> Callable[[int], None]:
    done: list[int] = []

    def before(number: int) -> None:
        if number >= line and not done:
            done.append(number)
            do()

    return before


def test_a_trust_for_anyone_planted_before_is_open(incident: Incident) -> None:
    incident.aws.meddle("trust-anyone")
    incident.aws.world.settle()
    ran = incident("revoke", BOT, *NO_ROTATION)
    assert ran.code == 8
    [door] = [d for d in ran.data["open"] if d["access"].startswith("aws:role-trust/")]
    assert door["next"] == f"--cut-trust {door['access']}"
    assert any(n.endswith(door["next"]) for n in ran.data["next"])
    cut = incident("revoke", BOT, *NO_ROTATION, *door["next"].split())
    assert not [d for d in cut.data["open"] if d["access"] == door["access"]]
    trust = incident.aws.admin("iam").get_role(RoleName=WORKER)["Role"]["AssumeRolePolicyDocument"]
    assert "*" not in [s["Principal"]["AWS"] for s in trust["Statement"]]
    assert [s["Principal"]["AWS"] for s in trust["Statement"]] == [USER_REF.removeprefix("aws:")], "the other stays"


# -- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_vendors_clock_is_wrong_by_ten_minutes(incident: Incident, minutes: int) -> None:
    """Cut-offs follow the vendor's clock: old sessions are dead, sessions of the new key live."""
    incident.aws.skew(minutes * 60)
    held = incident.aws.meddle
    held("mint-session")  # by the vendor's clock it is a few seconds old
    ran = incident("revoke", BOT, *YES, "--rotate", "now", "-o", "json")
    assert ran.code == 8  # the ledger's session
    assert open_doors(incident) == {"chained"}
    cutoff = datetime.fromisoformat(stamp_of(incident.inline(BOT)["NHIRevoke"]))
    vendor = incident.clock.now() + timedelta(minutes=minutes)
    assert timedelta(0) < vendor - cutoff < timedelta(minutes=5)

    from nhi_revoke_aws.sandbox.clients import Held

    served = incident.secret()
    new = Held(served["AccessKeyId"], served["SecretAccessKey"])
    got = incident.aws.client("sts", new).get_session_token(DurationSeconds=900)["Credentials"]
    session = Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    incident.aws.client("s3", session).list_buckets()  # raises where it is denied
    role = incident.aws.client("sts", new).assume_role(
        RoleArn=WORKER_REF.removeprefix("aws:"), RoleSessionName="workload"
    )
    worker = Held(*(role["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    incident.aws.client("s3", worker).list_buckets()


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_wrong_clock_does_not_move_a_cutoff_backwards(incident: Incident, minutes: int) -> None:
    assert incident("revoke", BOT, *NO_ROTATION).code == 8
    first = stamp_of(incident.inline(BOT)["NHIRevoke"])
    incident.aws.skew(minutes * 60)
    assert incident("revoke", BOT, *NO_ROTATION).code == 8
    second = stamp_of(incident.inline(BOT)["NHIRevoke"])
    assert datetime.fromisoformat(second) >= datetime.fromisoformat(first)
    assert open_doors(incident) == {"chained"}


def test_the_consoles_own_cutoff_is_honoured(incident: Incident) -> None:
    """AWSRevokeOlderSessions stays as it is, and ours is not earlier."""
    later = (incident.clock.now() + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    document = (
        allow("*")
        .replace('"Allow"', '"Deny"')
        .replace(
            '"Resource": "*"', f'"Resource": "*", "Condition": {{"DateLessThan": {{"aws:TokenIssueTime": "{later}"}}}}'
        )
    )
    iam = incident.aws.admin("iam")
    iam.put_role_policy(RoleName=WORKER, PolicyName="AWSRevokeOlderSessions", PolicyDocument=document)
    theirs = incident.inline(WORKER, role=True)["AWSRevokeOlderSessions"]
    ran = incident("revoke", BOT, *NO_ROTATION)
    assert ran.code == 8
    now = incident.inline(WORKER, role=True)
    assert now["AWSRevokeOlderSessions"] == theirs
    assert datetime.fromisoformat(stamp_of(now["NHIRevoke"])) >= datetime.fromisoformat(later)


# -- another user has the name -------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [1, 2])
def test_a_user_that_slips_away_under_another_name_is_never_told_as_out(incident: Incident, when: int) -> None:
    """While the deny is not obeyed yet, whoever holds rights over IAM takes it off, renames the user, and gives its
    name to a decoy: all that is looked at from then on is the decoy's.
    """

    def slip() -> None:
        iam = incident.aws.admin("iam")
        for name in iam.list_user_policies(UserName=BOT)["PolicyNames"]:
            if name.startswith("NHIRevoke"):
                iam.delete_user_policy(UserName=BOT, PolicyName=name)
        for key in iam.list_access_keys(UserName=BOT)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=BOT, AccessKeyId=key["AccessKeyId"])
        iam.update_user(UserName=BOT, NewUserName="innocent-bot")
        iam.create_user(UserName=BOT, Path="/bots/")
        made = iam.create_access_key(UserName="innocent-bot")["AccessKey"]
        theirs.append(Held(made["AccessKeyId"], made["SecretAccessKey"]))

    theirs: list[Held] = []

    incident.touchable.add("innocent-bot")
    ran = incident("revoke", USER_REF, *NO_ROTATION, on_event=at_settle(when, do=slip))
    incident.aws.client("s3", theirs[0]).list_buckets()  # this test would prove nothing if it were shut out
    assert ran.data["headline"] == "NOT PROVEN OUT"
    assert ran.code in (5, 8, 9)
    assert {o["fate"] for o in ran.data["outcomes"]} <= {"unseen", "kept", "open"}
    assert "another user has this name by now" in ran.err
    later = incident("verify", "@last", "-o", "json")
    assert later.data["headline"] == "NOT PROVEN OUT"
