"""`exec:` as a store: the program gets the secret on its stdin alone, and only what it answered is believed."""

from __future__ import annotations

import base64
import json
import os
import select
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import lists, sampled_from, text

from nhi_revoke.model.change import Already, Done, Failed, Impossible, Lost
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Step
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.store.command_line import parse
from nhi_revoke_local.store.exec import UNTOUCHED, ExecStore
from tests.local.trial import SECRET, Trial

STORE = ExecStore()
READS = "import sys; text = sys.stdin.read(); "


def address(code: str, *more: str, key: str = "", **settings: Any) -> str:
    argv = [sys.executable, "-c", code, *more]
    return json.dumps({"argv": argv, **settings} if settings else argv) + (f"#{key}" if key else "")


def served(run: Trial, to: str, secret: Secret = SECRET) -> tuple[Step, Any]:
    """As the engine does: the mint, the stage, and then the program."""
    run.give("m/1", secret)
    run.lefts["m/1"] = {"id": "example:key/bot/K2"}
    staged = run.step("stage", to)
    assert STORE.stage.check(run.conn, staged) is None
    assert isinstance(run.do(STORE.stage, staged), Done)
    step = run.step("serve", to)
    assert STORE.serve.check(run.conn, step) is None
    return step, run.do(STORE.serve, step)


def test_it_gets_one_line_of_json_and_nothing_else_holds_the_secret(run: Trial, tmp_path: Path) -> None:
    code = (
        "import json, os, sys; text = sys.stdin.read(); print(text);"
        "json.dump([text, sys.argv, dict(os.environ)], open(sys.argv[1], 'w'))"
    )
    out = tmp_path / "out"
    step, change = served(run, address(code, str(out), "a b; $(touch x)"))
    assert change == Done({"program": os.path.basename(sys.executable), "exit": 0}, run.conn.now())
    text, argv, environ = json.loads(out.read_text())
    assert text == '{"KeyId": "K2", "SecretKey": "canary-new"}\n'
    assert argv == ["-c", str(out), "a b; $(touch x)"]
    assert environ["NHI_REVOKE_RUN"] == "r-1"
    assert environ["NHI_REVOKE_STEP"] == "serve-m/1/example:key/bot/K2"
    assert environ["PATH"] == os.environ["PATH"]
    assert "canary" not in repr((argv, environ, step, change, run.lefts))
    assert {each.name for each in tmp_path.iterdir()} == {"out"}


def test_a_key_takes_the_secret_part_alone(run: Trial, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, change = served(run, address(READS + "open(sys.argv[1], 'w').write(text)", str(out), key="token"))
    assert isinstance(change, Done)
    assert json.loads(out.read_text()) == {"token": "canary-new"}


def test_a_format_is_the_whole_text(run: Trial, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = READS + "open(sys.argv[1], 'w').write(text)"
    _, change = served(run, address(code, str(out), key="format=env(TOKEN=-)"))
    assert isinstance(change, Done)
    assert out.read_text() == "TOKEN=canary-new\n"


def test_nothing_runs_before_it_is_served(run: Trial, tmp_path: Path) -> None:
    to = address("open('ran', 'w')", cwd=str(tmp_path))
    run.give("m/1", SECRET)
    step = run.step("stage", to)
    assert STORE.stage.check(run.conn, step) is None
    change = run.do(STORE.stage, step)
    assert isinstance(change, Done)
    assert change.left["unread"]
    assert change.left["unwritten"]
    assert run.seen(STORE.stage, step) == change.left
    assert run.undo(STORE.stage, step) == Already({})
    assert STORE.stage.prove(run.conn, step, run).proof is Proof.RECORDED
    assert list(tmp_path.iterdir()) == []


def test_what_it_answered_is_all_that_is_known(run: Trial) -> None:
    to = address(READS)
    assert run.seen(STORE.serve, run.step("serve", to)) is None
    step, _ = served(run, to)
    assert run.seen(STORE.serve, step) == {"program": os.path.basename(sys.executable), "exit": 0}
    proven = STORE.serve.prove(run.conn, step, run)
    assert proven.proof is Proof.REQUESTED, "accepted, and seen by nobody"
    assert isinstance(run.undo(STORE.serve, step), Impossible)
    run.crash()
    shape = Secret("", field="SecretKey", public={"KeyId": "K2"})
    assert STORE.recall(run.conn, step, run, shape) is None
    with pytest.raises(Rejected, match="mint it anew"):
        run.do(STORE.serve, step)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (READS + "sys.exit(3)", "ended with exit code 3"),
        (READS + "sys.stderr.write('first\\n\\x1b[31mno room\\x07\\n\\n'); sys.exit(1)", "exit code 1: [31mno room"),
        (READS + "sys.stderr.write('x' * 10**6 + 'end'); sys.exit(2)", "exit code 2: " + "x" * 200),
        (READS + "sys.stderr.close(); sys.exit(4)", "ended with exit code 4"),
        ("import os; os.close(2); raise SystemExit(bool(os.read(0, 1)))", "ended with exit code 1"),
    ],
)
def test_any_other_code_is_no_delivery(run: Trial, code: str, says: str) -> None:
    step, change = served(run, address(code))
    assert isinstance(change, Failed)
    assert change.why.endswith(says)
    assert run.seen(STORE.serve, step) is None


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "import sys; sys.exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.close(0)",
        "import subprocess, sys; subprocess.Popen(['sleep', '5'], stderr=subprocess.DEVNULL)",
        "import time; time.sleep(300)",
    ],
)
@pytest.mark.parametrize("size", [1, 300_000])
def test_a_program_that_read_nothing_has_delivered_nothing(run: Trial, code: str, size: int) -> None:
    """`true` is a mistake of the map, and must not end the credential that works; however much there was to read."""
    big = Secret("canary" * size, field="SecretKey")
    _, change = served(run, address(code, timeout=0.5 if "time" in code else 30), big)
    assert isinstance(change, Failed)
    assert UNTOUCHED in change.why


