"""The account itself: disabled, it gets nobody a token, and every token of it is refused. Never deleted.

facts gcp.md 2 and 7 (2, 10, 24, 26): to enable it gives tokens that are out back, so that a release waits for the
longest that one lives; an account that Google itself disabled is enabled by nobody here. Every change names it by its
unique id: another one under the same address is another account (7, 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_gcp.access.key_use import LATE, last_use_of
from nhi_revoke_gcp.access.keys import key_of, keys_on
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.named import account_at
from nhi_revoke_gcp.naming import ACCOUNT as ON
from nhi_revoke_gcp.permissions import DISABLE_ACCOUNT, ENABLE_ACCOUNT, GET_ACCOUNT, LIST_KEYS, READ_ACCOUNT_USE
from nhi_revoke_gcp.stopping import (
    ACCOUNT,
    ATTACHED,
    IMPERSONATION,
    INHERITED,
    KEY,
    RIGHTS,
    SOURCE,
    TOKEN,
    brake_of,
    hours,
    seconds_of,
)

KIND = ACCOUNT
SETTLE = 120.0
"""Seconds until a change is taken to be obeyed everywhere: two minutes are typical for policies; the margin is ours."""
MOST_NAMED = 5
"""Workloads that the brake's sentence names."""
STOPPED: Json = {"enabled": False, "denies": "everything"}
KEYS = "keys"
"""In the brake's `before`: ids of the keys that the plan knew."""


class Disable(Doer[GcpConnection]):
    """The brake, and the only end of a token before its time."""

    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (DISABLE_ACCOUNT, ENABLE_ACCOUNT, GET_ACCOUNT, LIST_KEYS)
    says: ClassVar[str] = "disables the service account: no new tokens, and those that are out are refused"
    undone: ClassVar[str] = "it is enabled again: tokens that have not expired are accepted again"
    survives: ClassVar[str] = "what others check by themselves, without asking Google"
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True
    settle: ClassVar[float] = SETTLE

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        # Seen enabled when it was listed, it is disabled without another look first.
        if not step.before["enabled"] and is_enabled(conn, step) is False:
            return Already(STOPPED)
        conn.iam.send("disable_service_account", {"name": _resource(step)}, DISABLE_ACCOUNT, again=True)
        return Done(STOPPED, conn.now())

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        return STOPPED if is_enabled(conn, step) is False else None

    def prove(self, conn: GcpConnection, step: Step, run: Run) -> Proven:
        how = "disabled, read twice: by Google's documents its tokens are refused, and it gets no new one"
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        now = is_enabled(conn, step)
        if now is None:
            way = f"gcloud iam service-accounts undelete {step.before['unique_id']}, within 30 days"
            return Impossible("it was deleted, by somebody else: this tool never does", way)
        if now or not step.before["enabled"]:
            return Already({"enabled": now})
        if left.get("enabled") is not False:
            return Failed("this run did not disable it: nothing was changed")
        if new := _made_since(conn, step):
            way = f"gcloud iam service-accounts enable {step.before['unique_id']}"
            why = f"{new} of it was made since the plan was, and would get tokens: it stays disabled"
            return Failed(f"{why}. `hold` disables it; or, where it is yours: {way}")
        try:
            conn.iam.send("enable_service_account", {"name": _resource(step)}, ENABLE_ACCOUNT, again=True)
        except Rejected as refused:
            why = f"{refused.message}. Google may have disabled it, too: what it did nobody here takes back"
            return Impossible(why, "open a case with Google Cloud support")
        return Done({"enabled": True}, conn.now())


def is_enabled(conn: GcpConnection, step: Step) -> bool | None:
    """None where this very account is no more. Raises Denied."""
    row = account_at(conn, _resource(step))
    if row is None or str(row.unique_id) != str(step.before["unique_id"]):
        return None
    return not row.disabled


def _made_since(conn: GcpConnection, step: Step) -> str:
    """Keys that nobody knew of when the plan was made: whoever may make keys makes them for a disabled account, too."""
    known = step.before.get(KEYS)
    if not isinstance(known, list):
        return ""
    keys = keys_on(conn, _resource(step))
    new = [key for key, row in keys.items() if key not in known and not row.get("disabled")]
    return f"key {', '.join(sorted(new))}" if new else ""


