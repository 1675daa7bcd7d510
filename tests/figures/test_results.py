"""What the benchmarks last found is told as it was found."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.figures import Goal, figures, markdown

FOLDER = Path(__file__).parents[2] / "benchmarks"
MACHINE = {"cores": 2, "cpu": "X", "system": "Linux", "python": "3.11", "load_before": 0.1}


def test_the_table_is_of_the_figures_beside_it() -> None:
    results = json.loads((FOLDER / "results.json").read_text())
    assert (FOLDER / "RESULTS.md").read_text() == markdown(results)


def test_a_goal_that_is_missed_says_so() -> None:
    row = figures("a title", [Goal("fast", 1.2, 1.5, "x a peer"), Goal("small", 3.01, 3)], [{"what": "a", "ms": 1200}])
    text = markdown({"row": {"date": "2026-11-29", "machine": MACHINE, **row}})
    assert "| row | fast | 1.2 | ≤ 1.5 x a peer | met |" in text
    assert "| row | small | 3.01 | ≤ 3 | **missed** |" in text
    assert "| a | 1,200 |" in text
    assert "`python -m benchmarks row`, 2026-11-29: 2 cores of X" in text
