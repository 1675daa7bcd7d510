"""kill -9 along the run, a torn line, a tampered journal, a full disk: nothing is lost and no orphan is left."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.line import Closed, Intended
from tests.incident.conftest import BOT, YES, Incident, whole

LINES = 72
"""Of a whole run with a rotation, about; a kill point past the end would be told by the exit code."""
POINTS = sorted({round(n * (LINES - 1) / 9) for n in range(10)})


def contained(incident: Incident) -> None:
    """Everything is shut, and exactly one new key lives: the one that the store serves."""
    assert not any(incident.doors().values())
    served = incident.secret()
    assert incident.key_states() == {incident.leaked: False, served["AccessKeyId"]: True}, "an orphan key is left"
    assert incident.works(served["AccessKeyId"], served["SecretAccessKey"])
    assert served["WebhookSigningKey"]
    assert set(incident.inline(BOT)) == {"payments-data", "payments-reach", "NHIRevoke"}


@pytest.mark.kill
@pytest.mark.parametrize("line", POINTS)
def test_killed_with_signal_9_and_resumed(incident: Incident, line: int) -> None:
    whole(incident)
    died = incident.process("revoke", BOT, *YES, "-o", "json", die_at=line)
    assert died.code == -signal.SIGKILL, died
    assert died.out == ""
    if not incident.runs():
        assert incident.mutations == [], "something was changed before the first line was stored"
        again = incident("revoke", BOT, *YES, "-o", "json")
    else:
        assert len(incident.lines()) <= line
        assert incident("runs", "-o", "json").json["data"][0]["state"] == "interrupted"
        again = incident("resume", "@last", "-o", "json")
    assert again.code == 6, again  # `aws login` is unproven until its chain has ended
    assert again.data["state"] == "contained"
    assert [r["result"] for r in again.data["replacements"]] == ["served"]
    contained(incident)
    assert len(incident.runs()) == 1


def killed(incident: Incident, line: int) -> None:
    """The same in this process, for what is done to the journal afterwards."""

    class Killed(BaseException):
        pass

    def die(number: int) -> None:
        if number >= line:
            raise Killed

    with pytest.raises(Killed):
        incident("revoke", BOT, *YES, before_append=die)


def test_killed_in_the_same_place_again_and_again(incident: Incident) -> None:
    """A machine that is going down: each try gets a few lines further."""
    whole(incident)
    killed(incident, 8)

    class Killed(BaseException):
        pass

    for line in (23, 40, 51, 58):

        def die(number: int, line: int = line) -> None:
            if number >= line:
                raise Killed

        with pytest.raises(Killed):
            incident("resume", "@last", before_append=die)
    assert incident("resume", "@last", "-o", "json").code == 6
    contained(incident)


def test_a_torn_last_line_is_dropped(incident: Incident) -> None:
    whole(incident)
    killed(incident, 20)
    path = incident.journal()
    stored = path.read_bytes()
    lines = stored.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 6, again
    contained(incident)
    assert path.read_bytes().startswith(b"".join(lines[:-1])), "a whole line was lost"


TAMPERED = ("resume", "report", "undo", "verify", "finish", "release", "hold")


@pytest.mark.parametrize("how", ["a word", "a line dropped", "two lines swapped"])
def test_a_tampered_journal(incident: Incident, how: str) -> None:
    incident("revoke", BOT, *YES, "--rotate", "no")
    path = incident.journal()
    lines = path.read_bytes().splitlines(keepends=True)
    if how == "a word":
        lines[6] = lines[6].replace(b"intent", b"result", 1).replace(b"s0", b"s1", 1)
    elif how == "a line dropped":
        del lines[5]
    else:
        lines[5], lines[6] = lines[6], lines[5]
    path.write_bytes(b"".join(lines))
    incident.tampered = True
    asked = len(incident.mutations)
    for verb in TAMPERED:
        ran = incident(verb, "@last", *(YES if verb in ("undo", "finish", "release") else ()))
        assert ran.code == 7, ran
        assert "tampered-journal" in ran.words
        assert "can no longer be known from it" in ran.words
        assert "nhi-revoke list" in ran.words, "what to do next"
    assert incident("runs").code == 0, "the list of runs still works"
    assert len(incident.mutations) == asked
    told = incident("resume", "@last", "-o", "json").json
    assert (told["status"], [e["code"] for e in told["errors"]]) == ("refused", ["tampered-journal"])


def full_from(monkeypatch: pytest.MonkeyPatch, line: int, *, torn: bool = False) -> list[int]:
    """From that line on the disk has no room; `torn`: for a part of a line only. Returns the calls it refused."""
    good, refused, written = os.write, [], [0]

    def write(descriptor: int, data: bytes) -> int:
        if not Path(f"/proc/self/fd/{descriptor}").resolve().name.endswith(".jsonl"):
            return good(descriptor, data)
        written[0] += 1
        if written[0] <= line:
            return good(descriptor, data)
        refused.append(written[0])
        if torn and len(refused) % 2:
            return good(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nhi_revoke.engine.store.os.write", write)
    return refused


def test_a_full_disk_before_the_first_line(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        assert full_from(patch, 0) == []
        ran = incident("revoke", BOT, *YES)
    assert ran.code == 1
    assert "No space left on device" in ran.words
    assert "nothing was changed" in ran.words
    assert incident.mutations == []
    assert incident("runs", "-o", "json").json["data"] == [], "what wrote nothing is no run"
    assert incident("resume", "@last").code == 3
    assert incident("revoke", BOT, *YES, "--rotate", "no").code == 8, "the next try is not in the way of the first"


def test_a_crash_within_the_first_line(incident: Incident) -> None:
    """Nothing was changed, so that it is no run; it must not hide the others either."""
    incident("revoke", BOT, *YES, "--rotate", "no")
    [first] = incident.runs()
    incident.journal("99991231T000000Z-torn").write_bytes(b'{"n":0,"prev":"000')
    incident.journal("99991231T000000Z-empty").touch()
    assert [row["run"] for row in incident("runs", "-o", "json").json["data"]] == [first]
    assert incident("report", "@last", "-o", "json").data["run"] == first
    assert incident("verify", BOT, "-o", "json").data["run"] == first


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "half-a-line"])
@pytest.mark.parametrize("line", [4, 15, 45])
def test_a_full_disk_midway(incident: Incident, monkeypatch: pytest.MonkeyPatch, line: int, torn: bool) -> None:
    whole(incident)
    with monkeypatch.context() as patch:
        refused = full_from(patch, line, torn=torn)
        ran = incident("revoke", BOT, *YES, "-o", "json")
        assert refused
    assert ran.code in (1, 5)
    [problem] = ran.json["errors"]
    assert "No space left on device" in problem["message"]
    assert "Nothing more was started" in problem["message"]
    assert problem["hint"].startswith("Make room, then")
    assert len(incident.lines()) == line
    intents = sum(isinstance(each, Intended) for each in incident.lines())
    assert len(incident.mutations) <= intents + 1, "a change was asked for that the journal does not know of"
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 6, again
    contained(incident)


def test_a_journal_that_others_could_write(incident: Incident) -> None:
    incident("revoke", BOT, *YES, "--rotate", "no")
    incident.journal().chmod(0o666)
    asked = len(incident.mutations)
    ran = incident("undo", "@last", "--yes")
    assert ran.code == 7
    assert "others may write to it" in ran.words
    assert len(incident.mutations) == asked
    incident.journal().chmod(0o600)


def test_a_whole_run_is_as_long_as_the_kill_points_think(incident: Incident) -> None:
    whole(incident)
    assert incident("revoke", BOT, *YES).code == 6
    lines = incident.lines()
    assert POINTS[-1] < len(lines), "the last kill point is past the end of the run"
    assert len(lines) - POINTS[-1] < 8, "the kill points do not reach the end of the run"
    assert isinstance(lines[-1], Closed)
    assert RunFolder(incident.state / "runs").runs() == incident.runs()
