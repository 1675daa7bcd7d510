"""kill -9 of the real command while a service works with what its store holds: no call fails, nothing is left over."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.demo.killed_process import Ended, process
from tests.demo.rolling import Rolling

SECRET = "okta:client-secret"
PUT = """
import json, os, sys
file = sys.argv[1]
held = json.load(open(file)) | json.loads(sys.stdin.readline())
with open(file + ".new", "w") as out:
    json.dump(held, out)
os.rename(file + ".new", file)
"""


@pytest.fixture
def okta(tmp_path: Path) -> Iterator[Rolling]:
    def app(sandbox: OktaSandbox) -> str:
        former = [s for s in sandbox.scene.app.secrets.values() if s.status.shown != "ACTIVE"]
        for each in former:
            del sandbox.scene.app.secrets[each.id]
        sandbox.lag(0, 0)
        return f"okta:app/{sandbox.scene.app.id}"

    with Rolling(tmp_path, "okta", app) as rolling:
        yield rolling


def states(okta: Rolling) -> dict[str, str]:
    """Of each of the app's secrets, by its value."""
    sandbox: Any = okta.sandbox
    return {s.value: s.status.shown for s in sandbox.scene.app.secrets.values() if s.status.shown != "GONE"}


def stored(okta: Rolling) -> str:
    return str(json.loads((okta.folder / "payments-okta.json").read_text())["client_secret"])


def shot(okta: Rolling, deliver: str, dies: str) -> None:
    """And whatever it had done by then, the service works on, with what it holds."""
    died = process(okta, *okta.rotating(deliver), dies=dies)
    assert died.code == -signal.SIGKILL, died.words
    assert states(okta)[stored(okta)] == "ACTIVE"
    okta.call_again()


def no_failed_call(okta: Rolling, *ended: Ended) -> None:
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)
    assert client.calls > 10
    journals = [path.read_text() for path in (okta.world.state / "runs").iterdir()]
    for value in states(okta):
        assert not [text for text in (*journals, *(each.words for each in ended)) if value in text]


@pytest.mark.kill
@pytest.mark.parametrize(
    ("dies", "arrived"),
    [
        ("before Resulted mint", False),  # the vendor made it, and no line says so
        ("after Resulted mint", False),
        ("after Resulted prove", False),  # staged and proven, not served
        ("before Resulted serve", True),  # served, and no line says so
        ("after Resulted serve", True),
    ],
)
def test_shot_on_the_way_and_resumed(okta: Rolling, tmp_path: Path, dies: str, arrived: bool) -> None:
    before = stored(okta)
    shot(okta, f"{SECRET}=file:{tmp_path}/payments-okta.json", dies)
    assert sorted(states(okta).values()) == ["ACTIVE", "ACTIVE"], "the new one is made, and the old one ends last"
    assert (stored(okta) != before) is arrived
    taken = stored(okta)
    again = process(okta, "resume", "@last")
    assert again.code in (0, 6, 8, 9), again.words
    now = stored(okta)
    assert states(okta) == {before: "INACTIVE", now: "ACTIVE"}, "one old, one new, and no orphan"
    assert (now == taken) is arrived, "what arrived stays"
    no_failed_call(okta, again)


@pytest.mark.kill
def test_shot_while_a_program_delivers(okta: Rolling, tmp_path: Path) -> None:
    """It took the new one, and nobody heard its answer: both stay, until somebody has looked."""
    (tmp_path / "put.py").write_text(PUT)
    argv = json.dumps([sys.executable, f"{tmp_path}/put.py", f"{tmp_path}/payments-okta.json"])
    before = stored(okta)
    shot(okta, f"{SECRET}=exec:{argv}", "before Resulted serve")
    taken = stored(okta)
    assert taken != before
    again = process(okta, "resume", "@last")
    assert again.code == 5, again.words
    assert stored(okta) == taken
    assert states(okta) == {before: "ACTIVE", taken: "ACTIVE"}
    [replaced] = again.told["data"]["replacements"]
    assert replaced["result"] == "unseen"
    no_failed_call(okta, again)
