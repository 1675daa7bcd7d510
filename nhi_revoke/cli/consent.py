"""The question before anything is changed: y/N, or the identity's name where something cannot be taken back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal

from nhi_revoke.model.error import Refused
from nhi_revoke.render.block import line
from nhi_revoke.render.clean import clean

if TYPE_CHECKING:
    from nhi_revoke.cli.options import ConsentOptions
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Consent
    from nhi_revoke.model.plan import Plan


def consent_to(session: Session, plan: Plan, options: ConsentOptions) -> Consent:
    """What the operator allowed, asked for where it was not given. Raises Refused (exit 7)."""
    from nhi_revoke.engine.service import Consent

    name = plan.identity.name

    def allowed_by(how: Literal["tty", "--yes", "--confirm"], confirmed: str, irreversible: bool) -> Consent:
        return Consent(how, confirmed, irreversible, options.force, options.max_accesses)

    if options.confirm is not None and options.confirm != name:
        raise Refused(
            "wrong-name",
            f"--confirm {options.confirm!r} is not the identity of this plan, which is {name!r}. Nothing was changed.",
        )
    allowed = options.allow_irreversible
    given = options.confirm is not None or options.yes
    if given and (allowed or not plan.irreversible):
        return allowed_by("--confirm" if options.confirm is not None else "--yes", options.confirm or "", allowed)
    if not session.can_ask:
        raise _cannot_ask(session, plan, given)
    if plan.irreversible:
        _ask_name(session, plan)
        return allowed_by("tty", name, True)
    _ask_yes(session, plan)
    return allowed_by("tty", "", allowed)


def command_with(session: Session, *flags: str) -> str:
    """The command that was typed, with more flags: what to type next."""
    more = [flag for flag in flags if flag not in session.arguments]
    return clean(shlex.join(["nhi-revoke", *session.arguments, *more]))


def _cannot_ask(session: Session, plan: Plan, given: bool) -> Refused:
    flags = ["--yes"] if not given else []
    if plan.irreversible:
        flags.append("--allow-irreversible")
        many = len(plan.irreversible)
        why = f"{many} of {len(plan.steps)} changes cannot be taken back, and nobody can be asked"
    else:
        why = f"{len(plan.steps)} changes need a yes, and nobody can be asked (no terminal, or --no-input)"
    return Refused("no-consent", f"{why}. Nothing was changed.", command_with(session, *flags))


def _ask_yes(session: Session, plan: Plan) -> None:
    many = len(plan.steps)
    typed = answer(session, f"Carry out {many} change{'s' * (many != 1)} on {plan.identity.name}? [y/N] ")
    if typed.lower() not in ("y", "yes"):
        raise Refused("declined", "The plan was declined. Nothing was changed.")


def _ask_name(session: Session, plan: Plan) -> None:
    name = plan.identity.name
    question = (
        f"{len(plan.irreversible)} of {len(plan.steps)} changes are IRREVERSIBLE. Type {name} to carry them out: "
    )
    if answer(session, question) != name:
        raise Refused("declined", f"What was typed is not {name!r}. Nothing was changed.")


def answer(session: Session, question: str) -> str:
    """What a person at the terminal typed."""
    streams = session.streams
    streams.show([line("")], streams.err)
    streams.err.write(clean(question))
    streams.err.flush()
    typed = ""
    try:
        typed = streams.answered_on.readline()
    finally:
        if not typed.endswith("\n"):  # Ctrl-C or Ctrl-D: what follows begins on a line of its own
            streams.err.write("\n")
    return typed.strip()
