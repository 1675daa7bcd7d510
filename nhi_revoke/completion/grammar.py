"""The options and words of each command, read off the command line itself: what the static scripts are made of."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from nhi_revoke.completion.table import ASKING, COMMANDS

RUNS = ("resume", "hold", "verify", "release", "undo", "finish", "report", "runs")
IDENTITIES = ("list", "audit", "plan", "revoke", "rotate", "identities")
PROVIDERS = ("permissions",)


class Option(NamedTuple):
    """One option with all its spellings."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]
    file: bool
    metavar: str = ""
    default: str = ""
    repeats: bool = False

    @property
    def asks(self) -> bool:
        """Whether its values are accesses, which only this machine knows."""
        return self.names[-1] in ASKING


class Command(NamedTuple):
    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    """Fixed words that its first argument may be."""
    arguments: tuple[str, ...] = ()
    """As usage shows them."""
    text: str = ""
    """What `--help` says: a sentence or more, then an example."""
    parts: tuple[Command, ...] = ()
    """Its words, where each is a command of its own: `campaign plan`. Its options are theirs together."""

    @property
    def dynamic(self) -> bool:
        """Whether its arguments are identities, runs or providers, which only this machine knows."""
        return self.name in (*RUNS, *IDENTITIES, *PROVIDERS, "campaign")

    @property
    def files(self) -> bool:
        """Whether its arguments are files."""
        return self.name in ("approve", "apply", "runs", "campaign")


def commands() -> tuple[Command, ...]:
    """Every command of the table. Loads all their modules."""
    import typer.main

    found = []
    for row in COMMANDS:
        loaded: Any = typer.main.get_command(import_module(row.module).app)
        found.append(_command(row.name, row.help, loaded))
    return tuple(found)


def _command(name: str, says: str, loaded: Any) -> Command:
    helped = Option(("-h", "--help"), "Show this message and exit.", False, (), False)
    options = (*(_option(each) for each in loaded.params if each.param_type_name == "option"), helped)
    arguments = tuple(str(each.metavar) for each in loaded.params if each.param_type_name == "argument")
    words, text = _words(name, loaded), loaded.help or ""
    inner: dict[str, Any] = getattr(loaded, "commands", {})
    if not inner:
        return Command(name, says, options, words, arguments, text)
    parts = tuple(_command(f"{name} {word}", _first(each.help), each) for word, each in inner.items())
    own = {option.names: option for part in parts for option in part.options}
    # One word may have two names for what another has one for.
    whole = tuple(each for names, each in own.items() if not any(set(names) < set(other) for other in own))
    return Command(name, says, whole, tuple(inner), ("|".join(inner), "…"), text, parts)


def _first(text: str | None) -> str:
    """The first paragraph of a help text."""
    return " ".join((text or "").partition("\n\n")[0].split())


def _option(param: Any) -> Option:
    choices = tuple(getattr(param.type, "choices", ()))
    names = (*param.opts, *param.secondary_opts)
    names = tuple(sorted(names, key=lambda name: name.startswith("--")))
    metavar = param.metavar or ("|".join(choices) if choices else "" if param.is_flag else "TEXT")
    default = param.show_default if isinstance(param.show_default, str) else ""
    files = metavar == "FILE"
    return Option(names, param.help or "", not param.is_flag, choices, files, metavar, default, bool(param.multiple))


def _words(name: str, loaded: Any) -> tuple[str, ...]:
    if name == "help":
        from nhi_revoke.completion.table import TOPIC_NAMES

        return TOPIC_NAMES
    if name == "schema":
        return tuple(row.name for row in COMMANDS)
    if name == "runs":
        return ("export", "import")
    if name == "identities":
        return ("check",)
    first = next((each for each in loaded.params if each.param_type_name == "argument"), None)
    return tuple(getattr(first.type, "choices", ())) if first is not None else ()
