"""Plans on disk, and the runs on this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nhi_revoke.engine.planfile import load_plan, save_plan
from nhi_revoke.engine.runs import find_run, summary
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.error import NotFound, Usage
from nhi_revoke.model.identity import Identity
from tests.engine.cloud import Bot, Cloud, bot
from tests.engine.scene import Scene, identity
from tests.engine.story import access, plan_of, step

PLAN = plan_of(step("a", before={"state": "live"}), accesses=(access(),))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_plan_reads_back_and_is_private(tmp_path: Path) -> None:
    path, old = tmp_path / "plan.json", os.umask(0)
    try:
        save_plan(path, PLAN)
    finally:
        os.umask(old)
    assert mode(path) == 0o600
    assert load_plan(path) == PLAN
    assert path.read_bytes().endswith(b"}\n")


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("mine " * 10_000)
    path.chmod(0o644)
    with pytest.raises(Usage) as caught:
        save_plan(path, PLAN)
    assert (caught.value.code, caught.value.exit_code) == ("plan-exists", 2)
    assert path.read_text().startswith("mine")
    save_plan(path, PLAN, overwrite=True)
    assert load_plan(path) == PLAN
    assert mode(path) == 0o600


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "plan.json").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        save_plan(tmp_path / "plan.json", PLAN, overwrite=True)
    with pytest.raises(Usage):
        save_plan(tmp_path / "plan.json", PLAN)
    assert (tmp_path / "target").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"{}", b"no json", b"[1]", b"\xff\xfe", b'{"identity": 3}'])
def test_what_is_no_plan(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(Usage) as caught:
        load_plan(path)
    assert caught.value.code == "bad-plan-file"
    assert str(path) in caught.value.message


def test_no_plan_there(tmp_path: Path) -> None:
    with pytest.raises(Usage) as caught:
        load_plan(tmp_path / "plan.json")
    assert caught.value.code == "no-plan-file"


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_is_found_by_every_name(scene: Scene, cloud: Cloud) -> None:
    cloud.bots["other"] = Bot()
    scene.names = iter(["20261123T1-a", "20261123T2-b", "20261124T1-c"])
    scene.revoke()
    scene.revoke(Identity("other", (bot("other"),)))
    scene.revoke(Identity("other", (bot("other"),)))
    find = scene.engine.run_id
    assert find("@last") == "20261124T1-c"
    assert find("20261123T1-a") == find("20261123T1") == "20261123T1-a"
    assert find("20261124") == "20261124T1-c"
    assert find("it") == "20261123T1-a"
    assert find("other") == "20261124T1-c"  # its newest
    with pytest.raises(NotFound) as caught:
        find("20261123")
    assert caught.value.code == "ambiguous-run"
    assert "20261123T2-b" in caught.value.message
    for unknown in ("", "nobody"):
        with pytest.raises(NotFound) as caught:
            find(unknown)
        assert caught.value.code == "no-such-run"


def test_an_id_that_begins_another_is_itself(scene: Scene) -> None:
    scene.names = iter(["run", "run-2"])
    scene.revoke()
    scene.revoke()
    assert scene.engine.run_id("run") == "run"


def test_no_runs(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        find_run(RunFolder(tmp_path / "runs"), "@last")
    assert caught.value.code == "no-runs"


def test_every_run_is_listed_whatever_its_state(scene: Scene, cloud: Cloud) -> None:
    scene.names = iter(["r1", "r2", "r3"])
    scene.revoke()
    scene.revoke()

    class Killed(BaseException):
        pass

    def hook(number: int) -> None:
        if number == 3:
            raise Killed

    scene.new(hook)
    with pytest.raises(Killed):
        scene.revoke()
    scene.new()
    path = scene.folder / "runs" / "r2.jsonl"
    path.write_bytes(path.read_bytes().replace(b"fake:key", b"fake:kex", 1))
    for name, content in (("r4", b""), ("r5", b'{"torn')):
        (scene.folder / "runs" / f"{name}.jsonl").write_bytes(content)
        (scene.folder / "runs" / f"{name}.jsonl").chmod(0o600)
    rows = {row.run: row for row in scene.engine.runs()}
    assert list(rows) == ["r1", "r2", "r3"]  # a crash before the first whole line is no run
    assert [rows[r].state for r in rows] == ["contained", "tampered", "interrupted"]
    assert (rows["r1"].identity, rows["r1"].verb, rows["r1"].headline, rows["r1"].exit_code) == (
        "it",
        "revoke",
        "OUT",
        0,
    )
    assert "finish" in rows["r1"].verbs
    assert (rows["r2"].exit_code, rows["r2"].verbs) == (7, ())
    assert (rows["r3"].headline, rows["r3"].exit_code, rows["r3"].verbs) == ("INTERRUPTED", None, ("resume", "report"))
    assert summary(RunFolder(scene.folder / "runs"), "r1").started == scene.lines("r1")[0].at
    assert scene.engine.run_id("it") == "r3"


def test_a_second_plan_lies_beside_the_runs_and_is_private(scene: Scene, cloud: Cloud) -> None:
    from tests.engine.test_pipeline import LEAD

    cloud.bots["stranger"] = Bot()
    cloud.logs = [LEAD]
    report = scene.revoke()
    assert report.next_plan is not None
    path = Path(report.next_plan)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    plan = load_plan(path)
    assert [p.ref for p in plan.principals] == [bot("stranger")]
    assert plan.intent.rotate == "no"
    assert {s.on for s in plan.steps} == {bot("stranger")}
    assert plan.identity.name == "it/reach"
    assert identity().name == "it"


def test_a_next_plan_that_cannot_be_written_does_not_keep_a_run_open(scene: Scene, cloud: Cloud) -> None:
    """It was told as "the journal cannot be written", and no resume could end that run, nor any undo take it back."""
    from tests.engine.test_pipeline import LEAD

    cloud.bots["stranger"] = Bot()
    cloud.logs = [LEAD]
    (scene.folder / "plans").write_text("no folder")
    report = scene.revoke()
    assert (report.exit_code, report.state, report.next_plan) == (8, "contained", None)
    assert "no plan was written for what was found elsewhere" in scene.says()
    assert [str(lead.to) for lead in report.leads] == ["fake:bot/stranger"]
    cloud.rearms = 0.0
    assert scene.engine.plan_undo("run-1", (), ("fake:key/ci/old",)).steps


def test_a_journal_without_one_whole_line_is_empty(scene: Scene) -> None:
    scene.revoke()
    path = scene.folder / "runs" / "r5.jsonl"
    path.write_bytes(b'{"torn')
    path.chmod(0o600)
    row = summary(RunFolder(scene.folder / "runs"), "r5")
    assert (row.state, row.started, row.exit_code, row.verbs) == ("empty", None, None, ())
