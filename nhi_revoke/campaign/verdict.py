"""The exit code of a campaign, and what to type next."""

from __future__ import annotations

from nhi_revoke.campaign.figures import Progress
from nhi_revoke.model.command import command

DONE, PARTIAL, REFUSED, OPEN, UNSEEN = 0, 5, 7, 8, 9


def exit_code(found: Progress) -> int:
    """5 where something failed, or is left and nothing goes on; then 8 open, 9 unseen, 7 refused; 0: all is well."""
    if found.items.failed or (found.items.left and found.state in ("paused", "over")):
        return PARTIAL
    if found.items.kept or found.codes.get(OPEN) or found.items.open > found.codes.get(UNSEEN, 0):
        return OPEN
    if found.codes.get(UNSEEN):
        return UNSEEN
    return REFUSED if found.items.refused else DONE


def next_commands(found: Progress, *more: str) -> tuple[str, ...]:
    """`more`: words that every command needs, such as the database."""

    def typed(*words: str) -> str:
        return command("campaign", *words, found.campaign, *more)

    if found.state == "paused":
        return typed("resume"), typed("report"), typed("undo")
    if found.state == "over":
        again = (command("campaign", "resume", found.campaign, "--again", *more),) if found.items.failed else ()
        return (*again, typed("report"))
    if not found.workers:
        return command("worker", *more), typed("pause")
    return typed("status"), typed("pause")
