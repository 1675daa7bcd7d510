"""Each check catches its defect: the example provider, broken on purpose in one place at a time.

A check that cannot fail is a defect of its own. Every broken provider here passes the type checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from nhi_revoke.model.change import Change, Done
from nhi_revoke.model.found import Access, Found
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Phase, Step
from nhi_revoke.provider.fault import Denied, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.testing.conformance import Conformance, World
from nhi_revoke_example import Example
from nhi_revoke_example.connection import Cloud
from nhi_revoke_example.sessions import RevokeOlder, Sessions, read, write
from nhi_revoke_example.tokens import Create, Delete, Disable, Tokens, listed, token_id
from nhi_revoke_example.trusts import Trusts

Check = Callable[["Hasty", World], None]
BILLING, OPERATOR = "example:bot/example-billing", "example:bot/responder"


def example(*kinds: AccessKind[Cloud], base: type[Example] = Example) -> Example:
    """The example provider with some of its kinds put in place of the good ones."""
    better: dict[str, AccessKind[Cloud]] = {kind.name: kind for kind in (Tokens(), Sessions(), Trusts())}
    better |= {kind.name: kind for kind in kinds}

    class Broken(base):  # type: ignore[valid-type,misc]  # a class given at run time
        def kinds(self) -> Sequence[AccessKind[Cloud]]:
            return tuple(better.values())

    made: Example = Broken()
    return made


def tokens(*, disable: Disable | None = None, mint: Create | None = None) -> Tokens:
    kind = Tokens()
    kind.remedies = (disable or Disable(), Delete())
    kind.mint = mint or Create()
    return kind


def sessions(doer: RevokeOlder) -> Sessions:
    kind = Sessions()
    kind.remedies = (doer,)
    return kind


# -- looking -----------------------------------------------------------------------------------------------------------


class Meddling(Tokens):
    """Lists, and writes while it does."""

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for found in super().collect(conn, ref, io):
            assert isinstance(found, Access)
            conn.call("PATCH", f"/bots/{ref.id}/tokens/{token_id(found.id)}", {"state": found.before["state"]})
            yield found


class Swallowing(Tokens):
    """Reads "denied" as "none"."""

    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        try:
            yield from super().collect(conn, ref, io)
        except Denied:
            return


class SwallowingLogs(Sessions):
    def observe(
        self, conn: Cloud, who: Principal, accesses: Sequence[Access], since: datetime, io: Io
    ) -> Iterable[Found]:
        try:
            yield from super().observe(conn, who, accesses, since, io)
        except Denied:
            return


class FirstPage(Tokens):
    def collect(self, conn: Cloud, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        first = conn.call("GET", f"/bots/{ref.id}/tokens")["tokens"]
        ids = {token["id"] for token in first}
        return [f for f in super().collect(conn, ref, io) if isinstance(f, Access) and token_id(f.id) in ids]


class Nobody(Cloud):
    def whoami(self) -> Sequence[PrincipalRef]:
        return (PrincipalRef("example", "bot", "ledger-bot"),)


class Anonymous(Example):
    """Takes somebody else for the operator."""

    def connect(self, scope: str, settings: Any, io: Io) -> Cloud:
        return Nobody(scope, settings.url, settings.token, io)


class Touching(Example):
    """Does not see that the vendor manages a principal."""

    def resolve(self, conn: Cloud, ref: PrincipalRef) -> Principal:
        return replace(super().resolve(conn, ref), untouchable=None)


# -- acting ------------------------------------------------------------------------------------------------------------


class Boasting(Disable):
    """Says "done" when it was so before."""

    def _set(self, conn: Cloud, step: Step, state: str) -> Change:
        super()._set(conn, step, state)
        return Done({"state": state}, conn.now())


class Again(Tokens):
    """Drafts what was ended before, and says "done" to it."""

    def __init__(self) -> None:
        self.remedies = (Boasting(), Delete())

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for found in view.of(self.name):
            yield draft_step(self, self.remedies[0], view, found, says="disable it", rearms="always")


class Backwards(RevokeOlder):
    """Sets a cut-off without a look at the one that is there."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        past = "2026-11-23T11:00:00Z" if read(conn, step.on)["cutoff"] else "2026-11-23T12:00:01Z"
        return write(conn, step.on, {"cutoff": past, "by": f"{run.id}/{step.id}"})


