"""An AI agent itself: stopped, and started again. An experiment: third-party notes, never tried.

Okta docs, API reference, AI Agent Registrations (Beta): list, retrieve, activate ("must be activated before it can use
its associated credentials"), 202 with an operation that takes its time; help, ai-agent-statuses (Active, Staged,
Inactive). Third-party notes: deactivate, `{"data": […]}` around lists, `signOnProvider.appInstanceId`, `platform`.
facts okta-github.md 1.1: none of it in Okta's OpenAPI file of 2026.06.3. So the step claims a status that was read, and
nothing of what the status does. An agent is never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.command import command
from nhi_revoke.model.found import Access, Family, Found, Lead, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Fault, Missing, Rejected
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_okta.access import ai_agent_token
from nhi_revoke_okta.connection import AI_AGENTS, OktaConnection
from nhi_revoke_okta.naming import AI_AGENT, APP, canonical
from nhi_revoke_okta.scopes import AGENTS

KIND = "okta:ai-agent"
ACTIVE, INACTIVE, STAGED, DELETED = "ACTIVE", "INACTIVE", "STAGED", "DELETED"
STATES: dict[str, State] = {ACTIVE: "live", INACTIVE: "disabled", STAGED: "disabled"}
STOPPED = frozenset({INACTIVE, STAGED, DELETED})
BOTH = (AGENTS.manage, AGENTS.read)
SUBSCRIPTION = "Okta for AI Agents, subscribed to and switched on in this org"
SOURCE = "Okta docs: API reference, AI Agent Registrations (Beta); third-party notes, never tried"
NOT_OKTAS = frozenset({"", "CUSTOM", "OKTA"})
"""Platforms that name no other vendor's."""
OF_OKTA = re.compile(r"([a-z0-9-]+)\.(okta|oktapreview|okta-emea)\.com")
EXPERIMENT = (
    "AI agents are an experiment of this tool. Okta's published API description has none of these calls: some are on "
    "reference pages marked Beta, others (client secrets) in notes of third parties alone, and nobody has tried this "
    "tool with them on a real org. Read the report with care, and check each line of it at "
)


def console_of(host: str) -> str:
    """Where an administrator looks: the console's address where the org's host tells it. Pure."""
    match = OF_OKTA.fullmatch(host)
    where = f"https://{match[1]}-admin.{match[2]}.com" if match else f"the admin console of {host}"
    return f"{where}, Directory > AI Agents"


def agent_of(conn: OktaConnection, agent: str) -> dict[str, Any]:
    """Raises Missing only where the org answers for its other agents: else Rejected, for nothing is known then."""
    try:
        found: dict[str, Any] = conn.get(f"{AI_AGENTS}/{segment(agent)}", AGENTS.read)
    except Missing:
        try:
            next(iter(conn.rows(AI_AGENTS, AGENTS.read, limit=1)), None)
        except Missing as nothing:
            why = "Okta answers 404 for every AI agent: whether this one still works is unseen"
            raise Rejected(why, code=nothing.code, hint=f"It takes {SUBSCRIPTION}.") from None
        raise
    return found


def status_of(conn: OktaConnection, agent: str) -> str:
    """`DELETED` where it is no more."""
    try:
        return str(agent_of(conn, agent).get("status") or "unknown")
    except Missing:
        return DELETED


class Deactivate(Doer[OktaConnection]):
    """The operation runs on after the answer: only a later look tells that it is done."""

    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = BOTH
    says: ClassVar[str] = "deactivates the AI agent (experimental)"
    undone: ClassVar[str] = "activates it again: what was not ended itself works again"
    survives: ClassVar[str] = f"its credentials, its sign-on app and its connections; {ai_agent_token.WHY}"
    source: ClassVar[str] = SOURCE
    brake: ClassVar[bool] = True

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        status = status_of(conn, step.on.id)
        if status in STOPPED:
            return Already(_left(conn, step, status))
        try:
            conn.send("POST", _path(step, "deactivate"), AGENTS.manage, again=True)
        except (Missing, Rejected, Conflict) as refused:
            return self._refused(conn, step, refused)
        return Done(_left(conn, step, INACTIVE), conn.now())

    def _refused(self, conn: OktaConnection, step: Step, fault: Fault) -> Change:
        """Of an answer that was lost and asked for again, a refusal says that it was done."""
        status = status_of(conn, step.on.id)
        if status in STOPPED:
            return Already(_left(conn, step, status))
        by_hand = f"deactivate it in {console_of(conn.scope)}"
        return Impossible(f"Okta refused ({fault.code}), and the agent is still {status}", by_hand)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        status = status_of(conn, step.on.id)
        if status not in STOPPED:
            return None
        return {**(run.left(step.id) or _left(conn, step, status)), "status": status}

    def prove(self, conn: OktaConnection, step: Step, run: Run) -> Proven:
        how = (
            "its status was read twice, and is not ACTIVE; that an agent which is not active gets no token is what "
            "Okta's Beta reference says, and nobody tried"
        )
        return Proven(Proof.RECORDED, how)

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status, was = status_of(conn, step.on.id), str(step.before["status"])
        if status == was or was in STOPPED:
            return Already({"status": status})
        if status == DELETED:
            return Impossible("the agent was deleted, by somebody else: this tool never does", "register a new one")
        if status != left.get("status"):
            return Failed(f"the agent is {status}, not as this run left it: nothing was changed")
        conn.send("POST", _path(step, "activate"), AGENTS.manage, again=True)
        return Done({"status": ACTIVE}, conn.now())


