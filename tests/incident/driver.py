"""A process of its own that kills itself with signal 9 just before it stores a given line of the journal."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.engine.event import Tell
from nhi_revoke.engine.service import Engine


def main(line: int, arguments: tuple[str, ...]) -> int:
    """The command line `arguments`, up to that line."""

    def die(number: int) -> None:
        if number >= line:
            os.kill(os.getpid(), signal.SIGKILL)

    def make(session: Session, tell: Tell) -> Engine:
        return Engine(session.registry, session.config, tell, before_append=die)

    streams = Streams(sys.stdin, sys.stdout, sys.stderr, os.environ)
    return run(Session(streams, arguments, Path.cwd(), make_engine=make))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), tuple(sys.argv[2:])))
