"""The front door: what AWS access this knows, how its principals are named, and how one account is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke_aws.access.access_key import AccessKeys
from nhi_revoke_aws.access.agent_credential import AgentCredentials
from nhi_revoke_aws.access.boundary import Boundaries
from nhi_revoke_aws.access.delegation import Delegations
from nhi_revoke_aws.access.federation import Federations
from nhi_revoke_aws.access.function import RoleFunctions
from nhi_revoke_aws.access.group import Groups
from nhi_revoke_aws.access.iam_rights import IamRights
from nhi_revoke_aws.access.instance import RoleInstances
from nhi_revoke_aws.access.instance_profile import InstanceProfiles
from nhi_revoke_aws.access.kms_grant import KmsGrants
from nhi_revoke_aws.access.login_profile import LoginProfiles
from nhi_revoke_aws.access.mfa_device import MfaDevices
from nhi_revoke_aws.access.pod_identity import PodIdentities
from nhi_revoke_aws.access.reach import Reach
from nhi_revoke_aws.access.role_session import RoleSessions
from nhi_revoke_aws.access.role_trust import RoleTrusts
from nhi_revoke_aws.access.roles_anywhere import RolesAnywhere
from nhi_revoke_aws.access.service_credential import ServiceCredentials
from nhi_revoke_aws.access.signing_certificate import SigningCertificates
from nhi_revoke_aws.access.ssh_key import SshKeys
from nhi_revoke_aws.access.ssm_session import SsmSessions
from nhi_revoke_aws.access.sso_assignment import SsoAssignments
from nhi_revoke_aws.access.sso_session import SsoSessions
from nhi_revoke_aws.access.task import RoleTasks
from nhi_revoke_aws.access.user_session import UserSessions
from nhi_revoke_aws.access.web_identity import WebIdentity
from nhi_revoke_aws.access.workload_identity import WorkloadIdentities
from nhi_revoke_aws.alike import READS as ALIKE
from nhi_revoke_aws.alike import alike, linked
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.consumers.look import READS as CONSUMERS
from nhi_revoke_aws.consumers.look import consumers
from nhi_revoke_aws.consumers.marks import marks
from nhi_revoke_aws.flush.apigateway import RestApi
from nhi_revoke_aws.flush.apigatewayv2 import HttpApi
from nhi_revoke_aws.flush.function import Functions
from nhi_revoke_aws.flush.service import Services
from nhi_revoke_aws.leaked import leaked_keys
from nhi_revoke_aws.machines import READS as MACHINES
from nhi_revoke_aws.machines import on_machines
from nhi_revoke_aws.naming import (
    ROLE,
    ROOT,
    SSO_USER,
    USER,
    account_of,
    is_native,
    kinds_of,
    parse_ref,
)
from nhi_revoke_aws.principals import find, resolve
from nhi_revoke_aws.recognising import recognised
from nhi_revoke_aws.rights.documents import documents
from nhi_revoke_aws.rights.holding import holds
from nhi_revoke_aws.settings import AwsSettings
from nhi_revoke_aws.store.secret import account_in_address
from nhi_revoke_aws.store.secretsmanager import SecretsManager
from nhi_revoke_aws.store.ssm import ParameterStore
from nhi_revoke_aws.trusting import READS as TRUSTS
from nhi_revoke_aws.trusting import trusting

if TYPE_CHECKING:
    from nhi_revoke.model.alike import Candidate
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot, Lead
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.liveness import Liveness
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.doer import Doer, Store
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.recognised import Recognised
    from nhi_revoke.provider.sandbox.contract import Sandbox
    from nhi_revoke.provider.secret import Secret


class AwsProvider(Provider[AwsConnection]):
    """Users and roles of AWS accounts."""

    name: ClassVar[str] = "aws"
    title: ClassVar[str] = "Amazon Web Services"
    extra: ClassVar[str] = "aws"
    requires: ClassVar[tuple[str, ...]] = ("boto3", "botocore")
    settings: ClassVar[type[Settings]] = AwsSettings
    principal_kinds: ClassVar[tuple[str, ...]] = (USER, ROLE, ROOT, SSO_USER)
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*ALIKE, *TRUSTS, *MACHINES, *CONSUMERS)))

    def kinds(self) -> Sequence[AccessKind[AwsConnection]]:
        return (
            AccessKeys(), LoginProfiles(), UserSessions(), RoleSessions(), RoleTrusts(),
            ServiceCredentials(), SshKeys(), SigningCertificates(), MfaDevices(), Groups(), Boundaries(),
            Delegations(), WebIdentity(), KmsGrants(), SsmSessions(),
            IamRights(), Reach(),
            InstanceProfiles(), RoleInstances(), RoleFunctions(), RoleTasks(), PodIdentities(), RolesAnywhere(),
            Federations(),
            SsoSessions(), SsoAssignments(),
            WorkloadIdentities(), AgentCredentials(),
        )  # fmt: skip

    def targets(self) -> Sequence[Store[AwsConnection] | Doer[AwsConnection]]:
        return (SecretsManager(), ParameterStore(), RestApi(), HttpApi(), Functions(), Services())

    def parse(self, text: str) -> PrincipalRef | None:
        return parse_ref(text)

    def native(self, text: str) -> bool:
        return is_native(text)

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return kinds_of(ref)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        """The account where it is listed in `accounts`, or where a role is assumed in any; else the operator's own.

        A key id tells its account by an encoding that AWS does not document: trusted only for a listed account.
        """
        if ref.kind == SSO_USER:
            return str(settings.sso_account)
        account = account_of(ref)
        if settings.account(account):
            return account
        return account if ref.id.startswith("arn:") and settings.assume_role else ""

    def scope_of_target(self, address: str, settings: Any) -> str:
        account = account_in_address(address)
        return account if settings.account(account) or (account and settings.assume_role) else ""

    def connect(self, scope: str, settings: Any, io: Io) -> AwsConnection:
        return AwsConnection(scope, settings, io)

    def resolve(self, conn: AwsConnection, ref: PrincipalRef) -> Principal:
        return resolve(conn, ref)

    def find(self, conn: AwsConnection, name: str) -> Iterable[PrincipalRef]:
        return find(conn, name)

    def alike(self, conn: AwsConnection, name: str) -> Iterable[Candidate | BlindSpot]:
        return alike(conn, name)

    def linked(self, conn: AwsConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
        return linked(conn, around)

    def trusting(self, conn: AwsConnection, who: Principal) -> Iterable[Lead | BlindSpot]:
        return trusting(conn, who)

    def on_machines(self, conn: AwsConnection, who: Principal, names: Sequence[str]) -> Iterable[Lead | BlindSpot]:
        return on_machines(conn, who, names)

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        return marks(who, accesses)

    def consumers(self, conn: AwsConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: AwsConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def scopes(self, settings: Any) -> Sequence[str]:
        return ("", *(account.id for account in settings.accounts))

    def recognise(self, text: str) -> Iterable[Recognised]:
        return recognised(text)

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        from nhi_revoke_aws.alive import liveness

        return liveness(found, settings, io)

    def leaks(self, text: str) -> Iterable[tuple[Leak, Secret]]:
        """Those whose secret stands beside them."""
        return ((_leak(key.public["AccessKeyId"]), key) for key in leaked_keys(text))

    def on_loopback(self, settings: Any) -> bool:
        """Every service has an endpoint of its own choice, and all of them are on this machine."""
        if not settings.endpoint_url:
            return False
        return all(_loopback(url) for url in (settings.endpoint_url, *settings.endpoint_urls.values()))

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

        return AwsSandbox()


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _leak(key_id: str) -> Leak:
    return Leak("aws:access-key", key_id, PrincipalRef("aws", "", key_id), f"access key {key_id}")
