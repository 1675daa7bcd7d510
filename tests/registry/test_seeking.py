"""Which names, places and kinds are meant: what a provider has to ask about before it looks for consumers."""

from __future__ import annotations

import pytest

from nhi_revoke.model.consumer import Mark, Sought
from nhi_revoke.model.identity import Delivery, Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.seeking import addresses, meant, name_like, owners, told, whose

BOT, APP = PrincipalRef("one", "bot", "1"), PrincipalRef("two", "app", "2")
KEY, SECRET = Mark("k-1", BOT, kind="one:key"), Mark("a-1", APP, kind="two:secret")
PLAIN = Mark("bot@one", BOT)
WHO = (Principal(BOT, "bot", "ci-deployer", "s", "1", "one:bot/x"), Principal(APP, "app", "Payments App", "s", "2"))


def sought(*marks: Mark, delivered: tuple[Delivery, ...] = ()) -> Sought:
    return Sought("payments-bot", WHO, marks, delivered)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("prod/payments_bot", "payments-bot"),
        ("x-ci-deployer", "ci-deployer"),
        ("payments-app", "Payments App"),
        ("bot", ""),
    ],
)
def test_the_identity_and_each_principal_lend_their_names(text: str, name: str) -> None:
    assert name_like(text, sought()) == name


def test_addresses_of_one_store_alone() -> None:
    mine, other = Delivery("one:key", "file:a:b"), Delivery("one:key", "filer:c")
    assert addresses(sought(delivered=(mine, other)), "file") == [(mine, "a:b")]


@pytest.mark.parametrize("principal", ["", "one:bot/1", "one:bot/x", "nobody"])
def test_whose_a_delivery_is(principal: str) -> None:
    assert whose(Delivery("one:key", "file:a", principal), sought()) == (BOT,)
    assert whose(Delivery("three:key", "file:a", principal), sought()) == ()


@pytest.mark.parametrize(
    ("found", "marks", "provider", "kind"),
    [
        ((KEY,), (KEY, SECRET), "", "one:key"),
        ((PLAIN,), (PLAIN, KEY, SECRET), "", "one:key"),
        ((KEY, SECRET), (KEY, SECRET), "", ""),
        ((), (KEY, SECRET), "", ""),
        ((), (KEY, SECRET), "two", "two:secret"),
        ((), (KEY,), "two", "one:key"),
        ((), (), "one", ""),
    ],
)
def test_which_kind_is_meant(found: tuple[Mark, ...], marks: tuple[Mark, ...], provider: str, kind: str) -> None:
    assert meant(found, sought(*marks), provider) == kind


def test_marks_in_a_sentence() -> None:
    many = [Mark(f"k-{number}", BOT) for number in range(5)]
    assert told([KEY, KEY]) == "k-1"
    assert told(many) == "k-0, k-1, k-2 and 2 more"
    assert owners([KEY, SECRET, PLAIN]) == (BOT, APP)
