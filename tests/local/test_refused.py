"""`file:`: what cannot be delivered to is said before the run, and nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.change import Impossible
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local.store.address import parse
from nhi_revoke_local.store.file import Forget
from nhi_revoke_local.store.place import Place, opened
from tests.local.trial import ABSENT, OLD, PENDING, SECRET, STORE, Trial, names, stage


def refusal(run: Trial, to: str) -> Impossible:
    """Told before the run, and nothing written by a run that goes on all the same."""
    step = run.step("stage", to)
    told = STORE.stage.check(run.conn, step)
    assert told is not None
    assert STORE.serve.check(run.conn, run.step("serve", to)) == told
    run.give("m/1", SECRET)
    with pytest.raises(Rejected) as caught:
        run.do(STORE.stage, step)
    assert caught.value.message == told.why
    return told


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (b"canary-raw", "it is not a JSON object"),
        (b'"canary-raw"', "it is JSON, but not an object"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b'{"a": 1, "a": 2}', "it has the same key twice"),
        (b'{"a": {"b": 1, "b": 2}}', "it has the same key twice"),
        (b'{"a": 1e999}', "it is not a JSON object"),
        (b'{"a": 0.12345678901234567890123}', "it holds numbers that cannot be kept exactly"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
)
@pytest.mark.parametrize("key", ["", "#db"])
def test_content_that_cannot_be_merged_into(run: Trial, file: Path, held: bytes, why: str, key: str) -> None:
    file.write_bytes(held)
    told = refusal(run, f"{file}{key}")
    assert why in told.why
    assert "canary" not in told.why
    assert "new file" in told.manual
    assert file.read_bytes() == held
    assert names(file) == {"bot.json"}


def test_a_link_is_refused(run: Trial, file: Path) -> None:
    real = file.rename(file.parent / "real.json")
    file.symlink_to(real)
    assert "is a symbolic link" in refusal(run, f"{file}").why
    assert real.read_bytes() == OLD
    assert names(file) == {"bot.json", "real.json"}


def test_a_second_name_is_refused(run: Trial, file: Path) -> None:
    os.link(file, file.parent / "second.json")
    assert "2 names" in refusal(run, f"{file}").why


def test_a_pipe_is_refused_without_waiting(run: Trial, file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    assert "is no regular file" in refusal(run, f"{file}").why


def test_a_folder_that_is_not_there(run: Trial, file: Path) -> None:
    assert "No such file or directory" in refusal(run, f"{file.parent / 'none' / 'bot.json'}").why
    assert not (file.parent / "none").exists()


def test_a_folder_that_everybody_may_write(run: Trial, file: Path) -> None:
    file.parent.chmod(0o777)
    told = refusal(run, f"{file}")
    assert "can be written by everybody" in told.why
    assert told.manual == f"chmod o-w {file.parent}"
    file.parent.chmod(0o1777)
    stage(run, f"{file}")


def test_a_folder_that_this_user_may_not_write(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert "cannot be written by this user" in refusal(run, f"{file}").why


def test_in_a_shared_folder_a_planted_file_does_not_count(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = file.stat().st_uid
    with opened(str(file.parent), file.name) as place:
        assert place.trusted == {os.geteuid(), file.parent.stat().st_uid, mine}

    @contextmanager
    def shared(folder: str, name: str) -> Iterator[Place]:
        """As a folder of root's looks to a user who owns nothing in it."""
        descriptor = os.open(folder, os.O_RDONLY)
        yield Place(folder, descriptor, frozenset({mine + 1}))
        os.close(descriptor)

    (file.parent / PENDING).write_text('{"KeyId": "K2", "SecretKey": "planted"}')
    monkeypatch.setattr("nhi_revoke_local.store.file.opened", shared)
    with pytest.raises(Rejected, match=f"belongs to user {mine}, who is neither"):
        STORE.recall(run.conn, run.step("stage", f"{file}"), run, Secret("", field="SecretKey", public={"KeyId": "K2"}))
    (file.parent / ABSENT).write_text("")
    with pytest.raises(Rejected, match=f"belongs to user {mine}, who is neither"):
        Forget().seen(run.conn, run.step("forget", f"{file}"), run)
    assert file.read_bytes() == OLD


@pytest.mark.parametrize("to", ["", "#key", "/path/", "/path#", "file:", "a\0b"])
def test_what_is_no_address(run: Trial, to: str) -> None:
    with pytest.raises(Rejected):
        parse(to)
    assert STORE.stage.check(run.conn, run.step("stage", to)) is not None


def test_addresses() -> None:
    assert (parse("file:/a/b").path, parse("/a/b").key) == ("/a/b", "")
    assert (parse("/a#b/c.json#k").path, parse("/a#b/c.json#k").key) == ("/a#b/c.json", "k")


def test_a_file_that_may_not_be_read_is_told(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def deny(path: Any, *given: Any, **more: Any) -> int:
        if path == "bot.json":
            raise PermissionError(13, "Permission denied")
        return real(path, *given, **more)

    monkeypatch.setattr(os, "open", deny)
    assert refusal(run, f"{file}").why == f"{file}: Permission denied"
