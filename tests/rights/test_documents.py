"""What `permissions --document` prints: valid in the vendor's own terms, and exactly what is declared."""

from __future__ import annotations

import json
import re
import string

import botocore.session
import pytest

from nhi_revoke.cli.needs import declared_needs, permissions_of
from nhi_revoke.model.right import STAGES, Stage, up_to
from nhi_revoke_aws.calls import PREFIXES
from nhi_revoke_aws.rights.documents import MOST
from nhi_revoke_aws.rights.documents import documents as aws_documents
from nhi_revoke_entra.rights.app_roles import APP_ROLES
from nhi_revoke_entra.rights.sorts import ASK_AZURE
from nhi_revoke_github.rights.documents import scopes_for
from tests.rights.printed import PROVIDERS, REGISTRY, documents, printed

BESIDE = {"entra": {ASK_AZURE}}
"""What `doctor` alone asks by."""
NO_OPERATION = {
    "apigateway:DELETE", "apigateway:GET", "iam:PassRole", "eks:TagResource", "sso:ListAccountAssignmentsForPrincipal",
}  # fmt: skip
"""Actions that are named otherwise than an operation, or come with one."""
MODELS = ("iam", "secretsmanager", "ssm", "organizations", "sso-admin", "kms", "rolesanywhere", "account")


def declared(provider: str, stage: Stage | None) -> set[str]:
    return set(permissions_of(declared_needs(REGISTRY, provider), up_to(stage)))


@pytest.mark.parametrize("stage", [*STAGES, None])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_document_gives_what_its_stage_and_those_before_it_declare_and_no_more(
    provider: str, stage: Stage | None
) -> None:
    gives, wanted = printed(provider, stage), declared(provider, stage)
    more = {each.replace(":write", ":read") for each in wanted if provider == "github"}  # whoever writes may read
    assert wanted <= gives
    if provider == "github":
        assert gives - wanted <= more | {"client:secret", "app:jwt"}
    else:
        assert gives - wanted <= BESIDE.get(provider, set())


@pytest.mark.parametrize("provider", [*PROVIDERS, "kubernetes", "vault"])
def test_names_are_of_one_kind_and_every_document_says_what_to_do_with_it(provider: str) -> None:
    made = documents(provider, None)
    assert made
    assert len({each.name for each in made}) == len({each.file for each in made}) == len(made)
    for each in made:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", each.name)
        assert each.text.endswith("\n")
        assert each.hand_in.endswith(".")
        if each.media_type == "application/json":
            json.loads(each.text)


@pytest.mark.parametrize("stage", STAGES)
def test_an_iam_policy_has_its_grammar_and_its_size(stage: Stage) -> None:
    [made] = documents("aws", stage)
    policy = json.loads(made.text)
    assert list(policy) == ["Version", "Statement"]
    assert policy["Version"] == "2012-10-17"
    sids = [each["Sid"] for each in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    for each in policy["Statement"]:
        assert list(each) == ["Sid", "Effect", "Action", "Resource"]
        assert set(each["Sid"]) <= set(string.ascii_letters + string.digits)
        assert each["Effect"] == "Allow"
        assert each["Action"] == sorted(set(each["Action"]))
        assert each["Resource"] == "*" or re.fullmatch(r"arn:\*:[a-z]+:\*?:\*:[A-Za-z/:*-]+", each["Resource"])
    assert len("".join(made.text.split())) < MOST


def test_what_a_secret_holds_is_read_on_secrets_alone_and_own_policies_by_our_name_alone() -> None:
    [made] = documents("aws", None)
    by_sid = {each["Sid"]: each for each in json.loads(made.text)["Statement"]}
    assert "secretsmanager:GetSecretValue" in by_sid["Secrets"]["Action"]
    assert by_sid["OwnPolicies"]["Resource"] == "arn:*:iam::*:policy/NHIRevoke-*"
    assert not [each for each in by_sid["Anywhere"]["Action"] if each.startswith("secretsmanager:Get")]
    assert "ARNs of what you deliver to into Secrets and Parameters" in made.hand_in


def test_a_policy_that_is_too_long_becomes_several_that_are_not() -> None:
    actions = [f"iam:{'A' * 60}{number:03}" for number in range(150)] + ["iam:CreatePolicy"]
    made = list(aws_documents("rotate", actions))
    assert [each.name for each in made] == ["policy-1", "policy-2"]
    assert [each.hand_in.partition(":")[0] for each in made] == ["Part 1 of 2", "Part 2 of 2"]
    assert all(len("".join(each.text.split())) <= MOST for each in made)
    assert sorted(a for each in made for a in each.grants) == sorted(actions)


def test_actions_are_operations_of_the_vendors_own_models() -> None:
    session = botocore.session.get_session()
    prefixes = {PREFIXES.get(service, service): service for service in MODELS}
    known = {name: set(session.get_service_model(service).operation_names) for name, service in prefixes.items()}
    asked = [each for each in printed("aws") - NO_OPERATION if each.partition(":")[0] in known]
    assert len(asked) > 90
    assert [each for each in asked if each.partition(":")[2] not in known[each.partition(":")[0]]] == []


def test_a_custom_role_of_a_project_holds_nothing_that_is_above_it() -> None:
    by_name = {each.name: each.grants for each in documents("gcp", None)}
    assert all(re.fullmatch(r"[a-z]+\.[A-Za-z]+\.[A-Za-z]+", each) for of in by_name.values() for each in of)
    assert not [each for each in by_name["project-role"] if re.search("organizations|folders|denypolicies", each)]
    assert set(by_name["organization-role"]) == {
        "iam.denypolicies.create", "iam.denypolicies.delete", "iam.denypolicies.get", "iam.denypolicies.list",
        "resourcemanager.folders.getIamPolicy", "resourcemanager.folders.setIamPolicy",
        "resourcemanager.organizations.getIamPolicy", "resourcemanager.organizations.setIamPolicy",
    }  # fmt: skip


def test_ids_of_graph_permissions_are_guids_of_their_own() -> None:
    assert len(set(APP_ROLES.values())) == len(APP_ROLES)
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in APP_ROLES.values())


def test_scopes_of_a_classic_token_are_as_few_as_can_be() -> None:
    assert scopes_for(["members:read"]) == ["read:org"]
    assert scopes_for(["members:read", "members:write", "secrets:read"]) == ["admin:org", "repo"]
    [token] = [each for each in documents("github", "list") if each.name == "token"]
    assert token.text == "admin:org\nread:audit_log\nrepo\n"
    assert not [each for each in token.grants if "personal_access_token" in each]
