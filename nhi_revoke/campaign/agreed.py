"""What the operators of all campaigns that are not over said of tenants' rates: all workers go by it.

A worker without a rate would not keep one that others keep, so that what was said stays with the campaign.
"""

from __future__ import annotations

from sqlalchemy import select

from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Header, Tenant
from nhi_revoke.campaign.rates import SHARE, Rates, rates
from nhi_revoke.campaign.tables import CAMPAIGNS
from nhi_revoke.model.building import decoded
from nhi_revoke.provider.rate import Rate


def agreed(database: Database) -> Rates:
    """Of a tenant for which several campaigns name a rate, the lowest; the lowest share of all."""
    wanted = select(CAMPAIGNS.c.header).where(CAMPAIGNS.c.state != "over").order_by(CAMPAIGNS.c.id)
    with database.read() as conn:
        headers = [decoded(each, Header) for each in conn.execute(wanted).scalars()]
    given: dict[Tenant, Rate] = {}
    for header in headers:
        for tenant, rate in rates(header.rates).given.items():
            known = given.get(tenant)
            if known is None or rate.per_second < known.per_second:
                given[tenant] = rate
    return Rates(given, min((h.share for h in headers if h.share is not None), default=SHARE))
