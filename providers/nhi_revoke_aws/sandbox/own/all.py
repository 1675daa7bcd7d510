"""The services there are, in the order in which the demo plants them."""

from __future__ import annotations

from random import Random

from nhi_revoke_aws.sandbox.own.account import Regions
from nhi_revoke_aws.sandbox.own.agentcore import AgentCore
from nhi_revoke_aws.sandbox.own.api_gateway import HttpApis, RestApis
from nhi_revoke_aws.sandbox.own.delegation import Delegations
from nhi_revoke_aws.sandbox.own.function import Functions
from nhi_revoke_aws.sandbox.own.holders import FunctionLists, Instances, TaskLists
from nhi_revoke_aws.sandbox.own.identity_center import IdentityCenter
from nhi_revoke_aws.sandbox.own.identity_center_state import Center
from nhi_revoke_aws.sandbox.own.identity_store import IdentityStore
from nhi_revoke_aws.sandbox.own.issuer import OutsideIssuer
from nhi_revoke_aws.sandbox.own.kms_grants import KmsGrants
from nhi_revoke_aws.sandbox.own.organization import Organization
from nhi_revoke_aws.sandbox.own.other_account import OtherAccount
from nhi_revoke_aws.sandbox.own.parameter_store import ParameterStore
from nhi_revoke_aws.sandbox.own.planted import Planted
from nhi_revoke_aws.sandbox.own.pod_identity import PodIdentity
from nhi_revoke_aws.sandbox.own.roles_anywhere import RolesAnywhere
from nhi_revoke_aws.sandbox.own.secret_versions import SecretVersions
from nhi_revoke_aws.sandbox.own.service import OwnService
from nhi_revoke_aws.sandbox.own.service_credentials import ServiceCredentials
from nhi_revoke_aws.sandbox.own.ssm_sessions import SsmSessions
from nhi_revoke_aws.sandbox.own.stored_lists import ParameterLists, SecretLists
from nhi_revoke_aws.sandbox.own.user_boundary import UserBoundaries
from nhi_revoke_aws.sandbox.own.user_keys import SigningCertificates, SshKeys
from nhi_revoke_aws.sandbox.own.web_identity import Federation, Issuer, OutsideTokens


def services(random: Random) -> tuple[OwnService, ...]:
    """New ones. `random`: of ids and secrets, so that a test can repeat them."""
    issuer = Issuer(random)
    center = Center(random)
    return (
        Regions(), RestApis(), HttpApis(), Functions(random), ParameterStore(), SecretVersions(),
        ServiceCredentials(random), SshKeys(random), SigningCertificates(random), UserBoundaries(),
        Delegations(random), Federation(issuer), OutsideTokens(issuer), SsmSessions(random), KmsGrants(random),
        OtherAccount(), Planted(),
        Instances(), FunctionLists(), TaskLists(), PodIdentity(random), RolesAnywhere(random), OutsideIssuer(),
        IdentityCenter(center), IdentityStore(center), Organization(random), AgentCore(),
        SecretLists(), ParameterLists(),
    )  # fmt: skip