def _left(conn: OktaConnection, step: Step, status: str) -> Json:
    """Not that it denies everything: nobody has seen what the status does."""
    return {"status": status, **ai_agent_token.ends(conn, step)}


def _path(step: Step, verb: str) -> str:
    return f"{AI_AGENTS}/{segment(step.on.id)}/lifecycle/{verb}"


class Agents(AccessKind[OktaConnection]):
    """The principal as an access, and the app through which users sign in to it."""

    name: ClassVar[str] = KIND
    title: ClassVar[str] = "the AI agent itself (experimental)"
    family: ClassVar[Family] = "principal"
    on: ClassVar[tuple[str, ...]] = (AI_AGENT,)
    reads: ClassVar[tuple[str, ...]] = (AGENTS.read,)
    remedies = (Deactivate(),)
    survives: ClassVar[str] = Deactivate.survives

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        named = conn.named(ref)
        agent = agent_of(conn, named.id)
        status = str(agent.get("status") or "unknown")
        state = STATES.get(status, "unknown")
        note = "lets nobody in by itself: its secrets, keys and tokens do"
        if state == "disabled":
            note = f"{status} already; whoever may manage AI agents can activate it"
        yield Access(
            id=f"{KIND}/{named.id}",
            on=ref,
            kind=KIND,
            family=self.family,
            state=state,
            label="AI agent {name}",
            evidence="GET …/ai-agents/…",
            door=named.id,
            before={"status": status},
            opens=False,
            note=note,
        )
        app = str((agent.get("signOnProvider") or {}).get("appInstanceId") or "")
        if app:
            to = canonical(APP, app)
            why = f"users sign in to {named.name} through this app; deactivating the agent leaves it as it is"
            me = canonical(AI_AGENT, named.id)
            yield Lead(to, why, "GET …/ai-agents/…: signOnProvider", of=me, next=command("list", to))

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        who = view.who
        yield Notice(who.ref, f"{EXPERIMENT}{console_of(who.scope)}", "danger")
        platform = str(who.facts.get("platform") or "")
        if platform.upper() not in NOT_OKTAS:
            says = (
                f"{who.name} runs at {platform}: what it may do there, and its credentials there, are not Okta's to end"
            )
            yield Notice(who.ref, says, "warning")
        if intent.order != "contain":
            return
        if intent.brake == "off" or (intent.brake == "auto" and intent.scope != "all"):
            left = "--brake off" if intent.brake == "off" else f"--scope {intent.scope}"
            yield Notice(who.ref, f"{left} leaves the agent itself running; --brake on stops it", "warning")
            return
        for access in view.of(KIND):
            yield from self._stop(view, intent, access)

    def _stop(self, view: View, intent: Intent, access: Access) -> Iterable[Draft]:
        name, stopped = view.who.name, access.before["status"] in STOPPED
        if intent.brake == "auto" and not stopped:
            says = (
                f"Okta keeps an agent's last active credential, so {name} is deactivated until `release` (brake auto)"
            )
            yield Notice(view.who.ref, says, "warning")
        yield draft_step(
            self, self.remedies[0], view, access,
            says=f"keep AI agent {name} deactivated" if stopped else f"deactivate AI agent {name}",
            before={**access.before, **ai_agent_token.standing(view)}, rearms="no" if stopped else "always",
            breaks="" if stopped else f"all that {name} does through Okta, until release",
        )  # fmt: skip
