"""Whether the account is disabled in this run, and why no new key is made where none is. Pure.

facts gcp.md 0 and 2: no token of a service account can be revoked; to disable the account is the one change after which
tokens that are out are refused, and to enable it gives them back.
"""

from __future__ import annotations

from msgspec import Struct

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.ref import AccessId
from nhi_revoke.model.step import Notice
from nhi_revoke.provider.kind import View
from nhi_revoke_gcp.constraints import LONGEST
from nhi_revoke_gcp.principals import NO_KEYS, NO_UPLOADS, SECONDS

ACCOUNT = "gcp:service-account"
KEY, TOKEN, IMPERSONATION = "gcp:key", "gcp:access-token", "gcp:impersonation"
UPLOADED_KEY = "gcp:uploaded-key"
"""What a delivery says where the new key is to be made here; what it makes is a key like any other."""
INHERITED, ATTACHED = "gcp:inherited-impersonation", "gcp:attached"
RIGHTS = "gcp:iam-rights"
STOPS = f"{ACCOUNT}/disable"
"""Registry key of the brake."""
SLOTS = 10
"""User-managed keys of one account (facts gcp.md 4). Whether a disabled one counts is not documented: it is taken to.
"""
SOURCE = "Google Cloud docs: serviceAccounts.disable, serviceAccounts.enable, keys.delete"  # facts gcp.md 2


class Brake(Struct, frozen=True):
    """Whether the account is disabled, and what must be read before consenting."""

    on: bool
    said: tuple[Notice, ...] = ()


def standing(project: str, unique_id: str) -> AccessId:
    """Id of the access that stands for all tokens of an account. `project` may be a place to fill in."""
    return f"{TOKEN}/{project}/{unique_id}/*"


def seconds_of(view: View) -> float:
    """How long a token lives at most."""
    return float(view.who.facts.get(SECONDS) or LONGEST)


def hours(seconds: float) -> str:
    """In words."""
    return "1 hour" if seconds == 3600 else f"{seconds / 3600:g} hours"


def brake_of(view: View, intent: Intent) -> Brake:
    """`auto`: wherever its tokens are to be ended, since nothing else ends one."""
    if intent.order != "contain" or not view.of(ACCOUNT):
        return Brake(on=False)
    if intent.brake == "on":
        return Brake(on=True)
    who, lives = view.who.name, hours(seconds_of(view))
    off = view.who.facts.get("enabled") is False
    stays = f"{who} was disabled before: nothing of this run keeps it so, nor tells when somebody enables it"
    why = f"tokens of {who} that are out live on, for up to {lives} after the last way to get one is shut"
    if intent.brake == "off":
        if off:
            return Brake(on=False, said=(Notice(view.who.ref, f"{stays} (--brake off)", "warning"),))
        said = f"{why}: nothing ends one but to disable the account; --brake off leaves it enabled"
        return Brake(on=False, said=(Notice(view.who.ref, said, "danger"),))
    if not any(intent.covers(a) or intent.scope == a.id for kind in (TOKEN, ACCOUNT) for a in view.of(kind)):
        if off:
            return Brake(on=False, said=(Notice(view.who.ref, f"{stays} (--scope {intent.scope})", "warning"),))
        said = f"{why}; --scope {intent.scope} leaves the account enabled, and --scope all disables it"
        return Brake(on=False, said=(Notice(view.who.ref, said, "danger"),))
    said = f"{who} is disabled until `release` (brake auto): no token of it can be ended otherwise"
    return Brake(on=True, said=(Notice(view.who.ref, f"{said}; --brake off leaves it enabled", "warning"),))


def is_wanted(access: Access, intent: Intent) -> bool:
    """Whether it lets anybody in, and the scope wants it ended."""
    return access.state in ("live", "unknown") and access.opens and intent.covers(access)


class New(Struct, frozen=True):
    """A sort of credential that this tool makes, and what is told where it makes none."""

    kind: str
    unlisted: str
    """What that they could not be listed may hide; empty: nothing that a new one needs."""
    forbids: str
    """In `Principal.facts`: the constraint of the organisation that lets nobody make one."""
    forbidden: str
    """What it lets nobody do, and the ways out."""
    useless: str
    """Why one of a disabled account would be of no use."""
    place: str = ""
    """Kind of those whose place it takes; empty: its own."""
    other: str = ""
    """Another way out, where the next constraint does not forbid that one, too."""
    other_forbids: str = ""


_FULL = "its keys could not be listed, so that all ten slots may be taken"
_WITHOUT = "let the workload sign in without one (attach the account to it, or workload identity federation)"
_EXCEPT = "have an administrator except the project from it while the incident lasts, then rotate"
_UNPROVEN = "it gets no token to prove a new key with"
NEW_KEY = New(
    KEY, _FULL, NO_KEYS, f"lets nobody make a key for this account: {_WITHOUT}, or {_EXCEPT}", _UNPROVEN,
    other=f"; or upload one that is made here (from = '{UPLOADED_KEY}')", other_forbids=NO_UPLOADS,
)  # fmt: skip
NEW_UPLOAD = New(
    UPLOADED_KEY, _FULL, NO_UPLOADS, f"lets nobody upload a key for this account: {_WITHOUT}, or {_EXCEPT}", _UNPROVEN,
    place=KEY,
)  # fmt: skip


def is_to_be_replaced(view: View, intent: Intent, kind: str = KEY) -> bool:
    """A delivery of such a key is meant for this principal, and there is one whose place a new one takes."""
    if kind not in intent.replace or intent.rotate == "no" or intent.reason is Reason.OFFBOARDING:
        return False
    mine = {"", str(view.who.ref), view.who.typed, view.who.name}
    meant = any(d.kind == kind and d.principal in mine for d in view.inventory.identity.deliver)
    return meant and any(a.opens and intent.covers(a) for a in view.of(KEY if kind == UPLOADED_KEY else kind))


def unreplaced_because(view: View, intent: Intent, new: New = NEW_KEY) -> str:
    """Why there can be no new key, before anything is ended; empty where there can."""
    if new.unlisted and any(b.kind == (new.place or new.kind) and b.counts for b in view.blind):
        return f"not replaced: {new.unlisted}"
    if constraint := str(view.who.facts.get(new.forbids) or ""):
        other = "" if view.who.facts.get(new.other_forbids) else new.other
        return f"not replaced: constraints/{constraint} of the organisation {new.forbidden}{other}"
    if brake_of(view, intent).on:
        lives = hours(seconds_of(view))
        return (
            f"not replaced while the account is disabled: {new.useless}, and enabling it "
            f"earlier than {lives} from then gives stolen tokens back: `release --wait`, then `rotate`; or again with "
            "--brake off"
        )
    if not view.who.facts.get("enabled"):
        return (
            f"not replaced: the account was disabled before: {new.useless}; `release --wait` of the run that disabled "
            "it enables it once no stolen token lives, then `rotate`"
        )
    return ""
