"""Whom a pool's provider lets in as a member of the pool: subjects of another issuer, or roles of AWS. Pure.

facts gcp.md 1 (row 9); discovery document iam.v1 (WorkloadIdentityPoolProvider: attributeMapping, attributeCondition).
Where mapping and condition are read, subjects are told by name; whatever else they ask for counts as met, and is said:
so somebody may be told who is not let in, and nobody is left out who is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke_gcp.cel import Asked, condition_of, resolved, same
from nhi_revoke_gcp.pool_member import EVERYBODY, SUBJECT, PoolMember

AWS_ROLE = (
    "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') + 'assumed-role/' + "
    "assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn"
)
AWS_MAPPING = {SUBJECT: "assertion.arn", "attribute.aws_role": AWS_ROLE}
"""What an AWS provider has where it names none (discovery document iam.v1)."""
ROLE_NAME = re.compile(r"assertion\.arn\.extract\(\s*['\"]assumed-role/\{\w+\}/['\"]\s*\)")
FORGE = re.compile(r"token\.actions\.[a-z0-9.-]+(?:/[^/]+)?|[^/]+/_services/token")
"""Issuers whose subjects begin with `repo:OWNER/NAME:` by default (GitHub docs: OpenID Connect reference)."""
NAMELESS = ("saml", "x509")
"""Sorts that let in nobody whom another provider of this tool names."""
SUB, REPOSITORY, OWNER, ARN = "assertion.sub", "assertion.repository", "assertion.repository_owner", "assertion.arn"


class Federated(Struct, frozen=True):
    """One provider of a pool, as it is written there."""

    name: str
    """Its last part."""
    sort: str
    """`oidc`, `aws`, `saml`, `x509`; empty for a newer one."""
    issuer: str = ""
    """Without `https://`; of AWS the account."""
    mapping: Mapping[str, str] = {}
    condition: str = ""
    disabled: bool = False
    deleted: bool = False


class Admitted(Struct, frozen=True):
    """Whom one provider lets in."""

    provider: Federated
    lets_in: tuple[str, ...]
    """Globs over aliases of other providers' principals."""
    whom: str
    """In words."""
    taken: tuple[str, ...] = ()
    """What else is asked, and counts as met."""

    @property
    def means(self) -> str:
        """A clause for a note."""
        met = f"; taken as met: {' and '.join(self.taken)}" if self.taken else ""
        state = "deleted" if self.provider.deleted else "disabled" if self.provider.disabled else ""
        now = f" ({state} now: no new tokens, while those that are out live on)" if state else ""
        return f"provider {self.provider.name} {'may let' if self.taken else 'lets'} in {self.whom}{now}{met}"


def provider_of(row: Mapping[str, Any]) -> Federated:
    """From the IAM API."""
    sort = next((each for each in ("oidc", "aws", *NAMELESS) if each in row), "")
    about = row.get(sort) or {}
    issuer = str(about.get("issuerUri") or about.get("accountId") or "")
    return Federated(
        name=str(row["name"]).rpartition("/")[2],
        sort=sort,
        issuer=issuer.removeprefix("https://").rstrip("/"),
        mapping={str(k): str(v) for k, v in (row.get("attributeMapping") or {}).items()},
        condition=str(row.get("attributeCondition") or ""),
        disabled=bool(row.get("disabled")),
        deleted=row.get("state") == "DELETED",
    )


def admitted(who: PoolMember, providers: Iterable[Federated]) -> tuple[Admitted, ...]:
    """By each provider of the pool that can make such a member."""
    found = (_by(who, provider) for provider in providers)
    return tuple(each for each in found if each is not None)


def _by(who: PoolMember, provider: Federated) -> Admitted | None:
    mapping = provider.mapping or (AWS_MAPPING if provider.sort == "aws" else {})
    asked, taken = _wanted(who, mapping)
    if asked is None:
        return None
    condition = condition_of(provider.condition)
    claims = list(asked)
    taken += list(condition.unread)
    for each in condition.asked:
        claim = resolved(each, mapping)
        if claim is None and each.name in mapping and provider.sort == "aws":
            claim = _of_aws(mapping[each.name], each.globs)
        if claim is None:
            taken.append(_said(each))
        else:
            claims.append(claim)
    if provider.sort == "oidc":
        return _subjects(provider, claims, taken)
    if provider.sort == "aws":
        return _roles(provider, claims, taken)
    told = (*taken, *(_said(each) for each in claims))
    if provider.sort in NAMELESS:
        return Admitted(provider, (), f"whoever its {provider.sort.upper()} provider vouches for", told)
    return Admitted(provider, (EVERYBODY,), "whomever a provider vouches for whose sort is not known here", told)


