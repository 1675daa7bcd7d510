"""Whom a pool's provider lets in, by its mapping and its condition (facts gcp.md 1, row 9)."""

from __future__ import annotations

from typing import Any

import pytest

from nhi_revoke.model.glob import overlap
from nhi_revoke_gcp.cel import condition_of, name_in
from nhi_revoke_gcp.federation import AWS_MAPPING, AWS_ROLE, Admitted, admitted, provider_of
from nhi_revoke_gcp.pool_member import pool_member

FORGE = "token.actions.githubusercontent.com"
POOL = "projects/1/locations/global/workloadIdentityPools/ci"
SHOP, IMMUTABLE = f"{FORGE}/repo:acme/shop:*", f"{FORGE}/repo:acme@1/shop@2:*"
"""As GitHub's provider names the jobs of a repository."""
MAPPING = {
    "google.subject": "assertion.sub",
    "attribute.repository": "assertion.repository",
    "attribute.repository_owner": "assertion['repository_owner']",
    "attribute.ref": "assertion.ref",
    "attribute.both": "assertion.repository + '/' + assertion.ref",
}


def row(**more: Any) -> dict[str, Any]:
    issuer = {"oidc": {"issuerUri": f"https://{FORGE}"}}
    return {"name": f"{POOL}/providers/github", **issuer, "attributeMapping": MAPPING, "state": "ACTIVE", **more}


def of(who: str, **more: Any) -> Admitted | None:
    scheme = "principal" if who.startswith("subject/") else "principalSet"
    named = pool_member(f"{scheme}://iam.googleapis.com/{POOL}/{who}")
    assert named is not None
    found = admitted(named, [provider_of(row(**more))])
    return found[0] if found else None


def lets_in(one: Admitted | None, *aliases: str) -> bool:
    assert one is not None
    return any(overlap(glob, alias) for glob in one.lets_in for alias in aliases)


@pytest.mark.parametrize(
    ("who", "condition", "globs", "taken"),
    [
        ("subject/repo:acme/shop:ref:refs/heads/main", "", [f"{FORGE}/repo:acme/shop:ref:refs/heads/main"], []),
        ("attribute.repository/acme/shop", "", [SHOP], []),
        ("attribute.repository_owner/acme", "", [f"{FORGE}/repo:acme/*"], []),
        ("attribute.ref/refs/heads/main", "", [f"{FORGE}/*"], ["ref is refs/heads/main"]),
        ("*", "", [f"{FORGE}/*"], []),
        ("*", "assertion.repository_owner == 'acme'", [f"{FORGE}/repo:acme/*"], []),
        ("*", "assertion.repository in ['acme/shop']", [SHOP], []),
        ("*", "assertion.sub.startsWith(\"repo:acme/\")", [f"{FORGE}/repo:acme/*"], []),
        ("*", "attribute.repository == 'acme/shop' && assertion.ref == 'main'",
         [SHOP], ["ref is main"]),
        ("attribute.repository/acme/shop", "assertion.repository_owner == 'acme'",
         [SHOP], []),
        ("attribute.repository/acme/shop", "assertion.sub.startsWith('repo:acme/')", [SHOP], ["sub is repo:acme/*"]),
        ("subject/repo:acme/shop:x", "assertion.repository == 'acme/shop'", [f"{FORGE}/repo:acme/shop:x"],
         ["repository is acme/shop"]),
        ("*", "assertion.repository.matches('^acme/.*$')", [f"{FORGE}/*"],
         ["assertion.repository.matches('^acme/.*$')"]),
        ("*", "assertion.ref != 'main' || assertion.repository_owner == 'acme'", [f"{FORGE}/*"],
         ["assertion.ref != 'main' || assertion.repository_owner == 'acme'"]),
        ("*", "assertion.repository == 'acme/shop' || assertion.repository == 'acme/web'",
         [SHOP, f"{FORGE}/repo:acme/web:*"], []),
        ("attribute.both/acme/shop/main", "", [f"{FORGE}/*"],
         ["attribute.both = assertion.repository + '/' + assertion.ref is acme/shop/main"]),
    ],
)  # fmt: skip
def test_what_is_read_narrows_and_what_is_not_counts_as_met_and_is_said(
    who: str, condition: str, globs: list[str], taken: list[str]
) -> None:
    one = of(who, attributeCondition=condition)
    assert one is not None
    assert list(one.lets_in) == globs
    assert list(one.taken) == taken
    assert ("may let in" in one.means) == bool(taken)
    assert lets_in(one, SHOP), "whatever was not read leaves nobody out"


