"""What the operator says of tenants' rates: `--rate 'PROVIDER[ SCOPE]=N/SECONDS'`, `[campaign.rates]`, `--share`.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.campaign.item import Tenant
from nhi_revoke.model.error import Usage
from nhi_revoke.provider.rate import Rate

SHARE = 0.8
"""Of each limit: the rest is left to the tenant's own traffic, which the campaign must not cut off."""
MOST_REQUESTS, MOST_SECONDS = 1_000_000, 86_400.0
_FORM = re.compile(r"(?P<provider>[a-z][a-z0-9_-]*)(?: +(?P<scope>\S+))? *= *(?P<rate>\S+)")
_RATE = re.compile(r"(?P<requests>[0-9]{1,7})/(?P<seconds>[0-9]{1,5}(?:\.[0-9]{1,3})?)")
_HINT = "--rate 'PROVIDER[ SCOPE]=REQUESTS/SECONDS', such as  --rate 'example org-1=600/60'."


class Rates(Struct, frozen=True):
    """What holds for whom."""

    given: Mapping[Tenant, Rate] = {}
    """By the operator; a tenant without a scope: every one of that provider. They replace what vendors document."""
    share: float = SHARE

    def of(self, names: Sequence[Tenant], documented: Rate | None = None) -> Rate | None:
        """The limit of a tenant by any of its names, before any share of it is taken; None where nobody tells one."""
        whole = Tenant(names[0].provider, "")
        return next((self.given[name] for name in (*names, whole) if name in self.given), documented)


def parse(text: str) -> tuple[Tenant, Rate]:
    """`PROVIDER[ SCOPE]=N/SECONDS`. Raises Usage."""
    said = _FORM.fullmatch(text.strip())
    if said is None:
        raise Usage("bad-rate", f"{text!r} is no rate of a tenant. Nothing was done.", _HINT)
    return Tenant(said["provider"], said["scope"] or ""), parse_rate(said["rate"])


def parse_rate(text: str) -> Rate:
    """`N/SECONDS`. Raises Usage."""
    said = _RATE.fullmatch(text.strip())
    if said is None:
        raise Usage("bad-rate", f"{text!r} is not so many requests in so many seconds. Nothing was done.", _HINT)
    rate = Rate(int(said["requests"]), float(said["seconds"]))
    if not 1 <= rate.requests <= MOST_REQUESTS or not 0 < rate.seconds <= MOST_SECONDS:
        words = f"1 to {MOST_REQUESTS} requests in up to {MOST_SECONDS:.0f} seconds are possible, and not {text}."
        raise Usage("bad-rate", f"{words} Nothing was done.", _HINT)
    return rate


def parse_share(text: str) -> float:
    """Above 0, 1 at most. Raises Usage."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        hint = f"--share 0.5  is half of what each tenant may be asked; {SHARE} is what it is without it."
        raise Usage("bad-share", f"{text!r} is no share of a limit. Nothing was done.", hint)
    return share


def rates(lines: Iterable[str] = (), table: Mapping[str, Any] | None = None, share: float = SHARE) -> Rates:
    """`lines`: as `--rate` takes them. `table`: `[campaign.rates]`, by `PROVIDER[ SCOPE]`; a line goes before it.

    Raises Usage, for a tenant that two lines name as well.
    """
    given = dict(parse(f"{whom}={said}") for whom, said in (table or {}).items())
    named = set[Tenant]()
    for tenant, rate in map(parse, lines):
        if tenant in named:
            raise Usage("bad-rate", f"--rate names {tenant} twice. Nothing was done.", _HINT)
        named.add(tenant)
        given[tenant] = rate
    return Rates(given, share)
