"""How many requests it takes to find and list one app among many: as many as among few."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.entra_applications import found, let_in, listed, looked, tenant
from nhi_revoke_entra.batch import MOST
from nhi_revoke_entra.lookup import PAGE

BATCH, APPS, PRINCIPALS = "POST /beta/$batch", "GET /v1.0/applications", "GET /v1.0/servicePrincipals"


def test_requests_of_one_app_do_not_grow_with_the_tenant(tmp_path: Path) -> None:
    asked: list[Counter[str]] = []
    for applications in (10, 1500):
        folder = tmp_path / str(applications)
        folder.mkdir()
        with tenant(folder, applications) as (entra, _):
            by_name, inventory = (looked(entra, folder, 0.0, look) for look in (found, listed))
        assert by_name.brought == 1
        assert len(by_name.passed) <= 8, "a token, pages of names that begin alike, tags, and what the candidate trusts"
        assert inventory.brought > 10
        asked.append(inventory.requests)
    few, many = asked
    # How often one thing is asked for depends on who asks at once; what is asked for does not.
    assert set(few) == set(many)
    assert (many[APPS], many[PRINCIPALS]) == (few[APPS], few[PRINCIPALS]) == (1, 1)
    assert many.total() < 35


@pytest.mark.parametrize("applications", [30, 1010])
def test_the_federated_credentials_of_all_apps_are_asked_twenty_at_a_time(tmp_path: Path, applications: int) -> None:
    with tenant(tmp_path, applications) as (entra, lets_in):
        seen = looked(entra, tmp_path, 0.0, let_in)
    assert seen.brought == lets_in > 0
    assert seen.requests[BATCH] == -(-applications // MOST)
    assert seen.requests[APPS] == -(-applications // PAGE)
    rest = sum(seen.requests.values()) - seen.requests[BATCH] - seen.requests[APPS]
    assert rest == 4, "two tokens, and the managed identities of one subscription"
