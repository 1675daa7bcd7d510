"""What `find --consumers` asks of Google Cloud, and what its sandbox answers, against Google's descriptions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from nhi_revoke_gcp.sandbox.gate import GcpGate
from tests.contract.discovery import Exchange, method_of, wrong
from tests.gcp.conftest import Bench
from tests.gcp.conftest import bench as bench  # a fixture
from tests.gcp.test_consumers import look, plant, sought

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.contract


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    found: list[Exchange] = []
    good = GcpGate.__call__

    def recorded(self: GcpGate, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body: bytes = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        said: list[str] = []

        def start(status: str, headers: Any, *more: Any) -> Any:
            said.append(status)
            return start_response(status, headers, *more)

        answer = b"".join(good(self, environ, start))
        if not environ["PATH_INFO"].startswith("/token"):
            url = f"http://{environ['SERVER_NAME']}{environ['RAW_URI']}"
            read = json.loads(body) if body else None
            told = json.loads(answer or b"{}")
            found.append(Exchange(environ["REQUEST_METHOD"], url, read, int(said[0].split()[0]), told))
        return [answer]

    monkeypatch.setattr(GcpGate, "__call__", recorded)
    return found


def test_every_request_and_every_answer_is_as_google_describes_it(exchanges: list[Exchange], bench: Bench) -> None:
    plant(bench)
    what = sought(bench)
    exchanges.clear()
    look(bench, what)
    bench.sandbox.page_size(1)
    look(bench, what)
    bench.sandbox.allow_only([])
    look(bench, what)
    assert sorted({line for each in exchanges for line in wrong(each)}) == []
    asked = {method.id for each in exchanges if (method := method_of(each)) is not None and each.status < 400}
    assert asked >= {
        "cloudresourcemanager.projects.search",
        "compute.instances.aggregatedList",
        "policyanalyzer.projects.locations.activityTypes.activities.query",
        "run.namespaces.jobs.list",
        "run.namespaces.services.list",
        "run.namespaces.workerpools.list",
        "secretmanager.projects.secrets.list",
    }
    assert [each.url for each in exchanges if method_of(each) is None] == []
