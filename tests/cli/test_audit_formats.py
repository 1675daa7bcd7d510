"""What `audit` says to machines and to whoever signs: JUnit, SARIF, and a statement in Markdown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt
from msgspec.structs import replace
from sarif_pydantic import Sarif

from nhi_revoke.cli.accepting import Entries
from nhi_revoke.cli.fail_on import fail_on
from nhi_revoke.cli.judging import examined, not_looked_at
from nhi_revoke.model.audit import Examined
from nhi_revoke.model.error import NotFound
from nhi_revoke.model.found import BlindSpot
from nhi_revoke.render.junit import junit_xml
from nhi_revoke.render.sarif import sarif_json
from nhi_revoke.render.statement import Kept, markdown_statement
from nhi_revoke.testing.conformance.world import World
from nhi_revoke_example import provider

from .audited import BOT, DAY, EVIL, NONE, NOW, USUAL, access, inventory, one
from .conftest import Cli


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Shared: an audit changes nothing, and the last test holds it to that."""
    with World(provider, tmp_path_factory.mktemp("audit"), managed="example:bot/example-billing") as world:
        yield Cli(world)


def mixed() -> tuple[Examined, ...]:
    evil = access(id=EVIL, label=EVIL)
    chosen = fail_on(["live", "stale:90d"])
    accepted = Entries(["example:token/k=the release job\x1b[2J"], ())
    found = one(
        evil, access(id="example:token/k"), access(id="example:token/d", state="disabled"),
        chosen=chosen, accepted=accepted, blind=(BlindSpot(BOT, "example:session", EVIL),),
    )  # fmt: skip
    return found, not_looked_at(EVIL, NotFound("unknown-principal", EVIL, "look"))


def test_junit_is_read_back_by_its_own_library() -> None:
    text = junit_xml(mixed(), NOW)
    assert "\x1b" not in text
    suites = list(JUnitXml.fromstring(text.encode()))
    assert [suite.name for suite in suites] == ["b", EVIL.replace("\x1b", r"\x1b")]
    assert [(s.tests, s.failures, s.errors, s.skipped) for s in suites] == [(4, 0, 1, 1), (1, 0, 1, 0)]
    cases = {case.name: case for case in suites[0]}
    (told,) = cases[EVIL.replace("\x1b", r"\x1b")].result
    assert isinstance(told, Error)
    assert told.type == "unknown-use"
    (skipped,) = cases["example:token/k"].result
    assert isinstance(skipped, Skipped)
    assert skipped.message == r"accepted: the release job\x1b[2J"
    assert cases["example:token/d"].result == []
    assert cases["unseen example:session"].result == [], "--fail-on does not name it"
    assert "--fail-on does not name it" in str(cases["unseen example:session"].system_out)
    (failure,) = next(iter(next(iter(JUnitXml.fromstring(junit_xml((one(access()),), NOW).encode()))))).result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == ("live", "live: ci")


def test_sarif_is_valid_and_its_fingerprints_are_stable() -> None:
    text = sarif_json(mixed(), NOW, 9, {"b": ("nhi.toml", 7)})
    log = Sarif.model_validate_json(text)
    run = log.runs[0]
    assert log.version == "2.1.0"
    results = run.results or []
    rules = run.tool.driver.rules or []
    assert [(r.rule_id, str(getattr(r.level, "value", r.level))) for r in results] == [
        ("nhi-revoke/unknown-use", "warning"), ("nhi-revoke/unknown-use", "warning"), ("nhi-revoke/unseen", "note"),
        ("nhi-revoke/not-looked-at", "error"),
    ]  # fmt: skip
    assert all(rules[r.rule_index or 0].id == r.rule_id for r in results)
    loaded = json.loads(text)["runs"][0]
    assert [bool(each.get("suppressions")) for each in loaded["results"]] == [False, True, False, False]
    assert loaded["results"][1]["suppressions"][0]["justification"] == r"the release job\x1b[2J"
    physical = [each["locations"][0].get("physicalLocation") for each in loaded["results"]]
    assert physical[0] == {"artifactLocation": {"uri": "nhi.toml"}, "region": {"startLine": 7}}
    assert physical[3] is None, "no file is named where none has the line"
    assert loaded["invocations"][0]["executionSuccessful"] is False
    assert r"\[x\](http" in loaded["results"][0]["message"]["text"], "no viewer makes a link of it"
    then = replace(inventory(access(id=EVIL, label="another", last_used=NOW - 99 * DAY)), at=NOW + DAY)
    again = json.loads(sarif_json((examined(then, USUAL, NONE),), NOW, 8, {}))["runs"][0]["results"][0]
    assert again["partialFingerprints"] == loaded["results"][0]["partialFingerprints"]
    prints = [str(each["partialFingerprints"]) for each in loaded["results"]]
    assert len(set(prints)) == len(prints)


