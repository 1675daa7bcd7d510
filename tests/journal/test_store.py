"""The folder of runs: durable, private, and whole after a full disk or a crash."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nhi_revoke.engine.journal import Journal
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.error import Refused

FULL = """
import pathlib, resource, signal, sys
from nhi_revoke.engine.store import RunFolder
store = RunFolder(pathlib.Path(sys.argv[1]))
store.append("r", b"first\\n")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    store.append("r", b"second line\\n")
except OSError as error:
    print(error.errno, store.read("r"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append("r", b"third\\n")
print(store.read("r"))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def refused(store: RunFolder, says: str) -> Refused:
    """Every way in is closed, and nothing was written."""
    with pytest.raises(Refused, match=says) as caught:
        store.append("r", b"x\n")
    with pytest.raises(Refused, match=says):
        store.read("r")
    assert caught.value.exit_code == 7
    return caught.value


def test_files_of_0600_in_a_folder_of_0700(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "runs"
    store = RunFolder(folder)
    assert (store.runs(), store.read("r"), folder.exists()) == ((), b"", False)
    before = os.umask(0)
    try:
        store.append("r", b"one\n")
    finally:
        os.umask(before)
    store.append("r", b"two\n")
    store.append("q", b"three\n")
    (folder / "note.txt").write_text("not ours")
    assert (mode(folder), mode(folder / "r.jsonl")) == (0o700, 0o600)
    assert store.read("r") == (folder / "r.jsonl").read_bytes() == b"one\ntwo\n"
    assert store.runs() == ("q", "r")
    assert store.read("s") == b""


def test_each_line_is_on_the_disk_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def watch(name: str, real: Callable[..., object]) -> None:
        def call(*given: object) -> object:
            calls.append(name)
            return real(*given)

        monkeypatch.setattr(os, name, call)

    watch("write", os.write)
    watch("fdatasync", os.fdatasync)
    watch("fsync", os.fsync)
    store = RunFolder(tmp_path / "runs")
    store.append("r", b"one\n")
    # folder's name in its parent, the new file, its name in the folder; then the line
    assert calls == ["fsync", "fsync", "fsync", "write", "fdatasync"]
    calls.clear()
    store.append("r", b"two\n")
    assert calls == ["write", "fdatasync"]


def test_a_file_whose_name_is_not_durable_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    folder = tmp_path / "runs"
    folder.mkdir(mode=0o700)
    store = RunFolder(folder)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            store.append("r", b"one\n")
    assert list(folder.iterdir()) == []
    store.append("r", b"two\n")
    assert store.read("r") == b"two\n"


def test_one_descriptor_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunFolder(tmp_path / "runs")
    store.append("r", b"one\n")
    with monkeypatch.context() as no_opening:
        no_opening.delattr(os, "open")
        store.append("r", b"two\n")
    store.close()
    store.append("r", b"three\n")
    assert store.read("r") == b"one\ntwo\nthree\n"


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 200_000])
def test_a_torn_tail_goes_before_the_next_line(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "runs"
    store = RunFolder(folder)
    store.append("r", b"one\n")
    store.close()
    with (folder / "r.jsonl").open("ab") as file:
        file.write(b"t" * size)
    assert store.read("r") == b"one\n" + b"t" * size
    store.append("r", b"two\n")
    assert store.read("r") == b"one\ntwo\n"


def test_a_journal_of_nothing_but_a_torn_line(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir(mode=0o700)
    (folder / "r.jsonl").write_bytes(b"torn")
    (folder / "r.jsonl").chmod(0o600)
    store = RunFolder(folder)
    journal = Journal.open(store, "r")
    assert (journal.lines, journal.torn) == ((), b"torn")
    store.append("r", b"one\n")
    assert store.read("r") == b"one\n"


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """In a process of its own, under a limit on the size of files: the second write is cut short, then refused."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "runs")], check=True, capture_output=True, text=True, timeout=60
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [f"{errno.EFBIG} b'first\\n'", "b'first\\nthird\\n'"]


@pytest.mark.parametrize("failing", ["write", "fdatasync"])
def test_any_failure_of_the_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(descriptor: int, data: bytes = b"") -> int:
        if failing == "write":
            real(descriptor, b"par")
        raise OSError(errno.ENOSPC, "No space left on device")

    real = os.write
    store = RunFolder(tmp_path / "runs")
    store.append("r", b"one\n")
    with monkeypatch.context() as broken:
        broken.setattr(os, failing, fail)
        with pytest.raises(OSError, match="No space left"):
            store.append("r", b"two\n")
    assert store.read("r") == b"one\n"
    store.append("r", b"three\n")
    assert store.read("r") == b"one\nthree\n"


def test_a_write_that_is_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    store = RunFolder(tmp_path / "runs")
    store.append("r", b"a long line\n")
    assert store.read("r") == b"a long line\n"


def test_links_are_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (tmp_path / "runs").symlink_to(real)
    refused(RunFolder(tmp_path / "runs"), "it is a link")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    refused(RunFolder(tmp_path / "dangling"), "it is a link")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (real / "r.jsonl").symlink_to(victim)
    refused(RunFolder(real), "cannot be trusted")
    assert victim.read_bytes() == b"precious"
    assert list(real.iterdir()) == [real / "r.jsonl"]
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_what_others_may_write_is_refused(tmp_path: Path, bits: int) -> None:
    folder = tmp_path / "runs"
    store = RunFolder(folder)
    store.append("r", b"one\n")
    store.close()
    (folder / "r.jsonl").chmod(0o600 | bits)
    error = refused(store, "others may write to it")
    assert error.hint == f"chmod go-w {folder / 'r.jsonl'}"
    (folder / "r.jsonl").chmod(0o600)
    folder.chmod(0o700 | bits)
    refused(store, "others may write to it")
    with pytest.raises(Refused):
        store.runs()
    folder.chmod(0o700)
    assert store.read("r") == b"one\n"


def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs"
    store = RunFolder(folder)
    store.append("r", b"one\n")
    store.close()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    refused(store, f"it belongs to user {mine}, and this is user {mine + 1}")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_are_read(tmp_path: Path, make: Callable[[Path, int], None]) -> None:
    folder = tmp_path / "runs"
    folder.mkdir(mode=0o700)
    make(folder / "r.jsonl", 0o600)
    refused(RunFolder(folder), "cannot be trusted")


@pytest.mark.parametrize("run", ["", "../r", "a/b", ".hidden", "a\0b", "x" * 200, "-r"])
def test_a_run_id_is_no_path(tmp_path: Path, run: str) -> None:
    store = RunFolder(tmp_path / "runs")
    with pytest.raises(Refused, match="is no run id"):
        store.append(run, b"x\n")
    with pytest.raises(Refused, match="is no run id"):
        store.read(run)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_another_writer_or_a_removed_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    store, other = RunFolder(folder), RunFolder(folder)
    store.append("r", b"one\n")
    other.append("r", b"two\n")
    with pytest.raises(Refused) as caught:
        store.append("r", b"three\n")
    assert caught.value.code == "journal-moved"
    assert other.read("r") == b"one\ntwo\n"
    (folder / "r.jsonl").unlink()
    with pytest.raises(Refused):
        other.append("r", b"four\n")


def test_a_line_without_its_end_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends with a newline"):
        RunFolder(tmp_path / "runs").append("r", b"half")
    assert not (tmp_path / "runs").exists()
