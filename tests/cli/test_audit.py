"""`audit` in a pipeline: what fails it, many identities, and what is accepted until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nhi_revoke.cli.accepting import Accepted, Entries
from nhi_revoke.cli.accepting import entries as read_entries
from nhi_revoke.cli.fail_on import fail_on
from nhi_revoke.cli.judging import examined, not_looked_at, use, worst_of
from nhi_revoke.model.error import NotFound, NothingCanStart, Usage
from nhi_revoke.model.found import BlindSpot, Lead
from nhi_revoke.model.inventory import Unreachable
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.render.audit import many_screen
from nhi_revoke.render.plain import plain_text
from nhi_revoke.testing.conformance.world import World
from nhi_revoke_example import provider

from .audited import BOT, DAY, NOW, USUAL, access, inventory, one, screen
from .conftest import Cli
from .test_envelope import check


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Shared: an audit changes nothing, and the last test holds it to that."""
    with World(provider, tmp_path_factory.mktemp("audit"), managed="example:bot/example-billing") as world:
        yield Cli(world)


# -- what fails ------------------------------------------------------------------------------------------------------


def test_words_of_fail_on() -> None:
    assert fail_on([]) == USUAL
    assert fail_on(["live,unseen"]).usual
    chosen = fail_on(["unseen", "stale:90d"])
    assert (chosen.words, chosen.stale, chosen.live) == (("unseen", "stale:90d"), 90 * 86400, False)
    for wrong, hint in (
        ("lvie", 'Did you mean "live"?'),
        ("stael:90d", 'Did you mean "stale"?'),
        ("open", "open belongs to live."),
        ("planted", "planted belongs to live."),
        ("stale", "Write stale:90d."),
        ("stale:0d", "Write stale:90d."),
        ("stale:soon", "live (with open and planted), unseen, stale:90d; several with commas."),
        ("zzz", "Valid: live, stale, unseen."),
        (",", "live (with open and planted), unseen, stale:90d; several with commas."),
        ("stale:1d,stale:2d", "Name one."),
    ):
        with pytest.raises(Usage) as told:
            fail_on([wrong])
        assert told.value.hint == hint, wrong


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"last_used": NOW - 91 * DAY}, "stale"),
        ({"last_used": NOW - 90 * DAY}, "live"),
        ({"last_used": NOW + DAY}, "live"),
        ({"last_used": NOW - 91 * DAY, "created": NOW - DAY}, "stale"),
        ({}, "unknown-use"),
        ({"created": NOW - 91 * DAY}, "unknown-use"),
        ({"created": NOW - 89 * DAY}, "live"),
        ({"created": NOW - 89 * DAY, "never_used": True}, "live"),
        ({"created": NOW - 91 * DAY, "never_used": True}, "stale"),
        ({"never_used": True}, "stale"),
    ],
)
def test_an_unknown_last_use_is_never_fresh_and_never_stale(more: dict[str, Any], word: str) -> None:
    chosen = fail_on(["stale:90d"])
    assert use(access(**more), 90 * 86400, NOW)[0] == word
    made = one(access(**more), chosen=chosen)
    assert [j.verdict for j in made.findings] == [word]
    assert made.exit_code == {"stale": 8, "unknown-use": 9, "live": 0}[word]
    if word == "unknown-use":
        assert "nobody tells when it was used last" in screen(made, chosen)
        assert one(access(**more), chosen=fail_on(["live,stale:90d"])).exit_code == 8, "it is live all the same"


def test_stale_is_asked_of_credentials_that_let_somebody_in() -> None:
    chosen = fail_on(["stale:90d"])
    old = {"last_used": NOW - 900 * DAY}
    for family, code in (("key", 8), ("secret", 8), ("certificate", 8), ("password", 8), ("grant", 0), ("trust", 0)):
        assert one(access(family=family, **old), chosen=chosen).exit_code == code, family
    assert one(access(state="disabled", **old), chosen=chosen).exit_code == 0
    assert one(access(shut="its principal is disabled", **old), chosen=chosen).exit_code == 0


def test_open_and_planted_belong_to_live_and_what_was_not_judged_is_said() -> None:
    door = access(id="example:trust/x", family="trust", exposure="anyone")
    planted = Lead(PrincipalRef("example", "bot", "h"), "made a key", "log", "planted")
    blind = BlindSpot(BOT, "example:session", "denied")
    assert one(door).exit_code == 8
    assert one(leads=(planted,)).exit_code == 8
    assert one(blind=(blind,)).exit_code == 9
    assert one(unreachable=(Unreachable(BOT, "denied", "no"),)).exit_code == 9
    chosen = fail_on(["unseen"])
    spared = one(access(), door, leads=(planted,), chosen=chosen)
    assert spared.exit_code == 0
    assert screen(spared, chosen).endswith(
        "PASSED by --fail-on unseen: none of that; not judged: live 1, open 1, planted 1\n"
    )
    assert one(access(), blind=(blind,), chosen=fail_on(["live"])).exit_code == 8
    assert one(blind=(replace(blind, counts=False),)).exit_code == 0
    assert screen(one()).endswith("PASSED: nothing live, nothing unseen\n")


