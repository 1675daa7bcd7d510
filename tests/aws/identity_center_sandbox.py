"""The sandbox with the demo's user of Identity Center as the seeded identity, and its two doors alone."""

from __future__ import annotations

from collections.abc import Sequence

from nhi_revoke.provider.sandbox.contract import Door, Seeded
from nhi_revoke_aws.sandbox.own.identity_center import BOT, NAME, IdentityCenter
from nhi_revoke_aws.sandbox.own.identity_center_state import Center
from nhi_revoke_aws.sandbox.own.organization import NAME as ORGANIZATION
from nhi_revoke_aws.sandbox.own.organization import Organization
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from tests.aws.one_kind import own

REF = f"aws:sso-user/{BOT}"
WHOLE = f"aws:sso-session/111122223333/{BOT}/*"


class SsoSandbox(AwsSandbox):
    def __init__(self) -> None:
        super().__init__(entropy=5, planted=(NAME,))

    @property
    def service(self) -> IdentityCenter:
        found = own(self, NAME)
        assert isinstance(found, IdentityCenter)
        return found

    @property
    def center(self) -> Center:
        return self.service.center

    @property
    def organization(self) -> Organization:
        found = own(self, ORGANIZATION)
        assert isinstance(found, Organization)
        return found

    def seed(self, folder: str) -> Seeded:
        super().seed(folder)
        return Seeded(BOT, (REF,), f'[identity.{BOT}]\nowner = "payments team"\nprincipals = ["{REF}"]\n')

    def doors(self) -> Sequence[Door]:
        return tuple(d for d in super().doors() if d.kind.startswith("sso-"))
