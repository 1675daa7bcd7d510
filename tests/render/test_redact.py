"""A report for outsiders: no name is left in any format, and nothing else is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.engine.verdict import open_count
from nhi_revoke.model.found import Access
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.render.any_of import any_of
from nhi_revoke.render.caep import unsigned_claims
from nhi_revoke.render.document import markdown_report
from nhi_revoke.render.ocsf import ocsf_events
from nhi_revoke.render.page.write import html_report
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.redact import KEPT, redacted
from nhi_revoke.render.report import proof_counts, report_screen
from nhi_revoke.render.rows import REPORT_COLUMNS, csv_text, report_rows
from tests.render.big import big_report
from tests.render.conftest import at

NAMES = st.from_regex(r"[a-z]{1,4}[0-9_.-][a-z0-9_.-]{2,12}[a-z0-9]", fullmatch=True)


def every_format(report: Report) -> dict[str, str]:
    return {
        "html": html_report(report, at(3)),
        "md": markdown_report(report),
        "table": plain_text(report_screen(report)),
        "csv": csv_text(report_rows(report), REPORT_COLUMNS),
        "ocsf": ocsf_events(report, at(3)),
        "caep": unsigned_claims(report, at(3)),
        "json": msgspec.json.encode(report).decode(),
    }


def named_by(report: Report, words: list[str]) -> Report:
    """The same report, in which everything is called by these words, and the texts speak of them."""
    bot, other, org, token, owner, case, host, operator = words
    ref = PrincipalRef("example", "bot", f"{org}/{bot}")
    principal = Principal(ref, "bot", bot, org, f"b-{bot}", typed=f"example:bot/{bot}", aliases=(f"{org}/{bot}",))
    said = f"{token} of {bot} ({owner}) at {org}, seen on {host} by {operator}; {other.upper()} too"
    access = Access(
        f"example:token/{org}/{token}", ref, "example:token", "key", "live", f"{token} of {owner}", door=token
    )
    child = Access(f"example:session/{org}/{bot}/*", ref, "example:session", "session", "unknown", parent=access.id)
    lead = replace(report.leads[0], to=PrincipalRef("example", "bot", other), why=said, next=f"nhi-revoke list {other}")
    return replace(
        report,
        identity=bot,
        owner=owner,
        intent=replace(report.intent, case=case, cut_trust=(f"example:token/{org}/{token}",)),
        operator=(f"example:bot/{operator}",),
        principals=(principal,),
        outcomes=(Outcome(access, "ended", Proof.RECORDED, said), Outcome(child, "ended", Proof.RECORDED, said)),
        steps=tuple(replace(s, on=str(ref), says=said, detail=said) for s in report.steps),
        replacements=tuple(
            replace(r, on=str(ref), to=f"example-vault:{host}/{bot}", why=said) for r in report.replacements
        ),
        open=tuple(
            replace(o, on=ref, access=access.id, why=said, next=f"--cut-trust {access.id}") for o in report.open
        ),
        residuals=tuple(replace(r, on=ref, access=child.id, why=said) for r in report.residuals),
        blind=tuple(replace(b, on=ref, why=said, needs=f"right on {org}") for b in report.blind),
        leads=(lead,),
        planted=(replace(lead, how="planted"),),
        manual=tuple(replace(m, on=ref, what=said) for m in report.manual),
        notices=tuple(replace(n, on=ref, says=said) for n in report.notices),
        unreachable=tuple(replace(u, ref=lead.to, why=said, hint=said) for u in report.unreachable),
        next=(f"nhi-revoke revoke {bot}",),
        next_plan=f"/home/{operator}/plan-2.json",
    )


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(NAMES, min_size=8, max_size=8, unique=True))
@example(words=["payments-bot", "deploy-bot", "org-1", "tok_0008", "o.wner", "IR-17", "db1.corp", "responder-7"])
def test_no_name_is_left_in_any_format(report: Report, words: list[str]) -> None:
    whole = named_by(report, words)
    after, own = every_format(redacted(whole)), _own(report)
    for format_, text in after.items():
        plain = re.sub(r"(?:principal|access|account|owner|case|operator|address|name|path|host|id)-\d+", "", text)
        for word in words:
            if word.lower() not in own:
                assert word.lower() not in plain.lower(), (format_, word)
    assert all(word.lower() in html_report(whole, at(3)).lower() for word in words)


def _own(report: Report) -> str:
    """What every report of this run holds whatever things are called: times, hashes, words of formats."""
    calm = redacted(named_by(report, [f"zz-{n}zz" for n in range(8)]))
    return "".join(every_format(calm).values()).lower()


def test_times_fates_proofs_and_counts_stay(report: Report) -> None:
    after = redacted(report)
    assert after.redacted
    assert after.times == report.times
    assert [(o.fate, o.proof, o.until, o.appeared) for o in after.outcomes] == [
        (o.fate, o.proof, o.until, o.appeared) for o in report.outcomes
    ]
    assert [(o.access.kind, o.access.family, o.access.state) for o in after.outcomes] == [
        (o.access.kind, o.access.family, o.access.state) for o in report.outcomes
    ]
    assert proof_counts(after) == proof_counts(report)
    assert (after.run, after.headline, after.exit_code, after.journal_sha256) == (
        report.run,
        report.headline,
        report.exit_code,
        report.journal_sha256,
    )
    assert msgspec.convert(msgspec.to_builtins(after), Report) == after


def test_a_thing_has_one_pseudonym_and_two_things_have_two(report: Report) -> None:
    after = redacted(report)
    ids = [o.access.id for o in after.outcomes]
    assert ids == ["access-1", "access-2", "access-3", "access-4", "access-5"]
    assert after.outcomes[3].access.parent == ids[0]
    assert [str(p.ref) for p in after.principals] == ["example:bot/principal-1"]
    assert {s.on for s in after.steps} == {"example:bot/principal-1"}
    assert after.open[0].access == ids[4]
    assert after.open[0].next == "--cut-trust access-5"
    assert after.operator == ("example:operator-1",)
    assert after.next == (f"nhi-revoke resume {report.run}", "nhi-revoke apply path-1")
    tok, old, *rest = report.outcomes
    # What a vendor answered of one calls it as another is called, or as its principal is.
    tangled = replace(tok, access=replace(tok.access, before={"next": "tok_2", "of": "payments-bot", "x": "trust/p"}))
    whole = replace(report, outcomes=(tangled, old, *rest))
    assert [o.access.id for o in redacted(whole).outcomes] == ids
    assert open_count(redacted(whole)) == open_count(report)
    many = redacted(big_report(500))
    assert len({o.access.id for o in many.outcomes}) == 500


def test_it_is_said_that_names_are_pseudonyms(report: Report) -> None:
    formats = every_format(redacted(report))
    assert "Redacted: names of principals" in formats["html"]
    assert "Redacted: names are pseudonyms." in formats["table"]
    assert "pseudonyms (redacted)" in formats["md"]
    assert json.loads(formats["ocsf"].splitlines()[-1])["unmapped"]["redacted"] is True
    assert "pseudonym" not in every_format(report)["html"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask jane.doe@corp.example.com", "ask address-1"),
        ("GET https://api.corp.internal/v1?x=1 failed", "GET host-1 failed"),
        ("db.corp.internal refused", "host-1 refused"),
        ("read /home/jane/.config/x.toml first", "read path-1 first"),
        ("from 10.1.2.3", "from host-1"),
        ("project 123456789012", "project id-1"),
        ("object 35920a72-9e1e-4b98-958a-82eeebd8de33", "object id-1"),
        ("token tok_0011 was made, and tok_0011 used", "token id-1 was made, and id-1 used"),
        ("key AKIAIOSFODNN7EXAMPLE", "key id-1"),
        ("until 2026-01-31 12:00:00Z or 2026-01-31T12:00Z", "until 2026-01-31 12:00:00Z or 2026-01-31T12:00Z"),
        ("403 (needs tokens.update)", "403 (needs tokens.update)"),
    ],
)
def test_what_looks_like_a_name_is_replaced_wherever_it_stands(report: Report, text: str, left: str) -> None:
    whole = replace(report, steps=(replace(report.steps[0], detail=text),), replacements=(), next_plan=None)
    assert redacted(whole).steps[0].detail == left


def test_what_is_kept_as_it_is_can_hold_no_name() -> None:
    """Fields of the list exist, and every field of fixed words is on it or no plain text."""
    structs = {each.__name__: each for each in _structs(Report)}
    for name, fields in KEPT.items():
        assert fields <= set(structs[name].__struct_fields__) | {"found"}, name


def _structs(of: Any) -> Iterator[Any]:
    seen: set[Any] = set()
    waiting = [msgspec.inspect.type_info(of)]
    while waiting:
        info: Any = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
            seen.add(info.cls)
            yield info.cls
            waiting += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting += info.types
        elif isinstance(info, msgspec.inspect.VarTupleType):
            waiting.append(info.item_type)
        else:
            assert not isinstance(info, Enum)


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.text(st.sampled_from("ab.*("), min_size=1, max_size=6), min_size=1, max_size=12))
def test_one_pattern_finds_what_each_name_would(names: list[str]) -> None:
    pattern = re.compile(any_of(names))
    for name in names:
        found = pattern.fullmatch(name)
        assert found is not None
        longest = max((n for n in names if f"{name}ab".startswith(n)), key=len)
        begun = pattern.match(f"{name}ab")
        assert begun is not None
        assert begun.group() == longest
    assert not pattern.fullmatch("c")
    with pytest.raises(ValueError, match="no name"):
        any_of([""])
