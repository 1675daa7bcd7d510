"""Each credential once, in all its places; what nobody knows by its place alone. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.registry import Registry
from nhi_revoke.testing.conformance.world import Loaded
from nhi_revoke.triage.reading import read
from nhi_revoke.triage.recognising import Recognition, recognise
from nhi_revoke_example import Example
from tests.triage.corpus import everybody, samples
from tests.triage.samples_aws import key_id, secret
from tests.triage.test_reading import VALUE, hog, leak


def found(text: str) -> Recognition:
    return recognise(read(text), everybody())


def lines(text: str) -> list[int]:
    return [each.place.line for each in found(text).strange]


def test_the_same_one_twice_is_one_in_two_places() -> None:
    seen = found(f"a {VALUE}\nb\nc {VALUE}\n")
    [sighting] = seen.sightings
    assert [place.line for place in sighting.places] == [1, 3]
    assert [kind.kind for kind, _ in sighting.handed] == ["example:token"]


def test_it_is_one_over_the_findings_of_a_report() -> None:
    rows = [leak(VALUE), leak(VALUE, File="b.py"), leak(VALUE, File="b.py")]
    [sighting] = found(json.dumps(rows)).sightings
    assert [place.file for place in sighting.places] == ["app/.env", "b.py"]


def test_an_id_without_its_secret_is_the_one_that_stands_with_it_elsewhere() -> None:
    text = f"{key_id(1)}\n" + "x\n" * 300 + f"{key_id(1)}:{secret(1)}\n"
    [sighting] = found(text).sightings
    assert sighting.found.value is not None
    assert len(sighting.places) == 2


def test_one_id_with_two_secrets_is_two() -> None:
    """Which of them is its secret, nothing but a try tells."""
    gap = "x\n" * 300
    seen = found(f"{key_id(1)}:{secret(1)}\n{gap}{key_id(1)}:{secret(2)}\n").sightings
    assert len(seen) == 2


def test_an_id_and_a_secret_of_two_findings_are_one_credential() -> None:
    rows = [leak(key_id(3), StartLine=7), leak(secret(3), f'key = "{secret(3)}"', StartLine=8)]
    seen = found(json.dumps(rows))
    [sighting] = seen.sightings
    assert sighting.found.value is not None
    assert sighting.found.value.reveal() == secret(3)
    assert not seen.strange


@pytest.mark.parametrize("joined", ["{id}:{secret}", "{id}{secret}"])
def test_a_key_of_trufflehog(joined: str) -> None:
    both = joined.format(id=key_id(4), secret=secret(4))
    [sighting] = found(json.dumps(hog(key_id(4), both))).sightings
    assert sighting.found.value is not None
    assert sighting.found.value.reveal() == secret(4)


def test_lines_that_look_like_a_credential_are_told_by_their_numbers() -> None:
    text = (
        "words of nothing secret\n"
        "xoxb-strange-canary-1234567890\n"
        f"{VALUE}\n"
        "short\n"
        'api_key = "abcdefghijklmnopqrst"\n'
        "password: short\n"
        "password=correct-horse-battery-staple and more\n"
        "TENANT_ID=6c0b3f5e-1111-2222-3333-444455556666\n"
        "https://forge.example/a/long/path/of/no/secret\n"
        "2026-11-23T12:00:00+00:00\n"
        "https://someone:hidden@forge.example/path\n"
    )
    assert lines(text) == [2, 5, 7, 11]


def test_of_a_private_key_in_armour_the_first_line_is_told() -> None:
    body = "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj" + str(n) for n in range(5))
    private = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    assert lines(f"a\n{private}after it\nxoxb-strange-canary-1234567890\n") == [2, 10]
    assert lines(private.replace("PRIVATE KEY", "CERTIFICATE")) == []


def test_lines_of_one_that_was_recognised_are_not_told_again() -> None:
    for sample in samples():
        if sample.value:
            assert lines(sample.text) == [], sample.name


def test_a_finding_that_nobody_knows_is_told_with_its_detector() -> None:
    seen = found(json.dumps([leak(VALUE), leak("xoxb-strange", RuleID="slack-bot-token", StartLine=90)]))
    [strange] = seen.strange
    assert (strange.place.detector, strange.place.line, strange.censored) == ("slack-bot-token", 90, False)


def test_values_are_known_for_masking_and_in_no_repr() -> None:
    seen = found(f"{VALUE}\n{key_id(1)}:{secret(1)}\nxoxb-strange-canary-1234567890\n")
    assert {VALUE, secret(1), "xoxb-strange-canary-1234567890"} <= set(seen.values)
    assert key_id(1) not in seen.values, "an id is no secret"
    assert not [value for value in seen.values if value in repr(seen)]


class Broken(Example):
    """Its message holds what it was asked about."""

    def recognise(self, text: str) -> Iterable[Recognised]:
        raise ValueError(text)


def test_a_provider_that_fails_is_told_and_hides_nothing_of_the_others() -> None:
    aws = everybody().provider("aws")
    registry = Registry([Loaded("example", Broken()), Loaded("aws", aws)])
    seen = recognise(read(f"{VALUE}\n{key_id(1)}:{secret(1)}\n"), registry)
    assert [each.provider for each in seen.sightings] == ["aws"]
    assert seen.unasked == ("example (a bug in it: report it)",)
    assert [each.place.line for each in seen.strange] == [1]
