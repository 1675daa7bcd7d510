"""The real command line as a process of its own, and one that kills itself with signal 9 at a line of the journal."""

from __future__ import annotations

import os
import subprocess
import sys

from nhi_revoke.testing.conformance.world import World

TIMEOUT = 120.0
"""Seconds of real time: nothing in it waits for the vendor's clock."""
DYING = """
import os, signal, sys
from nhi_revoke.engine import journal

line, good = int(sys.argv.pop(1)), journal.Journal.__init__

def dying(self, store, run, stored=b"", before_append=None):
    good(self, store, run, stored, lambda number: os.kill(os.getpid(), signal.SIGKILL) if number >= line else None)

journal.Journal.__init__ = dying
from nhi_revoke.__main__ import main
sys.exit(main())
"""
CONSENTED = ("--yes", "--allow-irreversible", "--force", "--max-accesses", "1000", "--rotate", "now")


def revoking(world: World) -> tuple[str, ...]:
    """`revoke`, as the runs in this process do it: the world's own brake and scope, too."""
    intent = world.intent
    return ("revoke", world.name, *CONSENTED, "--brake", intent.brake, "--scope", intent.scope)


def command(world: World, *arguments: str, die_at: int | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `nhi-revoke ARGUMENTS` on this world; what it prints is heard. Raises TimeoutExpired after two minutes."""
    world.config()  # writes nhi.toml
    environ = {**os.environ, **world.environ, "NHI_REVOKE_STATE": str(world.state)}
    start = ["-m", "nhi_revoke"] if die_at is None else ["-c", DYING, str(die_at)]
    done = subprocess.run(  # noqa: S603 - our own program with our own arguments
        [sys.executable, *start, *arguments, "--config", str(world.folder / "nhi.toml")],
        env=environ,
        cwd=world.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    world.heard.words += [(f"stdout of {arguments[0]}", done.stdout), (f"stderr of {arguments[0]}", done.stderr)]
    return done
