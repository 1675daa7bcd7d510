"""What a report names: principals, accesses, accounts, people. For `redact`, which gives each a pseudonym."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report

_GENERIC = frozenset(
    [
        "account",
        "accounts",
        "access",
        "all",
        "and",
        "app",
        "apps",
        "arn",
        "bin",
        "bot",
        "bots",
        "client",
        "clients",
        "default",
        "etc",
        "for",
        "global",
        "group",
        "groups",
        "home",
        "key",
        "keys",
        "local",
        "main",
        "may",
        "mnt",
        "opt",
        "org",
        "organization",
        "organizations",
        "orgs",
        "own",
        "policy",
        "pool",
        "pools",
        "principal",
        "prod",
        "project",
        "projects",
        "provider",
        "providers",
        "role",
        "roles",
        "run",
        "runs",
        "secret",
        "secrets",
        "service",
        "serviceaccount",
        "serviceaccounts",
        "session",
        "sessions",
        "srv",
        "state",
        "subject",
        "subjects",
        "team",
        "the",
        "tmp",
        "token",
        "tokens",
        "trust",
        "trusts",
        "usr",
        "user",
        "users",
        "var",
        "with",
        "workload",
    ]
)
"""The vendors' own words and ours, of which ids are made: not to be looked for inside a text."""
_IDENTIFIER = re.compile(r"[\d_@./-]")
"""What a label or a former value has that is more than prose."""


_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_SYLLABLE = 3
"""Letters up to which a word is more likely a vendor's abbreviation than a name."""


class Named(NamedTuple):
    """All that one thing is called."""

    what: str
    """`principal`, `access`, `account`, …: the first half of its pseudonym."""
    names: tuple[str, ...]
    """The first tells it from all others."""
    thing: bool = False
    """A principal or an access of its own: counted, and so never to become one with another."""
    parts: Literal["words", "ids", "none"] = "words"
    """Which of its parts are names, too (`team/bot`): every word; what holds a digit or a dash; none (a path here)."""
    reference: str = ""
    """The one of the names that is a whole reference, `provider:kind/id` …"""
    written: str = "{}"
    """… and how that is written with the pseudonym."""

    def has_part(self, part: str) -> bool:
        """Whether this part of one of its names is to be looked for by itself. Times are nobody's name."""
        if self.parts == "none" or _TIME.match(part):
            return False
        if part.isalpha():
            return self.parts == "words" and len(part) > _SYLLABLE
        return len(part) > (_SYLLABLE + 2 if part.isdigit() else 2)


def named(report: Report) -> Iterator[Named]:
    """In an order that gives the run's own principals and accesses the first numbers."""
    for principal in report.principals:
        yield Named("account", (principal.scope,))
    for principal in report.principals:
        yield _principal(principal)
    yield Named("identity", (report.identity,))
    yield Named("owner", (report.owner,), parts="none")
    yield Named("case", (report.intent.case,), parts="none")
    for ref in refs(report):
        yield Named("principal", (ref.id, str(ref)), thing=True, reference=str(ref), written=_written(ref))
    for outcome in report.outcomes:
        yield from _access(outcome.access)
    for lead in (*report.leads, *report.planted):
        yield Named("access", (lead.session or "",), thing=True, parts="ids")
    for access in (*(door.access for door in report.open), *(residual.access for residual in report.residuals)):
        yield Named("access", (access,), thing=True, parts="ids")
    for replacement in report.replacements:
        yield Named("access", (replacement.access or "",), parts="ids")
        for target in replacement.to.split(", "):
            store, _, address = target.partition(":")
            reference = target if address else ""
            yield Named("address", (address or target, target), reference=reference, written=f"{store}:{{}}")
    for operator in report.operator:
        provider, _, own = operator.partition(":")
        reference = operator if own else ""
        yield Named("operator", (own or operator, operator), reference=reference, written=f"{provider}:{{}}")
    yield Named("path", (report.next_plan or "",), parts="none")


def generic_words(report: Report) -> frozenset[str]:
    """Providers, kinds and what they are made of, lower case: no names."""
    found: set[str] = set(_GENERIC)
    kinds = {word for o in report.outcomes for word in (o.access.kind, o.access.family)}
    kinds |= {word for ref in refs(report) for word in (ref.provider, ref.kind)}
    kinds |= {word for p in report.principals for word in (p.kind, p.ref.provider, p.ref.kind)}
    kinds |= {step.does for step in report.steps} | {r.kind for r in report.replacements}
    for kind in kinds:
        found |= {kind.lower(), *re.split(r"[:/\-_]", kind.lower())}
    return frozenset(found)


def refs(report: Report) -> tuple[PrincipalRef, ...]:
    """Every principal that is named anywhere, each once."""
    parts = (report.leads, report.planted, report.open, report.residuals, report.blind, report.manual)
    more = (report.notices, report.unreachable, report.outcomes)
    return tuple(dict.fromkeys(_inside((parts, more))))


def _inside(value: Any) -> Iterator[PrincipalRef]:
    if isinstance(value, PrincipalRef):
        yield value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _inside(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _inside(each)


def _principal(principal: Principal) -> Named:
    ref = str(principal.ref)
    names = (principal.ref.id, principal.name, principal.unique_id, principal.typed, *principal.aliases, ref)
    return Named("principal", names, thing=True, reference=ref, written=_written(principal.ref))


def _written(ref: PrincipalRef) -> str:
    return str(PrincipalRef(ref.provider, ref.kind, "{}"))


def _access(access: Access) -> Iterator[Named]:
    """What a vendor's answer calls it."""
    before = (value for value in access.before.values() if isinstance(value, str) and _IDENTIFIER.search(value))
    yield Named("access", (access.id, *before), thing=True, parts="ids")
    yield Named("access", (access.parent or "",), parts="ids")
    # A door and a label may be shared: two accesses of one name must not become one.
    yield Named("name", (access.door,), parts="ids")
    yield Named("name", (access.label,), parts="ids")
    for each in access.lets_in:
        yield Named("principal", (each,))
