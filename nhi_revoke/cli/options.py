"""Groups of options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import typer

from nhi_revoke.cli.spans import duration

Output = Literal["table", "json", "ndjson", "csv", "md", "html", "ocsf", "caep", "junit", "sarif"]
Names = Annotated[
    list[str],
    typer.Argument(
        metavar="IDENTITY...", help="An identity of nhi.toml, or one or more principals (PROVIDER:KIND/NAME)."
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run id, a unique beginning of one, @last, or an identity.")]
Logs = Annotated[
    bool,
    typer.Option("--logs/--no-logs", help="Read logs for live sessions and their lineage (slow, and they lag)."),
]

Experimental = Annotated[
    bool,
    typer.Option("--experimental", help="Look at principals, too, whose interface the vendor may still change."),
]


@dataclass(frozen=True)
class CommonOptions:
    """What every command takes."""

    output: Annotated[
        Output | None,
        typer.Option("--output", "-o", help="How results are printed; errors, too, with json.", show_default="table"),
    ] = None
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write results there (0600).")] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="On stderr only what went wrong.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="On stderr every request's fate.")] = False
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")] = False
    no_pager: Annotated[bool, typer.Option("--no-pager", help="Write straight, however long it is.")] = False
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask; refuse instead.")] = False
    config: Annotated[str | None, typer.Option("--config", metavar="FILE", help="Another nhi.toml.")] = None
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False


@dataclass(frozen=True)
class SettingsOptions:
    """What drafting any plan depends on. None stands for the default of the reason or the command."""

    reason: Annotated[
        Literal["leaked", "token-reuse", "recovery-change", "vendor-breach", "runner-compromise", "offboarding"],
        typer.Option("--reason", help="Why; picks defaults, never the order (help reasons)."),
    ] = "leaked"
    case: Annotated[str, typer.Option("--case", metavar="ID", help="Case number for the report.")] = ""
    scope: Annotated[
        str | None,
        typer.Option("--scope", metavar="all|sessions|keys|ACCESS_ID", help="End only these.", show_default="all"),
    ] = None
    rotate: Annotated[
        Literal["wait", "now", "no"] | None,
        typer.Option("--rotate", help="When a replacement is made.", show_default="wait"),
    ] = None
    brake: Annotated[
        Literal["auto", "on", "off"], typer.Option("--brake", help="Whether the principal itself is stopped.")
    ] = "auto"
    settle: Annotated[
        float | None,
        typer.Option("--settle", metavar="TIME", parser=duration, help="Instead of each vendor's own: 60, 90s, 2m."),
    ] = None
    grace: Annotated[
        float,
        typer.Option("--grace", metavar="TIME", parser=duration, help="rotate: both work this long after the proof."),
    ] = 0.0
    until_unused: Annotated[
        float,
        typer.Option(
            "--until-unused",
            metavar="TIME",
            parser=duration,
            help="rotate: the old one ends once no use of it has shown this long (waits 24 h at most).",
        ),
    ] = 0.0
    cut_trust: Annotated[
        list[str] | None, typer.Option("--cut-trust", metavar="ID", help="Close this trust; may be repeated.")
    ] = None
    keep_trust: Annotated[
        list[str] | None, typer.Option("--keep-trust", metavar="ID", help="Leave this trust open, knowingly.")
    ] = None
    free_slot: Annotated[
        list[str] | None,
        typer.Option("--free-slot", metavar="ID", help="May be deleted now to make room for the new one."),
    ] = None
    keep_sessions: Annotated[
        bool, typer.Option("--keep-sessions", help="rotate: leave the old sessions alive. The report says so in red.")
    ] = False
    follow: Annotated[
        Literal["identity", "none"],
        typer.Option("--follow", help="Whether what appears on the plan's own principals is ended, too."),
    ] = "identity"
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="When it began: 2026-01-31T14:00Z, 2h ago, 12h.")
    ] = None
    experimental: Experimental = False


@dataclass(frozen=True)
class IntentOptions(SettingsOptions):
    """Those, and where the replacements of one identity go."""

    deliver: Annotated[
        list[str] | None,
        typer.Option("--deliver", metavar="KIND=STORE:ADDRESS", help="Where the replacement of this kind goes."),
    ] = None
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="env|env:NAME|json|…",
            help="Of each --deliver: how it is written there, as its users read it.",
        ),
    ] = ""


def typed(options: SettingsOptions) -> list[str]:
    """The flags that say the same again, each once; nothing for what was left at its default."""
    words: list[str] = []
    for field in fields(options):
        value = getattr(options, field.name)
        if value == field.default:
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        else:
            each = value if isinstance(value, list) else [value]
            words += [word for one in each for word in (flag, f"{one:.15g}" if isinstance(one, float) else str(one))]
    return words


@dataclass(frozen=True)
class ConsentOptions:
    """What the operator allows."""

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask y/N.")] = False
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="NAME", help="The identity's name, instead of typing it when asked."),
    ] = None
    allow_irreversible: Annotated[
        bool, typer.Option("--allow-irreversible", help="In a script: let what cannot be taken back be done.")
    ] = False
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Stop a principal that much depends on. Lifts no other guard.")
    ] = False
    max_accesses: Annotated[
        int, typer.Option("--max-accesses", metavar="N", min=1, help="Refuse to end more than N accesses.")
    ] = 50