def _known_keys(view: View) -> Json:
    """For the brake's `before`; nothing where they could not be listed, so that nobody can tell which is new."""
    unseen = any(b.kind == KEY and b.counts for b in view.blind)
    return {} if unseen else {KEYS: sorted(key_of(a.id) for a in view.of(KEY))}


def _resource(step: Step) -> str:
    return str(step.before["resource"])


class ServiceAccounts(AccessKind[GcpConnection]):
    """The principal as an access: what a brake ends, and `release` gives back."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the service account itself"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (ON,)
    reads: ClassVar[tuple[str, ...]] = (GET_ACCOUNT, READ_ACCOUNT_USE)
    remedies = (Disable(),)
    survives: ClassVar[str] = Disable.survives

    def collect(self, conn: GcpConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        row = None if named.agent else account_at(conn, named.resource)
        if row is None:
            return
        enabled = not row.disabled
        note = "lets nobody in by itself: its keys, and whoever may become it, do"
        if not enabled:
            note = "disabled already; whoever may enable accounts can enable it, and its tokens, again"
        yield Access(
            id=f"{KIND}/{named.project}/{named.unique_id}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live" if enabled else "disabled",
            label="service account {name}",
            evidence="IAM GetServiceAccount",
            door=named.unique_id,
            before={
                "enabled": enabled,
                "resource": f"projects/{named.project}/serviceAccounts/{named.unique_id}",
                "unique_id": named.unique_id,
            },
            opens=False,
            note=note,
        )

    def enrich(self, conn: GcpConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        """The day on which it last signed in to anything."""
        for access in found:
            try:
                day = last_use_of(conn, access.id.split("/")[1], access.on.id, access.door)
            except Fault as fault:
                yield replace(access, note=f"{access.note}; its last use is unseen: {fault.message}")
                continue
            said = (
                f"last used on {day:%Y-%m-%d}: {LATE}" if day else f"no use of it is told, which proves nothing: {LATE}"
            )
            yield replace(access, note=f"{access.note}; {said}", last_used=day)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        brake = brake_of(view, intent)
        yield from brake.said
        if not brake.on:
            return
        trusts = [a for kind in (IMPERSONATION, INHERITED) for a in view.of(kind) if a.opens]
        kept = [a for a in trusts if a.id not in intent.cut_trust and (a.kind == IMPERSONATION or _far(a))]
        if kept and not view.who.untouchable:
            yield Notice(view.who.ref, _kept(kept), "warning")
        attached = [a for a in view.of(ATTACHED) if a.state == "live"]
        for access in view.of(KIND):
            enabled, name = bool(access.before["enabled"]), view.who.name
            more: dict[str, Any] = {"brake": enabled}  # what was disabled before is not this run's to release
            more["before"] = {**access.before, **_known_keys(view)}
            yield draft_step(
                self, self.remedies[0], view, access, *view.of(TOKEN), *view.of(RIGHTS), *trusts, *attached,
                says=f"disable service account {name}: its tokens are refused until it is enabled again"
                if enabled
                else f"keep service account {name} disabled",
                rearms=seconds_of(view) if enabled else "no",
                breaks=_breaks(name, attached, hours(seconds_of(view))) if enabled else "",
                **more,
            )  # fmt: skip


def _breaks(name: str, attached: list[Access], lives: str) -> str:
    """With the workloads that it is attached to, where they were listed."""
    named = ", ".join(a.label for a in attached[:MOST_NAMED])
    more = f" and {len(attached) - MOST_NAMED} more" if len(attached) > MOST_NAMED else ""
    runs = f" ({named}{more} among it)" if attached else ""
    return f"all that {name} does{runs}, until release, which is safe {lives} later"


def _far(access: Access) -> bool:
    """Whether somebody from elsewhere is let in: of all owners and editors above a project the others are its own."""
    return access.exposure in ("anyone", "foreign")


def _kept(trusts: list[Access]) -> str:
    ids = " ".join(f"--cut-trust {a.id}" for a in trusts)
    return f"whoever may become it may do so again once it is enabled, unless that is taken away: {ids}"