def test_more_than_a_pipe_holds(run: Trial, tmp_path: Path) -> None:
    out = tmp_path / "out"
    big = Secret("canary" * 200_000, field="SecretKey")
    code = "import sys; sys.stderr.write('y' * 300_000); open(sys.argv[1], 'w').write(sys.stdin.read())"
    _, change = served(run, address(code, str(out)), big)
    assert isinstance(change, Done)
    assert json.loads(out.read_text()) == big.fields()


def test_one_that_hangs_is_killed_with_its_children_and_nobody_knows(run: Trial, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # Open for reading while a sleeper has it open for writing: its end, by whatever signal, is an end of file here.
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    argv = ["sh", "-c", "read -r line; echo begun > begun; sleep 300 > pipe & wait"]
    step, change = served(run, json.dumps({"argv": argv, "cwd": str(tmp_path), "timeout": 5}))
    assert change == Lost("sh did not end in 5 s and was killed; it may have done its work")
    assert (tmp_path / "begun").exists()
    assert run.seen(STORE.serve, step) is None
    os.set_blocking(pipe, True)
    assert select.select([pipe], [], [], 60)[0]
    assert os.read(pipe, 1) == b""
    os.close(pipe)


def test_one_that_is_shot_while_it_works_gave_no_answer(run: Trial) -> None:
    _, change = served(run, address(READS + "import os; os.kill(os.getpid(), 9)"))
    assert isinstance(change, Lost)
    assert "was ended by SIGKILL, and may have done its work" in change.why


def test_a_child_that_outlives_it_does_not_hold_us_up(run: Trial, tmp_path: Path) -> None:
    """It keeps the pipes open; it has everything that its parent left, which is nothing."""
    code = READS + (
        "import subprocess; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']);"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))"
    )
    try:
        _, change = served(run, address(code, timeout=60))
        assert isinstance(change, Done)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)


LONG = 'p/w+"=\\{}:ü~%' + "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "written",
    [
        "s",
        "text",
        "'key ' + s[5:25] + '…'",
        "'a' * 5000 + s",
        "json.dumps(s)",
        "json.dumps(json.dumps({'x': s}))",
        "json.dumps(text)",
        "urllib.parse.quote(s, safe='')",
        "urllib.parse.quote_plus(s).upper()",
        "s.encode().hex()",
        "s.encode().hex().upper()",
        "base64.b64encode(s.encode()).decode()",
        "base64.urlsafe_b64encode(('x' + s).encode()).decode()",
        "base64.b64encode(('xy' + s + 'z').encode()).decode()",
        "base64.b64encode(text.encode()).decode()",
        "'\\x00'.join(s)",
        "s[::-1]",
        "'one line\\n' + s + '\\n\\n'",
    ],
)
def test_what_it_says_is_not_told_where_it_holds_the_secret(run: Trial, written: str) -> None:
    code = (
        "import base64, json, sys, urllib.parse; text = sys.stdin.read(); s = json.loads(text)['SecretKey'];"
        f"sys.stderr.buffer.write(({written}).encode()); sys.exit(1)"
    )
    _, change = served(run, address(code), Secret(LONG, field="SecretKey", public={"KeyId": "K2"}))
    assert isinstance(change, Failed)
    assert change.why.endswith("ended with exit code 1: what it said is not shown, since it holds some of the secret")


