"""A plan on disk: what `plan --save` writes, `apply` reads, and a run leaves for what it may not touch."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from nhi_revoke.model.error import Usage
from nhi_revoke.model.plan import Plan


def save_plan(path: Path, plan: Plan, *, overwrite: bool = False) -> None:
    """0600; never over an existing file unless asked. Raises Usage, OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if overwrite else os.O_EXCL)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise Usage(
            "plan-exists", f"{path} exists already; nothing was written", "--overwrite, or another name."
        ) from None
    os.fchmod(descriptor, 0o600)  # one that is written over may have been readable for all
    with contextlib.closing(os.fdopen(descriptor, "wb")) as file:
        file.write(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")


def load_plan(path: Path) -> Plan:
    """Raises Usage for what is no plan."""
    return read_plan(path)[0]


def read_plan(path: Path) -> tuple[Plan, bytes]:
    """The plan, and the very bytes that it was read from. Raises Usage for what is no plan."""
    try:
        content = path.read_bytes()
        return msgspec.json.decode(content, type=Plan), content
    except FileNotFoundError:
        raise Usage(
            "no-plan-file", f"there is no plan at {path}", "nhi-revoke plan IDENTITY --save FILE  makes one."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Usage("bad-plan-file", f"{path} is no plan of this tool: {wrong}", "Make a new plan.") from None
