"""Client secrets and public keys of an AI agent: deactivated, one after the other. An experiment: third-party notes,
never tried.

Third-party notes: …/ai-agents/{id}/credentials/secrets and …/jwks (a value is shown once, when it is made; several may
be active). Okta docs, guides/mcp-server-token-exchange (Beta, for MCP servers): a key is named by its id, not its kid;
the last active one is refused with 409. Okta help, ai-agent-manage: an agent's only active credential is not
deactivated. Nothing is deleted or made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec import Struct

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Fault, Missing, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import ai_agent_token
from nhi_revoke_okta.access.ai_agent import BOTH, SUBSCRIPTION, console_of
from nhi_revoke_okta.access.app_credential import id_of
from nhi_revoke_okta.connection import AI_AGENTS, OktaConnection
from nhi_revoke_okta.naming import AI_AGENT
from nhi_revoke_okta.scopes import AGENTS

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
STATES: dict[str, State] = {ACTIVE: "live", INACTIVE: "disabled"}
GONE: Json = {"status": "gone"}
SHOWN = ("id", "kid", "status", "created")
"""Members of a row that are kept: should a list show a value after all, it is dropped at once."""
LAST = (
    "Okta keeps an agent's last active credential: of those that this plan deactivates the last is likely refused, and "
    "then stays open in the report. Add a key of your own first, in {console}, and end the old ones by --scope ID"
)
SOURCE = "third-party notes, never tried; Okta help: ai-agent-manage"
Row = dict[str, str]


class Shelf(Struct, frozen=True):
    """One of an agent's two lists of credentials."""

    kind: str
    what: str
    """In a sentence: `client secret`."""
    name: str
    """In the path: `secrets`."""

    def path(self, agent: str, credential: str = "", verb: str = "") -> str:
        """Of the list, or of a lifecycle operation."""
        path = f"{AI_AGENTS}/{segment(agent)}/credentials/{self.name}"
        return f"{path}/{segment(credential)}/lifecycle/{verb}" if credential else path

    def listed(self, conn: OktaConnection, agent: str) -> dict[str, Row]:
        """By id, without anything that is secret. Raises Missing where Okta does not answer for the list."""
        rows = conn.rows(self.path(agent), AGENTS.read)
        kept = [{name: str(row[name]) for name in SHOWN if row.get(name)} for row in rows]
        return {row.get("id") or row.get("kid") or "": {"status": "unknown", **row} for row in kept}

    def status(self, conn: OktaConnection, step: Step) -> str:
        """Of the one that the step ends; `gone` where the list does not have it. Raises Rejected for no list."""
        try:
            rows = self.listed(conn, step.on.id)
        except Missing as missing:
            why = f"Okta answers 404 for the agent's list of {self.what}s: its state is unseen"
            raise Rejected(why, code=missing.code) from None
        return str(rows.get(id_of(step.ends[0]), GONE)["status"])


class Deactivate(Doer[OktaConnection]):
    shelf: ClassVar[Shelf]
    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = BOTH
    undone: ClassVar[str] = "activates it again: what leaked has no safe time for that"
    survives: ClassVar[str] = ai_agent_token.WHY
    source: ClassVar[str] = SOURCE

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        """Looks first: nobody knows whether it may be asked for twice."""
        status = self.shelf.status(conn, step)
        if status in (INACTIVE, GONE["status"]):
            return Already(_left(conn, step, status))
        try:
            self._turn(conn, step, "deactivate")
        except (Missing, Rejected, Conflict) as refused:
            return self._refused(conn, step, refused)
        return Done(_left(conn, step, INACTIVE), conn.now())

    def _turn(self, conn: OktaConnection, step: Step, verb: str) -> None:
        conn.send("POST", self.shelf.path(step.on.id, id_of(step.ends[0]), verb), AGENTS.manage, again=True)

    def _refused(self, conn: OktaConnection, step: Step, fault: Fault) -> Change:
        """Of an answer that was lost and asked for again, a refusal says that it was done."""
        status = self.shelf.status(conn, step)
        if status in (INACTIVE, GONE["status"]):
            return Already(_left(conn, step, status))
        by_hand = f"in {console_of(conn.scope)}, its credentials: add a key of your own, then deactivate this one"
        mine = f"{self.shelf.what} {id_of(step.ends[0])}"
        why = f"Okta refused ({fault.code}), and {mine} is still {status}: it keeps an agent's last active credential"
        return Impossible(why, by_hand)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        status = self.shelf.status(conn, step)
        if status not in (INACTIVE, GONE["status"]):
            return None
        return {**(run.left(step.id) or _left(conn, step, status)), "status": status}

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        how = "its status was read twice, and is not ACTIVE; whether Okta refuses it then, nobody tried (experimental)"
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status, was = self.shelf.status(conn, step), str(step.before["status"])
        if status == was:
            return Already({"status": was})
        if status != left.get("status") or status == GONE["status"]:
            return Failed(f"{self.shelf.what} {id_of(step.ends[0])} is {status}, not as this run left it")
        self._turn(conn, step, "activate")
        return Done({"status": ACTIVE}, conn.now())


