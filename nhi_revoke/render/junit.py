"""An audit as JUnit XML: an identity is a test suite, what was looked at is a test case each.

What fails is a failure, what could not be seen an error, what was accepted is skipped; the rest passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nhi_revoke.model.audit import FINDINGS, Examined, Judged
from nhi_revoke.render.audit import because
from nhi_revoke.render.clean import clean

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

_ERRORS = ("unseen", "unknown-use")


def junit_xml(each: Sequence[Examined], at: datetime) -> str:
    """`at`: when the look began, UTC. Control characters of names are shown as escapes: XML has no place for them."""
    from junitparser import JUnitXml

    whole = JUnitXml("nhi-revoke audit")
    for one in each:
        whole.add_testsuite(_suite(one, at))
    written: bytes | str = whole.tostring()
    return (written.decode() if isinstance(written, bytes) else written).rstrip("\n") + "\n"


def _suite(one: Examined, at: datetime) -> TestSuite:
    from junitparser import Error, TestCase, TestSuite

    suite = TestSuite(clean(one.name))
    suite.timestamp = (one.inventory.at if one.inventory else at).astimezone(UTC).isoformat()
    if one.inventory is None:
        case = TestCase("look", clean(one.name))
        error = Error(clean(one.why), clean(one.code))
        error.text = clean(one.hint)
        case.result = [error]
        suite.add_testcase(case)
    for judged in one.judged:
        suite.add_testcase(_case(one, judged))
    suite.update_statistics()
    return suite


def _case(one: Examined, judged: Judged) -> TestCase:
    from junitparser import Error, Failure, Skipped, TestCase

    name = f"{judged.sort} {judged.id}" if judged.sort != "access" else judged.id
    case = TestCase(clean(name), clean(judged.on or one.name))
    said = clean(f"{judged.verdict}: {judged.what}")
    if judged.verdict == "accepted":
        case.result = [Skipped(clean(f"accepted: {because(judged)}"))]
    elif judged.fails:
        result = (Error if judged.verdict in _ERRORS else Failure)(said, clean(judged.verdict))
        result.text = clean(judged.note)
        case.result = [result]
    elif judged.verdict in FINDINGS:
        case.system_out = f"{said} (--fail-on does not name it)"
    else:
        case.system_out = said
    return case
