"""A campaign that other people signed: each plan whole or not at all, and each run asks again who agreed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from nhi_revoke.campaign import control
from nhi_revoke.campaign.database import Database
from nhi_revoke.campaign.item import Course, Header
from nhi_revoke.model.approval import Approval, Signer
from tests.campaign.fleet import INTENT, NOON, YES, Fleet, column, states, whole

SIGNED = Approval(1, (Signer("alice@example.com", "SHA256:a"),), "0" * 64)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.open(tmp_path / "state")
    yield made
    made.close()


def begun(fleet: Fleet, database: Database, approval: Approval | None) -> str:
    items = fleet.items()
    header = Header(NOON, INTENT, ("example:bot/responder",), "fleet.csv", len(items), "0" * 64)
    course = Course(canary=0, wave=0, stop_on_failures=0)
    return control.start(database, header, items, course, replace(YES, approval=approval))


@pytest.mark.parametrize(("approval", "state"), [(SIGNED, "refused"), (None, "done")], ids=["signed", "not demanded"])
def test_what_was_approved_is_carried_out_whole_or_not_at_all(
    tmp_path: Path, database: Database, approval: Approval | None, state: str
) -> None:
    """Somebody ends one of two tokens by hand, after everybody had agreed to end both."""
    with Fleet(tmp_path, 2) as fleet:
        other = fleet.cloud.create_token("bot-000", "second", NOON, lag=0)
        campaign = begun(fleet, database, approval)
        fleet.cloud.delete_token("bot-000", other.id, fleet.sandbox.now())
        fleet.work(database)
        assert states(database, campaign) == [state, "done"]
        assert fleet.works("bot-000") == (state == "refused")
        assert not fleet.works("bot-001")
        why = column(database, campaign, "why")[0]
        assert ("what was approved is to be approved again" in why) == (state == "refused")
        for report in whole(fleet, database, campaign):
            assert report.approval == approval


def test_where_nobody_agreed_each_run_refuses(tmp_path: Path, database: Database) -> None:
    """A worker whose nhi.toml demands more than the campaign has: it goes by its own."""
    with Fleet(tmp_path, 2) as fleet:
        campaign = begun(fleet, database, SIGNED)
        (tmp_path / "approvers").write_text("")
        fleet.more = f'[approval]\nrequired = 2\nallowed_signers = "{tmp_path / "approvers"}"\n'
        fleet.work(database)
        assert states(database, campaign) == ["refused", "refused"]
        assert "demands" in column(database, campaign, "why")[0]
        assert not fleet.changes
