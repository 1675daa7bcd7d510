"""Client secrets of an API service integration: two slots, deactivated before deleted.

OpenAPI: listApiServiceIntegrationInstanceSecrets, createApiServiceIntegrationInstanceSecret (two at most, no body, the
value in this answer alone), deactivate…, activate…, deleteApiServiceIntegrationInstanceSecret (only an INACTIVE one).
Okta docs: guides/build-api-integration (client secret alone, at the org server); help, api-service-integration-rotate-
client-secret. facts okta-github.md 1.4, 20: not through /apps. That an only secret cannot be deactivated is documented
for apps alone (facts 1.2): here it is taken to hold as well, and where it does not, nothing is lost.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import ClassVar
from urllib.parse import quote

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.fault import Fault, Missing, NoAnswer, Rejected, Unauthenticated
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import moment
from nhi_revoke_okta.access import api_service_token, slots
from nhi_revoke_okta.access.client_proof import INTROSPECT, NO_TOKEN, new_one_opens
from nhi_revoke_okta.connection import OktaConnection
from nhi_revoke_okta.naming import API_SERVICE
from nhi_revoke_okta.scopes import SERVICES

KIND = "okta:api-service-secret"
SLOTS = 2
STATES: dict[str, State] = {"ACTIVE": "live", "INACTIVE": "disabled"}
GONE: Json = {"status": "gone"}
SAFE: Json = {"status": "INACTIVE"}
BOTH = (SERVICES.manage, SERVICES.read)
SOURCE = "OpenAPI: API service integrations, secrets; Okta docs: guides/build-api-integration"
SURVIVES = "access tokens that it minted, up to 60 minutes: Okta ends none of them for us"
BY_HAND = (
    "Admin Console > Applications > API Service Integrations: generate a secret, set this one Inactive. Revoking the "
    "integration there ends it as well, for good: its scopes are granted anew when it is installed again"
)


def base(conn: OktaConnection, ref: PrincipalRef) -> str:
    """Path of the integration."""
    return f"/integrations/api/v1/api-services/{segment(conn.named(ref).id)}"


def listed(conn: OktaConnection, ref: PrincipalRef) -> dict[str, dict[str, str]]:
    """By id: status and time of creation. What Okta shows of the value is dropped at once, though it is masked."""
    rows = conn.rows(f"{base(conn, ref)}/credentials/secrets", SERVICES.read)
    return {str(r["id"]): {"status": str(r["status"]), "created": str(r.get("created") or "")} for r in rows}


def id_of(access: AccessId) -> str:
    return access.rpartition("/")[2]


def access_id(conn: OktaConnection, ref: PrincipalRef, secret: str) -> AccessId:
    return f"{KIND}/{conn.named(ref).id}/{secret}"


def status_of(conn: OktaConnection, step: Step) -> str:
    """Of the secret that the step ends, now; `gone` where there is none."""
    return listed(conn, step.on).get(id_of(step.ends[0]), GONE)["status"]


def path_of(conn: OktaConnection, step: Step) -> str:
    return f"{base(conn, step.on)}/credentials/secrets/{segment(id_of(step.ends[0]))}"


def set_status(conn: OktaConnection, path: str, word: str) -> None:
    """`word`: activate or deactivate. Safe to repeat."""
    conn.send("POST", f"{path}/lifecycle/{word}", SERVICES.manage, again=True)


def remove(conn: OktaConnection, path: str, status: str) -> Change:
    """Okta deletes no active one: such a one is deactivated first. Safe to repeat."""
    try:
        if status == "ACTIVE":
            set_status(conn, path, "deactivate")
        conn.send("DELETE", path, SERVICES.manage)
    except Missing:
        return Already(GONE)
    return Done(GONE, conn.now())


class Deactivate(Doer[OktaConnection]):
    """Works where another secret is there; else `replace` does it."""

    name: ClassVar[str] = "deactivate"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = BOTH
    says: ClassVar[str] = "sets the secret INACTIVE"
    undone: ClassVar[str] = "set ACTIVE again: a leaked secret has no safe time for that"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = SOURCE

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        status = status_of(conn, step)
        if status != "ACTIVE":
            return Already(self._left(conn, step, status))
        return self._end(conn, step)

    def _end(self, conn: OktaConnection, step: Step) -> Change:
        try:
            set_status(conn, path_of(conn, step), "deactivate")
        except Missing:
            return Already(self._left(conn, step, GONE["status"]))
        except Rejected as refused:
            return Impossible(f"{refused.message}: the secret still works", BY_HAND)
        return Done(self._left(conn, step, "INACTIVE"), conn.now())

    def _left(self, conn: OktaConnection, step: Step, status: str) -> Json:
        """With the time until which a token lives that was minted just before."""
        standing = str(step.before.get("tokens") or "")
        until = api_service_token.last_end(conn.now())
        return {"status": status, **({"residuals": {standing: until}} if standing else {})}

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        status, left = status_of(conn, step), run.left(step.id)
        if status == "ACTIVE":
            return None
        return {**(left or self._left(conn, step, status)), "status": status}

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        status, was = status_of(conn, step), str(step.before["status"])
        if status == was:
            return Already({"status": was})
        if status != left.get("status"):
            return Failed(f"secret {id_of(step.ends[0])} is {status}, not as this run left it: nothing was changed")
        try:
            set_status(conn, path_of(conn, step), "activate")
        except Missing:
            return Failed(f"secret {id_of(step.ends[0])} was deleted since: nothing was changed")
        return Done({"status": was}, conn.now())


class Replace(Deactivate):
    """Okta deactivates no only secret. So a second one is made, its value is never read, and it is deleted again."""

    name: ClassVar[str] = "replace"
    says: ClassVar[str] = "sets the only secret INACTIVE, with a second one beside it for that moment"

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        here = listed(conn, step.on)
        status = here.get(id_of(step.ends[0]), GONE)["status"]
        if status != "ACTIVE":
            return Already(self._left(conn, step, status))
        if len(here) > 1:  # minted since, or made by an attempt whose answer was lost: the engine sees what appeared
            return self._end(conn, step)
        secrets = f"{base(conn, step.on)}/credentials/secrets"
        try:
            spare = str(conn.send("POST", secrets, SERVICES.manage, again=False)["id"])
        except Rejected as refused:
            return Impossible(f"{refused.message}: the only secret cannot be deactivated", BY_HAND)
        kept = ""
        try:
            ended = self._end(conn, step)
        finally:
            kept = _cleared(conn, f"{secrets}/{segment(spare)}")
        if kept and isinstance(ended, Done):
            return Done({**ended.left, "leaves": kept}, ended.at)
        return ended


def _cleared(conn: OktaConnection, path: str) -> str:
    """Deletes what was made for a moment. Why it is still there, for the report; empty where it is not."""
    try:
        remove(conn, path, "ACTIVE")
    except Fault as fault:
        name = path.rpartition("/")[2]
        return f"client secret {name}, made for a moment and known to nobody, is still there: {fault.message}"
    return ""


class Delete(Doer[OktaConnection]):
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = BOTH
    says: ClassVar[str] = "deletes the secret"
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = SOURCE
    reversible: ClassVar[bool] = False

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        status = status_of(conn, step)
        if status == GONE["status"]:
            return Already(GONE)
        if status == "ACTIVE" and step.phase is Phase.FINISH:
            return Failed(f"secret {id_of(step.ends[0])} was activated again since: it was not deleted")
        return remove(conn, path_of(conn, step), status)

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        return GONE if status_of(conn, step) == GONE["status"] else None


class Create(Mint[OktaConnection]):
    """Not repeated blindly: what a lost answer left behind is found by difference and deleted."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = BOTH
    says: ClassVar[str] = "mints a new client secret"
    undone: ClassVar[str] = "the new secret is deactivated and deleted"
    source: ClassVar[str] = SOURCE
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/delete",)

    def apply(self, conn: OktaConnection, step: Step, run: Run) -> Change:
        if len(listed(conn, step.on)) >= SLOTS:
            return Failed(f"not replaced: both slots of {step.on} are full")
        client = self._client(conn, step)
        new = conn.send("POST", f"{base(conn, step.on)}/credentials/secrets", SERVICES.manage, again=False)
        if not new.get("client_secret"):
            raise NoAnswer("Okta made a client secret and did not show it")
        public = {"client_id": client}
        secret = Secret(str(new["client_secret"]), field="client_secret", public=public)
        run.give(step.id, secret)
        made = access_id(conn, step.on, str(new["id"]))
        return Done({"id": made, "field": secret.field, "public": public}, conn.now())

    def _client(self, conn: OktaConnection, step: Step) -> str:
        """Its client id: the last part of its own link; equal to its id in Okta's examples, and not promised to be."""
        row = conn.get(base(conn, step.on), SERVICES.read)
        href = str(((row.get("_links") or {}).get("client") or {}).get("href") or "")
        return href.rpartition("/")[2] or conn.named(step.on).client_id

    def seen(self, conn: OktaConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        row = listed(conn, step.on).get(id_of(str(left["id"]))) if left else None
        return left if row and row["status"] == "ACTIVE" else None

    def orphans(self, conn: OktaConnection, step: Step) -> Sequence[AccessId]:
        known = set(step.before.get("ids") or ())
        every = (access_id(conn, step.on, secret) for secret in listed(conn, step.on))
        return [access for access in every if access not in known]

    def destroy(self, conn: OktaConnection, step: Step, access: AccessId) -> Change:
        secret = id_of(access)
        row = listed(conn, step.on).get(secret)
        if row is None:
            return Already(GONE)
        return remove(conn, f"{base(conn, step.on)}/credentials/secrets/{segment(secret)}", row["status"])

    def undo(self, conn: OktaConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: OktaConnection, step: Step, secret: Secret) -> Proven:
        return new_one_opens(conn, "client secret", secret.public["client_id"], lambda: _let_in(conn, secret))


def _let_in(conn: OktaConnection, secret: Secret) -> bool:
    """Asked at introspection: it mints nothing. RFC 6749, 2.3.1: both parts are form-encoded before they are joined."""
    both = f"{quote(secret.public['client_id'], safe='')}:{quote(secret.reveal(), safe='')}"
    signed = {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
    try:
        conn.ask_as("POST", INTROSPECT, signed, {"token": NO_TOKEN})
    except Unauthenticated as refused:
        if refused.code == "invalid_client":
            return False
        raise
    return True


class ApiServiceSecrets(AccessKind[OktaConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "client secrets of an API service integration"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = (API_SERVICE,)
    reads: ClassVar[tuple[str, ...]] = (SERVICES.read,)
    remedies = (Deactivate(), Replace(), Delete())
    mint = Create()
    manual: ClassVar[str] = BY_HAND
    survives: ClassVar[str] = SURVIVES

    def collect(self, conn: OktaConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for secret, row in listed(conn, ref).items():
            state = STATES.get(row["status"], "unknown")
            yield Access(
                id=access_id(conn, ref, secret),
                on=ref,
                kind=KIND,
                family=self.family,
                state=state,
                label=f"client secret {secret}",
                created=moment(row["created"]),
                evidence="GET …/api-services/…/credentials/secrets",
                door=secret,
                before={"status": row["status"]},
                note="whoever may okta.oauthIntegrations.manage can activate it again" if state == "disabled" else "",
            )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        secrets = view.of(KIND)
        tokens = next((a.id for a in view.of(api_service_token.KIND)), "")
        deactivate, replace, _ = self.remedies
        new: list[Draft] = []
        if slots.wanted(view, intent, KIND) and any(intent.covers(a) for a in secrets):
            new = list(self._replacement(view, intent, secrets))
        minted = any(isinstance(d, Step) and d.does == f"{KIND}/create" for d in new)
        # In a rollover the new secret stands beside the old one by then.
        only = len(secrets) == 1 and not (intent.order == "rollover" and minted)
        for access in secrets:
            if access.state in ("live", "unknown") and intent.covers(access):
                says = f"set {access.label} INACTIVE" + (", with a second one beside it for a moment" if only else "")
                yield draft_step(
                    self, replace if only else deactivate, view, access, says=says,
                    before={**access.before, "tokens": tokens}, lock=f"{view.who.ref}:secrets",
                    breaks=f"whatever signs in as {view.who.name} with this secret", rearms="always",
                )  # fmt: skip
        yield from new

    def _replacement(self, view: View, intent: Intent, secrets: Sequence[Access]) -> Iterable[Draft]:
        if slots.unlisted(view, KIND):
            why = "not replaced: the integration's secrets could not be listed, so both slots may be taken"
            yield Manual(view.who.ref, KIND, why)
            return
        lock = f"{view.who.ref}:secrets"
        if len(secrets) >= SLOTS:
            spare = slots.spare(secrets, intent)
            if spare is None:
                ids = " or ".join(f"--free-slot {a.id}" for a in secrets)
                why = f"not replaced: both slots are full, and Okta tells no last use; {ids} names the one to delete"
                yield Manual(view.who.ref, KIND, why)
                return
            yield draft_step(
                self, self.remedies[2], view, spare, phase=Phase.MINT, before=slots.evidence(spare), lock=lock,
                says=f"delete {spare.label}: the new one needs its slot",
            )  # fmt: skip
        yield draft_step(
            self, self.mint, view, says=f"mint a new client secret for {view.who.name}", lock=lock,
            before={"ids": [a.id for a in secrets]},
        )  # fmt: skip
