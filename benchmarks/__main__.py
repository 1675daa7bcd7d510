"""`python -m benchmarks [ROW…] [--aws PATH]`: measures, writes results.json and RESULTS.md, prints the latter.

Without names: every row but those that run by themselves only. A row that is not measured this time stays as it is,
with the date of its own. `--aws`: an `aws` command that is there already.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import (
    containment,
    first_request,
    five_providers,
    github_deploy_keys,
    html_report,
    journal_share,
    many,
    startup,
    terminal_rows,
)
from benchmarks.figures import markdown
from benchmarks.measure import ROOT, machine
from benchmarks.peers import Peers

RESULTS = ROOT / "benchmarks"
Measure = Callable[[Peers], dict[str, Any]]


def alone(measure: Callable[[], dict[str, Any]]) -> Measure:
    """Of a row that needs none of the peers."""
    return lambda _: measure()


def campaigns() -> dict[str, Any]:
    """On Example Cloud, which is installed nowhere."""
    sys.path.append(str(ROOT / "tests" / "example_provider"))
    from benchmarks import campaign

    return campaign.measure()


ROWS: dict[str, Measure] = {
    "startup": startup.measure,
    "first_request": first_request.measure,
    "containment": containment.measure,
    "five_providers": alone(five_providers.measure),
    "terminal_rows": alone(terminal_rows.measure),
    "html_report": alone(html_report.measure),
    "journal_share": alone(journal_share.measure),
}
BY_THEMSELVES: dict[str, Measure] = {
    "containment_script": containment.measure_script,
    **{row: alone(partial(many.measure, row)) for row in many.VENDORS},
    "deploy_keys": alone(github_deploy_keys.row),
    "campaign": alone(campaigns),
}
"""Minutes each."""


def main() -> None:
    """Goals that are missed are told, not raised: another machine is another measure."""
    every = {**ROWS, **BY_THEMSELVES}
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(every)}")
    parser.add_argument("--aws", type=Path, help="an aws command that is there already")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(every):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    results: dict[str, Any] = json.loads((RESULTS / "results.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        peers = Peers(Path(folder), asked.aws)
        for name in asked.rows or ROWS:
            on = machine()
            measured = every[name](peers)
            results[name] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": on, **measured}
            write({row: results[row] for row in every if row in results})
    sys.stdout.write((RESULTS / "RESULTS.md").read_text())


def write(results: dict[str, Any]) -> None:
    """After each row: what was measured stays, whatever happens to the next."""
    (RESULTS / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "RESULTS.md").write_text(markdown(results))


if __name__ == "__main__":
    main()
