"""Which roles of its account a principal may become, one after the other: trusts x what AWS says that it is allowed.

A trust that names the principal suffices in the same account, unless it is denied; one that names the account needs a
policy that allows sts:AssumeRole. Whether one that names anyone does is not documented for role trusts: such a role
counts, and it is said. Conditions of a trust are taken as met, and said; its denies are not
weighed: a role may be told that does not let it in, and none is left out that does.
AWS docs: reference_policies_evaluation-logic, id_roles_terms-and-concepts (role chaining).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from nhi_revoke.provider.fault import Denied, Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke_aws.allowed import Decision, decisions
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.estate import Estate, Role
from nhi_revoke_aws.grants import ASSUME, Grants
from nhi_revoke_aws.naming import Arn, parse_arn
from nhi_revoke_aws.trust import Trusted

AT_ONCE = 100
"""Roles that one request asks about."""
MOST_REQUESTS = 300
"""Of one principal's reach: beyond, policies are read without the judge."""


class Bearer(Struct, frozen=True):
    """Somebody who may assume roles: the principal itself, or a role that it may become."""

    arn: Arn
    grants: Grants
    path: tuple[str, ...] = ()
    """Names of the roles on the way, itself the last."""

    @property
    def words(self) -> str:
        return f"{self.arn.kind} {self.arn.name}"

    @property
    def by_way(self) -> str:
        return f" by way of role {', then '.join(self.path)}" if self.path else ""


class Candidate(Struct, frozen=True):
    """A role whose trust lets a bearer in."""

    bearer: Bearer
    role: Role
    trust: Trusted
    named: bool

    @property
    def suffices(self) -> bool:
        """Whether the trust lets it in, or may, without a policy that allows it."""
        return self.named or self.trust.value == "*"


class Reached(Struct, frozen=True):
    """A role that the principal may become."""

    role: Role
    why: str


class Walk:
    """Breadth first: each role is found on its shortest way. `bearers` and `faults` are whole once it was walked."""

    def __init__(self, conn: AwsConnection, io: Io, who: Arn, estate: Estate) -> None:
        self._conn = conn
        self._io = io
        self._who = who
        self._named, self._open = _index(estate, who.account)
        self._anyone = [(role, trust) for role, trust in self._open if trust.value == "*"]
        self._asks = itertools.count(1)
        self._judge = True
        self.bearers: list[Bearer] = []
        self.faults: list[Fault] = []
        self.ours_stands = False
        self.too_many = False

    def walk(self, grants: Grants) -> Iterator[Reached]:
        """`grants`: of the principal's own policies."""
        level = [Bearer(self._who, grants)]
        seen = {str(self._who)}
        while level:
            self.bearers += level
            following: list[Bearer] = []
            candidates = [c for bearer in level for c in self._candidates(bearer, seen)]
            told = self._told(candidates)
            for one in candidates:
                decision = told.get((str(one.bearer.arn), one.role.arn))
                if one.role.arn in seen or not _lets(one, decision):
                    continue
                seen.add(one.role.arn)
                yield Reached(one.role, self._why(one, decision))
                arn = parse_arn(one.role.arn)
                if arn is not None:
                    following.append(Bearer(arn, one.role.grants, (*one.bearer.path, one.role.name)))
            level = following

    def _candidates(self, bearer: Bearer, seen: set[str]) -> Iterable[Candidate]:
        """Those that no policy which was read rules out."""
        found: dict[str, Candidate] = {}
        for role, trust in self._named.get(_key(bearer.arn), ()):
            if role.arn not in seen and _names(trust, bearer.arn) and not bearer.grants.stopped(role.arn):
                found.setdefault(role.arn, Candidate(bearer, role, trust, True))
        for role, trust in self._anyone:
            if role.arn not in seen and not bearer.grants.stopped(role.arn):
                found.setdefault(role.arn, Candidate(bearer, role, trust, False))
        if bearer.grants.rules or not bearer.grants.whole:
            for role, trust in self._open:
                if role.arn not in seen and role.arn not in found and bearer.grants.may(role.arn):
                    found[role.arn] = Candidate(bearer, role, trust, False)
        return found.values()

    # -- AWS's own judge -------------------------------------------------------------------------------------------

    def _told(self, candidates: Sequence[Candidate]) -> dict[tuple[str, str], Decision]:
        """By bearer and role; nothing where the judge cannot be asked."""
        asks: list[tuple[str, list[str]]] = []
        for arn, group in itertools.groupby(candidates, lambda c: str(c.bearer.arn)):
            roles = [c.role.arn for c in group]
            asks += [(arn, roles[n : n + AT_ONCE]) for n in range(0, len(roles), AT_ONCE)]
        answers = self._io.map(self._ask, asks)
        found: dict[tuple[str, str], Decision] = {}
        for (arn, _), answer in zip(asks, answers, strict=True):
            found.update({(arn, role): decision for (_, role), decision in answer.items()})
        self.ours_stands |= any(d.by_us for d in found.values())
        return found

    def _ask(self, one: tuple[str, list[str]]) -> dict[tuple[str, str], Decision]:
        arn, roles = one
        number = next(self._asks)
        if not self._judge or number > MOST_REQUESTS:
            self.too_many |= self._judge
            return {}
        try:
            return decisions(self._conn, arn, [ASSUME], roles)
        except Missing:
            return {}  # it was deleted meanwhile
        except Fault as fault:
            self._judge &= not isinstance(fault, Denied)
            self.faults.append(fault)
            return {}

    # -- in words --------------------------------------------------------------------------------------------------

    def _why(self, one: Candidate, decision: Decision | None) -> str:
        bearer = one.bearer
        said = f"{_words(self._who)} may assume it{bearer.by_way}: {_trust(one)}"
        if not one.named:
            said += f", {_policies(one, decision)}"
        if one.trust.conditions:
            said += f"; conditions of that trust, taken as met: {'; or '.join(one.trust.conditions)}"
        return said


