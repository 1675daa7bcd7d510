"""A principal that could repair itself: the brake is on by itself, until the replacement is delivered or `release`."""

from __future__ import annotations

from typing import Any

from nhi_revoke.engine.event import Event, HoldEvent, WaitEvent
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.seed import allow
from tests.incident.conftest import YES, Incident

LONE = "aws:user/lone-bot"
TO_SECRET = ("--deliver", "aws:access-key=aws-secretsmanager:payments/aws")
NO_ROTATION = (*YES, "--rotate", "no", "-o", "json")


def administrator(incident: Incident) -> tuple[str, str]:
    """A bot that may do anything in IAM; its one key."""
    [key] = incident.bot("lone-bot")
    incident.aws.admin("iam").put_user_policy(
        UserName="lone-bot", PolicyName="iam", PolicyDocument=allow("iam:*", "s3:*")
    )
    incident.settled()
    return key


def deny_of(incident: Incident, name: str = "lone-bot", *, role: bool = False) -> dict[str, Any]:
    """The first statement of our policy."""
    statement: dict[str, Any] = incident.inline(name, role=role)["NHIRevoke"]["Statement"][0]
    return statement


def test_it_stays_on_until_release(incident: Incident) -> None:
    old = administrator(incident)
    ran = incident("revoke", LONE, *NO_ROTATION)
    assert ran.data["state"] == "held"
    assert "Condition" not in deny_of(incident), "a deny-all"
    assert any("could take our deny off" in n["says"] and "iam:" in n["says"] for n in ran.data["notices"])
    assert any(n.startswith("nhi-revoke release ") for n in ran.data["next"])
    assert ran.fate("user-session/111122223333/lone-bot/*") == "ended"
    assert not incident.works(*old)
    iam = incident.aws.admin("iam")
    fresh = iam.create_access_key(UserName="lone-bot")["AccessKey"]
    assert not incident.works(fresh["AccessKeyId"], fresh["SecretAccessKey"]), "not even a key that nobody saw"

    released = incident("release", "@last", "--yes", "-o", "json")
    assert "Condition" in deny_of(incident)
    assert incident.works(fresh["AccessKeyId"], fresh["SecretAccessKey"])
    assert (released.code, released.data["headline"]) == (8, "RELEASED"), "a key that nobody ended is let in"
    assert released.fate(f"access-key/{fresh['AccessKeyId']}") == "left"
    assert not incident.works(*old)
    told = incident("report", "@last", "-o", "json")
    assert told.fate("user-session/111122223333/lone-bot/*") == "ended", "the release is a cut, too"


def test_the_plan_says_why_and_what_breaks_and_changes_nothing(incident: Incident) -> None:
    administrator(incident)
    screen = incident("plan", LONE)
    assert "user lone-bot holds rights over IAM (iam:" in screen.words
    assert "all that this user does, until release" in screen.words
    assert incident.mutations == []


def test_brake_off_is_obeyed(incident: Incident) -> None:
    administrator(incident)
    ran = incident("revoke", LONE, "--brake", "off", *NO_ROTATION)
    assert ran.data["state"] == "contained"
    assert "Condition" in deny_of(incident), "swapped at the seal"
    assert any("--brake off leaves it running" in n["says"] for n in ran.data["notices"])


def test_without_such_rights_there_is_no_brake(incident: Incident) -> None:
    incident.bot("lone-bot")
    ran = incident("revoke", LONE, *NO_ROTATION)
    assert ran.data["state"] == "contained"
    assert "Condition" in deny_of(incident)


def test_with_a_rotation_it_is_released_for_the_new_key(incident: Incident) -> None:
    old = administrator(incident)
    ran = incident("revoke", LONE, *TO_SECRET, "--rotate", "now", *YES, "-o", "json")
    assert ran.data["state"] == "contained", ran
    phases = [s["phase"] for s in sorted(ran.data["steps"], key=lambda s: s["at"])]
    assert phases.index("cut") < phases.index("deliver") < phases.index("release") < phases.index("prove")
    assert "seal" not in phases
    [replaced] = ran.data["replacements"]
    assert (replaced["result"], replaced["proof"]) == ("served", "enforced")
    assert ran.fate("user-session/111122223333/lone-bot/*") == "ended"
    served = incident.secret()
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    iam = incident.aws.client("iam", Held(served["AccessKeyId"], served["SecretAccessKey"]))
    assert iam.list_users()["Users"], "the operator's wish: the new key holds the rights of the old one"
    assert not incident.works(*old)
    assert "Condition" in deny_of(incident), "what was issued before stays denied"


