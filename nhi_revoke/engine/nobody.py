"""What is told where not one principal could be looked at."""

from __future__ import annotations

from nhi_revoke.model.error import Ambiguous, NotFound, NothingCanStart, Trouble
from nhi_revoke.model.inventory import Inventory


def nothing_there(found: Inventory) -> Trouble:
    """To be raised: NotFound, Ambiguous or NothingCanStart."""
    missing = [u for u in found.unreachable if u.code in ("not-found", "ambiguous")]
    told = (u.why if u.why.startswith(str(u.ref)) else f"{u.ref}: {u.why}" for u in found.unreachable)
    words = "; ".join(told) or f"{found.identity.name} has no principals"
    hint = next((u.hint for u in found.unreachable if u.hint), "")
    if missing and len(missing) == len(found.unreachable):
        error = Ambiguous if any(u.code == "ambiguous" for u in missing) else NotFound
        return error(missing[0].code, f"{words}. Nothing was changed.", hint)
    return NothingCanStart(found.unreachable[0].code if found.unreachable else "no-principals", words, hint)
