"""What the tests of IAM Identity Center share."""

from __future__ import annotations

from nhi_revoke_aws.sandbox.own.identity_center import BOT

from .identity_center_sandbox import SsoSandbox

USER = f"sso-user/{BOT}"


DENY, SCP, REMOVE = "aws:sso-session/deny", "aws:sso-session/scp", "aws:sso-assignment/remove"


def inline(sandbox: SsoSandbox) -> dict[str, str]:
    return {s.name: s.inline for s in sandbox.center.sets.values()}
