"""One change: a remedy, a mint, a store, a cache flush. One shape for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

from nhi_revoke.model.change import Change, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.step import Phase
from nhi_revoke.provider.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nhi_revoke.model.ref import AccessId, Json
    from nhi_revoke.model.step import Step
    from nhi_revoke.provider.io import Run
    from nhi_revoke.provider.layout import Layout
    from nhi_revoke.provider.secret import Secret

C = TypeVar("C", bound=Connection)
Unit = Literal["", "text", "keys"]
"""What one address of a store holds: one text, or keys with a text each. Empty: the store knows no formats."""


class Doer(ABC, Generic[C]):
    """Asks once, looks once. Never sleeps, never retries, never journals.

    Methods raise the faults of `provider/fault.py`; the engine maps them to changes and blind spots.
    """

    name: ClassVar[str]
    """Last part of the registry key: `disable` in `example:token/disable`; the whole key for a flush."""
    phase: ClassVar[Phase]
    permissions: ClassVar[tuple[str, ...]]
    """What `apply`, `seen`, `prove` and `undo` need, in the vendor's own words."""
    says: ClassVar[str] = ""
    """What it does, for the docs: "disables the key"."""
    undone: ClassVar[str] = ""
    """How it is taken back, for the docs; empty where it is irreversible."""
    survives: ClassVar[str] = ""
    """What outlives it, in general (this is no residual of one run)."""
    source: ClassVar[str] = ""
    """Document that the vendor facts come from."""
    reversible: ClassVar[bool] = True
    moves: ClassVar[bool] = False
    """Taken back, it belongs to whoever took it back: a list of its principal does not show it again."""
    again: ClassVar[bool] = False
    """It may be repeated on the same principal with a later effect (an issue-time cut-off)."""
    brake: ClassVar[bool] = False
    """It stops the principal itself: `release` takes it off, `finish` never deletes the principal."""
    partial: ClassVar[bool] = False
    """For a brake: it takes rights away, and the principal goes on. So what is new is made and proven while it is on,
    and the principal is never taken for stopped.
    """
    released_by: ClassVar[str] = ""
    """For a brake: registry key of the doer that takes it off in phase RELEASE; empty: its own `undo` does."""
    settle: ClassVar[float] = 0.0
    """Seconds from `seen` until every edge of the vendor obeys."""
    shows_within: ClassVar[float] = 0.0
    """Seconds until a look may show it, where that is longer than the engine looks by itself (a minute)."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Registry keys of doers on the same principal that go first when they are planned. A cut or an end never waits for
    a seal."""
    shows: ClassVar[bool] = True
    """False for a `serve` of which nothing can ever be seen (a program of the operator's own): its answer is all that
    is known. The engine then never asks it twice by itself, and where the answer did not come it keeps what was minted,
    which may be in use, beside what it was to replace. A refusal (`Failed`) must then mean that nothing was delivered.
    """
    only_first: ClassVar[bool] = False
    """What needs it is done even where it fails: it goes first, and no more. A seal still waits until it holds."""

    def tells(self, settings: Json) -> tuple[str, str]:
        """For a flush: what it does with these settings, and what breaks meanwhile, in a sentence each; pure.

        `settings`: its own of the map's `flush` table. Empty texts: as its name says, and nothing.
        """
        return "", ""

    def looks(self, conn: C, settings: Json) -> str:
        """For a flush: what it would meet now, in words for the plan ("1,204 keys match now"); empty: nothing to tell.

        Asks, and changes nothing; ends by itself within a few seconds. Raises the faults of the contract: the plan then
        says that nobody could look, and is made all the same.
        """
        return ""

    def check(self, conn: C, step: Step) -> Impossible | None:
        """Preflight: changes nothing. Impossible says why it cannot work and what to do by hand."""
        return None

    @abstractmethod
    def apply(self, conn: C, step: Step, run: Run) -> Change:
        """Ask once. Raises NoAnswer when a request was sent and no answer came: the engine then looks.

        A doer that cuts sessions by issue time leaves `{"cutoff": "…Z"}`: sessions issued before it count
        as ended once it has settled. One that denies everything to its principal leaves `{"denies": "everything"}`.
        One after which the old secret is still stored somewhere says so: `{"leaves": "a sentence for the report"}`.
        One whose access lives on for a while leaves `{"residual_until": "…Z"}`, and `{"residuals": {access id: "…Z"}}`
        for what it minted before; each such access has a Residual in the draft, and has not ended before that time.
        A stage of a store that shows nothing back leaves `{"unread": "why"}`: the report does not say "read back" then.
        A stage that writes nothing (`Store.beside`) leaves `{"unwritten": "why"}`: it is not said to have delivered.
        One that had to make something that opens nothing leaves `{"made": [access ids]}`: they are no news as long as
        they are disabled.
        """

    @abstractmethod
    def seen(self, conn: C, step: Step, run: Run) -> Json | None:
        """Look once: the state that the vendor's own read shows, or None while it does not show the change.

        Undo compares with it and resume trusts it: a crash may have eaten the answer to `apply`.
        """

    def prove(self, conn: C, step: Step, run: Run) -> Proven:
        """The strongest proof to be had now, beyond the engine's own two looks (`recorded`)."""
        return Proven(Proof.RECORDED, "read twice, the second time when the change had settled")

    def undo(self, conn: C, step: Step, left: Json, run: Run) -> Change:
        """Take it back, only where the present state is `left`. Ask once."""
        return Impossible("this cannot be taken back", "")


