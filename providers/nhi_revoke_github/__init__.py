"""GitHub: apps, OAuth apps, machine users, repositories with their deploy keys, runners, secrets and running jobs."""

from __future__ import annotations

from nhi_revoke_github.provider import GithubProvider

provider = GithubProvider()
