"""Repositories as GitHub shows them, in a list and alone (shapes: the vendor's OpenAPI description)."""

from __future__ import annotations

from typing import Any

from nhi_revoke_github.sandbox.rows import API, SITE, simple_user
from nhi_revoke_github.sandbox.state import Hub, Repository, stamp

LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "html", "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones",
    "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams",
    "trees",
)  # fmt: skip
COUNTS = dict.fromkeys(
    (
        "forks", "forks_count", "network_count", "open_issues", "open_issues_count", "size", "stargazers_count",
        "subscribers_count", "watchers", "watchers_count",
    ),
    0,
)  # fmt: skip
HAS = dict.fromkeys(("has_discussions", "has_issues", "has_pages", "has_projects", "has_wiki"), False)
ELSEWHERE = ("clone", "git", "ssh", "svn")


def minimal_repository(hub: Hub, repository: Repository) -> dict[str, Any]:
    """A row of a list."""
    url = f"{API}/repos/{repository.full_name}"
    return {
        "id": repository.id, "node_id": f"N{repository.id}", "name": repository.name, "url": url, "fork": False,
        "full_name": repository.full_name, "private": repository.private, "archived": repository.archived,
        "description": None, "pushed_at": stamp(repository.pushed or repository.created),
        "owner": simple_user(hub, repository.owner), "created_at": stamp(repository.created),
        **{f"{kind}_url": f"{url}/{kind}" for kind in LINKS},
    }  # fmt: skip


def listed_repository(hub: Hub, repository: Repository) -> dict[str, Any]:
    """A row of an installation's list, which is longer than others, and shorter than one alone."""
    row = repository_row(hub, repository)
    kept = {name: told for name, told in row.items() if name not in ("network_count", "subscribers_count")}
    return {**kept, "has_downloads": True}


def repository_row(hub: Hub, repository: Repository) -> dict[str, Any]:
    """One alone."""
    page, then = f"{SITE}/{repository.full_name}", stamp(repository.created)
    return {
        **minimal_repository(hub, repository), **COUNTS, **HAS, "default_branch": "main", "disabled": False,
        "homepage": None, "language": None, "license": None, "mirror_url": None, "updated_at": then,
        **{f"{kind}_url": page for kind in ELSEWHERE},
    }  # fmt: skip
