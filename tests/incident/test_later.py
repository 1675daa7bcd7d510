"""What comes after a run: finish, undo, release, hold and verify, through the command line."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from nhi_revoke.engine.event import Event, HoldEvent
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from tests.incident.conftest import BOT, USER_REF, WORKER, YES, Incident, whole

LONE = "aws:user/lone-bot"
HOUR = 3600.0
NO_ROTATION = (*YES, "--rotate", "no", "-o", "json")


def open_doors(incident: Incident) -> set[str]:
    return {kind for kind, is_open in incident.doors().items() if is_open}


# -- finish --------------------------------------------------------------------------------------------------------


def test_finish_deletes_what_was_disabled_and_keeps_what_is_needed(incident: Incident) -> None:
    [(key, _)] = incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    refused = incident("finish", "@last", "--yes")
    assert refused.code == 7, "a delete cannot be taken back"
    assert "--allow-irreversible" in refused.words
    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert ran.data["headline"] == "FINISHED"
    assert incident.key_states("lone-bot") == {}
    assert "NHIRevoke" in incident.inline("lone-bot"), "a session may outlive it for 36 hours"
    assert "a session may outlive it until" in ran.words
    assert "lone-bot" in incident.now().users, "never a principal"
    assert key not in incident.key_states("lone-bot")


def test_finish_takes_the_cutoff_off_when_no_session_can_outlive_it(incident: Incident) -> None:
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    incident.aws.advance(37 * HOUR)
    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert set(incident.inline("lone-bot")) == {"data"}
    assert incident.key_states("lone-bot") == {}
    again = incident("finish", "@last", *YES)
    assert again.code == 7
    assert "Nothing can be deleted now" in again.words


def test_finish_again_later_takes_only_what_was_left(incident: Incident) -> None:
    """The first one, before the 36 hours, keeps the cut-off; the second takes it off, and deletes nothing again."""
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    assert incident("finish", "@last", *YES).code == 0
    incident.aws.advance(37 * HOUR)
    asked = len(incident.mutations)
    assert incident("finish", "@last", *YES).code == 0
    assert incident.mutations[asked:] == ["iam:DeleteUserPolicy"]
    assert set(incident.inline("lone-bot")) == {"data"}


def test_undo_after_finish_does_not_bring_back_what_is_gone(incident: Incident) -> None:
    [(key, _)] = incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    assert incident("finish", "@last", *YES).code == 0
    incident.aws.advance(37 * HOUR)
    ran = incident("undo", "@last", f"aws:access-key/{key}", "--rearm", f"aws:access-key/{key}", "--yes")
    assert ran.code == 3, "it was deleted for good: there is nothing to take back"
    assert incident.key_states("lone-bot") == {}


def test_finish_of_a_file_forgets_the_old_secret(incident: Incident) -> None:
    [(_, secret)] = incident.bot("lone-bot")
    target = incident.folder / "run" / "key.json"
    target.parent.mkdir(mode=0o700)
    target.write_text(f'{{"SecretAccessKey": "{secret}"}}')
    target.chmod(0o600)
    deliver = ("--deliver", f"aws:access-key=file:{target}")
    assert incident("rotate", LONE, *deliver, "--yes").code == 0
    kept = [p for p in target.parent.iterdir() if secret in p.read_text()]
    assert len(kept) == 1, "undo may need it"
    assert incident("finish", "@last", *YES).code == 0
    assert not [p for p in target.parent.iterdir() if secret in p.read_text()]
    assert incident("finish", "@last", *YES).code == 7, "there is nothing left to finish"


# -- undo ----------------------------------------------------------------------------------------------------------


def test_undo_before_it_is_safe(incident: Incident) -> None:
    [(key, secret)] = incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    asked = len(incident.mutations)
    ran = incident("undo", "@last", "--yes")
    assert ran.code == 7
    assert "brings older sessions back to life; safe after 2026-11-2" in ran.words
    assert f"--rearm aws:access-key/{key}" in ran.words
    assert len(incident.mutations) == asked
    assert not incident.works(key, secret)


def test_undo_after_the_longest_session(incident: Incident) -> None:
    """The cut-off goes; a leaked key has no safe time at all, and stays as it is unless it is named."""
    [(key, secret)] = incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    incident.aws.advance(37 * HOUR)
    ran = incident("undo", "@last", "--yes", "-o", "json")
    assert ran.code == 0, ran
    assert set(incident.inline("lone-bot")) == {"data"}
    assert incident.key_states("lone-bot") == {key: False}
    incident.aws.advance(60)
    assert not incident.works(key, secret)
    ran = incident("undo", "@last", f"aws:access-key/{key}", "--rearm", f"aws:access-key/{key}", "--yes", "-o", "json")
    assert ran.code == 0, ran
    incident.aws.advance(60)
    assert incident.works(key, secret), "knowingly"
    assert ran.data["headline"] == "TAKEN BACK"


def test_undo_only_where_it_is_as_the_run_left_it(incident: Incident) -> None:
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    incident.aws.advance(37 * HOUR)
    theirs = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
    incident.aws.admin("iam").put_user_policy(UserName="lone-bot", PolicyName="NHIRevoke", PolicyDocument=theirs)
    ran = incident("undo", "@last", "--yes")
    assert ran.code == 5
    assert "is not as this run left it: nothing was changed" in ran.words
    assert incident.inline("lone-bot")["NHIRevoke"]["Statement"][0]["Action"] == "s3:*"


def test_undo_of_an_access_that_the_run_did_not_touch(incident: Incident) -> None:
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    ran = incident("undo", "@last", f"aws:access-key/{incident.leaked}", "--yes")
    assert ran.code == 3
    assert f"this run changed nothing on aws:access-key/{incident.leaked}" in ran.words


# -- a brake, and its release --------------------------------------------------------------------------------------


def test_a_brake_stays_until_release(incident: Incident) -> None:
    ran = incident("revoke", USER_REF, "--brake", "on", *NO_ROTATION)
    assert ran.data["state"] == "held"
    assert any(n.startswith("nhi-revoke release ") for n in ran.data["next"])
    assert "Condition" not in incident.inline(BOT)["NHIRevoke"]["Statement"][0], "a deny-all"
    new = incident.aws.admin("iam").create_access_key(UserName=BOT) if len(incident.key_states()) < 2 else None
    assert new is None
    iam = incident.aws.admin("iam")
    iam.delete_access_key(UserName=BOT, AccessKeyId=incident.spare)
    fresh = iam.create_access_key(UserName=BOT)["AccessKey"]
    assert not incident.works(fresh["AccessKeyId"], fresh["SecretAccessKey"]), "braked"
    iam.delete_access_key(UserName=BOT, AccessKeyId=fresh["AccessKeyId"])

    released = incident("release", "@last", "--yes", "-o", "json")
    assert released.code == 0, released
    assert released.data["headline"] == "RELEASED"
    assert "Condition" in incident.inline(BOT)["NHIRevoke"]["Statement"][0], "older sessions stay dead"
    user_doors = open_doors(incident) - {"assume-role", "chained"}  # sessions of roles that this run did not name
    assert user_doors == set()
    fresh = iam.create_access_key(UserName=BOT)["AccessKey"]
    assert incident.works(fresh["AccessKeyId"], fresh["SecretAccessKey"]), "and a new key works"
    assert incident("release", "@last", "--yes").code == 7, "no brake is on any more"


def test_release_where_no_brake_is_on(incident: Incident) -> None:
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    ran = incident("release", "@last", "--yes")
    assert ran.code == 7
    assert "release is not for it now. Nothing was changed" in ran.words
    assert "You may: verify, hold, undo, finish" in ran.words


def test_release_wait(incident: Incident) -> None:
    assert incident("revoke", USER_REF, "--brake", "on", *NO_ROTATION).data["state"] == "held"
    ran = incident("release", "@last", "--wait", "--yes", "-o", "json")
    assert ran.code == 0, ran
    assert open_doors(incident) <= {"assume-role", "chained"}


# -- verify --------------------------------------------------------------------------------------------------------


def test_verify_changes_nothing_and_says_that_it_holds(incident: Incident) -> None:
    incident.bot("lone-bot")
    assert incident("revoke", LONE, "--yes").code == 0
    asked = len(incident.mutations)
    incident.aws.advance(HOUR)
    ran = incident("verify", "@last", "-o", "json")
    assert ran.code == 0, ran
    assert len(incident.mutations) == asked
    assert datetime.fromisoformat(ran.data["times"]["verified"]) >= incident.clock.now() - timedelta(minutes=1)


@pytest.mark.parametrize("what", ["detach-cut", "reenable-key", "new-key"])
def test_verify_tells_what_came_open(incident: Incident, what: str) -> None:
    assert incident("revoke", BOT, *NO_ROTATION).code == 8
    asked = len(incident.mutations)
    incident.aws.meddle(what)
    incident.aws.advance(60)
    ran = incident("verify", "@last", "-o", "json")
    assert ran.code in (5, 8), ran
    assert ran.data["headline"] == "NOT PROVEN OUT"
    assert len(incident.mutations) == asked, "verify only looks"
    opened = open_doors(incident) - {"chained"}
    assert opened, "this test proves nothing if every door is shut"
    bad = {o["access"]["id"] for o in ran.data["outcomes"] if o["fate"] in ("open", "left", "failed")}
    assert bad, "nothing is told as open"
    if what == "reenable-key":
        assert f"aws:access-key/{incident.leaked}" in bad
    if what == "detach-cut":
        assert {f"aws:user-session/{ACCOUNT}/{BOT}/*", f"aws:role-session/{ACCOUNT}/{WORKER}/*"} <= bad


# -- hold ----------------------------------------------------------------------------------------------------------


def test_hold_puts_back_what_somebody_took_off(incident: Incident) -> None:
    assert incident("revoke", BOT, *NO_ROTATION).code == 8
    acts = iter(["detach-cut", "reenable-key", "new-key"])

    def heard(event: Event) -> None:
        if isinstance(event, HoldEvent) and (what := next(acts, "")):
            incident.aws.meddle(what)

    ran = incident("hold", "@last", "--for", "10m", "-o", "json", on_event=heard)
    assert next(acts, "none left") == "none left"
    assert ran.code == 8, ran  # the ledger's session
    assert "somebody took back" in ran.err
    assert "appeared during the run" in ran.err
    assert open_doors(incident) == {"chained"}
    assert not any(incident.key_states().values())


def test_hold_until_the_last_residual_has_passed(incident: Incident) -> None:
    whole(incident)
    first = incident("revoke", BOT, *NO_ROTATION)
    assert first.code == 6
    until = datetime.fromisoformat(first.data["residual_until"])
    ran = incident("hold", "@last", "--interval", "2h", "-o", "json")
    assert incident.clock.now() >= until
    assert ran.code == 0, ran
    assert ran.data["headline"] == "OUT"
    assert open_doors(incident) == set()


def test_hold_keeps_a_brake_on(incident: Incident) -> None:
    assert incident("revoke", USER_REF, "--brake", "on", *NO_ROTATION).data["state"] == "held"
    acts = iter(["detach-cut"])

    def heard(event: Event) -> None:
        if isinstance(event, HoldEvent) and (what := next(acts, "")):
            incident.aws.meddle(what)

    ran = incident("hold", "@last", "--for", "5m", "-o", "json", on_event=heard)
    assert "somebody took back" in ran.err
    assert "Condition" not in incident.inline(BOT)["NHIRevoke"]["Statement"][0]
    assert ran.data["state"] == "held"


def test_two_ends_of_a_hold(incident: Incident) -> None:
    incident.bot("lone-bot")
    incident("revoke", LONE, "--yes")
    assert incident("hold", "@last", "--for", "5m", "--until", "2026-12-01T00:00Z").code == 2
    ago = incident("hold", "@last", "--until", "12h")
    assert (ago.code, "is over already: nothing would be held" in ago.words) == (2, True), "a length is one before now"


@pytest.mark.parametrize("verb", ["resume", "verify", "hold", "report", "undo", "finish", "release"])
def test_a_run_that_does_not_exist(incident: Incident, verb: str) -> None:
    ran = incident(verb, "20200101T000000Z-abcdef")
    assert ran.code == 3
    assert incident.aws.calls() == ()


# -- one after the other -------------------------------------------------------------------------------------------


def test_what_a_narrow_run_left_a_whole_one_ends(incident: Incident) -> None:
    """`--scope keys` deletes the password and leaves the refreshes of `aws login`: said in red, and denied later."""
    narrow = incident("revoke", BOT, *NO_ROTATION, "--scope", "keys")
    assert narrow.code == 8
    assert "aws-login" in open_doors(incident)
    whole_run = incident("revoke", BOT, *NO_ROTATION)
    assert whole_run.code == 8, "the ledger's session is not of this plan"
    assert open_doors(incident) == {"chained"}


def test_ndjson_hides_no_look(incident: Incident) -> None:
    """Each event has its line, a look into the logs, too: what could not be told was once taken for unread logs."""
    ran = incident("revoke", BOT, *YES, "--rotate", "no", "-o", "ndjson")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert {"read", "step", "count", "wait"} <= {line["type"] for line in lines}
    plain = incident("report", "@last", "-o", "json")
    assert [b["why"] for b in lines[-1]["result"]["data"]["blind"]] == [b["why"] for b in plain.data["blind"]]
    assert not [b for b in plain.data["blind"] if "logs of" in b["why"]]
