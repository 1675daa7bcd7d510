"""IAM's paging, which moto does not do: it shows everything at once, and so hides every bug of its callers."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from nhi_revoke_aws.sandbox.answer import Answer, Refusal
from nhi_revoke_aws.sandbox.asked import Asked

LISTS = {
    "ListAccessKeys": "AccessKeyMetadata",
    "ListAttachedGroupPolicies": "AttachedPolicies",
    "ListAttachedRolePolicies": "AttachedPolicies",
    "ListAttachedUserPolicies": "AttachedPolicies",
    "ListGroupPolicies": "PolicyNames",
    "ListGroupsForUser": "Groups",
    "ListInstanceProfilesForRole": "InstanceProfiles",
    "ListMFADevices": "MFADevices",
    "ListPolicies": "Policies",
    "ListRolePolicies": "PolicyNames",
    "ListRoles": "Roles",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListSigningCertificates": "Certificates",
    "ListUserPolicies": "PolicyNames",
    "ListUsers": "Users",
}
DETAILS = "GetAccountAuthorizationDetails"
"""One listing of several kinds, in this order: a page may hold the end of one and the beginning of the next."""
DETAIL_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
MOTO_PAGES = frozenset(
    {
        "ListAttachedGroupPolicies",
        "ListAttachedRolePolicies",
        "ListAttachedUserPolicies",
        "ListPolicies",
        "ListRoles",
    }
)
"""Here moto has pages of its own, of 100."""
DEFAULT = 100
MOST = 1000
ALL = 1_000_000
"""More than any account has: moto pages by itself otherwise, and its rest would be lost here."""
NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def paged(asked: Asked) -> bool:
    return asked.service == "iam" and (asked.operation in LISTS or asked.operation == DETAILS)


def whole(asked: Asked) -> bytes:
    """The same request without paging: what moto is asked."""
    params = {k: v for k, v in asked.params.items() if k not in ("Marker", "MaxItems")}
    if asked.operation in MOTO_PAGES:
        params["MaxItems"] = ALL
    return urlencode({"Action": asked.operation, "Version": "2010-05-08", **params}).encode()


def page(asked: Asked, answer: Answer, page_size: int) -> Answer:
    """One page of moto's whole answer. Raises Refusal for a marker of another list."""
    if answer.status != 200:
        return answer
    size = asked.number("MaxItems", DEFAULT)
    if not 1 <= size <= MOST:
        raise Refusal("ValidationError", "MaxItems must be between 1 and 1000")
    size = min(size, page_size)
    skip = _skip(asked)
    root = ET.fromstring(answer.body)  # noqa: S314 - moto's own XML, from this process
    result = root.find(f"{{*}}{asked.operation}Result")
    assert result is not None, answer.body
    space = result.tag.rpartition("}")[0].lstrip("{")
    prefix = f"{{{space}}}" if space else ""
    names = DETAIL_LISTS if asked.operation == DETAILS else (LISTS[asked.operation],)
    members = [
        (holder, member)
        for name in names
        if (holder := result.find(f"{prefix}{name}")) is not None
        for member in list(holder)
    ]
    if asked.operation == DETAILS:
        members = list(_wanted(asked, members, prefix))
    for holder, member in [*members[:skip], *members[skip + size :]]:
        holder.remove(member)
    for name in ("IsTruncated", "Marker"):
        for old in result.findall(f"{prefix}{name}"):
            result.remove(old)
    more = skip + size < len(members)
    ET.SubElement(result, f"{prefix}IsTruncated").text = "true" if more else "false"
    if more:
        ET.SubElement(result, f"{prefix}Marker").text = f"{_bound(asked)}.{skip + size}"
    body = ET.tostring(root, encoding="utf-8", default_namespace=space or None)
    return Answer(answer.status, answer.headers, body)


def _wanted(
    asked: Asked, members: Iterable[tuple[ET.Element, ET.Element]], prefix: str
) -> Iterator[tuple[ET.Element, ET.Element]]:
    """Without AWS's own managed policies where they were not asked for: moto counts some of them as the account's."""
    filters = asked.many("Filter")
    for holder, member in members:
        vendors = ":iam::aws:policy/" in (member.findtext(f"{prefix}Arn") or "")
        if vendors and filters and "AWSManagedPolicy" not in filters:
            holder.remove(member)
        else:
            yield holder, member


def _bound(asked: Asked) -> str:
    same = sorted((k, str(v)) for k, v in asked.params.items() if k not in ("Marker", "MaxItems"))
    return hashlib.sha256(repr((asked.operation, same)).encode()).hexdigest()[:24]


def _skip(asked: Asked) -> int:
    marker = str(asked.params.get("Marker") or "")
    if not marker:
        return 0
    head, _, skip = marker.partition(".")
    if head != _bound(asked) or not skip.isdigit():
        raise Refusal("ValidationError", "Invalid Marker")
    return int(skip)
