"""Where the vendors' own descriptions are looked for, and what becomes of checks that need them where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import openapi
from tests.contract.openapi import spec

pytestmark = pytest.mark.contract


def test_a_named_folder_is_taken_whatever_lies_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NHI_SPECS", str(tmp_path))
    monkeypatch.setattr(openapi, "BESIDE", tmp_path / "none")
    assert spec("okta", "one.json") == tmp_path / "okta" / "one.json"


def test_a_folder_beside_the_project_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NHI_SPECS", raising=False)
    monkeypatch.setattr(openapi, "BESIDE", tmp_path)
    assert spec("okta", "one.json") == tmp_path / "okta" / "one.json"


def test_where_there_is_none_nothing_is_called_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NHI_SPECS", raising=False)
    monkeypatch.setattr(openapi, "BESIDE", tmp_path / "none")
    with pytest.raises(pytest.skip.Exception, match="NOT CHECKED"):
        spec("okta", "one.json")
