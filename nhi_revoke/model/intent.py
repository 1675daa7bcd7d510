"""What the operator wants: the whole of what drafting a plan may depend on besides the inventory."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES, Access
from nhi_revoke.model.ref import AccessId, Utc

LONGEST_UNUSED = 24 * 3600.0
"""Seconds after the grace for which a run waits for the old one to fall out of use; no more may be asked for."""


class Reason(StrEnum):
    """Why it is done: picks defaults, never the order (design.md, table of reasons)."""

    LEAKED = "leaked"
    TOKEN_REUSE = "token-reuse"  # noqa: S105 - the name of a reason
    RECOVERY_CHANGE = "recovery-change"
    VENDOR_BREACH = "vendor-breach"
    RUNNER_COMPROMISE = "runner-compromise"
    OFFBOARDING = "offboarding"


class Intent(Struct, frozen=True):
    """Settings of one run."""

    order: Literal["contain", "rollover"] = "contain"
    reason: Reason = Reason.LEAKED
    case: str = ""
    scope: str = "all"
    """`all`, `sessions`, `keys`, or an access id."""
    rotate: Literal["wait", "now", "no"] = "wait"
    replace: tuple[str, ...] = ()
    """Access kinds that have a delivery target."""
    brake: Literal["auto", "on", "off"] = "auto"
    settle: float | None = None
    """Seconds; overrides each doer's own."""
    grace: float = 0.0
    """Rollover: seconds between the proof of the new credential and the end of the old one."""
    until_unused: float = 0.0
    """Rollover: seconds for which the old one must show no use before it ends; zero: its use is not looked at."""
    cut_trust: tuple[AccessId, ...] = ()
    keep_trust: tuple[AccessId, ...] = ()
    free_slot: tuple[AccessId, ...] = ()
    keep_sessions: bool = False
    follow: Literal["identity", "none"] = "identity"
    since: Utc | None = None
    experimental: bool = False
    """Principals whose interface the vendor may still change are looked at, too."""

    @property
    def narrows(self) -> tuple[str, ...]:
        """Flags without which a command of the same kind would do more than was wanted here."""
        wanted = {
            "--scope": ("all", self.scope),
            "--rotate": ("wait", self.rotate if self.rotate == "no" else "wait"),
            "--brake": ("auto", self.brake if self.brake == "off" else "auto"),
            "--follow": ("identity", self.follow),
        }
        return tuple(word for flag, (usual, own) in wanted.items() if own != usual for word in (flag, own))

    def covers(self, access: Access) -> bool:
        """Whether the scope wants this access ended."""
        if self.scope == "all":
            return True
        if self.scope == "sessions":
            return access.family in SESSION_FAMILIES
        if self.scope == "keys":
            return access.family in KEY_FAMILIES
        return self.scope in (access.id, access.parent)