# -- what is accepted ------------------------------------------------------------------------------------------------

ACCEPTED = """
[[accept]]
id = "example:token/t"
reason = "the release job"
until = 2026-11-23
[[accept]]
id = "example:token/u"
reason = "over"
until = 2026-11-22
[[accept]]
id = "example:token/v"
reason = "to the minute"
until = 2026-11-23T13:30:00+01:00
"""


def test_an_acceptance_ends_with_its_day_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(ACCEPTED)
    known = read_entries(tmp_path, ["gone=typo"], [Path("known.toml")])
    ids = [access(id=f"example:token/{name}") for name in "tuv"]
    made = one(*ids, accepted=known)
    assert [(j.verdict, j.would) for j in made.findings] == [("accepted", "live"), ("live", ""), ("accepted", "live")]
    assert made.exit_code == 8
    shown = screen(made)
    assert "ACCEPTED  example:token/t  ci    the release job (until 2026-11-24T00:00Z)" in shown
    assert "FAILS" not in shown, "all that was found and not accepted fails"
    assert "LIVE      example:token/u  ci    no longer accepted: 'over' held until 2026-11-23T00:00Z" in shown
    later = examined(replace(inventory(*ids), at=NOW + timedelta(minutes=30)), USUAL, known)
    assert [j.verdict for j in later.findings] == ["accepted", "live", "live"]
    assert known.idle({"example:token/t", "example:token/u"}) == ("gone", "example:token/v")


def test_an_id_may_hold_the_sign_that_ends_it_and_the_longest_acceptance_counts() -> None:
    known = Entries(["a=b=why"], [Accepted("x", "short", NOW + DAY), Accepted("x", "for good")])
    assert known.of("a=b", NOW) == Accepted("a=b", "why")
    assert known.of("x", NOW) == Accepted("x", "for good")
    assert known.idle({"a=b", "x"}) == ()


def test_passed_says_what_was_accepted() -> None:
    made = one(access(), accepted=Entries(["example:token/t=known"], ()))
    assert made.exit_code == 0
    assert screen(made).endswith("PASSED: nothing live, nothing unseen, but for 1 accepted\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[acept]]", 'unknown key "acept"'),
        ('[[accept]]\nid="a"\nreason="b"\nuntill=2026-01-01', 'unknown key "untill"'),
        ('[[accept]]\nid="a"\nreason=" "', "needs an id and a reason"),
        ('[[accept]]\nid="a"\nreason="b"\nuntil="2026-01-01"', "neither a day nor a time with a zone"),
        ('[[accept]]\nid="a"\nreason="b"\nuntil=2026-01-01T10:00:00', "neither a day nor a time with a zone"),
        ("[[accept]", "not valid TOML"),
    ],
)
def test_a_wrong_file_of_acceptances_is_refused_before_anything_is_looked_at(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "known.toml").write_text(text)
    with pytest.raises(Usage, match=told):
        read_entries(tmp_path, (), [Path("known.toml")])
    with pytest.raises(Usage, match="cannot be read"):
        read_entries(tmp_path, (), [Path("missing.toml")])


# -- many ------------------------------------------------------------------------------------------------------------


def test_the_worst_of_many() -> None:
    live, unseen, clean = one(access()), one(blind=(BlindSpot(BOT, "k", "denied"),)), one()
    missing, out = not_looked_at("x", NotFound("unknown-principal", "x")), not_looked_at("y", NothingCanStart("d", "y"))
    wrong = not_looked_at("z", Usage("credential-typed", "z"))
    for each, code in (
        ((clean, clean), 0), ((clean, live, missing), 8), ((unseen, live), 8), ((missing, unseen, out), 9),
        ((clean, missing), 3), ((missing, out), 4), ((wrong, clean), 2), ((wrong, missing), 3),
    ):  # fmt: skip
        assert worst_of(each) == code
    assert not plain_text(many_screen((clean, missing), USUAL.words)).startswith("PASSED")


LISTS = {
    "plain.txt": "# all of ours\n\npayments-bot\nexample:bot/ledger-bot  # the ledger\npayments-bto\npayments-bot\n",
    "table.csv": "owner,Name\nx,payments-bot\n# no\ny,example:bot/ledger-bot\nz,payments-bto\n",
    "list.toml": 'identities = ["payments-bot", "example:bot/ledger-bot", "payments-bto"]\n',
    "rows.toml": '[[identity]]\nname="payments-bot"\n[[identity]]\nprincipal="example:bot/ledger-bot"\n'
    '[[identity]]\nname="payments-bto"\n',
    "map.toml": '[identity.payments-bot]\n[identity."example:bot/ledger-bot"]\n[identity.payments-bto]\n',
}
THREE = ["payments-bot", "example:bot/ledger-bot", "payments-bto"]


