"""Saved plans: stale, for another account, for somebody created again; and what is refused without consent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT
from tests.incident.conftest import BOT, USER_REF, WORKER, YES, Incident


def saved(incident: Incident, *more: str, name: str = USER_REF) -> str:
    ran = incident("plan", name, "--rotate", "no", "--save", "plan.json", *more)
    assert ran.code == 0, ran
    assert (incident.folder / "plan.json").stat().st_mode & 0o777 == 0o600
    assert incident.mutations == [], "a plan changes nothing"
    return "plan.json"


def set_state(incident: Incident, key: str, status: str, user: str = BOT) -> None:
    incident.aws.admin("iam").update_access_key(UserName=user, AccessKeyId=key, Status=status)


def test_a_plan_that_is_fresh_is_carried_out_without_a_prompt(incident: Incident) -> None:
    [(key, secret)] = incident.bot("lone-bot")
    plan = saved(incident, name="aws:user/lone-bot")
    incident.aws.advance(600)
    ran = incident("apply", plan, "-o", "json")
    assert ran.code == 0, ran
    assert ran.fate(key) == "ended"
    assert not incident.works(key, secret)


def test_one_target_changed_is_dropped_and_shown(incident: Incident) -> None:
    [(one, _), (two, secret)] = incident.bot("lone-bot", keys=2)
    plan = saved(incident, name="aws:user/lone-bot")
    set_state(incident, one, "Inactive", "lone-bot")
    ran = incident("apply", plan)
    assert "STALE" in ran.words
    assert f"set access key {one} Inactive: its target changed since the plan was made" in ran.words
    assert incident.key_states("lone-bot") == {one: False, two: False}
    assert not incident.works(two, secret)
    assert ran.code == 0, ran


def test_one_target_changed_with_stale_refuse(incident: Incident) -> None:
    [(one, _), (two, _)] = incident.bot("lone-bot", keys=2)
    plan = saved(incident, name="aws:user/lone-bot")
    set_state(incident, one, "Inactive", "lone-bot")
    ran = incident("apply", plan, "--stale", "refuse")
    assert ran.code == 7
    assert f"aws:access-key/{one} (disabled)" in ran.words
    assert "Nothing was changed" in ran.words
    assert incident.mutations == []
    assert incident.key_states("lone-bot") == {one: False, two: True}


def test_every_target_changed(incident: Incident) -> None:
    [(one, _)] = incident.bot("lone-bot")
    plan = saved(incident, "--scope", "keys", name="aws:user/lone-bot")
    set_state(incident, one, "Inactive", "lone-bot")
    ran = incident("apply", plan)
    assert ran.code == 7
    assert "every target of the plan has changed since it was saved" in ran.words
    assert "Make a new plan" in ran.words
    assert incident.mutations == []
    told = incident("apply", plan, "-o", "json").json
    assert (told["status"], [e["code"] for e in told["errors"]]) == ("refused", ["stale-plan"])


def test_extra_accesses_never_block(incident: Incident) -> None:
    """Else an intruder who adds a key would stop the responder. `--stale refuse` does not either."""
    plan = saved(incident)
    incident.aws.meddle("new-key")
    new = next(k for k in incident.key_states() if k not in incident.before_keys())
    ran = incident("apply", plan, "--stale", "refuse", "--allow-irreversible", "-o", "json")
    assert ran.code in (0, 6, 8), ran
    assert "appeared since the plan was saved" in ran.err
    assert ran.fate(incident.leaked) == "ended"
    assert incident.key_states() == {incident.leaked: False, new: False}, "it is of the same principal: ended, too"
    assert not incident.doors()["new-key"]


def test_a_plan_that_is_irreversible_needs_the_flag(incident: Incident) -> None:
    plan = saved(incident)
    ran = incident("apply", plan)
    assert ran.code == 7
    assert "delete the console password" in ran.words
    assert "--allow-irreversible" in ran.words
    assert incident.mutations == []


def elsewhere(incident: Incident) -> None:
    """From now on the operator's credentials are for the other account."""
    got = incident.aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/IncidentResponder", RoleSessionName="ir"
    )["Credentials"]
    with open(incident.settings["credentials_file"], "w") as file:
        file.write(
            f"[sandbox-operator]\naws_access_key_id = {got['AccessKeyId']}\n"
            f"aws_secret_access_key = {got['SecretAccessKey']}\naws_session_token = {got['SessionToken']}\n"
        )


def test_a_plan_for_another_account(incident: Incident) -> None:
    plan = saved(incident)
    elsewhere(incident)
    ran = incident("apply", plan, "--allow-irreversible")
    assert ran.code == 7
    assert f"the plan is for {USER_REF} in {ACCOUNT}, which these credentials do not reach" in ran.words
    assert "Use the credentials of that account" in ran.words
    assert incident.mutations == []


def test_a_plan_for_another_account_where_one_of_that_name_lives(incident: Incident) -> None:
    plan = saved(incident)
    iam = incident.aws.admin("iam", OTHER_ACCOUNT)
    iam.create_user(UserName=BOT, Path="/bots/")
    key = iam.create_access_key(UserName=BOT)["AccessKey"]["AccessKeyId"]
    incident.settled()
    elsewhere(incident)
    ran = incident("apply", plan, "--allow-irreversible")
    assert ran.code == 7
    assert incident.mutations == []
    assert {k.id: k.active for k in incident.now(OTHER_ACCOUNT).keys.values() if k.user == BOT} == {key: True}


