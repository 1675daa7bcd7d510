"""How many requests an organisation of many repositories takes: one for each repository, and none twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.github_deploy_keys import KEYS, LIMIT, NAME, WHO, Listed, busiest, listed, organisation
from nhi_revoke_github.access.run import MOST_REPOSITORIES
from nhi_revoke_github.connection import PAGE
from nhi_revoke_github.repositories import BULK, WALK

REPOSITORIES, RUNS = "GET /orgs/<org>/repos", "GET /repos/<owner>/<repo>/actions/runs"


def rest(seen: Listed, repositories: int, page: int) -> Counter[str]:
    """What does not grow with them: each once."""
    assert seen.requests[KEYS] == repositories
    assert seen.requests[REPOSITORIES] == -(-repositories // page) + -(-(MOST_REPOSITORIES + 1) // page), (
        "each page, and those that were pushed to last"
    )
    assert seen.requests[RUNS] == MOST_REPOSITORIES
    others = Counter({n: c for n, c in seen.requests.items() if n not in (KEYS, REPOSITORIES, RUNS)})
    assert set(others.values()) == {1}, others
    return others


def test_a_list_grows_with_repositories_alone(tmp_path: Path) -> None:
    with organisation(tmp_path, 120) as (sandbox, keys):
        seen = listed(sandbox, tmp_path, 0.0)
    assert seen.keys == keys
    others = rest(seen, 120, PAGE)
    assert len(others) + seen.requests[REPOSITORIES] < LIMIT - BULK, "what is asked singly fits beside what is paced"
    assert seen.requests.total() < LIMIT


def test_an_audit_grows_with_repositories_alone_and_a_find_with_nothing(tmp_path: Path) -> None:
    page = 20
    with organisation(tmp_path, 220) as (sandbox, keys):
        sandbox.page_size(page)
        seen = listed(sandbox, tmp_path, 0.0, ("audit", WHO, "--no-logs"))
        found = listed(sandbox, tmp_path, 0.0, ("find", NAME), (0, 8, 9))
    assert seen.keys == keys
    rest(seen, 220, page)
    assert found.requests.total() <= 8, found.requests
    assert not {KEYS, REPOSITORIES, RUNS} & set(found.requests)


@pytest.mark.parametrize("most", [WALK, BULK])
def test_what_is_paced_leaves_room_in_githubs_minute(most: int) -> None:
    assert most < LIMIT
    assert busiest([0.0, 10.0, 59.9, 60.0, 60.1], 60.0) == 4
