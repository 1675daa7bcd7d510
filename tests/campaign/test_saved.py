"""A saved campaign is private, read item by item, and refused when a byte of it changed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from nhi_revoke.campaign.item import Blast, Entry, Header, Item, Tenant
from nhi_revoke.campaign.saved import may_save, read_header, read_items, save
from nhi_revoke.model.error import Refused, Trouble, Usage
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOT = PrincipalRef("x", "bot", "a")
PLAN = Plan(Identity("a", (BOT,)), Intent(), NOON, (), ())
ITEMS = (
    Item(0, Entry("a", ("x:bot/a",), line=2), PLAN, "", (Tenant("x", "org"),), Blast(1, 2, 3, 4)),
    Item(1, Entry("b", line=3), None, "it is not there"),
)
HEADER = Header(NOON, Intent(case="IR-1"), ("x:user/me",), "bots.csv", len(ITEMS), "d")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save(tmp_path / "campaign.plan", HEADER, ITEMS)
    return tmp_path / "campaign.plan"


def test_what_was_saved_is_read_back_and_nobody_else_reads_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_header(path) == HEADER
    assert tuple(read_items(path)) == ITEMS
    assert [each.name for each in path.parent.iterdir()] == ["campaign.plan"], "nothing is left beside it"


def test_it_is_never_written_over_by_accident(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Usage):
        may_save(path, overwrite=False)
    with pytest.raises(Usage):
        save(path, HEADER, ())
    assert path.read_bytes() == before
    may_save(path, overwrite=True)
    save(path, replace(HEADER, items=0), (), overwrite=True)
    assert list(read_items(path)) == []
    with pytest.raises(Usage):
        may_save(path / "no" / "folder", overwrite=False)
    assert [each.name for each in path.parent.iterdir()] == ["campaign.plan"]


def test_what_ends_midway_leaves_nothing(tmp_path: Path) -> None:
    def items() -> Iterator[Item]:
        yield ITEMS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "campaign.plan", HEADER, items())
    assert not list(tmp_path.iterdir())
    save(tmp_path / "campaign.plan", HEADER, ITEMS)
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "campaign.plan", HEADER, items(), overwrite=True)
    assert tuple(read_items(tmp_path / "campaign.plan")) == ITEMS


def test_a_changed_byte_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    begin = len(b'{"header":')
    for place in (*range(begin, len(whole), 7), len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Refused) as refused:
            read_header(path)
        assert (refused.value.code, refused.value.exit_code) == ("tampered-plan", 7), place
        with pytest.raises(Refused):
            next(read_items(path))


def test_a_file_that_was_cut_off_is_refused(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:kept]))
        with pytest.raises(Refused):
            read_header(path)


def test_what_is_no_saved_campaign(tmp_path: Path) -> None:
    for text in (b"", b"{}\n", b"name,principals\n", b"\xff\xfe"):
        (tmp_path / "other").write_bytes(text)
        with pytest.raises(Usage):
            read_header(tmp_path / "other")
    with pytest.raises(Usage):
        read_header(tmp_path / "missing")


@pytest.mark.parametrize(
    ("header", "items", "error"),
    [
        (replace(HEADER, schema_version=2), ITEMS, Usage),
        (replace(HEADER, items=1), ITEMS, Refused),
        (HEADER, ITEMS[::-1], Refused),
    ],
)
def test_what_another_version_or_hand_wrote(
    tmp_path: Path, header: Header, items: tuple[Item, ...], error: type[Trouble]
) -> None:
    """With the right digest: it covers bytes, not their sense."""
    save(tmp_path / "odd", header, items)
    with pytest.raises(error):
        list(read_items(tmp_path / "odd"))