class Mint(Doer[C]):
    """Makes a replacement. Its `name` is `create`, and its draft has `before["ids"]`: access ids that exist.

    `apply` calls `run.give(step.id, secret)` and leaves `{"id": access id, "field": secret.field, "public": {…}}`, with
    `"expires": "…Z"` where the new one ends by itself: stores that keep such a time keep it.
    """

    phase: ClassVar[Phase] = Phase.MINT
    layouts: ClassVar[tuple[Layout, ...]] = ()
    """In which forms, besides JSON and a variable of the operator's own, its credentials can stand: as the vendor's own
    clients read them (`--format`)."""

    @abstractmethod
    def orphans(self, conn: C, step: Step) -> Sequence[AccessId]:
        """Ids that exist now and are not in `step.before["ids"]`: the children of a lost create."""

    @abstractmethod
    def destroy(self, conn: C, step: Step, access: AccessId) -> Change:
        """Destroy a minted credential that nobody received. Safe to repeat."""

    @abstractmethod
    def opens(self, conn: C, step: Step, secret: Secret) -> Proven:
        """Does the new one open the door? A fresh client, the explicit credential, never a default chain.

        `unproven` with the reason while it does not (yet).
        """


class Store(ABC, Generic[C]):
    """Where replacements are delivered: staged, read back, proven, then made current."""

    name: ClassVar[str]
    """The scheme in `deliver.to`: `file` in `file:/run/secrets/bot.json`."""
    says: ClassVar[str] = ""
    beside: ClassVar[bool] = True
    """False where whatever is written is read at once: its stage looks whether the store will take it, and writes
    nothing; `serve` alone writes, once the new one is proven."""
    keeps: ClassVar[str] = ""
    """What `serve` makes to keep the former secret until `finish`, for the plan; empty: nothing but the store's own
    versions."""
    unit: ClassVar[Unit] = ""
    """For `--format`. With `text`, the stage's address has the format behind its `#`; with `keys`, behind its last `#`:
    variables and fields become keys of their own where the address names none, else that key holds the text. Without
    either, a format is refused."""
    stage: Doer[C]
    """Phase DELIVER, key `NAME/stage`: puts `run.take(step.takes)` where the workload does not read it yet.
    `seen` reads it back and compares in memory. `undo` removes what was staged."""
    serve: Doer[C]
    """Phase SERVE, key `NAME/serve`: makes it current. `undo` makes the previous one current again."""
    forget: Doer[C] | None = None
    """Phase FINISH, key `NAME/forget`: removes what `serve` kept of the former secret; irreversible. None where
    nothing is kept, or where the store's own rules end it."""

    @abstractmethod
    def recall(self, conn: C, step: Step, run: Run, shape: Secret) -> Secret | None:
        """After a crash: the secret that the stage step stored, or None if the store does not have it.

        `shape` has the public parts and the field name, and an empty value.
        """
