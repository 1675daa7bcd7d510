"""What is refused with exit 7, and why. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from fnmatch import fnmatchcase

from nhi_revoke.engine.consent import Consent
from nhi_revoke.model.error import Refused
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef


def all_names(principal: Principal) -> tuple[str, ...]:
    """Every way to name it: canonical, typed, by what the vendor's screens call it, and the vendor's own aliases
    (never a bare account or "anyone").
    """
    called = str(PrincipalRef(principal.ref.provider, principal.kind, principal.name))
    return tuple(dict.fromkeys((str(principal.ref), principal.typed, called, *principal.aliases)))


def is_operator(principal: Principal, operator: Iterable[str]) -> bool:
    """Whether it is the operator or stands in the operator's chain."""
    mine = {str(principal.ref), principal.unique_id, *principal.aliases}
    return any(name in mine for name in operator)


def protected(principal: Principal, protect: Iterable[str]) -> str | None:
    """The pattern of `protect` that names it, or None. In whatever case: most vendors take names that differ in it for
    one, and show another than was typed.
    """
    names = [name.casefold() for name in all_names(principal)]
    return next((p for p in protect if any(fnmatchcase(n, p.casefold()) for n in names)), None)


def check(plan: Plan, protect: Iterable[str], consent: Consent | None) -> None:
    """Raises Refused. Without consent: only what no consent could lift."""
    _principals(plan, tuple(protect))
    ended = {a for s in plan.steps for a in s.ends}
    if consent is None:
        return
    if len(ended) > consent.max_accesses:
        raise Refused(
            "too-many",
            f"the plan ends {len(ended)} accesses of {plan.identity.name}, more than --max-accesses "
            f"{consent.max_accesses}. Nothing was changed.",
            f"Read the plan; then --max-accesses {len(ended)}.",
        )
    if plan.irreversible and consent.how != "tty" and not consent.allow_irreversible:
        says = "; ".join(s.says for s in plan.irreversible)
        raise Refused(
            "irreversible",
            f"{len(plan.irreversible)} change(s) to {plan.identity.name} cannot be taken back: {says}. "
            "Nothing was changed.",
            "Add --allow-irreversible, or narrow the plan with --scope.",
        )
    if consent.confirmed and consent.confirmed != plan.identity.name:
        raise Refused(
            "wrong-name",
            f"{consent.confirmed!r} was confirmed, but the plan is for {plan.identity.name!r}. Nothing was changed.",
            f"--confirm {shlex.quote(plan.identity.name)}",
        )
    for principal in plan.principals:
        if principal.delicate and not consent.force and any(s.on == principal.ref for s in plan.steps):
            raise Refused(
                "delicate",
                f"{principal.ref}: {principal.delicate}. Nothing was changed.",
                "Add --force if that outage is acceptable.",
            )


def _principals(plan: Plan, protect: tuple[str, ...]) -> None:
    operator = tuple(str(ref) for ref in plan.operator)
    for principal in plan.principals:
        if is_operator(principal, operator):
            raise Refused(
                "own-principal",
                f"{principal.ref} is you, or in the chain that you log in through: ending it would lock you out. "
                "Nothing was changed.",
                "Log in as another responder, with credentials that do not come from this identity.",
            )
        if pattern := protected(principal, protect):
            raise Refused(
                "protected",
                f"{principal.ref} is protected by {pattern!r} in nhi.toml. Nothing was changed.",
                "Take it out of `protect` if it must be ended, or handle it by hand.",
            )
    if plan.principals and all(p.untouchable for p in plan.principals):
        first = plan.principals[0]
        raise Refused("vendor-managed", f"{first.ref}: {first.untouchable}. Nothing was changed.", "By hand, as above.")
    named = {p.ref for p in plan.principals}
    if strange := next((step for step in plan.steps if step.on not in named), None):
        raise Refused(
            "strange-step",
            f"the plan names {', '.join(map(str, sorted(named))) or 'nobody'}, and has a step on {strange.on}: no plan "
            "of this tool does, so that somebody else wrote into it. Nothing was changed.",
            "Make a new plan.",
        )
