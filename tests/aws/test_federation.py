"""Whose word a role takes: OIDC and SAML providers, well-known web identities, and providers that are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws.access.federation import GONE, kind_of, who
from nhi_revoke_aws.sandbox.own.issuer import AUDIENCE, ISSUER, REPOSITORY
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .conftest import START, WORKER, Bench, filled

KIND = "aws:federation"
GITHUB = f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"
METADATA = f"<EntityDescriptor>{'x' * 1000}</EntityDescriptor>"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    sandbox = AwsSandbox(entropy=1, planted=("issuer",))
    sandbox.start(MovableClock(START))
    try:
        sandbox.lag(0, 0)
        sandbox.seed(str(tmp_path))
        yield Bench(sandbox, sandbox.settings())
    finally:
        sandbox.close()


def found(bench: Bench, ref: str = WORKER) -> list[Found]:
    resolved = bench.resolve(ref)
    return [filled(f, resolved) for f in bench.kinds[KIND].collect(bench.conn, bench.ref(ref), bench.io)]


def accesses(bench: Bench) -> list[Access]:
    return [f for f in found(bench) if isinstance(f, Access)]


def trusts(bench: Bench, federated: Any, action: str = "sts:AssumeRoleWithWebIdentity", **more: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"Federated": federated}, "Action": action, **more}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.sandbox.admin("iam").update_assume_role_policy(RoleName="payments-worker", PolicyDocument=document)


def test_an_oidc_provider_with_its_audiences_and_conditions(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    (access,) = accesses(bench)
    (trust,) = [
        a for a in bench.collect(WORKER) if isinstance(a, Access) and a.door == f"Federated:{GITHUB}" and a.opens
    ]
    assert access.id == trust.id.replace("aws:role-trust", KIND), "beside the trust, by the same hash"
    assert (access.family, access.exposure, access.opens, access.state) == ("trust", "", False, "live")
    assert (trust.kind, trust.exposure) == ("aws:role-trust", "foreign"), "that one is headlined"
    for words in (f"audiences: {AUDIENCE}", "thumbprints: 1", f"{ISSUER}:sub StringEquals {REPOSITORY}"):
        assert words in access.note
    assert "no condition on sub" not in access.note
    assert "GitHub Actions" in access.label
    assert bench.writes() == []


def test_without_a_condition_on_sub_it_says_so(bench: Bench) -> None:
    trusts(bench, GITHUB, Condition={"StringEquals": {f"{ISSUER}:aud": AUDIENCE}})
    assert "no condition on sub" in accesses(bench)[0].note
    trusts(bench, GITHUB)
    assert "without any condition" in accesses(bench)[0].note
    trusts(bench, GITHUB, Condition={"StringLike": {f"{ISSUER}:sub": "repo:example/*"}})
    assert "no condition on sub" not in accesses(bench)[0].note


def test_a_saml_provider_tells_how_long_its_metadata_holds(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    arn = iam.create_saml_provider(SAMLMetadataDocument=METADATA, Name="corp")["SAMLProviderArn"]
    trusts(bench, arn, "sts:AssumeRoleWithSAML")
    (access,) = accesses(bench)
    assert access.label == "role payments-worker takes the word of corp"
    assert "its metadata says valid until" in access.note
    assert METADATA[:60] not in repr(access)


@pytest.mark.parametrize("provider", [GITHUB, "arn:aws:iam::111122223333:saml-provider/corp"])
def test_a_provider_that_is_gone_lets_nobody_in(bench: Bench, provider: str) -> None:
    if provider == GITHUB:
        bench.sandbox.admin("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=GITHUB)
    trusts(bench, provider)
    (access,) = found(bench)
    assert isinstance(access, Access)
    assert GONE in access.note
    assert access.state == "disabled"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cognito-identity.amazonaws.com", "Amazon Cognito identity pools"), ("accounts.google.com", "Google accounts"),
        ("graph.facebook.com", "Facebook"), ("www.amazon.com", "Login with Amazon"),
    ],
)  # fmt: skip
def test_web_identities_without_a_provider_are_named_and_nothing_is_read(bench: Bench, name: str, words: str) -> None:
    trusts(bench, name)
    bench.sandbox.forget_calls()
    (access,) = accesses(bench)
    assert words in access.label
    assert "needs no provider" in access.note
    assert not [n for n in bench.reads() if "Provider" in n]


def test_another_accounts_provider_is_not_taken_for_gone(bench: Bench) -> None:
    trusts(bench, GITHUB.replace("111122223333", "444455556666"))
    bench.sandbox.forget_calls()
    (access,) = accesses(bench)
    assert "a provider of account 444455556666: not read here" in access.note
    assert access.state == "live"
    assert not [n for n in bench.reads() if "Provider" in n]


def test_several_are_read_side_by_side_each_once(bench: Bench) -> None:
    trusts(bench, [GITHUB, "cognito-identity.amazonaws.com", "arn:aws:iam::111122223333:saml-provider/none"])
    bench.sandbox.forget_calls()
    assert len(accesses(bench)) == 3
    asked = [n for n in bench.reads() if "Provider" in n]
    assert asked == ["iam:GetOpenIDConnectProvider", "iam:GetSAMLProvider"]


def test_a_role_without_federation_has_none(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    assert found(bench, "role/payments-ledger") == []
    assert set(bench.reads()) == {"iam:GetRole"}


def test_a_denied_provider_is_a_spot_and_the_trust_still_told(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:GetRole", "sts:GetCallerIdentity"])
    spot, access = found(bench)
    assert isinstance(spot, BlindSpot)
    assert spot.needs == "iam:GetOpenIDConnectProvider"
    assert isinstance(access, Access)
    assert REPOSITORY in access.note
    assert GONE not in access.note


def test_a_denied_trust_is_unseen(bench: Bench) -> None:
    bench.sandbox.allow_only(["sts:GetCallerIdentity"])
    with pytest.raises(Denied) as denied:
        list(bench.kinds[KIND].collect(bench.conn, bench.ref(WORKER), bench.io))
    assert denied.value.needs == "iam:GetRole"


def test_providers_are_never_edited(bench: Bench) -> None:
    kind = bench.kinds[KIND]
    assert not kind.remedies
    assert "other roles trust it" in kind.manual
    view = bench.view(WORKER)
    assert list(kind.draft(view, Intent(cut_trust=tuple(a.id for a in view.of(KIND))))) == []


@pytest.mark.parametrize(
    ("provider", "kind", "name"),
    [
        (GITHUB, "oidc-provider", f"GitHub Actions ({ISSUER})"),
        (
            "arn:aws-cn:iam::1:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/AB", "oidc-provider",
            "service accounts of an EKS cluster (IRSA) (oidc.eks.cn-north-1.amazonaws.com.cn/id/AB)",
        ),
        ("arn:aws:iam::1:saml-provider/corp", "saml-provider", "corp"),
        ("arn:aws:iam::1:oidc-provider/id.example.com", "oidc-provider", "id.example.com"),
        ("cognito-identity.amazonaws.com", "", "Amazon Cognito identity pools"),
        ("id.example.com", "", "id.example.com"),
    ],
)  # fmt: skip
def test_who_a_provider_is(provider: str, kind: str, name: str) -> None:
    assert (kind_of(provider), who(provider)) == (kind, name)
