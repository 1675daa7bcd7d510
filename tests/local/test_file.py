"""`file:`: the new content arrives whole, the old comes back, and nothing else changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done, Impossible
from nhi_revoke.provider.secret import Secret
from tests.local.trial import ABSENT, OLD, PENDING, PREVIOUS, STORE, Trial, mode, names, serve, stage


def test_stage_then_serve_then_forget(run: Trial, file: Path) -> None:
    staged = stage(run, f"{file}")
    assert file.read_bytes() == OLD
    assert names(file) == {"bot.json", PENDING}
    assert mode(file.parent / PENDING) == 0o600
    assert run.seen(STORE.stage, staged) == run.left(staged.id) == {"path": str(file), "pending": PENDING}

    inode = (file.parent / PENDING).stat().st_ino
    served = serve(run, f"{file}")
    assert json.loads(file.read_bytes()) == {"region": "north", "KeyId": "K2", "SecretKey": "canary-new", "ratio": 1.5}
    assert names(file) == {"bot.json", PREVIOUS}
    assert (file.parent / PREVIOUS).read_bytes() == OLD
    assert mode(file) == mode(file.parent / PREVIOUS) == 0o600
    assert file.stat().st_ino == inode, "it was renamed, not rewritten"
    left = run.left(served.id)
    assert run.seen(STORE.serve, served) == left
    assert left["previous"] == PREVIOUS
    assert run.seen(STORE.stage, staged) == run.left(staged.id), "what was staged is now served"

    forget = run.step("forget", f"{file}")
    assert run.seen(STORE.forget, forget) is None
    assert isinstance(run.do(STORE.forget, forget), Done)
    assert names(file) == {"bot.json"}
    assert run.seen(STORE.forget, forget) == run.left(forget.id)
    assert isinstance(run.do(STORE.forget, forget), Already)
    assert run.seen(STORE.serve, served) == left, "still as it was left"
    assert isinstance(run.undo(STORE.serve, served), Impossible)
    assert json.loads(file.read_bytes())["KeyId"] == "K2"


def test_undo_puts_all_of_it_back(run: Trial, file: Path) -> None:
    staged, served = stage(run, f"{file}"), serve(run, f"{file}")
    assert isinstance(run.undo(STORE.serve, served), Done)
    assert isinstance(run.undo(STORE.stage, staged), Already)
    assert file.read_bytes() == OLD
    assert mode(file) == 0o600
    assert names(file) == {"bot.json"}
    assert run.seen(STORE.stage, staged) is None
    again = run.lefts.pop(served.id)
    assert run.seen(STORE.serve, served) is None
    run.lefts[served.id] = again


def test_undo_of_what_was_only_staged(run: Trial, file: Path) -> None:
    staged = stage(run, f"{file}")
    assert isinstance(run.undo(STORE.stage, staged), Done)
    assert names(file) == {"bot.json"}
    assert isinstance(run.undo(STORE.stage, staged), Already)


def test_a_new_file(run: Trial, file: Path) -> None:
    file.unlink()
    stage(run, f"file:{file}")
    assert not file.exists()
    served = serve(run, f"file:{file}")
    assert json.loads(file.read_bytes()) == {"KeyId": "K2", "SecretKey": "canary-new"}
    assert (mode(file), names(file)) == (0o600, {"bot.json", ABSENT})
    assert isinstance(run.undo(STORE.serve, served), Done)
    assert names(file) == set()


def test_one_key_alone(run: Trial, file: Path) -> None:
    to = f"{file}#db"
    stage(run, to)
    serve(run, to)
    assert json.loads(file.read_bytes()) == {**json.loads(OLD), "db": "canary-new"}


def test_two_deliveries_of_one_run_into_one_file(run: Trial, file: Path) -> None:
    """Both staged before either is served, as the plan has it: the second must not undo the first."""
    other = Secret("canary-other", field="Password")
    one, two = stage(run, f"{file}#one"), stage(run, f"{file}#two", mint="m/2", secret=other)
    served_one, served_two = serve(run, f"{file}#one"), serve(run, f"{file}#two", mint="m/2")
    expected = {**json.loads(OLD), "one": "canary-new", "two": "canary-other"}
    assert json.loads(file.read_bytes()) == expected
    for served in (served_two, served_one):
        run.lefts[served.id] = run.seen(STORE.serve, served) or run.left(served.id)
        assert isinstance(run.undo(STORE.serve, served), Done), served.id
    assert file.read_bytes() == OLD
    assert [isinstance(run.undo(STORE.stage, step), Already) for step in (one, two)] == [True, True]
    assert names(file) == {"bot.json"}


def test_one_secret_under_two_keys(run: Trial, file: Path) -> None:
    for key in ("one", "two"):
        stage(run, f"{file}#{key}")
    for key in ("one", "two"):
        serve(run, f"{file}#{key}")
    assert json.loads(file.read_bytes()) == {**json.loads(OLD), "one": "canary-new", "two": "canary-new"}


def test_a_change_between_stage_and_serve_is_kept(run: Trial, file: Path) -> None:
    stage(run, f"{file}")
    file.write_bytes(b'{"region": "south"}')
    serve(run, f"{file}")
    assert json.loads(file.read_bytes()) == {"region": "south", "KeyId": "K2", "SecretKey": "canary-new"}


def test_a_relative_path_counts_from_where_it_was_staged(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    staged = stage(run, "bot.json")
    monkeypatch.chdir("/")
    assert run.seen(STORE.stage, staged) == {"path": str(file), "pending": PENDING}
    undo = replace(staged, id="undo-it")
    assert isinstance(STORE.stage.undo(run.conn, undo, run.left(staged.id), run), Done)
    assert names(file) == {"bot.json"}


@pytest.mark.parametrize(("was", "becomes"), [(0o400, 0o400), (0o600, 0o600), (0o640, 0o600), (0o444, 0o400)])
def test_the_mode_is_kept_as_far_as_it_lets_in_nobody_else(run: Trial, file: Path, was: int, becomes: int) -> None:
    file.chmod(was)
    stage(run, f"{file}")
    assert mode(file.parent / PENDING) == 0o600
    served = serve(run, f"{file}")
    assert mode(file) == becomes
    assert mode(file.parent / PREVIOUS) == 0o600
    assert run.left(served.id)["former_mode"] == f"{was:04o}"
    run.undo(STORE.serve, served)
    assert mode(file) == was


def test_no_moment_of_a_wider_mode(run: Trial, file: Path) -> None:
    before = os.umask(0)
    try:
        stage(run, f"{file}")
        serve(run, f"{file}")
    finally:
        os.umask(before)
    assert {mode(file.parent / name) for name in names(file)} == {0o600}


def test_root_keeps_the_owner(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root here plays root with a file of its own."""
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    was, given = file.stat(), os.fchown
    asked: list[tuple[int, int]] = []

    def fchown(descriptor: int, uid: int, gid: int) -> None:
        asked.append((uid, gid))
        given(descriptor, uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    stage(run, f"{file}")
    served = serve(run, f"{file}")
    assert asked == [(was.st_uid, was.st_gid)] * 2, "the new content, and the former that is kept"
    for name in names(file):
        found = (file.parent / name).stat()
        assert (found.st_uid, found.st_gid) == (was.st_uid, was.st_gid)
    run.undo(STORE.serve, served)
    assert (file.stat().st_uid, file.read_bytes()) == (was.st_uid, OLD)


def test_another_user_keeps_the_group_where_it_may(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is root here plays another user."""

    def refuse(descriptor: int, uid: int, gid: int) -> None:
        asked.append((uid, gid))
        raise PermissionError(1, "Operation not permitted")

    asked: list[tuple[int, int]] = []
    if os.geteuid() == 0:
        os.chown(file, 1000, 54321)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    group = file.stat().st_gid
    stage(run, f"{file}")
    assert (file.parent / PENDING).stat().st_gid == group
    os.chown(file.parent / PENDING, file.stat().st_uid, group)
    monkeypatch.setattr(os, "fchown", refuse)
    serve(run, f"{file}")
    assert asked == [(-1, group)], "at 0600 the group decides nothing: no reason to stop"


def test_a_file_of_another_user_is_not_replaced(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    wrong = STORE.stage.check(run.conn, run.step("stage", f"{file}"))
    assert wrong is not None
    assert f"belongs to user {mine}" in wrong.why
    assert "as root" in wrong.manual
