"""What a saved campaign needs before any of it is carried out: flags, and other people's agreement. Asks no vendor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nhi_revoke.cli.approving import BreakGlass, as_typed, tell, tell_broken
from nhi_revoke.cli.engines import Engines
from nhi_revoke.cli.session import Session
from nhi_revoke.model.error import Refused

if TYPE_CHECKING:
    from nhi_revoke.campaign.item import Item
    from nhi_revoke.config.approval import Approving
    from nhi_revoke.engine.consent import Consent
    from nhi_revoke.model.approval import Approval
    from nhi_revoke.model.ref import PrincipalRef


@dataclass
class Demanded:
    """By one file of settings."""

    rules: Approving
    plans: int = 0
    operators: dict[tuple[PrincipalRef, ...], None] = field(default_factory=dict)
    """Who made them."""


@dataclass
class Looked:
    """At all plans of a campaign."""

    many: int = 0
    demanded: dict[str, Demanded] = field(default_factory=dict)
    """By the name of the settings."""
    refused: dict[str, list[Refused]] = field(default_factory=dict)
    """By code: what flags would lift, and what nothing lifts."""


def looked(session: Session, folder: Path | None, items: Iterable[Item], consent: Consent) -> Looked:
    """Each plan against what was allowed and what its settings demand. Raises Usage."""
    from nhi_revoke.engine.guard import check

    found = Looked()
    rules: dict[str, Approving] = {}
    with Engines(session, folder, session.tell) as engines:
        for item in items:
            if item.plan is None:
                continue
            found.many += 1
            name = item.entry.config
            if name not in rules:
                rules[name] = engines.config(name).approval
            if rules[name].demands(item.plan.intent.order, irreversible=bool(item.plan.irreversible)):
                each = found.demanded.setdefault(name, Demanded(rules[name]))
                each.plans += 1
                each.operators[tuple(item.plan.operator)] = None
            try:
                check(item.plan, (), consent)
            except Refused as wrong:
                found.refused.setdefault(wrong.code, []).append(wrong)
    return found


def without_others(session: Session, found: Looked, glass: BreakGlass) -> Approval | None:
    """The reason that was given for going on without an approval, where one is demanded; told in red. Raises Usage."""
    from nhi_revoke.engine.approval import broken_glass

    if not found.demanded or glass.break_glass is None:
        return None
    strictest = max((each.rules for each in found.demanded.values()), key=lambda rules: rules.required)
    taken = broken_glass(strictest, glass.break_glass)
    tell_broken(session, taken)
    return taken


def by_others(session: Session, found: Looked, file: Path, digest: str, sha256: str) -> Approval:
    """The people whose signatures beside the file count for each of its plans. Raises Refused, Usage.

    `file`: as it was named, with the signatures beside it. `digest`, `sha256`: of what was read of it.
    """
    from nhi_revoke.engine.approval import Checked, checked, not_enough, signed_of_campaign
    from nhi_revoke.model.approval import Approval

    demanded = tuple(found.demanded.values())
    told = [checked(each.rules, file, signed_of_campaign(digest, sha256, tuple(each.operators))) for each in demanded]
    # Whose signature counts for a part of the plans alone has approved nothing of the others.
    agreed = tuple(s for s in told[0].signers if all(s in each.signers for each in told))
    rejected = tuple(dict.fromkeys(each for some in told for each in some.rejected))
    for each in demanded:
        if len(agreed) < each.rules.required:
            what = f"{each.plans} of the {found.many} plans of this campaign"
            raise not_enough(each.rules, Checked(agreed, rejected), as_typed(session, file), what)
    tell(session, Checked(agreed, rejected))
    return Approval(max(each.rules.required for each in demanded), agreed, sha256)