def test_resuming_with_credentials_of_another_account(incident: Incident) -> None:
    """The journal says where each step belongs: nothing is done to a namesake elsewhere."""
    incident.aws.fault("iam:UpdateAccessKey", "denied")
    assert incident("revoke", BOT, *YES, "--rotate", "no").code == 5
    iam = incident.aws.admin("iam", OTHER_ACCOUNT)
    iam.create_user(UserName=BOT, Path="/bots/")
    key = iam.create_access_key(UserName=BOT)["AccessKey"]["AccessKeyId"]
    incident.before[OTHER_ACCOUNT] = incident.now(OTHER_ACCOUNT)
    incident.aws.world.settle()
    elsewhere(incident)
    ran = incident("resume", "@last", "-o", "json")
    assert ran.code != 0
    assert ACCOUNT in ran.words
    assert {k.id: k.active for k in incident.now(OTHER_ACCOUNT).keys.values() if k.user == BOT} == {key: True}
    assert incident.now(OTHER_ACCOUNT) == incident.before[OTHER_ACCOUNT]


def test_a_plan_for_somebody_who_was_created_again(incident: Incident) -> None:
    incident.bot("lone-bot")
    plan = saved(incident, name="aws:user/lone-bot")
    iam = incident.aws.admin("iam")
    for key in incident.key_states("lone-bot"):
        iam.delete_access_key(UserName="lone-bot", AccessKeyId=key)
    iam.delete_user_policy(UserName="lone-bot", PolicyName="data")
    iam.delete_user(UserName="lone-bot")
    incident.bot("lone-bot")
    ran = incident("apply", plan)
    assert ran.code == 7
    assert "was deleted and created again since the plan was saved" in ran.words
    assert incident.mutations == []


@pytest.mark.parametrize(
    ("change", "code"),
    [(lambda p: p | {"schema_version": 99}, 2), (lambda _: {"hello": "world"}, 2), (lambda _: [], 2)],
    ids=["version", "no-plan", "a-list"],
)
def test_a_file_that_is_no_plan(incident: Incident, change: Any, code: int) -> None:
    plan = incident.folder / saved(incident)
    plan.write_text(json.dumps(change(json.loads(plan.read_text()))))
    ran = incident("apply", "plan.json")
    assert ran.code == code, ran
    assert incident.mutations == []


def test_a_plan_made_worse_by_hand(incident: Incident) -> None:
    """A plan file is no way around a guard: the operator's own user in place of the bot's."""
    path = incident.folder / saved(incident, "--scope", "keys")
    own = f"arn:aws:iam::{ACCOUNT}:user/incident-responder"
    path.write_text(path.read_text().replace(USER_REF.removeprefix("aws:"), own))
    ran = incident("apply", "plan.json", "--allow-irreversible")
    assert ran.code == 7, ran
    assert incident.mutations == []
    assert set(incident.inline("incident-responder")) == {"incident-response"}


def test_nobody_can_be_asked(incident: Incident) -> None:
    ran = incident("revoke", BOT, "--rotate", "no")
    assert ran.code == 7
    assert "nobody can be asked" in ran.words
    assert f"nhi-revoke revoke {BOT} --rotate no --yes --allow-irreversible" in ran.words
    assert incident.mutations == []


def test_a_login_profile_needs_allow_irreversible_in_a_script(incident: Incident) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", "--yes")
    assert ran.code == 7
    assert "1 of 6 changes cannot be taken back" in ran.words
    assert "--allow-irreversible" in ran.words
    assert incident.mutations == []
    assert incident.doors()["login-profile"]


@pytest.mark.parametrize(("typed", "code"), [(f"{BOT}\n", 8), ("payments\n", 7), ("y\n", 7), ("", 7)])
def test_the_name_is_asked_for_what_cannot_be_taken_back(incident: Incident, typed: str, code: int) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", tty=True, typed=typed)
    assert ran.code == code
    assert "1 of 6 changes are IRREVERSIBLE. Type payments-bot to carry them out" in ran.words
    assert bool(incident.mutations) is (code == 8)
    if code == 7:
        assert "Nothing was changed" in ran.words


@pytest.mark.parametrize(("typed", "code"), [("y\n", 8), ("n\n", 7), ("\n", 7), ("", 7)])
def test_a_yes_is_asked_for_what_can(incident: Incident, typed: str, code: int) -> None:
    role = f"aws:role/{WORKER}"
    ran = incident("revoke", role, tty=True, typed=typed)
    assert ran.code == code
    assert f"Carry out 1 change on {role}? [y/N]" in ran.words
    assert bool(incident.mutations) is (code == 8)


def test_more_accesses_than_allowed(incident: Incident) -> None:
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "--max-accesses", "2")
    assert ran.code == 7
    assert "more than --max-accesses 2" in ran.words
    assert "Read the plan; then --max-accesses 4" in ran.words
    assert incident.mutations == []


def test_a_dry_run_changes_nothing(incident: Incident) -> None:
    for command in ("revoke", "rotate"):
        ran = incident(command, BOT, "--dry-run", "-o", "json")
        assert ran.code == 0
        assert ran.data["steps"]
    assert incident("plan", BOT, "--detailed-exitcode").code == 10
    assert incident.mutations == []
    assert incident.runs() == ()
    assert incident.now() == incident.before[ACCOUNT]
