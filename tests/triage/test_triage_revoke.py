"""`triage --revoke`: the usual plan over the owners, with the values held, and a question at the terminal."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from nhi_revoke.engine.clock import LiveClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.engine.leaks import hold_leaks
from nhi_revoke.triage.reading import read
from tests.triage.conftest import DEAD
from tests.triage.corpus import everybody
from tests.triage.samples_aws import key_id, secret
from tests.triage.test_reading import leak

if TYPE_CHECKING:
    from tests.cli.conftest import Ran
    from tests.triage.conftest import Desk

YES = ("--yes", "--allow-irreversible")
NO_ROTATION = ("--rotate", "no")


def proofs(ran: Ran) -> dict[str, str | None]:
    return {each["access"]["id"]: each["proof"] for each in ran.json["data"]["outcomes"]}


def journal(desk: Desk) -> str:
    return max((desk.world.state / "runs").iterdir()).read_text()


def test_it_goes_on_into_the_pipeline_with_the_value_in_hand(desk: Desk) -> None:
    value = desk.token()
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "--case", "IR-9", "-o", "json", piped=f"{value}\n{DEAD}\n")
    data: dict[str, Any] = ran.json["data"]
    assert (data["identity"], ran.json["command"]) == ("payments-bot", "triage")
    assert proofs(ran)[f"example:token/{value.partition('.')[0]}"] == "enforced", "the token itself was tried"
    assert set(desk.shown().values()) == {"disabled"}
    assert '"case":"IR-9"' in journal(desk)
    assert '"reason":"leaked"' in journal(desk)
    assert "ALIVE 1  DEAD 1" in ran.err
    desk.nowhere(ran, value, DEAD)


def test_the_question_is_at_the_terminal_even_when_standard_input_is_the_secret(desk: Desk) -> None:
    value = desk.token()
    for answer in ("\n", "no\n", ""):
        ran = desk("triage", "--revoke", *NO_ROTATION, piped=f"{value}\n", terminal=answer)
        assert ran.code == 7, answer
        assert "[y/N]" in ran.err
        assert "declined" in ran.err
    assert not desk.mutations
    ran = desk("triage", "--revoke", *NO_ROTATION, piped=f"{value}\n", terminal="y\n")
    assert ran.code != 7
    assert "disabled" in desk.shown().values()
    assert '"consent":"tty"' in journal(desk)
    assert ran.err.index("ALIVE 1") < ran.err.index("all reversible") < ran.err.index("[y/N]")
    desk.nowhere(ran, value)


def test_what_was_piped_is_never_taken_for_an_answer(desk: Desk) -> None:
    ran = desk("triage", "--revoke", *NO_ROTATION, piped=f"{desk.token()}\ny\ny\n", terminal="")
    assert ran.code == 7
    assert not desk.mutations


def test_irreversible_changes_want_the_name(desk: Desk) -> None:
    value = desk.token()
    ran = desk("triage", "--revoke", "--rotate", "now", piped=value, terminal="y\n")
    assert ran.code == 7
    assert "IRREVERSIBLE. Type payments-bot" in ran.err
    assert not desk.mutations
    assert desk("triage", "--revoke", "--rotate", "now", piped=value, terminal="payments-bot\n").code != 7
    assert desk.mutations


def test_without_a_terminal_it_is_refused_with_the_command(desk: Desk) -> None:
    value = desk.token()
    ran = desk("triage", "--revoke", "--rotate", "now", piped=value)
    assert ran.code == 7
    assert not desk.mutations
    command = ran.err.splitlines()[-1].removeprefix("Next: ")
    assert command == "nhi-revoke triage --revoke --rotate now --yes --allow-irreversible"
    assert desk(*shlex.split(command)[1:], piped=value).code != 7
    assert desk.mutations


def test_with_a_file_standard_input_is_asked_as_ever(desk: Desk) -> None:
    name = desk.file(desk.token())
    ran = desk("triage", "--revoke", *NO_ROTATION, "--file", name, piped="y\n")
    assert ran.code == 7, "a pipe is nobody"
    assert ran.err.endswith("Next: nhi-revoke triage --revoke --rotate no --file leaked.txt --yes\n")
    assert not desk.mutations


def test_a_paste_and_its_answer_are_both_from_the_terminal(desk: Desk) -> None:
    value = desk.token()
    ran = desk("triage", "--revoke", *NO_ROTATION, pasted=value, terminal="y\n")
    assert ran.code != 7
    assert desk.mutations
    desk.nowhere(ran, value)


def test_guards_hold(desk: Desk) -> None:
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "--max-accesses", "1", piped=desk.token())
    assert ran.code == 7
    assert "--max-accesses" in ran.err
    assert not desk.mutations


def test_nothing_alive_is_nothing_to_revoke(desk: Desk) -> None:
    ran = desk("triage", "--revoke", *YES, "-o", "json", piped=DEAD)
    assert ran.code == 0
    assert ran.json["data"]["suspects"][0]["liveness"]["state"] == "dead"
    assert not desk.mutations
    assert not list(desk.world.state.rglob("*.jsonl"))


def test_owners_of_one_identity_are_one_plan(desk: Desk) -> None:
    both = f"{desk.token()}\n{desk.token('ledger-bot')}\n"
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "-o", "json", piped=both)
    assert ran.json["data"]["identity"] == "payments-bot"
    assert "active" not in (*desk.shown().values(), *desk.shown("ledger-bot").values())
    assert list(proofs(ran).values()).count("enforced") == 2


def test_owners_that_the_map_does_not_have_are_one_plan_of_bare_principals(desk: Desk) -> None:
    desk.unmap()
    both = f"{desk.token()}\n{desk.token('ledger-bot')}\n"
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "-o", "json", piped=both)
    assert ran.json["data"]["identity"] == "example:bot/payments-bot"
    assert "active" not in (*desk.shown().values(), *desk.shown("ledger-bot").values())


def test_owners_of_several_identities_are_one_after_the_other(desk: Desk) -> None:
    made = desk.new_token("helper-bot")
    ran = desk("triage", "--revoke", *YES, piped=f"{desk.token()}\n{made}\n")
    assert ran.code == 7
    assert "of several identities (payments-bot, example:bot/helper-bot)" in ran.err
    assert "nhi-revoke revoke payments-bot; nhi-revoke revoke example:bot/helper-bot" in ran.err
    assert not desk.mutations
    desk.nowhere(ran, made)


def test_what_nobody_owns_is_told_and_counts(desk: Desk) -> None:
    """Alive, and the vendor's answer names nobody."""
    desk.anonymous()
    ran = desk("triage", "--revoke", *YES, piped=desk.token(), terminal="")
    assert ran.code == 8
    assert "NOT REVOKED  token tok_0008 is alive, and nothing tells whose it is" in ran.out
    assert not desk.mutations
    errors = desk("triage", "--revoke", *YES, "-o", "json", piped=desk.token()).json["errors"]
    assert [each["code"] for each in errors] == ["no-owner"]


