"""What a Redis says no with, in the contract's words. Its own text enters no message: it quotes commands and keys.

Redis docs: "Redis serialization protocol specification" (errors begin with a word), ACL, SCAN, UNLINK, HELLO. The
classes are redis-py's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nhi_revoke.provider.fault import (
    Denied,
    Fault,
    NoAnswer,
    Rejected,
    Throttled,
    Unauthenticated,
    Unavailable,
)

T = TypeVar("T")

CLUSTER = 'Write cluster = true beside url: "match" would meet the keys of one node alone.'
UNKNOWN = "UNKNOWN"
"""Code of a command that the server does not know."""
REPLICA = "Give the primary's address as url."


def asked(call: Callable[[], T], at: str, command: str, *, signed: bool, needs: str = "") -> T:
    """One command at the cache that messages call `at`. Raises the faults of the contract.

    `signed`: a password was given. `needs`: what an ACL must allow, where it is more than the command.
    """
    import redis

    try:
        return call()
    except (redis.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
        fault = _fault(error, at, command, signed, needs or command)
    raise fault  # outside the handler: the library's own exception holds the connection, and its password


def _fault(error: Exception, at: str, command: str, signed: bool, needs: str) -> Fault:
    from redis import exceptions as they

    says = f"the cache {at}"
    if isinstance(error, (they.AuthenticationError, they.AuthenticationWrongNumberOfArgsError)):
        return _not_signed_in(error, says, signed)
    if isinstance(error, they.NoPermissionError):
        return Denied(f"{says} does not allow this user {command} (its ACL)", needs=needs, code="NOPERM")
    if isinstance(error, they.ReadOnlyError):
        return Rejected(f"{says} is a read-only replica: nothing was removed. {REPLICA}", code="READONLY")
    if isinstance(error, they.BusyLoadingError):
        return Unavailable(f"{says} is still loading its data", code="LOADING")
    if isinstance(error, (they.ClusterDownError, they.SlotNotCoveredError)):
        return Unavailable(f"{says} says that its cluster is not whole: some slots have no node", code="CLUSTERDOWN")
    if isinstance(error, (they.AskError, they.ClusterCrossSlotError)):  # MOVED is a kind of ASK there
        return Rejected(f"{says} is one node of a cluster. {CLUSTER}", code="MOVED")
    if isinstance(error, they.RedisClusterException):
        return _no_cluster(error, at, command, signed, needs)
    if isinstance(error, they.TimeoutError):
        if "connecting" in str(error):
            return Unavailable(f"{says} could not be reached in time: nothing was asked")
        return NoAnswer(f"{says} did not answer {command} in time")
    if isinstance(error, (they.ConnectionError, OSError)):
        return _not_connected(error, says, command)
    return _refused(error, says, command)


def _no_cluster(error: Exception, at: str, command: str, signed: bool, needs: str) -> Fault:
    """While it asked which nodes there are. What it met there is told as at any other server."""
    if "mode is not enabled" in str(error):
        return Rejected(f"the cache {at} is no cluster: take cluster = true out of the map")
    cause = error.__cause__
    if isinstance(cause, Exception):
        return _fault(cause, at, command, signed, needs)
    why = f"the cluster {at} is not whole: some slots have no node, and what they hold cannot be asked for"
    return Unavailable(why, code="CLUSTERDOWN")


def _not_signed_in(error: Exception, says: str, signed: bool) -> Fault:
    if "without any password configured" in str(error):
        return Unauthenticated(f"{says} has no password, and the map names one: it may be another cache")
    if signed:
        return Unauthenticated(f"{says} does not accept the user name and password", code="WRONGPASS")
    why = f"{says} wants a password, and the map names none (password_env, password_file)"
    return Unauthenticated(why, code="NOAUTH")


def _not_connected(error: Exception, says: str, command: str) -> Fault:
    import ssl

    if (untrusted := _certificate(error)) is not None:
        return Rejected(f"{says} shows a certificate that is not trusted ({untrusted}): nothing was sent", code="TLS")
    text = str(error).lower()
    if "max number of clients" in text:
        return Throttled(f"{says} has as many clients as it takes")
    if isinstance(_root(error), ssl.SSLError):
        return Rejected(f"{says} does not speak TLS as it should: redis:// and rediss:// may be mixed up", code="TLS")
    if text.startswith("error") or isinstance(error, OSError):
        return Unavailable(f"{says} could not be reached: nothing was asked")
    return NoAnswer(f"{says} closed the connection at {command}")


def _refused(error: Exception, says: str, command: str) -> Fault:
    text = str(error).lower()
    if "unknown command" in text:
        return Rejected(
            f"{says} knows no {command}: it is older than Redis 4, or the command was renamed there", code=UNKNOWN
        )
    return Rejected(f"{says} refused {command}")


def _certificate(error: BaseException) -> str | None:
    """Why a certificate was not trusted, in the words of the TLS library; None where that was not it."""
    import ssl

    cause = _root(error)
    return str(cause.verify_message) if isinstance(cause, ssl.SSLCertVerificationError) else None


def _root(error: BaseException) -> BaseException:
    """What the library met below its own exception."""
    seen = error
    while (below := seen.__cause__ or seen.__context__) is not None:
        seen = below
    return seen
