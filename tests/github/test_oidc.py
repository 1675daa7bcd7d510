"""The subject that a repository's jobs sign in to clouds with, and the edge to a cloud's role that trusts it."""

from __future__ import annotations

import pytest

from nhi_revoke.engine.edges import minters
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied
from nhi_revoke_github.access import oidc_subject
from nhi_revoke_github.host import oidc_issuer
from nhi_revoke_github.sandbox import routes_actions as routes

from .conftest import Bench

REPO = "github:repo/example-payments/shop"
KIND = oidc_subject.KIND
ISSUER = "token.actions.githubusercontent.com"
SUBJECT = f"{ISSUER}/repo:example-payments/shop"
ROLE = PrincipalRef("cloud", "role", "deploy")


def door(bench: Bench) -> str:
    [only] = bench.accesses(REPO, KIND).values()
    return only.door


def set_oidc(bench: Bench, **template: object) -> None:
    bench.hub.repositories["example-payments/shop"].oidc = dict(template)


def test_the_default_subject(bench: Bench) -> None:
    [only] = bench.accesses(REPO, KIND).values()
    assert (only.id, only.door) == (f"{KIND}/example-payments/shop", f"{SUBJECT}:*")
    assert not only.opens
    assert "claims: repo, context" in only.note
    assert [s for s in bench.steps(REPO) if s.does.startswith(KIND)] == []


def test_other_templates(bench: Bench) -> None:
    set_oidc(bench, use_default=False, include_claim_keys=["job_workflow_ref", "actor"])
    assert door(bench) == f"{ISSUER}/job_workflow_ref:*"
    set_oidc(bench, use_default=False)
    bench.hub.oidc_template = {"include_claim_keys": ["repository_owner"]}
    assert door(bench) == f"{ISSUER}/repository_owner:*"
    set_oidc(bench, use_default=True, use_immutable_subject=True)
    assert door(bench) == f"{ISSUER}/repo:example-payments@*/shop@*:*"
    set_oidc(bench, use_default=True, sub_claim_prefix="repo:example-payments@1/shop@2")
    assert door(bench) == f"{ISSUER}/repo:example-payments@1/shop@2:*"


def test_denied(bench: Bench) -> None:
    bench.sandbox.fault(f"GET {routes.ORG_SUB}", "denied")
    found = bench.collect(REPO, KIND)
    assert [f.needs for f in found if isinstance(f, BlindSpot)] == ["organization_administration=read"]
    assert [f for f in found if isinstance(f, Access)]
    bench.sandbox.fault(f"GET {routes.REPO_SUB}", "denied")
    with pytest.raises(Denied):
        bench.collect(REPO, KIND)


def test_the_issuer_is_the_hosts() -> None:
    assert oidc_issuer("https://api.github.com") == ISSUER
    assert oidc_issuer("https://api.octo.ghe.com") == "token.actions.octo.ghe.com"
    assert oidc_issuer("https://git.example.com/api/v3") == "git.example.com/_services/token"


@pytest.mark.parametrize(
    ("trusted", "reaches"),
    [
        (f"{SUBJECT}:*", True),
        (f"{ISSUER}/repo:example-payments/*", True),
        (f"{ISSUER}/repo:example-payments/*:ref:refs/heads/main", True),
        (f"{ISSUER}/repo:*/shop:environment:*", True),
        (f"{ISSUER}/*", True),
        (f"{SUBJECT}:ref:refs/heads/main", True),
        (f"{SUBJECT}:environment:*", True),
        (f"{ISSUER}/repo:example-payments/ledger:*", False),
        (f"{ISSUER}/repo:example-payments/shopping:ref:refs/heads/main", False),
        (f"{ISSUER}/repo:others/*", False),
    ],
)
def test_a_cloud_that_trusts_its_subject_is_an_edge(bench: Bench, trusted: str, reaches: bool) -> None:
    """A trust narrower than the repository (one branch) lets jobs of it in, too: its owner chooses the branch."""
    repository = bench.resolve(REPO)
    role = Principal(ref=ROLE, kind="role", name="deploy", scope="1", unique_id="1")
    trust = Access(f"cloud:trust/{trusted}", ROLE, "cloud:trust", "trust", "live", lets_in=(trusted,))
    assert (repository.ref in minters((repository, role), (trust,))[ROLE]) is reaches
