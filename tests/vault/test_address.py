"""What a delivery may name, and what is refused with the valid forms."""

from __future__ import annotations

import pytest

from nhi_revoke.provider.fault import Rejected
from nhi_revoke_vault.store.address import HINT, located, parse_address


@pytest.mark.parametrize(
    ("typed", "path", "key"),
    [
        ("secret/payments/aws", "secret/payments/aws", ""),
        ("vault:kv/a", "kv/a", ""),
        ("secret/a#token", "secret/a", "token"),
        ("team/kv/a b/c.d-e_f@g", "team/kv/a b/c.d-e_f@g", ""),
        ("secret/a#b#c", "secret/a", "b#c"),
    ],
)
def test_addresses(typed: str, path: str, key: str) -> None:
    found = parse_address(typed)
    assert (found.path, found.key) == (path, key)


@pytest.mark.parametrize(
    "typed",
    ["", "secret", "secret/", "/secret/a", "secret//a", "secret/../a", "secret/./a", "secret/a#", "secret/a?version=1",
     "secret/a*", "secret/a\n", "secret/ a", "https://vault.example.com/v1/secret/a", "secret/%2e%2e/a", "secret\\a/b"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_valid_forms(typed: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_address(typed)
    assert caught.value.hint == HINT


@pytest.mark.parametrize(
    ("typed", "mount", "path"),
    [("secret/a/b", "secret", "a/b"), ("team/kv/a", "team/kv", "a"), ("team/kv/a", "team", "kv/a"), ("a/a", "a", "a")],
)
def test_vault_says_where_the_mount_ends(typed: str, mount: str, path: str) -> None:
    found = located(parse_address(typed), mount)
    assert (found.mount, found.path) == (mount, path)
    assert found.api("data") == f"{mount}/data/{path}"
    assert found.flags == f"-mount={mount} {path}"


@pytest.mark.parametrize(
    ("typed", "mount", "hint"),
    [
        ("secret/data/bot", "secret", "Write vault:secret/bot."),
        ("team/kv/metadata/bot/x", "team/kv", "Write vault:team/kv/bot/x."),
        ("secret/data", "secret", "Write vault:secret/PATH."),
        ("team/kv", "team/kv", "MOUNT/PATH"),
        ("other/a", "secret", "MOUNT/PATH"),
    ],
)
def test_a_path_of_the_api_and_a_mount_alone_are_refused(typed: str, mount: str, hint: str) -> None:
    with pytest.raises(Rejected) as caught:
        located(parse_address(typed), mount)
    assert hint in caught.value.hint
