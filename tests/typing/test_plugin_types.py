"""A plugin author's code is checked by mypy as a test: the contract's types hold, and they catch mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PATHS = os.pathsep.join(str(ROOT / part) for part in (".", "tests/example_provider"))
GOOD = """
from __future__ import annotations

from typing import ClassVar

import nhi_revoke_small
from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.contract import Provider
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.io import Run
from nhi_revoke_example.connection import Cloud

provider: Provider[Cloud] = nhi_revoke_small.provider


class Stop(Doer[Cloud]):
    name = "stop"
    phase = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = ("bots.stop",)

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        conn.call("POST", f"/bots/{step.on.id}/stop")
        return Done({"stopped": True}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        return None


doer: Doer[Cloud] = Stop()
"""
MISTAKES = {
    "an unknown change": ('return Done({"stopped": True}, conn.now())', "return True", "return-value"),
    "a forgotten time": ('Done({"stopped": True}, conn.now())', 'Done({"stopped": True})', "call-arg"),
    "a phase that does not exist": ("Phase.CUT", "Phase.STOP", "attr-defined"),
    "a look that is missing": ("def seen", "def looked", "abstract"),
    "a wrong signature": (
        "def apply(self, conn: Cloud, step: Step, run: Run)",
        "def apply(self, step: Step)",
        "override",
    ),
    "a connection without a clock": ("Doer[Cloud]", "Doer[object]", "type-var"),
    "permissions as one text": ('("bots.stop",)', '"bots.stop"', "assignment"),
}


def checked(code: str, folder: Path) -> tuple[int, str]:
    """mypy --strict, as a stranger would run it: no settings of this project."""
    file = folder / "plugin.py"
    file.write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    (folder / "mypy.ini").write_text("[mypy]\n")
    done = subprocess.run(
        [*command, "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache" / "plugin"), str(file)],
        env={**os.environ, "MYPYPATH": PATHS},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_plugin_passes(tmp_path: Path) -> None:
    assert checked(GOOD, tmp_path) == (0, "")


@pytest.mark.parametrize(("right", "wrong", "code"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_caught(tmp_path: Path, right: str, wrong: str, code: str) -> None:
    assert right in GOOD
    status, said = checked(GOOD.replace(right, wrong), tmp_path)
    assert status == 1, said
    assert f"[{code}]" in said
