"""The demo's identity in one organisation: an app, a machine user, two repositories; and the operator."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nhi_revoke.provider.sandbox.lagged import Lagged
from nhi_revoke.provider.sandbox.rsa_keys import rsa_key
from nhi_revoke_github.sandbox.state import ORG, Account, App, Hub, Installation, Repository, Token

IDENTITY = "payments-bot"
GITHUBS = "dependabot"
SLUG, LOGIN, OPERATOR = "payments-bot", "payments-machine", "responder"
SHOP, LEDGER = f"{ORG}/shop", f"{ORG}/ledger"
MAP = """
[identity.payments-bot]
owner = "payments team"
principals = {principals}
"""
DELIVERY = """
[[identity.payments-bot.deliver]]
from = "github:deploy-key"
to = "file:{folder}/payments-deploy-key.json"
principal = "github:repo/{shop}"
"""


def operator(hub: Hub, at: datetime) -> Token:
    """An owner of the organisation with a token for everything."""
    new_account(hub, ORG, at, "Organization")
    new_account(hub, OPERATOR, at)
    new_app(hub, GITHUBS, at)  # GitHub's own
    hub.members[OPERATOR] = Lagged("admin", at)
    return hub.new_token("ghp", OPERATOR, at, permissions={"*": "write"}, name="incident response")


def new_account(hub: Hub, login: str, at: datetime, kind: Any = "User") -> Account:
    account = Account(hub.new_id(), login, kind, at)
    hub.accounts[login] = account
    return account


def new_repository(hub: Hub, full_name: str, at: datetime) -> Repository:
    owner, _, name = full_name.partition("/")
    repository = Repository(hub.new_id(), owner, name, at, actions_on=Lagged(True, at))
    hub.repositories[full_name] = repository
    return repository


def new_app(hub: Hub, slug: str, at: datetime, **permissions: str) -> tuple[App, Any]:
    """And its private key (a `cryptography` object), whose public half is registered."""
    private = rsa_key(f"github:{slug}")
    unique = hub.new_id()
    app = App(unique, slug, f"Iv23li{unique:014}", ORG, at, permissions=permissions)
    app.keys[f"SHA256:{unique}"] = private.public_key()
    hub.apps[app.id] = app
    return app, private


def install(hub: Hub, app: App, at: datetime, account: str = ORG) -> Installation:
    installation = Installation(hub.new_id(), app.id, account, at, Lagged("active", at), dict(app.permissions))
    hub.installations[installation.id] = installation
    return installation


def long_ago(at: datetime) -> datetime:
    return at - timedelta(days=90)
