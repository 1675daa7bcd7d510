"""How GitHub's principals are written: `app/SLUG`, `user/LOGIN`, `repo/OWNER/NAME`, `org/ORG`, `oauth/CLIENT_ID`. Pure.

GitHub docs: usernames and organisation names (letters, digits, single hyphens, 39 at most; case does not matter).
"""

from __future__ import annotations

import re

from nhi_revoke.model.ref import PrincipalRef

PROVIDER = "github"
APP, USER, REPO, ORG, OAUTH = "app", "user", "repo", "org", "oauth"
KINDS = (APP, USER, REPO, ORG, OAUTH)
LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:\[bot\])?|[A-Za-z0-9-]+_[A-Za-z0-9]+")
"""Also of managed users (`NAME_SHORTCODE`) and of apps as users (`SLUG[bot]`)."""
REPOSITORY = re.compile(r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,99})/(?P<name>(?!\.{1,2}$)[A-Za-z0-9._-]{1,100})")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,98}")
CLIENT_ID = re.compile(r"(?:Iv[A-Za-z0-9.]{14,30}|Ov[A-Za-z0-9.]{14,30}|[0-9a-f]{20})")


def canonical(kind: str, name: str) -> PrincipalRef:
    """Names in GitHub are told apart without their case: the vendor's own spelling stands in a plan."""
    return PrincipalRef(PROVIDER, kind, name)


def parse_ref(text: str) -> PrincipalRef | None:
    """From what follows `github:`; None where it is not ours."""
    kind, slash, rest = text.partition("/")
    pattern = {APP: SLUG, USER: LOGIN, REPO: REPOSITORY, ORG: LOGIN, OAUTH: CLIENT_ID}.get(kind)
    if not slash or pattern is None or not pattern.fullmatch(rest):
        return None
    return PrincipalRef(PROVIDER, kind, rest)


def owner_of(ref: PrincipalRef) -> str:
    """The organisation (or user) that a reference names by itself; empty where the settings must say."""
    return {REPO: ref.id.partition("/")[0], ORG: ref.id}.get(ref.kind, "")
