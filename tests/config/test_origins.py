"""`config show`: each value with its source, and nothing that looks like a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nhi_revoke.config import load_config
from nhi_revoke.config.lines import Lines
from nhi_revoke.config.origin import MASK, masked, shown

TEXT = """\
# a comment = 1
protect = []

[example]
region = "north-1"
token = "canary-one"
token_file = "/run/token"
"quoted key" = 1

[identity.bot]
principals = [
  "example:user/bot",
]
owner = "team"

[[identity.bot.deliver]]
from = "example:key"
to = "file:/a"
[[identity.bot.deliver]]
from = "example:key"
to = "file:/b"

[[identity.bot.flush]]
use = "redis"
url = "rediss://user:canary-two@cache:6379/0"
auth.password = "canary-three"
"""


def test_every_value_names_its_source(tmp_path: Path) -> None:
    file = tmp_path / "nhi.toml"
    file.write_text(TEXT)
    environ = {"NHI_REVOKE_STATE": "/state", "NHI_REVOKE_PROVIDERS": "example"}
    found = {o.key: (o.value, o.source) for o in load_config(None, environ, tmp_path, providers=["example"]).origins()}

    def at(line: int) -> str:
        return f"{file}:{line}"

    assert found == {
        "state": ('"/state"', "NHI_REVOKE_STATE"),
        "only": ('["example"]', "NHI_REVOKE_PROVIDERS"),
        "approval": ("{}", "default"),
        "sandbox": ('""', "default"),
        "protect": ("[]", at(2)),
        "example.region": ('"north-1"', at(5)),
        "example.token": (MASK, at(6)),
        "example.token_file": ('"/run/token"', at(7)),
        "example.quoted key": ("1", at(8)),
        "identity.bot.principals": ('["example:user/bot"]', at(11)),
        "identity.bot.owner": ('"team"', at(14)),
        "identity.bot.deliver[0].from": ('"example:key"', at(17)),
        "identity.bot.deliver[0].to": ('"file:/a"', at(18)),
        "identity.bot.deliver[1].from": ('"example:key"', at(20)),
        "identity.bot.deliver[1].to": ('"file:/b"', at(21)),
        "identity.bot.flush[0].use": ('"redis"', at(24)),
        "identity.bot.flush[0].url": (f'"rediss://{MASK}@cache:6379/0"', at(25)),
        "identity.bot.flush[0].auth.password": (MASK, at(26)),
    }
    assert "canary" not in str(found)


def test_defaults_say_so(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": str(tmp_path)}
    found = {o.key: o.source for o in load_config(None, environ, tmp_path).origins()}
    defaults = dict.fromkeys(("only", "protect", "approval", "sandbox"), "default")
    assert found == {"state": "XDG_STATE_HOME", **defaults}


@pytest.mark.parametrize(
    "key", ["secret", "client_secret", "api_key", "apikey", "private_key", "Password", "refresh_token"]
)
def test_secret_looking_keys_are_masked(key: str) -> None:
    assert shown(f"example.{key}", "value") == MASK


@pytest.mark.parametrize("key", ["key_file", "token_path", "secret_name", "token_url", "access_key_id", "region"])
def test_where_a_secret_lies_is_no_secret(key: str) -> None:
    assert shown(f"example.{key}", "value") == '"value"'


@given(st.text(alphabet=st.characters(blacklist_characters='"\\/?#@', whitelist_categories=["L", "N"]), min_size=4))
def test_no_password_in_a_url_is_shown(password: str) -> None:
    assert password not in shown("url", f"redis://:{password}@host/0").replace("redis", "").replace("host", "")


def test_a_line_is_not_guessed() -> None:
    assert Lines("a = 1\n").of(("b",)) is None
    assert Lines('"a.b" = 1\n').of(("a", "b")) is None
    assert Lines("a.b = 1\n").of(("a", "b")) == 1
    assert Lines("[a]\nx=1\n[a.b]\nx=2\n").of(("a", "b", "x")) == 4
    assert Lines("[[a]]\nx=1\n[a.b]\ny=2\n[[a]]\n[a.b]\ny=3\n").of(("a", 1, "b", "y")) == 7


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("url", "rediss://user:canary@cache:6379/0", f"rediss://{MASK}@cache:6379/0"),
        ("url", "redis://:canary@cache", f"redis://{MASK}@cache"),
        ("url", "https://canary@hooks.example", f"https://{MASK}@hooks.example"),
        ("url", "https://h.example/x?a=1&access_token=canary&b=2", f"https://h.example/x?a=1&access_token={MASK}&b=2"),
        ("password", "canary", MASK),
        ("key", "canary", MASK),
        ("hmac_key", "canary", MASK),
        ("auth", {"password": "canary", "user": "u"}, {"password": MASK, "user": "u"}),
        ("targets", [{"token": "canary"}, "x"], [{"token": MASK}, "x"]),
        ("password_env", "CACHE_PASSWORD", "CACHE_PASSWORD"),
        ("key_file", "/run/key", "/run/key"),
        ("credential_type", "app", "app"),
        ("match", "authz:token:*", "authz:token:*"),
        ("argv", ["curl", "https://a@b"], ["curl", "https://a@b"]),
        ("timeout", 5, 5),
    ],
)
def test_settings_of_a_flush_hold_no_secret(key: str, value: object, kept: object) -> None:
    """Plans and journals hold them."""
    assert masked(key, value) == kept
