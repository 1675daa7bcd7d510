"""Service-specific credentials of a user: CodeCommit and Keyspaces passwords, API keys of Bedrock and CloudWatch Logs.

They are long-term: no cut by issue time hits them. AWS docs: id_credentials_service-specific-creds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed
from nhi_revoke.model.found import Access, Family
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import AccessId, Json
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Mint
from nhi_revoke.provider.fault import Denied, Missing, NoAnswer, Rejected, Unavailable
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.kind import View, draft_step
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.access import status_credential as status
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.holder import LIMIT
from nhi_revoke_aws.simulate import PERMISSION, verdicts

KIND = "aws:service-credential"
SLOTS = 2
"""Of each service (AWS docs: API_CreateServiceSpecificCredential). Inactive ones count."""
A_DAY = 24 * 3600.0
API = status.Api(
    KIND, "service credential", "ServiceSpecificCredentials", "ServiceSpecificCredential",
    "ServiceSpecificCredentials", "ServiceSpecificCredentialId",
)  # fmt: skip
BEDROCK = "bedrock.amazonaws.com"
NEVER_EXPIRES = "never expires"
SURVIVES = "requests under way; the service's own sessions, where it begins any with it"
SECRET_PARTS = ("ServicePassword", "ServiceCredentialSecret")
"""Of a user name with a password, or of an API key: never both."""
PUBLIC_PARTS = ("ServiceSpecificCredentialId", "ServiceName", "ServiceUserName", "ServiceCredentialAlias")


class Disable(status.Disable):
    """The service takes no Inactive one."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.sets
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_UpdateServiceSpecificCredential"


class Delete(status.Delete):
    """For good: its password or key was shown once, when it was made."""

    api: ClassVar[status.Api] = API
    permissions: ClassVar[tuple[str, ...]] = API.deletes
    survives: ClassVar[str] = SURVIVES
    source: ClassVar[str] = "AWS docs: API_DeleteServiceSpecificCredential"
    settle: ClassVar[float] = 5.0


