"""The Makefile installs when it must, not when it need not, and an interrupted installation counts for nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make install` looks at."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "constraints.txt", tmp_path / ".ci")
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # The suite itself runs under make, whose own variables would make this one say where it is.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    return subprocess.run(["make", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)


def stamp(folder: Path) -> Path:
    """The file that says "installed" for what pyproject.toml and the pins are now."""
    shown = make(folder, "-n", "install").stdout.splitlines()
    return folder / shown[-1].removeprefix("touch ")


def test_an_interrupted_installation_leaves_no_stamp(clone: Path) -> None:
    (clone / ".venv").mkdir()
    old = clone / ".venv" / ".installed-of-before"
    old.touch()
    assert make(clone, "install", "PYTHON=false").returncode != 0
    assert not list((clone / ".venv").glob(".installed-*"))


def test_nothing_is_installed_again_until_something_changed(clone: Path) -> None:
    installed = stamp(clone)
    installed.parent.mkdir(exist_ok=True)
    installed.touch()
    again = make(clone, "install")
    assert again.returncode == 0
    assert "pip" not in again.stdout
    for name in ("pyproject.toml", ".ci/constraints.txt"):
        before = stamp_name(clone)
        with (clone / name).open("a") as file:
            file.write("# changed\n")
        assert stamp_name(clone) != before
        assert "pip install" in make(clone, "-n", "install").stdout


def stamp_name(folder: Path) -> str:
    """As make computes it, whether or not it is there."""
    shown = make(folder, "-n", "-B", "install").stdout.splitlines()
    return shown[-1].removeprefix("touch ")


def test_the_script_of_ci_calls_every_target() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    called = [line.split()[1] for line in script.splitlines() if line.startswith("make ")]
    assert called == ["install", "demo", "test", "check", "contract"]
    assert "set -euo pipefail" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
