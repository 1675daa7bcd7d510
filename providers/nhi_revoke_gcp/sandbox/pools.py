"""Workload identity pools as they are here: their providers, the tokens of other issuers, and who is in which set.

facts gcp.md 2 and 7 (17): a disabled or deleted pool gives no tokens and refuses those that are out, until it is
enabled or undeleted; a disabled provider gives none, and those that are out live on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.times import stamp

HOST = "iam.googleapis.com"
KEPT = timedelta(days=30)
"""How long what was deleted can be undeleted."""
EQUALS = re.compile(r"assertion\.(?P<claim>\w+) == '(?P<value>[^']*)'")
"""The only sort of condition, and of mapping by name, that the vendor's side here understands."""
CLAIM = re.compile(r"assertion\.(\w+)")
JOB_TOKEN_LIVES = timedelta(minutes=5)


@dataclass
class PoolProvider:
    """`about`: `oidc`, `aws`, … as the API shows it."""

    id: str
    about: Mapping[str, Any]
    mapping: Mapping[str, str]
    disabled: Lagged[bool]
    condition: str = ""
    deleted: datetime | None = None
    done: datetime | None = None
    """When the operation that changed it last is over: until then it shows what it was."""


@dataclass
class Pool:
    name: str
    disabled: Lagged[bool]
    providers: dict[str, PoolProvider] = field(default_factory=dict)
    deleted: datetime | None = None
    done: datetime | None = None
    """As a provider's."""

    def works(self, now: datetime) -> bool:
        return self.deleted is None and not self.disabled.obeyed(now)


@dataclass
class Foreign:
    """A token of another issuer, as its job holds it."""

    issuer: str
    claims: Mapping[str, str]
    expires: datetime


class Pools:
    """All of them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Pool] = {}
        self.foreign: dict[str, Foreign] = {}
        """By value."""
        self.sets: dict[str, frozenset[str]] = {}
        """Of each subject that ever came: the sets it is in, as a policy names them."""
        self.takes = 2.0
        """Seconds of a long-running operation."""
        self.operations = 0

    def add(self, name: str, at: datetime) -> Pool:
        made = self.by_name[name] = Pool(name, Lagged(False, at))
        return made

    def add_provider(
        self,
        pool: Pool,
        its_id: str,
        at: datetime,
        about: Mapping[str, Any],
        mapping: Mapping[str, str],
        condition: str,
    ) -> PoolProvider:
        made = pool.providers[its_id] = PoolProvider(its_id, about, mapping, Lagged(False, at), condition)
        return made

    # -- tokens ----------------------------------------------------------------------------------------------------

    def issue(self, issuer: str, at: datetime, **claims: str) -> str:
        """What a job of a forge gets from it: the forge's own signature is no matter here."""
        value = f"eyJhbGciOiJSUzI1NiJ9.job-{len(self.foreign)}"
        self.foreign[value] = Foreign(issuer, claims, at + JOB_TOKEN_LIVES)
        return value

    def exchanged(self, audience: str, value: str, now: datetime) -> str:
        """The member that its bearer becomes. Raises ValueError with what the token service says."""
        pool, provider = self._asked(audience)
        if not pool.works(now) or provider.disabled.obeyed(now) or provider.deleted is not None:
            raise ValueError('The target service indicated by the "audience" parameters is disabled.')
        token = self.foreign.get(value)
        issuer = str(provider.about.get("oidc", {}).get("issuerUri"))
        if token is None or token.expires <= now or token.issuer != issuer:
            raise ValueError("The ID Token is not valid for this provider.")
        if provider.condition and not _holds(provider.condition, token.claims):
            raise ValueError("The given credential is rejected by the attribute condition.")
        mapped = {name: _mapped(text, token.claims) for name, text in provider.mapping.items()}
        member = f"principal://{HOST}/{pool.name}/subject/{mapped.pop('google.subject')}"
        whole = f"principalSet://{HOST}/{pool.name}/"
        self.sets[member] = frozenset(
            {f"{whole}*", *(f"{whole}{name}/{value}" for name, value in mapped.items() if value is not None)}
        )
        return member

    def _asked(self, audience: str) -> tuple[Pool, PoolProvider]:
        name, _, its_id = audience.removeprefix(f"//{HOST}/").partition("/providers/")
        pool = self.by_name.get(name)
        if pool is None or its_id not in pool.providers:
            raise ValueError('Invalid value for "audience".')
        return pool, pool.providers[its_id]

    def refuses(self, member: str, now: datetime) -> bool:
        """Whether tokens of this member are refused because of its pool."""
        return any(
            member.startswith(f"principal://{HOST}/{pool.name}/") and not pool.works(now)
            for pool in self.by_name.values()
        )

    def names_of(self, member: str) -> frozenset[str]:
        """Everything by which a policy may name it."""
        return frozenset({member}) | self.sets.get(member, frozenset())

    # -- as the API shows them -------------------------------------------------------------------------------------

    def row(self, pool: Pool, now: datetime) -> dict[str, Any]:
        return {"name": pool.name, "mode": "FEDERATION_ONLY", **_state(pool, now)}

    def provider_row(self, pool: Pool, one: PoolProvider, now: datetime) -> dict[str, Any]:
        more = {"attributeCondition": one.condition} if one.condition else {}
        mapping = {"attributeMapping": dict(one.mapping)} if one.mapping else {}
        return {"name": f"{pool.name}/providers/{one.id}", **one.about, **mapping, **more, **_state(one, now)}

    def switched(self, on: str, thing: Pool | PoolProvider, wanted: bool, now: datetime, lag: float) -> dict[str, Any]:
        """The operation, which still runs when it is answered."""
        if wanted != thing.disabled.shown:
            thing.disabled.set(wanted, now, max(lag, self.takes))
            thing.done = now + timedelta(seconds=self.takes)
        self.operations += 1
        return {"name": f"{on}/operations/op-{self.operations}"}


def _state(thing: Pool | PoolProvider, now: datetime) -> dict[str, Any]:
    """What is false is left out (facts gcp.md 7, 13)."""
    row: dict[str, Any] = {"state": "ACTIVE" if thing.deleted is None else "DELETED"}
    if thing.deleted is not None:
        row["expireTime"] = stamp(thing.deleted + KEPT)
    runs = thing.done is not None and now < thing.done
    disabled = thing.disabled.shown != runs  # while it runs, what it was before
    return {**row, **({"disabled": True} if disabled else {})}


def _holds(condition: str, claims: Mapping[str, str]) -> bool:
    found = EQUALS.fullmatch(condition)
    return found is not None and claims.get(found["claim"]) == found["value"]


def _mapped(expression: str, claims: Mapping[str, str]) -> str | None:
    found = CLAIM.fullmatch(expression)
    return claims.get(found[1]) if found is not None else None
