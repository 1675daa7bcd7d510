"""Credentials of outside services that Bedrock AgentCore keeps, and that a principal may fetch in clear.

botocore's models: bedrock-agentcore GetResourceApiKey and GetResourceOauth2Token; bedrock-agentcore-control
List… and Delete…CredentialProvider. Ending the principal does not change what an outside service accepts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done
from nhi_revoke.model.found import Access, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Missing
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke_aws.agentcore import PREFIX, SERVICE, Listing, Usable, usable
from nhi_revoke_aws.connection import AwsConnection

KIND = "aws:agent-credential"
ARN = "credentialProviderArn"
API_KEYS = Listing(
    "ListApiKeyCredentialProviders", "credentialProviders", ARN, f"{PREFIX}:GetResourceApiKey",
    "API keys that AgentCore keeps",
)  # fmt: skip
OAUTH = Listing(
    "ListOauth2CredentialProviders", "credentialProviders", ARN, f"{PREFIX}:GetResourceOauth2Token",
    "OAuth clients that AgentCore keeps",
)  # fmt: skip
LISTINGS = {"api-key": API_KEYS, "oauth2": OAUTH}
OPERATION = {"api-key": "ApiKeyCredentialProvider", "oauth2": "Oauth2CredentialProvider"}
WHAT = {"api-key": "API key", "oauth2": "OAuth client"}
GONE: Json = {"CredentialProvider": "gone"}


class Delete(Doer[AwsConnection]):
    """Only where the scope names it: no agent of the account gets that credential any more."""

    name: ClassVar[str] = "delete"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = tuple(
        f"{PREFIX}:{verb}{thing}" for thing in OPERATION.values() for verb in ("Delete", "Get")
    )
    says: ClassVar[str] = "deletes the credential provider"
    survives: ClassVar[str] = "the credential itself, at the outside service: it is ended there"
    source: ClassVar[str] = "botocore: bedrock-agentcore-control"
    reversible: ClassVar[bool] = False

    def apply(self, conn: AwsConnection, step: Step, run: Run) -> Change:
        try:
            self._ask(conn, "Delete", step)
        except Missing:
            return Already(GONE)
        return Done(GONE, conn.now())

    def seen(self, conn: AwsConnection, step: Step, run: Run) -> Json | None:
        try:
            self._ask(conn, "Get", step)
        except Missing:
            return GONE
        return None

    def _ask(self, conn: AwsConnection, verb: str, step: Step) -> None:
        thing = OPERATION[str(step.before["what"])]
        conn.call(SERVICE, f"{verb}{thing}", region=str(step.before["region"]), name=str(step.before["name"]))


class AgentCredentials(AccessKind[AwsConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "outside credentials that an agent may fetch"
    family: ClassVar[Family] = "secret"
    on: ClassVar[tuple[str, ...]] = ("user", "role")
    reads: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*API_KEYS.reads, *OAUTH.reads)))
    late: ClassVar[bool] = True
    remedies = (Delete(),)
    manual: ClassVar[str] = "end the credential at the service that issued it"
    survives: ClassVar[str] = Delete.survives

    def collect(self, conn: AwsConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        for one in usable(conn, ref, io, KIND, tuple(LISTINGS.values())):
            yield _access(one, ref) if isinstance(one, Usable) else one

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """What it could read is leaked with it, and only the outside service can end that."""
        for access in view.of(KIND):
            what, name = WHAT[access.before["what"]], access.before["name"]
            if intent.scope == access.id:
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"delete credential provider {name}",
                    breaks=f"every agent that fetches the {what} {name}",
                )  # fmt: skip
            if intent.scope in ("all", access.id):
                says = (
                    f"{view.who.kind} {view.who.name} could fetch the {what} {name} in clear: end it at the service "
                    "that issued it, and put a new one into the provider"
                )
                yield Manual(view.who.ref, KIND, says)


def _access(one: Usable, ref: PrincipalRef) -> Access:
    what = next(word for word, listing in LISTINGS.items() if listing is one.listing)
    vendor = one.row.get("credentialProviderVendor")
    of = f" of {vendor}" if vendor else ""
    may = "may fetch it" if one.sure else "may fetch it under conditions, or once released"
    return Access(
        id=f"{KIND}/{{scope}}/{{name}}/{one.region}/{what}/{one.name}",
        on=ref,
        kind=KIND,
        family="secret",
        state="live",
        label=f"{WHAT[what]} {one.name}{of} in {one.region}",
        created=one.row.get("createdTime"),
        evidence=one.listing.reads[0],
        door=one.arn,
        before={"region": one.region, "name": one.name, "what": what},
        opens=False,
        note=f"a credential of an outside service: it {may}",
    )
