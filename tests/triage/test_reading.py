"""Scanners' reports in their real shapes, and everything else as the text that it is. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.triage import Place
from nhi_revoke.triage.reading import read

VALUE = "tok_9001.canary-token-9001-8c1f"


def hog(raw: str, both: str = "", **more: Any) -> dict[str, Any]:
    """As TruffleHog 3 prints one result."""
    return {
        "SourceMetadata": {"Data": {"Git": {"commit": "c0ffee", "file": "src/a.py", "repository": "r", "line": 12}}},
        "SourceID": 1,
        "SourceType": 16,
        "SourceName": "trufflehog - git",
        "DetectorType": 2,
        "DetectorName": "AWS",
        "DecoderName": "PLAIN",
        "Verified": False,
        "Raw": raw,
        "RawV2": both,
        "Redacted": raw,
        "ExtraData": {"account": "111122223333"},
        "StructuredData": None,
        **more,
    }


def leak(secret: str, match: str = "", **more: Any) -> dict[str, Any]:
    """As gitleaks 8 writes one finding."""
    return {
        "RuleID": "generic-api-key",
        "Description": "Generic API Key",
        "StartLine": 7,
        "EndLine": 7,
        "StartColumn": 2,
        "EndColumn": 60,
        "Match": match or secret,
        "Secret": secret,
        "File": "app/.env",
        "SymlinkFile": "",
        "Commit": "c0ffee",
        "Entropy": 4.1,
        "Author": "a",
        "Email": "a@example.com",
        "Date": "2026-11-20T10:00:00Z",
        "Message": "m",
        "Tags": [],
        "Fingerprint": "c0ffee:app/.env:generic-api-key:7",
        **more,
    }


def shield(*occurrences: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As ggshield writes a scan of one file."""
    incident = {
        "type": "AWS Keys",
        "policy": "Secrets detection",
        "validity": "valid",
        "ignore_sha": "00",
        "occurrences": list(occurrences),
        "total_occurrences": len(occurrences),
    }
    entity = {"mode": "FILE", "filename": "conf/a.ini", "incidents": [incident], "total_incidents": 1}
    return {"id": "a", "type": "path_scan", "entities_with_incidents": [entity], "total_incidents": 1, **more}


def occurrence(match: str, kind: str = "apikey", line: int = 4) -> dict[str, Any]:
    return {"match": match, "type": kind, "line_start": line, "line_end": line, "index_start": 1, "index_end": 9}


def test_a_text_is_one_piece_with_the_numbers_of_its_lines() -> None:
    read_text = read(f"one\ntwo {VALUE}\n")
    [piece] = read_text.fragments
    assert (read_text.format, piece.text) == ("text", f"one\ntwo {VALUE}\n")
    assert piece.place(0) == Place(line=1)
    assert piece.place(piece.text.index("tok_")) == Place(line=2)


def test_a_byte_order_mark_is_no_part_of_it() -> None:
    assert read("\ufeff" + json.dumps([leak(VALUE)])).format == "gitleaks"


def test_trufflehog_a_result_a_line_between_its_log_lines() -> None:
    log = json.dumps({"level": "info-0", "ts": "2026-11-23T12:00:00Z", "msg": "finished scanning"})
    found = read("\n".join([log, json.dumps(hog(VALUE, Verified=True)), "not json", log]))
    [piece] = found.fragments
    assert found.format == "trufflehog"
    assert piece.text == VALUE
    assert piece.place(0) == Place("src/a.py", 12, "c0ffee", "AWS", "verified")


@pytest.mark.parametrize(
    ("raw", "both", "text"),
    [
        ("ID", "ID:SECRET", "ID\nSECRET"),
        ("ID", "IDSECRET", "ID\nSECRET"),
        ("SECRET", "ID SECRET", "SECRET\nID SECRET"),
        ("SAME", "SAME", "SAME"),
        ("", "BOTH", "BOTH"),
    ],
)
def test_trufflehog_two_parts_are_taken_apart(raw: str, both: str, text: str) -> None:
    assert read(json.dumps(hog(raw, both))).fragments[0].text == text


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"Filesystem": {"file": "b.py", "line": 3}}, ("b.py", 3)),
        ({"Github": {"link": "https://forge.example/r", "file": "c.py", "line": "9"}}, ("c.py", 9)),
        ({"Docker": {"image": "i", "layer": "sha256:1", "file": "/etc/x"}}, ("/etc/x", 0)),
        ({"Slack": {"channel_name": "ops", "link": "https://chat.example/1"}}, ("https://chat.example/1", 0)),
        ({"Stdin": {}}, ("", 0)),
        ({}, ("", 0)),
        ([], ("", 0)),
        (None, ("", 0)),
    ],
)
def test_trufflehog_places_of_other_sources(data: Any, place: tuple[str, int]) -> None:
    found = read(json.dumps([hog(VALUE, SourceMetadata={"Data": data})])).fragments[0].place(0)
    assert (found.file, found.line) == place


