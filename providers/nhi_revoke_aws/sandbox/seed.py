"""The demo's world: payments-bot, what it may reach, and an intruder who has been inside for a while."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke_aws.sandbox.asked import Asked, Signed
from nhi_revoke_aws.sandbox.caller import Caller
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.session import Session
from nhi_revoke_aws.sandbox.sts import Minted

if TYPE_CHECKING:
    from nhi_revoke_aws.sandbox.world import World

USER = "payments-bot"
PATH = "/bots/"
WORKER = "payments-worker"
LEDGER = "payments-ledger"
OWNER = "payments team"
OPERATOR = "incident-responder"
RESPONDER_ROLE = "IncidentResponder"
SECRET = "payments/aws"
PROFILE = "sandbox-operator"
INSIDE = timedelta(minutes=40)
"""How long ago the intruder opened the first sessions; the chained one, of one hour at most, came later."""
CHAINED = timedelta(minutes=6)


@dataclass
class Loot:
    """What the intruder holds."""

    key: Held
    spare: Held
    session_token: Held
    federation_token: Held
    console: Held
    worker: Held
    ledger: Held
    password: str = field(repr=False)
    refresh_token: str = field(repr=False)


def people(world: World) -> Held:
    """The operator, in both accounts. Returns its key."""
    iam = world.moto.iam(world.account)
    iam.create_user(world.region, OPERATOR)
    iam.put_user_policy(OPERATOR, "incident-response", allow("*"))
    key = iam.create_access_key(OPERATOR)
    other = world.moto.iam(world.other)
    trust = trust_of({"AWS": f"arn:{world.partition}:iam::{world.account}:root"})
    role(other, RESPONDER_ROLE, "/", trust, allow("*"))
    return Held(key.access_key_id, key.secret_access_key)


def identity(world: World) -> Loot:
    """The user with two keys, its roles, and the sessions that the intruder opened."""
    iam = world.moto.iam(world.account)
    user = iam.create_user(world.region, USER, PATH)
    iam.put_user_policy(USER, "payments-data", allow("s3:*"))
    own = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
    sign_in = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
    iam.put_user_policy(USER, "payments-reach", allow("sts:AssumeRole", "sts:GetFederationToken", *sign_in, *own))
    password = world.sessions.secret()
    iam.create_login_profile(USER, password)
    worker = role(iam, WORKER, PATH, trust_of({"AWS": user.arn}), allow("s3:*", "sts:AssumeRole"), max_session="43200")
    iam.tag_role(WORKER, [{"Key": "service", "Value": USER}, {"Key": "owner", "Value": OWNER}])
    iam.tag_user(USER, [{"Key": "owner", "Value": OWNER}])
    ledger = role(iam, LEDGER, "/", trust_of({"AWS": worker.arn}), allow("s3:*"))
    old, spare = iam.create_access_key(USER), iam.create_access_key(USER)
    iam.update_access_key(USER, spare.access_key_id, "Inactive")
    for thing, days in ((user, 420), (old, 411), (spare, 200), (worker, 380), (ledger, 380)):
        thing.create_date = (world.vendor_now() - timedelta(days=days)).replace(tzinfo=None)
    world.settle()
    _secret(world, old)
    return _break_in(world, Held(old.access_key_id, old.secret_access_key), spare, password, worker.arn, ledger.arn)


def _break_in(world: World, key: Held, spare: Any, password: str, worker_arn: str, ledger_arn: str) -> Loot:
    """What was minted with the stolen key, each with its record in the logs."""
    with world.earlier(INSIDE):
        user = world.user_caller(world.account, USER, key.key_id)
        token = minted(world, user, "GetSessionToken", DurationSeconds="129600")
        federated = minted(world, user, "GetFederationToken", Name=USER, Policy=allow("*"), DurationSeconds="129600")
        worker = minted(
            world, user, "AssumeRole", RoleArn=worker_arn, RoleSessionName="nightly", DurationSeconds="43200"
        )
        console = world.gate.signin.console(world.account, USER, password, world.now(), world.vendor_now())
        ask(world, world.session_caller(console), "GetCallerIdentity")  # what it did is all that the logs show of it
        login = world.gate.signin.login(world.account, USER, world.now(), world.vendor_now())
        world.moto.key_used(world.account, key.key_id, "sts", world.region)
    with world.earlier(CHAINED):
        ledger = minted(world, world.session_caller(worker), "AssumeRole", RoleArn=ledger_arn, RoleSessionName="audit")
    loot = Loot(
        key=key,
        spare=Held(spare.access_key_id, spare.secret_access_key),
        session_token=held(token),
        federation_token=held(federated),
        console=held(console),
        worker=held(worker),
        ledger=held(ledger),
        password=password,
        refresh_token=login.token,
    )
    stolen = (loot.key, loot.spare, loot.session_token, loot.federation_token, loot.console, loot.worker, loot.ledger)
    world.gate.parties.stolen.update(h.key_id for h in stolen)
    world.gate.parties.stolen.add(login.token)
    return loot


def minted(world: World, caller: Caller, operation: str, **params: str) -> Session:
    """The session that an STS call gives."""
    session = ask(world, caller, operation, **params).session
    assert session is not None
    return session


def ask(world: World, caller: Caller, operation: str, **params: str) -> Minted:
    """An STS call without a socket, recorded like every other."""
    signed = Signed(caller.key_id, world.region, "sts", (), "")
    asked = Asked("sts", operation, world.region, "query", dict(params), signed=signed)
    return world.gate.mint(caller, asked)


def held(session: Session) -> Held:
    return Held(session.id, session.secret, session.token)


def credentials_file(folder: str, key: Held) -> str:
    """In the vendor's own format, readable by its owner alone. Raises OSError."""
    path = Path(folder) / "aws-sandbox-credentials"
    path.unlink(missing_ok=True)
    text = f"[{PROFILE}]\naws_access_key_id = {key.key_id}\naws_secret_access_key = {key.secret}\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return str(path)


def seeded(world: World, more: Sequence[str] = ()) -> Seeded:
    """`more`: principals of the identity besides its user and its role."""
    user = f"aws:arn:{world.partition}:iam::{world.account}:user{PATH}{USER}"
    worker = f"aws:arn:{world.partition}:iam::{world.account}:role{PATH}{WORKER}"
    listed = ", ".join(f'"{ref}"' for ref in (user, worker, *more))
    table = (
        f"[identity.{USER}]\n"
        f'owner = "{OWNER}"\n'
        f"principals = [{listed}]\n\n"
        f"[[identity.{USER}.deliver]]\n"
        'from = "aws:access-key"\n'
        f'to = "aws-secretsmanager:{SECRET}"\n'
    )
    return Seeded(USER, (user, worker, *more), table)


def allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust_of(principal: dict[str, str] | str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(iam: Any, name: str, path: str, trust: str, policy: str | None, max_session: str = "3600") -> Any:
    """A role of moto's, with one inline policy."""
    made = iam.create_role(name, trust, path, None, "", [], max_session)
    if policy is not None:
        iam.put_role_policy(name, f"{name}-data", policy)
    return made


def _secret(world: World, key: Any) -> None:
    value = {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "WebhookSigningKey": world.remember("whsec_" + world.sessions.secret()),
    }
    world.moto.put_secret(world.account, world.region, SECRET, json.dumps(value))
