"""The command as somebody with a leaked text sees it: exit codes, whole screens, JSON, and who was asked."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from nhi_revoke.cli.schema import envelope_schema
from nhi_revoke.model.liveness import Liveness
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke_example import Example
from tests.triage.conftest import DEAD, suspects
from tests.triage.test_reading import hog, leak, occurrence, shield

if TYPE_CHECKING:
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.testing.conformance.world import World
    from tests.triage.conftest import Desk

STRANGE = "xoxb-strange-canary-1234567890"
SCREEN = """\
ALIVE 1  DEAD 1  UNKNOWN 0  NOT RECOGNISED 1

ALIVE  token tok_0008
  kind     example:token
  answer   GET /me names the bot
  whose    example:bot/payments-bot, payments-bot of the map (its own answer;
           looked up with your login)
  where    org-1
  listed   live, as the list of its owner shows it
  owner    LIVE 3  MAY BE LIVE 1  OPEN 1  REACH 2  UNSEEN 1  PLANTED 1
  found    line 1, line 5
  Next: nhi-revoke revoke payments-bot --leaked-from leaked.txt

DEAD  token tok_9999
  kind     example:token
  answer   GET /me refuses it
  whose    not known
  found    line 2

NOT RECOGNISED: nobody looked whether it opens anything
  line 4: looks like a credential, and no provider that is installed and enabled
    knows it
