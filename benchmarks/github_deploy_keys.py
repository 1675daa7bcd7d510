"""`python -m benchmarks.github_deploy_keys`: one user's deploy keys in an organisation of 2,000 repositories.

50 ms are added to each request. `nhi-revoke list github:user/…` as a whole process, on the live clock, so that GitHub's
rate limit is waited for; prints requests and seconds, and how many requests any 60 seconds saw.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks.figures import Goal, figures
from benchmarks.measure import TOOL, process
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_github.connection import PAGE
from nhi_revoke_github.repositories import A_MINUTE, WALK
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.gate import HOUR
from nhi_revoke_github.sandbox.plant_keys import new_pair
from nhi_revoke_github.sandbox.routes_keys import new_deploy_key
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_github.sandbox.state import ORG
from tests.figures.delay_proxy import DelayProxy

REPOSITORIES = 2000
ONE_IN = 100
"""Every hundredth repository has a deploy key of the user, each of them one of somebody else."""
DELAY = 0.05
WHO, NAME = f"github:user/{seed.LOGIN}", seed.SLUG
KEYS = "GET /repos/<owner>/<repo>/keys"
REPOSITORY_PAGES = "GET /orgs/<org>/repos"
GOAL = 1.05
LIMIT = 900
"""Points that GitHub allows in a minute; a read is one (GitHub docs: rate-limits-for-the-rest-api)."""
FOUND = (0, 8)
"""A look that leaves nothing unseen, and one that does; anything else is a failure."""


@dataclass
class Listed:
    """What one look asked for, and what it brought."""

    seconds: float
    requests: Counter[str]
    began: Sequence[float] = field(repr=False)
    """When each request began, in seconds."""
    keys: int
    """Deploy keys of the user that were found."""

    @property
    def busiest_minute(self) -> int:
        """Most requests that began within any 60 seconds."""
        return busiest(self.began, A_MINUTE)

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "repositories": self.requests[KEYS],
            "delay_ms": DELAY * 1000,
            "seconds": round(self.seconds, 1),
            "requests": self.requests.total(),
            "busiest_minute": self.busiest_minute,
            "limit": LIMIT,
            "of_a_walk": WALK,
            "keys": self.keys,
            "by_name": dict(sorted(self.requests.items())),
        }


def busiest(began: Sequence[float], seconds: float) -> int:
    """Most of these moments within any span of so many seconds; one that begins when the span ends is not in it."""
    ordered = sorted(began)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def fill(sandbox: GithubSandbox, repositories: int) -> int:
    """So many in the organisation, with those that are there. How many deploy keys the user added."""
    hub, then = sandbox.hub, seed.long_ago(sandbox.now())
    with sandbox.lock:
        mine = sum(k.added_by == seed.LOGIN for r in hub.repositories.values() for k in r.keys.values())
        there = sum(name.startswith(f"{ORG}/") for name in hub.repositories)
        for number in range(repositories - there):
            where = seed.new_repository(hub, f"{ORG}/service-{number:04}", then)
            added = [seed.OPERATOR] + [seed.LOGIN] * (number % ONE_IN == 0)
            for by in added:
                new_deploy_key(hub, where, "build", new_pair(hub)[1], then, added_by=by)
            mine += len(added) - 1
    return mine


@contextmanager
def organisation(folder: Path, repositories: int) -> Iterator[tuple[GithubSandbox, int]]:
    """The demo's user among many repositories, and how many deploy keys it added."""
    sandbox = GithubSandbox(entropy=7)
    sandbox.start(MovableClock(datetime.now(UTC)))
    try:
        sandbox.seed(str(folder))
        yield sandbox, fill(sandbox, repositories)
    finally:
        sandbox.close()


@contextmanager
def account(folder: Path, repositories: int) -> Iterator[tuple[str, Callable[[str], dict[str, Any]]]]:
    """The same as `many` has it. The sandbox's clock is named: waits for GitHub's rate limit move it; and each look has
    an hour of its own, of 5,000 requests.
    """
    with organisation(folder, repositories) as (sandbox, _):

        def table(url: str) -> dict[str, Any]:
            sandbox.advance(HOUR)
            return {"github": {**sandbox.settings(), "api_url": url}, "sandbox": {"control": sandbox.control}}

        yield sandbox.url, table


def pages(command: str, repositories: int) -> int:
    """`audit` asks each repository for its keys, whose list is a page; `find` asks by names alone."""
    return 0 if command == "find" else repositories + -(-repositories // PAGE)


def listed(
    sandbox: GithubSandbox, folder: Path, delay: float, words: Sequence[str] = ("list", WHO, "--no-logs"),
    codes: Sequence[int] = FOUND,
) -> Listed:  # fmt: skip
    """`list` of the user, or another look. No clock of a sandbox is named: the tool waits as it does for GitHub."""
    with DelayProxy(sandbox.url, delay) as proxy:
        config = folder / "nhi.toml"
        config.write_text(tomli_w.dumps({"github": {**sandbox.settings(), "api_url": proxy.url}}))
        out = folder / "list.json"
        out.unlink(missing_ok=True)
        sandbox.gate.calls.clear()
        command: list[str | Path] = [
            TOOL, *words, "--no-input", "-o", "json", "--out", out, "--config", config,
        ]  # fmt: skip
        seconds = process(command, {"NHI_REVOKE_STATE": str(folder / "state")}, codes)
    found = json.loads(out.read_text())["data"].get("inventory", {}).get("accesses", [])
    return Listed(
        seconds, Counter(c.name for c in sandbox.calls() if c.by == "operator"), [p.began for p in proxy.passed],
        sum(a["kind"] == "github:added-deploy-key" for a in found),
    )  # fmt: skip


def measure(repositories: int = REPOSITORIES) -> dict[str, Any]:
    """Raises RuntimeError where a key was missed."""
    with tempfile.TemporaryDirectory() as name, organisation(Path(name), repositories) as (sandbox, keys):
        seen = listed(sandbox, Path(name), DELAY)
    if seen.keys != keys:
        raise RuntimeError(f"{seen.keys} of {keys} deploy keys were found")
    return seen.figures()


def row() -> dict[str, Any]:
    """As a row of the results."""
    seen = measure()
    # Each repository's keys, pages of repositories, and what a list of the user asks whatever the organisation's size.
    floor = (
        seen["repositories"]
        + -(-seen["repositories"] // PAGE)
        + sum(count for name, count in seen["by_name"].items() if name not in (KEYS, REPOSITORY_PAGES))
    )
    return figures(
        f"`list` of a user in a GitHub organisation of {seen['repositories']:,} repositories, {DELAY * 1000:.0f} ms "
        "added to each request",
        [Goal("`list`: requests", seen["requests"] / floor, GOAL, f"x the {floor:,} that paging allows")],
        [{name: seen[name] for name in ("keys", "requests", "seconds", "busiest_minute", "limit", "of_a_walk")}],
        [
            f"GitHub allows {LIMIT} a minute, and this waits for it. The walk over the repositories takes {WALK} of "
            "them at most, all at once where it can, and leaves the rest to what is done beside it."
        ],
        by_name=seen["by_name"],
        by_itself=True,
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2) + "\n")
