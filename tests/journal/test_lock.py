"""One run at a time on a principal, over threads and processes; a dead run blocks nobody."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nhi_revoke.engine.lock import Locks
from nhi_revoke.model.error import Refused

A, B, C = "example:user/a", "example:user/b", "example:user/c"
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

HOLDER = """
import pathlib, sys
from nhi_revoke.engine.lock import Locks
with Locks(pathlib.Path(sys.argv[1])).take([sys.argv[2]], "r-other", "revoke"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def noon() -> datetime:
    return NOON


def holder(folder: Path, ref: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), ref], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def free(folder: Path, ref: str) -> bool:
    try:
        with Locks(folder).take([ref], "r-asks", "revoke"):
            return True
    except Refused:
        return False


def test_a_held_principal_is_refused_with_who_holds_it(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks", noon)
    with locks.take([A], "r-1", "revoke"), pytest.raises(Refused) as caught, locks.take([A], "r-2", "undo"):
        pytest.fail("two runs held one principal")
    error = caught.value
    assert (error.code, error.exit_code) == ("locked", 7)
    for part in (
        "r-1",
        "revoke",
        str(os.getpid()),
        socket.gethostname(),
        "2026-01-02T12:00:00Z",
        A,
        "Nothing was changed",
    ):
        assert part in error.message
    assert "nhi-revoke resume r-1" in error.hint
    assert free(tmp_path / "locks", A)


def test_all_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    locks = Locks(folder)
    with locks.take([B], "r-1", "revoke"):
        with pytest.raises(Refused, match=B), locks.take([C, B, A], "r-2", "revoke"):
            pytest.fail("one of three was held")
        assert free(folder, A)
        assert free(folder, C)
    with locks.take([C, B, A, A], "r-2", "revoke"):
        assert not any(free(folder, ref) for ref in (A, B, C))
    assert all(free(folder, ref) for ref in (A, B, C))


def test_locks_are_taken_in_one_order_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real: Callable[..., int] = os.open

    def record(path: object, *args: object, **more: object) -> int:
        order.append(Path(str(path)).name)
        return real(path, *args, **more)

    monkeypatch.setattr(os, "open", record)
    with Locks(tmp_path / "locks").take([C, A, B], "r-1", "revoke"):
        pass
    names = [f"{hashlib.sha256(ref.encode()).hexdigest()}.lock" for ref in (A, B, C)]
    assert [name for name in order if name.endswith(".lock")] == names


def test_an_error_inside_releases(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Locks(tmp_path / "locks").take([A], "r-1", "revoke"):
        raise ZeroDivisionError
    assert free(tmp_path / "locks", A)


def test_another_process_is_kept_out_and_a_killed_one_blocks_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    process = holder(folder, A)
    try:
        with pytest.raises(Refused, match=f"Run r-other .*process {process.pid}"), Locks(folder).take([A], "r-1", "x"):
            pytest.fail("held by another process")
        assert free(folder, B)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert free(folder, A)


def test_a_process_that_ends_well_releases(tmp_path: Path) -> None:
    process = holder(tmp_path / "locks", A)
    process.communicate("\n")
    assert process.returncode == 0
    assert free(tmp_path / "locks", A)
    assert [file.read_bytes() for file in (tmp_path / "locks").iterdir()] == [b""]


def test_a_holder_that_is_just_writing_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    with Locks(folder).take([A], "r-1", "revoke"):
        next(folder.iterdir()).write_bytes(b'{"run":')
        with pytest.raises(Refused, match=f"Another run has just begun on {A}"), Locks(folder).take([A], "r-2", "x"):
            pytest.fail("held")


def test_the_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    with Locks(folder).take([A], "r-1", "revoke"):
        file = next(folder.iterdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert A not in file.name
    folder.chmod(0o777)
    with pytest.raises(Refused, match="others may write"), Locks(folder).take([A], "r-1", "revoke"):
        pytest.fail("anybody could remove the lock")


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / f"{hashlib.sha256(A.encode()).hexdigest()}.lock").symlink_to(victim)
    with pytest.raises(Refused, match="cannot be trusted"), Locks(folder).take([A], "r-1", "revoke"):
        pytest.fail("followed a link")
    assert victim.read_text() == "precious"
