"""A new key: made by Google, shown once, handed over in memory, proven by a token.

facts gcp.md 4 and 7 (14, 15): a create is never repeated; what a lost answer left behind is found by difference and
deleted. Ten keys are the most, which Google tells in two forms, one of them as a pause of a day: nobody waits for that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import Fault, NoAnswer, Rejected, Throttled
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.layout import Layout, document
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import stamp
from nhi_revoke_gcp.access.key_end import delete
from nhi_revoke_gcp.access.keys import FOREVER, GONE, access_id, key_of, keys_on
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.permissions import CREATE_KEY, DELETE_KEY, LIST_KEYS
from nhi_revoke_gcp.stopping import SLOTS

FIELD = "private_key"
CONSTRAINT = "constraints/"
KEY_FILE = document(
    "gcp-json",
    (
        "type", "project_id", "private_key_id", FIELD, "client_email", "client_id", "auth_uri", "token_uri",
        "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain",
    ),
)  # fmt: skip
"""As Google itself writes it, and GOOGLE_APPLICATION_CREDENTIALS names it (facts gcp.md 4)."""
FULL = "the account has ten keys, which is the most that Google lets it have"
ROOM = "delete one that nobody uses (`finish` of an earlier run, or --free-slot ID), then rotate"


class Create(Mint[GcpConnection]):
    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (CREATE_KEY, DELETE_KEY, LIST_KEYS)
    says: ClassVar[str] = "makes a new key"
    undone: ClassVar[str] = "the new one is deleted"
    source: ClassVar[str] = "Google Cloud docs: keys.create"
    layouts: ClassVar[tuple[Layout, ...]] = (KEY_FILE,)
    verb: ClassVar[str] = "make"
    origin: ClassVar[str] = "GOOGLE_PROVIDED"
    """`keyOrigin` of what it makes: of others that appear meanwhile it says nothing."""

    def check(self, conn: GcpConnection, step: Step) -> Impossible | None:
        """Before anything is made: whether there is room, as far as the list tells."""
        if step.before.get("freed"):
            return None
        return Impossible(FULL, ROOM) if len(keys_on(conn, _resource(step))) >= SLOTS else None

    def apply(self, conn: GcpConnection, step: Step, run: Run) -> Change:
        asked = {
            "name": _resource(step),
            "private_key_type": "TYPE_GOOGLE_CREDENTIALS_FILE",
            "key_algorithm": "KEY_ALG_RSA_2048",
        }
        try:
            new = conn.iam.send("create_service_account_key", asked, CREATE_KEY, again=False)
        except (Rejected, Throttled) as refused:
            if (why := self._impossible(conn, step, refused)) is not None:
                return why
            raise
        info = _read(bytes(new.private_key_data))
        key = str(new.name).rpartition("/")[2]
        if not info.get(FIELD) or not key:
            raise NoAnswer("Google made a key and did not show it")
        public = {name: str(value) for name, value in info.items() if name != FIELD}
        run.give(step.id, Secret(str(info[FIELD]), field=FIELD, public=public))
        left: Json = {"id": access_id(str(step.before["email"]), key), "field": FIELD, "public": public}
        return Done(left | _ends(new.valid_before_time), conn.now())

    def _impossible(self, conn: GcpConnection, step: Step, refused: Fault) -> Impossible | None:
        if refused.code.startswith(CONSTRAINT):
            way = "let the workload sign in without a key, or have an administrator except the project from it"
            said = f"{refused.code} of the organisation lets nobody {self.verb} a key for this account"
            return Impossible(said, way)
        return Impossible(FULL, ROOM) if len(keys_on(conn, _resource(step))) >= SLOTS else None

    def seen(self, conn: GcpConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if left and key_of(str(left["id"])) in keys_on(conn, _resource(step)) else None

    def orphans(self, conn: GcpConnection, step: Step) -> Sequence[AccessId]:
        """By difference, and by its origin: a key that comes from elsewhere is nobody's orphan here."""
        known, email = set(step.before.get("ids") or ()), str(step.before["email"])
        rows = keys_on(conn, _resource(step)).items()
        ids = (access_id(email, key) for key, row in rows if row.get("keyOrigin", self.origin) == self.origin)
        return [access for access in ids if access not in known]

    def destroy(self, conn: GcpConnection, step: Step, access: AccessId) -> Change:
        return delete(conn, step, access)

    def undo(self, conn: GcpConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: GcpConnection, step: Step, secret: Secret) -> Proven:
        """A new key may need seconds to minutes (facts gcp.md 4)."""
        try:
            refused = conn.signs_in({**secret.public, secret.field: secret.reveal()})
        except Fault as fault:
            return Proven(Proof.UNPROVEN, f"no clear answer to the new key: {fault.message}", conn.now())
        if refused:
            return Proven(Proof.UNPROVEN, f"Google does not accept the new key yet ({refused})", conn.now())
        who = secret.public.get("client_email", "the account")
        return Proven(Proof.ENFORCED, f"{who} got a token with the new key, by new credentials", conn.now())


def _resource(step: Step) -> str:
    return str(step.before["resource"])


def _read(data: bytes) -> dict[str, Any]:
    """The key file; empty where it is none. No error holds any of it."""
    try:
        info = json.loads(data)
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def _ends(moment: datetime | None) -> Json:
    """Where the organisation lets keys live for some hours only (facts gcp.md 4: iam.serviceAccountKeyExpiryHours)."""
    return {"expires": stamp(moment)} if moment is not None and moment.year < FOREVER else {}
