"""A policy, taken apart: who may become it, or make keys for it; and the same policy without some. Pure.

facts gcp.md 1 (row 8), 7 (5, 6): a binding has a role, members and perhaps a condition; read and written at version 3,
or conditions are lost; whatever is not ours to cut stays as it is.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Collection, Iterable
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.model.ref import Json
from nhi_revoke_gcp.naming import OWN, PROVIDER, canonical

VERSION = 3
GIVES = "may give itself any right where it holds that"
"""Of who may write the policy of a project, a folder or the organisation."""
ROLES = {
    "roles/iam.serviceAccountTokenCreator": "gets tokens as it",
    "roles/iam.serviceAccountOpenIdTokenCreator": "gets ID tokens as it",
    "roles/iam.workloadIdentityUser": "gets tokens as it",
    "roles/iam.serviceAccountUser": "may run workloads as it",
    "roles/iam.serviceAccountKeyAdmin": "may make keys for it",
    "roles/iam.serviceAccountAdmin": "may let anybody become it, and enable it",
    "roles/iam.securityAdmin": "may let anybody become it",
    "roles/iam.admin": "may become it, and let anybody become it",
    "roles/iam.devOps": "may run workloads as it, and let anybody become it",
    "roles/iam.editor": "may run workloads as it, and make keys for it",
    "roles/iam.dataScientist": "may run workloads as it",
    "roles/iam.databasesAdmin": "may run workloads as it",
    "roles/backupdr.computeEngineOperator": "may run workloads as it",
    "roles/dataproc.hubAgent": "may run workloads as it",
    "roles/assuredoss.admin": "may make keys for it",
    "roles/securitycenter.admin": "may make keys for it",
    "roles/earthengine.appsPublisher": "may let anybody become it",
    "roles/editor": "may become it",
    "roles/writer": "may become it",
    "roles/owner": "may become it, and let anybody become it",
    "roles/admin": "may become it, and let anybody become it",
    "roles/resourcemanager.projectIamAdmin": f"{GIVES}, and so become it",
    "roles/resourcemanager.folderIamAdmin": f"{GIVES}, and so become it",
    "roles/resourcemanager.folderAdmin": f"{GIVES}, and so become it",
    "roles/resourcemanager.organizationAdmin": f"{GIVES}, and so become it",
}
"""Roles on an account, or on what is above it, by which one becomes it: by the permissions of `BECOMES` (roles.py) in
them, as Google's own definitions have them (roles.get; as they were in August 2026). `writer` and `admin` are the newer
basic roles (Google Cloud docs: iam/docs/roles-overview). Roles of Google's service agents are not among them.
"""
ITSELF = "; it names the account itself: whoever has one token of it goes on for as long as it is enabled"
SHOWN = 12
"""Characters of the hash in an access id."""
ANYBODYS = ("@gmail.com", "@googlemail.com", "@googlegroups.com")
"""How addresses end that anybody makes for himself: no organisation's own."""
Exposure = Literal["anyone", "foreign", "local"]


class Trust(Struct, frozen=True):
    """One member of one binding."""

    role: str
    member: str
    expression: str = ""
    """Of its condition; empty where it has none."""
    title: str = ""
    description: str = ""

    @property
    def text(self) -> str:
        """Stable: as it stands in a step."""
        return " ".join(filter(None, (self.role, self.member, self.expression)))

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:SHOWN]

    @property
    def before(self) -> Json:
        """All that writes it again."""
        told = {"role": self.role, "member": self.member, "expression": self.expression}
        return {**told, "title": self.title, "description": self.description}

    @property
    def is_dead(self) -> bool:
        """Whoever it names was deleted: another one of the same name is not meant (facts gcp.md 7, 5)."""
        return self.member.startswith("deleted:")

    @property
    def lets_in(self) -> tuple[str, ...]:
        """Globs over the aliases of principals."""
        sort, _, who = self.member.partition(":")
        if self.member in ("allUsers", "allAuthenticatedUsers"):
            return ("*",)
        if self.is_dead:
            return ()
        if sort == "serviceAccount" and "[" not in who:
            return (glob.escape(str(canonical(who))),)
        if self.member.startswith("principalSet://") and self.member.endswith("/*"):
            pool = self.member.removeprefix("principalSet:").removesuffix("*")
            return (f"{PROVIDER}:principal:{glob.escape(pool)}*",)
        return (f"{PROVIDER}:{glob.escape(self.member)}",)

    def names(self, email: str) -> bool:
        """Whether it is this account that it lets in."""
        return self.member.lower() == f"serviceaccount:{email.lower()}"

    def exposure(self, project: str, email: str = "") -> Exposure:
        """How far it opens, seen from the account (`email`, where it is known) and its project. People, and accounts of
        the same project, are its own; the account itself is not: whoever has one token of it gets the next one.
        """
        sort, _, who = self.member.partition(":")
        if self.names(email):
            return "foreign"
        if self.member in ("allUsers", "allAuthenticatedUsers"):
            return "anyone"
        if sort in ("user", "group", "domain"):
            return "local"
        own = OWN.fullmatch(who.lower())
        return "local" if sort == "serviceAccount" and own is not None and own["project"] == project else "foreign"

    @property
    def is_anybodys(self) -> bool:
        """Whether it is a person or a group whose address says that it is of no organisation."""
        sort, _, who = self.member.partition(":")
        return sort in ("user", "group") and who.lower().endswith(ANYBODYS)

    def means(self, what: str) -> str:
        """What the member may do, in plain words, with the condition. `what`: what its role allows (roles.py)."""
        gone = ", and was deleted: it lets nobody in" if self.is_dead else ""
        only = f"; only where {self.expression}" if self.expression else ""
        return f"{what}{gone}{only}"


def trust_of(before: Json) -> Trust:
    """From what a step kept."""
    return Trust(**{name: str(before[name]) for name in ("role", "member", "expression", "title", "description")})


def trusts_of(policy: Any) -> list[Trust]:
    """Every member by whom somebody may become the account: by these roles, or the organisation's own."""
    return [t for t in members_of(policy) if t.role in ROLES or not t.role.startswith("roles/")]


def members_of(policy: Any) -> list[Trust]:
    """Every member of every binding, whatever its role allows."""
    return [
        Trust(b.role, member, b.condition.expression, b.condition.title, b.condition.description)
        for b in policy.bindings
        for member in b.members
    ]


def without(policy: Any, cut: Collection[str]) -> Any:
    """The same policy, its etag included, without these (`Trust.text`)."""
    out = type(policy)()
    out.CopyFrom(policy)
    out.version = VERSION
    for binding in out.bindings:
        kept = [m for m in binding.members if Trust(binding.role, m, binding.condition.expression).text not in cut]
        del binding.members[:]
        binding.members.extend(kept)
    full = [b for b in out.bindings if b.members]
    del out.bindings[:]
    out.bindings.extend(full)
    return out


def with_all(policy: Any, trusts: Iterable[Trust]) -> Any:
    """The same policy, its etag included, with these."""
    out = type(policy)()
    out.CopyFrom(policy)
    out.version = VERSION
    for trust in trusts:
        same = (b for b in out.bindings if (b.role, b.condition.expression) == (trust.role, trust.expression))
        binding = next(same, None)
        if binding is None:
            binding = out.bindings.add(role=trust.role)
            if trust.expression:
                binding.condition.expression = trust.expression
                binding.condition.title, binding.condition.description = trust.title, trust.description
        if trust.member not in binding.members:
            binding.members.append(trust.member)
    return out
