"""Access keys of a user: two slots, disabled before deleted. AWS docs: id_credentials_access-keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.found import Access, Family, Found, State
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proven
from nhi_revoke.model.ref import AccessId, Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer, Mint
from nhi_revoke.provider.fault import Denied, Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.layout import Layout, section, variables
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holder import LIMIT
from nhi_revoke_aws.naming import typed_name
from nhi_revoke_aws.principals import name_in
from nhi_revoke_aws.probe import leaked_key_refused, new_key_opens
from nhi_revoke_aws.simulate import PERMISSION

KIND = "aws:access-key"
SLOTS = 2
SETTLE = 60.0
FREED = 5.0
"""Seconds until a deleted key's slot can be used."""
NEVER_USED = "never used"
STATES: dict[str, State] = {"Active": "live", "Inactive": "disabled", "Expired": "expired"}
GONE: Json = {"Status": "gone"}
LIST = "iam:ListAccessKeys"


def listed(conn: AwsConnection, user: str) -> dict[str, dict[str, Any]]:
    """By key id. Always with the user's name: without one, AWS lists the caller's own."""
    return {row["AccessKeyId"]: row for row in conn.pages("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=user)}


def key_of(access: AccessId) -> str:
    return access.rpartition("/")[2]


def user_of(step: Step) -> str:
    return typed_name(step.on)[0]


class Disable(Doer[AwsConnection]):
    """Inactive at once; whoever may iam:UpdateAccessKey can bring it back, until it is deleted."""

    name: ClassVar[str] = "disable"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = ("iam:UpdateAccessKey", LIST)
    says: ClassVar[str] = "sets the key Inactive"
    undone: ClassVar[str] = "sets it Active again: a leaked key has no safe time for that"
    survives: ClassVar[str] = "sessions begun with it, up to 36 hours: the user's sessions are cut separately"
    source: ClassVar[str] = "AWS docs: id_credentials_access-keys; facts of eventual consistency: 3 to 4 s measured"
    settle: ClassVar[float] = SETTLE

    def _set(self, conn: AwsConnection, step: Step, status: str) -> Change:
        try:
            conn.call("iam", "UpdateAccessKey", UserName=user_of(step), AccessKeyId=key_of(step.ends[0]), Status=status)
        except Missing:
            return gone(conn, user_of(step), step.ends[0])
        return Done({"Status": status}, conn.now())

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        return self._set(conn, step, "Inactive")

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        row = listed(conn, user_of(step)).get(key_of(step.ends[0]))
        if row is None:
            return None if elsewhere(conn, user_of(step), step.ends[0]) else GONE
        return None if row["Status"] == "Active" else {"Status": row["Status"]}

    def prove(self, conn: AwsConnection, step: Step, run: Run) -> Proven:
        """With the key's own secret, where it was handed over: AWS itself refuses it, or it does not."""
        read, key = super().prove(conn, step, run), key_of(step.ends[0])
        secret = next((s for s in conn.io.leaked(KIND) if s.public["AccessKeyId"] == key), None)
        return leaked_key_refused(conn, key, secret, read) if secret is not None else read

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        status = listed(conn, user_of(step)).get(key_of(step.ends[0]), GONE)["Status"]
        was = str(step.before["Status"])
        if status == was:
            return Already({"Status": was})
        if status != left.get("Status"):
            return Failed(f"key {key_of(step.ends[0])} is {status}, not as this run left it: nothing was changed")
        return self._set(conn, step, was)


class Delete(Doer[AwsConnection]):
    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = ("iam:DeleteAccessKey", LIST)
    says: ClassVar[str] = "deletes the key"
    survives: ClassVar[str] = "sessions begun with it, up to 36 hours"
    source: ClassVar[str] = "AWS docs: API_DeleteAccessKey"
    reversible: ClassVar[bool] = False
    settle: ClassVar[float] = FREED

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        return remove(conn, user_of(step), step.ends[0])

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        if key_of(step.ends[0]) in listed(conn, user_of(step)):
            return None
        return None if elsewhere(conn, user_of(step), step.ends[0]) else GONE


def remove(conn: AwsConnection, user: str, access: AccessId) -> Change:
    """Safe to repeat."""
    try:
        conn.call("iam", "DeleteAccessKey", UserName=user, AccessKeyId=key_of(access))
    except Missing:
        return gone(conn, user, access)
    return Done(GONE, conn.now())


def gone(conn: AwsConnection, user: str, access: AccessId) -> Change:
    """Of a key that the user of this name does not have: gone, unless another has it."""
    other = elsewhere(conn, user, access)
    if not other:
        return Already(GONE)
    return Failed(
        f"key {key_of(access)} is not gone: it belongs to user {other} by now, since {user} was renamed. Nothing was "
        f"changed: revoke aws:user/{other}"
    )


def elsewhere(conn: AwsConnection, user: str, access: AccessId) -> str:
    """The user that has a key which `user` has not: a renamed one keeps its keys. Empty for a key that nobody has, and
    where AWS does not tell.
    """
    try:
        found = conn.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_of(access))
    except (Missing, Denied):
        return ""
    owner = str(found.get("UserName") or "")
    return owner if owner != user else ""


VARIABLES = variables(
    {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"},
    never=("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
)
PROFILE = section(
    "aws-credentials",
    {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"},
    by_default="default",
    never=("aws_session_token", "aws_security_token"),
)
"""As every SDK reads them. A session's token beside them would be sent along, and refused (botocore/credentials.py)."""


class Create(Mint[AwsConnection]):
    """Not repeated blindly: what a lost answer left behind is found by difference and deleted."""

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = ("iam:CreateAccessKey", "iam:DeleteAccessKey", LIST, PERMISSION)
    says: ClassVar[str] = "mints a new access key"
    undone: ClassVar[str] = "the new key is deleted"
    source: ClassVar[str] = "AWS docs: API_CreateAccessKey"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/delete",)
    layouts: ClassVar[tuple[Layout, ...]] = (VARIABLES, PROFILE)

    def check(self, conn: AwsConnection, step: Step) -> Impossible | None:
        """A mint waits for logs: whoever has the name by then may be another user, and its key would be delivered."""
        wanted, user = str(step.before.get("UserId") or ""), user_of(step)
        try:
            found = str(conn.entity("user", user)["UserId"]) if wanted else ""
        except Denied:
            return None
        if found == wanted:
            return None
        return Impossible(
            f"not replaced: another user is called {user} by now (id {found}; the one of this plan has id {wanted})",
            f"find who has id {wanted}, and revoke it: aws iam list-users --query \"Users[?UserId=='{wanted}']\"",
        )

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            new = conn.call("iam", "CreateAccessKey", UserName=user_of(step))["AccessKey"]
        except Rejected as fault:
            if fault.code == LIMIT:
                return Failed(f"not replaced: both key slots of {user_of(step)} are full")
            raise
        public = {"AccessKeyId": str(new["AccessKeyId"])}
        secret = Secret(str(new["SecretAccessKey"]), field="SecretAccessKey", public=public)
        run.give(step.id, secret)
        return Done({"id": f"{KIND}/{new['AccessKeyId']}", "field": secret.field, "public": public}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        row = listed(conn, user_of(step)).get(key_of(str(left["id"]))) if left else None
        return left if row and row["Status"] == "Active" else None

    def orphans(self, conn: AwsConnection, step: Step) -> Sequence[AccessId]:
        known = set(step.before.get("ids") or ())
        return [f"{KIND}/{key}" for key in listed(conn, user_of(step)) if f"{KIND}/{key}" not in known]

    def destroy(self, conn: AwsConnection, step: Step, access: AccessId) -> Change:
        return remove(conn, user_of(step), access)

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(GONE)

    def opens(self, conn: AwsConnection, step: Step, secret: Secret) -> Proven:
        return new_key_opens(conn, step.on.id, secret)


class AccessKeys(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "access keys"
    family: ClassVar[Family] = "key"
    on: ClassVar[tuple[str, ...]] = ("user",)
    reads: ClassVar[tuple[str, ...]] = (LIST, "iam:GetAccessKeyLastUsed", "iam:GetUser")
    tries: ClassVar[tuple[str, ...]] = (KIND,)
    remedies = (Disable(), Delete())
    mint = Create()
    survives: ClassVar[str] = Disable.survives
    tells_use: ClassVar[bool] = True
    """How late a use shows is documented nowhere (AWS API: GetAccessKeyLastUsed)."""

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for key, row in listed(conn, name_in(conn, ref)).items():
            state = STATES.get(str(row["Status"]), "unknown")
            yield Access(
                id=f"{KIND}/{key}",
                on=ref,
                kind=KIND,
                family=self.family,
                state=state,
                label=f"access key {key}",
                created=row.get("CreateDate"),
                evidence=LIST,
                door=key,
                before={"Status": str(row["Status"])},
                note="can be set Active again by whoever may iam:UpdateAccessKey" if state == "disabled" else "",
            )

    def enrich(self, conn: AwsConnection, found: Sequence[Access], io: Io) -> Iterable[Access]:
        def used(access: Access) -> Access:
            last = conn.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_of(access.id))["AccessKeyLastUsed"]
            when = last.get("LastUsedDate")
            note = access.note if when else "; ".join(filter(None, (access.note, NEVER_USED)))
            return replace(access, last_used=when, never_used=when is None, note=note)

        return io.map(used, found)

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        keys = view.of(KIND)
        for access in keys:
            if access.state in ("live", "unknown") and intent.covers(access):
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"set access key {key_of(access.id)} Inactive",
                    breaks="whatever signs with this key", rearms="always",
                )  # fmt: skip
        if KIND in intent.replace and intent.rotate != "no" and intent.reason is not Reason.OFFBOARDING:
            yield from self._replacement(view, intent, keys)

    def _replacement(self, view: View, intent: Intent, keys: Sequence[Access]) -> Iterable[Draft]:
        if not any(intent.covers(a) for a in keys) or not _wanted_here(view):
            return
        if any(b.kind == KIND for b in view.blind):
            why = "not replaced: the user's keys could not be listed, so both slots may be taken"
            yield Manual(view.who.ref, KIND, why)
            return
        lock = f"{view.who.ref}:slots"
        if len(keys) >= SLOTS:
            spare = _spare(keys, intent)
            if spare is None:
                ids = " or ".join(f"--free-slot {a.id}" for a in keys)
                yield Manual(
                    view.who.ref, KIND,
                    f"not replaced: both slots are full, and whether a key was ever used is unknown or it was; {ids} "
                    "names the one to delete first",
                )  # fmt: skip
                return
            evidence = {
                **spare.before,
                "CreateDate": spare.created.isoformat() if spare.created else None,
                "LastUsed": spare.last_used.isoformat() if spare.last_used else None,
            }
            yield draft_step(
                self, self.remedies[1], view, spare, phase=Phase.MINT, before=evidence, lock=lock,
                says=f"delete access key {key_of(spare.id)}: the new one needs its slot",
            )  # fmt: skip
        yield draft_step(
            self, self.mint, view, says=f"mint a new access key for user {view.who.name}", lock=lock,
            before={"ids": [a.id for a in keys], "UserId": view.who.unique_id},
        )  # fmt: skip


def _wanted_here(view: View) -> bool:
    """Whether a delivery of the map is meant for this principal."""
    targets = [d for d in view.inventory.identity.deliver if d.kind == KIND]
    mine = {"", str(view.who.ref), view.who.typed, view.who.name}
    return not targets or any(d.principal in mine for d in targets)


def _spare(keys: Sequence[Access], intent: Intent) -> Access | None:
    """The one old key that may go before `finish`: inactive before the run, else never used, else named."""
    named = [a for a in keys if a.id in intent.free_slot]
    inactive = [a for a in keys if a.state in ("disabled", "expired")]
    unused = [a for a in keys if NEVER_USED in a.note]
    return next(iter(_oldest(inactive) or _oldest(unused) or named), None)


def _oldest(keys: Sequence[Access]) -> list[Access]:
    return sorted(keys, key=lambda a: (a.created is None, a.created.timestamp() if a.created else 0.0))
