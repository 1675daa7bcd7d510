"""`help`: topics that no single command explains."""

from __future__ import annotations

from typing import Annotated

import typer

from nhi_revoke.cli.data import Topic
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.cli.topics import TOPICS
from nhi_revoke.completion.table import COMMANDS
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

app = application()

Word = Annotated[str | None, typer.Argument(metavar="[TOPIC|COMMAND]", help=f"One of: {', '.join(TOPICS)}.")]


@app.command(name="help")
@spread
def show_help(session: Session, word: Word = None) -> Result:
    """Topics: exit-codes, environment, identities, formats, safety, reasons, completion.

    nhi-revoke help exit-codes
    """
    check_format(session, ("table", "json"))
    if word is None:
        listed = "".join(f"  {name:<14}{topic.title}\n" for name, topic in TOPICS.items())
        return _topic("", f"Topics (nhi-revoke help TOPIC):\n\n{listed}\nCommands: nhi-revoke --help\n")
    if word in TOPICS:
        return _topic(word, TOPICS[word].text())
    command = next((each for each in COMMANDS if each.name == word), None)
    if command is not None:
        return _topic(word, f"{command.help}\n\nnhi-revoke {word} --help\n")
    raise Usage("unknown-topic", f"there is no topic {word!r}.", did_you_mean(word, TOPICS))


def _topic(topic: str, text: str) -> Result:
    return Result(Topic(topic, text), list, text=text)
