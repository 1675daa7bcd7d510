"""By which rule what something is called resembles a name, and what only looks as if it did."""

from __future__ import annotations

import pytest

from nhi_revoke.provider.resembling import owner_in, resemblance, resembling_tags, rule_of


@pytest.mark.parametrize(
    ("text", "rule", "differs"),
    [
        ("payments-bot", "exact", ()),
        ("payments_bot", "same", ()),
        ("PaymentsBot", "same", ()),
        ("Payments Bot", "same", ()),
        ("PAYMENTS.BOT", "same", ()),
        ("paymentsbot", "same", ()),
        ("payments-bot@example.com", "same", ()),
        ("svc-payments-bot", "affix", ("svc",)),
        ("payments", "affix", ("bot",)),
        ("payments-machine", "affix", ("bot", "machine")),
        ("payments-bot-prod", "affix", ("prod",)),
        ("SvcPaymentsBotUser", "affix", ("svc", "user")),
        ("backup-payments-bot-2023", "contains", ()),
    ],
)
def test_resembles(text: str, rule: str, differs: tuple[str, ...]) -> None:
    assert rule_of("payments-bot", text) == (rule, differs)


@pytest.mark.parametrize(
    "text", ["", "bot", "payments-worker", "payments-lead", "prepayments-bot", "payment-bot", "svc", "robot"]
)
def test_does_not_resemble(text: str) -> None:
    assert rule_of("payments-bot", text) is None


def test_what_is_too_short_resembles_by_chance() -> None:
    assert rule_of("ci", "svc-ci") is None
    assert rule_of("ci", "ci-runner-of-everybody") is None
    assert rule_of("ci", "CI") == ("same", ())
    assert rule_of("svc-bot", "prod-app") is None, "nothing but such words"


def test_another_environments_is_said() -> None:
    [dev] = resemblance("payments-bot-prod", "payments-bot-dev", "name", "GET /x")
    assert (dev.rule, dev.differs, dev.environment) == ("affix", ("dev", "prod"), True)
    [plain] = resemblance("payments-bot", "svc-payments", "name", "GET /x")
    assert not plain.environment


def test_a_description_is_never_repeated() -> None:
    """It may hold anything, a password too; and that it is called alike means nothing there."""
    [said] = resemblance("payments-bot", "for payments-bot, password hunter2", "its notes", "GET /x", "text")
    assert (said.rule, said.text) == ("contains", "payments-bot")
    assert resemblance("payments-bot", "payments", "its notes", "GET /x", "text") == ()


def test_tags_that_say_what_it_is_and_whose() -> None:
    tags = [("cost-center", "payments-bot"), ("acme:Service", "Payments Bot"), ("OwnerTeam", "payments team")]
    [tag] = resembling_tags("payments-bot", tags, "ListTags")
    assert (tag.field, tag.where, tag.rule) == ("tag", "tag acme:Service", "same")
    assert owner_in(tags) == "payments team"
    assert owner_in([("owner", " "), ("name", "x")]) == ""
