"""A rollover through a program of the operator's own: the real command line, a real program, and a client at work."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.demo.rolling import Rolling

SECRET = "okta:client-secret"
PUT = """
import json, os, sys
file, code = sys.argv[1], int(sys.argv[2])
new = json.loads(sys.stdin.readline())
held = json.load(open(file))
held.update(new)
with open(file + ".new", "w") as out:
    json.dump(held, out)
if sys.argv[3:]:
    os.kill(os.getpid(), int(sys.argv[3]))
if code == 0:
    os.rename(file + ".new", file)
else:
    sys.stderr.write(f"cannot put {new['client_secret']} there")
with open("put.log", "a") as log:
    print(os.environ["NHI_REVOKE_RUN"], os.environ["NHI_REVOKE_STEP"], sorted(new), file=log)
sys.exit(code)
"""


@pytest.fixture
def okta(tmp_path: Path) -> Iterator[Rolling]:
    def app(sandbox: OktaSandbox) -> str:
        former = [s for s in sandbox.scene.app.secrets.values() if s.status.shown != "ACTIVE"]
        for each in former:
            del sandbox.scene.app.secrets[each.id]
        sandbox.lag(0, 0)
        return f"okta:app/{sandbox.scene.app.id}"

    (tmp_path / "put.py").write_text(PUT)
    with Rolling(tmp_path, "okta", app) as rolling:
        yield rolling


def secrets_of(rolling: Rolling) -> dict[str, str]:
    sandbox: Any = rolling.sandbox
    return {s.value: s.status.shown for s in sandbox.scene.app.secrets.values() if s.status.shown != "GONE"}


def ids_of(rolling: Rolling) -> dict[str, str]:
    sandbox: Any = rolling.sandbox
    return {s.value: s.id for s in sandbox.scene.app.secrets.values()}


def stored(rolling: Rolling) -> str:
    return str(json.loads((rolling.folder / "payments-okta.json").read_text())["client_secret"])


def program(folder: Path, code: int = 0, *more: str) -> str:
    argv = [sys.executable, "put.py", f"{folder}/payments-okta.json", str(code), *more]
    return "exec:" + json.dumps({"argv": argv, "cwd": str(folder)})


def told_nothing(okta: Rolling, *texts: str) -> None:
    """No value of any secret of the app is in what was said, or journaled."""
    journals = [path.read_text() for path in (okta.world.state / "runs").iterdir()]
    for value in secrets_of(okta):
        assert not [text for text in (*texts, *journals) if value in text]


def test_the_old_one_ends_once_the_program_has_taken_the_new_one(okta: Rolling, tmp_path: Path) -> None:
    before = stored(okta)
    code, told, err = okta.rotate(f"{SECRET}={program(tmp_path)}")
    assert code in (0, 6, 8, 9), told["errors"]
    now = stored(okta)
    assert secrets_of(okta) == {before: "INACTIVE", now: "ACTIVE"}
    [one] = told["data"]["replacements"]
    assert one["result"] == "served"
    assert "not read back (a program of your own took it" in one["why"]
    [serve] = [s for s in told["data"]["steps"] if s["does"] == "exec/serve"]
    assert serve["proof"] == "requested"
    assert "nobody can read it back" in serve["says"]
    [(run, step, *fields)] = [line.split(" ", 2) for line in (tmp_path / "put.log").read_text().splitlines()]
    assert run == told["data"]["run"]
    assert step == f"{serve['id']}/{one['access']}"
    assert fields == ["['client_id', 'client_secret']"]
    told_nothing(okta, json.dumps(told), err)
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def test_one_that_refuses_leaves_the_old_one_alone_and_tells_no_secret(okta: Rolling, tmp_path: Path) -> None:
    before = stored(okta)
    code, told, err = okta.rotate(f"{SECRET}={program(tmp_path, 3)}")
    assert code == 1
    assert secrets_of(okta) == {before: "ACTIVE"}
    [serve] = [s for s in told["data"]["steps"] if s["does"] == "exec/serve"]
    assert "exit code 3: what it said is not shown, since it holds some of the secret" in serve["detail"]
    assert [s for s in told["data"]["steps"] if s["phase"] == "end" and s["result"] == "done"] == []
    told_nothing(okta, json.dumps(told), err)
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def test_one_that_dies_on_the_way_leaves_both_and_the_report_says_how_to_end_either(
    okta: Rolling, tmp_path: Path
) -> None:
    before = stored(okta)
    code, told, _ = okta.rotate(f"{SECRET}={program(tmp_path, 0, '9')}")
    assert code == 5
    assert told["status"] == "partial"
    assert stored(okta) == before
    assert sorted(secrets_of(okta).values()) == ["ACTIVE", "ACTIVE"]
    [one] = told["data"]["replacements"]
    assert one["result"] == "unseen"
    new = one["access"]
    old = next(o["access"]["id"] for o in told["data"]["outcomes"] if ids_of(okta)[before] in o["access"]["id"])
    assert f"{new} stays valid, and so does the old one ({old})" in one["why"]
    name = told["data"]["identity"]
    for each in (old, new):
        assert f"nhi-revoke revoke {name} --scope {each} --rotate no" in told["data"]["notices"][0]["says"]
    assert told["data"]["next"][0] == f"nhi-revoke list {name}"
    code, again, _ = okta.command("resume", "@last")
    assert code == 5
    assert again["data"]["replacements"] == told["data"]["replacements"]
    assert (tmp_path / "payments-okta.json.new").exists()
    assert not (tmp_path / "put.log").exists(), "it was run once, and died before its last line"
    # Whoever looked types what the report says: the workload has the old one, so that the new one ends.
    ended = ("revoke", name, "--scope", new, "--rotate", "no")
    code, told, err = okta.command(*ended, "--yes", "--allow-irreversible", "--settle", "0")
    assert told["data"]["outcomes"], err
    assert secrets_of(okta)[before] == "ACTIVE"
    assert [v for v, state in secrets_of(okta).items() if state == "ACTIVE"] == [before]
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def test_what_nobody_can_tell_names_the_format_in_words(okta: Rolling, tmp_path: Path) -> None:
    code, told, _ = okta.rotate(f"{SECRET}={program(tmp_path, 0, '9')}", "--format", "json")
    assert code == 5
    [one] = told["data"]["replacements"]
    assert one["result"] == "unseen"
    assert "as json took it" in one["why"]
    assert "format=" not in json.dumps([one, told["data"]["notices"]])


def test_a_program_that_is_not_there_is_seen_before_anything_is_minted(okta: Rolling, tmp_path: Path) -> None:
    code, told, err = okta.rotate(f'{SECRET}=exec:["/no/such/put"]')
    assert code == 1
    assert "there is no program /no/such/put here. Correct argv" in " ".join(err.split()) + json.dumps(told)
    sandbox: Any = okta.sandbox
    assert [c for c in sandbox.calls() if c.mutates and c.by == "operator"] == []


def test_the_map_may_have_the_list_beside_it_and_is_checked(okta: Rolling, tmp_path: Path) -> None:
    text = okta.world.config.read_text()
    file = next(line for line in text.splitlines() if line.startswith("to = ") and "payments-okta" in line)
    put = (
        f'to = "exec"\nargv = [{sys.executable!r}, "put.py", "{tmp_path}/payments-okta.json", "0"]\ncwd = "{tmp_path}"'
    )
    okta.world.config.write_text(text.replace(file, put))
    code, told, err = okta.command("identities", "check")
    [found] = [f for f in told["data"] if f["what"].startswith(f"{SECRET}=exec:")]
    assert (found["state"], found["part"]) == ("ok", "deliver"), err
    code, told, _ = okta.command("plan", okta.world.identity)
    [serve] = [s for s in told["data"]["steps"] if s["does"] == "exec/serve"]
    assert '"put.py"' in serve["says"]
    okta.world.config.write_text(text.replace(file, put.replace(sys.executable, "/no/x")))
    code, told, _ = okta.command("identities", "check")
    [found] = [f for f in told["data"] if f["what"].startswith(f"{SECRET}=exec:")]
    assert found["state"] == "wrong"
    assert "there is no program /no/x here" in found["why"]
    assert code == 8
