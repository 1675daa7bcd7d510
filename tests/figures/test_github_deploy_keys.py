"""How many requests one user's deploy keys take in an organisation: one for each repository, and none twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.github_deploy_keys import KEYS, LIMIT, busiest, listed, organisation
from nhi_revoke_github.access.run import MOST_REPOSITORIES
from nhi_revoke_github.access.run_cut import STATUSES
from nhi_revoke_github.connection import PAGE
from nhi_revoke_github.repositories import BULK, WALK

REPOSITORIES, RUNS = "GET /orgs/<org>/repos", "GET /repos/<owner>/<repo>/actions/runs"


@pytest.mark.parametrize("repositories", [120, 220])
def test_requests_grow_with_repositories_alone(tmp_path: Path, repositories: int) -> None:
    with organisation(tmp_path, repositories) as (sandbox, keys):
        seen = listed(sandbox, tmp_path, 0.0)
    assert seen.keys == keys
    assert seen.requests[KEYS] == repositories
    assert seen.requests[REPOSITORIES] == -(-repositories // PAGE) + 1, "each page, and those that were pushed to last"
    assert seen.requests[RUNS] == MOST_REPOSITORIES * len(STATUSES)
    rest = {n: c for n, c in seen.requests.items() if n not in (KEYS, REPOSITORIES, RUNS)}
    assert set(rest.values()) == {1}, rest
    assert len(rest) + seen.requests[REPOSITORIES] < LIMIT - BULK, "what is asked one by one fits beside what is paced"
    assert seen.requests.total() < LIMIT


def test_what_is_paced_leaves_room_in_githubs_minute() -> None:
    assert WALK < BULK < LIMIT
    assert busiest([0.0, 10.0, 59.9, 60.0, 60.1], 60.0) == 4
