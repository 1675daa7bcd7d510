"""What a row of the results is made of: goals that are met or missed, a table, and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """One number that was promised: at most so much."""

    what: str
    measured: float
    most: float
    of: str = ""
    """What it is a part or a multiple of, or its unit."""

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "what": self.what, "measured": round(self.measured, 3), "goal": round(self.most, 4), "of": self.of,
            "met": self.measured <= self.most,
        }  # fmt: skip


def figures(
    title: str, goals: Sequence[Goal], rows: Sequence[Mapping[str, Any]], words: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """One measured row, as JSON has it. `rows`: a table, of one set of columns. `more`: what RESULTS.md leaves out."""
    return {"title": title, "goals": [g.figures() for g in goals], "rows": list(rows), "words": list(words), **more}


def markdown(results: Mapping[str, Mapping[str, Any]]) -> str:
    """RESULTS.md, from all rows that were ever measured."""
    lines = [
        "# Measured by `make bench`",
        "",
        "Each figure stands beside a peer, or a computed floor, of the same run: ratios are steadier than times. "
        "Medians of interleaved runs. A row that was not run again keeps its date. Rows marked *by itself* take "
        "minutes, and run only when named. What prints its figures and keeps none: `python -m benchmarks.aws_reach`, "
        "`benchmarks.entra_applications`, `benchmarks.redis_flush`.",
        "",
        "| row | what | measured | goal | |",
        "|---|---|---|---|---|",
    ]
    for name, row in results.items():
        lines += [
            f"| {name} | {goal['what']} | {_number(goal['measured'])} | {_goal(goal)} | {_met(goal)} |"
            for goal in row["goals"]
        ]
    for name, row in results.items():
        lines += ["", f"## {name}: {row['title']}", "", _where(name, row), *_table(row["rows"])]
        for words in row["words"]:
            lines += ["", words]
    return "\n".join([*lines, ""])


def _met(goal: Mapping[str, Any]) -> str:
    return "met" if goal["met"] else "**missed**"


def _goal(goal: Mapping[str, Any]) -> str:
    return f"≤ {_number(goal['goal'])} {goal['of']}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _where(name: str, row: Mapping[str, Any]) -> str:
    on = row["machine"]
    by_itself = " *By itself*:" if row.get("by_itself") else ""
    return (
        f"`python -m benchmarks {name}`, {row['date']}:{by_itself} {on['cores']} cores of {on['cpu']}, {on['system']}, "
        f"Python {on['python']}; load before: {on['load_before']}."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    heads = list(rows[0])
    body = [f"| {' | '.join(_cell(row.get(head, '')) for head in heads)} |" for row in rows]
    return ["", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body]


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