class Forgetful(Disable):
    """Undoes in words only."""

    def undo(self, conn: Cloud, step: Step, left: Json, run: Run) -> Change:
        return Done(dict(step.before), conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        if step.id.startswith("undo-"):
            return dict(step.before)
        return super().seen(conn, step, run)


class Careless(Tokens):
    """Does not say that enabling a leaked token again has no safe time."""

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        for draft in super().draft(view, intent):
            yield replace(draft, rearms="no") if isinstance(draft, Step) else draft


class OneCut(Sessions):
    """Cuts, and never seals."""

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        return (d for d in super().draft(view, intent) if not isinstance(d, Step) or d.phase is not Phase.SEAL)


class Lying(Disable):
    """Changes nothing, and sees what it wants to see."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        return Done({"state": "disabled"}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        return {"state": "disabled"}


# -- crashes, faults, secrets, rights ----------------------------------------------------------------------------------


class Childless(Create):
    """Never finds the children of a lost create."""

    def orphans(self, conn: Cloud, step: Step) -> Sequence[AccessId]:
        return ()


class Repeating(Create):
    """Repeats a create blindly."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        good = conn.call
        conn.call = lambda *a, **k: good(*a, **{**k, "again": True})  # type: ignore[method-assign]
        try:
            return super().apply(conn, step, run)
        finally:
            conn.call = good  # type: ignore[method-assign]

    def orphans(self, conn: Cloud, step: Step) -> Sequence[AccessId]:
        return ()


class Chatting(Cloud):
    """Puts its credential into an error."""

    def _send(self, method: str, path: str, body: Any, query: dict[str, Any], token: str) -> dict[str, Any]:
        try:
            return super()._send(method, path, body, query, token)
        except Denied as denied:
            raise Rejected(f"{denied.message} (as {token})") from denied


class Talkative(Example):
    def connect(self, scope: str, settings: Any, io: Io) -> Cloud:
        return Chatting(scope, settings.url, settings.token, io)


class Journaling(Create):
    """Leaves the secret among the public parts."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        change = super().apply(conn, step, run)
        assert isinstance(change, Done)
        return replace(change, left={**change.left, "note": run.take(step.id).reveal()})


class Undeclared(Disable):
    """Needs more than it says."""

    permissions: ClassVar[tuple[str, ...]] = ("tokens.list",)


class Quiet(Disable):
    """A denied write is a success to it."""

    def apply(self, conn: Cloud, step: Step, run: Run) -> Change:
        try:
            return super().apply(conn, step, run)
        except Denied:
            return Done({"state": "disabled"}, conn.now())

    def seen(self, conn: Cloud, step: Step, run: Run) -> Json | None:
        token_there = token_id(step.ends[0]) in listed(conn, step.on)
        return {"state": "disabled"} if token_there else None


class Hasty(Conformance):
    """Gives up at the first failure: one is enough here."""

    patience = 1
    lasting_faults = ("denied",)
    passing_faults = ("lost",)


DRY = Hasty.test_01_a_dry_run_changes_nothing
DENIED = Hasty.test_02_a_denied_listing_is_a_blind_spot
PAGES = Hasty.test_03_small_pages_hide_nothing
TWICE = Hasty.test_04_twice_is_already_or_a_later_cutoff
UNDO = Hasty.test_05_undo_brings_back_what_was
KILLED = Hasty.test_06_killed_at_each_journal_line_and_resumed
PASSING = Hasty.test_07_a_passing_fault_changes_nothing
LASTING = Hasty.test_07_a_lasting_fault_is_never_called_done
SECRETS = Hasty.test_08_no_secret_is_ever_told
OWN = Hasty.test_09_own_protected_and_managed_principals_are_refused
RIGHTS = Hasty.test_10_exactly_the_declared_permissions
REPORT = Hasty.test_11_the_report_is_what_the_intruder_sees
DEFECTS: tuple[tuple[str, Check, Example, str], ...] = (
    ("a list that writes", DRY, example(Meddling()), "changing requests"),
    ("a list that swallows Denied", DENIED, example(Swallowing()), "read as if there were nothing"),
    ("logs that swallow Denied", DENIED, example(SwallowingLogs()), "read as if there were nothing"),
    ("the first page only", PAGES, example(FirstPage()), "only with large pages"),
    ("done twice", TWICE, example(Again()), "example:token/disable .* Done"),
    ("a cut-off that goes back", TWICE, example(sessions(Backwards())), "revoke-older"),
    ("an undo in words only", UNDO, example(tokens(disable=Forgetful())), "still shut"),
    ("a re-arm that is not said", UNDO, example(Careless()), "re-armed"),
    ("orphans not found", KILLED, example(tokens(mint=Childless())), "left something behind"),
    ("a create repeated blindly", PASSING, example(tokens(mint=Repeating())), "lost on tokens.create"),
    ("a change that never happens", LASTING, example(tokens(disable=Lying())), "predicted shut, found open"),
    ("a secret in an error", SECRETS, example(base=Talkative), "secrets were told"),
    ("a secret in a change", SECRETS, example(tokens(mint=Journaling())), "secrets were told|would hold a secret"),
    ("the wrong operator", OWN, example(base=Anonymous), "is taken for"),
    ("a managed principal touched", OWN, example(base=Touching), "vendor's own"),
    ("a permission not declared", RIGHTS, example(tokens(disable=Undeclared())), "are not enough"),
    ("a denied write called done", RIGHTS, example(tokens(disable=Quiet())), "without tokens.update"),
    ("no seal", REPORT, example(OneCut()), "door late"),
    ("a lie", REPORT, example(tokens(disable=Lying())), "door live"),
)


@pytest.mark.parametrize(("check", "broken", "says"), [d[1:] for d in DEFECTS], ids=[d[0] for d in DEFECTS])
def test_the_check_catches(tmp_path: Path, check: Check, broken: Example, says: str) -> None:
    # A narrow run has fewer lines to die at.
    intent = Intent(rotate="now", scope="keys" if check is KILLED else "all")
    world = World(broken, tmp_path, managed=BILLING, operator=OPERATOR, intent=intent)
    # The engine itself refuses to journal a secret.
    with world, pytest.raises((AssertionError, RuntimeError), match=says):
        check(Hasty(), world)
