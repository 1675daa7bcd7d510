"""The demo's identity in one project: a service account with its keys; and who else is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nhi_revoke_gcp.sandbox.pools import HOST
from nhi_revoke_gcp.sandbox.state import Account, Cloud

IDENTITY = "payments-bot"
PROJECT, PARTNER, SECURITY = "shop-prod", "partner-ci", "sec-ops"
NAME, RESPONDER, RUNNER = "payments", "responder", "ci-runner"
EMAIL = f"{NAME}@{PROJECT}.iam.gserviceaccount.com"
AGENT = "service-111122223333@gcp-sa-pubsub.iam.gserviceaccount.com"
COMPUTE = "111122223333-compute@developer.gserviceaccount.com"
LEAD = "user:payments-lead@example.com"
NUMBER = "111122223333"
"""Of the project, in names of its pools."""
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/ci"
ISSUER, OWNER, REPOSITORY = "https://token.actions.githubusercontent.com", "example-payments", "example-payments/shop"
BRANCH = f"repo:{REPOSITORY}:ref:refs/heads/main"
JOBS = f"principalSet://{HOST}/{POOL}/attribute.repository/{REPOSITORY}"
JOB = f"principal://{HOST}/{POOL}/subject/{BRANCH}"
FORGE = "github"
"""The pool's provider."""
MAPPING = {
    "google.subject": "assertion.sub",
    "attribute.repository": "assertion.repository",
    "attribute.ref": "assertion.ref",
}
OWNED = f"assertion.repository_owner == '{OWNER}'"
CREATOR, FEDERATED, USER = (
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountUser",
)
KEY_ADMIN = "roles/iam.serviceAccountKeyAdmin"
CONDITION = "request.time < timestamp('2027-01-01T00:00:00Z')"
A_DAY = timedelta(days=1)
NUMBERS = {PROJECT: "111122223333", PARTNER: "444455556666", SECURITY: "777788889999"}
"""Of the projects that the operator sees."""
AI_ALONE = {"apiTargets": [{"service": "aiplatform.googleapis.com"}]}
MAP = """
[identity.payments-bot]
owner = "payments team"
principals = [{principals}]
"""
TO_FILE = "file:{folder}/payments-gcp.json"
SECRET = "payments-key"
"""In Secret Manager: it holds the key that the workload uses."""
TO_SECRET = f"gcp-secretmanager:{PROJECT}/{SECRET}"
BESIDE = "file:{folder}/payments-{kind}.json"
"""Of what else is delivered."""
DELIVERY = """
[[identity.payments-bot.deliver]]
from = "{kind}"
to = "{to}"
principal = "gcp:sa/{email}"
"""


def long_ago(at: datetime) -> datetime:
    return at - timedelta(days=90)


def bind(cloud: Cloud, account: Account, role: str, member: str, at: datetime, expression: str = "") -> None:
    """One more member, at once."""
    policy: Any = type(account.policy.shown)()
    policy.CopyFrom(account.policy.shown)
    policy.version = 3
    binding = policy.bindings.add(role=role, members=[member])
    if expression:
        binding.condition.expression, binding.condition.title = expression, "until the audit"
    cloud.write_policy(account, policy, at, 0.0)


def pool(cloud: Cloud, at: datetime) -> None:
    """The pool by which jobs of a forge come in."""
    made = cloud.pools.add(POOL, at)
    cloud.pools.add_provider(made, FORGE, at, {"oidc": {"issuerUri": ISSUER}}, MAPPING, OWNED)


def job_token(cloud: Cloud, at: datetime) -> str:
    """What a job of the repository's main branch gets from its forge."""
    claims = {"sub": BRANCH, "repository": REPOSITORY, "repository_owner": OWNER, "ref": "refs/heads/main"}
    return cloud.pools.issue(ISSUER, at, **claims)


def operator(cloud: Cloud, at: datetime, token_uri: str) -> tuple[str, dict[str, str]]:
    """The responder's own account, in a project of its own: as a policy names it, and its key file."""
    account = cloud.new_account(RESPONDER, SECURITY, at)
    key = cloud.new_key(account, at)
    return f"serviceAccount:{account.email}", cloud.key_file(account, key, token_uri)