def test_subjects_with_ids_in_them_are_the_same_repository() -> None:
    """GitHub's provider gives a repository both names, always."""
    assert lets_in(of("subject/repo:acme@1/shop@2:ref:refs/heads/main"), IMMUTABLE)
    for other in (
        "attribute.repository/acme/other",
        "attribute.repository_owner/others",
        "subject/repo:acme@1/shop@3:x",
    ):
        assert not lets_in(of(other), IMMUTABLE, SHOP)
    assert not lets_in(of("*", attributeCondition="assertion.repository_owner == 'others'"), IMMUTABLE, SHOP)


def test_a_member_that_no_mapping_makes_is_let_in_by_nobody() -> None:
    assert of("attribute.unmapped/x") is None
    assert of("group/x") is None


def test_a_provider_that_is_off_says_so_and_is_still_told() -> None:
    """Facts gcp.md 7, 17: tokens that are out live on."""
    for state, word in (({"disabled": True}, "disabled"), ({"state": "DELETED"}, "deleted")):
        one = of("*", **state)
        assert one is not None
        assert one.lets_in == (f"{FORGE}/*",)
        assert f"({word} now: no new tokens, while those that are out live on)" in one.means


ROLE = "arn:aws:sts::111122223333:assumed-role/payments-worker"
ALIASES = (
    "aws:arn:aws:iam::111122223333:role/bots/payments-worker",
    "aws:account/111122223333",
    f"aws:{ROLE}/*",
)
"""As AWS's provider names a role."""


@pytest.mark.parametrize(
    ("who", "more", "mine", "everybody"),
    [
        (f"attribute.aws_role/{ROLE}", {}, True, False),
        (f"attribute.aws_role/{ROLE}-2", {}, False, False),
        (f"subject/{ROLE}/i-0123", {}, True, False),
        ("attribute.account/111122223333", {"attributeMapping": {"attribute.account": "assertion.account"}},
         True, True),
        ("attribute.role/payments-worker",
         {"attributeMapping": {"attribute.role": "assertion.arn.extract('assumed-role/{role}/')"}}, True, False),
        ("*", {}, True, True),
        ("*", {"attributeCondition": f"assertion.arn.startsWith('{ROLE}/')"}, True, False),
        ("*", {"attributeCondition": f"attribute.aws_role == '{ROLE}'"}, True, False),
        ("*", {"attributeCondition": "assertion.arn.contains('worker')"}, True, True),
    ],
)  # fmt: skip
def test_roles_of_aws_are_let_in_by_name_or_as_a_whole_account(
    who: str, more: dict[str, Any], mine: bool, everybody: bool
) -> None:
    scheme = "principal" if who.startswith("subject/") else "principalSet"
    named = pool_member(f"{scheme}://iam.googleapis.com/{POOL}/{who}")
    assert named is not None
    about = {"name": f"{POOL}/providers/aws", "aws": {"accountId": "111122223333"}, **more}
    [one] = admitted(named, [provider_of(about)])
    assert lets_in(one, *ALIASES) is mine
    assert lets_in(one, "aws:account/111122223333") is everybody
    assert not lets_in(one, "aws:account/444455556666")


def test_the_default_mapping_is_known_however_it_is_written() -> None:
    assert AWS_MAPPING["attribute.aws_role"] == AWS_ROLE
    spread = AWS_ROLE.replace(" ", "  ").replace("'", '"')
    named = pool_member(f"principalSet://iam.googleapis.com/{POOL}/attribute.r/{ROLE}")
    assert named is not None
    about = {"name": "x/aws", "aws": {"accountId": "1"}, "attributeMapping": {"attribute.r": spread}}
    [one] = admitted(named, [provider_of(about)])
    assert one.lets_in == (f"aws:{ROLE}/*",)


