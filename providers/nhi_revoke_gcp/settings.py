"""The `[gcp]` table of nhi.toml. What is left out is taken from Application Default Credentials, as Google's own tools
find them.
"""

from __future__ import annotations

from typing import Literal

from nhi_revoke.provider.contract import Settings


class GcpSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Who the operator is, and where Google Cloud is. No secret stands here: files and variables hold them."""

    credentials_file: str = ""
    """Key file of the operator's own service account; empty: Application Default Credentials
    (GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, the machine's own account).
    """
    impersonate: tuple[str, ...] = ()
    """E-mail addresses of service accounts that the operator becomes, one through the other: the last one works."""
    quota_project: str = ""
    """Project that requests are counted for (`x-goog-user-project`); empty: GOOGLE_CLOUD_QUOTA_PROJECT, else none."""
    projects: tuple[str, ...] = ()
    """Ids of the projects that are looked through, beside an account's own: for API keys bound to it, for accounts that
    it may become, for what it is attached to, and by `find --repo` for accounts. None: API keys and `find --repo` are
    looked for in those that the operator sees, up to a hundred, or two; all else in its own alone.
    """
    domain_wide_delegation: Literal["unknown", "none"] = "unknown"
    """`none`: somebody looked in the Admin console, and no account of these has any. No interface tells it: otherwise
    each containment leaves that look to be done by hand.
    """
    universe_domain: str = ""
    """Of a sovereign cloud; empty: as the credentials say, else `googleapis.com`."""
    token_url: str = ""
    """Where a service account's key is exchanged for a token; empty: as its key file says (`token_uri`)."""
    iam_grpc: str = ""
    """`host:port` of the IAM API over gRPC, where it is another than the universe's. Without TLS on this machine only.
    """
    iam_url: str = ""
    """Of the IAM API over REST, where it is another than the universe's; as those that follow."""
    iamcredentials_url: str = ""
    orgpolicy_url: str = ""
    policyanalyzer_url: str = ""
    storage_url: str = ""
    secretmanager_url: str = ""
    cloudresourcemanager_url: str = ""
    apikeys_url: str = ""
    aiplatform_url: str = ""
    compute_url: str = ""
    run_url: str = ""
    logging_url: str = ""
    logs_lag: float = 300.0
    """Seconds until an entry is taken to be in Cloud Logging. No document at hand tells: the margin is ours."""
