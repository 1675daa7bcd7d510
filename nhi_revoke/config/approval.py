"""`[approval]`: which changes more than one person must agree to, and whose signatures count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from nhi_revoke.config.decode import decode
from nhi_revoke.model.error import Usage
from nhi_revoke.model.nearest import did_you_mean

TABLE = "approval"
REVOKE, ROTATE, IRREVERSIBLE = "revoke", "rotate", "irreversible"
WORDS = (REVOKE, ROTATE, IRREVERSIBLE)


class Approving(Struct, frozen=True):
    """As the file has it, paths made absolute."""

    required: int = 0
    """How many different people must have signed; 0: nothing is demanded."""
    wanted_for: tuple[str, ...] = (REVOKE, ROTATE)
    """`revoke` and `rotate`: plans in these orders, whatever command carries them out; `irreversible`: any plan with a
    step that cannot be taken back."""
    allowed_signers: Path | None = None
    """OpenSSH's file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS)."""
    key: Path | None = None
    """What `approve` signs with: a private key, or the public one of a key that an agent holds."""
    people: dict[str, tuple[str, ...]] = {}
    """Signer -> globs over operators, as plans name them: who may not approve a plan of his own. Empty: nobody knows
    which operator is which signer."""

    def demands(self, order: str, *, irreversible: bool) -> bool:
        """`order`: of the plan's intent. `irreversible`: whether a step of it cannot be taken back."""
        verb = ROTATE if order == "rollover" else REVOKE
        return self.required > 0 and (verb in self.wanted_for or (irreversible and IRREVERSIBLE in self.wanted_for))


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename={"wanted_for": "for"}):
    required: Annotated[int, Meta(ge=0, le=9)] = 1
    wanted_for: tuple[str, ...] = (REVOKE, ROTATE)
    allowed_signers: str = ""
    key: str = ""
    people: dict[str, tuple[str, ...]] = {}


def approving(table: object, file: str, folder: Path) -> Approving:
    """`table`: None where the file has none. `folder`: of the file, where its relative paths begin.

    Raises Usage, with the place in the file.
    """
    if table is None:
        return Approving()
    read = decode(table, _Table, (TABLE,), file)
    for word in read.wanted_for:
        if word not in WORDS:
            raise Usage(
                "bad-value",
                f'{file}: approval.for holds "{word}", for which no approval can be demanded. Nothing was read.',
                did_you_mean(word, WORDS),
            )
    if read.required and not (read.allowed_signers and read.wanted_for):
        lacks = "allowed_signers" if read.wanted_for else "any word of `for`"
        raise Usage(
            "bad-value",
            f"{file}: approval demands {read.required} and lacks {lacks}: no signature could count. Nothing was read.",
            'Write allowed_signers = "PATH"; required = 0 where this machine only approves.',
        )
    allowed, key = (folder / Path(text).expanduser() if text else None for text in (read.allowed_signers, read.key))
    return Approving(read.required, read.wanted_for, allowed, key, read.people)