@pytest.mark.parametrize("sort", ["saml", "x509"])
def test_other_sorts_are_told_in_words(sort: str) -> None:
    named = pool_member(f"principalSet://iam.googleapis.com/{POOL}/*")
    assert named is not None
    [one] = admitted(named, [provider_of({"name": "x/corp", sort: {}})])
    assert one.lets_in == ()
    assert f"whoever its {sort.upper()} provider vouches for" in one.means


def test_a_sort_that_is_not_known_may_let_in_anybody() -> None:
    named = pool_member(f"principalSet://iam.googleapis.com/{POOL}/*")
    assert named is not None
    [one] = admitted(named, [provider_of({"name": "x/new", "oauth3": {}})])
    assert one.lets_in == ("*",)
    assert "not known here" in one.means


@pytest.mark.parametrize(
    ("member", "attribute", "value"),
    [
        (f"principal://iam.googleapis.com/{POOL}/subject/repo:a/b:ref:refs/heads/main", "google.subject",
         "repo:a/b:ref:refs/heads/main"),
        (f"principalSet://iam.googleapis.com/{POOL}/group/team", "google.groups", "team"),
        (f"principalSet://iam.googleapis.com/{POOL}/attribute.repository/a/b", "attribute.repository", "a/b"),
        (f"principalSet://iam.googleapis.com/{POOL}/*", "*", ""),
        (f"principalSet://iam.s3nsapis.fr/{POOL}/*", "*", ""),
    ],
)  # fmt: skip
def test_members_of_a_pool_are_taken_apart(member: str, attribute: str, value: str) -> None:
    found = pool_member(member)
    assert found is not None
    assert (found.attribute, found.value, found.pool) == (attribute, value, POOL)


@pytest.mark.parametrize(
    "member",
    [
        "serviceAccount:a@b.iam.gserviceaccount.com",
        f"principal://iam.googleapis.com/{POOL}/*",
        f"principalSet://iam.googleapis.com/{POOL}/subject/x",
        "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/x",
        "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAccount",
    ],
)
def test_what_is_no_member_of_a_pool_is_none(member: str) -> None:
    assert pool_member(member) is None


@pytest.mark.parametrize(
    ("expression", "asked", "unread"),
    [
        ("", [], []),
        ("assertion.sub == 'a && b'", [("assertion.sub", ("a && b",))], []),
        ("(assertion.sub == 'a') && (attribute.x == \"b\")", [("assertion.sub", ("a",)), ("attribute.x", ("b",))], []),
        ("('a' == assertion.sub)", [("assertion.sub", ("a",))], []),
        ("assertion.sub == 'it\\'s'", [], ["assertion.sub == 'it\\'s'"]),
        ("!(assertion.sub == 'a')", [], ["!(assertion.sub == 'a')"]),
        ("assertion.sub != 'a'", [], ["assertion.sub != 'a'"]),
        ("assertion.sub == 'a' && assertion.x == 'b' || assertion.sub == 'c'", [],
         ["assertion.sub == 'a' && assertion.x == 'b' || assertion.sub == 'c'"]),
        ("has(assertion.x) && assertion.sub in ['a', 'b']", [("assertion.sub", ("a", "b"))], ["has(assertion.x)"]),
        ("(assertion.sub == 'a' || assertion.sub == 'b') && assertion.x == 'c'",
         [("assertion.sub", ("a", "b")), ("assertion.x", ("c",))], []),
        ("assertion.sub == 'a' ? true : false", [], ["assertion.sub == 'a' ? true : false"]),
    ],
)  # fmt: skip
def test_conditions_are_read_in_a_few_forms_alone(
    expression: str, asked: list[tuple[str, tuple[str, ...]]], unread: list[str]
) -> None:
    found = condition_of(expression)
    assert [(each.name, each.globs) for each in found.asked] == asked
    assert list(found.unread) == unread


def test_a_mapping_is_a_name_or_it_is_not_read() -> None:
    assert name_in(" (assertion.sub) ") == "assertion.sub"
    assert name_in('assertion["sub"]') == "assertion.sub"
    assert name_in("assertion.sub.extract('x')") == ""
