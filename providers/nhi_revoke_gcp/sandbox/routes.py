"""What Google answers over REST: tokens, keys, effective policies and last uses.

facts gcp.md 1 and 3: the assertion of a key is judged by the key alone; its times are this machine's (google-auth signs
with them), which a sandbox's clock is not.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from nhi_revoke.provider.sandbox.rest import Reply, Table, Turned
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.permissions import LIST_KEYS, READ_CONSTRAINTS, READ_KEY_USE
from nhi_revoke_gcp.sandbox.audit import gave_token
from nhi_revoke_gcp.sandbox.gate import Here
from nhi_revoke_gcp.sandbox.refusal import Refused, is_off, no_account
from nhi_revoke_gcp.sandbox.state import Account, Key, key_row

TABLE = Table()
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GET_TOKEN = "iam.googleapis.com/serviceAccounts.getAccessToken"
MINTING = frozenset({"roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser", "roles/owner"})
"""Roles that let a member get tokens (facts gcp.md 1, row 8)."""


@TABLE.route("POST", "/token", "-", mutates=False)
def token(at: Here) -> Reply:
    """A key's assertion for an access token (RFC 7523)."""
    form = {k: v[0] for k, v in parse_qs(at.asked.body.decode("latin-1")).items()}
    if form.get("grant_type") != GRANT:
        raise Turned(400, "unsupported_grant_type", "Invalid grant_type: ")
    account, key = signed_by(at, form.get("assertion", ""))
    if account.disabled.obeyed(at.now):
        raise Turned(400, "invalid_grant", "Invalid grant: account disabled.")
    made = at.gate.cloud.new_token(f"serviceAccount:{account.email}", at.now, key=key.id)
    return Reply(200, {"access_token": made.value, "expires_in": 3599, "token_type": "Bearer"})


@TABLE.route("POST", "/tokeninfo", "-", mutates=False)
def token_info(at: Here) -> Reply:
    """By a bearer's token alone, as Google's library asks. Whether it knows of disabled accounts no document tells:
    here it does not, and tells of times alone.
    """
    value = at.asked.headers.get("authorization", "").removeprefix("Bearer ")
    held = at.gate.cloud.tokens.get(value)
    if held is None or held.expires <= at.now:
        raise Turned(400, "invalid_token", "Invalid Value")
    account = at.gate.cloud.accounts.get(held.member.removeprefix("serviceAccount:"))
    unique = account.unique_id if account else "32555940559.apps.googleusercontent.com"
    end = int(held.expires.timestamp())
    told = {
        "azp": unique, "aud": unique, "scope": "https://www.googleapis.com/auth/cloud-platform", "exp": str(end),
        "expires_in": str(end - int(at.now.timestamp())), "access_type": "online",
    }  # fmt: skip
    return Reply(200, told)


def signed_by(at: Here, assertion: str) -> tuple[Account, Key]:
    """Raises Turned where no key that works has signed it."""
    from google.auth import exceptions, jwt

    try:
        header = jwt.decode_header(assertion)
        account, key = _key(at, str(header.get("kid") or ""))
        claims = jwt.decode(assertion, certs=key.public_pem())
    except (ValueError, exceptions.GoogleAuthError):
        raise Turned(400, "invalid_grant", "Invalid JWT Signature.") from None
    if claims.get("iss") != account.email:
        raise Turned(400, "invalid_grant", "Invalid JWT: issuer.")
    return account, key


def _key(at: Here, key_id: str) -> tuple[Account, Key]:
    for account in at.gate.cloud.accounts.values():
        key = account.keys.get(key_id)
        if key is not None and key.works(at.now):
            return account, key
    raise ValueError(key_id)


@TABLE.route("POST", "/v1/projects/-/serviceAccounts/<named>:generateAccessToken", "", mutates=False)
def generate(at: Here, named: str) -> Reply:
    """Whoever the account's policy lets become it; through the delegates, each by the next one's policy."""
    cloud, asked = at.gate.cloud, at.asked.json
    assert at.caller.token is not None
    member, account, chain = at.caller.token.member, None, at.caller.token.chain
    for link in (*(str(each).rpartition("/")[2] for each in asked.get("delegates") or ()), named):
        account = cloud.account("-", link)
        denied = account is not None and cloud.denials.refuses(account.project, member, GET_TOKEN, at.now)
        if account is None or denied or not cloud.allows(account, member, MINTING, at.now):
            says = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            raise Refused("PERMISSION_DENIED", says)
        if account.disabled.obeyed(at.now):
            raise Refused("PERMISSION_DENIED", "Service account is disabled.")
        chain, member = (*chain, member), f"serviceAccount:{account.email}"
    assert account is not None
    lives = timedelta(seconds=float(str(asked.get("lifetime") or "3600s").removesuffix("s")))
    if lives > cloud.longest(account):
        raise Refused("INVALID_ARGUMENT", "The token lifetime is longer than the account is allowed.")
    made = cloud.new_token(member, at.now, lives, chain=chain)
    gave_token(cloud, at.now, account, at.caller.token, lifetime=str(asked.get("lifetime") or ""))
    return Reply(200, {"accessToken": made.value, "expireTime": stamp(made.expires)})


@TABLE.route("GET", "/v1/projects/<project>/serviceAccounts/<named>/keys", LIST_KEYS)
def keys(at: Here, project: str, named: str) -> Reply:
    """Not paged. Without `keyTypes` Google's own are in it."""
    account = at.gate.cloud.account(project, named)
    if account is None:
        raise no_account(project, named)
    wanted = at.asked.query.get("keyTypes")
    rows = [key_row(account, each) for each in account.listed() if wanted in (None, each.type)]
    return Reply(200, {"keys": rows} if rows else {})


@TABLE.route("GET", "/v2/projects/<project>/policies/<constraint>:getEffectivePolicy", READ_CONSTRAINTS)
def effective(at: Here, project: str, constraint: str) -> Reply:
    """As a project has it, from wherever it comes."""
    cloud = at.gate.cloud
    if "orgpolicy" in cloud.off:
        raise is_off("orgpolicy")
    rules = cloud.constraints.get(constraint, [])
    spec: dict[str, Any] = {"rules": rules} if rules else {}
    return Reply(200, {"name": f"projects/{project}/policies/{constraint}", "spec": spec})


@TABLE.route("GET", "/v1/projects/<project>/locations/global/activityTypes/<activity>/activities:query", READ_KEY_USE)
def activities(at: Here, project: str, activity: str) -> Reply:
    """By days."""
    cloud = at.gate.cloud
    if "policyanalyzer" in cloud.off:
        raise is_off("policyanalyzer")
    rows = []
    for account in cloud.accounts.values():
        for key in account.listed():
            if account.project == project and key.id in cloud.used:
                name = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{account.unique_id}/keys/{key.id}"
                day = cloud.used[key.id].replace(hour=7, minute=0, second=0, microsecond=0)
                told = {"lastAuthenticatedTime": stamp(day), "serviceAccountKey": {"fullResourceName": name}}
                period = {"startTime": stamp(day - timedelta(days=90)), "endTime": stamp(day)}
                rows.append(
                    {
                        "fullResourceName": name,
                        "activityType": activity,
                        "observationPeriod": period,
                        "activity": json.loads(json.dumps(told)),
                    }
                )
    return Reply(200, rows, rows=True, default=1000, most=1000, under="activities")
