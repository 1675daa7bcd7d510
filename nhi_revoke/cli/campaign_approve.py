"""What `approve` shows and signs: the words of each change, and a whole campaign's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.cli.acting import show_plan
from nhi_revoke.cli.session import Session
from nhi_revoke.model.error import Usage
from nhi_revoke.provider.layout import shown
from nhi_revoke.render.block import BLANK, Line, Span, line

if TYPE_CHECKING:
    from nhi_revoke.engine.approval import Signed
    from nhi_revoke.model.step import Step

SIGNED_IS = "SIGNED IS, whatever the sentences above say"


@dataclass(frozen=True)
class Subject:
    """What somebody is to approve."""

    name: str
    """In words."""
    typed: str
    """What whoever read it types, where something cannot be taken back."""
    called: str
    """What that is, in words."""
    changes: int
    irreversible: int
    digest: str
    sha256: str
    signed: Signed
    order: str
    then: tuple[str, ...]
    """Words of the command that carries it out."""


@contextmanager
def subject_of_campaign(path: Path) -> Iterator[tuple[Subject, Callable[[Session], None]]]:
    """All plans of a saved campaign. What is shown is what is signed: a copy that nobody changes meanwhile.

    Raises Usage, Refused.
    """
    from nhi_revoke.campaign.saved import copied, read_header, read_items
    from nhi_revoke.engine.approval import signed_of_campaign
    from nhi_revoke.model.ref import PrincipalRef

    with copied(path) as (copy, sha256):
        header = read_header(copy)
        plans = changes = irreversible = 0
        operators: dict[tuple[PrincipalRef, ...], None] = {}
        for item in read_items(copy):
            if item.plan is not None:
                plans, changes = plans + 1, changes + len(item.plan.steps)
                irreversible += len(item.plan.irreversible)
                operators[tuple(item.plan.operator)] = None
        if not plans:
            raise Usage("nothing-planned", f"{path.name} has no plan that could be carried out. Nothing was signed.")
        name = f"{plans} identit{'y' if plans == 1 else 'ies'}"
        signed = signed_of_campaign(header.digest, sha256, tuple(operators))

        def show(session: Session) -> None:
            err = session.streams.err
            for item in read_items(copy):
                if item.plan is None:
                    session.streams.show([line(f"{item.entry.name}: nothing is done ({item.why})")], err)
                    continue
                made_by = ", ".join(map(str, item.plan.operator)) or "unknown"
                by = f"  by {item.entry.config}" if item.entry.config else ""
                heading = line(Span(SIGNED_IS, "strong"), f"  {item.entry.name}{by}, planned by {made_by}")
                steps = [signed_words(number, step) for number, step in enumerate(item.plan.steps, 1)]
                show_plan(session, item.plan)
                session.streams.show([heading, *steps, BLANK], err)
            many = f"{changes} changes, {irreversible} of them IRREVERSIBLE, on {name}, from {header.source}"
            told = [line(f"digest {header.digest}", keep=True), line(f"file sha256 {sha256}", keep=True)]
            session.streams.show([line(many), *told], err)

        yield (
            Subject(
                name, str(plans), "the number of identities of this campaign", changes, irreversible, header.digest,
                sha256, signed, header.intent.order, ("campaign", "apply"),
            ),
            show,
        )  # fmt: skip


def signed_words(number: int, step: Step) -> Line:
    """What the tool will do: the sentences of a plan are its planner's, and a file may hold any."""
    ends = " ".join(step.ends) or "nothing that a list shows"
    to = f" to {shown(step.to)}" if step.to else ""
    final = "" if step.reversible else "  IRREVERSIBLE"
    return line(f"{number}  {step.phase.value}  {step.does}  on {step.on}{to}  ends {ends}{final}", indent=2)
