"""Every sample is recognised as exactly what it is, by exactly one provider; no look-alike by any. 0 false."""

from __future__ import annotations

import pytest

from nhi_revoke.provider.recognised import Recognised
from tests.triage.corpus import everybody, lookalikes, modules, samples
from tests.triage.sample import LookAlike, Sample

OF_ALL_VENDORS = {"samples_aws", "samples_entra", "samples_gcp", "samples_github", "samples_okta"}


def recognised(text: str) -> list[tuple[str, Recognised]]:
    registry = everybody()
    return [(name, found) for name in registry.names() for found in registry.provider(name).recognise(text)]


def named(each: Sample | LookAlike) -> str:
    return each.name


@pytest.mark.parametrize("sample", samples(), ids=named)
def test_a_sample_is_recognised_as_what_it_is(sample: Sample) -> None:
    [(provider, found)] = recognised(sample.text)
    assert provider == sample.kind.partition(":")[0]
    assert (found.leak.kind, found.leak.public_id) == (sample.kind, sample.public_id)
    assert str(found.leak.owner or "") == sample.owner
    assert (found.value.reveal() if found.value else "") == sample.value
    assert 0 <= found.start < found.end <= len(sample.text)
    if sample.value and "\n" not in sample.value and sample.value in sample.text:
        assert sample.value in sample.text[found.start : found.end], "what is masked leaves the value out"
        assert sample.value not in f"{found.leak} {found!r}"


@pytest.mark.parametrize("sample", samples(), ids=named)
def test_a_sample_is_found_in_the_middle_of_a_log(sample: Sample) -> None:
    before, after = "2026-11-23T12:00:00Z INFO started worker 17\n", "\n2026-11-23T12:00:01Z INFO done in 12 ms\n"
    [(_, found)] = recognised(f"{before}{sample.text}{after}")
    assert (found.leak.kind, found.leak.public_id) == (sample.kind, sample.public_id)
    assert found.start >= len(before)


def test_no_look_alike_is_recognised_by_anybody() -> None:
    wrong = {each.name: found for each in lookalikes() if (found := recognised(each.text))}
    assert not wrong, {name: [leak.leak.kind for _, leak in found] for name, found in wrong.items()}


def test_names_are_unique() -> None:
    names = [*map(named, samples()), *map(named, lookalikes())]
    assert len(set(names)) == len(names)


def test_there_are_enough_of_both() -> None:
    """Counted over all vendors, each of which has its module."""
    assert {module.__name__.rpartition(".")[2] for module in modules()} >= OF_ALL_VENDORS
    assert len(samples()) >= 60
    assert len(lookalikes()) >= 200