def _index(
    estate: Estate, account: str
) -> tuple[dict[tuple[str, str], list[tuple[Role, Trusted]]], list[tuple[Role, Trusted]]]:
    """Roles by the principal that their trust names; and those that trust the whole account or anyone."""
    named: dict[tuple[str, str], list[tuple[Role, Trusted]]] = {}
    everyone: list[tuple[Role, Trusted]] = []
    for role in estate.roles.values():
        for trust in role.trusts:
            if trust.type not in ("AWS", "*"):
                continue
            arn = parse_arn(trust.value)
            if trust.value in ("*", account) or (arn and arn.kind == "root" and arn.account == account):
                everyone.append((role, trust))
            elif arn and arn.account == account:
                named.setdefault(_key(arn), []).append((role, trust))
    return named, everyone


def _key(arn: Arn) -> tuple[str, str]:
    """A session's ARN tells the role's name and not its path; names are unique in an account."""
    return ("role" if arn.kind == "assumed-role" else arn.kind), arn.name


def _names(trust: Trusted, who: Arn) -> bool:
    """Somebody of this name may have had another path, or a session's ARN was named."""
    arn = parse_arn(trust.value)
    return trust.value == str(who) or (arn is not None and arn.kind == "assumed-role")


def _lets(one: Candidate, decision: Decision | None) -> bool:
    """What the judge leaves undecided is decided by what the policies say, conditions taken as met."""
    if decision is None or not decision.final:
        return True
    return decision.allowed or (one.suffices and decision.effect != "explicitDeny")


def _words(arn: Arn) -> str:
    return f"{arn.kind} {arn.name}"


def _trust(one: Candidate) -> str:
    if one.named:
        return f"its trust names {one.bearer.words}"
    return "its trust lets anyone in" if one.trust.value == "*" else "its trust lets in whom the account allows"


def _policies(one: Candidate, decision: Decision | None) -> str:
    whose = f"policies of {one.bearer.words}"
    if decision is not None and decision.allowed:
        return f"and {whose} allow it"
    if not one.bearer.grants.whole:
        return f"and whether {whose} allow it could not be told"
    if not one.bearer.grants.may(one.role.arn):
        return "and whether that suffices without a policy that allows it is unproven"
    if decision is not None and decision.missing:
        return f"and {whose} allow it, conditions taken as met ({', '.join(sorted(decision.missing))})"
    return f"and {whose} allow it"
