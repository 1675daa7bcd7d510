"""The order of every command that changes something: look, plan, guard, show, ask, guard again, act, report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nhi_revoke.cli.approving import straight
from nhi_revoke.cli.consent import consent_to
from nhi_revoke.cli.envelope import Problem
from nhi_revoke.cli.intent import Order, delivering, intent_of, must_deliver
from nhi_revoke.cli.leaked import hold_leaked
from nhi_revoke.cli.options import typed
from nhi_revoke.cli.outcome import PLAN_FORMATS, REPORT_FORMATS, nothing_result, plan_result, report_result
from nhi_revoke.cli.output import check_format
from nhi_revoke.cli.reasons import proposals
from nhi_revoke.model.error import Refused
from nhi_revoke.model.step import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nhi_revoke.cli.approving import BreakGlass
    from nhi_revoke.cli.leaked import LeakedOptions
    from nhi_revoke.cli.options import ConsentOptions, IntentOptions
    from nhi_revoke.cli.result import Result
    from nhi_revoke.cli.session import Session
    from nhi_revoke.engine.service import Consent, Engine
    from nhi_revoke.model.line import Verb
    from nhi_revoke.model.plan import Plan
    from nhi_revoke.model.report import Report

Go = Callable[["Consent"], "Report"]


def draft(
    session: Session, engine: Engine, names: Sequence[str], options: IntentOptions, order: Order, *, late: bool = True
) -> Plan:
    """Resolve, look at the state (never at the slow logs: evidence must not delay containment), and plan.

    Without `late`, what takes long to list is left to the run, and no cache is asked what a flush would meet: one that
    does not answer would hold up a containment that asks nobody.
    """
    identity = delivering(engine.resolve(names), options.deliver or (), engine.registry, options.format)
    if order == "rollover":
        must_deliver(identity)
    intent = intent_of(options, identity, order, engine.clock.now())
    with session.progress(acting=False):
        inventory = engine.inventory(identity, intent, logs=False, late=late)
    plan = engine.plan(inventory, intent, looks=late)
    return replace(plan, notices=(*plan.notices, *proposals(plan)))


def contain(
    session: Session,
    names: Sequence[str],
    options: IntentOptions,
    allowed: ConsentOptions,
    leaked: LeakedOptions,
    glass: BreakGlass,
    *,
    verb: Verb,
    order: Order,
    dry_run: bool,
) -> Result:
    """`revoke` and `rotate`."""
    check_format(session, PLAN_FORMATS if dry_run else REPORT_FORMATS)
    again = ("plan", *names, *(("--order", order) if order == "rollover" else ()), *typed(options))
    if not dry_run:  # what the order alone demands is refused before anything is looked at
        straight(session, glass, None, order, again, names[0])
    with session.engine() as engine:
        hold_leaked(session, engine, leaked)
        plan = draft(session, engine, names, options, order, late=dry_run or session.can_ask)
        if dry_run:
            return shown_only(engine, plan)
        approval = straight(session, glass, plan, order, again, names[0])
        return carry_out(
            session,
            engine,
            plan,
            allowed,
            lambda consent: engine.run(plan, verb, replace(consent, approval=approval)),
        )


def shown_only(engine: Engine, plan: Plan, exit_code: int = 0) -> Result:
    """A plan that is not carried out; what a guard would refuse stands in it as a danger."""
    try:
        engine.guard(plan, None)
    except Refused as refused:
        problem = Problem(refused.code, f"this plan would be refused: {refused.message}", refused.hint)
        on = plan.principals[0].ref if plan.principals else plan.identity.principals[0]
        warned = replace(plan, notices=(Notice(on, problem.message, "danger"), *plan.notices))
        return plan_result(warned, exit_code, (problem,))
    return plan_result(plan, exit_code)


def carry_out(session: Session, engine: Engine, plan: Plan, allowed: ConsentOptions, go: Go, run: str = "") -> Result:
    """Everything between a plan and its report. Raises Refused before anything is changed."""
    engine.guard(plan, None)
    show_plan(session, plan)
    if not plan.steps:
        return nothing_result(plan)
    consent = consent_to(session, plan, allowed)
    engine.guard(plan, consent)
    with session.progress(acting=True, run=run):
        report = go(consent)
    return report_result(session, report)


def show_plan(session: Session, plan: Plan) -> None:
    """On stderr: stdout is for the report. `-q` hides it only where nobody is asked."""
    if session.verbosity >= 0 or session.can_ask:
        from nhi_revoke.render.block import BLANK
        from nhi_revoke.render.plan import plan_screen

        session.streams.show([*plan_screen(plan), BLANK], session.streams.err)
