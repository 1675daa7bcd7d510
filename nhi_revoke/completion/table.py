"""The commands: name, one line of help, module. Listing and completing them loads none of the modules.

The table stands here, below the command line, because completion must not load Typer.
"""

from __future__ import annotations

LOOK, ACT, AFTER, RECORDS, SUPPORT = "Look", "Act", "After a run", "Records", "Support"
SECTIONS = (LOOK, ACT, AFTER, RECORDS, SUPPORT)
"""In the order in which `--help` shows them."""

TOPIC_NAMES = ("exit-codes", "environment", "identities", "formats", "approval", "safety", "reasons", "completion")
"""What `help` explains besides commands (`nhi_revoke/cli/topics.py`)."""

ASKING = ("--cut-trust", "--keep-trust", "--free-slot", "--scope", "--rearm", "--accept")
"""Options whose value is an access: the shells ask `__complete` for it."""


class Row:
    """One command. A plain class: NamedTuple and dataclass would double what completion costs."""

    __slots__ = ("changes", "help", "name", "section")

    def __init__(self, name: str, section: str, help_text: str, *, changes: bool = False) -> None:
        self.name = name
        self.section = section
        self.help = help_text
        self.changes = changes
        """Whether it may change something at a vendor."""

    @property
    def module(self) -> str:
        """It defines `app`, a Typer application."""
        return f"nhi_revoke.cli.{self.name}"


COMMANDS: tuple[Row, ...] = (
    Row("list", LOOK, "Every live way in, what it reaches, and what could not be seen."),
    Row("audit", LOOK, "The same, judged by the exit code: 0 means nothing live and nothing unseen."),
    Row("find", LOOK, "Principals by name, what a repository's jobs hold, or who uses a key."),
    Row("triage", LOOK, "What a leaked credential is, whether it is alive, and whose; --revoke goes on.", changes=True),
    Row("plan", LOOK, "What `revoke` would do, in order, with what breaks and what stays."),
    Row("revoke", ACT, "End every session and key now, then replace what has a delivery target.", changes=True),
    Row("rotate", ACT, "Replace first, prove the new one, then end the old one and its sessions.", changes=True),
    Row("approve", ACT, "Sign a saved plan, where it needs more than one person."),
    Row("apply", ACT, "Carry out a saved plan, without a prompt.", changes=True),
    Row("campaign", ACT, "Many identities at once: plan, apply in waves, status, undo, one report.", changes=True),
    Row("worker", ACT, "Work on campaigns of a database, beside other machines.", changes=True),
    Row("resume", ACT, "Go on with a run that was interrupted or crashed.", changes=True),
    Row("hold", AFTER, "Keep what a run ended ended, until the last residual has passed.", changes=True),
    Row("verify", AFTER, "Look again, later. Changes nothing."),
    Row("release", AFTER, "Take the brakes off, so that the replacement works.", changes=True),
    Row("undo", AFTER, "Take back what a run touched and can be taken back.", changes=True),
    Row("finish", AFTER, "After the soak: delete what the run disabled.", changes=True),
    Row("runs", RECORDS, "The journals on this machine; export and import them."),
    Row("report", RECORDS, "The report of a run, from its journal alone."),
    Row("identities", RECORDS, "The identity map of nhi.toml, and whether it holds."),
    Row("providers", SUPPORT, "Installed providers, and what each can end."),
    Row("permissions", SUPPORT, "Permissions that each stage needs, per provider."),
    Row("doctor", SUPPORT, "Whether providers load, who you are on each, what you would need."),
    Row("config", SUPPORT, "Every setting, and where its value comes from."),
    Row("schema", SUPPORT, "JSON Schema of the output."),
    Row("demo", SUPPORT, "The whole job against a sandbox on this machine, with an intruder who tries every door."),
    Row("help", SUPPORT, f"Topics: {', '.join(TOPIC_NAMES)}."),
)


def row(name: str) -> Row | None:
    """The command of this name, or None."""
    return next((each for each in COMMANDS if each.name == name), None)
