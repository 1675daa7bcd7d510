"""The standing access of all sessions of a user or role, as one first read shows it: AWS lists no sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any, Literal

from nhi_revoke.model.found import Access, BlindSpot, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Notice, OpenDoor
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import View
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holder import Holder
from nhi_revoke_aws.named_session import one_session
from nhi_revoke_aws.policy import CONSOLE_NAME, NAME, Deny, console_cutoff, moment, read

QUARANTINE = "AWSCompromisedKeyQuarantine"
MOST_FOREIGN = 9


def standing(
    conn: AwsConnection, word: Literal["User", "Role"], name: str, ref: PrincipalRef, kind: str, io: Io
) -> Iterable[Found]:
    """One access, with the free name and our present policy as its `before`. A denied read leaves it there, and blind:
    the cut needs no reading. Raises Missing where there is no such principal.
    """
    holder = Holder(conn, word, name)
    asks = (partial(holder.inline, NAME), partial(holder.inline, CONSOLE_NAME), holder.attached)
    answers = io.map(_or_denied, asks)
    before, notes = _free_name(holder, answers[0]), []
    cutoff = console_cutoff(answers[1])
    if cutoff:
        notes.append(f"the console's {CONSOLE_NAME} denies sessions issued before {cutoff}")
    if isinstance(answers[2], dict):
        notes += [
            f"AWS's own {policy} is attached: it is left there, and it does not contain"
            for policy in answers[2].values()
            if policy.startswith(QUARANTINE)
        ]
    yield Access(
        id=f"{kind}/{{scope}}/{{name}}/*",
        on=ref,
        kind=kind,
        family="session",
        state="unknown",
        label=f"every session of {word.lower()} {{name}}",
        evidence=f"iam:Get{word}Policy",
        door="{scope}/{name}",
        before=before,
        denied_before=_denied_before(conn, read(before["doc"]), cutoff),
        note="; ".join(notes),
    )
    for answer in dict.fromkeys(a for a in answers if isinstance(a, Denied)):
        yield BlindSpot(ref, kind, f"policies of {word.lower()} {name}: {answer.message}", needs=answer.needs)


def _denied_before(conn: AwsConnection, ours: Deny | None, console: str | None) -> datetime | None:
    """Until when sessions are denied already: a deny-all of ours denies all that exist now."""
    moments = [moment(console)] if console else []
    if ours:
        moments.append(moment(ours.cutoff) if ours.cutoff else conn.now())
    return max(moments, default=None)


def _or_denied(ask: Any) -> Any:
    try:
        return ask()
    except Denied as fault:
        return fault


def _free_name(holder: Holder, first: Any) -> Json:
    """A policy of our name that somebody else wrote keeps its name; ours takes the next."""
    if isinstance(first, Denied):
        return {"policy": "", "doc": None}
    document, name, number = first, NAME, 1
    while document is not None and read(document) is None and number < MOST_FOREIGN:
        number += 1
        name = f"{NAME}-{number}"
        document = holder.inline(name)
    ours = read(document)
    if document is not None and ours is None:
        return {"policy": "", "doc": None}
    return {"policy": name, "doc": ours.document() if ours else None}


def standing_of(view: View, kind: str, intent: Intent) -> Access | None:
    """The access that the session steps end, where the scope wants any session of this principal ended.

    None where it names one session: whoever asks for that means the others to go on.
    """
    if one_session(intent.scope):
        return None
    mine = view.of(kind)
    whole = next((a for a in mine if a.id.endswith("/*")), None)
    return whole if whole and any(intent.covers(a) for a in mine) else None


def held_by(access: Access) -> Deny | None:
    """A deny-all of ours from before this run."""
    ours = read(access.before.get("doc"))
    return ours if ours and ours.cutoff is None else None


def left_standing(view: View, held: Deny) -> Notice:
    """Said before consent: this run takes nobody else's brake off."""
    says = f"a deny-all of run {held.sid} stands on {view.who.kind} {view.who.name}: it is left; release that run"
    return Notice(view.who.ref, says, "warning")


def foreign_policy(access: Access) -> OpenDoor | None:
    """Told as open (exit 8): somebody uses our name, by chance or to mislead.

    It has an id of its own: ending the sessions beside it does not close it.
    """
    name = str(access.before.get("policy"))
    if name == NAME or not name:
        return None
    return OpenDoor(
        access.on, f"{access.id.removesuffix('*')}{NAME}",
        f"a policy named {NAME} that this tool did not write stands on it: ours is {name}",
        f"look at {NAME} by hand, and remove it if nobody knows it",
    )  # fmt: skip
