"""What the operator says of rates is understood, or refused with what would be."""

from __future__ import annotations

import pytest

from nhi_revoke.campaign.item import Tenant
from nhi_revoke.campaign.rates import SHARE, Rates, parse, parse_share, rates
from nhi_revoke.model.error import Usage
from nhi_revoke.provider.rate import Rate


@pytest.mark.parametrize(
    ("text", "tenant", "rate"),
    [
        ("entra=3000/10", Tenant("entra", ""), Rate(3000, 10.0)),
        ("aws 111122223333=20/1", Tenant("aws", "111122223333"), Rate(20, 1.0)),
        ("  okta  example.okta.com = 600/60.5 ", Tenant("okta", "example.okta.com"), Rate(600, 60.5)),
        ("vault https://vault.example:8200/ns=1/2", Tenant("vault", "https://vault.example:8200/ns"), Rate(1, 2.0)),
    ],
)
def test_a_rate_is_read(text: str, tenant: Tenant, rate: Rate) -> None:
    assert parse(text) == (tenant, rate)


@pytest.mark.parametrize(
    "text", ["", "entra", "entra=", "=1/1", "entra=10", "entra=10/s", "entra=0/1", "entra=1/0", "entra=-1/1",
             "entra=1e9/1", "entra=9999999/1", "entra=1/90000", "entra a b=1/1", "Entra=1/1"],
)  # fmt: skip
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(Usage) as refused:
        parse(text)
    assert refused.value.code == "bad-rate"
    assert "Nothing was done" in refused.value.message
    assert "--rate" in refused.value.hint


def test_the_nearest_rate_holds() -> None:
    table = {"entra": "100/10", "aws": "1/1"}
    all_of_them = rates(["entra=50/10", "entra contoso.com=7/1"], table, 0.5)
    assert all_of_them.share == 0.5
    assert all_of_them.of((Tenant("entra", "contoso.com"),), Rate(9, 9)) == Rate(7, 1)
    assert all_of_them.of((Tenant("entra", "other"),), Rate(9, 9)) == Rate(50, 10)
    assert all_of_them.of((Tenant("aws", "1"),)) == Rate(1, 1)
    assert all_of_them.of((Tenant("gcp", "p"),), Rate(9, 9)) == Rate(9, 9)
    assert Rates().of((Tenant("gcp", "p"),)) is None
    with pytest.raises(Usage, match="twice"):
        rates(["entra=1/1", "entra =2/1"])


def test_a_share_is_part_of_the_whole() -> None:
    assert parse_share("1") == 1.0
    assert 0 < SHARE < 1
    for text in ("0", "1.01", "-1", "half", "nan"):
        with pytest.raises(Usage) as refused:
            parse_share(text)
        assert refused.value.code == "bad-share"
