"""Rows as GitHub shows them (shapes: the vendor's OpenAPI description, held by contract tests). Links lead nowhere."""

from __future__ import annotations

from typing import Any

from nhi_revoke_github.sandbox.state import Account, App, Hub, Installation, stamp

SITE, API = "https://github.com", "https://api.github.com"
NOBODYS_ID = 1
"""Of a login that is no account here: a bot."""
USER_LINKS = (
    "avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events", "repos",
    "starred", "subscriptions",
)  # fmt: skip
ORG_LINKS = ("avatar", "events", "hooks", "issues", "members", "public_members", "repos")
UNSAID = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
COUNTS = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
ONES_OWN_COUNTS = dict.fromkeys(
    ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"), 0
)


def simple_user(hub: Hub, login: str) -> dict[str, Any]:
    """The short form of any account."""
    known, url = hub.account(login), f"{API}/users/{login}"
    return {
        "login": login, "id": known.id if known else NOBODYS_ID, "node_id": f"N{login}", "gravatar_id": "",
        "type": known.type if known else "Bot", "site_admin": False, "url": url,
        **{f"{kind}_url": f"{url}/{kind}" for kind in USER_LINKS},
    }  # fmt: skip


def user_row(hub: Hub, account: Account, *, own: bool = False) -> dict[str, Any]:
    """A whole account. `own`: as its owner sees it."""
    row = {
        **simple_user(hub, account.login), **UNSAID, **COUNTS,
        "created_at": stamp(account.created), "updated_at": stamp(account.created),
    }  # fmt: skip
    return {**row, **ONES_OWN_COUNTS, "two_factor_authentication": True} if own else row


def simple_org(hub: Hub, login: str) -> dict[str, Any]:
    known, url = hub.account(login), f"{API}/orgs/{login}"
    return {
        "login": login, "id": known.id if known else NOBODYS_ID, "node_id": f"N{login}", "description": None,
        "url": url, **{f"{kind}_url": f"{url}/{kind}" for kind in ORG_LINKS},
    }  # fmt: skip


def org_row(hub: Hub, account: Account, public: int) -> dict[str, Any]:
    """A whole organisation. `public`: how many repositories of it anybody may see."""
    return {
        **simple_org(hub, account.login), **COUNTS, "public_repos": public, "type": account.type,
        "html_url": f"{SITE}/{account.login}", "has_organization_projects": True, "has_repository_projects": True,
        "created_at": stamp(account.created), "updated_at": stamp(account.created), "archived_at": None,
    }  # fmt: skip


def app_row(hub: Hub, app: App) -> dict[str, Any]:
    page = f"{SITE}/apps/{app.slug}"
    return {"id": app.id, "slug": app.slug, "client_id": app.client_id, "name": app.name or app.slug,
            "node_id": f"A{app.id}", "owner": simple_user(hub, app.owner), "description": "",
            "external_url": page, "html_url": page,
            "created_at": stamp(app.created), "updated_at": stamp(app.created), "permissions": app.permissions,
            "events": []}  # fmt: skip


def installation_row(hub: Hub, installation: Installation, app: App) -> dict[str, Any]:
    suspended = installation.status.shown == "suspended"
    page = f"{SITE}/organizations/{installation.account}/settings/installations/{installation.id}"
    account = simple_user(hub, installation.account)
    return {"id": installation.id, "app_id": app.id, "app_slug": app.slug, "client_id": app.client_id,
            "account": account, "target_type": account["type"], "target_id": account["id"],
            "permissions": installation.permissions, "repository_selection": installation.selection, "events": [],
            "access_tokens_url": f"{API}/app/installations/{installation.id}/access_tokens", "html_url": page,
            "repositories_url": f"{API}/installation/repositories", "single_file_name": None,
            "created_at": stamp(installation.created), "updated_at": stamp(installation.created),
            "suspended_at": stamp(installation.suspended_at) if suspended else None,
            "suspended_by": simple_user(hub, installation.suspended_by) if suspended else None}  # fmt: skip
