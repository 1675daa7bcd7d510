"""`approve`: a second person reads a saved plan and signs it. Asks no vendor and changes nothing there."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhi_revoke.cli.acting import show_plan
from nhi_revoke.cli.campaign_approve import SIGNED_IS, Subject, signed_words, subject_of_campaign
from nhi_revoke.cli.consent import answer, command_with
from nhi_revoke.cli.data import Approved
from nhi_revoke.cli.group import application
from nhi_revoke.cli.output import check_format, write_private
from nhi_revoke.cli.result import Result
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.spread import spread
from nhi_revoke.model.command import command
from nhi_revoke.model.error import Refused
from nhi_revoke.render.block import BLANK, Span, line

if TYPE_CHECKING:
    from nhi_revoke.config.approval import Approving
    from nhi_revoke.engine.signing import SshKeygen
    from nhi_revoke.model.plan import Plan
    from nhi_revoke.render.block import Block

app = application()

PlanFile = Annotated[
    Path, typer.Argument(metavar="PLAN", help="A file of plan --save or campaign plan --save, or a next plan of a run.")
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Sign with this private key, or the .pub file of one that your agent holds.",
        show_default="approval.key of nhi.toml, or the agent's only key",
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="NAME",
        help="The identity's name (of a campaign: how many), instead of being asked: you read the plan.",
    ),
]


@app.command()
@spread
def approve(session: Session, file: PlanFile, key: Key = None, confirm: Confirm = None) -> Result:
    """Read a saved plan and sign it with your SSH key, where nhi.toml demands more than one person.

    nhi-revoke approve plan.json --key ~/.ssh/id_ed25519.pub
    """
    from nhi_revoke.campaign.saved import is_campaign
    from nhi_revoke.engine.signing import SshKeygen

    check_format(session, ("table", "json", "ndjson"))
    path, rules, program = session.cwd / file, session.config.approval, SshKeygen.found()
    with subject_of_campaign(path) if is_campaign(path) else _subject(path) as (subject, show):
        with signing_key(session, rules, key) as chosen:
            show(session)
            _ask(session, subject, confirm)
            signature = program.sign(subject.signed.message, chosen, asks=session.can_ask)
        done = _kept(rules, program, path, subject, signature)
    return _result(session, done, file, subject.then)


@contextmanager
def _subject(path: Path) -> Iterator[tuple[Subject, Callable[[Session], None]]]:
    """One plan. Raises Usage, Refused."""
    from nhi_revoke.engine.approval import signed_of
    from nhi_revoke.engine.planfile import read_plan
    from nhi_revoke.model.plan import plan_digest

    plan, content = read_plan(path)
    name = plan.identity.name
    yield (
        Subject(
            name, name, "the identity of this plan", len(plan.steps), len(plan.irreversible), plan_digest(plan),
            hashlib.sha256(content).hexdigest(), signed_of(content, plan), plan.intent.order, ("apply",),
        ),
        lambda session: _show(session, plan, content),
    )  # fmt: skip


@contextmanager
def signing_key(session: Session, rules: Approving, key: Path | None) -> Iterator[Path]:
    """The file that ssh-keygen is told. Raises Usage where several keys would do."""
    named = session.cwd / key.expanduser() if key is not None else rules.key
    if named is not None:
        yield named
        return
    from nhi_revoke.engine.signing import agent_key, agent_keys

    public = agent_key(agent_keys(), rules.allowed_signers)
    with tempfile.TemporaryDirectory(prefix="nhi-revoke-") as folder:
        file = Path(folder) / "key.pub"
        file.write_text(f"{public}\n")
        yield file


def _show(session: Session, plan: Plan, content: bytes) -> None:
    from nhi_revoke.model.plan import plan_digest
    from nhi_revoke.render.moment import moment

    show_plan(session, plan)
    signed = [signed_words(number, step) for number, step in enumerate(plan.steps, 1)]
    what = [line(Span(SIGNED_IS, "strong")), *signed]
    made_by = ", ".join(map(str, plan.operator)) or "unknown"
    lines = [
        line(f"plan of {moment(plan.at)}, made by {made_by}"),
        line(f"digest {plan_digest(plan)}", keep=True),
        line(f"file sha256 {hashlib.sha256(content).hexdigest()}", keep=True),
    ]
    session.streams.show([*what, BLANK, *lines], session.streams.err)


def _ask(session: Session, subject: Subject, confirm: str | None) -> None:
    """Raises Refused. What cannot be taken back wants the name, as it does of who carries it out."""
    name = subject.typed
    if confirm is not None:
        if confirm != name:
            raise Refused("wrong-name", f"--confirm {confirm!r} is not {subject.called}, which is {name!r}.")
        return
    if not session.can_ask:
        why = "an approval needs somebody who read the plan, and nobody can be asked. Nothing was signed."
        raise Refused("no-consent", why, command_with(session, "--confirm", name))
    changes = f"{subject.changes} change{'s' * (subject.changes != 1)}"
    if subject.irreversible:
        said = f"{subject.irreversible} of {changes} IRREVERSIBLE. Type {name} to approve: "
        if answer(session, said) != name:
            raise Refused("declined", f"What was typed is not {name!r}. Nothing was signed.")
    elif answer(session, f"Approve {changes} on {subject.name}? [y/N] ").lower() not in ("y", "yes"):
        raise Refused("declined", "The plan was not approved. Nothing was signed.")


def _kept(rules: Approving, program: SshKeygen, path: Path, subject: Subject, signature: bytes) -> Approved:
    """Writes the signature beside the plan, where it counts as far as this nhi.toml tells. Raises Refused, Usage."""
    from nhi_revoke.engine.approval import allowed_signers, checked, counted, signature_file

    with tempfile.TemporaryDirectory(prefix="nhi-revoke-") as folder:
        tried = Path(folder) / "signature"
        tried.write_bytes(signature)
        key, signer = program.fingerprint(subject.signed.message, tried), ""
        if rules.allowed_signers is not None:
            found = counted(rules, program, subject.signed, tried, allowed_signers(rules))
            if isinstance(found, str):
                raise Refused(
                    "would-not-count",
                    f"the signature of {key or 'this key'} would count for nothing: {found}. Nothing was written.",
                    "Sign with a key that the allowed signers name for you, or let somebody else approve.",
                )
            signer = found.name
    file = signature_file(path, signer or key)
    write_private(file, signature)
    file.chmod(0o644)  # no secret: whoever applies the plan has to read it
    have = checked(rules, path, subject.signed) if signer else None
    demanded = rules.required if rules.demands(subject.order, irreversible=bool(subject.irreversible)) else 0
    return Approved(
        subject.name,
        subject.digest,
        subject.sha256,
        file.name,
        signer,
        key,
        demanded,
        tuple(each.name for each in have.signers) if have else (),
    )


def _result(session: Session, done: Approved, file: Path, then: tuple[str, ...]) -> Result:
    def screen() -> list[Block]:
        from nhi_revoke.render.approval import approved_screen

        config = ("--config", session.config_path) if session.config_path else ()
        words = (done.signer, done.key, str(file.with_name(done.signature)))
        counts = (len(done.approved_by), done.required)
        more = command("approve", file, *config)
        return approved_screen(done.identity, *words, *counts, more=more, then=command(*then, file, *config))

    return Result(done, screen)
