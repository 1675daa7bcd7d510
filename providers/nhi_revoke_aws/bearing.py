"""The identity policies that one user or role bears: its own, those attached, and its groups'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from nhi_revoke.provider.fault import Fault, Missing
from nhi_revoke.provider.io import Io
from nhi_revoke_aws.connection import AwsConnection

READS_OF_USER = (
    "iam:ListUserPolicies", "iam:GetUserPolicy", "iam:ListAttachedUserPolicies", "iam:ListGroupsForUser",
    "iam:ListGroupPolicies", "iam:GetGroupPolicy", "iam:ListAttachedGroupPolicies", "iam:GetPolicy",
    "iam:GetPolicyVersion",
)  # fmt: skip
READS_OF_ROLE = ("iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies")
Word = Literal["User", "Role", "Group"]


class Borne(Struct, frozen=True):
    """What was read, and what could not be."""

    documents: tuple[Any, ...]
    faults: tuple[Fault, ...] = ()


class Bearing:
    """Reads side by side, in waves: lists, then documents and the groups' lists, then the rest. A fault hides no other
    policy; what was taken away meanwhile is none.
    """

    def __init__(self, conn: AwsConnection, io: Io) -> None:
        self._conn = conn
        self._io = io
        self._faults: list[Fault] = []

    def of(self, word: Literal["User", "Role"], name: str) -> Borne:
        """All identity policies of a user or role."""
        groups = [self._groups] if word == "User" else []
        inline, attached, *named = self._wave(
            [
                partial(self._inline, word, name),
                partial(self._attached, word, name),
                *(partial(g, name) for g in groups),
            ]
        )
        members = [group for names in named for group in names or ()]
        wave = self._wave(
            [
                *(partial(self._document, word, name, policy) for policy in inline or ()),
                *(partial(self._inline, "Group", group) for group in members),
                *(partial(self._attached, "Group", group) for group in members),
            ]
        )
        own = len(inline or ())
        of_groups, of_theirs = wave[own : own + len(members)], wave[own + len(members) :]
        managed = dict.fromkeys([*(attached or ()), *(arn for arns in of_theirs for arn in arns or ())])
        rest = self._wave(
            [
                *(
                    partial(self._document, "Group", group, policy)
                    for group, policies in zip(members, of_groups, strict=True)
                    for policy in policies or ()
                ),
                *(partial(self._managed, arn) for arn in managed),
            ]
        )
        documents = [document for document in (*wave[:own], *rest) if document is not None]
        return Borne(tuple(documents), tuple(self._faults))

    def managed(self, arns: Sequence[str]) -> Borne:
        """These managed policies alone."""
        documents = [d for d in self._wave([partial(self._managed, arn) for arn in arns]) if d is not None]
        return Borne(tuple(documents), tuple(self._faults))

    def _wave(self, asks: Sequence[Callable[[], Any]]) -> list[Any]:
        """Answers in order; None where there was none."""

        def one(ask: Callable[[], Any]) -> Any:
            try:
                return ask()
            except Missing:
                return None
            except Fault as fault:
                return fault

        answers = self._io.map(one, asks)
        self._faults += [a for a in answers if isinstance(a, Fault)]
        return [None if isinstance(a, Fault) else a for a in answers]

    def _inline(self, word: Word, name: str) -> list[str]:
        named: dict[str, Any] = {f"{word}Name": name}
        return list(self._conn.pages("iam", f"List{word}Policies", "PolicyNames", **named))

    def _attached(self, word: Word, name: str) -> list[str]:
        named: dict[str, Any] = {f"{word}Name": name}
        rows = self._conn.pages("iam", f"ListAttached{word}Policies", "AttachedPolicies", **named)
        return [str(row["PolicyArn"]) for row in rows]

    def _groups(self, user: str) -> list[str]:
        rows = self._conn.pages("iam", "ListGroupsForUser", "Groups", UserName=user)
        return [str(row["GroupName"]) for row in rows]

    def _document(self, word: Word, name: str, policy: str) -> Any:
        named: dict[str, Any] = {f"{word}Name": name, "PolicyName": policy}
        return self._conn.call("iam", f"Get{word}Policy", **named)["PolicyDocument"]

    def _managed(self, arn: str) -> Any:
        version = self._conn.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self._conn.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
        return found["PolicyVersion"]["Document"]
