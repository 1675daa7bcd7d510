"""`file:`: crashes, full disks and other hands: the workload never reads half a file, and nothing is left over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.provider.fault import Conflict, NoAnswer, Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.store import content
from tests.local.trial import ABSENT, OLD, PENDING, PREVIOUS, SECRET, STORE, Trial, names, serve, stage


class Killed(BaseException):
    """kill -9, as far as one process can play it."""


CALLS = ("open", "fsync", "rename", "chmod", "fchmod", "fchown")


def kill_at(patch: pytest.MonkeyPatch, number: int) -> None:
    """Die just before the n-th of the calls that change something, or wait for the disk; unlink dies with it."""
    count = [0]
    dead = [False]

    def watch(name: str) -> None:
        real = getattr(os, name)

        def call(*given: Any, **more: Any) -> Any:
            count[0] += 1
            if dead[0] or count[0] == number:
                dead[0] = True
                raise Killed
            return real(*given, **more)

        patch.setattr(os, name, call)

    for name in (*CALLS, "unlink"):
        watch(name)


@pytest.mark.parametrize("number", range(1, 40))
@pytest.mark.parametrize("existed", [True, False])
def test_killed_anywhere_then_resumed(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch, number: int, existed: bool
) -> None:
    """As the engine does: look, ask the store for the secret, go on; or abandon it, and all is as before."""
    if not existed:
        file.unlink()
    to = f"{file}"
    run.give("m/1", SECRET)
    staged, served = run.step("stage", to), run.step("serve", to)
    killed = False
    with monkeypatch.context() as patch:
        kill_at(patch, number)
        try:
            run.do(STORE.stage, staged)
            run.do(STORE.serve, served)
        except Killed:
            killed = True
    assert killed or number > 20, "the last call of the two steps"
    whole = json.loads(file.read_bytes()) if file.exists() else None
    new = {**(json.loads(OLD) if existed else {}), "KeyId": "K2", "SecretKey": "canary-new"}
    assert whole in (new, json.loads(OLD) if existed else None), "the workload never reads half a file"

    run.crash()
    shape = Secret("", field="SecretKey", public={"KeyId": "K2"})
    recalled = STORE.recall(run.conn, staged, run, shape)
    if recalled is None or number % 2:
        for step, doer in ((staged, STORE.stage), (served, STORE.serve)):
            run.undo(doer, step)
        assert (file.read_bytes() == OLD) if existed else not file.exists()
        assert names(file) == ({"bot.json"} if existed else set())
        return
    assert recalled.reveal() == "canary-new"
    run.give("m/1", recalled)
    left = run.seen(STORE.stage, staged)
    assert left is not None
    run.lefts[staged.id] = left
    if (now := run.seen(STORE.serve, served)) is None:
        run.do(STORE.serve, served)
    else:
        run.lefts[served.id] = now
    assert json.loads(file.read_bytes()) == new
    assert names(file) == {"bot.json", PREVIOUS if existed else ABSENT}
    assert run.seen(STORE.serve, served) == run.left(served.id)
    run.undo(STORE.serve, served)
    assert names(file) == ({"bot.json"} if existed else set())


@pytest.mark.parametrize("key", ["", "#SecretKey"])
def test_an_old_secret_is_never_recalled_as_the_new_one(run: Trial, file: Path, key: str) -> None:
    """Nothing was staged; the file holds a secret under that very key: the store does not have ours."""
    step = run.step("stage", f"{file}{key}")
    shape = Secret("", field="SecretKey", public={"KeyId": "K2"})
    assert STORE.recall(run.conn, step, run, shape) is None
    stage(run, f"{file}{key}")
    run.crash()
    recalled = STORE.recall(run.conn, step, run, shape)
    assert recalled is not None
    assert (recalled.reveal(), recalled.public) == ("canary-new", {"KeyId": "K2"})


def test_a_pending_file_of_another_credential_is_not_recalled(run: Trial, file: Path) -> None:
    step = stage(run, f"{file}")
    run.crash()
    assert STORE.recall(run.conn, step, run, Secret("", field="SecretKey", public={"KeyId": "K3"})) is None
    assert STORE.recall(run.conn, step, run, Secret("", field="Password")) is None


def test_seen_compares_what_it_reads(run: Trial, file: Path) -> None:
    step = stage(run, f"{file}")
    (file.parent / PENDING).write_text('{"SecretKey": "another"}')
    assert run.seen(STORE.stage, step) is None
    (file.parent / PENDING).write_text("{")
    assert run.seen(STORE.stage, step) is None


def test_a_file_that_somebody_changed_is_not_undone(run: Trial, file: Path) -> None:
    stage(run, f"{file}")
    served = serve(run, f"{file}")
    file.write_bytes(b'{"theirs": true}')
    change = run.undo(STORE.serve, served)
    assert isinstance(change, Failed)
    assert "was left alone" in change.why
    assert file.read_bytes() == b'{"theirs": true}'
    assert (file.parent / PREVIOUS).read_bytes() == OLD


def test_without_the_secret_a_changed_file_is_not_overwritten(run: Trial, file: Path) -> None:
    stage(run, f"{file}")
    run.crash()
    file.write_bytes(b'{"theirs": true}')
    later = (file.parent / PENDING).stat().st_mtime_ns + 1
    os.utime(file, ns=(later, later))
    with pytest.raises(Conflict):
        run.do(STORE.serve, run.step("serve", f"{file}"))
    assert file.read_bytes() == b'{"theirs": true}'


def test_what_does_not_read_back_is_not_staged(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.give("m/1", SECRET)
    monkeypatch.setattr(content, "merged", lambda *_: b'{"SecretKey": "another"}')
    with pytest.raises(Rejected, match="does not read back"):
        run.do(STORE.stage, run.step("stage", f"{file}"))
    assert file.read_bytes() == OLD


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_change_at_the_very_moment_is_a_conflict(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Somebody writes while the former content is put aside, or removes the file right after the rename."""
    stage(run, f"{file}")
    real = os.rename

    def rename(source: str, target: str, **more: Any) -> None:
        real(source, target, **more)
        if moment == "before" and target == PREVIOUS:
            file.write_bytes(b'{"theirs": true}')
        if moment == "after" and target == "bot.json":
            file.unlink()

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(Conflict):
        run.do(STORE.serve, run.step("serve", f"{file}"))
    if moment == "before":
        assert file.read_bytes() == b'{"theirs": true}'


