"""What `find --consumers` asks of GitHub, and what its sandbox answers, against GitHub's own description."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.github_wire import described, recorded
from tests.contract.test_github_openapi import ERRORS, NOT_IN_THE_COPY, OF_CONSUMERS, nameless
from tests.github.conftest import Bench
from tests.github.conftest import bench as bench  # a fixture
from tests.github.test_consumers import look, plant

pytestmark = pytest.mark.contract


def test_every_request_and_every_answer_is_as_described(bench: Bench, tmp_path: Path) -> None:
    description = described(tmp_path)
    plant(bench)
    with recorded() as exchanges:
        look(bench)
        bench.sandbox.page_size(1)
        look(bench)
        bench.sandbox.allow_only(["metadata:read"])
        look(bench)
    wrong: set[str] = set()
    unknown: set[str] = set()
    for asked in exchanges:
        if description.operation(asked.method, asked.path):
            wrong |= {*description.wrong_request(asked), *description.wrong_answer(asked, ERRORS)}
        else:
            unknown.add(nameless(asked))
    assert wrong == set()
    assert unknown <= {*NOT_IN_THE_COPY, *OF_CONSUMERS}
    assert set(OF_CONSUMERS) - unknown == {"GET /orgs/*/actions/variables/*/repositories"}
    known = {operation.name for each in exchanges if (operation := description.operation(each.method, each.path))}
    assert "GET /repos/{owner}/{repo}/actions/variables" in known
    assert {each.method for each in exchanges} == {"GET"}
