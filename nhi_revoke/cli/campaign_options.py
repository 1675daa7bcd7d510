"""Groups of options that the words of `campaign` share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nhi_revoke.campaign.item import Course

Campaign = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN", help="A campaign's id, a unique beginning, @last, or the file that was applied."
    ),
]
Tenants = Annotated[
    Path | None,
    typer.Option("--tenants", metavar="FOLDER", help="Where the settings files that entries name (config) lie."),
]


@dataclass(frozen=True)
class CourseOptions:
    """How a campaign is carried out, and what pauses it."""

    canary: Annotated[
        int, typer.Option("--canary", metavar="N", min=0, help="So many first, which must end well; 0: none.")
    ] = 5
    wave: Annotated[
        int, typer.Option("--wave", metavar="N", min=0, help="Then so many at a time; 0: all the rest.")
    ] = 100
    stop_on_failures: Annotated[
        int,
        typer.Option("--stop-on-failures", metavar="N", min=0, help="Pause at so many failed or refused; 0: never."),
    ] = 3
    max_outage: Annotated[
        int,
        typer.Option(
            "--max-outage", metavar="N", min=0, help="Pause at so many stopped and not served again; 0: never."
        ),
    ] = 0

    @property
    def course(self) -> Course:
        from nhi_revoke.campaign.item import Course

        return Course(self.canary, self.wave, self.stop_on_failures, self.max_outage)

    def typed(self) -> list[str]:
        """The flags that say the same again."""
        given = ((each.name, getattr(self, each.name), each.default) for each in fields(self))
        return [
            word
            for name, value, default in given
            if value != default
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]


@dataclass(frozen=True)
class RateOptions:
    """How fast each tenant may be asked."""

    rate: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="'PROVIDER[ SCOPE]=N/SECONDS'", help="A tenant's limit; may be repeated."),
    ] = None
    share: Annotated[
        float | None,
        typer.Option(
            "--share", metavar="0..1", min=0.01, max=1.0, help="Of each limit, for the campaign.", show_default="0.8"
        ),
    ] = None


@dataclass(frozen=True)
class DatabaseOptions:
    """Where campaigns are kept."""

    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="postgresql://USER@HOST/NAME; else SQLite in the state folder."),
    ] = None

    def typed(self) -> list[str]:
        """The flags that say the same again."""
        return ["--database", self.database] if self.database else []


@dataclass(frozen=True)
class WorkOptions:
    """Whether this process works on it, too."""

    no_work: Annotated[bool, typer.Option("--no-work", help="Leave it to workers; do not work on it here.")] = False
    at_once: Annotated[
        int,
        typer.Option(
            "--at-once", "--workers", metavar="N", min=1, max=256, help="Identities that it works on at once."
        ),
    ] = 32
    tenants: Tenants = None
