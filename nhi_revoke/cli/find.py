"""`find`: principals that look like one identity, what a repository's jobs could hold, or who uses a credential.

Changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.exit_code import ExitCode
from nhi_revoke.cli.group import application
from nhi_revoke.cli.outcome import unreachable_problems
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result, Rows
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.error import NotFound, Usage

if TYPE_CHECKING:
    from nhi_revoke.render.block import Block

app = application()

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="What it is called; what resembles that is shown, too.")
]
Repo = Annotated[
    str | None,
    typer.Option(
        "--repo", metavar="OWNER/NAME", help="Instead: every identity that jobs of this repository could hold."
    ),
]
Consumers = Annotated[
    str | None,
    typer.Option(
        "--consumers", metavar="IDENTITY", help="Instead: who uses its credentials, as a proposal for nhi.toml."
    ),
]
WANTED = ("NAME", "--repo OWNER/NAME", "--consumers IDENTITY")


@app.command()
@spread
def find(session: Session, name: Name = None, repo: Repo = None, consumers: Consumers = None) -> Result:
    """Principals that look like one identity, every identity that jobs of a repository could hold, or who uses a key.

    nhi-revoke find payments-bot

    nhi-revoke find --repo example-payments/shop

    nhi-revoke find --consumers payments-bot
    """
    check_format(session, ("table", "json", "ndjson", "csv"))
    given = [word for word, value in zip(WANTED, (name, repo, consumers), strict=True) if value is not None]
    if len(given) != 1:
        first, *_, last = given or WANTED
        why = f"both {first} and {last} were given" if given else f"neither {' nor '.join(WANTED)} was given"
        raise Usage("name-or-repo", f"{why}: exactly one of them says what to look for.", "nhi-revoke find --help")
    if name is not None:
        return _by_name(session, name)
    return _by_repository(session, repo) if repo is not None else _consumers(session, str(consumers))


def _by_name(session: Session, name: str) -> Result:
    with session.engine() as engine, session.progress(acting=False):
        found = engine.find(name)
    if not found.candidates and found.whole:
        raise NotFound(
            "not-found",
            f"nothing is called {name!r} in the connected accounts, or resembles it.",
            "nhi-revoke doctor  shows which accounts are connected.",
        )

    def screen() -> list[Block]:
        from nhi_revoke.render.alike import alike_screen

        return alike_screen(found)

    def rows() -> list[dict[str, str]]:
        from nhi_revoke.render.alike import alike_rows

        return list(alike_rows(found))

    from nhi_revoke.render.alike import ALIKE_COLUMNS

    code = ExitCode.DONE if found.whole else ExitCode.UNSEEN
    return Result(found, screen, int(code), unreachable_problems(found.unreachable), Rows(ALIKE_COLUMNS, rows))


def _by_repository(session: Session, repo: str) -> Result:
    with session.engine() as engine, session.progress(acting=False):
        held = engine.held_by_jobs(repo)

    def screen() -> list[Block]:
        from nhi_revoke.render.held import held_screen

        return held_screen(held)

    def rows() -> list[dict[str, str]]:
        from nhi_revoke.render.held import held_rows

        return list(held_rows(held))

    from nhi_revoke.render.held import HELD_COLUMNS

    code = ExitCode.DONE if held.whole else ExitCode.UNSEEN
    return Result(held, screen, int(code), unreachable_problems(held.unreachable), Rows(HELD_COLUMNS, rows))


def _consumers(session: Session, identity: str) -> Result:
    with session.engine() as engine, session.progress(acting=False):
        found = engine.consumers(identity)

    def screen() -> list[Block]:
        from nhi_revoke.render.consumers import consumers_screen

        return consumers_screen(found)

    def rows() -> list[dict[str, str]]:
        from nhi_revoke.render.consumers import consumer_rows

        return list(consumer_rows(found))

    from nhi_revoke.render.consumers import CONSUMER_COLUMNS

    code = ExitCode.DONE if found.whole else ExitCode.UNSEEN
    return Result(found, screen, int(code), unreachable_problems(found.unreachable), Rows(CONSUMER_COLUMNS, rows))
