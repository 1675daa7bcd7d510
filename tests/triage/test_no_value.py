"""Whatever is handed over, in whatever form: no output holds a value of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.triage.conftest import Desk
from tests.triage.corpus import everybody, samples
from tests.triage.sample import Sample
from tests.triage.test_reading import hog, leak, occurrence, shield

WITH_VALUE = [each for each in samples() if each.value]
UNKNOWN = "xoxb-strange-canary-1234567890"


def as_hogs(chosen: list[Sample]) -> str:
    rows = [hog(each.text, Redacted=each.value, DetectorName=f"AWS {each.value}") for each in chosen]
    return "\n".join(json.dumps(row) for row in rows)


def as_leaks(chosen: list[Sample]) -> str:
    rows: list[dict[str, Any]] = []
    for number, each in enumerate(chosen):
        rows.append(leak(each.value, each.text, StartLine=1 + 50 * number, File=f"f/{each.value}", Commit=each.value))
    return json.dumps(rows)


def as_shield(chosen: list[Sample]) -> str:
    return json.dumps(shield(*(occurrence(each.text, f"kind {each.name}") for each in chosen)))


def as_text(chosen: list[Sample]) -> str:
    return "\n\n".join(each.text for each in chosen) + f"\n{UNKNOWN}\n"


def as_curl(chosen: list[Sample]) -> str:
    return " ".join(f"-H '{each.text}'" for each in chosen)


FORMS = st.sampled_from([as_hogs, as_leaks, as_shield, as_text, as_curl])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    chosen=st.lists(st.sampled_from(WITH_VALUE), min_size=1, max_size=4, unique=True),
    form=FORMS,
    output=st.sampled_from(["table", "json", "csv", "ndjson"]),
    more=st.sampled_from([(), ("--debug",), ("-v",)]),
)
def test_no_output_holds_a_value(
    still: Desk, chosen: list[Sample], form: Any, output: str, more: tuple[str, ...]
) -> None:
    still.registry = everybody()
    ran = still("triage", "--offline", "-o", output, *more, piped=form(chosen))
    assert ran.code in (3, 9)
    still.nowhere(ran, *(each.value for each in chosen), UNKNOWN)
