"""Names, and the principal behind them."""

from __future__ import annotations

import pytest

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Missing
from nhi_revoke_github.naming import parse_ref

from .conftest import APP, USER, Bench


def test_each_kind_resolves_to_githubs_own_spelling(bench: Bench) -> None:
    for typed in (APP, USER, "github:repo/Example-Payments/SHOP", "github:org/example-payments"):
        found = bench.resolve(typed)
        assert str(found.ref).lower() == typed.lower()
    assert bench.resolve("github:repo/Example-Payments/SHOP").ref.id == "example-payments/shop"


def test_what_is_hidden_or_absent_is_never_called_gone(bench: Bench) -> None:
    """Facts 2.4, 13."""
    with pytest.raises(Missing, match="may not see it"):
        bench.resolve("github:repo/example-payments/nothing")


def test_what_is_typed_prints_back() -> None:
    for text in ("app/payments-bot", "user/octo-cat", "repo/o/r.js", "org/x", "oauth/Iv1.0123456789abcdef"):
        assert str(parse_ref(text)) == f"github:{text}"
    for text in ("repo/o", "user/-x", "gist/1", "app/"):
        assert parse_ref(text) is None
    assert PrincipalRef.parse("github:repo/o/r") == PrincipalRef("github", "repo", "o/r")


def test_looking_changes_nothing(bench: Bench) -> None:
    bench.collect(APP)
    bench.collect(USER)
    assert bench.writes() == []
