"""`--break-glass`, and what a command does where nhi.toml demands that more than one person agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.render.block import Span, line

if TYPE_CHECKING:
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.approval import Checked
    from nhi_revoke.model.approval import Approval
    from nhi_revoke.model.plan import Plan


@dataclass(frozen=True)
class BreakGlass:
    """Not to wait for the other person."""

    break_glass: Annotated[
        str | None,
        typer.Option(
            "--break-glass",
            metavar="REASON",
            help="Do it without the approval that nhi.toml demands; loud, and in the report.",
        ),
    ] = None


def straight(
    session: Session, glass: BreakGlass, plan: Plan | None, order: str, again: Sequence[str], name: str
) -> Approval | None:
    """For a command that carries out what it planned itself. `plan` None: nothing was looked at yet, and what the
    order alone demands is refused at once. `again`: the words that make the same plan.

    Raises Refused, Usage. Tells in red of a reason that was taken.
    """
    from nhi_revoke.engine.approval import broken_glass, not_approved

    rules = session.config.approval
    taken = broken_glass(rules, glass.break_glass) if glass.break_glass is not None else None
    if not rules.demands(order, irreversible=bool(plan and plan.irreversible)):
        if plan is not None and taken is not None:
            _needless(session)
        return None
    if taken is None:
        raise not_approved(rules, 0, name, again)
    if plan is not None:
        tell_broken(session, taken)
    return taken


def of_file(session: Session, glass: BreakGlass, file: Path, content: bytes, plan: Plan) -> Approval | None:
    """For a saved plan: the signatures beside it, or the reason given. Raises Refused, Usage; vendors are not asked."""
    import hashlib

    from nhi_revoke.engine.approval import broken_glass, checked, not_enough, signed_of
    from nhi_revoke.model.approval import Approval

    rules = session.config.approval
    taken = broken_glass(rules, glass.break_glass) if glass.break_glass is not None else None
    demanded = rules.demands(plan.intent.order, irreversible=bool(plan.irreversible))
    if not demanded and taken is not None:
        _needless(session)
    if rules.allowed_signers is None or (demanded and taken is not None):
        if demanded and taken is not None:
            tell_broken(session, taken)
        return taken if demanded else None
    found = checked(rules, file, signed_of(content, plan))
    if demanded and len(found.signers) < rules.required:
        raise not_enough(rules, found, as_typed(session, file))
    tell(session, found)
    if not found.signers:
        return None
    return Approval(rules.required if demanded else 0, found.signers, hashlib.sha256(content).hexdigest())


def tell(session: Session, found: Checked) -> None:
    """Whose signature counts, and which does not, and why; on stderr."""
    if session.verbosity < 0:
        return
    lines = [line(Span("APPROVED", "good"), f"  by {each.name} ({each.key})") for each in found.signers]
    lines += [
        line(Span("WARNING", "warning"), f": {each.file} counts for nothing: {each.why}") for each in found.rejected
    ]
    session.streams.show(lines, session.streams.err)


def tell_broken(session: Session, approval: Approval) -> None:
    """Whatever `-q` says: nobody does this unseen."""
    people = "another person" if approval.required == 1 else f"{approval.required} other people"
    words = f"  without the approval of {people} that nhi.toml demands. Reason: {approval.break_glass}"
    session.streams.show([line(Span("BREAK GLASS", "danger"), Span(words, "danger"))], session.streams.err)


def _needless(session: Session) -> None:
    words = ": nhi.toml demands no approval of this: --break-glass changes nothing, and is not recorded"
    session.streams.show([line(Span("note", "warning"), words)], session.streams.err)


def as_typed(session: Session, file: Path) -> str:
    """From this folder, where it lies in it."""
    return str(file.relative_to(session.cwd)) if file.is_relative_to(session.cwd) else str(file)
