"""How a repository's jobs sign in to clouds: the subject of their OIDC tokens. Noted; the trust is cut in the cloud.

OpenAPI: actions/get-custom-oidc-sub-claim-for-repo, oidc/get-oidc-custom-sub-template-for-org. GitHub docs: OpenID
Connect reference (`repo:OWNER/NAME:…`; `repo:OWNER@ID/NAME@ID:…` where the subject is immutable). To change the subject
breaks every cloud's trust at once (facts okta-github.md 2.1): it is no remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Draft
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, ForJobs, View
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.host import oidc_issuer
from nhi_revoke_github.naming import REPO, owner_of
from nhi_revoke_github.permissions import ACTIONS, ORG_ADMINISTRATION

KIND = "github:oidc-subject"
DEFAULT = ["repo", "context"]
BEGINS_WITH_NAME = ("repo", "repository")


class OidcSubjects(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "OIDC subject"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (REPO,)
    for_jobs: ClassVar[ForJobs] = "subject"
    reads: ClassVar[tuple[str, ...]] = (ACTIONS.read, ORG_ADMINISTRATION.read)
    manual: ClassVar[str] = "take the subject out of the trusts of the clouds; what was begun before is ended there"
    survives: ClassVar[str] = "sessions that jobs began in clouds"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        mine = conn.get(repo_path(ref.id, "/actions/oidc/customization/sub"), ACTIONS.read)
        default, keys = bool(mine.get("use_default", True)), mine.get("include_claim_keys")
        immutable = mine.get("use_immutable_subject")
        if not mine.get("sub_claim_prefix") and (immutable is None or not (default or keys)):
            theirs = {}
            try:
                theirs = conn.get(org_path(owner_of(ref), "/actions/oidc/customization/sub"), ORG_ADMINISTRATION.read)
            except Denied as denied:
                yield BlindSpot(ref, KIND, denied.message, needs=denied.needs or ORG_ADMINISTRATION.read)
            keys = keys or theirs.get("include_claim_keys")
            immutable = theirs.get("use_immutable_subject") if immutable is None else immutable
        claims = DEFAULT if default else [str(key) for key in keys or DEFAULT]
        pattern = subject(ref, str(mine.get("sub_claim_prefix") or ""), claims, bool(immutable))
        yield Access(
            id=f"{KIND}/{{name}}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"jobs sign in to clouds as {pattern}",
            evidence="GET /repos/…/actions/oidc/customization/sub",
            door=f"{oidc_issuer(conn.url)}/{pattern}",
            opens=False,
            note=f"claims: {', '.join(claims)}. A cloud that trusts it lets jobs of {ref.id} in; {self.manual}",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """Noted: a cloud's trust is that cloud's access."""
        return ()


def subject(ref: PrincipalRef, told: str, claims: Sequence[str], immutable: bool) -> str:
    """A glob. `told`: the prefix as GitHub tells it, which wins. With other claims in front, any value of them fits."""
    if told:
        return f"{told.rstrip(':')}:*"
    if claims[0] not in BEGINS_WITH_NAME:
        return f"{claims[0]}:*"
    owner, _, name = ref.id.partition("/")
    return f"{claims[0]}:{owner}@*/{name}@*:*" if immutable else f"{claims[0]}:{owner}/{name}:*"