def test_one_that_is_not_found_hides_no_other(cli: Cli) -> None:
    (cli.world.folder / "plain.txt").write_text(LISTS["plain.txt"])
    ran = cli("audit", "--from", "plain.txt", "--no-logs", "-o", "json")
    assert ran.code == 8
    data = check(ran, "audit")["data"]
    assert [(one["identity"], one["exit_code"], one["passed"]) for one in data["identities"]] == [
        ("payments-bot", 8, False), ("example:bot/ledger-bot", 8, False), ("payments-bto", 3, False),
    ]  # fmt: skip
    assert data["identities"][2]["hint"].startswith("Did you mean payments-bot?")
    assert data["counts"] == {"live": 6, "maybe": 3, "open": 1, "reach": 1, "planted": 0, "unseen": 0}
    assert data["passed"] is False
    assert ran.json["errors"][0]["code"] == "unknown-principal"
    single = cli("audit", "payments-bot", "--no-logs", "-o", "json").json["data"]
    assert sorted(map(str, data["identities"][0]["findings"])) == sorted(map(str, single["findings"]))


def test_the_screen_of_many(cli: Cli) -> None:
    (cli.world.folder / "two.txt").write_text("example:bot/ledger-bot\npayments-bto\n")
    ran = cli("audit", "--from", "two.txt", "--no-logs", "--accept", "nothing=of that name")
    assert ran.err == "WARNING: accepted, and not there: nothing\n"
    head, _, rest = ran.out.partition("\n\nexample:bot/ledger-bot\n")
    assert head == (
        "NOT PASSED    0 of 2 identities pass\n"
        "LIVE 2  OPEN 0  REACH 0  UNSEEN 0  NOT LOOKED AT 1\n"
        "1 MAY BE LIVE: no list shows them; take them for live.\n\n"
        "  RESULT         IDENTITY                LIVE  MAY BE  OPEN  UNSEEN  ACCEPTED  EXIT\n"
        "  NOT PASSED     example:bot/ledger-bot  2     1       0     0       0         8\n"
        "  NOT LOOKED AT  payments-bto                                                  3"
    )
    assert "  LIVE     example:token/tok_0009  " in rest
    assert rest.endswith(
        "payments-bto\n  NOT LOOKED AT  unknown-principal: 'payments-bto' is neither an identity of the map nor a "
        "principal of any provider. Nothing was looked at.  Did you mean payments-bot? Write PROVIDER:KIND/NAME, with "
        "a provider of: example.\n\nNext: nhi-revoke audit example:bot/ledger-bot\n"
    )


@pytest.mark.parametrize("file", LISTS)
def test_forms_of_a_list(file: str, tmp_path: Path) -> None:
    from nhi_revoke.cli.name_list import names_from
    from nhi_revoke.cli.session import Session
    from nhi_revoke.cli.streams import Streams

    from .conftest import Stream

    (tmp_path / file).write_text(LISTS[file])
    session = Session(Streams(Stream(LISTS[file]), Stream(), Stream(), {}), (), tmp_path)
    assert list(names_from(session, file)) == THREE
    assert list(names_from(session, "-")) == THREE


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("a.txt", "# nothing\n\n", "no identity stands in a.txt"),
        ("a.csv", "owner,nmae\nx,y\n", 'Did you mean "name"?'),
        ("a.csv", "", "no column of names"),
        ("a.toml", "[[identity]]\nowner=1\n", "an entry has no name"),
        ("a.toml", "identities = [", "not valid TOML"),
        ("a.toml", "x = 1", "no identity stands in a.toml"),
    ],
)
def test_an_empty_or_wrong_list_does_not_pass(cli: Cli, file: str, text: str, told: str) -> None:
    (cli.world.folder / file).write_text(text)
    ran = cli("audit", "--from", file)
    assert ran.code == 2
    assert told in ran.err


def test_whom_is_said_in_one_way(cli: Cli) -> None:
    for words in (
        (), ("payments-bot", "--all"), ("--all", "--from", "x"), ("--from", "missing"),
        ("--all", "--leaked-from", "x"), ("--all", "--data", "no/such/folder"),
    ):  # fmt: skip
        assert cli("audit", *words).code == 2, words
    assert cli("audit", "--from", "-", tty=True).code == 2


def test_all_of_the_map_is_every_identity_of_it(cli: Cli) -> None:
    data = cli("audit", "--all", "--no-logs", "-o", "json").json["data"]
    known = [each["name"] for each in cli("identities", "-o", "json").json["data"]]
    assert [each["identity"] for each in data["identities"]] == known


def test_an_audit_changes_nothing(cli: Cli) -> None:
    """The world is shared by this module, and this is the last test of it."""
    assert cli.mutations == []
    assert not (cli.world.state / "runs").exists()
