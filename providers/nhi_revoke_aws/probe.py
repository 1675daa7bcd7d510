"""The data plane itself: does a long-term key open the door? A client of its own, the explicit credential."""

from __future__ import annotations

from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.provider.fault import Denied, Fault, Missing, Rejected, Unauthenticated
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.simulate import verdicts

REFUSED = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
"""How AWS refuses an inactive or deleted key. (A denied *session* passes GetCallerIdentity: never probed so.)"""


def new_key_opens(conn: AwsConnection, arn: str, secret: Secret) -> Proven:
    """GetCallerIdentity says that it is this user's key, and the simulator that our own policy lets it through."""
    key_id = secret.public["AccessKeyId"]
    try:
        caller = conn.identify(key_id, secret.reveal())
    except Unauthenticated as fault:
        return Proven(Proof.UNPROVEN, f"AWS does not accept the new key yet ({fault.code})", conn.now())
    if caller.arn != arn:
        return Proven(Proof.UNPROVEN, f"the new key belongs to {caller.arn}, not to {arn}", conn.now())
    try:
        found = verdicts(conn, arn)
    except (Denied, Rejected, Missing) as fault:
        return Proven(Proof.UNPROVEN, f"delivered, unproven: the simulator could not be asked ({fault.message})")
    if not found or any(v.denied and (v.by_us or not v.by) for v in found):
        return Proven(Proof.UNPROVEN, "our own policy still denies the user: the new key opens nothing yet", conn.now())
    how = "GetCallerIdentity with the new key, and the simulator shows that our policy no longer denies it"
    return Proven(Proof.ENFORCED, how, conn.now())


def leaked_key_refused(conn: AwsConnection, key_id: str, secret: Secret, read: Proven) -> Proven:
    """Whether AWS refuses a key that leaked, tried with its own secret (`--leaked-from`). Long-term keys only.

    `read`: what is proven by reading, which a try without a clear answer takes nothing from.
    """
    if not key_id.startswith("AKIA"):
        return _also(read, "a session key cannot be probed: GetCallerIdentity succeeds under a deny")
    try:
        caller = conn.identify(key_id, secret.reveal())
    except Unauthenticated as fault:
        if fault.code in REFUSED:
            return Proven(Proof.ENFORCED, f"AWS refuses {key_id} ({fault.code})", conn.now())
        return _also(
            read, f"tried with the secret that was handed over: AWS refuses that ({fault.code}), wrong secret?"
        )
    except Fault as fault:
        return _also(read, f"tried with its secret: AWS gave no clear answer ({fault.message})")
    return Proven(Proof.UNPROVEN, f"AWS still accepts {key_id} as {caller.arn}", conn.now())


def _also(read: Proven, how: str) -> Proven:
    return Proven(read.proof, f"{read.how}; {how}", read.at)
