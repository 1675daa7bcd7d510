"""Ctrl-C at every stage, as a signal to a real process: 130, the journal is whole, and `resume` finishes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable

import pytest

from nhi_revoke.model.line import Closed
from tests.incident.conftest import BOT, YES, Incident, Ran, whole


class Interrupter:
    """Sends SIGINT to the process, once, when it is told to."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.sent = 0

    def press(self) -> None:
        while self.process is None:
            time.sleep(0.001)
        self.process.send_signal(signal.SIGINT)
        self.sent += 1
        time.sleep(0.05)  # the signal is handled before the vendor's answer comes


def interrupted(incident: Incident, at: Callable[[Incident, Interrupter], None], *arguments: str) -> Ran:
    """Runs the command and presses Ctrl-C where `at` says."""
    finger = Interrupter()
    at(incident, finger)
    finger.process = incident.start(*arguments)
    ran = incident.end(finger.process)
    assert finger.sent == 1, f"the moment never came\n{ran}"
    return ran


def while_asked(call: str, nth: int = 1) -> Callable[[Incident, Interrupter], None]:
    """While the vendor works on this call."""
    return lambda incident, finger: incident.when(call, finger.press, nth=nth)


def while_waiting(longer: float, shorter: float = 1e9) -> Callable[[Incident, Interrupter], None]:
    """While the engine waits for so many seconds."""

    def at(incident: Incident, finger: Interrupter) -> None:
        good = incident.aws.advance

        def advance(seconds: float) -> None:
            if longer <= seconds <= shorter and not finger.sent:
                finger.press()
            good(seconds)

        incident.aws.advance = advance  # type: ignore[method-assign]  # for the life of this sandbox

    return at


@pytest.mark.parametrize("command", ["list", "revoke"])
def test_while_listing(incident: Incident, command: str) -> None:
    more = YES if command == "revoke" else ()
    ran = interrupted(incident, while_asked("iam:ListAccessKeys"), command, BOT, *more)
    assert ran.code == 130
    assert "interrupted; nothing was changed" in ran.words
    assert incident.mutations == []
    assert incident.runs() == ()


def test_while_listing_in_json(incident: Incident) -> None:
    ran = interrupted(incident, while_asked("iam:GetUser"), "list", BOT, "-o", "json")
    assert ran.code == 130
    assert ran.json["status"] == "error"
    assert [e["code"] for e in ran.json["errors"]] == ["interrupted"]


