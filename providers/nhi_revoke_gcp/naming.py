"""How Google's service accounts are written. Pure.

`gcp:sa/EMAIL`, `gcp:sa/UNIQUE_ID`, `gcp:sa/projects/PROJECT/serviceAccounts/EMAIL_OR_UNIQUE_ID`; and each of these
without `sa/`. A bare e-mail address of a service account says by itself whose it is.
"""

from __future__ import annotations

import re

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_gcp.agent_identity import KIND as AGENT
from nhi_revoke_gcp.agent_identity import is_agent_identity

PROVIDER, ACCOUNT, WORKLOAD = "gcp", "sa", "workload"
KINDS = (ACCOUNT, WORKLOAD)
OPERATOR, NOT_NAMED, POOL = "operator", "not-named", "pool"
"""Of references to the operator's own way in: somebody who is no account, whose name its credentials may not tell; the
pool by which it came in.
"""
PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9.-]+")
NATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@(?:[A-Za-z0-9-]+\.)+gserviceaccount\.com", re.IGNORECASE)
UNIQUE_ID = re.compile(r"\d{15,25}")
"""21 digits by gcloud's help (facts gcp.md 7, 5)."""
FULL = re.compile(r"(?://[a-z0-9.-]+/)?projects/(?P<project>[^/]+)/serviceAccounts/(?P<account>[^/]+)")
OWN = re.compile(rf"[^@]+@(?P<project>{PROJECT})\.iam\.gserviceaccount\.com")
"""The address of an account that somebody made: its project stands in it."""
COMPUTE = re.compile(r"\d+-compute@developer\.gserviceaccount\.com")
APP_ENGINE = re.compile(r"[^@]+@appspot\.gserviceaccount\.com")
AGENTS = (
    re.compile(r"service-\d+@gcp-sa-[a-z0-9-]+\.iam\.gserviceaccount\.com"),
    re.compile(r"[^@]+@cloudservices\.gserviceaccount\.com"),
    re.compile(r"\d+@cloudbuild\.gserviceaccount\.com"),
)
"""Service agents (facts gcp.md 7, 8; Google Cloud docs: service-account-types)."""
ANY_PROJECT = "-"


def canonical(email: str) -> PrincipalRef:
    """The one form in which an account stands in a plan."""
    return PrincipalRef(PROVIDER, ACCOUNT, email.lower())


def parse_ref(text: str) -> PrincipalRef | None:
    """From what follows `gcp:`, or from a bare address; None where it is not ours."""
    kind, slash, rest = text.partition("/")
    if slash and kind == ACCOUNT and rest.strip():
        return PrincipalRef(PROVIDER, ACCOUNT, rest)
    if is_agent_identity(text.removeprefix(f"{AGENT}/")):
        return PrincipalRef(PROVIDER, AGENT, text.removeprefix(f"{AGENT}/"))
    if is_account(text):
        return PrincipalRef(PROVIDER, ACCOUNT, text)
    return None


def is_account(text: str) -> bool:
    """Whether it has the form of an address, a unique id or a full name."""
    return any(form.fullmatch(text) for form in (FULL, UNIQUE_ID, EMAIL))


def is_native(text: str) -> bool:
    """Whether a bare text says by itself that it is Google's."""
    return bool(NATIVE.fullmatch(text)) or is_agent_identity(text)


def account_of(ref: PrincipalRef) -> str:
    """The e-mail address or the unique id that a reference holds."""
    full = FULL.fullmatch(ref.id)
    return (full["account"] if full else ref.id).lower()


def project_of(ref: PrincipalRef) -> str:
    """The project that a reference tells; empty where it tells none.

    Default accounts, and accounts of a project below a domain, have none in their address (facts gcp.md 7, 7).
    """
    full = FULL.fullmatch(ref.id)
    if full is not None and full["project"] != ANY_PROJECT:
        return full["project"]
    own = OWN.fullmatch(account_of(ref))
    return own["project"] if own else ""


def resource_of(ref: PrincipalRef) -> str:
    """As the IAM API names it. Any project may be written as `-`, and then one that is not there reads as a denial
    (facts gcp.md 7, 7): the real one goes before.
    """
    return f"projects/{project_of(ref) or ANY_PROJECT}/serviceAccounts/{account_of(ref)}"


def is_agent(email: str) -> bool:
    """Whether Google itself made and runs this account, in a project of its own."""
    return any(pattern.fullmatch(email.lower()) for pattern in AGENTS)
