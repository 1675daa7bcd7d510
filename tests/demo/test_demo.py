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
from nhi_revoke.provider.sandbox.workload import StoredWorkload

NOT_OURS = {
    "aws/cross-account", "aws/delegated-session", "aws/outbound-jwt", "aws/planted-user-key", "aws/pod-identity",
    "aws/roles-anywhere",
    "gcp/exchange", "gcp/federated-token",
    "entra/api-token", "entra/graph-token", "entra/user-graph-token",
    "okta/access-token-introspecting", "okta/access-token-local", "okta/api-service-token", "okta/planted-user",
    "okta/refreshed-token-local",
    "github/app-key", "github/app-secret", "github/installation-token", "github/planted-hook", "github/user-ssh-key",
    "github/user-token",
}  # fmt: skip
"""Doors that this run had no right, no consent or no way to shut; the report names each."""
LEAST = {"aws": (18, 14), "entra": (7, 7), "okta": (6, 6), "github": (6, 6), "gcp": (16, 13)}
"""Doors and kinds of doors, of each provider."""


def demo(folder: Path, *words: str, only: str = "") -> tuple[int, str]:
    """`only`: providers; empty: every one."""
    out = io.StringIO()
    environ = {"NHI_REVOKE_STATE": str(folder / "mine")} | ({"NHI_REVOKE_PROVIDERS": only} if only else {})
    streams = Streams(io.StringIO(), out, io.StringIO(), environ)
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
    for provider, (doors_, kinds) in LEAST.items():
        mine = [d for d in tried if d["provider"] == provider]
        assert sum(d["before"] == "open" for d in mine) >= doors_
        assert len({d["kind"] for d in mine}) >= kinds
    assert all(d["after"] == d["predicted"] for d in tried)
    left = {d["id"] for d in tried if d["after"] == "open"}
    assert left == {"aws/chained", "gcp/reach", *NOT_OURS}
    assert {d["id"] for d in told["data"]["then"] if d["after"] == "open"} == NOT_OURS
    assert [c["exit_code"] for c in told["data"]["commands"]][:3] == [0, 0, 8]
    assert told["data"]["report"]["run"]
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "mine").exists(), "the demo wrote among the operator's own runs"


def test_it_shows_the_real_commands_and_keeps_its_folder_when_asked(tmp_path: Path, temporary: Path) -> None:
    code, out = demo(tmp_path, "--keep", only="aws,local")
    assert code == 0
    for shown in ("$ nhi-revoke list payments-bot", "$ nhi-revoke plan", "$ nhi-revoke revoke", "$ nhi-revoke apply"):
        assert shown in out
    assert "0 other than the report said" in " ".join(out.split())
    [kept] = temporary.iterdir()
    assert str(kept) in out
    assert (kept / "report.md").read_text().startswith("#")


def test_rollover_counts_the_calls_that_fail_meanwhile(tmp_path: Path, temporary: Path) -> None:
    code, out = demo(tmp_path, "--scenario", "rollover", "-o", "json", only="okta,github,local")
    told: dict[str, Any] = json.loads(out)
    assert code == told["exit_code"] == 0
    client = told["data"]["client"]
    assert client["calls"] >= 6
    assert (client["failed"], client["unclear"], told["data"]["not_replaced"]) == (0, 0, [])
    assert {each["provider"]: each["kind"] for each in client["by"]} == {
        "github": "github:deploy-key", "okta": "okta:client-secret",
    }  # fmt: skip
    assert all(each["outlived"] >= 600 for each in client["by"]), "the grace"
    assert {r["result"] for r in told["data"]["report"]["replacements"]} == {"served"}
    assert list(temporary.iterdir()) == []


def test_rollover_on_a_screen(tmp_path: Path, temporary: Path) -> None:
    code, out = demo(tmp_path, "--scenario", "rollover", only="okta,local")
    assert code == 0
    words = " ".join(out.split())
    assert "$ nhi-revoke rotate payments-bot --grace 10m" in words
    assert "calls by long-term credentials: 0 failed NO OUTAGE" in words


def test_a_call_that_fails_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StoredWorkload, "call", lambda _: False)
    code, out = demo(tmp_path, "--scenario", "rollover", "-o", "json", only="okta,local")
    assert code == 1
    client = json.loads(out)["data"]["client"]
    assert client["failed"] == client["calls"] > 0


def test_a_wrong_prediction_is_exit_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "predicted_open", lambda *_: False)
    code, out = demo(tmp_path, "-o", "json", only="aws,local")
    assert code == 1
    assert json.loads(out)["data"]["mispredicted"] == 1 + len([door for door in NOT_OURS if door.startswith("aws/")])


def test_one_identity_over_several_sandboxes_is_one_table() -> None:
    into: dict[str, Any] = {"identity": {"bot": {"owner": "a", "principals": ["one:x"]}}}
    merge(into, {"identity": {"bot": {"owner": "a", "principals": ["two:y"]}}, "protect": ["z"]})
    assert into == {"identity": {"bot": {"owner": "a", "principals": ["one:x", "two:y"]}}, "protect": ["z"]}