def test_while_it_asks_for_consent(incident: Incident) -> None:
    """A real terminal: the interrupt character, typed at the question."""
    master, slave = pty.openpty()
    process = incident.start(
        "revoke", BOT, stdin=slave, stderr=slave, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    shown = b""
    until = time.monotonic() + 30
    while b"IRREVERSIBLE. Type" not in shown.replace(b"\r\n", b" "):
        assert time.monotonic() < until, shown.decode()
        if select.select([master], [], [], 0.1)[0]:
            shown += os.read(master, 65536)
    os.write(master, b"\x03")
    out, _ = process.communicate(timeout=30)
    while select.select([master], [], [], 0.1)[0]:
        try:
            more = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more
    os.close(master)
    text = " ".join(shown.decode().split())
    incident.heard.words += [("terminal", text)]
    assert process.returncode == 130
    assert "interrupted; nothing was changed" in text
    assert "Traceback" not in text
    assert out == ""
    assert incident.mutations == []
    assert incident.runs() == ()


STAGES: dict[str, tuple[Callable[[Incident, Interrupter], None], tuple[str, ...]]] = {
    "acting": (while_asked("iam:UpdateAccessKey"), ("--rotate", "no")),
    "settling": (while_waiting(30, 70), ("--rotate", "no")),
    "sealing": (while_asked("iam:PutUserPolicy", 2), ("--rotate", "no")),
    "reading-logs": (while_asked("cloudtrail:LookupEvents", 3), ("--rotate", "no")),
    "waiting-for-logs": (while_waiting(300), ()),
    "freeing-a-slot": (while_asked("iam:DeleteAccessKey"), ()),
    "minting": (while_asked("iam:CreateAccessKey"), ()),
    "delivering": (while_asked("secretsmanager:PutSecretValue"), ()),
    "serving": (while_asked("secretsmanager:UpdateSecretVersionStage"), ()),
}


@pytest.mark.parametrize("stage", STAGES)
def test_while_it_acts(incident: Incident, stage: str) -> None:
    at, more = STAGES[stage]
    whole(incident)
    ran = interrupted(incident, at, "revoke", BOT, *YES, *more, "-o", "json")
    assert ran.code == 130
    [run_id] = incident.runs()
    assert [e["code"] for e in ran.json["errors"]] == ["interrupted"]
    assert f"nhi-revoke resume {run_id}" in ran.json["errors"][0]["hint"]
    assert "Ctrl-C: what is under way ends and is journaled" in ran.err
    assert not any(isinstance(line, Closed) for line in incident.lines())
    assert [(r["state"], r["verbs"][0]) for r in incident("runs", "-o", "json").json["data"]] == [
        ("interrupted", "resume")
    ]
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 6, again  # `aws login` is unproven until its chain has ended
    assert again.data["state"] == "contained"
    assert not any(incident.doors().values())
    served = incident.secret()
    if more:
        assert incident.key_states() == {incident.leaked: False, incident.spare: False}
    else:
        assert incident.key_states() == {incident.leaked: False, served["AccessKeyId"]: True}, "an orphan key is left"
        assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
        assert [r["result"] for r in again.data["replacements"]] == ["served"]


def test_when_nothing_is_left_to_stop(incident: Incident) -> None:
    """While the cuts are proven, after the last change: the report is whole, and the exit code still says it."""
    whole(incident)
    at = while_asked("iam:SimulatePrincipalPolicy", 22)
    ran = interrupted(incident, at, "revoke", BOT, *YES, "--rotate", "no", "-o", "json")
    assert ran.code == 130
    assert ran.data["state"] == "contained"
    assert isinstance(incident.lines()[-1], Closed)
    assert not any(incident.doors().values())


def test_nothing_more_is_started_after_it(incident: Incident) -> None:
    ran = interrupted(incident, while_waiting(30, 70), "revoke", BOT, *YES)
    assert ran.code == 130
    assert [c for c in incident.mutations if c in ("iam:CreateAccessKey", "iam:DeleteAccessKey")] == []
    assert incident.mutations.count("iam:PutUserPolicy") == 1, "the seal was put although nothing more was to start"


def test_twice_leaves_at_once(incident: Incident) -> None:
    """The second one does not even wait for an answer that hangs; the journal is whole all the same."""
    finger = Interrupter()

    def twice() -> None:
        finger.press()
        finger.press()
        assert finger.process is not None
        finger.process.wait(timeout=20)  # while this request is still unanswered

    incident.when("iam:UpdateAccessKey", twice)
    finger.process = incident.start("revoke", BOT, *YES, "--rotate", "no")
    ran = incident.end(finger.process)
    assert ran.code == 130
    assert incident.lines()
    again = incident("resume", "@last", "-o", "json")
    assert again.fate(incident.leaked) == "ended"
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}


@pytest.mark.parametrize("call", ["iam:CreateAccessKey", "secretsmanager:PutSecretValue"])
def test_while_rotating_the_old_key_keeps_working(incident: Incident, call: str) -> None:
    [(key, secret)] = incident.bot("lone-bot")
    to = incident.folder / "run" / "key.json"
    to.parent.mkdir(mode=0o700)
    target = "aws-secretsmanager:payments/aws" if "secrets" in call else f"file:{to}"
    deliver = ("--deliver", f"aws:access-key={target}")
    ran = interrupted(incident, while_asked(call), "rotate", "aws:user/lone-bot", *deliver, *YES, "-o", "json")
    assert ran.code == 130
    assert incident.works(key, secret), "an interrupted rotation must not end the old key"
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 0, again
    assert not incident.works(key, secret)
    assert sum(incident.key_states("lone-bot").values()) == 1
