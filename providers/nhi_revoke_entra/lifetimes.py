"""How long access tokens live on after whatever minted them was ended. Nothing lists one, nothing ends one by itself.

facts entra.md 3: 60 to 90 minutes by default; up to 24 hours for an app that opted in to continuous access evaluation
(CAE), at a resource that evaluates: of apps Microsoft Graph alone, which hears of a disabled service principal within
15 minutes. Azure Resource Manager, Key Vault and every other API hear nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nhi_revoke.provider.times import later

if TYPE_CHECKING:
    from nhi_revoke.model.identity import Principal

TOKEN, CAE_TOKEN, USER_TOKEN = "entra:access-token", "entra:cae-token", "entra:user-token"
FOREIGN_TOKEN = "entra:foreign-token"  # noqa: S105 - a kind of access
"""Of a multi-tenant app, in other tenants: nothing that is done here is an event of theirs."""
LIVES = timedelta(minutes=90)
CAE_LIVES = timedelta(hours=24)
CAE_HEARS = timedelta(minutes=15)
MANAGED_LIVES = timedelta(hours=24)
"""Of a managed identity's token: its platform keeps one for each resource that long, and nothing makes it forget."""
MANAGED_IDENTITY = "ManagedIdentity"
USER_CAE_LIVES = timedelta(hours=28)
"""Of a user's token for the app, at a resource with CAE."""
SOURCE = "Microsoft docs: access-tokens, concept-continuous-access-evaluation-workload"  # facts entra.md 3


def standing(kind: str, scope: str, who: str) -> str:
    """Id of the access that stands for all tokens of this sort. `who`: appId, or a user's object id: names repeat."""
    return f"{kind}/{scope}/{who}/*"


def is_managed(who: Principal) -> bool:
    """Whether the platform holds its credentials: nobody rotates them, and CAE does not cover it."""
    return str(who.facts.get("type") or "") == MANAGED_IDENTITY


def token_lives(*, managed: bool) -> timedelta:
    """The longest that a token without CAE lives."""
    return MANAGED_LIVES if managed else LIVES


def after_end(now: datetime, scope: str, who: str, *, braked: bool, abroad: bool = False) -> dict[str, str]:
    """For `left["residuals"]` of a step that ended a credential at `now`.

    `braked`: the service principal is disabled, of which resources that evaluate hear by themselves. `abroad`: the
    credential worked in other tenants, too.
    """
    told = {standing(TOKEN, scope, who): later(now, LIVES)}
    if abroad:
        told |= after_deactivation(now, scope, who)
    return told if braked else told | {standing(CAE_TOKEN, scope, who): later(now, CAE_LIVES)}


def after_deactivation(now: datetime, scope: str, who: str) -> dict[str, str]:
    """For `left["residuals"]` of the step that deactivated the application at `now`: of that no resource hears, in
    whatever tenant.
    """
    return {standing(FOREIGN_TOKEN, scope, who): later(now, CAE_LIVES)}


def after_brake(now: datetime, scope: str, who: str, *, managed: bool = False) -> dict[str, str]:
    """For `left["residuals"]` of the step that disabled the service principal at `now`."""
    told = {standing(TOKEN, scope, who): later(now, token_lives(managed=managed))}
    return told if managed else told | {standing(CAE_TOKEN, scope, who): later(now, CAE_HEARS)}


def after_release(now: datetime, scope: str, who: str, lives: timedelta = CAE_LIVES) -> dict[str, str]:
    """For `left["residuals"]` of the step that enabled it again: whether a resource then takes again a token that it
    had refused is documented nowhere, so each counts as living until it expires.
    """
    return {standing(CAE_TOKEN, scope, who): later(now, lives)}


def after_grant(now: datetime, scope: str, who: str) -> dict[str, str]:
    """For `left["residuals"]` of the step that removed a delegated grant at `now`."""
    return {standing(USER_TOKEN, scope, who): later(now, USER_CAE_LIVES)}
