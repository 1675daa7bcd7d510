"""Every sample is recognised by its vendor alone, exactly, where it stands; and no look-alike by anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nhi_revoke.provider.contract import Provider
from nhi_revoke_aws import provider as aws
from nhi_revoke_entra import provider as entra
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_github import provider as github
from nhi_revoke_okta import provider as okta

from . import samples_entra, samples_gcp, samples_github, samples_okta
from .sample import Sample

FIVE: tuple[Provider[Any], ...] = (aws, entra, gcp, github, okta)
CORPORA = (samples_entra, samples_gcp, samples_github, samples_okta)
SAMPLES = [each for corpus in CORPORA for each in corpus.SAMPLES]
LOOKALIKES = [each for corpus in CORPORA for each in corpus.LOOKALIKES]


def recognised(text: str) -> Mapping[str, list[Any]]:
    found = {provider.name: list(provider.recognise(text)) for provider in FIVE}
    return {name: each for name, each in found.items() if each}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_a_sample_is_recognised_by_its_vendor_alone(sample: Sample) -> None:
    vendor = sample.kind.partition(":")[0]
    told = recognised(sample.text)
    assert list(told) == [vendor]
    [found] = told[vendor]
    assert (found.leak.kind, found.leak.public_id) == (sample.kind, sample.public_id)
    assert str(found.leak.owner or "") == sample.owner
    assert (found.value.reveal() if found.value else "") == sample.value
    shown = sample.text[found.start : found.end]
    spellings = (sample.value or sample.public_id, sample.value.replace("\n", "\\n"))
    assert shown in spellings or sample.value not in sample.text, "in another spelling the whole file is the place"
    if sample.value:
        assert sample.value not in repr(found)


def test_what_only_looks_like_one_is_none() -> None:
    assert not {each.name: list(told) for each in LOOKALIKES if (told := recognised(each.text))}


def test_a_text_with_all_of_them_gives_each_at_its_place() -> None:
    """Other credentials around one change nothing of it, but for whose it may be."""
    samples = [each for each in SAMPLES if each.value and not each.owner]
    text = "\n\n".join(each.text for each in samples)
    told = {(found.leak.kind, found.leak.public_id) for each in recognised(text).values() for found in each}
    plain = [each for each in samples if each.kind not in ("gcp:hmac-key", "gcp:oauth-client-secret")]
    assert not {(each.kind, each.public_id) for each in plain} - told


def test_the_corpus_is_large_enough() -> None:
    assert all(len(corpus.SAMPLES) >= 12 and len(corpus.LOOKALIKES) >= 50 for corpus in CORPORA)
    assert len(SAMPLES) >= 60
    names = [each.name for each in (*SAMPLES, *LOOKALIKES)]
    assert len(names) == len(set(names))
    texts = [each.text for each in LOOKALIKES]
    assert len(texts) == len(set(texts))