@pytest.mark.parametrize("said", ["KeyId K2 is not known", "SecretKey is missing", "no room on /dev/sda1"])
def test_what_holds_nothing_of_it_is_told(run: Trial, said: str) -> None:
    code = READS + f"sys.stderr.write({said!r}); sys.exit(1)"
    _, change = served(run, address(code), Secret(LONG, field="SecretKey", public={"KeyId": "K2"}))
    assert isinstance(change, Failed)
    assert change.why.endswith(f"exit code 1: {said}")


def test_a_short_secret_is_looked_for_as_a_whole(run: Trial) -> None:
    short = Secret("a-b-c", field="f")
    _, hidden = served(run, address(READS + "sys.stderr.write('it is a-b-c'); sys.exit(1)"), short)
    assert "not shown" in hidden.why
    coded = base64.b64encode(b"a-b-c").decode()
    _, hidden = served(run, address(READS + f"sys.stderr.write('it is {coded}'); sys.exit(1)"), short)
    assert "not shown" in hidden.why
    _, told = served(run, address(READS + "sys.stderr.write('it is a-b'); sys.exit(1)"), short)
    assert told.why.endswith("it is a-b")


@pytest.mark.parametrize(
    ("to", "hint"),
    [
        ("/no/such/program", "Correct argv in the map"),
        ("no-such-program-anywhere --x", "Correct argv in the map"),
        ('["/no/such/program"]', "Correct argv in the map"),
        ('{"argv": ["true"], "cwd": "/no-such-folder"}', "Correct cwd in the map"),
        ("[]", "argv"),
        ('["true", 1]', "argv"),
        ('["true"', "argv list"),
        ('["true"] x', "argv list"),
        ('["true"]#', "argv list"),
        ('{"argv": ["true"], "shell": true}', "argv"),
        ('{"argv": ["true"], "timeout": 0}', "timeout"),
        ("put 'a b'", "argv list"),
        ("put  twice", "argv list"),
        ("put ~/x", "argv list"),
        ("put $HOME", "argv list"),
        ("put | tee x", "argv list"),
        ("A=b put", "argv list"),
        (" put", "argv list"),
        ("", "argv list"),
        ("/etc/passwd", "Correct argv in the map"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_minted(run: Trial, to: str, hint: str) -> None:
    for doer, does in ((STORE.stage, "stage"), (STORE.serve, "serve")):
        told = doer.check(run.conn, run.step(does, to))
        assert told is not None
        assert told.why.startswith("exec: ")
        assert hint in told.manual


def test_plain_words_are_the_same_list(run: Trial, tmp_path: Path) -> None:
    tool = tmp_path / "put"
    tool.write_text('#!/bin/sh\ncat > "$2"\n')
    tool.chmod(0o700)
    _, change = served(run, f"{tool} --to {tmp_path}/out#token")
    assert isinstance(change, Done)
    assert json.loads((tmp_path / "out").read_text()) == {"token": "canary-new"}


@settings(deadline=None, derandomize=True, database=None, max_examples=400)
@given(text(alphabet="ab/-=.,:@+% \t\n\"'\\$`~*?[{|&;<>(!#", min_size=1, max_size=12))
def test_plain_words_are_taken_only_where_a_shell_would_read_the_same(given_words: str) -> None:
    try:
        at = parse(given_words)
    except Rejected:
        return
    words, hash_, key = given_words.partition("#")
    assert list(at.settings.argv) == shlex.split(words)
    assert words == shlex.join(shlex.split(words)), "nothing in it needs a quote"
    assert at.key == key
    assert bool(hash_) == bool(key)


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(lists(text(min_size=1), min_size=1), text(), sampled_from([None, "/srv"]))
def test_any_list_is_taken_as_it_is(argv: list[str], key: str, cwd: str | None) -> None:
    beside = {} if cwd is None else {"cwd": cwd, "timeout": 2}
    at = parse(json.dumps({"argv": argv, **beside} if beside else argv) + (f"#{key}" if key else ""))
    assert (list(at.settings.argv), at.settings.cwd, at.key) == (argv, cwd, key)


def test_a_program_that_cannot_be_started_is_no_delivery(run: Trial, tmp_path: Path) -> None:
    tool = tmp_path / "put"
    tool.write_text("#!/no/such/interpreter\n")
    tool.chmod(0o700)
    _, change = served(run, json.dumps([str(tool)]))
    assert change == Failed("put did not start: No such file or directory")
