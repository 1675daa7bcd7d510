"""`python -m benchmarks`: measures, writes benchmarks/results.json and benchmarks/RESULTS.md, prints the table.

`python -m benchmarks deploy_keys` measures that alone, and leaves the other figures as they are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import containment, github_deploy_keys, startup
from benchmarks.measure import AWSCLI, ROOT, awscli, machine

RESULTS = ROOT / "benchmarks"


def main() -> None:
    """Goals that are missed are told, not raised: another machine is another measure."""
    figures = json.loads((RESULTS / "results.json").read_text())
    if sys.argv[1:] != ["deploy_keys"]:
        figures["machine"] = machine()
        with tempfile.TemporaryDirectory() as folder:
            aws = awscli(Path(folder) / "awscli")
            figures |= {"startup": startup.measure(aws), "containment": containment.measure(aws)}
    figures["deploy_keys"] = github_deploy_keys.measure()
    (RESULTS / "results.json").write_text(json.dumps(figures, indent=2) + "\n")
    text = table(figures)
    (RESULTS / "RESULTS.md").write_text(text)
    sys.stdout.write(text)


def table(figures: dict[str, Any]) -> str:
    """Markdown."""
    on, contain, keys = figures["machine"], figures["containment"], figures["deploy_keys"]
    lines = [
        "# Measured by `make bench`",
        "",
        f"On {on['cores']} cores of {on['cpu']}, {on['system']}, Python {on['python']}; load before: "
        f"{on['load_before']}. Whole processes, medians of interleaved runs; {AWSCLI} in an environment of its own. "
        "Ratios are steadier than times.",
        "",
        "| start | median ms | least ms | of `aws --version` | goal |",
        "|---|---|---|---|---|",
    ]
    for name, each in figures["startup"].items():
        goal = f"≤ {each['goal']}: {_met(each)}" if "goal" in each else ""
        lines.append(f"| `{name}` | {each['median_ms']} | {each['least_ms']} | {each['of_aws']} | {goal} |")
    lines += [
        "",
        "A user with two keys, a login profile and two inline policies, and a role: cut, ended, sealed and read back, "
        f"{contain['delay_ms']:.0f} ms added to each request.",
        "",
        "| containment | median ms | least ms | requests | one after another | last write after ms |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("nhi-revoke revoke", "script of aws commands"):
        each = contain[name]
        lines.append(
            f"| {name} | {each['median_ms']} | {each['least_ms']} | {each['requests']} | {each['sequential']} "
            f"| {each['last_write_ms']} |"
        )
    lines += [
        "",
        f"Ratio 1/{contain['times_faster']} (goal 1/18: {_met(contain)}). The script stops after the seal's read-back; "
        "the tool's time includes what the script leaves out: the operator's own chain, the guard, a journal that is "
        "synced before and after each change, CloudTrail, the proof by simulation, a second look at everything, and "
        "the report.",
        "",
        f"`list` of a user in a GitHub organisation of {keys['repositories']:,} repositories, {keys['delay_ms']:.0f} "
        f"ms added to each request: its {keys['keys']} deploy keys, and all else, in {keys['requests']:,} requests and "
        f"{keys['seconds']} s. GitHub allows {keys['limit']} a minute: the busiest 60 s saw {keys['busiest_minute']}. "
        f"The walk over the repositories takes {keys['of_a_walk']} of them at most, all at once where it can, and "
        "leaves the rest to what is done beside it.",
        "",
    ]
    return "\n".join(lines)


def _met(each: dict[str, Any]) -> str:
    return "met" if each["met"] else "missed"


if __name__ == "__main__":
    main()
