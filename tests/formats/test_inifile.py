"""INI texts: a section's keys are what botocore itself reads, and every other line stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.configloader import raw_config_parse
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from nhi_revoke.provider import inifile
from nhi_revoke.provider.fault import Rejected

NEW = {"aws_access_key_id": "AKIANEW", "aws_secret_access_key": "canary/+=" + "n" * 31}
NEVER = ("aws_session_token",)
NAMES = st.sampled_from(["default", "prod", "bot.eu", "a/b"])
LINES = st.sampled_from(
    [
        "", "  ", "# aws_access_key_id = comment", "; why", "region = eu-west-1", "output=json", "s3 =", "sso_url: x",
        "  addressing_style = path", "    # inside", "aws_access_key_id = OLD", "AWS_SECRET_ACCESS_KEY=old",
        "  aws_secret_access_key : old", "\tmore of it", "[prod]", "x = [prod]", "[default] # ours", "no option",
    ]
)  # fmt: skip


def read(folder: Path, text: str) -> dict[str, dict[str, str]]:
    """By botocore's own parser."""
    file = folder / "credentials"
    file.write_bytes(text.encode())
    found: dict[str, dict[str, str]] = raw_config_parse(str(file), parse_subsections=False)
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=9), NAMES, st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_put_in_it_is_what_botocore_reads(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], section: str, ended: bool, end: str
) -> None:
    folder = tmp_path_factory.mktemp("ini")
    text = end.join(["[default]", *lines]) + (end if ended else "")
    if inifile.unfit(text, section, tuple(NEW), NEVER):
        return
    new = inifile.merged(text, section, NEW)
    before, after = read(folder, text), read(folder, new)
    assert after[section] == {**before.get(section, {}), **NEW}
    assert {k: v for k, v in after.items() if k != section} == {k: v for k, v in before.items() if k != section}
    goes_on = ("old", "more of it", "addressing_style")  # of the former value, perhaps
    kept = [line for line in text.split("\n") if not any(word in line.lower() for word in goes_on)]
    found = iter(new.split("\n"))
    assert all(any(line.rstrip("\r") == each.rstrip("\r") for each in found) for line in kept), "in order, untouched"


def test_the_sdk_itself_signs_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# keep\n[default]\nregion=eu\naws_access_key_id = OLD\naws_secret_access_key = old\n\n[prod]\nregion = us\n"
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for profile in ("default", "prod", "new"):
        file.write_text(inifile.merged(text, profile, NEW))
        found = Session(profile=profile).get_credentials()
        assert found is not None
        assert (found.access_key, found.secret_key, found.token) == (*NEW.values(), None)
        if profile != "default":
            other = Session(profile="default").get_credentials()
            assert other is not None
            assert other.access_key == "OLD", "other profiles stay"


def test_where_it_stands() -> None:
    text = (
        "# top\n[default]\nregion=eu\naws_access_key_id=OLD\n\n; c\naws_secret_access_key: old\n\tolder\n\n[prod]\nx=1"
    )
    new = NEW["aws_secret_access_key"]
    assert inifile.merged(text, "default", NEW) == (
        f"# top\n[default]\nregion=eu\naws_access_key_id=AKIANEW\n\n; c\naws_secret_access_key: {new}\n\n[prod]\nx=1"
    )
    added = f"aws_access_key_id = AKIANEW\naws_secret_access_key = {new}\n"
    assert inifile.merged(text, "prod", NEW) == f"{text}\n{added}"
    assert inifile.merged(text, "new", NEW) == f"{text}\n\n[new]\n{added}"
    assert inifile.merged("", "new", NEW) == f"[new]\n{added}"
    assert inifile.merged("[a]\r\n", "b", NEW).endswith("\r\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("AWS_SECRET_ACCESS_KEY=canary\n", "no INI text"),
        ('{"canary": 1}', "no INI text"),
        ("[default]\ncanary\n", "no INI text"),
        ("[default]\n[default]\nx = canary", "twice (line 2)"),
        ("[default]\nx = canary\nX = canary", "twice (line 3)"),
        ("[default]\naws_session_token = canary\n", "has aws_session_token, which goes with another credential"),
        ("[default]\0", "no INI text"),
        ("[default]\rx=1\r", "no INI text"),
    ],
)
def test_another_form_is_refused_and_not_shown(text: str, why: str) -> None:
    said = inifile.unfit(text, "default", tuple(NEW), NEVER)
    assert why in said
    assert "canary" not in said


@pytest.mark.parametrize("value", ["", " x", "x ", "a\nb", "a #b", "a ;b", "é", '"x"', "a\tb"])
def test_a_value_that_readers_read_in_two_ways_is_not_written(value: str) -> None:
    said = "the new value of key cannot be written into an INI file so that all readers read it alike"
    with pytest.raises(Rejected, match=f"^{said}$"):
        inifile.merged("", "default", {"key": value})


def test_another_sections_token_is_nobodys_business() -> None:
    assert inifile.unfit("[sso]\naws_session_token = x\n", "default", tuple(NEW), NEVER) == ""