def test_the_statement_claims_what_was_seen_and_vendors_get_no_markup_into_it() -> None:
    text = markdown_statement(mixed(), NOW, ("live", "stale:90d"), Kept("ab" * 32, "data.json"))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    for tag in ("<img", "<a ", "<script", "\x1b"):
        assert tag not in html
    for word in ("secure", "safe"):
        assert word not in text.lower()
    assert f"sha256 `{'ab' * 32}`" in text
    assert "| looked at as | `example:bot/responder` |" in text
    assert "- 1 could not be seen: what is there, nobody knows.\n" in text
    assert "- 1 of 2 identities could not be looked at at all.\n" in text
    assert "The verdict covers only what it was judged by" in text
    for line in ("Name: ....", "Date: ....", "Signature: ...."):
        assert line in text


def test_what_a_clean_and_an_accepted_statement_say() -> None:
    unread = one(blind=(BlindSpot(BOT, "example:session", "one region only", counts=False),))
    told = markdown_statement((unread,), NOW, USUAL.words, None)
    assert "- 1 more were not read, as is listed below; nothing is known to be there.\n" in told
    assert (
        "### Not read; nothing is known to be there\n\n- `example:session` on `example:bot/b`: one region only" in told
    )
    clean = markdown_statement((one(access(state="disabled")),), NOW, USUAL.words, None)
    assert "- Nothing was seen live.\n- No look was denied, and none failed.\n" in clean
    known = one(access(), accepted=Entries(["example:token/t=known"], ()))
    accepted = markdown_statement((known,), NOW, USUAL.words, None)
    assert "- Nothing was seen live but what is listed as accepted.\n- 1 accepted" in accepted
    assert "| `example:token/t` | ci | known |" in accepted


def test_the_digest_is_of_the_file_that_was_kept(cli: Cli) -> None:
    ran = cli("audit", "payments-bot", "--no-logs", "-o", "md", "--data", "kept.json")
    kept = cli.world.folder / "kept.json"
    assert f"(in the file `kept.json`), sha256 `{hashlib.sha256(kept.read_bytes()).hexdigest()}`" in ran.out
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_bytes())["inventory"]["identity"]["name"] == "payments-bot"
    assert "(not kept; with `--data FILE` it is), sha256 `" in cli("audit", "payments-bot", "--no-logs", "-o", "md").out


def test_real_command_lines_print_each_format_and_change_nothing(cli: Cli) -> None:
    suites = list(JUnitXml.fromstring(cli("audit", "payments-bot", "--no-logs", "-o", "junit").out.encode()))
    assert [suite.name for suite in suites] == ["payments-bot"]
    ran = cli("audit", "--all", "--no-logs", "-o", "sarif", "--out", "audit.sarif")
    assert (ran.code, ran.out) == (8, "")
    first = json.loads((cli.world.folder / "audit.sarif").read_text())["runs"][0]["results"][0]
    place = first["locations"][0]["physicalLocation"]
    line = (cli.world.folder / "nhi.toml").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert place["artifactLocation"]["uri"] == "nhi.toml"
    assert line.startswith("principals")
    assert cli("list", "payments-bot", "-o", "sarif").code == 2
    stale = cli("audit", "example:bot/ledger-bot", "--no-logs", "--fail-on", "stale:1d")
    assert stale.code == 9
    assert stale.out.endswith("NOT PASSED by --fail-on stale:1d\n")
    assert cli.mutations == []
    assert not (cli.world.state / "runs").exists()
