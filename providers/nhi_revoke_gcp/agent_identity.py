"""Agent identities: principals of their own, which this version names and leaves alone. Pure.

facts gcp.md 1 (row 13); Google Cloud docs: iam/docs/agent-identity-overview: nobody impersonates one, it has no keys,
and its tokens are bound to a certificate (mTLS). `gcp:agent/principal://agents.global.org-ORG.system.id.goog/resources/
aiplatform/projects/N/locations/L/reasoningEngines/E`, or what follows `gcp:agent/` alone.
"""

from __future__ import annotations

import re

from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Missing

KIND = "agent"
FORM = re.compile(
    r"principal://agents\.global\.org-(?P<org>\d+)\.system\.id\.goog/resources/aiplatform/projects/(?P<project>\d+)"
    r"/locations/(?P<location>[a-z0-9-]+)/reasoningEngines/(?P<engine>[A-Za-z0-9_-]+)"
)
UNTOUCHABLE = (
    "an agent identity, of which this version ends nothing: it has no keys, nobody impersonates it, and its tokens are "
    "bound to a certificate (mTLS). Documented ways: disable its auth providers (agentidentity.googleapis.com, "
    "authProviders.disable), delete its authorizations (authorizations.delete; :revokeAuthorization ends those of one "
    "user across all agents), deny its principal what it must not do (a deny policy), or delete the agent"
)


def is_agent_identity(text: str) -> bool:
    """Whether it is the whole name of one."""
    return bool(FORM.fullmatch(text))


def resolve_agent(ref: PrincipalRef) -> Principal:
    """Without asking anybody: whether it exists is not looked at. Raises Missing for what is no such name."""
    named = FORM.fullmatch(ref.id)
    if named is None:
        raise Missing(f"{ref}: no name of an agent identity", hint="principal://agents.global.org-…/reasoningEngines/…")
    return Principal(
        ref=ref,
        kind=KIND,
        name=f"agent {named['engine']} of project {named['project']}",
        scope=named["project"],
        unique_id=ref.id,
        typed=str(ref),
        untouchable=UNTOUCHABLE,
    )