def test_what_was_enabled_while_a_new_key_waited_is_not_let_in_with_it(incident: Incident) -> None:
    """The look after the cut was minutes ago; the brake comes off for the new key."""
    old = administrator(incident)
    iam = incident.aws.admin("iam")
    waits: list[Event] = []

    def heard(event: Event) -> None:
        if isinstance(event, WaitEvent) and "--rotate now" in event.why and not waits:
            waits.append(event)
            iam.update_access_key(UserName="lone-bot", AccessKeyId=old[0], Status="Active")

    ran = incident("revoke", LONE, *TO_SECRET, *YES, "-o", "json", on_event=heard)
    assert len(waits) == 1
    [replaced] = ran.data["replacements"]
    assert replaced["result"] == "served", ran
    served = incident.secret()
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    assert not incident.works(*old)
    keys = iam.list_access_keys(UserName="lone-bot")["AccessKeyMetadata"]
    assert {k["AccessKeyId"]: k["Status"] for k in keys} == {old[0]: "Inactive", served["AccessKeyId"]: "Active"}
    assert "somebody took back" in ran.err


def test_a_new_key_that_is_not_proven_puts_it_back_on(incident: Incident) -> None:
    administrator(incident)
    iam = incident.aws.admin("iam")

    def switch_off() -> None:
        """Somebody switches the new key off while it is delivered."""
        for key, active in incident.key_states("lone-bot").items():
            if active:
                iam.update_access_key(UserName="lone-bot", AccessKeyId=key, Status="Inactive")

    incident.when("secretsmanager:PutSecretValue", switch_off)
    ran = incident("revoke", LONE, *TO_SECRET, "--rotate", "now", *YES, "-o", "json")
    assert "the new one was not proven: the brake on" in ran.err
    assert ran.data["headline"] == "NOT PROVEN OUT"
    assert "Condition" not in deny_of(incident), "a deny-all again"
    assert not any(incident.key_states("lone-bot").values()), "nothing minted is left"
    assert incident.secret()["AccessKeyId"] == incident.leaked, "the store is as it was"


def test_a_rollover_brakes_nobody(incident: Incident) -> None:
    administrator(incident)
    ran = incident("rotate", LONE, *TO_SECRET, "--yes", "-o", "json")
    assert ran.data["state"] == "contained"
    assert not [s for s in ran.data["steps"] if s["does"].endswith("/deny-all")]


def test_a_role_that_could_repair_itself(incident: Incident) -> None:
    key = incident.bot("lone-bot")[0]
    arn = incident.role("deployer", {"AWS": "arn:aws:iam::111122223333:user/bots/lone-bot"})
    incident.aws.admin("iam").put_user_policy(
        UserName="lone-bot", PolicyName="data", PolicyDocument=allow("s3:*", "sts:AssumeRole")
    )
    incident.settled()

    def begins() -> bool:
        got = incident.aws.client("sts", Held(*key)).assume_role(RoleArn=arn, RoleSessionName="work")["Credentials"]
        s3 = incident.aws.client("s3", Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))
        try:
            s3.list_buckets()
        except s3.exceptions.ClientError:
            return False
        return True

    assert begins()
    ran = incident("revoke", f"aws:{arn}", *NO_ROTATION)
    assert ran.data["state"] == "held"
    assert not begins(), "new sessions, too"
    assert incident("release", "@last", "--yes").code == 0
    assert begins()
    assert "Condition" in deny_of(incident, "deployer", role=True)


def test_a_denied_look_at_its_rights_is_said_and_brakes_nobody(incident: Incident) -> None:
    administrator(incident)
    incident.aws.fault("iam:SimulatePrincipalPolicy", "denied", times=9)
    ran = incident("revoke", LONE, *NO_ROTATION)
    assert any("could repair itself could not be seen" in n["says"] for n in ran.data["notices"])
    assert ran.data["state"] == "contained"
    assert ran.code in (8, 9), "what nobody could see is no zero"


def test_hold_puts_it_back_on(incident: Incident) -> None:
    administrator(incident)
    assert incident("revoke", LONE, *NO_ROTATION).data["state"] == "held"
    acts = iter(["detach-cut"])

    def heard(event: Event) -> None:
        if isinstance(event, HoldEvent) and (what := next(acts, "")):
            incident.aws.meddle(what)

    ran = incident("hold", "@last", "--for", "5m", "-o", "json", on_event=heard)
    assert "somebody took back" in ran.err
    assert "Condition" not in deny_of(incident)