def _left(conn: OktaConnection, step: Step, status: str) -> Json:
    return {"status": status, **ai_agent_token.ends(conn, step)}


SECRETS = Shelf("okta:ai-agent-secret", "client secret", "secrets")
KEYS = Shelf("okta:ai-agent-key", "public key", "jwks")


class DeactivateSecret(Deactivate):
    shelf: ClassVar[Shelf] = SECRETS
    says: ClassVar[str] = "deactivates the agent's client secret (experimental)"


class DeactivateKey(Deactivate):
    shelf: ClassVar[Shelf] = KEYS
    says: ClassVar[str] = "deactivates the agent's public key (experimental)"


class AgentCredentials(AccessKind[OktaConnection]):
    """What both lists share."""

    shelf: ClassVar[Shelf]
    on: ClassVar[tuple[str, ...]] = (AI_AGENT,)
    reads: ClassVar[tuple[str, ...]] = (AGENTS.read,)
    survives: ClassVar[str] = ai_agent_token.WHY

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named, shelf = conn.named(ref), self.shelf
        try:
            rows = shelf.listed(conn, named.id)
        except Missing:
            why = f"{self.title}: Okta answers 404 for an agent that is there, so whether it has any is unseen"
            yield BlindSpot(ref, self.name, why, SUBSCRIPTION)
            return
        for credential, row in rows.items():
            state = STATES.get(row["status"], "unknown")
            kid = f" (kid {row['kid']})" if row.get("kid") else ""
            yield Access(
                id=f"{self.name}/{named.id}/{credential}",
                on=ref,
                kind=self.name,
                family=self.family,
                state=state,
                label=f"{shelf.what} {credential}{kid}",
                created=moment(row.get("created")),
                evidence=f"GET …/ai-agents/…/credentials/{shelf.name}",
                door=named.client_id,
                before={"status": row["status"]},
                note="can be activated again by whoever manages AI agents" if state == "disabled" else "",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        mine = [a for a in view.of(self.name) if a.state in ("live", "unknown") and intent.covers(a)]
        if mine and intent.order != "contain":
            why = f"{self.title}: this tool makes no new ones for AI agents, so a rotation leaves them: by hand"
            yield Manual(view.who.ref, self.name, why, tuple(a.id for a in mine))
            return
        if mine and _last_of_all(view, intent, mine):
            yield Notice(view.who.ref, LAST.format(console=console_of(view.who.scope)), "warning")
        for access in mine:
            yield draft_step(
                self, self.remedies[0], view, access, says=f"deactivate {access.label} of AI agent {view.who.name}",
                before={**access.before, **ai_agent_token.standing(view)}, rearms="always",
                lock=f"{view.who.ref}:credentials", breaks=f"whatever signs in as {view.who.name} with it",
            )  # fmt: skip


def _last_of_all(view: View, intent: Intent, mine: Sequence[Access]) -> bool:
    """Whether nothing active would be left; said once, by the kind that has the first of them."""
    live = [a for a in view.accesses if a.kind in (SECRETS.kind, KEYS.kind) and a.state != "disabled"]
    return all(intent.covers(a) for a in live) and live[0] == mine[0]


class AgentSecrets(AgentCredentials):
    shelf: ClassVar[Shelf] = SECRETS
    name: ClassVar[str] = SECRETS.kind
    title: ClassVar[str] = "client secrets of an AI agent (experimental)"
    family: ClassVar[Family] = "secret"
    remedies = (DeactivateSecret(),)


class AgentKeys(AgentCredentials):
    shelf: ClassVar[Shelf] = KEYS
    name: ClassVar[str] = KEYS.kind
    title: ClassVar[str] = "public keys of an AI agent (experimental)"
    family: ClassVar[Family] = "key"
    remedies = (DeactivateKey(),)
