"""The AWS provider under the conformance kit, with its store, on the bundled sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest

from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_aws import provider as aws
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from nhi_revoke_aws.sandbox.seed import OPERATOR
from tests.conformance.kept_sandbox import LINKED, LINKED_PATH, KeptSandbox
from tests.conformance.tally import CountedWorld, Tally

MANAGED = f"aws:arn:aws:iam::{ACCOUNT}:role{LINKED_PATH}{LINKED}"
RESPONDER = f"aws:arn:aws:iam::{ACCOUNT}:user/{OPERATOR}"


@pytest.fixture(scope="module")
def vendors_models() -> Iterator[None]:
    """botocore's service models are read from disk once, not once for each engine: nothing else is shared."""
    shared = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *_: shared)
        yield


@pytest.fixture(scope="class")  # one sandbox at a time in a process
def sandbox(vendors_models: None) -> Iterator[KeptSandbox]:
    kept = KeptSandbox()
    yield kept
    kept.shut()


@pytest.fixture(scope="class")
def everything(vendors_models: None) -> Iterator[KeptSandbox]:
    kept = KeptSandbox(everything=True)
    yield kept
    kept.shut()


class TestAws(Conformance):
    """What takes many runs is tried on a spread of places: the kinds are many, and each has tests of its own."""

    kill_points = 16
    processes = 6
    faults = 30
    withheld = 16
    listings = 10

    @pytest.fixture
    def world(self, tmp_path: Path, sandbox: KeptSandbox, tally: Tally) -> Iterator[World]:
        tally.counts["checks run"] += 1
        ordered = sandbox.faults_ordered
        with CountedWorld(
            aws,
            tmp_path,
            managed=MANAGED,
            operator=RESPONDER,
            environ={"NHI_REVOKE_PROVIDERS": "aws"},
            make_sandbox=lambda: sandbox,
            tally=tally,
        ) as world:
            yield world
        tally.counts["faults tried"] += sandbox.faults_ordered - ordered

    def test_11_doors_of_one_whole_run(self, world: CountedWorld, tally: Tally) -> None:
        """The figures that a release quotes: every door planted, shut, left as the report says, none mispredicted."""
        before = world.doors()
        report = world.run()
        world.count_doors(report, before, world.doors())
        assert tally.counts["doors planted"] >= 8
        assert tally.counts["doors mispredicted"] == 0
        assert {
            "aws:access-key",
            "aws:login-profile",
            "aws:user-session",
            "aws:role-session",
            "aws:role-trust",
        } <= tally.kinds


class TestAwsEverything(Conformance):
    """Every kind that the sandbox can seed, at once, in a few places of each check."""

    kill_points = 6
    processes = 2
    faults = 12
    withheld = 4

    @pytest.fixture
    def world(self, tmp_path: Path, everything: KeptSandbox) -> Iterator[World]:
        with World(
            aws,
            tmp_path,
            managed=MANAGED,
            operator=RESPONDER,
            environ={"NHI_REVOKE_PROVIDERS": "aws"},
            make_sandbox=lambda: everything,
        ) as world:
            yield world
