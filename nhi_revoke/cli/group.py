"""The lazy command table as a Typer group: `--help` lists what no module was loaded for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.core
import typer.main

from nhi_revoke import __version__
from nhi_revoke.cli.words import moved_behind
from nhi_revoke.completion.table import COMMANDS, SECTIONS, row
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import nearest

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EPILOG = "Nothing is changed by list, audit, find, plan, verify and report.  Topics: nhi-revoke help"


def application(help_text: str = "") -> typer.Typer:
    """A Typer application as every command module makes one: no completion options, no rich in its help."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        help=help_text,
    )


class LazyGroup(typer.core.TyperGroup):
    """Loads the module of a command when that command is called."""

    sections: ClassVar[tuple[str, ...]] = SECTIONS

    def list_commands(self, ctx: Any) -> list[str]:
        return [each.name for each in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = row(cmd_name)
        return load_command(found.name, found.module) if found else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if row(args[0]) is None and not args[0].startswith("-"):
            close = nearest(args[0], [each.name for each in COMMANDS])
            hint = f"Did you mean nhi-revoke {close}?" if close else "nhi-revoke --help  lists the commands."
            raise Usage("unknown-command", f"there is no command {args[0]!r}. Nothing was done.", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title in self.sections:
            with formatter.section(title):
                formatter.write_dl([(each.name, each.help) for each in COMMANDS if each.section == title])


class WordGroup(typer.core.TyperGroup):
    """A command of several words: `campaign plan`. Options before the second word belong to it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, moved_behind(args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            close = nearest(args[0], self.commands)
            hint = f"{self.name} {close}?" if close else ""
            words = ", ".join(self.commands)
            why = f"{self.name} has no word {args[0]!r}: {words}. Nothing was done."
            raise Usage("unknown-command", why, f"Did you mean nhi-revoke {hint}" if hint else "")
        return super().resolve_command(ctx, args)


def load_command(name: str, module: str) -> Any:
    """The command of one module, under the table's name."""
    command = typer.main.get_command(import_module(module).app)
    command.name = name
    return command


def root() -> Any:
    """The whole command line."""
    app = typer.Typer(
        cls=LazyGroup,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        epilog=EPILOG,
    )

    @app.callback(invoke_without_command=True)
    def nhi_revoke(
        context: typer.Context,
        version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
    ) -> None:
        """End every live session and key of a bot, service account, workload, app or agent; replace; prove it."""
        if version:
            typer.echo(f"nhi-revoke {__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return typer.main.get_command(app)
