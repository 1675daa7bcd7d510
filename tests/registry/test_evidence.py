"""What tells a credential in a configuration, and what only looks like it."""

from __future__ import annotations

import pytest

from nhi_revoke.model.consumer import Mark
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import called_like, marks_in

BOT = PrincipalRef("example", "bot", "1")


@pytest.mark.parametrize(
    "text",
    [
        "AKIA1",
        '{"AccessKeyId": "AKIA1"}',
        "export KEY=AKIA1;",
        "[default]\nkey = akia1\n",
        "see AKIA1.",
        "https://example.com/AKIA1?x",
    ],
)
def test_a_mark_is_found_as_a_whole_word(text: str) -> None:
    mark = Mark("AKIA1", BOT, "example:key/AKIA1")
    assert marks_in(text, [mark, Mark("AKIA2", BOT)]) == [mark]


@pytest.mark.parametrize("text", ["", "AKIA12", "XAKIA1", "AKIA", "AKIA1_old", "AKIA1-old"])
def test_a_part_of_another_word_is_no_mark(text: str) -> None:
    assert marks_in(text, [Mark("AKIA1", BOT)]) == []


@pytest.mark.parametrize("text", ["a-bot@example.com", "bot@example.com.au", "a.bot@example.com"])
def test_another_account_that_ends_or_begins_like_it_is_not_it(text: str) -> None:
    assert marks_in(text, [Mark("bot@example.com", BOT)]) == []


def test_an_empty_mark_tells_nothing() -> None:
    assert marks_in("anything", [Mark("", BOT)]) == []


@pytest.mark.parametrize("text", ["payments-bot", "prod/payments_bot/key", "Payments Bot", "x.payments.bot"])
def test_it_is_called_like_the_identity(text: str) -> None:
    assert called_like(text, "payments-bot")


@pytest.mark.parametrize("text", ["payments", "bot-payments", "payments-robot", "old-payments-bots", ""])
def test_it_is_called_otherwise(text: str) -> None:
    assert not called_like(text, "payments-bot")


@pytest.mark.parametrize("name", ["", "ci", "a-b"])
def test_a_short_name_tells_nothing(name: str) -> None:
    assert not called_like(name, name)
