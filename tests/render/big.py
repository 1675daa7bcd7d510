"""A report of a run with thousands of actions, as long-winded as a real one."""

from __future__ import annotations

from datetime import timedelta

from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Report, StepResult, Times
from nhi_revoke.model.step import Phase, Residual
from tests.render.conftest import NOON, at

PER_PRINCIPAL = 50


def big_report(actions: int) -> Report:
    """A step and an access for each action; fifty on each principal, each access minted with the one before."""
    refs = [PrincipalRef("example", "bot", f"team-{n}/payments-worker-{n:05}") for n in range(actions // PER_PRINCIPAL)]
    accesses = [
        Access(
            f"example:token/org-1/{refs[n // PER_PRINCIPAL].id}/tok_{n:016}",
            refs[n // PER_PRINCIPAL],
            "example:token",
            "key",
            "live",
            f"deploy token {n}",
            parent=f"example:token/org-1/{refs[n // PER_PRINCIPAL].id}/tok_{n - 1:016}" if n % PER_PRINCIPAL else None,
        )
        for n in range(actions)
    ]
    how = "read twice, the second time when the change had settled"
    return Report(
        run="20260131T120000Z-abc123",
        verb="revoke",
        identity="payments",
        intent=Intent(case="IR-17"),
        state="contained",
        exit_code=6,
        headline="OUT",
        operator=("example:bot/responder",),
        times=Times(started=NOON, acted=at(1), sealed=at(2), verified=at(3)),
        principals=tuple(Principal(ref, "bot", ref.id, "org-1", f"b-{ref.id}") for ref in refs),
        outcomes=tuple(Outcome(each, "ended", Proof.RECORDED, how) for each in accesses),
        steps=tuple(
            StepResult(
                f"s{n}",
                "example:token/disable",
                str(each.on),
                Phase.END,
                f"disable token {each.id.rpartition('/')[2]}",
                "done",
                how,
                True,
                Proof.RECORDED,
                NOON + timedelta(milliseconds=n),
            )
            for n, each in enumerate(accesses)
        ),
        residuals=tuple(Residual(a.on, a.id, at(60), "its sessions live on", "Example docs") for a in accesses[:20]),
        residual_until=at(60),
        leads=tuple(Lead(PrincipalRef("example", "bot", f"other-{n}"), "it lets it in", "GET /x") for n in range(100)),
        journal="20260131T120000Z-abc123.jsonl",
        journal_sha256="ab" * 32,
    )