def test_gitleaks_the_words_around_a_secret_are_kept() -> None:
    found = read(json.dumps([leak("s3cr3t", 'token = "s3cr3t"')]))
    [piece] = found.fragments
    assert piece.text == 'token = "s3cr3t"'
    assert piece.place(0) == Place("app/.env", 7, "c0ffee", "generic-api-key")
    assert read(json.dumps([leak("s3cr3t", "elsewhere")])).fragments[0].text == "elsewhere\ns3cr3t"


def test_gitleaks_findings_of_one_place_are_read_together() -> None:
    """An id and its secret are found by two rules."""
    near = [leak("ID", RuleID="aws-access-token", StartLine=7), leak("SECRET", StartLine=8)]
    far = [
        leak("FAR", StartLine=90),
        leak("OTHER", File="b.py", StartLine=9),
        leak("LATER", Commit="beef", StartLine=9),
    ]
    found = read(json.dumps([far[0], near[1], *far[1:], near[0]]))
    assert sorted(piece.text for piece in found.fragments) == ["FAR", "ID\nSECRET", "LATER", "OTHER"]
    piece = next(each for each in found.fragments if "ID" in each.text)
    assert [piece.place(at).line for at in (0, 1, 3, 8)] == [7, 7, 8, 8]


@pytest.mark.parametrize("secret", ["REDACTED", "REDACT", "tok_9..."])
def test_gitleaks_redacted_is_said_to_be(secret: str) -> None:
    found = read(json.dumps([leak(secret, f"token = {secret}")]))
    assert not found.fragments
    assert found.censored == (Place("app/.env", 7, "c0ffee", "generic-api-key"),)


def test_ggshield_parts_of_a_secret_stand_together_and_each_place_by_itself() -> None:
    parts = (occurrence("ID", "client_id", 4), occurrence("SECRET", "client_secret", 5))
    again = (occurrence("ID", "client_id", 40), occurrence("SECRET", "client_secret", 41))
    found = read(json.dumps(shield(*parts, *again)))
    assert found.format == "ggshield"
    assert [(p.text, p.place(0).line) for p in found.fragments] == [("ID\nSECRET", 4), ("ID\nSECRET", 40)]
    assert found.fragments[0].place(0) == Place("conf/a.ini", 4, "", "AWS Keys", "valid")


def test_ggshield_scans_in_scans() -> None:
    whole = {"id": "r", "type": "commit-range", "scans": [shield(occurrence(VALUE))], "total_incidents": 1}
    assert [p.text for p in read(json.dumps(whole)).fragments] == [VALUE]


def test_ggshield_censors_unless_told_otherwise() -> None:
    found = read(json.dumps(shield(occurrence("tok_9*********************8c1f"))))
    assert (found.fragments, found.censored) == ((), (Place("conf/a.ini", 4, "", "AWS Keys", "valid"),))


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "tok_9001.canary-token-9001-8c1f"}',
        "[]",
        "[1, 2]",
        '{"type": "service_account", "private_key": "x"}',
        '[{"RuleID": "x"}]',
        '{"DetectorName": "x"}',
        "{not json",
        "[" * 100_000,
        '{"a": ' * 50_000,
    ],
)
def test_json_of_another_shape_is_a_text(text: str) -> None:
    found = read(text)
    assert (found.format, found.fragments[0].text) == ("text", text)


@pytest.mark.parametrize("wrong", [None, 7, True, [], {}, -3, "9" * 20])
def test_fields_that_hold_something_else_are_passed_over(wrong: Any) -> None:
    """Anybody may have written the report."""
    rows: list[Any] = [
        [hog(VALUE, SourceMetadata=wrong, DetectorName=wrong, Verified=wrong)],
        [leak(VALUE, StartLine=wrong, File=wrong, Commit=wrong)],
        shield({**occurrence(VALUE), "line_start": wrong, "type": wrong}),
    ]
    for row in rows:
        assert VALUE in read(json.dumps(row)).fragments[0].text
    assert not read(json.dumps(shield(occurrence(VALUE), entities_with_incidents=wrong))).fragments or wrong is None


def test_no_repr_holds_what_was_read() -> None:
    assert "canary" not in repr(read(VALUE))
    assert "canary" not in repr(read(json.dumps([leak(VALUE)])))