class Create(Mint[AwsConnection]):
    """A second one for the same service, beside the old: `ResetServiceSpecificCredential` is never used, since the old
    password dies in that moment, before the new one is delivered.

    Proven no better than recorded: it is listed Active, and our policy lets its user through. The service itself is not
    asked: each has a protocol of its own, and none has a request that every such credential may make.
    """

    name: ClassVar[str] = "create"
    permissions: ClassVar[tuple[str, ...]] = (
        "iam:CreateServiceSpecificCredential", "iam:DeleteServiceSpecificCredential", API.reads, PERMISSION,
    )  # fmt: skip
    says: ClassVar[str] = "mints a new credential for the same service"
    undone: ClassVar[str] = "the new one is deleted"
    source: ClassVar[str] = "AWS docs: API_CreateServiceSpecificCredential"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/delete",)

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        user, service = status.user_of(step), str(step.before["ServiceName"])
        age = {"CredentialAgeDays": step.before["CredentialAgeDays"]} if step.before.get("CredentialAgeDays") else {}
        try:
            made = conn.call("iam", "CreateServiceSpecificCredential", UserName=user, ServiceName=service, **age)
        except Rejected as fault:
            if fault.code == LIMIT:
                return Failed(f"not replaced: both slots of {user} for {service} are full")
            raise
        new = made["ServiceSpecificCredential"]
        field = next((part for part in SECRET_PARTS if new.get(part)), "")
        if not field:
            raise NoAnswer(f"AWS made a credential of {user} for {service} and gave no secret with it")
        public = {part: str(new[part]) for part in PUBLIC_PARTS if new.get(part)}
        run.give(step.id, Secret(str(new[field]), field=field, public=public))
        its_id = f"{KIND}/{new['ServiceSpecificCredentialId']}"
        return Done({"id": its_id, "field": field, "public": public}, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        left = run.left(step.id)
        return left if left and _active(conn, step, str(left["id"])) else None

    def orphans(self, conn: AwsConnection, step: Step) -> Sequence[AccessId]:
        """Of this service alone: another service's mint of the same run is not this step's."""
        known = set(step.before.get("ids") or ())
        rows = API.listed(conn, status.user_of(step))
        mine = [f"{KIND}/{i}" for i, row in rows.items() if row["ServiceName"] == step.before["ServiceName"]]
        return [access for access in mine if access not in known]

    def destroy(self, conn: AwsConnection, step: Step, access: AccessId) -> Change:
        return API.remove(conn, status.user_of(step), access)

    def undo(self, conn: AwsConnection, step: Step, left: Json, run: Run) -> Change:
        return self.destroy(conn, step, str(left["id"])) if left.get("id") else Already(status.GONE)

    def opens(self, conn: AwsConnection, step: Step, secret: Secret) -> Proven:
        its_id = f"{KIND}/{secret.public['ServiceSpecificCredentialId']}"
        if not _active(conn, step, its_id):
            return Proven(Proof.UNPROVEN, f"AWS does not list {its_id} as Active yet", conn.now())
        try:
            found = verdicts(conn, step.on.id)
        except (Denied, Rejected, Missing, Unavailable) as fault:
            return Proven(Proof.UNPROVEN, f"delivered, unproven: the simulator could not be asked ({fault.message})")
        if not found or any(v.denied and (v.by_us or not v.by) for v in found):
            why = "our own policy still denies the user: the new credential opens nothing yet"
            return Proven(Proof.UNPROVEN, why, conn.now())
        how = (
            "listed Active, and the simulator shows that our policy does not deny its user; "
            f"{secret.public.get('ServiceName', 'the service')} itself was not asked"
        )
        return Proven(Proof.RECORDED, how, conn.now())


def _active(conn: AwsConnection, step: Step, access: AccessId) -> bool:
    row = API.listed(conn, status.user_of(step)).get(status.id_of(access))
    return row is not None and row["Status"] == "Active"


class ServiceCredentials(status.StatusCredentials):
    """Two for each service. The list has no paginator in botocore: pages are followed by hand, empty ones too."""

    api: ClassVar[status.Api] = API
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "service-specific credentials"
    family: ClassVar[Family] = "secret"
    reads: ClassVar[tuple[str, ...]] = (API.reads,)
    remedies = (Disable(), Delete())
    mint = Create()
    survives: ClassVar[str] = SURVIVES
    breaks: ClassVar[str] = "whatever signs in to that service with it"

    def label(self, row: dict[str, Any]) -> str:
        who = row.get("ServiceUserName") or row.get("ServiceCredentialAlias") or row["ServiceSpecificCredentialId"]
        return f"{row['ServiceName']} credential {who}"

    def notes(self, row: dict[str, Any]) -> list[str]:
        key = row["ServiceName"] == BEDROCK or bool(row.get("ServiceCredentialAlias"))
        said = [NEVER_EXPIRES] if key and not row.get("ExpirationDate") else []
        return [*super().notes(row), *said]

    def before(self, row: dict[str, Any]) -> Json:
        return {"Status": str(row["Status"]), "ServiceName": str(row["ServiceName"])}

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        yield from super().draft(view, intent)
        if KIND in intent.replace and intent.rotate != "no" and intent.reason is not Reason.OFFBOARDING:
            yield from self._replacements(view, intent)

    def _replacements(self, view: View, intent: Intent) -> Iterable[Draft]:
        """By service. Not several at once: their deliveries have the same names, and one would overwrite the other."""
        mine = view.of(KIND)
        live = [a for a in mine if a.state in ("live", "unknown") and intent.covers(a)]
        wanted = dict.fromkeys(map(service_of, live))
        if not wanted or not _wanted_here(view):
            return
        if any(b.kind == KIND for b in view.blind):
            why = "not replaced: the user's service credentials could not be listed, so both slots may be taken"
            yield Manual(view.who.ref, KIND, why)
            return
        if len(wanted) > 1:
            yield Manual(
                view.who.ref, KIND,
                f"not replaced: credentials of {len(wanted)} services ({', '.join(wanted)}) would overwrite each other "
                f"at their delivery; one at a time: rotate with {' or '.join(f'--scope {a.id}' for a in live)}",
            )  # fmt: skip
            return
        for service in wanted:
            yield from self._replacement(view, intent, service, [a for a in mine if service_of(a) == service])

    def _replacement(self, view: View, intent: Intent, service: str, pair: Sequence[Access]) -> Iterable[Draft]:
        lock = f"{view.who.ref}:slots:{service}"
        if len(pair) >= SLOTS:
            spare = _spare(pair, intent)
            if spare is None:
                ids = " or ".join(f"--free-slot {a.id}" for a in pair)
                why = f"not replaced: both slots for {service} are full; {ids} names the one to delete first"
                yield Manual(view.who.ref, KIND, why)
                return
            evidence = {
                **spare.before,
                "CreateDate": spare.created.isoformat() if spare.created else None,
                "ExpirationDate": spare.expires.isoformat() if spare.expires else None,
            }
            yield draft_step(
                self, self.remedies[1], view, spare, phase=Phase.MINT, before=evidence, lock=lock,
                says=f"delete {spare.label}: the new one needs its slot",
            )  # fmt: skip
        days = _days(pair)
        yield draft_step(
            self, self.mint, view, lock=lock,
            says=f"mint a new {service} credential for user {view.who.name}" + (f", for {days} days" if days else ""),
            before={
                "ids": [a.id for a in view.of(KIND)], "ServiceName": service,
                **({"CredentialAgeDays": days} if days else {}),
            },
        )  # fmt: skip


def service_of(access: Access) -> str:
    """Which service it opens."""
    return str(access.before["ServiceName"])


def _wanted_here(view: View) -> bool:
    """Whether a delivery of the map is meant for this principal."""
    targets = [d for d in view.inventory.identity.deliver if d.kind == KIND]
    mine = {"", str(view.who.ref), view.who.typed, view.who.name}
    return not targets or any(d.principal in mine for d in targets)


def _spare(pair: Sequence[Access], intent: Intent) -> Access | None:
    """The one that may go before `finish`: Inactive or expired before the run, else named. AWS tells no last use."""
    named = [a for a in pair if a.id in intent.free_slot]
    idle = sorted((a for a in pair if a.state in ("disabled", "expired")), key=_born)
    return next(iter([*idle, *named]), None)


def _born(access: Access) -> tuple[bool, float]:
    return access.created is None, access.created.timestamp() if access.created else 0.0


def _days(pair: Sequence[Access]) -> int:
    """As long as the newest live one was made for: a key that expires is not replaced by one that never does."""
    live = [a for a in pair if a.state in ("live", "unknown")]
    newest = max(live, key=_born)
    if newest.expires is None or newest.created is None:
        return 0
    return max(1, round((newest.expires - newest.created).total_seconds() / A_DAY))
