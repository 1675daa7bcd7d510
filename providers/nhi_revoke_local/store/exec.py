"""`exec:`: a program of the operator's own puts the replacement where it belongs: argv list, secret on stdin.

It gets one line of JSON (public parts and secret by their own names, or as `#json-key` says) or the text of a format,
and in its environment NHI_REVOKE_RUN and NHI_REVOKE_STEP, which hold no secret and name this delivery: the same pair
again is the same credential again (`resume`), so that a program can tell that it has been here. Neither its arguments
nor its environment (otherwise that of this process) hold the secret. It answers with its exit code:

- 0: the new credential is in use. That is all that will ever be known: nobody can read it back.
- any other: it is not, and nothing uses it. It is destroyed then.
- no answer (killed after its time, or by a signal; or this process died meanwhile): nobody can tell. `Serve.shows` says
  so to the engine, which keeps the new credential and the old one, names both, and never asks again by itself. After a
  crash the secret is gone, so that `resume` cannot hand it over again, but where another store of the same delivery
  gives it back. Who looks which one the workload uses can end the other by hand.

A program that has not read one byte cannot have delivered anything, whatever it answers.
"""

from __future__ import annotations

import os
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider import merging
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_local import scrub
from nhi_revoke_local.connection import LocalConnection
from nhi_revoke_local.feeding import Fed, feed
from nhi_revoke_local.program import SHOWN, ended, last_line, preflight
from nhi_revoke_local.store.command_line import parse

_NEEDS = ("run the command",)
UNWRITTEN = "nothing is staged: the program gets the new credential once it is proven"
UNREAD = "a program of your own took it, and its exit code is all that is known"
ELSEWHERE = "; nothing would be delivered until then"


class Stage(Doer[LocalConnection]):
    """Looks whether the program is there."""

    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = "looks whether the program is there and may be run; runs nothing"
    undone: ClassVar[str] = "nothing was done"

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        return _check(step)

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        return Done(_ready(step), conn.now())

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        return _ready(step) if _check(step) is None else None

    def prove(self, conn: LocalConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, "the program was there, twice; nothing was given to it yet")

    def undo(self, conn: LocalConnection, step: Step, left: Json, run: Run) -> Change:
        return Already({})


class Serve(Doer[LocalConnection]):
    """Runs it, once, with the secret on its stdin."""

    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = _NEEDS
    says: ClassVar[str] = (
        "runs the program, without a shell, with one line of JSON (or the text of a format) on its stdin; "
        "NHI_REVOKE_RUN and NHI_REVOKE_STEP in its environment name the delivery. Exit code 0 is delivered, any other "
        "is not; nobody can read it back"
    )
    survives: ClassVar[str] = "whatever the program left of the old one"
    reversible: ClassVar[bool] = False
    shows: ClassVar[bool] = False

    def check(self, conn: LocalConnection, step: Step) -> Impossible | None:
        return _check(step)

    def apply(self, conn: LocalConnection, step: Step, run: Run) -> Change:
        at = parse(step.to)
        if step.takes is None or not run.holds(step.takes):
            raise Rejected("the new secret is not in this process: mint it anew")
        secret = run.take(step.takes)
        text = merging.merged(None, secret, at.key)
        if text is None:
            raise Rejected(f"exec: the new credential cannot be written as #{at.key}")
        delivery = f"{step.id}/{run.left(step.takes).get('id', '')}"
        environ = {**os.environ, "NHI_REVOKE_RUN": run.id, "NHI_REVOKE_STEP": delivery}
        try:
            fed = feed(at.settings, (text if text.endswith("\n") else f"{text}\n").encode(), environ)
        except OSError as error:
            return Failed(f"{at.settings.name} did not start: {error.strerror}")
        if fed.code == 0 and fed.read:
            return Done({"program": at.settings.name, "exit": 0}, conn.now())
        return _undelivered(at.settings.name, at.settings.timeout, fed, secret)

    def seen(self, conn: LocalConnection, step: Step, run: Run) -> Json | None:
        """The exit code is all that can be known, and it is known where the answer was journaled."""
        left = run.left(step.id)
        return left if "exit" in left else None

    def prove(self, conn: LocalConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.REQUESTED, f"{run.left(step.id).get('program')} answered 0; nobody can read it back")

    def undo(self, conn: LocalConnection, step: Step, left: Json, run: Run) -> Change:
        return Impossible(
            "what a program did cannot be taken back here",
            "Give the former credential to the workload again, from its own backup.",
        )


class ExecStore(Store[LocalConnection]):
    """Shares its name with the flush `exec`: `exec/stage` and `exec/serve` are the store's."""

    name: ClassVar[str] = "exec"
    says: ClassVar[str] = "a program of your own, which gets the new credential as a line of JSON on its stdin"
    beside: ClassVar[bool] = False
    unit: ClassVar[Unit] = "text"
    stage = Stage()
    serve = Serve()

    def recall(self, conn: LocalConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        """Never: nobody can read back what a program did."""
        return None


def _check(step: Step) -> Impossible | None:
    try:
        return preflight(parse(step.to).settings, instead=ELSEWHERE)
    except Rejected as why:
        return Impossible(why.message, why.hint)


def _ready(step: Step) -> Json:
    return {"program": parse(step.to).settings.name, "unwritten": UNWRITTEN, "unread": UNREAD}


def _undelivered(name: str, timeout: float, fed: Fed, secret: Secret) -> Failed | Lost:
    """Not delivered, or nobody knows. What it said is told only where it holds nothing of the secret."""
    if fed.code is None:
        how = f"did not end in {timeout:g} s and was killed"
        return Lost(f"{name} {how}; it may have done its work") if fed.read else Failed(f"{name} {how}; {UNTOUCHED}")
    line = last_line(fed.said)
    if scrub.holds(line, secret.reveal()):
        said = ": what it said is not shown, since it holds some of the secret"
    else:
        said = f": {line[:SHOWN]}" if line else ""
    if not fed.read:
        return Failed(f"{name} {ended(fed.code)}, and {UNTOUCHED}{said}")
    if fed.code < 0:
        return Lost(f"{name} {ended(fed.code)}, and may have done its work{said}")
    return Failed(f"{name} {ended(fed.code)}{said}")


UNTOUCHED = "it had read nothing of the new credential: it cannot have delivered it"
