"""From a report to the page. Everything a vendor may have named is escaped; nothing in the file asks for another."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from nhi_revoke import __version__
from nhi_revoke.model.report import Report
from nhi_revoke.render.clean import clean
from nhi_revoke.render.page.content import page_of

if TYPE_CHECKING:
    from jinja2 import Environment


def html_report(report: Report, now: datetime) -> str:
    """One file. `now`: when it is made (UTC), from which what is left of each residual is counted."""
    return _environment().get_template("report.html").render(p=page_of(report, now), **_around())


def page_parts(template: str, **values: object) -> Iterator[str]:
    """Another page in the same dress, part by part: what `values` iterate over need not fit into memory."""
    stream = _environment().get_template(template).stream(**values, **_around())
    stream.enable_buffering(64)
    yield from stream


def _around() -> dict[str, str]:
    """The style, its hash for the page's own policy, and who made it."""
    style = _read("report.css").replace("\n", "")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": style, "style_hash": f"sha256-{digest}", "version": __version__}


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _read(name: str) -> str:
    return (files("nhi_revoke.render.page") / "templates" / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Control and bidirectional characters of a name are shown as their escapes; the engine escapes the rest after."""
    return clean(value) if type(value) is str else value
