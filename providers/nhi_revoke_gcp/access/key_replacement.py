"""How a run makes a new key of an account: drafted alike for keys that Google makes and those that are made here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.step import Draft, Manual, Phase
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.stopping import KEY, NEW_KEY, NEW_UPLOAD, SLOTS, unreplaced_because


def replacement(
    kind: AccessKind[GcpConnection],
    keys: AccessKind[GcpConnection],
    delete: Doer[GcpConnection],
    view: View,
    intent: Intent,
) -> Iterable[Draft]:
    """`kind`: whose mint makes it. `keys`, `delete`: what deletes the old one whose slot the new one needs."""
    held = view.of(KEY)
    if why := unreplaced_because(view, intent, NEW_KEY if kind.name == KEY else NEW_UPLOAD):
        yield Manual(view.who.ref, kind.name, why)
        return
    lock, freed = f"{view.who.ref}:keys", None
    if len(held) >= SLOTS:
        freed = _spare(held, intent)
        if freed is None:
            ids = " or ".join(f"--free-slot {a.id}" for a in held[:2])
            said = "not replaced: all ten slots are full, and none of the keys was inactive before"
            yield Manual(view.who.ref, kind.name, f"{said}; {ids} (or another) names the one to delete first")
            return
        yield draft_step(
            keys, delete, view, freed, phase=Phase.MINT, lock=lock,
            says=f"delete {freed.label}: the new one needs its slot",
            before={**freed.before, "created": stamp(freed.created) if freed.created else ""},
        )  # fmt: skip
    before = {
        "ids": [a.id for a in held],
        "resource": str(held[0].before["resource"]),
        "email": view.who.name,
        "unique_id": view.who.unique_id,
        "project": view.who.scope,
        "freed": freed is not None,
    }
    assert kind.mint is not None
    says = f"make a new key for {view.who.name}"
    says += ", here, and upload its certificate" if kind.name != KEY else ""
    yield draft_step(kind, kind.mint, view, says=says, lock=lock, before=before)


def _spare(keys: Sequence[Access], intent: Intent) -> Access | None:
    """The one old key that may go before `finish`: inactive before the run (the oldest), else named. A last use that is
    not told proves nothing here.
    """
    inactive = [a for a in keys if a.state in ("disabled", "expired")]
    inactive.sort(key=lambda a: (a.created is None, a.created.timestamp() if a.created else 0.0))
    return next(iter([*inactive, *(a for a in keys if a.id in intent.free_slot)]), None)
