"""Who holds a role: whether an ARN is that role's, and what of its holders a cut stops. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nhi_revoke.provider.kind import View
from nhi_revoke_aws.naming import ROLE, parse_arn

HOLDERS = ("aws:instance", "aws:function", "aws:task", "aws:pod-identity")
SHOWN = 8
"""How many a sentence names; the list has them all."""


def names_role(text: object, name: str, account: str) -> bool:
    """Whether an ARN is that of the role of this name in this account. A role's path is no part of its name, and IAM
    gives no two roles names that differ in case alone (AWS docs: reference_iam-quotas).
    """
    arn = parse_arn(str(text or ""))
    return arn is not None and (arn.kind, arn.account, arn.name.lower()) == (ROLE, account, name.lower())


def what_breaks(view: View) -> str:
    """What works with the role's sessions now, by name and Region; empty where nothing was found."""
    return listed(a.label for a in view.accesses if a.kind in HOLDERS)


def listed(names: Iterable[str]) -> str:
    """The first few, and how many more."""
    told = list(dict.fromkeys(names))
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more
