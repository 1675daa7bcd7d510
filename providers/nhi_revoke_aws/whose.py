"""The ARN of what was typed, for APIs that ask for nothing less; and whether an ARN is that principal's."""

from __future__ import annotations

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, Missing
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.naming import ROLE, USER, Arn, parse_arn
from nhi_revoke_aws.principals import kinds_in, name_in

SESSION_OF = {"assumed-role": ROLE, "federated-user": USER}


def arn_of(conn: AwsConnection, ref: PrincipalRef) -> Arn:
    """As typed where it is the ARN of a user or role; else one look-up by name. Raises Missing, Denied."""
    typed = parse_arn(ref.id)
    if typed and typed.kind in (USER, ROLE):
        return typed
    name = name_in(conn, ref)
    answers = list(conn.io.map(lambda kind: _read(conn, kind, name), kinds_in(conn, ref)))
    found = next((a for a in answers if isinstance(a, Arn)), None)
    if found is not None:
        return found
    raise next((a for a in answers if isinstance(a, Denied)), None) or Missing(f"{ref}: there is none")


def _read(conn: AwsConnection, kind: str, name: str) -> Arn | Denied | None:
    try:
        return parse_arn(str(conn.entity("user" if kind == USER else "role", name)["Arn"]))
    except Missing:
        return None
    except Denied as fault:
        return fault


def is_of(text: str, who: Arn) -> bool:
    """Whether this ARN names that user or role, or a session of that role. A session's ARN has no path."""
    arn = parse_arn(text)
    if arn is None or (arn.partition, arn.account, arn.name) != (who.partition, who.account, who.name):
        return False
    return arn == who if arn.kind == who.kind else SESSION_OF.get(arn.kind) == who.kind == ROLE
