"""The `[aws]` table of nhi.toml. Everything may be left out: the operator's own AWS configuration then holds."""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.provider.contract import Settings


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    """One more account that the operator can reach."""

    id: str
    """Twelve digits."""
    name: str = ""
    """For people."""
    assume_role: str = ""
    """ARN of the role to assume there; it wins over the template."""
    profile: str = ""
    """Profile of the AWS configuration that logs in there by itself."""


class AwsSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Where the operator's credentials are, and which accounts, regions and endpoints to use."""

    profile: str = ""
    """Profile of the AWS configuration; empty: what the AWS tools themselves would take."""
    credentials_file: str = ""
    """Another credentials file than the AWS tools' own."""
    region: str = ""
    """Where regional services are asked; empty: the AWS configuration's."""
    regions: tuple[str, ...] = ()
    """Regions whose CloudTrail is read for sessions."""
    agent_regions: tuple[str, ...] = ()
    """Regions whose Bedrock AgentCore is read; empty: the operator's own (few Regions have the service)."""
    endpoint_url: str = ""
    """Another endpoint for every service."""
    endpoint_urls: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    """Another endpoint for one service, by its name (`iam`, `sts`, `cloudtrail`, `secretsmanager`)."""
    accounts: tuple[Account, ...] = ()
    assume_role: str = ""
    """Template for accounts without a role or profile of their own: `arn:aws:iam::{account}:role/IncidentResponder`."""
    external_id: str = ""
    """Sent with each AssumeRole, where the roles ask for one."""
    sso_account: str = ""
    """Account of IAM Identity Center (management or delegated administrator account); empty: the operator's own."""
    sso_region: str = ""
    """Region of IAM Identity Center; empty: the one above."""
    connect_timeout: float = 5.0
    """Seconds."""
    read_timeout: float = 20.0
    """Seconds."""
    logs_lag: float = 900.0
    """Seconds until an event is surely in CloudTrail (AWS: "on average within about 5 minutes", at most 15)."""

    def account(self, scope: str) -> Account | None:
        """The listed account of this id."""
        return next((a for a in self.accounts if a.id == scope), None)

    def role_in(self, scope: str) -> str:
        """The role to assume for an account; empty where its credentials are used as they are."""
        listed = self.account(scope)
        if listed and listed.assume_role:
            return listed.assume_role.replace("{account}", scope)
        if not scope or (listed and listed.profile):
            return ""
        return self.assume_role.replace("{account}", scope)