def test_an_owner_that_is_not_there_is_told_and_nothing_is_typed_for_it(desk: Desk) -> None:
    desk.misled()
    ran = desk("triage", piped=desk.token(), terminal="")
    assert ran.code == 8
    assert "whose    example:bot/gone-bot (its own answer)" in ran.out
    assert "owner    UNSEEN: " in ran.out
    assert "Next:" not in ran.out
    ran = desk("triage", "--revoke", *YES, piped=desk.token(), terminal="")
    assert ran.code == 8
    assert "example:bot/gone-bot, whose it is, could not be found: it was not revoked" in " ".join(ran.out.split())
    assert not desk.mutations


def test_offline_and_revoke_are_a_mistake(desk: Desk) -> None:
    ran = desk("triage", "--revoke", "--offline", *YES, piped=desk.token())
    assert ran.code == 2
    assert not desk.world.sandbox.calls()


def test_the_report_of_a_run_has_every_format(desk: Desk) -> None:
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "-o", "md", piped=desk.token())
    assert ran.out.startswith("# ")
    assert desk("triage", "-o", "md", piped=DEAD).code == 2


def test_progress_and_result_are_lines(desk: Desk) -> None:
    ran = desk("triage", "--revoke", *NO_ROTATION, *YES, "-o", "ndjson", piped=desk.token())
    lines = [json.loads(each) for each in ran.out.splitlines()]
    assert lines[-1]["type"] == "result"
    assert sum(each["type"] == "result" for each in lines) == 1


def test_the_command_that_a_report_leads_to_works(desk: Desk) -> None:
    """`--leaked-from` reads what `triage` read."""
    value = desk.token()
    name = desk.file(json.dumps([leak(value), leak("xoxb-strange-canary", File="b.py")]), "gitleaks.json")
    ran = desk("triage", "--file", name, "-o", "json")
    command = ran.json["data"]["suspects"][0]["next"]
    assert command == "nhi-revoke revoke payments-bot --leaked-from gitleaks.json"
    ran = desk(*shlex.split(command)[1:], *NO_ROTATION, *YES, "-o", "json")
    assert proofs(ran)[f"example:token/{value.partition('.')[0]}"] == "enforced"
    assert "was found in finding 2: it was not used" in ran.err
    desk.nowhere(ran, value)


def test_of_a_report_each_finding_is_held_by_itself() -> None:
    """An id and a secret of two rules at one place belong together; those of two files do not."""
    near = [leak(key_id(1), StartLine=7), leak(secret(1), StartLine=8)]
    far = [leak(key_id(2), File="b.py"), leak(secret(2), File="c.py")]
    held = EngineIo(LiveClock())
    pieces = [piece.text for piece in read(json.dumps([*near, *far])).fragments]
    hold_leaks("", everybody(), held, pieces)
    assert [each.public["AccessKeyId"] for each in held.leaked("aws:access-key")] == [key_id(1)]
