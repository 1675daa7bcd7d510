"""`nhi-revoke demo`: the real commands, the intruder's doors, nothing left behind."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.demo import doors
from nhi_revoke.demo.world import merge


def demo(folder: Path, *words: str) -> tuple[int, str]:
    out = io.StringIO()
    streams = Streams(io.StringIO(), out, io.StringIO(), {"NHI_REVOKE_STATE": str(folder / "mine")})
    code = run(Session(streams, ("demo", *words), folder))
    return code, out.getvalue()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_every_door_is_as_the_report_predicts_and_nothing_is_left_behind(tmp_path: Path, temporary: Path) -> None:
    code, out = demo(tmp_path, "-o", "json")
    told: dict[str, Any] = json.loads(out)
    assert code == told["exit_code"] == 0
    tried = told["data"]["intruder"]["doors"]
    assert {"id", "provider", "kind", "before", "after", "predicted"} <= set(tried[0])
    assert len(tried) >= 8
    assert len({d["kind"] for d in tried}) >= 6
    assert all(d["after"] == d["predicted"] for d in tried)
    assert sum(d["before"] == "open" for d in tried) >= 8
    assert [d["kind"] for d in tried if d["after"] == "open"] == ["chained"]
    assert all(d["after"] == "shut" for d in told["data"]["then"])
    assert [c["exit_code"] for c in told["data"]["commands"]][:3] == [0, 0, 8]
    assert told["data"]["report"]["run"]
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "mine").exists(), "the demo wrote among the operator's own runs"


def test_it_shows_the_real_commands_and_keeps_its_folder_when_asked(tmp_path: Path, temporary: Path) -> None:
    code, out = demo(tmp_path, "--keep")
    assert code == 0
    for shown in ("$ nhi-revoke list payments-bot", "$ nhi-revoke plan", "$ nhi-revoke revoke", "$ nhi-revoke apply"):
        assert shown in out
    assert "0 other than the report said" in " ".join(out.split())
    [kept] = temporary.iterdir()
    assert str(kept) in out
    assert (kept / "report.md").read_text().startswith("#")


def test_a_wrong_prediction_is_exit_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "predicted_open", lambda *_: False)
    code, out = demo(tmp_path, "-o", "json")
    assert code == 1
    assert json.loads(out)["data"]["mispredicted"] == 1


def test_one_identity_over_several_sandboxes_is_one_table() -> None:
    into: dict[str, Any] = {"identity": {"bot": {"owner": "a", "principals": ["one:x"]}}}
    merge(into, {"identity": {"bot": {"owner": "a", "principals": ["two:y"]}}, "protect": ["z"]})
    assert into == {"identity": {"bot": {"owner": "a", "principals": ["one:x", "two:y"]}}, "protect": ["z"]}
