"""The report as a page: what it says, what it must never do, and how it bears thousands of actions."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from msgspec.structs import replace

from nhi_revoke.engine.verdict import open_count
from nhi_revoke.model.approval import Approval, Signer
from nhi_revoke.model.found import Access, Lead
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Outcome, Report
from nhi_revoke.model.step import Residual
from nhi_revoke.render.inventory import unseen_count
from nhi_revoke.render.page.drawing import MOST_NODES, lineage_drawing, middle_out, reach_drawing, timeline
from nhi_revoke.render.page.write import html_report
from nhi_revoke.render.redact import redacted
from nhi_revoke.render.report import proof_counts
from tests.render.big import big_report
from tests.render.conftest import BOT, NOON, OTHER, at

EVIL = """<img src=x onerror=alert(1)>"'&\u202e\x1b[31m"""
OPEN_END = {"tr", "td", "th", "li", "meta", "thead", "tbody"}
"""Elements whose end HTML lets one leave out, and those that have none."""


class Page(HTMLParser):
    """All start tags with their attributes, and the text of a page; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(text)
        self.close()
        assert not self._inside

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in OPEN_END:
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in OPEN_END:
            assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] != ["style"]:
            self.text.append(data)

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def attributes(self, name: str) -> list[str]:
        return [str(found[name]) for _, found in self.tags if name in found]

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


def page(report: Report, minutes: float = 3) -> Page:
    return Page(html_report(report, at(minutes)))


def test_the_verdict_stands_first_with_the_numbers_of_the_json(report: Report) -> None:
    words = page(report).words()
    begins = (
        "NOT PROVEN OUT: payments-bot (20260131T120000Z-abc123) nhi-revoke revoke 20260131T120000Z-abc123 "
        "· case IR-17 · state: partial NOT PROVEN OUT payments-bot OPEN"
    )
    assert words.startswith(begins)
    counts = {**{p.value.upper(): n for p, n in proof_counts(report).items()}}
    counts |= {"OPEN": open_count(report), "EXPIRES": len(report.residuals), "PLANTED": len(report.planted)}
    counts["UNSEEN"] = unseen_count(report.blind, report.unreachable)
    for word, many in counts.items():
        assert f"{word} {many} " in words, word
    assert words.index("Next:") < words.index("WARNING: a quota is nearly full") < words.index("UTC. Distances")
    for command in report.next:
        assert command in words
    assert "2 steps: done 1, failed 1." in words
    assert "5 accesses: ended 1, already 1, not proven 1, left 1, open 1." in words


def test_everything_of_the_report_is_on_the_page(report: Report) -> None:
    words = page(report).words()
    for outcome in report.outcomes:
        assert outcome.access.id in words
        assert outcome.how in words
    told: list[Any] = [
        *report.open,
        *report.blind,
        *report.residuals,
        *report.leads,
        *report.planted,
        *report.unreachable,
    ]
    assert all(each.why in words for each in told)
    assert all(each.what in words for each in report.manual)
    assert all(step.says in words and step.detail in words for step in report.steps)
    assert all(each.why in words and each.to in words for each in report.replacements)
    assert report.journal_sha256 in words
    assert "403 (needs tokens.update)" in words
    assert "operator example:bot/responder" in words


def test_before_and_after_of_each_access(report: Report) -> None:
    words = page(report).words()
    assert "ended live enforced tok_1 ci: the vendor refused it" in words
    assert "already disabled recorded tok_2" in words
    assert "not proven may be live requested ses/* every session: accepted, not yet seen" in words
    assert "left appeared during the run none ses/1" in words


def test_the_clock_counts_from_when_the_page_was_made(report: Report) -> None:
    assert "2026-01-31T12:30:00Z 27 min left ses/1" in page(report).words()
    assert "(27 min left when this page was made)" in page(report).words()
    assert "2026-01-31T12:30:00Z over since 30 min ses/1" in page(report, 60).words()
    forever = replace(report, residuals=(Residual(BOT, "ses/1", None, "nobody can", "docs"),), residual_until=None)
    assert "for good, unless you end it ses/1" in page(forever).words()


def test_nothing_leaves_the_page_and_nothing_runs_in_it(report: Report) -> None:
    text = html_report(report, NOON)
    found = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "base", "form", "image", "use"} & {
        t for t, _ in found.tags
    }
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on") or name == "style"]
    assert all(href.startswith("#") for href in found.attributes("href"))
    assert {href[1:] for href in found.attributes("href")} <= set(found.attributes("id"))
    assert not found.attributes("src")
    assert not re.search(r"url\(|@import|https?:", text)
    style = re.search(r"<style>(.*)</style>", text)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    [policy] = [str(a["content"]) for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "prefers-color-scheme:dark" in style[1]
    assert "@media print" in style[1]


def test_a_name_that_somebody_chose_stays_a_name(report: Report) -> None:
    evil = PrincipalRef("example", "bot", EVIL)
    access = Access(EVIL, evil, "example:token", "key", "live", EVIL, parent=EVIL + "2", lets_in=(EVIL,))
    principal = replace(report.principals[0], ref=evil, name=EVIL)
    whole = replace(
        report,
        identity=EVIL,
        owner=EVIL,
        operator=(EVIL,),
        next=(EVIL,),
        principals=(principal,),
        outcomes=(Outcome(access, "ended", Proof.RECORDED, EVIL),),
        steps=tuple(replace(s, on=str(evil), says=EVIL, detail=EVIL) for s in report.steps),
        leads=(Lead(evil, EVIL, "", of=evil),),
        planted=(Lead(evil, EVIL, "", "planted"),),
        notices=tuple(replace(n, says=EVIL, on=evil) for n in report.notices),
        replacements=tuple(replace(r, to=EVIL, why=EVIL) for r in report.replacements),
        residuals=tuple(replace(r, access=EVIL, why=EVIL) for r in report.residuals),
    )
    text = html_report(whole, NOON)
    found = Page(text)
    assert "img" not in {tag for tag, _ in found.tags}
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert found.words().count("<img src=x onerror=alert(1)>") > 20


def test_who_must_be_told_is_what_the_report_knows(report: Report) -> None:
    words = page(report).words()
    assert "owner of payments-bot: not known" in words
    assert "vendors, customers, authorities: not known" in words
    assert "owner of example:bot/deploy-bot: not known planted: a token was made on it" in words
    assert "whoever administers example:bot/payments-bot by hand: remove the phone by hand" in words
    assert "partner behind trust/p: not known this trust: open" in words
    assert "payments team what the identity could do" in page(replace(report, owner="payments team")).words()


def test_drawings_have_words_for_those_who_do_not_see_them(report: Report) -> None:
    text = html_report(report, NOON)
    assert text.count('role="img"') == 3
    assert "tok_1: ended. ses/1: left." in text
    assert "example:bot/deploy-bot: PLANTED. example:bot/deploy-bot: REACH." in text
    assert "2026-01-31T12:00:00Z started. 2026-01-31T12:00:03Z acted: every cut and end was seen." in text


def test_the_timeline_is_in_order_and_says_what_it_leaves_out(report: Report) -> None:
    drawn = timeline(report)
    assert [(m.at[11:19], m.word, m.gap) for m in drawn.marks] == [
        ("12:00:00", "started", ""),
        ("12:00:03", "acted: every cut and end was seen", "3 s later"),
        ("12:02:00", "sealed: nothing born before survives", "117 s later"),
        ("12:30:00", "residual ends: ses/1", "28 min later"),
    ]
    many = tuple(replace(report.residuals[0], until=NOON + timedelta(hours=n)) for n in range(1, 40))
    assert timeline(replace(report, residuals=many)).more == 3 + 39 - 16


def test_the_lineage_holds_a_parent_that_no_list_shows(report: Report) -> None:
    child, grandchild = (
        Outcome(Access(id_, BOT, "example:session", "session", "live", parent=parent), "ended", Proof.RECORDED, "")
        for id_, parent in (("ses/2", "ses/gone"), ("ses/3", "ses/2"))
    )
    drawn = lineage_drawing(replace(report, outcomes=(child, grandchild)))
    assert drawn is not None
    assert [(n.whole, n.word, n.x) for n in drawn.left] == [
        ("ses/gone", "not in this report", 8),
        ("ses/2", "ended", 34),
        ("ses/3", "ended", 60),
    ]
    assert lineage_drawing(replace(report, outcomes=report.outcomes[:2])) is None


def test_a_drawing_of_too_many_says_how_many_are_left_out(report: Report) -> None:
    leads = tuple(Lead(PrincipalRef("example", "bot", f"b-{n}"), "why", "") for n in range(100))
    drawn = reach_drawing(replace(report, leads=leads, planted=(Lead(OTHER, "made", "", "planted", of=BOT),)))
    assert drawn is not None
    assert (len(drawn.right), drawn.more) == (MOST_NODES, 101 - MOST_NODES)
    assert [n.whole for n in drawn.left] == [str(BOT), "one of its principals"]
    assert f"{100 - MOST_NODES} more are not drawn." in page(replace(report, leads=leads, planted=())).words()
    assert reach_drawing(replace(report, leads=(), planted=())) is None


def test_long_names_keep_both_ends() -> None:
    assert middle_out("short", 10) == "short"
    assert middle_out("example:token/org-1/tok_0001", 15) == "example…ok_0001"
    assert middle_out("example:token/org-1/tok_0001", 16) == "example…tok_0001"


def test_five_thousand_actions_fit_and_are_folded() -> None:
    report = big_report(5000)
    text = html_report(report, at(3))
    assert len(text.encode()) < 3_000_000
    assert text.count("<details>") == 200
    assert "<details open>" not in text
    assert text.count("<tr>") > 10_000
    assert "RECORDED<b>5000</b>" in text


def test_twice_the_actions_are_twice_the_work() -> None:
    few, many = calls(big_report(300)), calls(big_report(600))
    assert many < 2.3 * few


def calls(report: Report) -> int:
    """How many functions are called to make the page: a count, and no clock."""
    html_report(report, NOON)
    counted = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        html_report(report, NOON)
    finally:
        sys.setprofile(before)
    return counted


def test_broken_glass_is_loud_on_the_page_and_who_approved_is_on_record() -> None:
    report = big_report(100)
    glass = Page(html_report(replace(report, approval=Approval(2, break_glass="pager was down")), NOON))
    assert "BREAK GLASS: not the 2 people who must approved this. Reason: pager was down" in " ".join(
        "".join(glass.text).split()
    )
    signed = Approval(1, (Signer("ada@example.com", "SHA256:abc"),), "0" * 64)
    assert "ada@example.com (SHA256:abc)" in html_report(replace(report, approval=signed), NOON)
    shown = html_report(redacted(replace(report, approval=signed)), NOON)
    assert "ada@" not in shown
    assert "person-1 (key-1)" in shown
    assert "pager" not in html_report(redacted(replace(report, approval=Approval(2, break_glass="pager"))), NOON)
