"""How Okta's principals are written: `app/…`, `user/…`, `api-service/…`, `ai-agent/…`, and bare ids. Pure."""

from __future__ import annotations

import re

from nhi_revoke.model.ref import PrincipalRef

PROVIDER = "okta"
APP = "app"
USER = "user"
API_SERVICE = "api-service"
AI_AGENT = "ai-agent"
KINDS = (APP, USER, API_SERVICE, AI_AGENT)
APP_ID = re.compile(r"0oa[0-9A-Za-z]{17}")
USER_ID = re.compile(r"00u[0-9A-Za-z]{17}")
CLIENT_ID = re.compile(r"[A-Za-z0-9$_.+!*'(),-]{6,100}")
"""Of an app, chosen by whoever made it (OpenAPI: ApplicationCredentialsOAuthClient, `client_id`)."""
AGENT_ID = re.compile(r"wlp[0-9A-Za-z]{17}")
"""Of other workload principals, too: bare it does not say that it is an agent's (third-party notes)."""
LOGIN = re.compile(r"[^\s@/]+@[^\s@/]+")


def canonical(kind: str, unique_id: str) -> PrincipalRef:
    """The one form in which a principal stands in a plan: its id, not its name."""
    return PrincipalRef(PROVIDER, kind, unique_id)


def parse_ref(text: str) -> PrincipalRef | None:
    """From what follows `okta:`, or from a bare native id; None where it is not ours."""
    kind, slash, rest = text.partition("/")
    if slash and kind in KINDS and rest.strip():
        return PrincipalRef(PROVIDER, kind, rest)
    if APP_ID.fullmatch(text):
        return PrincipalRef(PROVIDER, APP, text)
    if USER_ID.fullmatch(text):
        return PrincipalRef(PROVIDER, USER, text)
    return None


def is_native(text: str) -> bool:
    """Whether a bare text says by itself that it is Okta's."""
    return bool(APP_ID.fullmatch(text) or USER_ID.fullmatch(text))
