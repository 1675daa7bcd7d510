"""A name that an attacker chose does nothing in a terminal, a spreadsheet, a document or JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.report import Report
from nhi_revoke.render.block import line, table
from nhi_revoke.render.clean import clean, csv_cell, json_text, markdown, markdown_code
from nhi_revoke.render.document import markdown_report
from nhi_revoke.render.inventory import inventory_screen
from nhi_revoke.render.plain import plain_text
from nhi_revoke.render.rows import INVENTORY_COLUMNS, csv_text, inventory_rows
from nhi_revoke.render.screen import draw

EVIL = [
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31mgone",
    "\x9b31m",
    "safe\u202egpj.exe",
    "a\u200bb\ufeff",
    "line\nLIVE 0  OPEN 0\r",
    "[bold red]markup[/] [link=http://evil.example]x[/link] :skull:",
    "\u2028next",
    "\ud800",
]


@pytest.mark.parametrize("name", EVIL)
def test_no_control_character_reaches_a_terminal(inventory: Inventory, name: str) -> None:
    tok, *rest = inventory.accesses
    evil = replace(inventory, accesses=(replace(tok, id=name, label=name, note=name), *rest))
    for color in (False, True):
        for width in (40, 80, 200):
            out = io.StringIO()
            draw(inventory_screen(evil), out, width=width, color=color)
            text = out.getvalue()
            for char in text.replace("\x1b[", "" if color else "\x1b["):
                assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    plain = plain_text(inventory_screen(evil))
    assert plain.replace("\n", "").isprintable()
    assert len(plain.splitlines()) == len(plain_text(inventory_screen(inventory)).splitlines())


def test_markup_is_shown_as_it_is() -> None:
    out = io.StringIO()
    draw([line("[bold]x[/bold] :skull:"), table(("A",), [["[red]y[/red]"]])], out, width=80, color=True)
    assert "[bold]x[/bold] :skull:" in out.getvalue()
    assert "[red]y[/red]" in out.getvalue()


def test_printable_text_is_left_alone() -> None:
    for text in ("arn:x:y::1:user/bots/päyments", "日本 語", "a-b_c d"):
        assert clean(text) == text
    assert clean("a\x1bb\n") == "a\\x1bb\\n"


@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    assert clean(text).isprintable()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_takes_a_cell_for_a_formula(inventory: Inventory, text: str) -> None:
    assert csv_cell(text)[0] in "'\\"
    tok, *rest = inventory.accesses
    evil = replace(inventory, accesses=(replace(tok, label=text), *rest))
    read = list(csv.DictReader(io.StringIO(csv_text(inventory_rows(evil), INVENTORY_COLUMNS))))
    assert read[0]["what"] == csv_cell(text)
    assert len(read) == 5 + 2 + 2 + 1


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_keeps_its_value_and_drives_no_terminal(text: str) -> None:
    encoded = json_text(json.dumps(text, ensure_ascii=False))
    assert json.loads(encoded) == text
    assert not set(encoded) & set("\x7f\x9b\u202e\u200b\u2028\ufeff")


WICKED = [
    "<img src=https://evil.example/x>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example a@evil.example @team",
    "a | b | c",
    "```\n# heading",
    "`tick` ``two``",
    "<!-- hidden",
    "&lt;b&gt; &#60;script&#62;",
    "**bold** _it_ ~~no~~",
    "\\`",
]


@pytest.mark.parametrize("name", WICKED)
def test_a_markdown_report_holds_no_link_image_or_html(report: Report, name: str) -> None:
    first, *rest = report.outcomes
    step = replace(report.steps[1], says=name, detail=name)
    evil = replace(
        report,
        identity=name,
        outcomes=(replace(first, access=replace(first.access, id=name), how=name), *rest),
        steps=(step,),
        next=(name,),
        journal=name,
        open=(replace(report.open[0], access=name, why=name, next=name),),
    )
    tokens = [
        token
        for block in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown_report(evil))
        for token in (block, *(block.children or ()))
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_block", "html_inline", "fence", "em_open", "s_open"}
    plain = clean(name)
    shown = [token.content for token in tokens if token.type in ("code_inline", "text")]
    assert plain in shown or plain in "".join(t.content for t in tokens if t.type in ("text", "text_special"))
    headings = [token for token in tokens if token.type == "heading_open" and token.tag == "h1"]
    assert len(headings) == 1
    rows = markdown_report(evil).split("## Accesses")[1].split("##")[0].strip().splitlines()
    assert len(rows) == 2 + len(evil.outcomes)


def test_autolinks_are_broken_for_renderers_that_make_them() -> None:
    escaped = markdown("see https://evil.example, www.evil.example or @team")
    assert "://" not in escaped
    assert "www." not in escaped
    assert "@" not in escaped
    assert markdown_code("") == ""
    assert markdown_code("a|b") == r"`a\|b`"
    assert markdown_code("`") == "`` ` ``"
