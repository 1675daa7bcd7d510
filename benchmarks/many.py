"""`audit` and `find` in large accounts: requests against what paging allows, and the most memory against half of it.

What paging allows: what the same command asks in a small account, and one request more for each further page of what
has to be walked.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks import aws_reach, entra_applications, github_deploy_keys
from benchmarks.figures import Goal, figures
from benchmarks.measure import ROOT, environment
from nhi_revoke_entra.sandbox import seed
from tests.figures.delay_proxy import DelayProxy

REQUESTS_GOAL, MEMORY_GOAL, FLAT_GOAL = 1.05, 120, 1.10
RUNS = 5
DELAY = 0.05
"""Seconds: what is asked for at once by several is one request where the answer takes as long as a vendor's."""
SMALL = 2
"""The other account is smaller by this: both have full pages, so that memory may be compared."""
OWN = 10
"""Users and roles that the demo has besides, about: one page more where the rest fills the last one."""
FAILED = (1, 2, 3, 4, 5, 7, 130)
"""Exit codes of a command that did not look, or not at everything it could."""


@dataclass(frozen=True)
class Large:
    """One vendor's account of any size."""

    what: str
    size: int
    account: Callable[[Path, int], AbstractContextManager[tuple[str, Callable[[str], dict[str, Any]]]]]
    commands: Mapping[str, Sequence[str]]
    pages: Callable[[str, int], int]
    """How many requests the listings of an account of that size take, at least, by the command."""
    words: str = ""
    """What else to know of the figures."""


@contextmanager
def aws_account(folder: Path, size: int) -> Iterator[tuple[str, Callable[[str], dict[str, Any]]]]:
    """Two roles to five users."""
    with aws_reach.account(folder, size, size * 2 // 5) as sandbox:
        sandbox.page_size(1000)
        yield sandbox.endpoint, lambda url: {"aws": {**sandbox.settings(), "endpoint_url": url}}


@contextmanager
def entra_tenant(folder: Path, size: int) -> Iterator[tuple[str, Callable[[str], dict[str, Any]]]]:
    """So many applications."""
    with entra_applications.tenant(folder, size) as (entra, _):
        urls = ("login_url", "graph_url", "arm_url")
        yield entra.url, lambda url: {"entra": {**entra.settings(), **dict.fromkeys(urls, url)}}


def aws_pages(command: str, size: int) -> int:
    """IAM gives 1,000 at a time at most. `audit` walks the roles; `find` users and roles, and the roles once more for
    whom they let in.
    """
    roles = size * 2 // 5
    walks = {"audit": (roles,), "find": (size + roles + OWN, roles)}[command]
    return sum(-(-items // 1000) for items in walks)


def entra_pages(command: str, size: int) -> int:
    """Graph gives 999 at a time at most. `audit` finds by the exact name; `find` reads tags and notes, by which nothing
    can be found, and so walks applications and service principals.
    """
    return 0 if command == "audit" else 2 * -(-(size + OWN) // 999)


VENDORS = {
    "many_users": Large(
        "IAM users and two roles to five of them", 5000, aws_account,
        {"audit": ("audit", "aws:user/payments-bot", "--no-logs"), "find": ("find", "payments-bot")}, aws_pages,
    ),
    "many_applications": Large(
        "Entra applications", 50_000, entra_tenant,
        {"audit": ("audit", f"entra:app/{seed.NAME}", "--no-logs"), "find": ("find", seed.NAME)}, entra_pages,
    ),
    "many_repositories": Large(
        "repositories of a GitHub organisation", 2000, github_deploy_keys.account,
        {"audit": ("audit", github_deploy_keys.WHO, "--no-logs"), "find": ("find", github_deploy_keys.NAME)},
        github_deploy_keys.pages,
        "GitHub allows 900 requests a minute, of which the walk takes 750 at most. Here that wait moves the sandbox's "
        "clock, so that `audit` takes what the tool needs alone; the row deploy_keys waits. `audit` also looks for the "
        "user's runs in the 50 repositories that were pushed to last.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What one command took, in the median."""

    seconds: float
    cpu_s: float
    """Of the tool alone."""
    peak_mb: float
    requests: Counter[str]


def looks(large: Large, size: int) -> dict[str, Look]:
    """Each command some times, each time as a process of its own: medians, and the most requests."""
    with tempfile.TemporaryDirectory() as name, large.account(Path(name), size) as (url, table):
        out: dict[str, Look] = {}
        for says, words in large.commands.items():
            told: list[dict[str, float]] = []
            asked: list[Counter[str]] = []
            for _ in range(RUNS):
                with DelayProxy(url, DELAY) as proxy:
                    told.append(_inside(words, table(proxy.url), Path(name)))
                    asked.append(Counter(p.name for p in proxy.passed))
            seconds, cpu, peak = (statistics.median(t[key] for t in told) for key in ("seconds", "cpu_s", "peak_mb"))
            out[says] = Look(seconds, cpu, peak, max(asked, key=Counter.total))
        return out


def _inside(words: Sequence[str], document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    config, out = folder / "nhi.toml", folder / "inside.json"
    config.write_text(tomli_w.dumps(dict(document)))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "benchmarks.inside",
        out,
        *words,
        "--no-input",
        "--config",
        config,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment({"NHI_REVOKE_STATE": str(folder / "state")}), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode in FAILED:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}")
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def measure(row: str) -> dict[str, Any]:
    """Of one vendor: `row` of VENDORS."""
    large = VENDORS[row]
    half, whole = looks(large, large.size // SMALL), looks(large, large.size)
    goals: list[Goal] = []
    rows: list[dict[str, Any]] = []
    for says in large.commands:
        few, many = half[says], whole[says]
        further = large.pages(says, large.size) - large.pages(says, large.size // SMALL)
        floor = few.requests.total() + further
        goals += [
            Goal(f"`{says}`: requests", many.requests.total() / floor, REQUESTS_GOAL, f"x the {floor:,} of paging"),
            Goal(f"`{says}`: memory", many.peak_mb, MEMORY_GOAL, "MB"),
            Goal(f"`{says}`: memory", many.peak_mb / few.peak_mb, FLAT_GOAL, "x that of half as many"),
        ]
        for size, look in ((large.size // SMALL, few), (large.size, many)):
            rows.append({
                "command": f"`{says}`", "of": f"{size:,}", "seconds": round(look.seconds, 2),
                "CPU s of the tool": round(look.cpu_s, 2),
                "requests": look.requests.total(), "peak MB": look.peak_mb,
            })  # fmt: skip
    asked = {says: dict(sorted(look.requests.items())) for says, look in whole.items()}
    return figures(
        f"{large.size:,} {large.what}, {DELAY * 1000:.0f} ms added to each request",
        goals,
        rows,
        [large.words] * bool(large.words),
        asked=asked,
        by_itself=True,
    )
