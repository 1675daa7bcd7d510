"""A new API key bound to the account, restricted as the old one is: made by an operation, its string handed over in
memory.

facts gcp.md 4 and 7 (14): a create is never repeated; what a lost answer left behind is found by difference and
deleted. Google Cloud docs: docs/authentication/api-keys ("Rotate an API key", "Poll long-running operations", "Enable
authorization keys"); the operation's response is the key with its string, which keys.getKeyString tells, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import Denied, Missing, NoAnswer, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_gcp.access import api_keys as keys
from nhi_revoke_gcp.access.api_key_try import attempt
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.constraints import NO_API_KEYS
from nhi_revoke_gcp.operations import under_way
from nhi_revoke_gcp.permissions import (
    AWAIT_API_KEY,
    BIND_API_KEY,
    CREATE_API_KEY,
    DELETE_API_KEY,
    LIST_API_KEYS,
    SHOW_API_KEY,
)
from nhi_revoke_gcp.universe import API_KEYS

FIELD = "keyString"
RUN = "nhi-revoke-run"
"""Annotation of what this tool made: by which run."""
LOOKS, EVERY = 30, 2.0
"""How often an operation is looked at, and seconds between two looks; ours."""
LATE = 20.0
"""Seconds after which what was begun, and never answered, is there; ours."""
COPIED = ("displayName", "restrictions")
OUT = (
    "have an administrator allow the services that the old one is restricted to (allowedServices of the constraint), "
    "or except the project from it while the incident lasts, then rotate; or let the workload do without an API key"
)


class Create(Mint[GcpConnection]):
    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (
        CREATE_API_KEY, BIND_API_KEY, AWAIT_API_KEY, SHOW_API_KEY, DELETE_API_KEY, LIST_API_KEYS,
    )  # fmt: skip
    says: ClassVar[str] = "makes a new API key bound to the account, with the restrictions of the old one"
    undone: ClassVar[str] = "the new one is deleted"
    source: ClassVar[str] = "Google Cloud docs: apikeys keys.create, operations.get, keys.getKeyString"

    def check(self, conn: GcpConnection, step: Step) -> Impossible | None:
        """Before anything is made: whether the organisation lets anybody make one for these services."""
        allowed = {str(each) for each in step.before.get("allowed") or ()}
        if not allowed:
            return None
        wanted = keys.services_of(keys.row_of(conn, step) or {})
        if allowed & set(wanted):
            return None
        named = ", ".join(wanted) or "any service"
        return Impossible(f"constraints/{NO_API_KEYS} of the organisation lets nobody make an API key for {named}", OUT)

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        old = keys.row_of(conn, step)
        if old is None:
            return Impossible("the API key whose restrictions the new one is to have was purged", "make one by hand")
        body = {name: old[name] for name in COPIED if old.get(name)}
        body |= {"serviceAccountEmail": str(step.before["email"]), "annotations": {RUN: run.id}}
        try:
            begun = conn.api(API_KEYS).call(
                "POST", keys.path(str(step.before["project"])), body=body, needs=CREATE_API_KEY, again=False
            )
            new = self._awaited(conn, begun.body)
        except Rejected as refused:
            if refused.code.startswith("constraints/"):
                return Impossible(f"{refused.code} of the organisation lets nobody make this API key", OUT)
            raise
        name = str(new.get("name") or "")
        public = {"name": name, "serviceAccountEmail": str(step.before["email"])}
        run.give(step.id, Secret(self._string(conn, new, name), field=FIELD, public=public))
        return Done({"id": keys.access_id(name), "field": FIELD, "public": public}, conn.now())

    def _awaited(self, conn: GcpConnection, operation: Any) -> Mapping[str, Any]:
        """The new key, once it is there; on the engine's clock. What is begun and not told about may happen later: it
        is looked for by difference. Raises Rejected where Google gave it up, and NoAnswer.
        """
        for _ in range(LOOKS):
            name = under_way(operation)
            if not name:
                break
            conn.io.pace(f"gcp {name}", 1 / EVERY)
            try:
                operation = conn.get(API_KEYS, f"/v2/{_operation(name)}", AWAIT_API_KEY)
            except (Denied, Missing) as fault:
                raise NoAnswer(f"an API key was begun, and what came of it cannot be read: {fault.message}") from None
        new = operation.get("response") if isinstance(operation, dict) else None
        if not isinstance(new, dict) or not keys.NAME.fullmatch(str(new.get("name") or "")):
            raise NoAnswer("Google began an API key and did not show it")
        return new

    def _string(self, conn: GcpConnection, new: Mapping[str, Any], name: str) -> str:
        try:
            told = new.get(FIELD) or conn.get(API_KEYS, f"{keys.path_of(name)}/keyString", SHOW_API_KEY).get(FIELD)
        except Denied as denied:
            raise NoAnswer(f"an API key was made, and its string may not be read: {denied.message}") from None
        if not isinstance(told, str) or not told:
            raise NoAnswer("Google made an API key and did not show its string")
        return told

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if left and str(left["id"]) in self._live(conn, step) else None

    def orphans(self, conn: GcpConnection, step: Step) -> Sequence[AccessId]:
        """What was begun may be there only later: where there is none, a second look follows, on the engine's clock."""
        known = set(step.before.get("ids") or ())
        found = [access for access in self._live(conn, step) if access not in known]
        if found:
            return found
        for _ in range(2):  # the first one returns at once
            conn.io.pace(f"gcp late api keys of {step.on}", 1 / LATE)
        return [access for access in self._live(conn, step) if access not in known]

    def _live(self, conn: GcpConnection, step: Step) -> dict[AccessId, str]:
        """Names of those that work, by access id."""
        rows = keys.rows_of(conn, step).items()
        return {keys.access_id(name): name for name, row in rows if keys.state_of(row) == keys.LIVE}

    def destroy(self, conn: GcpConnection, step: Step, access: AccessId) -> Change:
        """Google shows it as deleted for 30 days."""
        name = self._live(conn, step).get(access)
        if name is None:
            return Already({"state": keys.DELETED})
        try:
            keys.delete(conn, name)
        except Missing:
            return Already({"state": keys.GONE})
        return Done({"state": keys.DELETED}, conn.now())

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already({"state": keys.GONE})

    def opens(self, conn: GcpConnection, step: Step, secret: Secret) -> Proven:
        """What the key is restricted to may be all but what is asked here: then Google's list is the proof."""
        name, email = secret.public["name"], secret.public["serviceAccountEmail"]
        if keys.state_of(keys.bound_in(conn, keys.project_of(name), email).get(name)) != keys.LIVE:
            return Proven(Proof.UNPROVEN, "Google does not list the new API key yet", conn.now())
        tried = attempt(conn, secret)
        if tried.works:
            return Proven(Proof.ENFORCED, "the new API key was tried, and Google takes it", conn.now())
        if tried.known is False:
            return Proven(Proof.UNPROVEN, f"Google does not accept the new API key yet ({tried.said})", conn.now())
        how = (
            f"listed, bound to the account, restricted as the old one is; tried, without a clear answer ({tried.said})"
        )
        return Proven(Proof.RECORDED, how, conn.now())


def _operation(name: str) -> str:
    """Raises NoAnswer for what is no operation's name: it becomes a path."""
    sort, _, rest = name.partition("/")
    if sort != "operations" or not rest or not all(c.isalnum() or c in ".-_" for c in rest):
        raise NoAnswer("an API key was begun, by an operation whose name is not of Google's form")
    return name
