"""Roles of the account whose trust lets in another provider's principal: jobs that sign in by OIDC.

One paged listing (iam:ListRoles has every trust). Of the conditions only the subject is weighed: whatever else a
statement asks counts as met, and is said; its denies are not weighed. So a role may be told that does not let them in,
and none is left out that does. AWS docs: reference_policies_iam-condition-keys (OIDC federation), id_roles_providers_
create_oidc; facts aws.md 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nhi_revoke.model.command import command
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.identity import Principal
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.estate import DETAILS, LIST, Estate, Role, trusting_roles
from nhi_revoke_aws.naming import canonical
from nhi_revoke_aws.trust import OIDC, Trusted

READS = (LIST, DETAILS)
"""The second one only where the first is denied."""
ANY = "*"


def trusting(conn: AwsConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
    """Raises Denied where no role can be listed, Unauthenticated where the credentials are another account's."""
    asks: tuple[Any, ...] = (conn.account, lambda: trusting_roles(conn))
    account, estate = conn.io.map(lambda ask: ask(), asks)
    assert isinstance(estate, Estate)
    for role in estate.roles.values():
        said = [_why(trust, met, account) for trust in role.trusts if (met := trust.met(who.aliases))]
        if said:
            yield _lead(role, "; ".join(said), estate.evidence, who)


def _lead(role: Role, why: str, evidence: str, who: Principal) -> Lead:
    to = canonical(role.arn)
    return Lead(to, why, evidence, of=who.ref, next=command("list", to))


def _why(trust: Trusted, met: Sequence[str], account: str) -> str:
    _, oidc, issuer = trust.value.partition(OIDC)
    if not oidc:
        return f"its trust: {trust.means(account)}"
    conditions = " or ".join(trust.conditions).replace(f"{issuer}:", "")
    only = f"; taken as met: {conditions}" if conditions else ""
    if ANY in met:
        return f"its trust lets in EVERYBODY of {issuer}, whatever the subject{only}"
    return f"its trust lets in {' and '.join(met)} of {issuer}{only}"
