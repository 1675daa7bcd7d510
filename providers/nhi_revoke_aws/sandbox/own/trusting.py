"""AWS services that begin sessions of a role: whether its trust lets them, the session, and trust added for the demo.

AWS docs: id_roles_terms-and-concepts ("service role"), reference_policies_elements_principal.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.state import Account, Role

if TYPE_CHECKING:
    from nhi_revoke_aws.sandbox.own.service import Scene
    from nhi_revoke_aws.sandbox.session import Session
    from nhi_revoke_aws.sandbox.world import World

ASSUME = "sts:AssumeRole"


def add_trust(scene: Scene, principal: dict[str, Any], actions: list[str], **condition: dict[str, str]) -> None:
    """One more statement in the worker's trust; what is there stays."""
    iam = scene.world.moto.iam(scene.world.account)
    document = json.loads(iam.get_role(scene.worker).assume_role_policy_document)
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
    document["Statement"].append({**statement, "Condition": condition} if condition else statement)
    iam.update_assume_role_policy(scene.worker, json.dumps(document))


def begun_by_service(
    world: World, account: Account, arn: str, service: str, name: str, seconds: int, now: datetime, **context: str
) -> Session:
    """A session of the role, as the service begins it. Raises Refusal where the role's trust does not let it.

    `now`: the vendor's clock. A service's own limit holds, not the role's (AWS docs: reference_iam-quotas).
    """
    role = next((r for r in account.roles.values() if r.arn == arn), None)
    if role is None or not lets_service_in(role, service, **context):
        raise Refusal("AccessDeniedException", f"Unable to assume role for arn: {arn}", 403)
    session = world.sessions.mint(
        account=account.id, via="AssumeRole", name=role.name, unique_id=role.id, session_name=name, at=now,
        seconds=seconds, parent="",
    )  # fmt: skip
    world.gate.parties.stolen.add(session.id)
    return session


def lets_service_in(role: Role, service: str, **context: str) -> bool:
    """An explicit deny wins. `context`: condition keys of AWS, `SourceArn` for `aws:SourceArn`."""
    known = {f"aws:{key.lower()}": (value,) for key, value in context.items()}
    named = [
        s
        for s in role.trust
        if {("Service", service), ("*", "*")} & set(s.principals) and s.covers(ASSUME, role.arn, known)
    ]
    return bool(named) and all(s.allow for s in named)
