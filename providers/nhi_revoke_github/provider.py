"""The front door: what GitHub access this knows, how its principals are named, and how an organisation is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke.model.found import Leak
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings
from nhi_revoke.provider.fault import Unauthenticated
from nhi_revoke.provider.loopback import is_loopback
from nhi_revoke.provider.recognised import Recognised
from nhi_revoke.provider.secret import Secret
from nhi_revoke_github.access.actions_secret import ActionsSecrets
from nhi_revoke_github.access.app_key import AppKeys
from nhi_revoke_github.access.app_secret import AppSecrets
from nhi_revoke_github.access.collaboration import Collaborations
from nhi_revoke_github.access.deploy_key import AddedDeployKeys
from nhi_revoke_github.access.deploy_key_mint import DeployKeys
from nhi_revoke_github.access.installation import Installations
from nhi_revoke_github.access.installation_token import InstallationTokens
from nhi_revoke_github.access.leaked_token import LeakedTokens
from nhi_revoke_github.access.leaked_value import LEAK, mark, sort_of
from nhi_revoke_github.access.membership import Memberships
from nhi_revoke_github.access.oidc_subject import OidcSubjects
from nhi_revoke_github.access.pat import PersonalTokens
from nhi_revoke_github.access.planted import PlantedThings
from nhi_revoke_github.access.run import Runs
from nhi_revoke_github.access.runner import Runners
from nhi_revoke_github.access.sso_authorization import SsoAuthorizations
from nhi_revoke_github.access.user_key import SigningKeys, SshKeys
from nhi_revoke_github.access.user_token import UserTokens
from nhi_revoke_github.alike import READS as ALIKE
from nhi_revoke_github.alike import alike, linked
from nhi_revoke_github.alive import alive
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.consumers.consumers import consumers
from nhi_revoke_github.consumers.marks import marks
from nhi_revoke_github.consumers.shelves import READS as CONSUMERS
from nhi_revoke_github.finding import find
from nhi_revoke_github.host import api_url
from nhi_revoke_github.naming import KINDS, REPO, REPOSITORY, canonical, owner_of, parse_ref
from nhi_revoke_github.principals import resolve
from nhi_revoke_github.rights.documents import documents
from nhi_revoke_github.rights.holding import holds
from nhi_revoke_github.settings import GithubSettings
from nhi_revoke_github.store.actions_secret import GithubActionsSecrets
from nhi_revoke_github.store.reading import read_by
from nhi_revoke_github.store.sealing import parse_address
from nhi_revoke_github.token_forms import STATELESS, tokens

if TYPE_CHECKING:
    from nhi_revoke.model.alike import Candidate
    from nhi_revoke.model.consumer import Consumer, Mark, Sought
    from nhi_revoke.model.found import Access, BlindSpot, Found
    from nhi_revoke.model.identity import Principal
    from nhi_revoke.model.liveness import Liveness
    from nhi_revoke.model.right import Document, Holding, Stage
    from nhi_revoke.provider.doer import Doer, Store
    from nhi_revoke.provider.io import Io
    from nhi_revoke.provider.kind import AccessKind
    from nhi_revoke.provider.sandbox.contract import Sandbox

TOKEN = re.compile(
    rf"(?<![0-9A-Za-z_])(?:(ghs)_{STATELESS}(?![0-9A-Za-z_-])"
    r"|(ghp|gho|ghu|ghs|ghr|github_pat)_[0-9A-Za-z_]{20,255}(?![0-9A-Za-z_]|\.eyJ))"
)
"""GitHub docs: about-authentication-to-github (token formats). What is handed over needs no checksum to be tried."""
TOKENS = {
    "ghp": "a classic personal access token",
    "github_pat": "a fine-grained personal access token",
    "gho": "a token of an OAuth app",
    "ghu": "a user's token of a GitHub App",
    "ghs": "an installation's token of a GitHub App, which lives for an hour,",
    "ghr": "a refresh token of a GitHub App",
}


class GithubProvider(Provider[GithubConnection]):
    """Apps, machine users, repositories and their running jobs."""

    name: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub"
    extra: ClassVar[str] = "github"
    requires: ClassVar[tuple[str, ...]] = ("jwt", "cryptography", "nacl")
    settings: ClassVar[type[Settings]] = GithubSettings
    principal_kinds: ClassVar[tuple[str, ...]] = KINDS
    finds: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*ALIKE, *CONSUMERS)))

    def kinds(self) -> Sequence[AccessKind[GithubConnection]]:
        return (
            Installations(),
            InstallationTokens(),
            AppKeys(),
            AppSecrets(),
            UserTokens(),
            LeakedTokens(),
            DeployKeys(),
            AddedDeployKeys(),
            Memberships(),
            Collaborations(),
            SshKeys(),
            SigningKeys(),
            PersonalTokens(),
            SsoAuthorizations(),
            Runs(),
            Runners(),
            ActionsSecrets(),
            OidcSubjects(),
            PlantedThings(),
        )

    def targets(self) -> Sequence[Store[GithubConnection] | Doer[GithubConnection]]:
        return (GithubActionsSecrets(),)

    def parse(self, text: str) -> PrincipalRef | None:
        return parse_ref(text)

    def native(self, text: str) -> bool:
        """Nothing that GitHub calls its own is told from other words without `github:` before it."""
        return False

    def kind_of(self, ref: PrincipalRef) -> tuple[str, ...]:
        return (ref.kind,)

    def scope_of(self, ref: PrincipalRef, settings: Any) -> str:
        return owner_of(ref) or str(settings.org)

    def scope_of_target(self, address: str, settings: Any) -> str:
        place = parse_address(address)
        return (place.owner if place else "") or str(settings.org)

    def scopes(self, settings: Any) -> Sequence[str]:
        return (str(settings.org),)

    def connect(self, scope: str, settings: Any, io: Io) -> GithubConnection:
        return GithubConnection(scope, settings, io)

    def resolve(self, conn: GithubConnection, ref: PrincipalRef) -> Principal:
        return resolve(conn, ref)

    def find(self, conn: GithubConnection, name: str) -> Iterable[PrincipalRef]:
        return find(conn, name)

    def alike(self, conn: GithubConnection, name: str) -> Iterable[Candidate | BlindSpot]:
        return alike(conn, name)

    def linked(self, conn: GithubConnection, around: Sequence[Candidate]) -> Iterable[Candidate | BlindSpot]:
        return linked(conn, around)

    def repository(self, text: str) -> PrincipalRef | None:
        return canonical(REPO, text) if REPOSITORY.fullmatch(text) else None

    def kept_in(self, address: str, repository: PrincipalRef, found: Sequence[Found]) -> bool | None:
        return read_by(address, repository, found)

    def marks(self, who: Principal, accesses: Sequence[Access]) -> Iterable[Mark]:
        return marks(who)

    def consumers(self, conn: GithubConnection, sought: Sought) -> Iterable[Consumer | BlindSpot]:
        return consumers(conn, sought)

    def leaks(self, text: str) -> Iterable[tuple[Leak, Secret]]:
        found = [Secret(m[0], field="token", public={"type": m[1] or m[2]}) for m in TOKEN.finditer(text)]
        return ((_leak(sort_of(value), mark(value)), value) for value in found)

    def recognise(self, text: str) -> Iterable[Recognised]:
        """Every prefix, with its checksum where its form has one."""
        for token in tokens(text):
            value = Secret(token.value, field="token", public={"type": token.prefix})
            yield Recognised(_leak(token.prefix, mark(value)), value, token.start, token.start + len(token.value))

    def alive(self, found: Recognised, settings: Any, io: Io) -> Liveness:
        return alive(found, settings, io, os.environ)

    def documents(self, stage: Stage, permissions: Sequence[str]) -> Iterable[Document]:
        return documents(stage, permissions)

    def holds(self, conn: GithubConnection, permissions: Sequence[str]) -> Iterable[Holding]:
        return holds(conn, permissions)

    def on_loopback(self, settings: Any) -> bool:
        try:
            return is_loopback(api_url(settings, os.environ))
        except Unauthenticated:
            return False

    def sandbox(self) -> Sandbox | None:
        from nhi_revoke_github.sandbox.sandbox import GithubSandbox

        return GithubSandbox()


def _leak(prefix: str, known_by: str = "") -> Leak:
    return Leak(LEAK, known_by, note=f"{TOKENS[prefix]} by its shape")
