"""The `[github]` table of nhi.toml. What is left out is taken from the variables that `gh` and Actions use.

Who signs in:

- `token_file`, or no sign-in at all: that token, or the one of the variables, asks everything;
- `app_id`: the App asks everything. A token of the variables is not used beside it: whoever set that variable is nobody
  that this table names, and would do what the App may not;
- `token_file` and `app_id`: side by side. The App asks for fine-grained tokens, of which GitHub tells Apps alone; the
  token asks everything else. A token that is refused or cannot be read is used for nothing, and the App asks
  everything: what it is denied is told with that reason. Both are the operator, and neither is ever ended.
"""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.provider.contract import Settings


class HeldApp(Struct, frozen=True, forbid_unknown_fields=True):
    """A GitHub App or OAuth app whose key or secret the operator holds: only then can its installations be suspended,
    and its users' tokens be ended."""

    slug: str = ""
    """Of a GitHub App; empty for an OAuth app."""
    client_id: str = ""
    app_id: str = ""
    private_key_file: str = ""
    """PEM."""
    client_secret_file: str = ""


class GithubSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """Which GitHub, which organisation, and who the operator is there: by a token, as an App, or both side by side. No
    secret stands here: files hold them."""

    api_url: str = ""
    """`https://api.github.com`; `https://HOST/api/v3` of an Enterprise Server; `https://api.NAME.ghe.com` with data
    residency. Empty: GITHUB_API_URL, or github.com's."""
    org: str = ""
    """The organisation whose repositories, members and tokens are looked at for users, apps and OAuth apps."""
    enterprise: str = ""
    """Slug, where the plan has one: its audit log and its bulk operations are asked then."""
    token_file: str = ""
    """File that holds the operator's token. Empty: without `app_id`, GH_TOKEN, GITHUB_TOKEN (of a server:
    GH_ENTERPRISE_TOKEN); with it, none."""
    app_id: str = ""
    """The operator as a GitHub App, alone or beside `token_file`: its id, or client id."""
    private_key_file: str = ""
    """Its private key (PEM)."""
    apps: tuple[HeldApp, ...] = ()
    """Compromised apps whose keys or secrets the operator holds."""
    logs_lag: float = 300.0
    """Seconds until an event is taken to be in the audit log. GitHub documents none: the margin is ours."""
