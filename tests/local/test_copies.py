"""Copies of the old secret beside a file: what this run keeps goes at finish, what others left is named and left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.step import Step
from nhi_revoke_local.store import copies
from tests.local.trial import OLD, PREVIOUS, SECRET, STORE, Trial, names, serve, stage

LEAKED = "canary-old"


def forget(run: Trial, to: str) -> Step:
    """As `finish` names its steps."""
    return replace(run.step("forget", to), id="finish-serve-m/1")


def minted(run: Trial) -> None:
    """What the mint left: `finish` is another process, and holds no secret."""
    run.lefts["m/1"] = {"id": "x", "field": SECRET.field, "public": dict(SECRET.public)}
    run.crash()


def served(run: Trial, file: Path) -> str:
    stage(run, f"{file}")
    left = run.left(serve(run, f"{file}").id)
    assert run.seen(STORE.serve, run.step("serve", f"{file}")) == left
    return str(left.get("leaves") or "")


def contents(file: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in file.parent.iterdir()}


def told(run: Trial) -> str:
    return str(run.left("finish-serve-m/1").get("leaves") or "")


def test_what_is_kept_until_finish_is_said_and_then_it_is_over(run: Trial, file: Path) -> None:
    assert served(run, file) == (
        f"{file.parent}/{PREVIOUS} still holds the old credential, until finish: its owner alone reads it"
    )
    minted(run)
    assert isinstance(run.do(STORE.forget, forget(run, f"{file}")), Done)
    assert told(run) == ""
    assert names(file) == {file.name}
    assert LEAKED not in json.dumps(run.lefts)


def test_copies_of_others_are_named_and_never_removed(run: Trial, file: Path) -> None:
    """An editor's, a swap file that is no JSON, an earlier run's; and one that holds another credential."""
    beside = {
        "bot.json~": OLD,
        "bot.json.bak copy": json.dumps({"SecretKey": LEAKED}).encode(),
        ".bot.json.swp": b"b0VIM\x00" + OLD,
        "bot.json.r-0-m_1.previous": OLD,
    }
    others = {"bot.json.earlier": b'{"SecretKey": "canary-earlier"}', "unlike": OLD}
    for name, text in {**beside, **others}.items():
        (file.parent / name).write_bytes(text)
    said = served(run, file)
    minted(run)
    before = contents(file)
    assert isinstance(run.do(STORE.forget, forget(run, f"{file}")), Done)
    assert contents(file) == {name: text for name, text in before.items() if name != PREVIOUS}, "nothing else went"
    for words in (said, told(run)):
        assert all(f"{file.parent}/{name}" in words for name in beside)
        assert not any(f"{file.parent}/{name}" in words for name in others)
        assert f"'{file.parent}/bot.json.bak copy'" in words.partition("rm -- ")[2], "as a shell takes it"
        assert LEAKED not in words
    assert f"{PREVIOUS} still holds" in said
    assert PREVIOUS not in told(run)
    assert " hold the old credential" in told(run)


def test_what_cannot_be_read_is_no_none(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "bot.json.lnk").symlink_to("/dev/null")
    (file.parent / "bot.json.big").write_bytes(b"x" * 100)
    monkeypatch.setattr(copies, "LARGEST", 99)
    said = served(run, file)
    assert "could not be compared, and may hold it" in said
    assert f"{file.parent}/bot.json.lnk" in said
    assert f"{file.parent}/bot.json.big" in said


def test_a_folder_that_cannot_be_listed_is_said(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Any) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    said = served(run, file)
    assert f"other copies in {file.parent} were not looked for" in said
    assert f"{PREVIOUS} still holds the old credential" in said


def test_more_files_than_are_looked_at_are_said(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "LOOKED", 2)
    for number in range(3):
        (file.parent / f"bot.json.{number}").write_bytes(OLD)
    said = served(run, file)
    assert f"{file.parent}/bot.json.1" in said
    assert f"{file.parent}/bot.json.2 " not in said
    assert "more than 2 files have names like it" in said


@pytest.mark.parametrize("text", [b"{}", b'{"SecretKey": ""}', None])
def test_where_no_credential_stood_before_nothing_is_said(run: Trial, file: Path, text: bytes | None) -> None:
    (file.parent / "bot.json~").write_bytes(OLD)
    file.unlink()
    if text is not None:
        file.write_bytes(text)
        file.chmod(0o600)
    assert served(run, file) == ""
    minted(run)
    run.do(STORE.forget, forget(run, f"{file}"))
    assert told(run) == ""


def test_one_key_alone_is_compared(run: Trial, file: Path) -> None:
    to = f"{file}#db"
    file.write_bytes(b'{"db": "canary-db", "SecretKey": "other"}')
    (file.parent / "bot.json~").write_bytes(b'{"db": "canary-db"}')
    stage(run, to)
    left = run.left(serve(run, to).id)
    assert f"{file.parent}/bot.json~ holds it, too" in left["leaves"]
    assert "canary-db" not in left["leaves"]


def test_after_a_crash_in_finish_it_is_said_that_nothing_was_compared(run: Trial, file: Path) -> None:
    (file.parent / "bot.json~").write_bytes(OLD)
    served(run, file)
    minted(run)
    (file.parent / PREVIOUS).unlink()  # it went, and the process with it
    found = run.seen(STORE.forget, forget(run, f"{file}"))
    assert found is not None
    assert "was not seen" in found["leaves"]
    assert isinstance(run.do(STORE.forget, forget(run, f"{file}")), Already)
    assert "was not seen" in told(run), "never taken for none"


def test_finish_from_another_folder_finds_the_file(run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    stage(run, file.name)
    serve(run, file.name)
    minted(run)
    monkeypatch.chdir("/")
    assert run.seen(STORE.forget, forget(run, file.name)) is None
    assert isinstance(run.do(STORE.forget, forget(run, file.name)), Done)
    assert names(file) == {file.name}