def _wanted(who: PoolMember, mapping: Mapping[str, str]) -> tuple[list[Asked] | None, list[str]]:
    """What the token must hold so that its bearer is this member; None where the provider never makes one."""
    if who.attribute == EVERYBODY:
        return [], []
    expression = mapping.get(who.attribute, "")
    if not expression:
        return None, []
    claim = resolved(Asked(who.attribute, (who.value,)), mapping) or _of_aws(expression, (who.value,))
    if claim is not None:
        return [claim], []
    return [], [f"{who.attribute} = {expression} is {who.value}"]


def _of_aws(expression: str, values: Sequence[str]) -> Asked | None:
    """Roles by the default mapping, or by their name alone."""
    if same(expression, AWS_ROLE):
        return Asked(ARN, tuple(f"{each}/*" if ":assumed-role/" in each else each for each in values))
    if ROLE_NAME.fullmatch(expression.strip()):
        return Asked(ARN, tuple(f"arn:*:sts::*:assumed-role/{each}/*" for each in values))
    return None


def _subjects(provider: Federated, claims: Sequence[Asked], taken: Sequence[str]) -> Admitted:
    """The narrowest of what is asked tells whom; the rest counts as met."""
    told = _narrowest(claims, forge=bool(FORGE.fullmatch(provider.issuer)))
    globs = tuple(each if told.name == SUB else _of_forge(told.name, each) for each in told.globs) if told else ()
    rest = [_said(each) for each in claims if each is not told and not _follows(each, told)]
    who = " or ".join(told.globs) if told and told.name == SUB else _said(told) if told else "EVERYBODY"
    lets_in = tuple(f"{provider.issuer}/{glob}" for glob in globs or (EVERYBODY,))
    return Admitted(provider, lets_in, f"{who} of {provider.issuer}", (*rest, *taken))


def _narrowest(claims: Sequence[Asked], *, forge: bool) -> Asked | None:
    """A whole subject; else, of a forge, a repository; else the beginning of a subject; else an owner."""
    subject = _first(claims, SUB)
    if not forge or (subject is not None and not any(each.endswith(EVERYBODY) for each in subject.globs)):
        return subject
    return _first(claims, REPOSITORY) or subject or _first(claims, OWNER)


def _follows(asked: Asked, told: Asked | None) -> bool:
    """Whether the owner that is asked for stands in the subject or the repository already."""
    if told is None or asked.name != OWNER:
        return False
    owners = {glob.removeprefix("repo:").partition("/")[0] for glob in told.globs if "/" in glob}
    return bool(owners) and owners <= set(asked.globs)


def _of_forge(claim: str, value: str) -> str:
    """By names: a repository whose subjects hold ids is known by its names, too."""
    if claim == OWNER:
        return f"repo:{value}/*"
    return f"repo:{value}" if value.endswith(EVERYBODY) else f"repo:{value}:*"


def _roles(provider: Federated, claims: Sequence[Asked], taken: Sequence[str]) -> Admitted:
    told = _first(claims, ARN)
    rest = [_said(each) for each in claims if each is not told and each.name != "assertion.account"]
    if told is None:
        everybody = f"EVERYBODY who signs in with AWS account {provider.issuer}"
        return Admitted(provider, (f"aws:account/{provider.issuer}",), everybody, (*rest, *taken))
    lets_in = tuple(f"aws:{glob}" for glob in told.globs)
    return Admitted(provider, lets_in, f"{' or '.join(told.globs)} of AWS", (*rest, *taken))


def _first(claims: Sequence[Asked], name: str) -> Asked | None:
    return next((each for each in claims if each.name == name), None)


def _said(asked: Asked) -> str:
    return f"{asked.name.removeprefix('assertion.')} is {' or '.join(asked.globs)}"