def test_an_undo_of_nothing(run: Trial, file: Path) -> None:
    """Asked, but the process died before anything was written."""
    assert isinstance(run.undo(STORE.serve, run.step("serve", f"{file}")), Already)
    assert isinstance(run.undo(STORE.stage, run.step("stage", f"{file}")), Already)
    assert (names(file), file.read_bytes()) == ({"bot.json"}, OLD)


def test_without_the_secret_the_names_tell(run: Trial, file: Path) -> None:
    """In a later process: undo and verify look without the secret."""
    staged = stage(run, f"{file}")
    run.crash()
    assert run.seen(STORE.stage, staged) == run.left(staged.id)
    served = run.step("serve", f"{file}")
    assert run.seen(STORE.serve, served) is None
    assert isinstance(run.do(STORE.serve, served), Done)
    assert run.seen(STORE.serve, served) == run.left(served.id)
    del run.lefts[served.id]
    seen = run.seen(STORE.serve, served)
    assert seen is not None
    assert "former_mode" not in seen
    assert json.loads(file.read_bytes())["SecretKey"] == "canary-new"


def test_a_served_file_that_somebody_removed_is_not_seen(run: Trial, file: Path) -> None:
    staged, served = stage(run, f"{file}"), serve(run, f"{file}")
    file.unlink()
    assert run.seen(STORE.serve, served) is None
    assert run.seen(STORE.stage, staged) is None
    assert isinstance(run.undo(STORE.serve, served), Done)
    assert file.read_bytes() == OLD


def test_serve_twice_and_serve_without_stage(run: Trial, file: Path) -> None:
    with pytest.raises(Rejected, match="nothing is staged"):
        run.do(STORE.serve, run.step("serve", f"{file}"))
    stage(run, f"{file}")
    served = serve(run, f"{file}")
    assert run.do(STORE.serve, served) == Already(run.left(served.id))
    run.crash()
    with pytest.raises(Rejected, match="not in this process"):
        run.do(STORE.stage, run.step("stage", f"{file}"))


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_disk_that_fails_changes_nothing(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*given: Any, **more: Any) -> Any:
        raise OSError(28, "No space left on device")

    run.give("m/1", SECRET)
    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(Rejected, match="No space left on device") as caught:
            run.do(STORE.stage, run.step("stage", f"{file}"))
    assert caught.value.code == "ENOSPC"
    assert (names(file), file.read_bytes()) == ({"bot.json"}, OLD)
    stage(run, f"{file}")
    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", fail)
        with pytest.raises(Rejected):
            run.do(STORE.serve, run.step("serve", f"{file}"))
    assert (names(file), file.read_bytes()) == ({"bot.json", PENDING}, OLD)


def test_a_rename_that_the_disk_does_not_confirm_is_no_answer(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It happened, as far as anybody can read; whether it outlives a power cut is not known."""
    stage(run, f"{file}")
    step = run.step("serve", f"{file}")
    real, renames = os.rename, [0]

    def rename(*given: Any, **more: Any) -> None:
        real(*given, **more)
        renames[0] += 1
        if renames[0] == 2:  # the first put the former content aside
            monkeypatch.setattr(os, "fsync", fail)

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(NoAnswer, match="did not confirm"):
        run.do(STORE.serve, step)
    assert run.seen(STORE.serve, step) is not None


def test_no_secret_in_anything_that_is_journaled(run: Trial, file: Path) -> None:
    staged = stage(run, f"{file}")
    served = serve(run, f"{file}")
    text = repr([run.lefts, run.seen(STORE.stage, staged), run.seen(STORE.serve, served)])
    assert "canary" not in text
    assert SECRET.fingerprint() not in text
