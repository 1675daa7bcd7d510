"""What stands behind the federated principals of a role's trust: which provider, and whom it vouches for.

AWS docs: API_GetOpenIDConnectProvider, API_GetSAMLProvider; id_roles_providers_oidc.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke_aws.access.role_trust import READ as TRUST
from nhi_revoke_aws.access.role_trust import document
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holding import listed
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.trust import Trusted, trusted

KIND = "aws:federation"
OIDC, SAML = "oidc-provider", "saml-provider"
ASKS = {
    OIDC: ("GetOpenIDConnectProvider", "OpenIDConnectProviderArn"),
    SAML: ("GetSAMLProvider", "SAMLProviderArn"),
}
WITHOUT_PROVIDER = {
    "cognito-identity.amazonaws.com": "Amazon Cognito identity pools",
    "accounts.google.com": "Google accounts",
    "graph.facebook.com": "Facebook accounts",
    "www.amazon.com": "Login with Amazon",
}
"""Web identities that IAM knows without a provider of the account (AWS docs: reference_policies_elements_principal)."""
ISSUERS = {
    "token.actions.githubusercontent.com": "GitHub Actions",
    "gitlab.com": "GitLab CI",
    "oidc.circleci.com": "CircleCI",
    "agent.buildkite.com": "Buildkite",
    "app.terraform.io": "HCP Terraform",
    "api.bitbucket.org": "Bitbucket Pipelines",
    "oidc.vercel.com": "Vercel",
    "oidc.eks.": "service accounts of an EKS cluster (IRSA)",
}
"""How an issuer begins, and who that is."""
GONE = "the provider is gone: it lets nobody in"


class Federations(AccessKind[AwsConnection]):
    """One for each federated principal of the trust, which is itself listed beside and headlined. Two requests one
    after the other: late.

    Its own family is no "trust": what it adds to the trust is words.
    """

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "identity providers that a role trusts"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = ("role",)
    reads: ClassVar[tuple[str, ...]] = (TRUST, *(f"iam:{operation}" for operation, _ in ASKS.values()))
    late: ClassVar[bool] = True
    manual: ClassVar[str] = (
        "Cut the role's own trust (--cut-trust with the id of the aws:role-trust). Never edit or delete the provider "
        "for one role: other roles trust it, too."
    )

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        found = [t for t in trusted(document(conn, name_in(conn, ref))) if t.type == "Federated"]
        if not found:
            return
        account = conn.account()
        answers = io.map(lambda one: _read(conn, one, account), found)
        for one, answer in zip(found, answers, strict=True):
            if isinstance(answer, Fault) and not isinstance(answer, Missing):
                needs = answer.needs if isinstance(answer, Denied) else ""
                yield BlindSpot(ref, KIND, f"provider {one.value}: {answer.message}", needs)
            yield _access(one, answer, account, ref)


def kind_of(provider: str) -> str:
    """`oidc-provider` or `saml-provider` of an ARN; empty for what is none."""
    resource = provider.split(":", 5)[-1] if provider.startswith("arn:") else ""
    return next((kind for kind in ASKS if resource.startswith(f"{kind}/")), "")


def _account(provider: str) -> str:
    return provider.split(":", 5)[4]


def _read(conn: AwsConnection, one: Trusted, account: str) -> dict[str, Any] | Fault | None:
    """None where there is nothing to read in this account."""
    kind = kind_of(one.value)
    if not kind or _account(one.value) != account:
        return None
    operation, param = ASKS[kind]
    params: dict[str, Any] = {param: one.value}
    try:
        return conn.call("iam", operation, **params)
    except Fault as fault:
        return fault


def _access(one: Trusted, answer: dict[str, Any] | Fault | None, account: str, ref: PrincipalRef) -> Access:
    kind = kind_of(one.value)
    told = _oidc(one, answer) if kind == OIDC else _saml(answer) if kind == SAML else _known(one)
    if isinstance(answer, Missing):
        told = (GONE,)
    elif kind and _account(one.value) != account:
        told = (f"a provider of account {_account(one.value)}: not read here",)
    only = (f"only where {' or '.join(one.conditions)}",) if one.conditions else ("without any condition",)
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{one.hash}",
        on=ref,
        kind=KIND,
        family="trust",
        state="disabled" if isinstance(answer, Missing) else "live",
        label=f"role {{name}} takes the word of {who(one.value)}",
        created=answer.get("CreateDate") if isinstance(answer, dict) else None,
        evidence=f"iam:{ASKS[kind][0]}" if kind else TRUST,
        door=one.text,
        opens=False,
        note="; ".join((*told, *only)),
    )


def who(provider: str) -> str:
    """The issuer in the words of people, where it is well known."""
    if provider in WITHOUT_PROVIDER:
        return WITHOUT_PROVIDER[provider]
    issuer = provider.partition("-provider/")[2] or provider
    known = next((name for start, name in ISSUERS.items() if issuer.startswith(start)), "")
    return f"{known} ({issuer})" if known else issuer


def _known(one: Trusted) -> Sequence[str]:
    if one.value in WITHOUT_PROVIDER:
        return (f"{WITHOUT_PROVIDER[one.value]}: IAM needs no provider in the account for them",)
    return ("no provider that IAM has a record of",)


def _oidc(one: Trusted, answer: Any) -> Sequence[str]:
    out = []
    if isinstance(answer, dict):
        out.append(f"audiences: {listed(map(str, answer.get('ClientIDList') or ())) or 'none'}")
        out.append(f"thumbprints: {len(answer.get('ThumbprintList') or ())}")
    if not one.conditions or not all(":sub " in said for said in one.conditions):
        out.append("no condition on sub: whomever the issuer vouches for to one of its audiences")
    return out


def _saml(answer: Any) -> Sequence[str]:
    until = answer.get("ValidUntil") if isinstance(answer, dict) else None
    return (f"its metadata says valid until {until:%Y-%m-%d}",) if until else ()