"""


def whole(desk: Desk) -> str:
    value = desk.token()
    return f"found {value} in a log\n{DEAD}\n\n{STRANGE}\nand {value} again\n"


def test_the_whole_screen(still: Desk) -> None:
    ran = still("triage", "--file", still.file(whole(still)), terminal="")
    assert ran.out == SCREEN
    assert ran.code == 8
    still.nowhere(ran, still.token(), DEAD, STRANGE)
    assert not still.mutations


def test_json_says_the_same_and_holds_to_its_schema(still: Desk) -> None:
    ran = still("triage", "-o", "json", piped=whole(still))
    jsonschema.validate(ran.json, envelope_schema(("triage",)))
    alive, dead = suspects(ran)
    assert (ran.code, ran.json["status"]) == (8, "partial")
    assert (alive["liveness"]["state"], alive["identity"]) == ("alive", "payments-bot")
    assert alive["next"] == "nhi-revoke revoke payments-bot --leaked-from FILE"
    assert alive["look"]["live"] == 3
    assert [place["line"] for place in alive["places"]] == [1, 5]
    assert (dead["liveness"]["state"], dead["owner"], dead["next"]) == ("dead", None, "")
    assert [each["place"]["line"] for each in ran.json["data"]["strange"]] == [4]
    still.nowhere(ran, still.token(), DEAD, STRANGE)


def test_the_counts_are_those_of_a_list(still: Desk) -> None:
    listed = still("list", "example:bot/payments-bot", "-o", "json").json["data"]["counts"]
    [alive] = suspects(still("triage", "-o", "json", piped=still.token()))
    assert {name: alive["look"][name] for name in listed} == listed


def test_what_only_triage_reads_is_not_handed_on(still: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nhi_revoke.cli.triage.READABLE", 10)
    [alive] = suspects(still("triage", "--no-look", "-o", "json", piped=still.token()))
    assert alive["next"] == "nhi-revoke revoke payments-bot"


def test_rows_for_a_spreadsheet(still: Desk) -> None:
    ran = still("triage", "-o", "csv", piped=whole(still))
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [(row["record"], row["state"], row["line"]) for row in rows] == [
        ("credential", "alive", "1"),
        ("credential", "alive", "5"),
        ("credential", "dead", "2"),
        ("not recognised", "", "4"),
    ]
    assert rows[0]["owner"] == "example:bot/payments-bot"
    lines = still("triage", "-o", "ndjson", piped=whole(still)).lines
    assert [each["record"] for each in lines if each["type"] == "row"] == [row["record"] for row in rows]
    assert lines[-1]["result"]["exit_code"] == 8


# -- exit codes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DEAD, 0),
        (f"{DEAD}\n{STRANGE}", 9),
        ("{alive}", 8),
        (f"{{alive}}\n{STRANGE}", 8),
        ("nothing here\n", 3),
        (STRANGE, 3),
    ],
)
def test_exit_codes(still: Desk, text: str, code: int) -> None:
    ran = still("triage", "--no-look", "-o", "json", piped=text.replace("{alive}", still.token()))
    assert ran.code == code
    assert ran.json["exit_code"] == code


def test_nothing_recognised_says_so_and_still_tells_what_was_reported(still: Desk) -> None:
    ran = still("triage", piped=json.dumps([leak("xoxb-strange-canary", RuleID="slack-bot-token")]), terminal="")
    assert ran.code == 3
    assert ran.out == (
        "ALIVE 0  DEAD 0  UNKNOWN 0  NOT RECOGNISED 1    of a report of gitleaks\n"
        "  Nothing in it has the shape of a credential that a provider here knows.\n"
        "\n"
        "NOT RECOGNISED: nobody looked whether it opens anything\n"
        "  UNKNOWN KIND  app/.env:7 in commit c0ffee (slack-bot-token)  no provider that\n"
        "    is installed and enabled knows it\n"
    )
    told = still("triage", "-o", "json", piped="nothing here").json
    assert [each["code"] for each in told["errors"]] == ["nothing-recognised"]


class Deaf(Example):
    """Of one token no answer comes, and of another one a bug that tells it."""

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        if found.leak.public_id == "tok_9999":
            raise NoAnswer("no answer to GET /me")
        raise RuntimeError(f"a bug that tells {DEAD}")


def test_no_answer_is_unknown_with_the_reason_and_hides_nothing_of_the_others(desk: Desk) -> None:
    desk.registry = Registry([Loaded("example", Deaf())])
    ran = desk("triage", "-o", "json", piped=f"{DEAD}\n{desk.token()}\n")
    assert ran.code == 9
    hows = sorted(each["liveness"]["how"] for each in suspects(ran))
    assert hows == ["RuntimeError in the provider (a bug: report it)", "no clear answer: no answer to GET /me"]
    assert {each["liveness"]["state"] for each in suspects(ran)} == {"unknown"}
    desk.nowhere(ran, DEAD)


# -- who is asked --------------------------------------------------------------------------------------------------


def test_offline_asks_nobody(desk: Desk, world: World) -> None:
    ran = desk("triage", "--offline", piped=whole(desk), terminal="")
    assert ran.code == 9
    assert ran.out.startswith("ALIVE 0  DEAD 0  UNKNOWN 2  NOT RECOGNISED 1    offline: nobody was asked\n")
    assert not world.sandbox.calls()
    assert "Nothing tells whose it is. Once you know: nhi-revoke revoke OWNER" in " ".join(ran.out.split())


def test_only_the_credential_itself_is_tried_and_only_by_one_call(desk: Desk, world: World) -> None:
    desk("triage", "--no-look", piped=desk.token())
    calls = world.sandbox.calls()
    assert [call.name for call in calls if call.by != "operator"] == ["me"]
    assert {call.name for call in calls if call.by == "operator"} == {"bots.read"}
    assert not [call for call in calls if call.mutates]


def test_without_a_look_nothing_is_counted(still: Desk) -> None:
    ran = still("triage", "--no-look", piped=still.token(), terminal="")
    assert "  owner    not looked at: --no-look\n" in ran.out
    assert "LIVE" not in ran.out.replace("ALIVE", "")


def test_without_logs_that_is_said(still: Desk) -> None:
    ran = still("triage", "--no-logs", piped=still.token(), terminal="")
    assert "logs were not read" in ran.out


def test_an_owner_that_cannot_be_looked_up_is_unseen_and_the_answer_stands(desk: Desk, world: World) -> None:
    world.sandbox.allow_only([])
    ran = desk("triage", piped=desk.token(), terminal="")
    assert ran.code == 8
    assert "whose    example:bot/payments-bot (its own answer)" in ran.out
    assert "UNSEEN: " in ran.out
    assert "Next: nhi-revoke revoke example:bot/payments-bot --leaked-from FILE" in ran.out


# -- where it comes from -------------------------------------------------------------------------------------------


def test_a_file_a_pipe_and_a_paste_are_one(still: Desk) -> None:
    text = whole(still)
    outs = [
        still("triage", "--no-look", piped=text, terminal="").out,
        still("triage", "--no-look", "--file", "-", piped=text, terminal="").out,
        still("triage", "--no-look", pasted=text).out,
        still("triage", "--no-look", "--file", still.file(text, "FILE"), terminal="").out,
    ]
    assert len(set(outs)) == 1


def test_a_paste_is_asked_for(still: Desk) -> None:
    ran = still("triage", "--no-look", pasted=DEAD)
    assert ran.code == 0
    assert ran.err.startswith("Paste what leaked: it is not shown. An empty line or Ctrl-D ends it.\n")


def test_what_is_typed_as_an_argument_is_refused_and_not_repeated(desk: Desk, world: World) -> None:
    value = desk.token()
    for words in ((value,), ("one", value), ("--offline", value), ("-o", "json", value)):
        ran = desk("triage", *words)
        assert ran.code == 2
        assert "takes no credential on the command line" in ran.out + ran.err
        desk.nowhere(ran, value)
    assert not world.sandbox.calls()


def test_a_credential_in_place_of_a_file_is_not_repeated(desk: Desk, world: World) -> None:
    value = desk.token()
    ran = desk("triage", "--file", value)
    assert ran.code == 2
    assert "never the credential itself" in ran.err
    desk.nowhere(ran, value)
    assert not world.sandbox.calls()


def test_nothing_at_all_is_a_mistake(still: Desk) -> None:
    for arguments in ((), ("--file", still.file("\n \n", "empty.txt"))):
        ran = still("triage", *arguments, piped="")
        assert ran.code == 2
        assert "nothing was handed over" in ran.err
    ran = still("triage", "--no-input", pasted=DEAD)
    assert ran.code == 2
    assert "--no-input forbids to ask" in " ".join(ran.err.split())


def test_a_terminal_is_not_read_openly(still: Desk) -> None:
    ran = still("triage", "--file", "-", pasted=DEAD)
    assert ran.code == 2
    assert "shows what is typed" in ran.err


def test_a_whole_disk_is_not_read(still: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nhi_revoke.cli.handed.MOST", 100)
    ran = still("triage", piped="x" * 101)
    assert ran.code == 2
    assert "64 MiB" in ran.err
    assert still("triage", "--file", "/").code == 2


# -- scanners' reports ---------------------------------------------------------------------------------------------


def test_reports_of_the_three_scanners(still: Desk) -> None:
    value = still.token()
    reports = {
        "TruffleHog": "\n".join(json.dumps(each) for each in (hog(value, Verified=True), hog(STRANGE))),
        "gitleaks": json.dumps([leak(value), leak(STRANGE, File="b.py")]),
        "ggshield": json.dumps(shield(occurrence(value), occurrence(STRANGE))),
    }
    for scanner, text in reports.items():
        ran = still("triage", "--no-look", piped=text, terminal="")
        assert ran.code == 8, scanner
        assert ran.out.startswith("ALIVE 1  DEAD 0  UNKNOWN 0  NOT RECOGNISED "), ran.out
        assert f"of a report of {scanner}" in ran.out
        still.nowhere(ran, value, STRANGE)
    hogs = still("triage", "--no-look", piped=reports["TruffleHog"], terminal="").out
    assert "found    src/a.py:12 in commit c0ffee (AWS; it said verified)" in hogs


def test_a_censored_match_is_said_to_be(still: Desk) -> None:
    ran = still("triage", piped=json.dumps(shield(occurrence("tok_9*********************8c1f"))), terminal="")
    assert ran.code == 3
    assert (
        "CENSORED conf/a.ini:4 (AWS Keys; it said valid) the report has no value of it: it was taken out: "
        "run ggshield with --show-secrets" in " ".join(ran.out.split())
    )


def test_no_name_in_a_report_brings_a_value_onto_the_screen(still: Desk) -> None:
    """Whoever wrote it may have put the value everywhere."""
    value = still.token()
    row = leak(value, File=f"a/{value}", Commit=value, RuleID=f"rule-{value}", Fingerprint=value)
    for output in ("table", "json", "csv", "ndjson"):
        ran = still("triage", "-o", output, piped=json.dumps([row]))
        assert ran.code == 8
        assert "•••" in ran.out or "\\u2022" in ran.out
        still.nowhere(ran, value)
